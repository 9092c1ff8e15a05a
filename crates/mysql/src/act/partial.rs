//! A transaction whose start is in the relay log and whose rest will never come: its source died, or was cut off, while it
//! sent it.
//!
//! MySQL's parallel applier has begun such a transaction and waits for the rest. Asked to stop, it goes on waiting: for
//! sixty seconds (seen on 9.7; a server constant). The first event from any other source ends the transaction, because a
//! source begins with the description of its binary log, never in the middle of a transaction.

use std::time::Duration;

use model::{InstanceKey, Threads};
use ports::{Deadline, ErrorClass};

use super::change::host_and_port;
use super::wait::{is_executed, rest};
use super::{Current, Work, start, stop};
use crate::errors::Failure;
use crate::statements::{APPLIER_SESSION, PARTIAL_TRANSACTIONS};

/// First pause between looks.
const PAUSE: Duration = Duration::from_millis(3);
/// How long an applier that has nothing to read may take to finish what came whole. The position of a parallel applier is
/// brought up to date every 300 ms (`replica_checkpoint_period`).
const SETTLE_MAX: Duration = Duration::from_millis(500);
/// How long another source may take to send its first event.
const FIRST_EVENT_MAX: Duration = Duration::from_millis(1_500);

/// Ends such a transaction, so that the applier can be stopped: by receiving from another server for a moment, else by
/// ending the applier. Nothing happens where there is none. The recorded source is the same afterwards.
///
/// Errors: it is there still, and why.
pub(super) async fn drop_transaction(
    work: &mut Work<'_>,
    through: Option<&InstanceKey>,
) -> Result<(), Failure> {
    if !work.session.capabilities().parallel_applier {
        return Ok(());
    }
    let Some(current) = held(work).await? else { return Ok(()) };
    if let Some(other) = through.filter(|_| current.replication.oracle_gtid)
        && receive_from(work, &current, other).await?
    {
        return Ok(());
    }
    end_applier(work, &current).await
}

/// The replica that holds the start of a transaction; `None` when it does not, or when the rest may still come.
async fn held(work: &mut Work<'_>) -> Result<Option<Current>, Failure> {
    let limit = Deadline::after(SETTLE_MAX);
    let mut pause = PAUSE;
    loop {
        let Some(current) = work.current().await? else { return Ok(None) };
        let replication = &current.replication;
        if replication.io_thread.is_running()
            || !replication.sql_thread.is_running()
            || replication.read.same_place(&replication.exec)
        {
            return Ok(None);
        }
        if current.is_applier_idle && is_executed(work, &current.channel, &replication.retrieved_gtid).await?
        {
            match count_begun(work, &current).await? {
                Some(0) => return Ok(None),
                Some(_) => return Ok(Some(current)),
                // By position alone it takes the whole time to be sure.
                None if limit.remaining().is_zero() => return Ok(Some(current)),
                None => {}
            }
        }
        if limit.remaining().is_zero() {
            return Ok(None);
        }
        rest(work, &mut pause, "applying what was received").await?;
    }
}

/// How many transactions workers are in the middle of; `None` where the server does not tell this account.
async fn count_begun(work: &mut Work<'_>, current: &Current) -> Result<Option<u64>, Failure> {
    let statement = work.write(&current.channel, |writer| writer.of_channel(PARTIAL_TRANSACTIONS));
    match work.ask(&statement).await {
        Ok(table) => Ok(table.first().and_then(|row| row.number(&["begun"]))),
        Err(failure) if failure.is_fatal => Err(failure),
        Err(_) => Ok(None),
    }
}

/// Whether that ended the transaction. Whatever comes of it, the receiver is stopped afterwards and its source the former one,
/// unless the connection breaks meanwhile.
async fn receive_from(work: &mut Work<'_>, current: &Current, other: &InstanceKey) -> Result<bool, Failure> {
    // One that is still connecting to the old source.
    stop(work, Threads::Receiver).await?;
    let received = first_event(work, current, other).await;
    if received.as_ref().is_err_and(|failure| failure.is_fatal) {
        return received;
    }
    stop(work, Threads::Receiver).await?;
    point_to(work, current, &current.source).await?;
    // A source that cannot be used is no end: the applier can still be ended.
    Ok(received.unwrap_or(false))
}

/// Starts receiving and waits until the transaction is gone; whether it is.
async fn first_event(work: &mut Work<'_>, current: &Current, other: &InstanceKey) -> Result<bool, Failure> {
    point_to(work, current, other).await?;
    start(work, Threads::Receiver).await?;
    let limit = Deadline::after(FIRST_EVENT_MAX);
    let mut pause = PAUSE;
    loop {
        let now = work.current().await?;
        if now.is_none_or(|now| now.replication.read.same_place(&now.replication.exec))
            || count_begun(work, current).await? == Some(0)
        {
            return Ok(true);
        }
        if limit.remaining().is_zero() {
            return Ok(false);
        }
        rest(work, &mut pause, "receiving the first event").await?;
    }
}

/// Only host and port, which may change while the applier runs.
async fn point_to(work: &mut Work<'_>, current: &Current, source: &InstanceKey) -> Result<(), Failure> {
    let statement = work.write(&current.channel, |writer| {
        writer.change(&host_and_port(writer, source.hostname(), source.port()))
    });
    work.change(statement).await
}

/// Ends the applier's session. It rolls the transaction back and stops with an error.
async fn end_applier(work: &mut Work<'_>, current: &Current) -> Result<(), Failure> {
    let refused = |why: String| {
        let message = format!(
            "its applier waits for the rest of a transaction that its source did not send whole, and stops only after a \
             minute: {why}"
        );
        Err(Failure::own(ErrorClass::Server, message))
    };
    let statement = work.write(&current.channel, |writer| writer.of_channel(APPLIER_SESSION));
    let session = match work.ask(&statement).await {
        Ok(table) => table.first().and_then(|row| row.number::<u64>(&["id"])),
        Err(failure) if failure.is_fatal => return Err(failure),
        Err(failure) => return refused(failure.message),
    };
    let Some(session) = session else { return refused("its session is not to be found".to_owned()) };
    match work.change(format!("kill {session}")).await {
        Err(failure) if failure.is_fatal => return Err(failure),
        Err(failure) => {
            return refused(format!("{}; with the privilege SYSTEM_USER it could be ended", failure.message));
        }
        Ok(()) => {}
    }
    let mut pause = PAUSE;
    loop {
        let now = work.current().await?;
        if now.is_none_or(|now| !now.replication.sql_thread.is_running()) {
            return Ok(());
        }
        rest(work, &mut pause, "ending the applier").await?;
    }
}
