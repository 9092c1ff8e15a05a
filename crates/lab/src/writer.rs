//! The application: writes rows as fast as they are acknowledged to whichever server is writable.
//!
//! Each row has an id that is never used twice. An id is *acknowledged* (the server said so), *refused* (the server said
//! that it did not write it) or *unknown* (the connection broke or the deadline passed): unknown is not absent.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use futures_util::future::select_all;
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Error, Opts, OptsBuilder};
use tokio::task::JoinSet;

use crate::credentials::APP;
use crate::writer_report::{Acknowledged, WriterReport};

/// How often a read-only server is asked whether it is writable now: the resolution of measured gaps.
const LOOK_EVERY: Duration = Duration::from_millis(3);
/// The errors with which a server says that nothing was written: read-only in its variants, no permission, no such table.
const REFUSALS: &[u16] = &[1290, 1792, 1836, 3100, 1044, 1045, 1142, 1146];

/// How a [`Writer`] works.
#[derive(Debug, Clone)]
pub struct WriterOptions {
    /// Connections that write at the same time.
    pub connections: usize,
    /// The longest that one write may take; after that its outcome is unknown and a writable server is looked for again.
    pub deadline: Duration,
    /// Pause after each write; `None` writes as fast as rows are acknowledged.
    pub pace: Option<Duration>,
    /// The first id; writers that share a table need ranges of their own.
    pub first_id: u64,
}

impl Default for WriterOptions {
    fn default() -> Self {
        Self { connections: 1, deadline: Duration::from_millis(500), pace: None, first_id: 1 }
    }
}

/// A running application. Dropping it ends it.
#[derive(Debug)]
pub struct Writer {
    shared: Arc<Shared>,
    tasks: JoinSet<()>,
}

#[derive(Debug)]
struct Shared {
    addresses: Vec<(String, Opts)>,
    options: WriterOptions,
    stop: AtomicBool,
    next_id: AtomicU64,
    report: Mutex<WriterReport>,
}

impl Writer {
    /// Starts writing to the servers at these addresses (`127.0.0.1:PORT`); needs a Tokio runtime.
    ///
    /// Errors: an address without port.
    pub fn start(addresses: &[String], options: WriterOptions) -> Result<Self> {
        let addresses: Vec<(String, Opts)> = addresses
            .iter()
            .map(|address| Ok((address.clone(), app_options(address)?)))
            .collect::<Result<_>>()?;
        let shared = Arc::new(Shared {
            report: Mutex::new(WriterReport::default()),
            next_id: AtomicU64::new(options.first_id),
            stop: AtomicBool::new(false),
            addresses,
            options,
        });
        let mut tasks = JoinSet::new();
        for _ in 0..shared.options.connections {
            let shared = Arc::clone(&shared);
            tasks.spawn(async move { shared.work().await });
        }
        Ok(Self { shared, tasks })
    }

    /// How many rows were acknowledged so far.
    pub fn acknowledged(&self) -> usize {
        self.shared.report().acknowledged.len()
    }

    /// The newest acknowledgement.
    pub fn last_acknowledged(&self) -> Option<Acknowledged> {
        self.shared.report().acknowledged.last().cloned()
    }

    /// What happened so far.
    pub fn report(&self) -> WriterReport {
        self.shared.report().clone()
    }

    /// Ends writing; each connection ends its last write first.
    pub async fn stop(mut self) -> WriterReport {
        self.shared.stop.store(true, Ordering::Relaxed);
        while self.tasks.join_next().await.is_some() {}
        self.report()
    }
}

impl Shared {
    fn report(&self) -> std::sync::MutexGuard<'_, WriterReport> {
        self.report.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    async fn work(&self) {
        while let Some((index, connection)) = self.find_writable().await {
            self.write_on(index, connection).await;
        }
    }

    /// Writes to one server until something goes wrong.
    async fn write_on(&self, index: usize, mut connection: Conn) {
        let address: Arc<str> = self.addresses[index].0.as_str().into();
        while !self.is_stopped() {
            let id = self.next_id.fetch_add(1, Ordering::Relaxed);
            let insert = format!("INSERT INTO app.writes (id) VALUES ({id})");
            let outcome = tokio::time::timeout(self.options.deadline, connection.query_drop(insert)).await;
            match outcome {
                Ok(Ok(())) => {
                    let acknowledged = Acknowledged { id, at: Instant::now(), server: Arc::clone(&address) };
                    self.report().acknowledged.push(acknowledged);
                }
                Ok(Err(Error::Server(error))) if REFUSALS.contains(&error.code) => {
                    self.report().refused.push(id);
                    return;
                }
                Ok(Err(_)) | Err(_) => {
                    self.report().unknown.push(id);
                    return;
                }
            }
            if let Some(pace) = self.options.pace {
                tokio::time::sleep(pace).await;
            }
        }
        // A goodbye that a hung server does not answer is not worth waiting for.
        let _ = tokio::time::timeout(self.options.deadline, connection.disconnect()).await;
    }

    /// Asks all servers side by side, so that one that hangs does not delay finding another. `None`: stopped meanwhile.
    async fn find_writable(&self) -> Option<(usize, Conn)> {
        let looks = (0..self.addresses.len()).map(|index| Box::pin(self.watch(index)));
        let (found, _, _) = select_all(looks).await;
        found
    }

    /// Asks one server again and again until it is writable, or the writer is stopped.
    async fn watch(&self, index: usize) -> Option<(usize, Conn)> {
        let mut connection: Option<Conn> = None;
        while !self.is_stopped() {
            match tokio::time::timeout(self.options.deadline, self.look(index, connection.take())).await {
                Ok(Ok((open, true))) => return Some((index, open)),
                Ok(Ok((open, false))) => connection = Some(open),
                // Dead, hung or refusing: a new connection next time.
                Ok(Err(_)) | Err(_) => {}
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        None
    }

    async fn look(&self, index: usize, connection: Option<Conn>) -> Result<(Conn, bool), Error> {
        let mut connection = match connection {
            Some(open) => open,
            None => Conn::new(self.addresses[index].1.clone()).await?,
        };
        let read_only: Option<u8> = connection.query_first("SELECT @@global.read_only").await?;
        Ok((connection, read_only == Some(0)))
    }
}

fn app_options(address: &str) -> Result<Opts> {
    let (host, port) = address.rsplit_once(':').with_context(|| format!("`{address}` has no port"))?;
    let port: u16 = port.parse().with_context(|| format!("`{address}` has no valid port"))?;
    Ok(OptsBuilder::default()
        .ip_or_hostname(host)
        .tcp_port(port)
        .user(Some(APP.name))
        .pass(Some(APP.password))
        // The unix socket would get around a cut.
        .prefer_socket(false)
        .tcp_nodelay(true)
        .max_allowed_packet(Some(1 << 20))
        .wait_timeout(Some(28_800))
        .into())
}
