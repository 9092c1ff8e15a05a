//! `database_instance`: reading every row, and writing observed facts behind.
//!
//! A row is inserted or updated in place, never replaced, so nobody's columns fall back to defaults. When a server was
//! read again and nothing but times and counters differs from what this process wrote last, SQLite updates only those
//! few columns (`single`). MySQL gets many rows per statement, because the round trips cost more than the rows (`bulk`).

mod bulk;
mod columns;
mod single;

use std::collections::HashSet;
use std::sync::LazyLock;

pub(crate) use bulk::{write as write_bulk, written_keys};
pub(crate) use single::{LastWritten, write};

use columns::{COLUMNS, Column, KEY_COLUMNS};
use model::{Instance, InstanceKey, ServerVersion, Timestamp};
use ports::InstanceWrite;

use crate::cell::sql_time;
use crate::sql::{self, Db, params};

static SELECT: LazyLock<String> =
    LazyLock::new(|| format!("select {} from database_instance", names(|_| true).join(", ")));

static UPSERT: LazyLock<String> = LazyLock::new(|| {
    let names = names(|_| true);
    let (keys, columns) = names.split_at(KEY_COLUMNS);
    // A server that was read without success so far must not lose the time of an earlier success.
    sql::upsert("database_instance", keys, columns)
        .replace("last_seen = excluded.last_seen", "last_seen = coalesce(excluded.last_seen, last_seen)")
});

/// Every server.
pub(crate) fn load(db: &Db<'_>) -> sql::Result<Vec<Instance>> {
    sql::query(db, &SELECT, [], |row| {
        let mut instance = Instance::unknown(InstanceKey::none());
        // The statement names the columns in the order of the table, so place and name agree.
        for (index, column) in COLUMNS.iter().enumerate() {
            (column.read)(&mut instance, row.cell_at(index)?);
        }
        instance.version = ServerVersion::new(&instance.version.text, &instance.version_comment);
        instance.settle_recorded();
        Ok(instance)
    })
}

/// Deletes a row; the last analysis of the server goes with it. Whether there was one.
pub(crate) fn forget(db: &Db<'_>, key: &InstanceKey) -> sql::Result<bool> {
    let id = params![key.hostname(), key.port()];
    sql::execute(db, "delete from database_instance_last_analysis where hostname = ? and port = ?", id)?;
    Ok(sql::execute(db, "delete from database_instance where hostname = ? and port = ?", id)? > 0)
}

/// Deletes all rows of a cluster, as [`forget`] does. How many there were.
pub(crate) fn forget_cluster(db: &Db<'_>, cluster_name: &str) -> sql::Result<usize> {
    sql::execute(
        db,
        "delete from database_instance_last_analysis where exists (
           select 1 from database_instance
           where database_instance.hostname = database_instance_last_analysis.hostname
             and database_instance.port = database_instance_last_analysis.port
             and database_instance.cluster_name = ?)",
        [cluster_name],
    )?;
    sql::execute(db, "delete from database_instance where cluster_name = ?", [cluster_name])
}

/// Deletes rows of servers not seen since, or, when they were never seen, not checked since.
pub(crate) fn expire(db: &Db<'_>, before: Timestamp) -> sql::Result<usize> {
    let (seen, checked) = (db.time_or_null("last_seen"), db.time_or_null("last_checked"));
    let statement = format!("delete from database_instance where coalesce({seen}, {checked}) < ?");
    sql::execute(db, &statement, [sql_time(before)])
}

fn names(is_wanted: impl Fn(&Column) -> bool) -> Vec<&'static str> {
    COLUMNS.iter().filter(|column| is_wanted(column)).map(|column| column.name).collect()
}

/// Leaves out what a later full read of the same server makes obsolete; keeps the order.
fn newest(writes: &[InstanceWrite]) -> Vec<&InstanceWrite> {
    let mut observed_later = HashSet::new();
    let mut kept: Vec<_> = writes
        .iter()
        .rev()
        .filter(|write| match write {
            InstanceWrite::Observed(instance) => observed_later.insert(&instance.key),
            InstanceWrite::CheckFailed { key, .. } => !observed_later.contains(key),
        })
        .collect();
    kept.reverse();
    kept
}

/// A read that failed changes no facts; one that is still running changes only the time of the attempt.
fn write_failure(
    db: &Db<'_>,
    key: &InstanceKey,
    checked: Option<Timestamp>,
    attempted: Timestamp,
    partial: bool,
) -> sql::Result<()> {
    let (host, port, attempted) = (key.hostname(), key.port(), sql_time(attempted));
    match checked {
        None => sql::execute(
            db,
            "update database_instance set last_attempted_check = ? where hostname = ? and port = ?",
            params![attempted, host, port],
        )?,
        Some(checked) => sql::execute(
            db,
            "update database_instance set last_checked = ?, last_attempted_check = ?, last_check_partial_success = ?
             where hostname = ? and port = ?",
            params![sql_time(checked), attempted, partial, host, port],
        )?,
    };
    Ok(())
}

#[cfg(test)]
mod tests;
