//! Writing one row per statement, and as little of it as possible.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use model::{Instance, InstanceKey};
use ports::InstanceWrite;

use super::columns::{COLUMNS, KEY_COLUMNS};
use super::{UPSERT, newest, write_failure};
use crate::sql::{self, Db, Params, Value};

/// Places of the columns that change with every read.
static VOLATILE: LazyLock<Vec<usize>> = LazyLock::new(|| {
    COLUMNS.iter().enumerate().filter(|(_, column)| column.is_volatile).map(|(index, _)| index).collect()
});

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

fn write_observed(db: &Db<'_>, last: &mut LastWritten, instance: &Arc<Instance>) -> sql::Result<()> {
    let is_known = last.rows.get(&instance.key).is_some_and(|written| has_same_facts(written, instance));
    // A row that is gone meanwhile is not touched, so it is written in full.
    if !(is_known && sql::execute(db, &TOUCH, Touched(instance))? > 0) {
        sql::execute(db, &UPSERT, Whole(instance))?;
    }
    last.rows.insert(instance.key.clone(), Arc::clone(instance));
    Ok(())
}

fn has_same_facts(written: &Arc<Instance>, instance: &Arc<Instance>) -> bool {
    Arc::ptr_eq(written, instance)
        || COLUMNS
            .iter()
            .filter(|column| !column.is_volatile)
            .all(|column| (column.write)(written) == (column.write)(instance))
}

/// Every column.
struct Whole<'a>(&'a Instance);

impl Params for Whole<'_> {
    fn count(&self) -> usize {
        COLUMNS.len()
    }

    fn value(&self, index: usize) -> Value<'_> {
        (COLUMNS[index].write)(self.0)
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
