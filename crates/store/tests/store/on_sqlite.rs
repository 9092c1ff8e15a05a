//! Cases as tests of their own, each on a SQLite file of its own.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use ports::Store;
use rusqlite::Connection;
use store::SqliteStore;
use tempfile::TempDir;

use crate::support::{Bench, Ground, Place, Prepared, options};

/// Each case of a file becomes a test.
macro_rules! cases {
    ($($name:ident),* $(,)?) => {
        mod on_sqlite {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    super::$name(&$crate::on_sqlite::Files).await;
                }
            )*
        }
    };
}
pub(crate) use cases;

/// SQLite files in temporary directories.
pub(crate) struct Files;

#[async_trait]
impl Ground for Files {
    async fn bench(&self, prepared: &Prepared) -> Bench {
        let file = SqliteFile::prepared(prepared.sqlite);
        Bench { store: file.open(), place: Box::new(file) }
    }
}

/// A file that goes away with it.
pub(crate) struct SqliteFile {
    pub(crate) path: PathBuf,
    _directory: TempDir,
}

impl SqliteFile {
    /// With the schema.
    pub(crate) fn new() -> Self {
        let file = Self::prepared("");
        drop(file.open());
        file
    }

    /// Made by this SQL; no file yet when there is none.
    pub(crate) fn prepared(sql: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("orchestrator.db");
        if !sql.is_empty() {
            Connection::open(&path).unwrap().execute_batch(sql).unwrap();
        }
        Self { path, _directory: directory }
    }

    pub(crate) fn open(&self) -> Arc<dyn Store> {
        Arc::new(SqliteStore::open(&self.path, &options()).unwrap())
    }
}

#[async_trait]
impl Place for SqliteFile {
    fn sql(&self, statements: &str) {
        Connection::open(&self.path).unwrap().execute_batch(statements).unwrap();
    }

    fn rows(&self, query: &str) -> Vec<String> {
        rows(&Connection::open(&self.path).unwrap(), query)
    }

    async fn beside(&self) -> Arc<dyn Store> {
        self.open()
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

/// A path as text for messages.
pub(crate) fn shown(path: &Path) -> String {
    path.display().to_string()
}
