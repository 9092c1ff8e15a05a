//! The key table: one file per group, each key declared once, as a row of a `group!`.
//!
//! To add a key, add a row; give it the next free number. The parser, the check for unknown keys, the printed
//! configuration, the reference page and the sample file follow.

mod backend;
mod detection;
mod discovery;
mod listener;
mod operations;
mod publication;
mod raft;
mod recovery;

use std::collections::BTreeMap;
use std::sync::LazyLock;

pub use backend::{Backend, Topology};
pub use detection::{Attributes, Detection};
pub use discovery::{Discovery, Naming};
pub use listener::{Agents, Authority, Listener};
pub use operations::{Operations, PseudoGtid};
pub use publication::{Audit, Logging, Metrics, Publication, Web};
pub use raft::Raft;
pub use recovery::{Hooks, Recovery};

use crate::key::Key;

/// Names that older versions of orchestrator knew. Files may still hold them; they are passed over in silence.
pub(crate) const RETIRED: &[&str] = &[
    "DatabaselessMode__experimental",
    "BufferBinlogEvents",
    "BinlogFileHistoryDays",
    "MaintenanceOwner",
    "ReadLongRunningQueries",
    "DiscoveryPollSeconds",
    "ActiveNodeExpireSeconds",
    "AuditPageSize",
    "SlaveStartPostWaitMilliseconds",
    "MySQLTopologyMaxPoolConnections",
    "MaintenancePurgeDays",
    "MaintenanceExpireMinutes",
    "HttpTimeoutSeconds",
    "AgentAutoDiscover",
    "PseudoGTIDCoordinatesHistoryHeuristicMinutes",
    "PseudoGTIDPreferIndependentMultiMatch",
    "MaxOutdatedKeysToShow",
    "StatusSimpleHealth",
];

/// The groups in the order of the reference page.
const GROUPS: &[&[Key]] = &[
    Logging::KEYS,
    Listener::KEYS,
    Authority::KEYS,
    Backend::KEYS,
    Topology::KEYS,
    Discovery::KEYS,
    Naming::KEYS,
    Attributes::KEYS,
    Detection::KEYS,
    Recovery::KEYS,
    Hooks::KEYS,
    Operations::KEYS,
    PseudoGtid::KEYS,
    Raft::KEYS,
    Publication::KEYS,
    Audit::KEYS,
    Metrics::KEYS,
    Web::KEYS,
    Agents::KEYS,
];

static ORDERED: LazyLock<Vec<&'static Key>> = LazyLock::new(|| {
    let mut keys: Vec<_> = GROUPS.iter().copied().flatten().collect();
    keys.sort_by_key(|key| key.order);
    keys
});

static FOLDED: LazyLock<BTreeMap<String, &'static Key>> =
    LazyLock::new(|| all().iter().map(|key| (key.name.to_ascii_lowercase(), *key)).collect());

/// All keys in the order in which the configuration is printed.
pub(crate) fn all() -> &'static [&'static Key] {
    &ORDERED
}

/// The groups in the order of the reference page, each with its keys in order of declaration.
pub(crate) fn groups() -> impl Iterator<Item = &'static [Key]> {
    GROUPS.iter().copied()
}

/// The key of that name, whatever the case of its letters.
pub(crate) fn find(name: &str) -> Option<&'static Key> {
    FOLDED.get(&name.to_ascii_lowercase()).copied()
}
