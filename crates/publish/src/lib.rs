//! Telling the world outside: runs the operator's hook commands, and writes key-value stores.
//!
//! Which hooks run and what is published, when and with which values is the engine's business; here it is only done, never
//! without a limit.

mod capture;
mod consul;
mod group;
mod shell;
mod zookeeper;

pub use consul::{Consul, ConsulDataCenters, ConsulOptions};
pub use shell::ShellHooks;
pub use zookeeper::ZooKeeper;
