//! Real MySQL and MariaDB servers on loopback, for tests, the demo and benchmarks.
//!
//! A [`Lab`] is a set of servers in a given [`Shape`] of replication, started within seconds and gone without trace when
//! it is dropped, even if the owning process dies. Servers can be killed, stopped for a while, restarted, and cut off
//! from chosen parties; a [`Writer`] plays the application and counts what was acknowledged; an
//! [`OrchestratorProcess`] runs the daemon under test.
//!
//! ```no_run
//! # async fn example() -> anyhow::Result<()> {
//! use lab::{CutKind, Family, Lab, Party};
//! let lab = Lab::builder().family(Family::MySql).shape("a(b,c(d))").start().await?;
//! lab.server("a").execute("INSERT INTO app.writes (id) VALUES (1)").await?;
//! lab.cut(Party::Orchestrator, "a", CutKind::Drop)?;
//! lab.server("a").kill9()?;
//! # Ok(()) }
//! ```
//!
//! `script/setup` installs the servers. Nothing here talks to an address that the lab did not create itself.

mod agent;
mod binaries;
mod credentials;
mod family;
mod firewall;
pub mod fleet;
mod group;
mod home;
mod http;
mod lab;
mod options;
mod orchestrator;
mod ports;
mod replication;
mod scenarios;
mod server;
mod shape;
pub mod sim;
mod spawn;
mod sql;
mod stores;
mod template;
mod wait;
mod writer;
mod writer_report;

pub use agent::ScriptedAgent;
pub use binaries::Binaries;
pub use credentials::{APP, ORCHESTRATOR, REPLICATION, ROOT, User};
pub use family::Family;
pub use firewall::{CutKind, Party};
pub use group::Group;
pub use http::{Response, get};
pub use lab::{Lab, LabBuilder};
pub use orchestrator::OrchestratorProcess;
pub use ports::PortLease;
pub use scenarios::of_version;
pub use server::Server;
pub use shape::{Node, Shape};
pub use sql::Session;
pub use stores::{ConsulSetup, StoreServer};
pub use wait::wait_until;
pub use writer::{Writer, WriterOptions};
pub use writer_report::{Acknowledged, Gap, WriterReport};
