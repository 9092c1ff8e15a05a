//! What the tests share: a store in a temporary directory, plain SQL beside it, and short ways to say things.

use std::path::PathBuf;

use model::{AnalysisCode, Case, Command, CommandOutcome, InstanceKey, NodeIdentity, Timestamp};
use ports::Store;
use rusqlite::Connection;
use store::{OpenOptions, SqliteStore};
use tempfile::TempDir;

/// 2026-01-31 10:00:00 UTC.
pub(crate) const NOW: i64 = 1_769_853_600;

/// So many seconds after [`NOW`].
pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_secs(NOW + second)
}

/// Options of a daemon.
pub(crate) fn options() -> OpenOptions {
    OpenOptions { create: true, version: "test".to_owned(), now: at(0), ..OpenOptions::default() }
}

/// A store in a file that goes away with it.
pub(crate) struct Bench {
    pub(crate) store: SqliteStore,
    pub(crate) path: PathBuf,
    _directory: TempDir,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::prepared("")
    }

    /// A store on a file that this SQL made before.
    pub(crate) fn prepared(sql: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("orchestrator.db");
        if !sql.is_empty() {
            Connection::open(&path).unwrap().execute_batch(sql).unwrap();
        }
        let store = SqliteStore::open(&path, &options()).unwrap();
        Self { store, path, _directory: directory }
    }

    pub(crate) async fn apply(&self, command: Command) -> CommandOutcome {
        self.store.apply(&command).await.unwrap()
    }

    /// Runs statements on a connection of its own.
    pub(crate) fn sql(&self, statements: &str) {
        Connection::open(&self.path).unwrap().execute_batch(statements).unwrap();
    }

    /// Rows of a query, cells joined by `|`, NULL as `NULL`.
    pub(crate) fn rows(&self, query: &str) -> Vec<String> {
        rows(&Connection::open(&self.path).unwrap(), query)
    }
}

/// Rows of a query as text.
pub(crate) fn rows(db: &Connection, query: &str) -> Vec<String> {
    let mut statement = db.prepare(query).unwrap();
    let columns = statement.column_count();
    let read = |row: &rusqlite::Row<'_>| {
        let cells: Vec<String> = (0..columns)
            .map(|column| match row.get(column).unwrap() {
                rusqlite::types::Value::Null => "NULL".to_owned(),
                rusqlite::types::Value::Integer(number) => number.to_string(),
                rusqlite::types::Value::Text(text) => text,
                other => format!("{other:?}"),
            })
            .collect();
        Ok(cells.join("|"))
    };
    statement.query_map([], read).unwrap().map(Result::unwrap).collect()
}

/// `db<number>:3306`.
pub(crate) fn key(number: u16) -> InstanceKey {
    InstanceKey::new(format!("db{number}"), 3306)
}

/// A case of that server in cluster `db1:3306` with alias `shop`.
pub(crate) fn case(number: u16, code: AnalysisCode) -> Case {
    Case {
        key: key(number),
        code,
        cluster_name: "db1:3306".to_owned(),
        cluster_alias: "shop".to_owned(),
        count_replicas: 2,
        replicas: vec![key(3), key(2)],
    }
}

pub(crate) fn node() -> NodeIdentity {
    NodeIdentity { hostname: "node1".to_owned(), token: "token1".to_owned() }
}
