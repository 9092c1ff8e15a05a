//! A deterministic simulator: the engine, unchanged, on simulated servers, network, clients, backend and clock.
//!
//! One seed gives one scenario ([`run_seed`]): clusters, settings, clients, and one to four faults at random times. A
//! safety phase, in which faults happen, is followed by a healing phase, in which all of them end and every cluster has
//! to come to rest. Invariants are checked all the time. The same seed gives the same story, line by line.
//!
//! Everything runs on one thread under Tokio's paused clock. There is one source of chance, no real
//! time, and no collection whose order is not defined.

mod actions;
mod backend;
mod benign;
mod clients;
mod enumerated;
mod faults;
mod inject;
mod invariants;
mod observe;
mod replication;
mod rng;
mod run;
mod schedule;
mod server;
mod servers;
mod surroundings;
mod themes;
mod transactions;
mod world;

pub use enumerated::StepCase;
pub use inject::StepFault;
pub use invariants::Degraded;
pub use run::{Outcome, run_benign, run_seed, run_step};
pub use server::SimFamily;
