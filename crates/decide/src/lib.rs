//! What it means and what to do: pure decisions over what is known of all servers.
//!
//! Every function here takes values (fleet, policy, time) and returns values (findings, plans, refusals, text). There is
//! no I/O, no clock, no randomness and no map without order, so equal input gives equal output on every node.

pub mod analysis;
pub mod cluster_attributes;
pub mod clusters;
pub mod errant;
pub mod explain;
pub mod failover;
pub mod log_events;
pub mod plan_checker;
pub mod publication;
pub mod receiver_test;
pub mod relocation;
pub mod replication_rules;
#[cfg(any(test, feature = "scenario"))]
pub mod scenario;
pub mod seeds;
pub mod semi_sync;
pub mod takeover;
pub mod topology_text;
