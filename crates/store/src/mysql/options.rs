//! Where the backend is and how it is reached.

use std::path::PathBuf;
use std::time::Duration;

use model::Secret;

/// A backend on a MySQL or MariaDB server.
#[derive(Clone, Debug)]
pub struct MySqlBackend {
    /// Host name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Schema; created if missing.
    pub database: String,
    /// Account.
    pub user: String,
    /// Its password.
    pub password: Secret,
    /// Time to make a connection.
    pub connect_timeout: Duration,
    /// Time to wait for the answer to one statement.
    pub read_timeout: Duration,
    /// Most open connections; `None` is no limit of ours.
    pub connections_max: Option<u32>,
    /// Connections older than this are replaced.
    pub connection_lifetime: Option<Duration>,
    /// Largest packet.
    pub max_packet: MaxPacket,
    /// A read-only error means that the connection leads to the wrong server: connect again, once.
    pub reject_read_only: bool,
    /// Encryption; `None` is plain text.
    pub tls: Option<MySqlBackendTls>,
}

/// The largest packet sent to a backend.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MaxPacket {
    /// 64 MiB.
    #[default]
    Standard,
    /// What the server says.
    AskServer,
    /// So many bytes.
    Bytes(usize),
}

/// Encryption of the connections to a backend. TLS 1.2 or newer.
#[derive(Clone, Debug, Default)]
pub struct MySqlBackendTls {
    /// Accept any certificate of the server.
    pub skip_verify: bool,
    /// The only authority trusted (PEM); without it those every browser trusts.
    pub ca_file: Option<PathBuf>,
    /// Our certificate (PEM). Shown only together with the key.
    pub cert_file: Option<PathBuf>,
    /// Its key (PEM).
    pub key_file: Option<PathBuf>,
}

impl MySqlBackend {
    /// `host:port`.
    pub(crate) fn host_and_port(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// For messages.
    pub(crate) fn address(&self) -> String {
        format!("`{}` on {}", self.database, self.host_and_port())
    }
}
