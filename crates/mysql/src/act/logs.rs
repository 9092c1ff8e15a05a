//! Logs: listing, reading, purging, and the reset that forgets executed transactions.

use model::CoordinateKind;
use ports::{BinaryLog, LogEvent, LogPage};

use super::Work;
use crate::errors::Failure;
use crate::statements::Channel;

/// Events at the head of a binary log among which the set of earlier transactions is found.
const HEAD_EVENTS: u32 = 5;

/// All binary logs, oldest first. The set of transactions before each is asked of MySQL only: MariaDB has none.
pub(crate) async fn binary_logs(work: &mut Work<'_>) -> Result<Vec<BinaryLog>, Failure> {
    let listing = work.ask("show binary logs").await?;
    let files: Vec<String> = listing.records().map(|row| row.owned(&["Log_name"])).collect();
    let mut logs = Vec::with_capacity(files.len());
    for file in files {
        let statement = work.write(&Channel::default(), |writer| {
            format!("show binlog events in {} limit {HEAD_EVENTS}", writer.quoted(&file))
        });
        let events = work.ask(&statement).await?;
        let previous = events.records().find(|row| row.owned(&["Event_type"]) == "Previous_gtids");
        logs.push(BinaryLog { previous_gtids: previous.map(|row| row.owned(&["Info"])), file });
    }
    Ok(logs)
}

/// The events of a stretch of a log.
pub(crate) async fn log_events(work: &mut Work<'_>, page: &LogPage) -> Result<Vec<LogEvent>, Failure> {
    let statement = work.write(&Channel::default(), |writer| {
        let log = match page.kind {
            CoordinateKind::Binary => "binlog",
            CoordinateKind::Relay => "relaylog",
        };
        let from = page.from.map(|pos| format!(" from {pos}")).unwrap_or_default();
        format!(
            "show {log} events in {}{from} limit {}, {}",
            writer.quoted(&page.file),
            page.skip,
            page.limit
        )
    });
    let answer = work.ask(&statement).await?;
    let number = |text: String| text.parse().unwrap_or(0);
    let events = answer.records().map(|row| LogEvent {
        pos: number(row.owned(&["Pos"])),
        next: number(row.owned(&["End_log_pos"])),
        kind: row.owned(&["Event_type"]),
        info: row.owned(&["Info"]),
    });
    Ok(events.collect())
}

/// Deletes the logs before this one.
pub(super) async fn purge(work: &mut Work<'_>, file: &str) -> Result<(), Failure> {
    let statement =
        work.write(&Channel::default(), |writer| format!("purge binary logs to {}", writer.quoted(file)));
    work.change(statement).await
}

/// Deletes all logs and forgets executed transactions.
pub(super) async fn reset(work: &mut Work<'_>) -> Result<(), Failure> {
    let statement = work.write(&Channel::default(), |writer| writer.reset_binary_logs().to_owned());
    work.change(statement).await
}

/// Declares transactions as executed and purged.
pub(super) async fn set_purged(work: &mut Work<'_>, set: &str) -> Result<(), Failure> {
    let flat: String = set.chars().filter(|c| !c.is_whitespace()).collect();
    let statement = work
        .write(&Channel::default(), |writer| format!("set global gtid_purged = {}", writer.quoted(&flat)));
    work.change(statement).await
}
