//! Making a replica go on: up to a place, past a failed transaction, later than its source, or with transactions that
//! hold nothing.

use model::{BinlogCoordinates, GtidSet, MariaDbPosition, Replication, Threads};
use ports::ErrorClass;

use super::{Current, Work, start, stop, wait};
use crate::errors::Failure;
use crate::statements::{Channel, FAILED_TRANSACTION};

/// Replicates up to coordinates of the source, and stops both threads whatever comes of it.
pub(super) async fn until(work: &mut Work<'_>, at: &BinlogCoordinates) -> Result<(), Failure> {
    let current = replica(work).await?;
    if current.replication.exec.same_place(at) {
        return Ok(());
    }
    if at.is_before(&current.replication.exec) {
        return Err(past(at, &current.replication));
    }
    let statement = work.write(&current.channel, |writer| writer.start_until(&at.file, at.pos));
    work.change(statement).await?;
    let reached = wait::executed_coordinates(work, at).await;
    stop(work, Threads::Both).await?;
    reached?;
    let current = replica(work).await?;
    if current.replication.exec.same_place(at) { Ok(()) } else { Err(past(at, &current.replication)) }
}

fn past(at: &BinlogCoordinates, replication: &Replication) -> Failure {
    Failure::own(ErrorClass::Server, format!("it is past {at} already, at {}", replication.exec))
}

async fn replica(work: &mut Work<'_>) -> Result<Current, Failure> {
    let current = work.current().await?;
    current.ok_or_else(|| Failure::own(ErrorClass::Server, "it is no replica"))
}

/// Sets the delay. What ran before runs afterwards, also when the change fails.
pub(super) async fn delay(work: &mut Work<'_>, seconds: u32) -> Result<(), Failure> {
    let current = replica(work).await?;
    let ran = |thread: model::ThreadState| {
        matches!(thread, model::ThreadState::Running | model::ThreadState::Other)
    };
    let (received, applied) = (ran(current.replication.io_thread), ran(current.replication.sql_thread));
    // MySQL needs a stopped applier only; MariaDB and old servers refuse every change while a thread runs.
    let stops_receiver = received && !work.session.capabilities().delay_while_receiving;
    if stops_receiver {
        stop(work, Threads::Receiver).await?;
    }
    if applied {
        stop(work, Threads::Applier).await?;
    }
    // Servers that want both stopped forget the heartbeat period with every change.
    let heartbeat = if work.session.capabilities().delay_while_receiving {
        None
    } else {
        super::change::heartbeat_option(work, Some(&current)).await?
    };
    let statement = work.write(&current.channel, |writer| {
        let mut options = vec![format!("{}_delay={seconds}", writer.source())];
        options.extend(heartbeat.clone());
        writer.change(&options)
    });
    let changed = work.change(statement).await;
    if applied {
        start(work, Threads::Applier).await?;
    }
    if stops_receiver {
        start(work, Threads::Receiver).await?;
    }
    changed
}

/// Passes over the failed transaction: by an empty one under its identifier where the server writes identifiers, by the
/// skip counter where it does not.
pub(super) async fn skip(work: &mut Work<'_>) -> Result<(), Failure> {
    let current = replica(work).await?;
    if current.replication.mariadb_gtid {
        return skip_mariadb(work, &current).await;
    }
    if !writes_gtids(work).await? {
        let statement = work.write(&current.channel, |writer| writer.skip_one().to_owned());
        return work.change(statement).await;
    }
    let failed = match failed_transaction(work).await? {
        Some(gtid) => gtid,
        None => next_transaction(work, &current.replication).await?,
    };
    inject(work, &[failed]).await
}

/// Under MariaDB GTID the position is moved past the transaction at which the relay log is read next. The skip counter
/// would do as well, but needs a privilege that accounts of orchestrator seldom have.
async fn skip_mariadb(work: &mut Work<'_>, current: &Current) -> Result<(), Failure> {
    let at = &current.replication.relay;
    let statement = work.write(&current.channel, |writer| {
        format!("show relaylog events in {} from {} limit 1", writer.quoted(&at.file), at.pos)
    });
    let events = work.ask(&statement).await?;
    let info = events.first().map(|row| row.owned(&["Info"])).unwrap_or_default();
    let untold = || {
        Failure::own(
            ErrorClass::Server,
            format!("the failed transaction cannot be told from `{info}` at {at}"),
        )
    };
    let gtid =
        info.split_whitespace().find_map(|word| MariaDbPosition::parse(word).ok()).ok_or_else(untold)?;
    let gtid = gtid.gtids().next().ok_or_else(untold)?;
    let answer = work.ask("select @@global.gtid_slave_pos").await?;
    let text = answer.first().and_then(|row| row.at(0)).unwrap_or_default().into_owned();
    let mut position = MariaDbPosition::parse(&text)
        .map_err(|_| Failure::own(ErrorClass::Protocol, format!("`{text}` is no MariaDB GTID position")))?;
    position.advance_to(gtid);
    stop(work, Threads::Both).await?;
    let quoted = work.write(&current.channel, |writer| writer.quoted(&position.to_string()));
    work.change(format!("set global gtid_slave_pos={quoted}")).await
}

/// Every transaction of the server has an identifier (MySQL, `gtid_mode=ON`).
async fn writes_gtids(work: &mut Work<'_>) -> Result<bool, Failure> {
    if !work.session.capabilities().oracle_gtid {
        return Ok(false);
    }
    let answer = work.ask("select @@global.gtid_mode").await?;
    Ok(answer.first().and_then(|row| row.at(0)).is_some_and(|mode| mode.eq_ignore_ascii_case("ON")))
}

/// What the applier's workers say.
async fn failed_transaction(work: &mut Work<'_>) -> Result<Option<String>, Failure> {
    for statement in FAILED_TRANSACTION {
        match work.ask(statement).await {
            Ok(answer) => {
                let found = answer.first().map(|row| row.owned(&["gtid"]));
                return Ok(found.filter(|gtid| gtid.contains(':')));
            }
            Err(failure) if failure.is_fatal => return Err(failure),
            Err(_unknown_column_or_table) => {}
        }
    }
    Ok(None)
}

/// The first transaction that was received and not executed.
async fn next_transaction(work: &mut Work<'_>, replication: &Replication) -> Result<String, Failure> {
    let answer = work.ask("select @@global.gtid_executed").await?;
    let executed = answer.first().and_then(|row| row.at(0)).unwrap_or_default().into_owned();
    let (executed, _) = GtidSet::parse_lenient(&executed);
    let (received, _) = GtidSet::parse_lenient(&replication.retrieved_gtid);
    let next = received.subtract(&executed).gtids().next();
    next.map(|gtid| gtid.to_string()).ok_or_else(|| {
        Failure::own(ErrorClass::Server, "the failed transaction cannot be told; there is nothing to skip")
    })
}

/// Commits an empty transaction for each identifier that is not executed yet, all on this connection. The session
/// chooses its own identifiers again afterwards, whatever happened.
pub(super) async fn inject(work: &mut Work<'_>, gtids: &[String]) -> Result<(), Failure> {
    for gtid in gtids {
        let quoted = work.write(&Channel::default(), |writer| writer.quoted(gtid));
        let answer = work.ask(&format!("select gtid_subset({quoted}, @@global.gtid_executed)")).await?;
        if answer.first().and_then(|row| row.at(0)).as_deref() == Some("1") {
            continue;
        }
        let injected = work.change(format!("set gtid_next={quoted}; begin; commit")).await;
        if let Err(failure) = injected {
            if !failure.is_fatal {
                work.change("rollback; set gtid_next='automatic'".to_owned()).await?;
            }
            return Err(failure);
        }
        work.change("set gtid_next='automatic'".to_owned()).await?;
    }
    Ok(())
}
