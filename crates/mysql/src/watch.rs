//! Hearing that a server is gone: a connection of its own with a read always pending.
//!
//! The server is asked to sleep for a moment, again and again. A broken connection ends the pending read at once; an
//! answer that is overdue means that the server hangs. The statement takes no lock and reads nothing, and the session is
//! kept out of the slow query log.

use std::sync::Arc;
use std::time::Duration;

use model::InstanceKey;
use mysql_async::Conn;
use mysql_async::prelude::Queryable;
use ports::{Deadline, LostConnection};
use tokio::time::timeout;

use crate::errors::Failure;
use crate::servers::Access;

/// How long one sleep on the server takes.
const NAP: Duration = Duration::from_millis(500);
/// How much longer its answer may take before the server counts as hanging.
const OVERDUE: Duration = Duration::from_millis(500);
/// First and longest pause before a connection is tried again.
const RETRY: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));

/// Waits until an established watch breaks. Makes the connection first, for as long as that
/// takes, each time with the access that is in force.
pub(crate) async fn until_lost(key: &InstanceKey, access: impl Fn() -> Arc<Access>) -> LostConnection {
    let mut pause = RETRY.0;
    loop {
        match establish(key, &access()).await {
            Ok(mut conn) => {
                let reason = follow(&mut conn).await;
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
async fn follow(conn: &mut Conn) -> String {
    let nap = format!("do sleep({})", NAP.as_secs_f64());
    loop {
        match timeout(NAP + OVERDUE, conn.query_drop(nap.as_str())).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                let failure = Failure::from(error);
                if failure.is_fatal {
                    return failure.message;
                }
                // Somebody killed the statement: no death. The pause keeps a refusing server from being flooded.
                tokio::time::sleep(RETRY.0).await;
            }
            Err(_) => return format!("no answer for {:?}", NAP + OVERDUE),
        }
    }
}
