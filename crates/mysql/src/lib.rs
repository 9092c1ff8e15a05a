//! Observed servers over the MySQL protocol: connections, reading, acting, watching.
//!
//! Implements [`ports::Servers`] for MySQL 5.7 and later, Percona Server, MariaDB and MaxScale binlog servers. Decides
//! nothing: what is read becomes an observation, what is acted was planned elsewhere. Statements live in one place and
//! are chosen by a capability found when the connection is made.

mod act;
mod capabilities;
mod connect;
mod errors;
mod memory;
mod options;
mod probe;
mod servers;
mod session;
mod statements;
mod tables;
mod watch;

pub use options::{MySqlOptions, OwnName, PacketLimit, Queries, TlsMode, TlsOptions};
pub use servers::MySqlServers;
