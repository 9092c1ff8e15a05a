//! Texts of statements that both dialects need but spell differently: real upserts and inserts that yield to an
//! existing row. Everything else in this crate is written in SQL that SQLite and MySQL share.

use rusqlite::{Connection, Params};

/// Insert, or update every column that is not a key. Columns not named keep their values in an existing row.
pub(crate) fn upsert(table: &str, keys: &[&str], columns: &[&str]) -> String {
    let assignments: Vec<_> = columns.iter().map(|column| format!("{column} = excluded.{column}")).collect();
    let all: Vec<_> = keys.iter().chain(columns).copied().collect();
    format!(
        "{} on conflict ({}) do update set {}",
        insert(table, &all),
        keys.join(", "),
        assignments.join(", ")
    )
}

/// Insert unless a row with an equal unique key exists.
pub(crate) fn insert_ignore(table: &str, columns: &[&str]) -> String {
    format!("{} on conflict do nothing", insert(table, columns))
}

/// Insert.
pub(crate) fn insert(table: &str, columns: &[&str]) -> String {
    let marks = vec!["?"; columns.len()].join(", ");
    format!("insert into {table} ({}) values ({marks})", columns.join(", "))
}

/// Runs a statement, prepared once per connection; returns the number of rows changed.
pub(crate) fn execute(db: &Connection, sql: &str, params: impl Params) -> rusqlite::Result<usize> {
    db.prepare_cached(sql)?.execute(params)
}

/// Runs a query, prepared once per connection, and reads every row. An error ends it: a part is never the answer.
pub(crate) fn query<T>(
    db: &Connection,
    sql: &str,
    params: impl Params,
    read: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    db.prepare_cached(sql)?.query_map(params, read)?.collect()
}

/// A number of rows for a command outcome.
pub(crate) fn count(rows: usize) -> u64 {
    rows as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upserts_keep_columns_they_do_not_name() {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch("create table t (k int primary key, a int default 0, b int default 0)").unwrap();
        execute(&db, "insert into t (k, a, b) values (1, 2, 3)", []).unwrap();
        execute(&db, &upsert("t", &["k"], &["a"]), [1, 9]).unwrap();
        execute(&db, &insert_ignore("t", &["k", "a"]), [1, 7]).unwrap();
        let rows = query(&db, "select a, b from t", [], |row| Ok((row.get("a")?, row.get("b")?))).unwrap();
        assert_eq!(rows, [(9, 3)]);
    }
}
