//! Operations carried out ([`dispatch`]) and served over HTTP ([`http`]).
//!
//! `dispatch` maps each row of the registry to decisions and the engine; the command line uses it directly. `http` adds
//! paths, methods, authority, limits and JSON around it. Absent on purpose: SQL, statements for database servers, and
//! any list of operations besides the registry.

pub mod dispatch;
mod graphite;
pub mod http;
