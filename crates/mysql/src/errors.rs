//! Turning driver and server errors into the classes that decisions use. Only numbers and I/O kinds count, never text.

use std::io;

use mysql_async::{DriverError, Error, IoError};
use ports::ErrorClass;

/// `ER_UNKNOWN_SYSTEM_VARIABLE`.
pub(crate) const UNKNOWN_VARIABLE: u16 = 1193;
/// `ER_NO_SUCH_TABLE`.
pub(crate) const NO_SUCH_TABLE: u16 = 1146;
/// `ER_BAD_DB_ERROR`.
pub(crate) const NO_SUCH_SCHEMA: u16 = 1049;
/// `ER_ACCESS_DENIED_ERROR`.
pub(crate) const ACCESS_DENIED: u16 = 1045;
/// `ER_SECURE_TRANSPORT_REQUIRED` of MySQL.
pub(crate) const SECURE_TRANSPORT_REQUIRED: u16 = 3159;
/// `ER_SLAVE_NOT_RUNNING`: stopping what is stopped, on old servers and binlog servers.
pub(crate) const REPLICA_NOT_RUNNING: u16 = 1199;
/// `ER_BAD_SLAVE`: the server is no replica.
pub(crate) const NOT_A_REPLICA: u16 = 1200;
/// `ER_MASTER_INFO` and its successors: broken replication metadata, cured by a reset.
pub(crate) const BROKEN_REPLICATION_METADATA: [u16; 3] = [1201, 1871, 1872];

/// Why a request failed.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) class: ErrorClass,
    /// Server error number, when the server answered with one.
    pub(crate) number: Option<u16>,
    pub(crate) message: String,
    /// The connection cannot be used any more.
    pub(crate) is_fatal: bool,
    /// It came while the connection was made: nothing was asked of the server.
    pub(crate) is_early: bool,
}

impl Failure {
    /// Something we refuse or cannot understand ourselves; the connection stays usable.
    pub(crate) fn own(class: ErrorClass, message: impl Into<String>) -> Self {
        Self { class, number: None, message: message.into(), is_fatal: false, is_early: false }
    }

    /// No answer within the time allowed for `what`.
    pub(crate) fn timed_out(what: &str) -> Self {
        Self {
            class: ErrorClass::TimedOut,
            number: None,
            message: format!("no answer in time while {what}"),
            is_fatal: true,
            is_early: false,
        }
    }

    /// The server wants the account to prove itself in a way that we cannot.
    pub(crate) fn unusable_account(user: &str, plugin: &str) -> Self {
        let message = format!(
            "the server identifies account '{user}' by {plugin}, which orchestrator cannot do; give it another way: \
             ALTER USER '{user}'@'...' IDENTIFIED WITH caching_sha2_password BY '...' (before MySQL 8.0: mysql_native_password; \
             on MariaDB: IDENTIFIED VIA ed25519 USING PASSWORD('...'))"
        );
        Self { class: ErrorClass::AccessDenied, number: None, message, is_fatal: true, is_early: true }
    }

    /// The peer is gone or closed the connection, in contrast to being slow or answering with an error.
    pub(crate) fn is_lost_connection(&self) -> bool {
        self.is_fatal && self.class == ErrorClass::Connection
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let message = error_text(&error);
        let (class, number, is_fatal) = match &error {
            Error::Server(server) => {
                let class = class_of_number(server.code);
                (class, Some(server.code), class == ErrorClass::Connection)
            }
            Error::Io(IoError::Io(source)) => (class_of_io(source.kind()), None, true),
            Error::Io(IoError::Tls(_)) => (ErrorClass::Connection, None, true),
            Error::Driver(DriverError::ConnectionClosed | DriverError::NoClientSslFlagFromServer) => {
                (ErrorClass::Connection, None, true)
            }
            Error::Driver(_) | Error::Other(_) | Error::Url(_) => (ErrorClass::Protocol, None, true),
        };
        Self { class, number, message, is_fatal, is_early: false }
    }
}

/// The text for people: like the reference prints server errors, without the driver's own decoration.
fn error_text(error: &Error) -> String {
    match error {
        Error::Server(server) => format!("Error {} ({}): {}", server.code, server.state, server.message),
        Error::Io(IoError::Io(source)) => source.to_string(),
        Error::Other(source) => source.to_string(),
        other => other.to_string(),
    }
}

fn class_of_io(kind: io::ErrorKind) -> ErrorClass {
    match kind {
        io::ErrorKind::ConnectionRefused => ErrorClass::Refused,
        io::ErrorKind::TimedOut => ErrorClass::TimedOut,
        _ => ErrorClass::Connection,
    }
}

/// The class of a server error number.
pub(crate) fn class_of_number(number: u16) -> ErrorClass {
    match number {
        // Too many connections; user over its connections; user over its resources.
        1040 | 1203 | 1226 => ErrorClass::TooManyConnections,
        // Access to server, schema, table, column, function; missing global privilege; host blocked or not allowed;
        // account locked, password expired, secure transport required.
        1044 | 1045 | 1095 | 1129 | 1130 | 1142 | 1143 | 1227 | 1370 | 1410 | 1698 | 1820 | 1862 | 3118
        | 3159 | 4151 => ErrorClass::AccessDenied,
        // Shutting down; network errors seen by the server; connection killed; idle time over.
        1053 | 1080 | 1152 | 1154 | 1156 | 1158..=1161 | 1184 | 1927 | 4031 => ErrorClass::Connection,
        // Lock wait; statement time limit of MariaDB and MySQL.
        1205 | 1969 | 3024 => ErrorClass::TimedOut,
        _ => ErrorClass::Server,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_decide_the_class() {
        for number in [1040, 1203, 1226] {
            assert_eq!(class_of_number(number), ErrorClass::TooManyConnections);
        }
        for number in [1045, 1129, 1142, 1227, 3159] {
            assert_eq!(class_of_number(number), ErrorClass::AccessDenied);
        }
        assert_eq!(class_of_number(1053), ErrorClass::Connection);
        assert_eq!(class_of_number(1205), ErrorClass::TimedOut);
        assert_eq!(class_of_number(1064), ErrorClass::Server);
    }

    #[test]
    fn a_refused_connection_is_told_from_a_broken_one() {
        let of = |kind: io::ErrorKind| Failure::from(Error::from(io::Error::from(kind))).class;
        assert_eq!(of(io::ErrorKind::ConnectionRefused), ErrorClass::Refused);
        assert_eq!(of(io::ErrorKind::ConnectionReset), ErrorClass::Connection);
        assert_eq!(of(io::ErrorKind::UnexpectedEof), ErrorClass::Connection);
        assert_eq!(of(io::ErrorKind::TimedOut), ErrorClass::TimedOut);
    }
}
