//! What an error of the backend means for the person who has to mend it. Decided by error numbers and kinds of I/O.

use std::io::ErrorKind;

use mysql_async::{DriverError, Error, IoError};

use super::options::MySqlBackend;
use crate::sql;

const ENCRYPTION_FAILED: &str = "encryption failed; check MySQLOrchestratorSSLCAFile, MySQLOrchestratorSSLCertFile, \
    MySQLOrchestratorSSLPrivateKeyFile and the certificate of the server";

/// Why the backend cannot be opened, and the cure.
pub(super) fn opening(error: &sql::Error, backend: &MySqlBackend) -> String {
    let (user, database) = (&backend.user, &backend.database);
    let cure = match error {
        sql::Error::TimedOut(_) => {
            "the server does not answer; check that it runs, and MySQLOrchestratorHost, MySQLOrchestratorPort and \
             firewalls between here and there"
                .to_owned()
        }
        sql::Error::MySql(Error::Server(server)) => match server.code {
            1045 | 1698 => format!(
                "the server refuses user `{user}`; check MySQLOrchestratorUser and MySQLOrchestratorPassword (or \
                 MySQLOrchestratorCredentialsConfigFile)"
            ),
            1044 | 1142 | 1227 => format!(
                "user `{user}` lacks rights; run on the server: GRANT ALL PRIVILEGES ON `{database}`.* TO '{user}'@…"
            ),
            1040 | 1203 | 1226 => {
                "the server has no connection left; raise max_connections there, or lower \
                 MySQLOrchestratorMaxPoolConnections"
                    .to_owned()
            }
            1290 | 1792 | 1836 => "the server is read-only; MySQLOrchestratorHost must lead to the writable one".to_owned(),
            1130 => "the server accepts no connections from this machine; check the host part of the account there"
                .to_owned(),
            3159 => "the server demands encryption; set \"MySQLOrchestratorUseMutualTLS\": true".to_owned(),
            _ => return error.to_string(),
        },
        sql::Error::MySql(Error::Io(IoError::Io(io))) => match io.kind() {
            ErrorKind::ConnectionRefused => {
                "nobody listens there; start the database server, or check MySQLOrchestratorHost and \
                 MySQLOrchestratorPort"
                    .to_owned()
            }
            ErrorKind::NotFound => "a file or name is missing; check MySQLOrchestratorHost and the TLS files".to_owned(),
            // What the encryption library says about certificates comes as invalid data.
            ErrorKind::InvalidData => ENCRYPTION_FAILED.to_owned(),
            _ => "the server cannot be reached; check MySQLOrchestratorHost and MySQLOrchestratorPort".to_owned(),
        },
        sql::Error::MySql(Error::Io(IoError::Tls(_))) => ENCRYPTION_FAILED.to_owned(),
        sql::Error::MySql(Error::Driver(DriverError::NoClientSslFlagFromServer)) => {
            "the server offers no encryption; give it a certificate, or set \"MySQLOrchestratorUseMutualTLS\": false"
                .to_owned()
        }
        sql::Error::MySql(_) | sql::Error::Sqlite(_) | sql::Error::Busy(_) | sql::Error::NoColumn(_) => {
            return error.to_string();
        }
    };
    format!("{cure} ({error})")
}

/// A failure later on, in short.
pub(super) fn running(error: &sql::Error) -> String {
    match error {
        sql::Error::MySql(Error::Server(server)) => format!("{} (error {})", server.message, server.code),
        other => other.to_string(),
    }
}
