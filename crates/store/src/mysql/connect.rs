//! Making connections, and keeping those that are not in use.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bridge::Dialer;
use mysql_async::prelude::Queryable;
use mysql_async::{ClientIdentity, Conn, Opts, OptsBuilder, SslOpts};
use tokio::time::{Instant, timeout};

use super::options::{MaxPacket, MySqlBackend};
use crate::sql;

/// A connection unused for this long is closed: servers and firewalls drop silent ones.
const IDLE_MAX: Duration = Duration::from_secs(120);
/// Prepared statements per connection. Times the connections it stays well below the usual limit of a server.
const STATEMENTS: usize = 64;
const STANDARD_PACKET_BYTES: usize = 64 << 20;
const KEEPALIVE: Duration = Duration::from_secs(20);
/// Not asked from the server, because connections do not get that old unused.
const WAIT_TIMEOUT_SECONDS: usize = 28_800;
const UNKNOWN_DATABASE: u16 = 1049;

/// A connection and its age.
pub(super) struct Link {
    pub(super) connection: Conn,
    pub(super) opened: Instant,
    used: Instant,
    /// It was idle before, so it may have died unnoticed.
    pub(super) is_reused: bool,
}

/// Connections that are not in use.
pub(super) struct Idle {
    backend: MySqlBackend,
    dialer: Dialer,
    links: Mutex<Vec<Link>>,
    kept_max: usize,
}

impl Idle {
    pub(super) fn new(backend: MySqlBackend) -> Self {
        let kept_max = backend.connections_max.map_or(32, |max| (max as usize / 4).max(10));
        Self { backend, dialer: Dialer::default(), links: Mutex::default(), kept_max }
    }

    /// A kept connection, or a new one.
    pub(super) async fn take(&self) -> sql::Result<Link> {
        match self.take_kept() {
            Some(link) => Ok(link),
            None => {
                let connection = connect(&self.dialer, &self.backend, Some(&self.backend.database)).await?;
                let now = Instant::now();
                Ok(Link { connection, opened: now, used: now, is_reused: false })
            }
        }
    }

    fn take_kept(&self) -> Option<Link> {
        let mut links = self.links();
        links.retain(|link| {
            link.used.elapsed() < IDLE_MAX
                && self.backend.connection_lifetime.is_none_or(|limit| link.opened.elapsed() < limit)
        });
        links.pop().map(|link| Link { is_reused: true, ..link })
    }

    /// Keeps a connection that is sound and in no transaction.
    pub(super) fn put(&self, link: Link) {
        let mut links = self.links();
        if links.len() < self.kept_max {
            links.push(Link { used: Instant::now(), ..link });
        }
    }

    /// Forgets every kept connection: one of them was found dead, so the others probably are.
    pub(super) fn clear(&self) {
        self.links().clear();
    }

    fn links(&self) -> MutexGuard<'_, Vec<Link>> {
        self.links.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Creates the database unless it is there. An account that may not create databases is fine when it is.
pub(super) async fn ensure_database(backend: &MySqlBackend) -> sql::Result<()> {
    let dialer = Dialer::default();
    match connect(&dialer, backend, Some(&backend.database)).await {
        Ok(connection) => close(connection).await,
        Err(error) if error.number() == Some(UNKNOWN_DATABASE) => {
            let mut connection = connect(&dialer, backend, None).await?;
            let name = backend.database.replace('`', "``");
            let create = connection.query_drop(format!("create database if not exists `{name}`"));
            match timeout(backend.read_timeout, create).await {
                Ok(outcome) => outcome?,
                Err(_) => return Err(sql::Error::TimedOut(backend.read_timeout)),
            }
            close(connection).await
        }
        Err(error) => Err(error),
    }
}

async fn close(connection: Conn) -> sql::Result<()> {
    // Whether the goodbye arrives does not matter.
    let _ = timeout(Duration::from_secs(1), connection.disconnect()).await;
    Ok(())
}

async fn connect(dialer: &Dialer, backend: &MySqlBackend, database: Option<&str>) -> sql::Result<Conn> {
    match timeout(backend.connect_timeout, dialer.connect(driver_options(backend, database))).await {
        Ok(connection) => Ok(connection?),
        Err(_) => Err(sql::Error::TimedOut(backend.connect_timeout)),
    }
}

fn driver_options(backend: &MySqlBackend, database: Option<&str>) -> Opts {
    let packet_bytes = match backend.max_packet {
        MaxPacket::Standard => Some(STANDARD_PACKET_BYTES),
        MaxPacket::AskServer => None,
        MaxPacket::Bytes(bytes) => Some(bytes),
    };
    // Locks are waited for on the server no longer than we wait for the answer.
    let session = format!(
        "set session time_zone = '+00:00', sql_mode = 'NO_ENGINE_SUBSTITUTION', autocommit = 1, \
         innodb_lock_wait_timeout = {}",
        backend.read_timeout.as_secs().max(1)
    );
    OptsBuilder::default()
        .ip_or_hostname(backend.host.as_str())
        .tcp_port(backend.port)
        .user(Some(backend.user.as_str()))
        .pass(Some(backend.password.expose()))
        .db_name(database)
        // The socket of a server behind a forwarded port is not on this machine.
        .prefer_socket(false)
        .tcp_nodelay(true)
        .tcp_keepalive(Some(KEEPALIVE))
        .max_allowed_packet(packet_bytes)
        .wait_timeout(Some(WAIT_TIMEOUT_SECONDS))
        .stmt_cache_size(STATEMENTS)
        // An update that changes nothing still tells that its row is there.
        .client_found_rows(true)
        .init(vec![session])
        .ssl_opts(tls_options(backend))
        .into()
}

fn tls_options(backend: &MySqlBackend) -> Option<SslOpts> {
    let tls = backend.tls.as_ref()?;
    let mut ssl = SslOpts::default().with_danger_accept_invalid_certs(tls.skip_verify);
    if let Some(ca) = &tls.ca_file {
        ssl = ssl.with_root_certs(vec![ca.clone().into()]).with_disable_built_in_roots(true);
    }
    if let (Some(cert), Some(key)) = (&tls.cert_file, &tls.key_file) {
        ssl = ssl.with_client_identity(Some(ClientIdentity::new(cert.clone().into(), key.clone().into())));
    }
    Some(ssl)
}
