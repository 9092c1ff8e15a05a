//! One connection to one server, with what was learnt when it was opened.
//!
//! A session is owned by whoever uses it and handed back only while it is sound: one that timed out, broke or was
//! dropped in the middle of a request is never used again.

use std::sync::Arc;

use model::ServerVersion;
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Row, TextProtocol};
use ports::{Deadline, ErrorClass};
use tokio::time::{Instant, timeout_at};

use crate::capabilities::Capabilities;
use crate::errors::Failure;
use crate::probe::Knowledge;
use crate::tables::{Table, is_on};

/// The first thing asked on a new connection. `autocommit` keeps a server-wide 0 from holding a read view open.
const GREETING: &str = "set session autocommit=1;\n\
     select @@global.version as version, @@global.version_comment as comment, @@session.sql_mode as sql_mode, \
     @@global.performance_schema as performance_schema;\n\
     show global status like 'Uptime';\n\
     show global variables where variable_name like 'rpl_semi_sync_%_enabled' \
     or variable_name = 'group_replication_group_name'";
const MAXSCALE_CHECK: &str = "show variables like 'maxscale%'";
/// What is asked of a binlog server that does not say its version.
const MAXSCALE_UNVERSIONED: &str = "0.0.0";

/// A request that ended early: results before the failing statement, whose index is `done.len()`.
#[derive(Debug)]
pub(crate) struct Halt {
    pub(crate) done: Vec<Table>,
    pub(crate) failure: Failure,
}

/// What a server said about itself when the connection was opened.
#[derive(Clone, Debug)]
pub(crate) struct Greeting {
    pub(crate) version: ServerVersion,
    pub(crate) version_comment: String,
    pub(crate) capabilities: Capabilities,
    /// String literals take backslashes as they are.
    pub(crate) no_backslash_escapes: bool,
    /// `performance_schema` is switched on.
    pub(crate) performance_schema: bool,
    /// Uptime in seconds and when it was read: a restart ends the connection, so it can be computed from here.
    pub(crate) uptime: (u64, Instant),
}

/// One connection.
pub(crate) struct Session {
    conn: Conn,
    pub(crate) opened: Instant,
    pub(crate) greeting: Arc<Greeting>,
    /// What earlier probes on this connection found out.
    pub(crate) knowledge: Knowledge,
    /// Requests sent after the connection was made: round trips.
    pub(crate) requests: u64,
    is_broken: bool,
    /// Taken from the kept ones, so the server may have closed it meanwhile.
    pub(crate) is_reused: bool,
}

impl Session {
    /// Greets the server behind a new connection.
    pub(crate) async fn greet(conn: Conn, ask_maxscale: bool, deadline: Deadline) -> Result<Self, Failure> {
        let now = Instant::now();
        let mut session = Self {
            conn,
            opened: now,
            greeting: Arc::new(Greeting {
                version: ServerVersion::default(),
                version_comment: String::new(),
                capabilities: Capabilities::of(&ServerVersion::default()),
                no_backslash_escapes: false,
                performance_schema: false,
                uptime: (0, now),
            }),
            knowledge: Knowledge::default(),
            requests: 0,
            is_broken: false,
            is_reused: false,
        };
        let maxscale = if ask_maxscale { session.maxscale_version(deadline).await? } else { None };
        session.greeting = Arc::new(match maxscale {
            Some(version) => {
                greeting_of(ServerVersion::new(&format!("{version}-maxscale"), ""), String::new())
            }
            None => session.ask_version(deadline).await?,
        });
        Ok(session)
    }

    async fn maxscale_version(&mut self, deadline: Deadline) -> Result<Option<String>, Failure> {
        match self.one(MAXSCALE_CHECK, deadline).await {
            Ok(table) => Ok(maxscale_version_in(&table)),
            Err(failure) if failure.is_fatal => Err(failure),
            Err(_) => Ok(None),
        }
    }

    async fn ask_version(&mut self, deadline: Deadline) -> Result<Greeting, Failure> {
        let tables = self.many(GREETING, deadline).await.map_err(|halt| halt.failure)?;
        let row = tables.get(1).and_then(Table::first);
        let row = row.ok_or_else(|| Failure::own(ErrorClass::Protocol, "the server told no version"))?;
        let comment = row.owned(&["comment"]);
        let mut greeting = greeting_of(ServerVersion::new(&row.owned(&["version"]), &comment), comment);
        greeting.no_backslash_escapes = row.owned(&["sql_mode"]).contains("NO_BACKSLASH_ESCAPES");
        greeting.performance_schema = row.text(&["performance_schema"]).is_some_and(|text| is_on(&text));
        let uptime = tables.get(2).and_then(|table| table.named("Uptime")).and_then(|text| text.parse().ok());
        greeting.uptime.0 = uptime.unwrap_or(0);
        if let Some(listing) = tables.get(3) {
            self.knowledge.learn_plugins(listing);
        }
        Ok(greeting)
    }

    pub(crate) fn capabilities(&self) -> &Capabilities {
        &self.greeting.capabilities
    }

    /// Seconds since the server started.
    pub(crate) fn uptime_seconds(&self) -> u64 {
        self.greeting.uptime.0 + self.greeting.uptime.1.elapsed().as_secs()
    }

    /// May be handed out again.
    pub(crate) fn is_sound(&self) -> bool {
        !self.is_broken
    }

    /// Sends one statement and reads its result set.
    pub(crate) async fn one(&mut self, sql: &str, deadline: Deadline) -> Result<Table, Failure> {
        let tables = self.many(sql, deadline).await.map_err(|halt| halt.failure)?;
        tables
            .into_iter()
            .next()
            .ok_or_else(|| Failure::own(ErrorClass::Protocol, "the server answered without a result"))
    }

    /// Sends statements joined by `;` in one request and reads all results, one table per statement (an empty one
    /// for statements without result set). The server stops at the first that fails.
    pub(crate) async fn many(&mut self, sql: &str, deadline: Deadline) -> Result<Vec<Table>, Halt> {
        self.requests += 1;
        // Set while the request runs: a future dropped in the middle leaves the session unusable.
        self.is_broken = true;
        let mut done = Vec::with_capacity(16);
        let outcome = timeout_at(deadline.instant(), read_all(&mut self.conn, sql, &mut done)).await;
        match outcome {
            Ok(Ok(())) => {
                self.is_broken = false;
                Ok(done)
            }
            Ok(Err(error)) => {
                let failure = Failure::from(error);
                self.is_broken = failure.is_fatal;
                Err(Halt { done, failure })
            }
            Err(_) => Err(Halt { done, failure: Failure::timed_out("waiting for a statement") }),
        }
    }
}

/// Reads every result of a request. On an error, `done` holds the results before the failing statement: the driver
/// reports an error among rows at once, and an error of the next statement only after the end of the current rows.
async fn read_all(conn: &mut Conn, sql: &str, done: &mut Vec<Table>) -> mysql_async::Result<()> {
    let mut result = conn.query_iter(sql).await?;
    loop {
        let Some(columns) = result.columns() else {
            // Nothing is pending: all was read, or the next statement failed and this call says why.
            result.next().await?;
            return Ok(());
        };
        let rows = read_rows(&mut result).await?;
        done.push(Table::new(columns, rows));
    }
}

type TextResult<'a> = mysql_async::QueryResult<'a, 'static, TextProtocol>;

async fn read_rows(result: &mut TextResult<'_>) -> mysql_async::Result<Vec<Vec<mysql_async::Value>>> {
    let mut rows = Vec::new();
    while let Some(row) = result.next().await? {
        rows.push(Row::unwrap(row));
    }
    Ok(rows)
}

fn greeting_of(version: ServerVersion, version_comment: String) -> Greeting {
    Greeting {
        capabilities: Capabilities::of(&version),
        version,
        version_comment,
        no_backslash_escapes: false,
        performance_schema: false,
        uptime: (0, Instant::now()),
    }
}

/// The version in the answer to [`MAXSCALE_CHECK`]; `None` when the server is no MaxScale.
fn maxscale_version_in(table: &Table) -> Option<String> {
    let version = table.named("MAXSCALE_VERSION")?;
    Some(if is_on(&version) { version.into_owned() } else { MAXSCALE_UNVERSIONED.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables::fixtures::table;

    #[test]
    fn maxscale_is_known_by_its_variable() {
        let listing = |value| table(&["Variable_name", "Value"], &[&[Some("MAXSCALE_VERSION"), Some(value)]]);
        assert_eq!(maxscale_version_in(&listing("2.1.0")).as_deref(), Some("2.1.0"));
        assert_eq!(maxscale_version_in(&listing("")).as_deref(), Some("0.0.0"));
        assert_eq!(maxscale_version_in(&table(&["Variable_name", "Value"], &[])), None);
    }
}
