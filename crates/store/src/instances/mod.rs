//! `database_instance`: reading every row, and writing observed facts behind.
//!
//! A row is inserted or updated in place, never replaced, so nobody's columns fall back to defaults. When a server was
//! read again and nothing but times and counters differs from what this process wrote last, only those few columns are
//! updated. That memory is dropped as soon as anybody else changed the database.

mod columns;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, LazyLock};

use columns::{COLUMNS, Column, KEY_COLUMNS};
use model::{Instance, InstanceKey, ServerVersion, Timestamp};
use ports::InstanceWrite;
use rusqlite::{Connection, params};

use crate::cell::{Cell, sql_time};
use crate::sql;

static SELECT: LazyLock<String> =
    LazyLock::new(|| format!("select {} from database_instance", names(|_| true).join(", ")));

static UPSERT: LazyLock<String> = LazyLock::new(|| {
    let names = names(|_| true);
    let (keys, columns) = names.split_at(KEY_COLUMNS);
    // A server that was read without success so far must not lose the time of an earlier success.
    sql::upsert("database_instance", keys, columns)
        .replace("last_seen = excluded.last_seen", "last_seen = coalesce(excluded.last_seen, last_seen)")
});

static TOUCH: LazyLock<String> = LazyLock::new(|| {
    let assignments: Vec<_> = names(|column| column.is_volatile)
        .into_iter()
        .map(|name| {
            if name == "last_seen" {
                "last_seen = coalesce(?, last_seen)".to_owned()
            } else {
                format!("{name} = ?")
            }
        })
        .collect();
    format!("update database_instance set {} where hostname = ? and port = ?", assignments.join(", "))
});

/// The rows this process wrote last, by key.
#[derive(Default)]
pub(crate) struct LastWritten {
    data_version: i64,
    rows: HashMap<InstanceKey, Arc<Instance>>,
}

impl LastWritten {
    /// Drops everything: what was written may have been rolled back.
    pub(crate) fn forget(&mut self) {
        self.rows.clear();
    }
}

/// Every server.
pub(crate) fn load(db: &Connection) -> rusqlite::Result<Vec<Instance>> {
    sql::query(db, &SELECT, [], |row| {
        let mut instance = Instance::unknown(InstanceKey::none());
        // The statement names the columns in the order of the table, so place and name agree.
        for (index, column) in COLUMNS.iter().enumerate() {
            (column.read)(&mut instance, Cell(row.get_ref(index)?));
        }
        instance.version = ServerVersion::new(&instance.version.text, &instance.version_comment);
        Ok(instance)
    })
}

/// Writes a batch inside the caller's transaction. `data_version` tells whether others changed the database.
pub(crate) fn write(
    db: &Connection,
    last: &mut LastWritten,
    data_version: i64,
    writes: &[InstanceWrite],
) -> rusqlite::Result<()> {
    if last.data_version != data_version {
        last.rows.clear();
        last.data_version = data_version;
    }
    for write in newest(writes) {
        match write {
            InstanceWrite::Observed(instance) => write_observed(db, last, instance)?,
            InstanceWrite::CheckFailed { key, checked, attempted, partial } => {
                write_failure(db, key, *checked, *attempted, *partial)?;
            }
        }
    }
    Ok(())
}

/// Deletes a row; the last analysis of the server goes with it. Whether there was one.
pub(crate) fn forget(db: &Connection, key: &InstanceKey) -> rusqlite::Result<bool> {
    let id = params![key.hostname(), key.port()];
    sql::execute(db, "delete from database_instance_last_analysis where hostname = ? and port = ?", id)?;
    Ok(sql::execute(db, "delete from database_instance where hostname = ? and port = ?", id)? > 0)
}

/// Deletes all rows of a cluster, as [`forget`] does. How many there were.
pub(crate) fn forget_cluster(db: &Connection, cluster_name: &str) -> rusqlite::Result<usize> {
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
pub(crate) fn expire(db: &Connection, before: Timestamp) -> rusqlite::Result<usize> {
    sql::execute(
        db,
        "delete from database_instance where coalesce(nullif(last_seen, ''), nullif(last_checked, '')) < ?",
        [sql_time(before)],
    )
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

fn write_observed(db: &Connection, last: &mut LastWritten, instance: &Arc<Instance>) -> rusqlite::Result<()> {
    let is_known = last.rows.get(&instance.key).is_some_and(|written| has_same_facts(written, instance));
    if !(is_known && touch(db, instance)?) {
        let mut statement = db.prepare_cached(&UPSERT)?;
        for (index, column) in COLUMNS.iter().enumerate() {
            statement.raw_bind_parameter(index + 1, (column.write)(instance))?;
        }
        statement.raw_execute()?;
    }
    last.rows.insert(instance.key.clone(), Arc::clone(instance));
    Ok(())
}

/// Updates times and counters. False when the row is gone.
fn touch(db: &Connection, instance: &Instance) -> rusqlite::Result<bool> {
    let mut statement = db.prepare_cached(&TOUCH)?;
    let values = COLUMNS.iter().filter(|column| column.is_volatile).chain(&COLUMNS[..KEY_COLUMNS]);
    for (index, column) in values.enumerate() {
        statement.raw_bind_parameter(index + 1, (column.write)(instance))?;
    }
    Ok(statement.raw_execute()? > 0)
}

fn has_same_facts(written: &Arc<Instance>, instance: &Arc<Instance>) -> bool {
    Arc::ptr_eq(written, instance)
        || COLUMNS
            .iter()
            .filter(|column| !column.is_volatile)
            .all(|column| (column.write)(written) == (column.write)(instance))
}

/// A read that failed changes no facts; one that is still running changes only the time of the attempt.
fn write_failure(
    db: &Connection,
    key: &InstanceKey,
    checked: Option<Timestamp>,
    attempted: Timestamp,
    partial: bool,
) -> rusqlite::Result<()> {
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
