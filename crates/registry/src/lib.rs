//! Every operation declared once, and how values look at the wire.
//!
//! A row ([`Operation`]) holds an operation's name, synonyms, routes, parameters, effect, role and help. The commands,
//! the HTTP routes, the help and the check who may do what are made from the rows ([`operations`]). Beside them:
//! [`args`] turns path, query and flags into the same typed arguments, [`wire`] gives JSON its names.
//!
//! Absent on purpose: what an operation does. That is in `server::dispatch`, one exhaustive match per group.

pub mod args;
mod help;
mod nearest;
mod operation;
mod reference;
mod routes;
mod rows;
pub mod wire;

pub use args::{Args, ClusterText, KeyText, Param};
pub use help::{command_list, topic, usage};
pub use nearest::nearest_commands;
pub use operation::{Effect, Operation, OperationId, Role, Section, command, operations};
pub use reference::command_page;
pub use routes::{Matched, RouteTable, percent_decoded};
pub use rows::{
    AgentOperation, BookkeepingOperation, InformationOperation, ManagementOperation, NodeOperation,
    RecoveryOperation, RelocationOperation, ReplicationOperation,
};
