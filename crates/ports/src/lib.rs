//! What the engine needs from outside, as traits: servers, agents on their hosts, host names, store, command log, hooks,
//! key-value stores, clock, lease.
//!
//! No implementation lives here. Every call takes a [`Deadline`].

mod agents;
mod causes;
mod clock;
mod hooks;
mod lease;
mod names;
mod placeholders;
mod publication;
mod servers;
mod store;

pub use agents::{AgentError, AgentReport, Agents, NoAgents};
pub use causes::WithCauses;
pub use clock::{Clock, Deadline, SystemClock};
pub use hooks::{HookEnvironment, HookError, HookRunner};
pub use lease::{AlwaysActive, Lease};
pub use names::{Names, NoNames};
pub use publication::{ClusterPairs, PublishError, PublishedStore};
pub use servers::{
    ActionError, ActionOutcome, BinaryLog, ErrorClass, LogEvent, LogPage, LostConnection, ProbeError,
    ProbeRequest, Servers,
};
pub use store::{
    AnalysisChange, AuditQuery, CommandLog, DetectionQuery, InstanceWrite, NodeRecord, RecoveryQuery,
    SeedQuery, SnapshotRow, Store, StoreError, TextSearch, TimestampStyle, Written,
};
