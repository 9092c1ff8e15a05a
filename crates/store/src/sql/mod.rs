//! Statements and rows without knowing which backend they are for.
//!
//! The tables' functions are written once, in SQL that SQLite and MySQL share. They are given a [`Db`]: a connection of
//! either kind, in a transaction, on a thread that may block. What the dialects spell differently is made by
//! [`upsert`] and [`insert_ignore`], asked from the [`Db`] ([`Db::is_unset`], [`Db::time_or_null`]), or rewritten when a
//! statement is sent to MySQL (numbered parameters, conflict clauses).

mod statement;
mod value;

pub(crate) use statement::{insert, insert_ignore, translate, upsert};
pub(crate) use value::{Params, ToValue, Value, params};

use crate::cell::Cell;
use crate::mysql::Session;

/// What comes of a statement.
pub(crate) type Result<T> = std::result::Result<T, Error>;

/// A statement that failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// On SQLite.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    /// On MySQL or MariaDB, or on the way there.
    #[error(transparent)]
    MySql(#[from] mysql_async::Error),
    /// No answer of the server in time.
    #[error("no answer within {0:?}")]
    TimedOut(std::time::Duration),
    /// Somebody else is at it.
    #[error("{0}")]
    Busy(&'static str),
    /// A query names a column that the answer does not have: a defect of a statement here.
    #[error("the answer has no column {0}")]
    NoColumn(String),
}

/// `ER_DUP_ENTRY`.
const DUPLICATE: u16 = 1062;

impl Error {
    /// The row collides with another one in a unique index.
    pub(crate) fn is_duplicate(&self) -> bool {
        match self {
            Self::Sqlite(error) => {
                error.sqlite_error_code() == Some(rusqlite::ErrorCode::ConstraintViolation)
            }
            Self::MySql(_) => self.number() == Some(DUPLICATE),
            Self::TimedOut(_) | Self::Busy(_) | Self::NoColumn(_) => false,
        }
    }

    /// Error number of a MySQL server.
    pub(crate) fn number(&self) -> Option<u16> {
        match self {
            Self::MySql(mysql_async::Error::Server(error)) => Some(error.code),
            Self::MySql(_) | Self::Sqlite(_) | Self::TimedOut(_) | Self::Busy(_) | Self::NoColumn(_) => None,
        }
    }
}

/// A connection in a transaction.
pub(crate) enum Db<'a> {
    /// SQLite.
    Sqlite(&'a rusqlite::Connection),
    /// MySQL or MariaDB.
    MySql(&'a Session),
}

impl Db<'_> {
    /// Key that the last insert made.
    pub(crate) fn last_insert_id(&self) -> i64 {
        match self {
            Self::Sqlite(db) => db.last_insert_rowid(),
            Self::MySql(session) => session.last_insert_id(),
        }
    }

    /// A condition: the column holds no time. A row restored from a snapshot of the original has an empty text where
    /// SQLite would have NULL; MySQL has 1971 in columns that must not be NULL, in whatever time zone it was written.
    pub(crate) fn is_unset(&self, column: &str) -> String {
        match self {
            Self::Sqlite(_) => format!("({column} is null or {column} = '')"),
            Self::MySql(_) => format!("({column} is null or {column} < '{FIRST_REAL_DAY}')"),
        }
    }

    /// An expression: the time in the column, NULL when it holds none; see [`Db::is_unset`].
    pub(crate) fn time_or_null(&self, column: &str) -> String {
        match self {
            Self::Sqlite(_) => format!("nullif({column}, '')"),
            Self::MySql(_) => format!("case when {column} >= '{FIRST_REAL_DAY}' then {column} end"),
        }
    }
}

/// The original's "never" is the first second of 1971 in the time zone of its session.
const FIRST_REAL_DAY: &str = "1971-01-02";

/// A row of an answer.
pub(crate) enum Row<'a> {
    /// SQLite.
    Sqlite(&'a rusqlite::Row<'a>),
    /// MySQL or MariaDB.
    MySql(&'a mysql_async::Row),
}

impl Row<'_> {
    /// The value of a column by name.
    pub(crate) fn cell(&self, column: &str) -> Result<Cell<'_>> {
        match self {
            Self::Sqlite(row) => Ok(row.get_ref(column).map(Cell::from_sqlite)?),
            Self::MySql(row) => row
                .columns_ref()
                .iter()
                .position(|known| known.name_ref() == column.as_bytes())
                .and_then(|index| row.as_ref(index))
                .map(Cell::from_mysql)
                .ok_or_else(|| Error::NoColumn(column.to_owned())),
        }
    }

    /// The value of a column by place, from 0.
    pub(crate) fn cell_at(&self, index: usize) -> Result<Cell<'_>> {
        match self {
            Self::Sqlite(row) => Ok(row.get_ref(index).map(Cell::from_sqlite)?),
            Self::MySql(row) => {
                row.as_ref(index).map(Cell::from_mysql).ok_or_else(|| Error::NoColumn(index.to_string()))
            }
        }
    }
}

/// Runs a statement, prepared once per connection; returns the number of rows inserted, deleted, or matched by an
/// update, whether or not the update changed anything in them.
pub(crate) fn execute(db: &Db<'_>, sql: &str, params: impl Params) -> Result<usize> {
    match db {
        Db::Sqlite(db) => {
            let mut statement = db.prepare_cached(sql)?;
            bind(&mut statement, &params)?;
            Ok(statement.raw_execute()?)
        }
        Db::MySql(session) => session.execute(sql, &params),
    }
}

/// Runs a query, prepared once per connection, and reads every row. An error ends it: a part is never the answer.
pub(crate) fn query<T>(
    db: &Db<'_>,
    sql: &str,
    params: impl Params,
    mut read: impl FnMut(&Row<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    match db {
        Db::Sqlite(db) => {
            let mut statement = db.prepare_cached(sql)?;
            bind(&mut statement, &params)?;
            let mut rows = statement.raw_query();
            let mut all = Vec::new();
            while let Some(row) = rows.next()? {
                all.push(read(&Row::Sqlite(row))?);
            }
            Ok(all)
        }
        Db::MySql(session) => session.query(sql, &params)?.iter().map(|row| read(&Row::MySql(row))).collect(),
    }
}

/// As [`query`], for an answer of one row or none; further rows are ignored.
pub(crate) fn query_one<T>(
    db: &Db<'_>,
    sql: &str,
    params: impl Params,
    read: impl FnMut(&Row<'_>) -> Result<T>,
) -> Result<Option<T>> {
    Ok(query(db, sql, params, read)?.into_iter().next())
}

/// The database has a table of this name.
pub(crate) fn has_table(db: &Db<'_>, name: &str) -> Result<bool> {
    let look = match db {
        Db::Sqlite(_) => "select 1 as found from sqlite_master where type = 'table' and name = ?",
        Db::MySql(_) => {
            "select 1 as found from information_schema.tables where table_schema = database() and table_name = ?"
        }
    };
    Ok(query_one(db, look, [name], |_| Ok(()))?.is_some())
}

/// A number of rows for a command outcome.
pub(crate) fn count(rows: usize) -> u64 {
    rows as u64
}

fn bind(statement: &mut rusqlite::Statement<'_>, params: &impl Params) -> rusqlite::Result<()> {
    for index in 0..params.count() {
        statement.raw_bind_parameter(index + 1, params.value(index))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upserts_keep_columns_they_do_not_name() {
        let db = rusqlite::Connection::open_in_memory().unwrap();
        db.execute_batch("create table t (k int primary key, a int default 0, b int default 0)").unwrap();
        let db = Db::Sqlite(&db);
        execute(&db, "insert into t (k, a, b) values (1, 2, 3)", []).unwrap();
        execute(&db, &upsert("t", &["k"], &["a"]), [1, 9]).unwrap();
        execute(&db, &insert_ignore("t", &["k", "a"]), [1, 7]).unwrap();
        let rows =
            query(&db, "select a, b from t", [], |row| Ok((row.cell("a")?.int(), row.cell_at(1)?.int())));
        assert_eq!(rows.unwrap(), [(9, 3)]);
    }
}
