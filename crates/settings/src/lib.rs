//! The configuration of orchestrator: every key declared once, with type, default, unit, bounds and meaning.
//!
//! From the declarations in [`mod@keys`](crate::keys()) come the reader of files, warnings about unknown keys, the
//! reference page, the sample file, the printed effective configuration and the typed [`Settings`].
//!
//! The way of a value: JSON text → raw value as read, with its place → effective raw value (credentials files, `${...}`,
//! old names, normal forms) → typed field, with all cross-checks. Each step is pure; files and environment arrive with
//! the [`LoadRequest`]. Errors are collected over all steps and reported together.
//!
//! Deliberately absent: a global configuration, a clock, logging. Secrets are of a type that does not print.

mod addresses;
mod adjust;
mod check;
mod choices;
mod credentials;
mod derived;
mod expand;
mod filters;
mod json;
mod key;
mod keys;
mod load;
mod nearest;
mod output;
mod patterns;
mod read;
mod reference;
mod reload;
mod report;
mod resolve;
mod settings;
mod value;

pub use addresses::HostPort;
pub use choices::{
    Authentication, BackendKind, ConsulScheme, ConsulWrites, HostnameResolve, MessageIdentity, ServerName,
};
pub use filters::{ClusterFilter, ClusterFilters, HostFilters, TextFilters};
pub use key::{JsonType, Key, Status, Unit};
pub use keys::{
    Agents, Attributes, Audit, Authority, Backend, Detection, Discovery, Hooks, Listener, Logging, Metrics,
    Naming, Operations, PseudoGtid, Publication, Raft, Recovery, Topology, Web,
};
pub use load::{LoadRequest, Loaded, SearchPath};
pub use output::{HIDDEN, Secrets};
pub use patterns::{AliasRules, FirstGroup};
pub use reference::{reference_page, sample_file};
pub use reload::{KeyChange, Reloaded, reload};
pub use report::{ConfigError, ConfigErrors, Origin, Position, Warning};
pub use resolve::PacketSize;
pub use settings::Settings;

/// All keys, in the order in which the configuration is printed.
pub fn keys() -> &'static [&'static Key] {
    keys::all()
}
