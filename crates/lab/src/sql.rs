//! Statements sent by the harness itself, as root over the unix socket, so that no cut and no full connection table of
//! the network side is in the way.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Opts, OptsBuilder, Row, Value};

use crate::credentials::ROOT;

/// The longest that one harness statement may take, connecting included.
const LIMIT: Duration = Duration::from_secs(10);

/// A connection of the harness that stays open, for a server that will not take another one.
#[derive(Debug)]
pub struct Session(Conn);

impl Session {
    pub(crate) async fn open(socket: &Path) -> Result<Self> {
        let connection = tokio::time::timeout(LIMIT, Conn::new(socket_options(socket))).await;
        Ok(Self(connection.with_context(|| format!("no connection within {LIMIT:?}"))??))
    }

    /// Runs a statement as root; gives rows of text, NULL as `NULL`. Errors: as [`Server::query`](crate::Server::query).
    pub async fn query(&mut self, statement: &str) -> Result<Vec<Vec<String>>> {
        let rows: Vec<Row> = tokio::time::timeout(LIMIT, self.0.query(statement))
            .await
            .with_context(|| format!("no answer within {LIMIT:?} to `{statement}`"))?
            .with_context(|| format!("`{statement}`"))?;
        Ok(rows.into_iter().map(texts).collect())
    }
}

/// Runs one statement and gives all rows of its result.
pub(crate) async fn rows(socket: &Path, statement: &str) -> Result<Vec<Row>> {
    let work = async {
        let mut connection = Conn::new(socket_options(socket)).await?;
        let rows: Vec<Row> = connection.query(statement).await?;
        // Not waiting for a clean goodbye would make the server log an aborted connection.
        connection.disconnect().await?;
        anyhow::Ok(rows)
    };
    tokio::time::timeout(LIMIT, work)
        .await
        .with_context(|| format!("no answer within {LIMIT:?} to `{statement}`"))?
        .with_context(|| format!("`{statement}`"))
}

fn socket_options(socket: &Path) -> Opts {
    OptsBuilder::default()
        .socket(Some(socket.to_string_lossy()))
        .user(Some(ROOT.name))
        .pass(Some(ROOT.password).filter(|password| !password.is_empty()))
        // Both would otherwise be asked from the server first.
        .max_allowed_packet(Some(16 << 20))
        .wait_timeout(Some(28_800))
        .into()
}

/// The values of a row as text, in column order; NULL is `NULL`.
pub(crate) fn texts(row: Row) -> Vec<String> {
    row.unwrap().into_iter().map(text).collect()
}

/// The values of a row as text by column name.
pub(crate) fn record(row: Row) -> BTreeMap<String, String> {
    let names: Vec<String> = row.columns_ref().iter().map(|column| column.name_str().into_owned()).collect();
    names.into_iter().zip(texts(row)).collect()
}

fn text(value: Value) -> String {
    match value {
        Value::NULL => "NULL".into(),
        Value::Bytes(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        // The text protocol gives bytes only; the rest is for completeness.
        other => other.as_sql(true).trim_matches('\'').to_owned(),
    }
}
