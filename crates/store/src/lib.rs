//! The backend: schema, migrations, and every statement sent to it.
//!
//! [`SqliteStore`] and [`MySqlStore`] implement [`ports::Store`]. All backend SQL of the program is in this crate: tables
//! in `schema`, servers in `instances`, everything else in one file per table under `tables`, written once for both
//! kinds of backend (see `sql`). Times come with commands and facts; nothing here asks a clock, neither the machine's
//! nor the database's, but for the election of the active node of a shared backend ([`ActiveNodeLease`]). A file the original made is opened in place:
//! names, types and formats are the original's, so either program can go on with what the other wrote. Times are
//! stored in whole seconds for that reason.
//!
//! Deliberately absent: decisions, and any knowledge of how commands reach other nodes.

mod apply;
mod cell;
mod instances;
mod lane;
mod mysql;
mod open;
mod schema;
mod sql;
mod sqlite;
mod store;
mod tables;

pub use mysql::{
    ActiveNodeLease, BackendClock, MaxPacket, MySqlBackend, MySqlBackendTls, MySqlStore, OperatorLease,
};
pub use open::OpenOptions;
pub use sqlite::SqliteStore;
