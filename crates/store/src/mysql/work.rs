//! Work in transactions: a connection for each piece, and another try where that is safe.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use ports::{Deadline, StoreError};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout_at;

use super::connect::Idle;
use super::options::MySqlBackend;
use super::session::Session;
use crate::sql::{self, Db};

/// Connections when the settings name no limit; more than the blocking threads of the runtime would help nobody.
const CONNECTIONS_MAX: u32 = 256;
/// Attempts at work that lost against other transactions.
const TRIES_MAX: u32 = 8;

/// `ER_LOCK_DEADLOCK`; also a failed certification on a synchronous cluster.
const DEADLOCK: u16 = 1213;
/// `ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION`, `ER_OPTION_PREVENTS_STATEMENT`, `ER_READ_ONLY_MODE`.
const READ_ONLY: [u16; 3] = [1792, 1290, 1836];

/// How work is wrapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// One transaction that only reads, from one snapshot.
    Read,
    /// One transaction.
    Write,
    /// Each statement for itself.
    Separate,
}

/// Why an attempt ended.
struct Failed {
    error: sql::Error,
    /// Whether the transaction certainly did not happen.
    is_undone: bool,
}

/// The connections made with one configuration.
struct Pool {
    backend: MySqlBackend,
    idle: Idle,
    permits: Arc<Semaphore>,
}

impl Pool {
    fn new(backend: MySqlBackend) -> Arc<Self> {
        let permits = backend.connections_max.unwrap_or(CONNECTIONS_MAX).clamp(1, CONNECTIONS_MAX);
        Arc::new(Self {
            idle: Idle::new(backend.clone()),
            permits: Arc::new(Semaphore::new(permits as usize)),
            backend,
        })
    }
}

/// Runs pieces of work. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub(super) struct Worker {
    pool: Arc<RwLock<Arc<Pool>>>,
}

impl Worker {
    pub(super) fn new(backend: MySqlBackend) -> Self {
        Self { pool: Arc::new(RwLock::new(Pool::new(backend))) }
    }

    /// Takes over another account, other limits or other TLS files of the same database. Work in progress ends as it
    /// began.
    pub(super) fn reconfigure(&self, backend: MySqlBackend) {
        let mut pool = self.pool.write().unwrap_or_else(PoisonError::into_inner);
        let same = &pool.backend;
        let (host, port, database) = (same.host.clone(), same.port, same.database.clone());
        *pool = Pool::new(MySqlBackend { host, port, database, ..backend });
    }

    fn pool(&self) -> Arc<Pool> {
        self.pool.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Runs work and names it in errors. Once begun it is done even when the caller stops waiting.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        operation: &'static str,
        kind: Kind,
        work: impl Fn(&Db<'_>) -> sql::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.attempt(kind, work).await.map_err(|error| StoreError::Statement {
            operation: operation.to_owned(),
            message: super::explain::running(&error),
        })
    }

    /// As [`Worker::run`], with the plain error.
    pub(super) async fn attempt<T: Send + 'static>(
        &self,
        kind: Kind,
        work: impl Fn(&Db<'_>) -> sql::Result<T> + Send + 'static,
    ) -> sql::Result<T> {
        let limit = {
            let backend = &self.pool().backend;
            backend.connect_timeout + backend.read_timeout * 2
        };
        self.attempt_until(Deadline::after(limit), kind, work).await
    }

    /// As [`Worker::attempt`], with another limit for all of it.
    pub(super) async fn attempt_until<T: Send + 'static>(
        &self,
        deadline: Deadline,
        kind: Kind,
        work: impl Fn(&Db<'_>) -> sql::Result<T> + Send + 'static,
    ) -> sql::Result<T> {
        let pool = self.pool();
        let permit = match timeout_at(deadline.instant(), pool.permits.clone().acquire_owned()).await {
            Ok(Ok(permit)) => permit,
            Ok(Err(_)) | Err(_) => return Err(sql::Error::Busy("every connection to the backend is in use")),
        };
        let runtime = Handle::current();
        let job = move || pool.work_blocking(&runtime, deadline, kind, &work, permit);
        match tokio::task::spawn_blocking(job).await {
            Ok(outcome) => outcome,
            Err(_) => Err(sql::Error::Busy("the work panicked and was rolled back")),
        }
    }
}

impl Pool {
    fn work_blocking<T>(
        &self,
        runtime: &Handle,
        deadline: Deadline,
        kind: Kind,
        work: &impl Fn(&Db<'_>) -> sql::Result<T>,
        _permit: OwnedSemaphorePermit,
    ) -> sql::Result<T> {
        let mut tries = 0;
        loop {
            tries += 1;
            let link = runtime.block_on(async {
                timeout_at(deadline.instant(), self.idle.take())
                    .await
                    .unwrap_or(Err(sql::Error::TimedOut(self.backend.connect_timeout)))
            })?;
            let session = Session::new(link, runtime.clone(), deadline, self.backend.read_timeout);
            let failed = match catch_unwind(AssertUnwindSafe(|| transaction(&session, kind, work))) {
                Ok(Ok(answer)) => {
                    self.idle.put(session.into_link());
                    return Ok(answer);
                }
                Ok(Err(failed)) => failed,
                // The connection is dropped with its open transaction.
                Err(_) => return Err(sql::Error::Busy("the work panicked and was rolled back")),
            };
            let is_wrong_server = self.backend.reject_read_only
                && failed.error.number().is_some_and(|number| READ_ONLY.contains(&number));
            let was_stale = session.is_broken() && session.is_reused();
            let has_lost = failed.error.number() == Some(DEADLOCK);
            if session.is_broken() || is_wrong_server {
                self.idle.clear();
            } else {
                self.idle.put(session.into_link());
            }
            let is_retried = failed.is_undone
                && !deadline.has_passed()
                && (was_stale || (is_wrong_server && tries == 1) || (has_lost && tries < TRIES_MAX));
            if !is_retried {
                return Err(failed.error);
            }
            if has_lost {
                std::thread::sleep(Duration::from_millis(5 << tries.min(5)));
            }
        }
    }
}

/// One attempt. Work that fails is rolled back; a connection on which that is impossible is broken, and the server
/// rolls back by itself when it is dropped.
fn transaction<T>(
    session: &Session,
    kind: Kind,
    work: &impl Fn(&Db<'_>) -> sql::Result<T>,
) -> Result<T, Failed> {
    let db = Db::MySql(session);
    let undone = |error| Failed { error, is_undone: true };
    match kind {
        Kind::Read => {
            session.batch("start transaction with consistent snapshot, read only").map_err(undone)?
        }
        Kind::Write => session.batch("start transaction").map_err(undone)?,
        Kind::Separate => {
            // Such work may be repeated.
            return work(&db).map_err(undone);
        }
    }
    match work(&db) {
        Ok(answer) => {
            // Whether a commit without an answer happened is not known.
            session.batch("commit").map_err(|error| Failed {
                is_undone: kind == Kind::Read || error.number() == Some(DEADLOCK),
                error,
            })?;
            Ok(answer)
        }
        Err(error) => {
            if !session.is_broken() {
                // When this fails the session is broken, which the caller sees.
                let _ = session.batch("rollback");
            }
            Err(undone(error))
        }
    }
}
