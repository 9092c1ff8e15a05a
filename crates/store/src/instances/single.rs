//! Writing one row per statement, and as little of it as possible.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use model::{Instance, InstanceKey};
use ports::InstanceWrite;

use super::columns::{COLUMNS, Column, KEY_COLUMNS};
use super::{ORIGINAL, OWN, Table, has_own_table, newest, own_columns, write_failure};
use crate::sql::{self, Db, Params, Value, params};

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

/// All facts of the row of the server given, as one text.
static TEXT: LazyLock<String> = LazyLock::new(|| {
    let facts: Vec<_> = FACTS.iter().map(|column| format!("quote({})", column.name)).collect();
    format!(
        "select {} as facts from database_instance where hostname = ? and port = ?",
        facts.join(" || ',' || ")
    )
});

/// What a row held when this process had to do with it last.
enum Content {
    /// What it wrote itself.
    Ours(Arc<Instance>),
    /// What others wrote, and it left: the text of the facts.
    Theirs(String),
}

struct Row {
    content: Content,
    /// Of the database, at that moment.
    data_version: i64,
}

/// The rows this process wrote or left last, by key.
#[derive(Default)]
pub(crate) struct LastWritten {
    rows: HashMap<InstanceKey, Row>,
}

impl LastWritten {
    /// The transaction of a batch was committed. The servers whose rows others changed since this process had to do with
    /// them: they are left as the others wrote them, because nobody can tell which of the two reads is the later one.
    /// What is written of them next replaces the row, unless others were quicker again.
    pub(crate) fn note(&mut self, batch: Batch) -> Vec<InstanceKey> {
        self.rows.extend(batch.rows);
        batch.changed_by_others
    }
}

/// What a batch did, once its transaction is committed.
#[derive(Default)]
pub(crate) struct Batch {
    rows: Vec<(InstanceKey, Row)>,
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
                let content = write_observed(db, last, data_version, instance, has_own)?;
                if let Content::Theirs(_) = content {
                    batch.changed_by_others.push(instance.key.clone());
                }
                batch.rows.push((instance.key.clone(), Row { content, data_version }));
            }
            InstanceWrite::CheckFailed { key, checked, attempted, partial } => {
                write_failure(db, key, *checked, *attempted, *partial)?;
            }
        }
    }
    Ok(batch)
}

/// Writes a server, unless somebody else changed the row since this process had to do with it. What it holds now.
fn write_observed(
    db: &Db<'_>,
    last: &LastWritten,
    data_version: i64,
    instance: &Arc<Instance>,
    has_own: bool,
) -> sql::Result<Content> {
    let row = last.rows.get(&instance.key);
    let is_undisturbed = row.is_some_and(|row| row.data_version == data_version);
    if let Some(row) = row.filter(|_| !is_undisturbed)
        && let Some(theirs) = changed(db, &instance.key, &row.content)?
    {
        return Ok(Content::Theirs(theirs));
    }
    let written = row.filter(|_| is_undisturbed).and_then(|row| match &row.content {
        Content::Ours(instance) => Some(instance.as_ref()),
        Content::Theirs(_) => None,
    });
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
    Ok(Content::Ours(Arc::clone(instance)))
}

/// The facts of the row, if there is one and they are others than these.
fn changed(db: &Db<'_>, key: &InstanceKey, content: &Content) -> sql::Result<Option<String>> {
    let now = || {
        let id = params![key.hostname(), key.port()];
        sql::query_one(db, &TEXT, id, |row| Ok(row.cell_at(0)?.text().into_owned()))
    };
    match content {
        Content::Ours(instance) => {
            let is_other = !sql::query(db, &OTHER, Facts(instance), |_| Ok(()))?.is_empty();
            if is_other { now() } else { Ok(None) }
        }
        Content::Theirs(former) => Ok(now()?.filter(|now| now != former)),
    }
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
