//! The effective configuration, typed and grouped: every part of the program takes the group it needs.

use crate::keys::{
    Agents, Attributes, Audit, Authority, Backend, Detection, Discovery, Hooks, Listener, Logging, Metrics,
    Naming, Operations, PseudoGtid, Publication, Raft, Recovery, Topology, Web,
};
use crate::resolve::Resolving;
use crate::value::Values;

macro_rules! settings {
    ($($(#[doc = $doc:literal])+ $field:ident: $group:ident,)+) => {
        /// The effective configuration: valid, with all defaults, old names and `${...}` taken into account.
        ///
        /// Immutable in use: a reload yields a new one. `Debug` shows no secrets.
        #[derive(Debug, Clone)]
        pub struct Settings {
            $($(#[doc = $doc])+ pub $field: $group,)+
            values: Values,
        }

        impl Settings {
            /// Gives the values their types; `None` if any was refused, which is in the report.
            pub(crate) fn resolve(mut from: Resolving<'_>) -> Option<Self> {
                $(let $field = $group::resolve(&mut from);)+
                Some(Self { $($field: $field?,)+ values: from.values.clone() })
            }
        }
    };
}

settings! {
    /// The log of the process.
    logging: Logging,
    /// The listener of API and web pages.
    listener: Listener,
    /// Who may do what.
    authority: Authority,
    /// orchestrator's own database.
    backend: Backend,
    /// Connections to the managed servers.
    topology: Topology,
    /// Finding and polling servers.
    discovery: Discovery,
    /// Host names.
    naming: Naming,
    /// Attributes of servers and clusters by query and pattern.
    attributes: Attributes,
    /// Judging the state of servers.
    detection: Detection,
    /// Automatic recovery.
    recovery: Recovery,
    /// Commands around detections and recoveries.
    hooks: Hooks,
    /// Moving replicas.
    operations: Operations,
    /// Pseudo-GTID.
    pseudo_gtid: PseudoGtid,
    /// A cluster of orchestrator nodes.
    raft: Raft,
    /// Key-value stores.
    publication: Publication,
    /// The record of operations.
    audit: Audit,
    /// Figures for Graphite.
    metrics: Metrics,
    /// Texts of web pages.
    web: Web,
    /// Agents and seeds.
    agents: Agents,
}

impl Settings {
    /// The effective values in the form of the file.
    pub(crate) fn values(&self) -> &Values {
        &self.values
    }
}
