//! Writing many rows per statement.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use model::{Instance, InstanceKey};
use ports::InstanceWrite;

use super::authors::Author;
use super::{ORIGINAL, OWN, Table, has_own_table, newest, write_failure};
use crate::sql::{self, Db, Params, Value};

/// Rows per statement, largest first. Few sizes, so that few statements have to be prepared; the largest stays well
/// below the 65,535 parameters that a statement may have.
const SIZES: [usize; 3] = [64, 8, 1];

static UPSERTS: LazyLock<[String; 3]> = LazyLock::new(|| SIZES.map(|rows| upsert(&ORIGINAL, rows)));

static OWN_UPSERTS: LazyLock<[String; 3]> = LazyLock::new(|| SIZES.map(|rows| upsert(&OWN, rows)));

/// Writes a batch inside the caller's transaction. Rows are written in the order of their keys, so that two writers
/// meet in the same order. Rows that others changed since this process had to do with them are left, because nobody can
/// tell which of the two reads is the later one; returns them with the numbers of their authors. Without an author, where
/// rows are not signed, every row is written.
pub(crate) fn write(
    db: &Db<'_>,
    author: Option<&Author>,
    writes: &[InstanceWrite],
) -> sql::Result<HashMap<InstanceKey, i64>> {
    let writes = newest(writes);
    let mut observed: Vec<&Arc<Instance>> = writes
        .iter()
        .filter_map(|write| match write {
            InstanceWrite::Observed(instance) => Some(instance),
            InstanceWrite::CheckFailed { .. } => None,
        })
        .collect();
    observed.sort_by(|left, right| left.key.cmp(&right.key));
    let mut left = HashMap::new();
    if let Some(author) = author {
        left = author.changed_by_others(db, &keys_of(&observed))?;
        observed.retain(|instance| !left.contains_key(&instance.key));
    }
    write_rows(db, &ORIGINAL, &UPSERTS, &observed)?;
    if has_own_table(db)? {
        write_rows(db, &OWN, &OWN_UPSERTS, &observed)?;
    }
    if let Some(author) = author {
        author.sign(db, &keys_of(&observed))?;
    }
    // Every failed check that is left was made after the read of the same server, if there was one.
    let mut failures: Vec<_> = writes
        .iter()
        .filter_map(|write| match write {
            InstanceWrite::CheckFailed { key, checked, attempted, partial } => {
                Some((key, *checked, *attempted, *partial))
            }
            InstanceWrite::Observed(_) => None,
        })
        .collect();
    failures.sort_by(|left, right| left.0.cmp(right.0));
    for (key, checked, attempted, partial) in failures {
        write_failure(db, key, checked, attempted, partial)?;
    }
    Ok(left)
}

fn keys_of<'a>(observed: &[&'a Arc<Instance>]) -> Vec<&'a InstanceKey> {
    observed.iter().map(|instance| &instance.key).collect()
}

/// Servers of which the batch writes whole rows.
pub(crate) fn written_keys(writes: &[InstanceWrite]) -> impl Iterator<Item = &InstanceKey> {
    writes.iter().filter_map(|write| match write {
        InstanceWrite::Observed(instance) => Some(&instance.key),
        InstanceWrite::CheckFailed { .. } => None,
    })
}

fn write_rows(
    db: &Db<'_>,
    table: &Table,
    statements: &[String; 3],
    mut rest: &[&Arc<Instance>],
) -> sql::Result<()> {
    for (size, statement) in SIZES.iter().zip(statements) {
        while let Some((rows, others)) = rest.split_at_checked(*size) {
            sql::execute(db, statement, Rows(table, rows))?;
            rest = others;
        }
    }
    Ok(())
}

fn upsert(table: &Table, rows: usize) -> String {
    let one = format!("({})", vec!["?"; table.columns.len()].join(", "));
    let all = vec![one.as_str(); rows].join(", ");
    table.upsert.replacen(&one, &all, 1)
}

/// Every column of each row.
struct Rows<'a>(&'a Table, &'a [&'a Arc<Instance>]);

impl Params for Rows<'_> {
    fn count(&self) -> usize {
        self.1.len() * self.0.columns.len()
    }

    fn value(&self, index: usize) -> Value<'_> {
        let columns = &self.0.columns;
        (columns[index % columns.len()].write)(self.1[index / columns.len()])
    }
}

#[cfg(test)]
mod tests {
    use model::Timestamp;

    use super::*;

    #[test]
    fn any_number_of_rows_is_written() {
        let mut db = rusqlite::Connection::open_in_memory().unwrap();
        crate::schema::deploy(&mut db, "test", Timestamp::from_secs(1)).unwrap();
        for (count, total) in [(1, 1), (9, 9), (150, 150)] {
            let writes: Vec<_> = (0..count)
                .map(|port| Instance::unknown(InstanceKey::new("db", port)))
                .map(|instance| InstanceWrite::Observed(instance.into()))
                .collect();
            write(&Db::Sqlite(&db), None, &writes).unwrap();
            let rows: i64 =
                db.query_row("select count(*) from database_instance", [], |row| row.get(0)).unwrap();
            assert_eq!(rows, total);
        }
    }
}
