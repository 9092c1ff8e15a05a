//! Waiting until something is applied. Ends at once when it already is, or when it never will be because the applier
//! stopped.

use std::time::{Duration, Instant};

use model::{BinlogCoordinates, MariaDbPosition, Replication, ThreadState};
use ports::ErrorClass;

use super::{Current, Work};
use crate::capabilities::Family;
use crate::errors::Failure;
use crate::statements::Channel;
use crate::tables::Table;

/// First and longest pause between looks.
const PAUSE: (Duration, Duration) = (Duration::from_millis(3), Duration::from_millis(50));
/// First and longest single wait inside the server, after which the applier is looked at. Short, because
/// `WAIT_FOR_EXECUTED_GTID_SET` of MySQL 9.7 was seen to sleep to its time-out although the set was executed meanwhile, and
/// all that time nobody can write.
const SLICE: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(20));
/// Longest wait for an applier to come to the end of its relay log before it is known what was received.
const SETTLE_MAX: Duration = Duration::from_secs(1);
/// Kept of the deadline for the answer to come back.
const ANSWER_TIME: Duration = Duration::from_millis(50);

/// Waits until everything in the relay log is applied.
pub(super) async fn applied(work: &mut Work<'_>) -> Result<(), Failure> {
    let mut pause = PAUSE.0;
    let mut last: Option<BinlogCoordinates> = None;
    let mut unmoved = 0_u32;
    loop {
        let Some(Current { replication, is_applier_idle, .. }) = work.current().await? else { return Ok(()) };
        if replication.read.same_place(&replication.exec) {
            return Ok(());
        }
        require_applier(&replication)?;
        if replication.oracle_gtid && !replication.retrieved_gtid.is_empty() {
            return executed_gtid(work, &replication.retrieved_gtid).await;
        }
        // A source killed in the middle of a transaction leaves part of it in the relay log, which is never executed:
        // the applier then stands still with nothing left that it could apply.
        let is_unmoved = last.as_ref().is_some_and(|last| last.same_place(&replication.exec));
        unmoved = if is_unmoved && !replication.io_thread.is_running() { unmoved + 1 } else { 0 };
        if unmoved > 4 && is_applier_idle {
            return Ok(());
        }
        last = Some(replication.exec);
        rest(work, &mut pause, "applying the relay log").await?;
    }
}

/// Once receiving has stopped, gives the applier a moment to come to the end of the relay log: only then can a server that
/// counts transactions as received when they begin tell what it received whole. One that lags is not waited for.
pub(super) async fn received_is_known(work: &mut Work<'_>) -> Result<(), Failure> {
    let begin = Instant::now();
    let mut pause = PAUSE.0;
    loop {
        let Some(Current { replication, channel, is_applier_idle, .. }) = work.current().await? else {
            return Ok(());
        };
        let is_settled = !replication.oracle_gtid
            || replication.sql_delay > 0
            || require_applier(&replication).is_err()
            || is_applier_idle
            || is_executed(work, &channel, &replication.retrieved_gtid).await?;
        if is_settled || begin.elapsed() > SETTLE_MAX || work.deadline.remaining() < pause + ANSWER_TIME {
            return Ok(());
        }
        rest(work, &mut pause, "applying what was received").await?;
    }
}

pub(super) async fn is_executed(work: &mut Work<'_>, channel: &Channel, set: &str) -> Result<bool, Failure> {
    let statement = work.write(channel, |writer| writer.is_executed(set));
    Ok(scalar(&work.ask(&statement).await?) == Some(1))
}

/// Waits until a GTID set (MySQL) or position (MariaDB) is executed.
pub(super) async fn executed_gtid(work: &mut Work<'_>, set: &str) -> Result<(), Failure> {
    match work.session.capabilities().family {
        Family::MariaDb => executed_position(work, set).await,
        Family::MySql | Family::MaxScale => executed_set(work, set).await,
    }
}

async fn executed_set(work: &mut Work<'_>, set: &str) -> Result<(), Failure> {
    let what = "executing received transactions";
    let (mut longest, mut pause) = (SLICE.0, PAUSE.0);
    let channel = Channel::default();
    loop {
        let is_there = if work.session.capabilities().short_waits {
            let slice = next_slice(work, &mut longest, what)?;
            let statement = work.write(&channel, |writer| writer.wait_for_gtid(set, slice.as_secs_f64()));
            scalar(&work.ask(&statement).await?) == Some(0)
        } else {
            is_executed(work, &channel, set).await?
        };
        if is_there {
            return Ok(());
        }
        if !work.session.capabilities().short_waits {
            rest(work, &mut pause, what).await?;
        }
        if let Some(current) = work.current().await? {
            require_applier(&current.replication)?;
            // The rest of it never came. What was executed before the applier came to rest is seen once more.
            if work.session.capabilities().counts_begun
                && !current.replication.io_thread.is_running()
                && current.is_applier_idle
                && !is_executed(work, &channel, set).await?
            {
                return Ok(());
            }
        }
    }
}

/// How long to wait inside the server this time: longer each time, within the deadline.
fn next_slice(work: &Work<'_>, longest: &mut Duration, what: &str) -> Result<Duration, Failure> {
    let slice = work.deadline.remaining().saturating_sub(ANSWER_TIME).min(*longest);
    *longest = (*longest * 2).min(SLICE.1);
    if slice.is_zero() { Err(too_late(what)) } else { Ok(slice) }
}

/// `master_gtid_wait` looks at the replica position only; a former primary's own transactions count here as well.
async fn executed_position(work: &mut Work<'_>, wanted: &str) -> Result<(), Failure> {
    let unreadable =
        |text: &str| Failure::own(ErrorClass::Protocol, format!("`{text}` is no MariaDB GTID position"));
    let target = MariaDbPosition::parse(wanted).map_err(|_| unreadable(wanted))?;
    let mut pause = PAUSE.0;
    loop {
        let answer = work.ask("select @@global.gtid_current_pos").await?;
        let text = answer.first().and_then(|row| row.at(0)).unwrap_or_default().into_owned();
        let reached = MariaDbPosition::parse(&text).map_err(|_| unreadable(&text))?;
        if reached.is_at_or_after(&target) {
            return Ok(());
        }
        if let Some(current) = work.current().await? {
            require_applier(&current.replication)?;
        }
        rest(work, &mut pause, "executing received transactions").await?;
    }
}

/// Waits until coordinates of the source are executed.
pub(super) async fn executed_coordinates(work: &mut Work<'_>, at: &BinlogCoordinates) -> Result<(), Failure> {
    let what = "executing coordinates of the source";
    let (mut longest, mut pause) = (SLICE.0, PAUSE.0);
    loop {
        let Some(current) = work.current().await? else {
            return Err(Failure::own(ErrorClass::Server, "it is no replica, so it will not get there"));
        };
        if !current.replication.exec.is_before(at) {
            return Ok(());
        }
        require_applier(&current.replication)?;
        if !work.session.capabilities().short_waits {
            rest(work, &mut pause, what).await?;
            continue;
        }
        let slice = next_slice(work, &mut longest, what)?;
        let statement = work.write(&current.channel, |writer| {
            writer.wait_for_coordinates(&at.file, at.pos, slice.as_secs_f64())
        });
        work.ask(&statement).await?;
    }
}

fn require_applier(replication: &Replication) -> Result<(), Failure> {
    match replication.sql_thread {
        ThreadState::Running | ThreadState::Other => Ok(()),
        ThreadState::Stopped | ThreadState::Absent if replication.last_sql_errno != 0 => Err(Failure::own(
            ErrorClass::Server,
            format!(
                "its applier stopped with error {}: {}",
                replication.last_sql_errno, replication.last_sql_error
            ),
        )),
        ThreadState::Stopped | ThreadState::Absent => {
            Err(Failure::own(ErrorClass::Server, "its applier is stopped, so it would wait for ever"))
        }
    }
}

pub(super) async fn rest(work: &Work<'_>, pause: &mut Duration, what: &str) -> Result<(), Failure> {
    if work.deadline.remaining() < *pause + ANSWER_TIME {
        return Err(too_late(what));
    }
    tokio::time::sleep(*pause).await;
    *pause = (*pause * 2).min(PAUSE.1);
    Ok(())
}

fn too_late(what: &str) -> Failure {
    Failure { is_fatal: false, ..Failure::timed_out(what) }
}

fn scalar(table: &Table) -> Option<i64> {
    table.first()?.at(0)?.parse().ok()
}
