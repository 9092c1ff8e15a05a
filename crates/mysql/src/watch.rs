//! Hearing that a server is gone: a connection of its own with a read always pending.
//!
//! The server is asked to sleep for a moment, many times in one request, and answers after each. A broken connection
//! ends the pending read at once; an answer that is overdue means that the server hangs. The statements take no lock and
//! read nothing, and the session is kept out of the slow query log.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use model::InstanceKey;
use mysql_async::Conn;
use mysql_async::prelude::Queryable;
use ports::{Deadline, LostConnection};
use tokio::time::timeout;

use crate::errors::Failure;
use crate::servers::Access;

/// How long one sleep on the server takes, in seconds: in a small fleet, in one of ordinary size, and at most.
const NAP: (f64, f64, f64) = (0.5, 1.0, 4.0);
/// Answers a second of all watched servers together, up to which they sleep shortest, and at most. Each wakes this process.
const ANSWERS_PER_SECOND: (f64, f64) = (20.0, 1_000.0);
/// Sleeps in one request.
const NAPS: usize = 20;
/// How much longer the answer may take before it is late.
const LATE: Duration = Duration::from_millis(100);
/// How much longer still before the server counts as hanging.
const OVERDUE: Duration = Duration::from_millis(400);
/// First and longest pause before a connection is tried again.
const RETRY: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));

/// How many servers are watched, which says how long each sleeps.
#[derive(Debug, Default)]
pub(crate) struct Watches(AtomicUsize);

impl Watches {
    /// One more, until the guard is dropped.
    pub(crate) fn enter(&self) -> impl Drop + '_ {
        self.0.fetch_add(1, Ordering::Relaxed);
        Watching(self)
    }

    fn nap(&self) -> Duration {
        #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52")]
        let watched = self.0.load(Ordering::Relaxed) as f64;
        let (ordinary, most) = (watched / ANSWERS_PER_SECOND.0, watched / ANSWERS_PER_SECOND.1);
        Duration::from_secs_f64(ordinary.clamp(NAP.0, NAP.1).max(most.min(NAP.2)))
    }
}

struct Watching<'a>(&'a Watches);

impl Drop for Watching<'_> {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Waits until an established watch breaks. Makes the connection first, for as long as that
/// takes, each time with the access that is in force.
pub(crate) async fn until_lost(
    key: &InstanceKey,
    access: impl Fn() -> Arc<Access>,
    watches: &Watches,
    on_late: &(dyn Fn() + Send + Sync),
) -> LostConnection {
    let mut pause = RETRY.0;
    loop {
        match establish(key, &access()).await {
            Ok(mut conn) => {
                let reason = follow(&mut conn, watches, on_late).await;
                return LostConnection { key: key.clone(), reason };
            }
            Err(_) => {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(RETRY.1);
            }
        }
    }
}

async fn establish(key: &InstanceKey, access: &Access) -> Result<Conn, Failure> {
    let deadline = Deadline::after(access.options.connect_timeout);
    let connecting = async {
        let mut conn = access.connector.connect(key, &access.options).await?;
        conn.query_drop("set session long_query_time=31536000").await?;
        Ok(conn)
    };
    tokio::time::timeout_at(deadline.instant(), connecting)
        .await
        .map_err(|_| Failure::timed_out("connecting"))?
}

/// Returns when the connection is lost or an answer is overdue, with the reason.
async fn follow(conn: &mut Conn, watches: &Watches, on_late: &(dyn Fn() + Send + Sync)) -> String {
    loop {
        let nap = watches.nap();
        match take_naps(conn, nap, on_late).await {
            Ok(()) => {}
            Err(Broken::Overdue) => return format!("no answer for {:?}", nap + LATE + OVERDUE),
            Err(Broken::Failed(failure)) if failure.is_fatal => return failure.message,
            // Somebody killed the statement: no death. The pause keeps a refusing server from being flooded.
            Err(Broken::Failed(_)) => tokio::time::sleep(RETRY.0).await,
        }
    }
}

/// Why a request did not come to its end.
enum Broken {
    Overdue,
    Failed(Failure),
}

impl From<mysql_async::Error> for Broken {
    fn from(error: mysql_async::Error) -> Self {
        Self::Failed(error.into())
    }
}

async fn take_naps(conn: &mut Conn, nap: Duration, on_late: &(dyn Fn() + Send + Sync)) -> Result<(), Broken> {
    let naps = vec![format!("do sleep({})", nap.as_secs_f64()); NAPS].join(";");
    let mut answers = in_time(nap, conn.query_iter(naps), on_late).await?;
    while !answers.is_empty() {
        // To the end of one answer, which is where the next one begins.
        in_time(nap, answers.collect::<mysql_async::Row>(), on_late).await?;
    }
    Ok(())
}

async fn in_time<T>(
    nap: Duration,
    answer: impl Future<Output = mysql_async::Result<T>>,
    on_late: &(dyn Fn() + Send + Sync),
) -> Result<T, Broken> {
    tokio::pin!(answer);
    match timeout(nap + LATE, &mut answer).await {
        Ok(answer) => Ok(answer?),
        Err(_) => {
            on_late();
            Ok(timeout(OVERDUE, answer).await.map_err(|_| Broken::Overdue)??)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_more_servers_are_watched_the_longer_each_sleeps() {
        for (watched, milliseconds) in
            [(0, 500), (10, 500), (16, 800), (20, 1_000), (1_000, 1_000), (1_500, 1_500), (100_000, 4_000)]
        {
            let watches = Watches(AtomicUsize::new(watched));
            assert_eq!(watches.nap(), Duration::from_millis(milliseconds), "{watched}");
        }
        let watches = Watches::default();
        let guard = watches.enter();
        assert_eq!(watches.0.load(Ordering::Relaxed), 1);
        drop(guard);
        assert_eq!(watches.0.load(Ordering::Relaxed), 0);
    }
}
