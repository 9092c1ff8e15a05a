//! `database_instance`: reading every row, and writing observed facts behind.
//!
//! A row is inserted or updated in place, never replaced, so nobody's columns fall back to defaults. When a server was
//! read again and nothing but times and counters differs from what this process wrote last, SQLite updates only those
//! few columns (`single`). MySQL gets many rows per statement, because the round trips cost more than the rows (`bulk`).
//!
//! A row that another process wrote meanwhile is left as it is: SQLite compares the facts (`single`), on MySQL the rows
//! are signed (`authors`).
//!
//! Facts that the original does not store stand in a table beside it, where there is one (`own_columns`).

mod authors;
mod bulk;
mod columns;
mod own_columns;
mod single;

use std::collections::HashSet;
use std::sync::LazyLock;

pub(crate) use authors::Author;
pub(crate) use bulk::{write as write_bulk, written_keys};
pub(crate) use single::{LastWritten, write};

use columns::{COLUMNS, Column, KEY_COLUMNS};
use model::{Instance, InstanceKey, ServerVersion, Timestamp};
use ports::InstanceWrite;

use crate::cell::sql_time;
use crate::sql::{self, Db, params};

static SELECT: LazyLock<String> =
    LazyLock::new(|| format!("select {} from database_instance", names(COLUMNS).join(", ")));

static SELECT_ALL: LazyLock<String> = LazyLock::new(|| {
    let original = names(COLUMNS).into_iter().map(|name| format!("i.{name}"));
    let own = names(own_columns::COLUMNS).into_iter().map(|name| format!("f.{name}"));
    let columns: Vec<_> = original.chain(own).collect();
    format!(
        "select {} from database_instance i
         left join {} f on f.hostname = i.hostname and f.port = i.port",
        columns.join(", "),
        own_columns::TABLE
    )
});

/// A table that facts of servers are written to: its columns, key first.
struct Table {
    columns: Vec<&'static Column>,
    upsert: String,
}

impl Table {
    fn new(name: &str, columns: impl Iterator<Item = &'static Column>) -> Self {
        let columns: Vec<_> = columns.collect();
        let names: Vec<_> = columns.iter().map(|column| column.name).collect();
        let (keys, others) = names.split_at(KEY_COLUMNS);
        let upsert = sql::upsert(name, keys, others)
            // A server that was read without success so far must not lose the time of an earlier success.
            .replace("last_seen = excluded.last_seen", "last_seen = coalesce(excluded.last_seen, last_seen)");
        Self { columns, upsert }
    }
}

static ORIGINAL: LazyLock<Table> = LazyLock::new(|| Table::new("database_instance", COLUMNS.iter()));

static OWN: LazyLock<Table> = LazyLock::new(|| {
    Table::new(own_columns::TABLE, COLUMNS[..KEY_COLUMNS].iter().chain(own_columns::COLUMNS))
});

/// The database has the own table. It has not when the schema is the original's and may not be changed.
fn has_own_table(db: &Db<'_>) -> sql::Result<bool> {
    sql::has_table(db, own_columns::TABLE)
}

/// Every server.
pub(crate) fn load(db: &Db<'_>) -> sql::Result<Vec<Instance>> {
    let (select, own) =
        if has_own_table(db)? { (&SELECT_ALL, own_columns::COLUMNS) } else { (&SELECT, &[] as &[Column]) };
    sql::query(db, select, [], |row| {
        let mut instance = Instance::unknown(InstanceKey::none());
        // The statement names the columns in the order of the tables, so place and name agree.
        for (index, column) in COLUMNS.iter().chain(own).enumerate() {
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
    if has_own_table(db)? {
        let own = format!("delete from {} where hostname = ? and port = ?", own_columns::TABLE);
        sql::execute(db, &own, id)?;
    }
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
    let forgotten = sql::execute(db, "delete from database_instance where cluster_name = ?", [cluster_name])?;
    drop_orphans(db)?;
    Ok(forgotten)
}

/// Deletes rows of servers not seen since, or, when they were never seen, not checked since.
pub(crate) fn expire(db: &Db<'_>, before: Timestamp) -> sql::Result<usize> {
    let (seen, checked) = (db.time_or_null("last_seen"), db.time_or_null("last_checked"));
    let statement = format!("delete from database_instance where coalesce({seen}, {checked}) < ?");
    let expired = sql::execute(db, &statement, [sql_time(before)])?;
    drop_orphans(db)?;
    Ok(expired)
}

/// Deletes own facts of servers that have no row any more.
fn drop_orphans(db: &Db<'_>) -> sql::Result<()> {
    if has_own_table(db)? {
        let own = own_columns::TABLE;
        let statement = format!(
            "delete from {own} where not exists (
               select 1 from database_instance
               where database_instance.hostname = {own}.hostname and database_instance.port = {own}.port)"
        );
        sql::execute(db, &statement, [])?;
    }
    Ok(())
}

fn names(columns: &[Column]) -> Vec<&'static str> {
    columns.iter().map(|column| column.name).collect()
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
