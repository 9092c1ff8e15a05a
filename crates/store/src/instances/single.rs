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

/// The rows this process wrote last, by key. Forgotten as soon as anybody else changed the database.
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

/// Writes a batch inside the caller's transaction. `data_version` tells whether others changed the database.
pub(crate) fn write(
    db: &Db<'_>,
    last: &mut LastWritten,
    data_version: i64,
    writes: &[InstanceWrite],
) -> sql::Result<()> {
    if last.data_version != data_version {
        last.rows.clear();
        last.data_version = data_version;
    }
    let has_own = has_own_table(db)?;
    for write in newest(writes) {
        match write {
            InstanceWrite::Observed(instance) => write_observed(db, last, instance, has_own)?,
            InstanceWrite::CheckFailed { key, checked, attempted, partial } => {
                write_failure(db, key, *checked, *attempted, *partial)?;
            }
        }
    }
    Ok(())
}

fn write_observed(
    db: &Db<'_>,
    last: &mut LastWritten,
    instance: &Arc<Instance>,
    has_own: bool,
) -> sql::Result<()> {
    let written = last.rows.get(&instance.key).map(AsRef::as_ref);
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
    last.rows.insert(instance.key.clone(), Arc::clone(instance));
    Ok(())
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
