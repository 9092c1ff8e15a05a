//! The rows of the registry: one file per group.
//!
//! To add an operation, add a row; the compiler then points at the match that has to carry it out.

mod agents;
mod bookkeeping;
mod information;
mod management;
mod node;
mod recovery;
mod relocation;
mod replication;

pub use agents::AgentOperation;
pub(crate) use agents::ROWS as AGENTS;
pub use bookkeeping::BookkeepingOperation;
pub(crate) use bookkeeping::ROWS as BOOKKEEPING;
pub use information::InformationOperation;
pub(crate) use information::ROWS as INFORMATION;
pub use management::ManagementOperation;
pub(crate) use management::ROWS as MANAGEMENT;
pub use node::NodeOperation;
pub(crate) use node::ROWS as NODE;
pub(crate) use recovery::ROWS as RECOVERY;
pub use recovery::RecoveryOperation;
pub(crate) use relocation::ROWS as RELOCATION;
pub use relocation::RelocationOperation;
pub(crate) use replication::ROWS as REPLICATION;
pub use replication::ReplicationOperation;

/// Declares the operations of a group: an enum of them, and their rows. A row reads
/// `Variant "name" (synonyms), command|route, Effect, Section, [routes], needs [..], takes [..], "summary", "help";`
macro_rules! operations {
    ($(#[$about:meta])* $group:ident in $member:ident {
        $($variant:ident $name:literal ($($synonym:literal),*), $surface:ident, $effect:ident, $section:ident,
            [$($route:literal),* $(,)?], needs [$($need:ident),*], takes [$($take:ident),*],
            $summary:literal, $help:literal;)+
    }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $group { $(#[doc = $summary] $variant,)+ }

        pub(crate) const ROWS: &[$crate::operation::Operation] = &[
            $($crate::operation::Operation {
                id: $crate::operation::OperationId::$member($group::$variant),
                name: $name,
                synonyms: &[$($synonym),*],
                is_command: operations!(@$surface),
                section: $crate::operation::Section::$section,
                effect: $crate::operation::Effect::$effect,
                routes: &[$($route),*],
                needs: &[$($crate::args::Param::$need),*],
                takes: &[$($crate::args::Param::$take),*],
                summary: $summary,
                help: $help,
            },)+
        ];
    };
    (@command) => { true };
    (@route) => { false };
}
pub(crate) use operations;
