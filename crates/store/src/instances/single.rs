//! Writing one row per statement, and as little of it as possible.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use model::{Instance, InstanceKey};
use ports::InstanceWrite;

use super::columns::{COLUMNS, Column, KEY_COLUMNS};
use super::{ORIGINAL, OWN, Table, has_own_table, newest, own_columns, write_failure};
use crate::sql::{self, Db, Params, Value};

/// Places of the columns that change with every read.
static VOLATILE: LazyLock<Vec<usize>> = LazyLock::new(|| {
    COLUMNS.iter().enumerate().filter(|(_, column)| column.is_volatile).map(|(index, _)| index).collect()
});

/// The columns that change only when something happened.
static FACTS: LazyLock<Vec<&'static Column>> =
    LazyLock::new(|| COLUMNS.iter().filter(|column| !column.is_volatile).collect());

static TOUCH: LazyLock<String> = LazyLock::new(|| {
    let assignments: Vec<_> = VOLATILE
        .iter()
        .map(|index| match COLUMNS[*index].name {
            "last_seen" => "last_seen = coalesce(?, last_seen)".to_owned(),
            name => format!("{name} = ?"),
        })
        .collect();
    format!("update database_instance set {} where hostname = ? and port = ?", assignments.join(", "))
});

/// A row that holds every fact given.
static SAME: LazyLock<String> = LazyLock::new(|| {
    let facts: Vec<_> = FACTS.iter().map(|column| format!("{} is ?", column.name)).collect();
    format!("select hostname from database_instance where {}", facts.join(" and "))
});

/// A row as this process wrote it last.
struct Row {
    instance: Arc<Instance>,
    /// Of the database, when it was written; `None` when the write may have been rolled back.
    data_version: Option<i64>,
}

/// The rows this process wrote last, by key.
#[derive(Default)]
pub(crate) struct LastWritten {
    rows: HashMap<InstanceKey, Row>,
}

impl LastWritten {
    /// What was written may have been rolled back: all rows are looked at before they are written again.
    pub(crate) fn doubt(&mut self) {
        for row in self.rows.values_mut() {
            row.data_version = None;
        }
    }
}

/// Writes a batch inside the caller's transaction. `data_version` tells whether others changed the database. The servers
/// whose rows others changed since they were written here, and which hold what is written here now.
pub(crate) fn write(
    db: &Db<'_>,
    last: &mut LastWritten,
    data_version: i64,
    writes: &[InstanceWrite],
) -> sql::Result<Vec<InstanceKey>> {
    let mut replaced = Vec::new();
    let has_own = has_own_table(db)?;
    for write in newest(writes) {
        match write {
            InstanceWrite::Observed(instance) => {
                let row = Row { instance: Arc::clone(instance), data_version: Some(data_version) };
                if write_observed(db, last, row, has_own)? {
                    replaced.push(instance.key.clone());
                }
            }
            InstanceWrite::CheckFailed { key, checked, attempted, partial } => {
                write_failure(db, key, *checked, *attempted, *partial)?;
            }
        }
    }
    Ok(replaced)
}

/// Whether somebody else changed the row since it was written last.
fn write_observed(db: &Db<'_>, last: &mut LastWritten, new: Row, has_own: bool) -> sql::Result<bool> {
    let instance = &new.instance;
    let written = last.rows.get(&instance.key);
    let is_undisturbed = written.is_some_and(|written| written.data_version == new.data_version);
    let is_replaced = match written {
        Some(written) if !is_undisturbed => !holds(db, &written.instance)?,
        _ => false,
    };
    let written = written.filter(|_| is_undisturbed).map(|written| written.instance.as_ref());
    let is_known = written.is_some_and(|written| have_same(FACTS.iter().copied(), written, instance));
    // A row that is gone meanwhile is not touched, so it is written in full.
    let is_touched = is_known && sql::execute(db, &TOUCH, Touched(instance))? > 0;
    if !is_touched {
        sql::execute(db, &ORIGINAL.upsert, Whole(&ORIGINAL, instance))?;
    }
    let is_own_known =
        is_touched && written.is_some_and(|written| have_same(own_columns::COLUMNS, written, instance));
    if has_own && !is_own_known {
        sql::execute(db, &OWN.upsert, Whole(&OWN, instance))?;
    }
    last.rows.insert(instance.key.clone(), new);
    Ok(is_replaced)
}

/// The row holds the facts of this instance.
fn holds(db: &Db<'_>, instance: &Instance) -> sql::Result<bool> {
    Ok(!sql::query(db, &SAME, Facts(instance), |_| Ok(()))?.is_empty())
}

fn have_same<'a>(columns: impl IntoIterator<Item = &'a Column>, one: &Instance, other: &Instance) -> bool {
    std::ptr::eq(one, other) || columns.into_iter().all(|column| (column.write)(one) == (column.write)(other))
}

/// Every column of a table.
struct Whole<'a>(&'a Table, &'a Instance);

impl Params for Whole<'_> {
    fn count(&self) -> usize {
        self.0.columns.len()
    }

    fn value(&self, index: usize) -> Value<'_> {
        (self.0.columns[index].write)(self.1)
    }
}

/// Every column that changes only when something happened, the key first.
struct Facts<'a>(&'a Instance);

impl Params for Facts<'_> {
    fn count(&self) -> usize {
        FACTS.len()
    }

    fn value(&self, index: usize) -> Value<'_> {
        (FACTS[index].write)(self.0)
    }
}

/// The volatile columns, then the key.
struct Touched<'a>(&'a Instance);

impl Params for Touched<'_> {
    fn count(&self) -> usize {
        VOLATILE.len() + KEY_COLUMNS
    }

    fn value(&self, index: usize) -> Value<'_> {
        let column = VOLATILE.get(index).copied().unwrap_or_else(|| index - VOLATILE.len());
        (COLUMNS[column].write)(self.0)
    }
}
