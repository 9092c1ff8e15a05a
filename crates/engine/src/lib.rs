//! The daemon's work: reading servers, detecting failures, recovering, and what operators ask for.
//!
//! Knows no SQL and no HTTP. Facts come through [`ports::Servers`], decisions from `decide`, changes go out as plans
//! through the executor and as [`model::Command`]s through the command log.

mod acting;
mod agents;
mod audit_log;
mod bookkeeping;
mod canary;
mod compiled;
mod daemon;
mod dead;
mod detection;
mod detection_state;
mod discovery;
mod emergency;
mod engine;
mod executor;
mod explanation;
mod hook_environment;
mod hooks;
mod housekeeping;
mod metrics;
mod operations;
pub mod policies;
mod publication;
mod queue;
mod receiver_test;
mod records;
mod recovery;
mod relocations;
mod samples;
mod servers_control;
mod step_log;
mod supervisor;
mod system_names;
mod throttle;
mod unresolve;
mod write_behind;

pub use bookkeeping::{KeyValues, Reload};
pub use compiled::Compiled;
pub use discovery::ReadError;
pub use engine::{Engine, Identity, Ports};
pub use executor::{PlanEnd, StepEnd, StepError};
pub use metrics::{Counter, FailoverTimes, Gauge, Metrics, RecoveryCounters};
pub use operations::OperationError;
pub use publication::StoreFigures;
pub use recovery::{Attempt, FailoverPreview, TakeoverPreview, TakeoverRequest};
pub use relocations::{Moved, Regrouped};
pub use samples::{BackendSample, DiscoverySample, FlushSample, QueueSample};
pub use servers_control::{EqualRelayPlaces, PlacedEvent};
pub use supervisor::Supervisor;
pub use system_names::SystemNames;
pub use unresolve::Unresolve;
