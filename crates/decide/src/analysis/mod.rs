//! Failure analysis: what is wrong with each server, judged from itself and from its replicas.
//!
//! A primary is not dead because it cannot be reached from here; it is dead when its replicas agree. The work is in
//! three steps: [`facts()`] counts what is known of one server and its direct replicas, the tables of [`rules`] turn
//! facts into one code and any number of structure warnings, and [`analyze`] does so for a fleet and decides what is
//! reported. Everything is a pure function of the fleet, the policy and the time; nothing here knows history.

mod cause;
mod condition;
mod facts;
mod operation;
mod response;
mod round;
pub mod rules;
mod seen;

#[cfg(test)]
mod tests;

pub use cause::diagnose;
pub use condition::Condition;
pub use facts::{facts, fails_to_connect, is_primary, is_reachable, is_readable, replicas};
pub use operation::may_come_from_operation;
pub use response::{Emergency, Response};
pub use round::{AnalysisFilters, Hints, NoFilters, Round, Scope, analyze, analyze_instance, analyze_round};
pub use rules::{Caution, GROUP_MEMBER_RULES, RULES, Rule, STRUCTURE_RULES, StructureRule, rule_of};
pub use seen::NearMiss;
pub(crate) use seen::{near_misses, seen};
