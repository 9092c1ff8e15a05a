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

/// The row of the server given, if one of its facts is another one than the given.
static OTHER: LazyLock<String> = LazyLock::new(|| {
    let facts: Vec<_> = FACTS.iter().map(|column| format!("{} is ?", column.name)).collect();
    let (key, others) = facts.split_at(KEY_COLUMNS);
    format!(
        "select hostname from database_instance where {} and not ({})",
        key.join(" and "),
        others.join(" and ")
    )
});

/// A row as this process wrote it last.
struct Row {
    instance: Arc<Instance>,
    /// Of the database, when it was written.
    data_version: i64,
}

/// The rows this process wrote last, by key.
#[derive(Default)]
pub(crate) struct LastWritten {
    rows: HashMap<InstanceKey, Row>,
}

impl LastWritten {
    /// The transaction of a batch was committed. The servers whose rows others changed since they were written here: they
    /// are left as the others wrote them, because nobody can tell which of the two reads is the later one. What is written
    /// of them next replaces the row.
    pub(crate) fn note(&mut self, batch: Batch) -> Vec<InstanceKey> {
        self.rows.extend(batch.written);
        for key in &batch.changed_by_others {
            self.rows.remove(key);
        }
        batch.changed_by_others
    }
}

/// What a batch did, once its transaction is committed.
#[derive(Default)]
pub(crate) struct Batch {
    written: Vec<(InstanceKey, Row)>,
    changed_by_others: Vec<InstanceKey>,
}

/// Writes a batch inside the caller's transaction. `data_version` tells whether others changed the database.
pub(crate) fn write(
    db: &Db<'_>,
    last: &LastWritten,
    data_version: i64,
    writes: &[InstanceWrite],
) -> sql::Result<Batch> {
    let mut batch = Batch::default();
    let has_own = has_own_table(db)?;
    for write in newest(writes) {
        match write {
            InstanceWrite::Observed(instance) => {
                let row = Row { instance: Arc::clone(instance), data_version };
                let key = instance.key.clone();
                if write_observed(db, last, &row, has_own)? {
                    batch.written.push((key, row));
                } else {
                    batch.changed_by_others.push(key);
                }
            }
            InstanceWrite::CheckFailed { key, checked, attempted, partial } => {
                write_failure(db, key, *checked, *attempted, *partial)?;
            }
        }
    }
    Ok(batch)
}

/// Whether it was written: not if somebody else changed the row since it was written last.
fn write_observed(db: &Db<'_>, last: &LastWritten, new: &Row, has_own: bool) -> sql::Result<bool> {
    let instance = &new.instance;
    let written = last.rows.get(&instance.key);
    let is_undisturbed = written.is_some_and(|written| written.data_version == new.data_version);
    if let Some(written) = written.filter(|_| !is_undisturbed)
        && differs(db, &written.instance)?
    {
        return Ok(false);
    }
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
    Ok(true)
}

/// There is a row, and it holds other facts than this instance.
fn differs(db: &Db<'_>, instance: &Instance) -> sql::Result<bool> {
    Ok(!sql::query(db, &OTHER, Facts(instance), |_| Ok(()))?.is_empty())
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
