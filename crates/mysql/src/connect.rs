//! Making connections: address, account, encryption, and the few kept per server.
//!
//! No driver pool is used: resetting a connection between uses costs a round trip per probe.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bridge::Dialer;
use model::InstanceKey;
use mysql_async::{ClientIdentity, Conn, DriverError, Error, IoError, Opts, OptsBuilder, SslOpts};
use ports::{Deadline, ErrorClass};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout_at};

use crate::errors::{ACCESS_DENIED, Failure, SECURE_TRANSPORT_REQUIRED};
use crate::options::{MySqlOptions, PacketLimit, TlsMode, TlsOptions};
use crate::session::Session;

/// Connections made at the same time, over all servers; more wait for their turn within their deadline.
const CONCURRENT_CONNECTS: usize = 256;
/// Idle time after which the system probes whether the peer still exists.
const KEEPALIVE: Duration = Duration::from_secs(10);
/// Longest look whether a server that did not answer accepts connections at all.
const ACCEPT_TIME: Duration = Duration::from_millis(100);
const STANDARD_PACKET_BYTES: usize = 64 * 1024 * 1024;
/// The driver asks the server for this unless it is told; connections are kept by our own rules.
const WAIT_TIMEOUT_SECONDS: usize = 28_800;

/// Makes connections, remembering which servers require encryption.
pub(crate) struct Connector {
    dialer: Dialer,
    permits: Semaphore,
    tls_required: Mutex<TlsRequired>,
}

/// Which servers require encryption, and when that was found out.
#[derive(Default)]
struct TlsRequired {
    known: HashMap<InstanceKey, (bool, Instant)>,
    /// At this number of servers what is out of date is dropped.
    full: usize,
}

/// Fewest servers at which something is dropped.
const FULL_MIN: usize = 16;

impl Connector {
    pub(crate) fn new() -> Self {
        Self {
            dialer: Dialer::default(),
            permits: Semaphore::new(CONCURRENT_CONNECTS),
            tls_required: Mutex::default(),
        }
    }

    /// A greeted connection, within the connect time limit and the deadline.
    pub(crate) async fn open(
        &self,
        key: &InstanceKey,
        options: &MySqlOptions,
        deadline: Deadline,
    ) -> Result<Session, Failure> {
        let deadline = deadline.at_most(options.connect_timeout);
        let opening = async {
            let _permit = self.permits.acquire().await;
            let conn = self.connect(key, options).await?;
            Session::greet(conn, !options.skip_maxscale_check, deadline).await
        };
        let opened = timeout_at(deadline.instant(), opening).await;
        opened
            .unwrap_or_else(|_| Err(Failure::timed_out("connecting")))
            .map_err(|failure| Failure { is_early: true, ..failure })
    }

    /// A bare connection; the caller holds the time limit.
    pub(crate) async fn connect(&self, key: &InstanceKey, options: &MySqlOptions) -> Result<Conn, Failure> {
        match options.tls.mode {
            TlsMode::Always => self.attempt(key, options, true).await,
            TlsMode::Never => self.attempt(key, options, false).await,
            TlsMode::Mixed => self.connect_mixed(key, options).await,
        }
    }

    async fn connect_mixed(&self, key: &InstanceKey, options: &MySqlOptions) -> Result<Conn, Failure> {
        let remembered = self.remembered(key, options.tls.cache_ttl);
        if remembered == Some(true) {
            let outcome = self.attempt(key, options, true).await;
            if outcome.is_err() {
                // The server may have changed its mind; find out again next time.
                self.forget(key);
            }
            return outcome;
        }
        let refused = match self.attempt(key, options, false).await {
            Ok(conn) => {
                self.remember(key, false, options.tls.cache_ttl);
                return Ok(conn);
            }
            Err(failure) if !asks_for_encryption(&failure) => return Err(failure),
            Err(failure) => failure,
        };
        match self.attempt(key, options, true).await {
            Ok(conn) => {
                self.remember(key, true, options.tls.cache_ttl);
                Ok(conn)
            }
            // The password is wrong with and without encryption, or the server has none: the first answer counts.
            Err(second) if second.number == Some(ACCESS_DENIED) || refused.number == Some(ACCESS_DENIED) => {
                let message = format!("{}; and with TLS: {}", refused.message, second.message);
                Err(Failure { message, ..refused })
            }
            Err(second) => Err(second),
        }
    }

    async fn attempt(
        &self,
        key: &InstanceKey,
        options: &MySqlOptions,
        encrypted: bool,
    ) -> Result<Conn, Failure> {
        match self.dialer.connect(driver_options(key, options, encrypted)).await {
            Ok(conn) => Ok(conn),
            Err(error @ Error::Io(IoError::Io(_))) => Err(explained(key, error.into()).await),
            Err(Error::Driver(DriverError::UnknownAuthPlugin { name })) => {
                Err(Failure::unusable_account(&options.user, &name))
            }
            Err(Error::Driver(DriverError::CleartextPluginDisabled)) => {
                Err(Failure::unusable_account(&options.user, "mysql_clear_password"))
            }
            Err(error) => Err(error.into()),
        }
    }

    fn remembered(&self, key: &InstanceKey, ttl: Duration) -> Option<bool> {
        let known = self.tls_required.lock().unwrap_or_else(PoisonError::into_inner);
        known.known.get(key).filter(|(_, at)| at.elapsed() < ttl).map(|(required, _)| *required)
    }

    /// What is out of date goes now and then: a server that is not asked any more leaves nothing behind, and among
    /// thousands not every new connection looks through all.
    fn remember(&self, key: &InstanceKey, required: bool, ttl: Duration) {
        let mut tls = self.tls_required.lock().unwrap_or_else(PoisonError::into_inner);
        if tls.known.len() >= tls.full {
            tls.known.retain(|_, (_, at)| at.elapsed() < ttl);
            tls.full = (tls.known.len() * 2).max(FULL_MIN);
        }
        tls.known.insert(key.clone(), (required, Instant::now()));
    }

    pub(crate) fn forget(&self, key: &InstanceKey) {
        self.tls_required.lock().unwrap_or_else(PoisonError::into_inner).known.remove(key);
    }
}

/// MariaDB answers 1045 for both an account and a server that require encryption.
fn asks_for_encryption(failure: &Failure) -> bool {
    matches!(failure.number, Some(SECURE_TRANSPORT_REQUIRED | ACCESS_DENIED))
}

/// Something accepts connections at the address of a server that did not answer: its kernel is alive at least. Asked
/// with a short limit of its own, after the time that the server was given is over.
pub(crate) async fn accepts(key: &InstanceKey) -> bool {
    let connecting = tokio::net::TcpStream::connect((key.hostname(), key.port()));
    matches!(tokio::time::timeout(ACCEPT_TIME, connecting).await, Ok(Ok(_)))
}

/// An address where nobody listens and a name that nobody knows are told in the words that scripts know.
async fn explained(key: &InstanceKey, failure: Failure) -> Failure {
    let found = tokio::net::lookup_host((key.hostname(), key.port())).await.map(|mut found| found.next());
    let message = match found {
        Ok(Some(address)) if failure.class == ErrorClass::Refused => {
            format!("dial tcp {address}: connect: connection refused")
        }
        Ok(Some(_)) => return failure,
        Ok(None) | Err(_) => format!("dial tcp: lookup {}: no such host", key.hostname()),
    };
    Failure { message, ..failure }
}

fn driver_options(key: &InstanceKey, options: &MySqlOptions, encrypted: bool) -> Opts {
    let packet_bytes = match options.max_allowed_packet {
        PacketLimit::Standard => Some(STANDARD_PACKET_BYTES),
        PacketLimit::AskServer => None,
        PacketLimit::Bytes(bytes) => Some(bytes),
    };
    OptsBuilder::default()
        .ip_or_hostname(key.hostname())
        .tcp_port(key.port())
        .user(Some(options.user.as_str()))
        .pass(Some(options.password.expose()))
        // A socket path that the server tells would lead to a server of this machine, not to the one asked for.
        .prefer_socket(false)
        .tcp_nodelay(true)
        .tcp_keepalive(Some(KEEPALIVE))
        .max_allowed_packet(packet_bytes)
        .wait_timeout(Some(WAIT_TIMEOUT_SECONDS))
        .stmt_cache_size(0)
        .ssl_opts(encrypted.then(|| tls_options(&options.tls)))
        .into()
}

fn tls_options(tls: &TlsOptions) -> SslOpts {
    let mut ssl = SslOpts::default().with_danger_accept_invalid_certs(tls.skip_verify);
    if let Some(ca) = &tls.ca_file {
        ssl = ssl.with_root_certs(vec![ca.clone().into()]).with_disable_built_in_roots(true);
    }
    if let (Some(cert), Some(key)) = (&tls.cert_file, &tls.key_file) {
        ssl = ssl.with_client_identity(Some(ClientIdentity::new(cert.clone().into(), key.clone().into())));
    }
    ssl
}

/// The kept connections of one server for one purpose.
pub(crate) struct Lane {
    permits: Semaphore,
    idle: Mutex<Vec<Session>>,
}

impl Lane {
    /// At most `limit` connections at a time.
    pub(crate) fn new(limit: usize) -> Self {
        Self { permits: Semaphore::new(limit), idle: Mutex::default() }
    }

    /// Waits for a free place. The place is held until the permit is dropped.
    pub(crate) async fn enter(&self, deadline: Deadline) -> Result<SemaphorePermit<'_>, Failure> {
        match timeout_at(deadline.instant(), self.permits.acquire()).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) | Err(_) => Err(Failure {
                is_fatal: false,
                is_early: true,
                ..Failure::timed_out("waiting for other work on the same server")
            }),
        }
    }

    /// A kept connection that is not too old.
    pub(crate) fn take(&self, lifetime: Option<Duration>) -> Option<Session> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let mut session = idle.pop()?;
            if lifetime.is_none_or(|limit| session.opened.elapsed() < limit) {
                session.is_reused = true;
                return Some(session);
            }
        }
    }

    /// Something is kept that was made less than this long ago.
    pub(crate) fn has_younger(&self, age: Duration) -> bool {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.iter().any(|session| session.opened.elapsed() < age)
    }

    /// Keeps a connection for the next use, unless it is broken.
    pub(crate) fn put(&self, session: Session) {
        if session.is_sound() {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(session);
        }
    }

    /// Closes what is kept. Work in progress ends by itself.
    pub(crate) fn close(&self) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// A key that no connection can be made to.
pub(crate) fn reject_invalid(key: &InstanceKey) -> Result<(), Failure> {
    if key.is_valid() {
        Ok(())
    } else {
        Err(Failure::own(ErrorClass::Rejected, format!("will not act on invalid instance key: {key}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_known_of_encryption_lapses_and_is_dropped() {
        let (connector, ttl) = (Connector::new(), Duration::from_secs(10));
        let key = |name: String| InstanceKey::new(name, 3306);
        for number in 0..FULL_MIN {
            connector.remember(&key(format!("old{number}")), true, ttl);
        }
        assert_eq!(connector.remembered(&key("old0".to_owned()), ttl), Some(true));
        tokio::time::advance(ttl).await;
        assert_eq!(connector.remembered(&key("old0".to_owned()), ttl), None);
        connector.remember(&key("new".to_owned()), false, ttl);
        assert_eq!(connector.tls_required.lock().unwrap().known.len(), 1);
    }
}
