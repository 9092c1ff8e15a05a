//! What there is: servers, positions, clusters, policies, findings, plans and durable changes, as plain values.
//!
//! This crate knows no I/O, no async, no serialisation and no clock. Time is a [`Timestamp`] handed in.

mod agent;
mod analysis;
mod command;
mod evidence;
mod fleet;
mod instance;
mod key;
mod observation;
mod plan;
mod policy;
mod position;
mod quoted;
mod recorded;
mod recovery;
mod secret;
mod time;
mod version;

pub use agent::*;
pub use analysis::*;
pub use command::*;
pub use evidence::*;
pub use fleet::*;
pub use instance::*;
pub use key::*;
pub use observation::*;
pub use plan::*;
pub use policy::*;
pub use position::*;
pub use quoted::*;
pub use recorded::*;
pub use recovery::*;
pub use secret::*;
pub use time::*;
pub use version::*;
