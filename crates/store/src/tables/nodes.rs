//! `node_health`, `node_health_history` and `active_node`: which processes of the program are alive, and which may act.

use std::time::Duration;

use model::{NodeIdentity, Timestamp};
use ports::NodeRecord;

use crate::cell::sql_time;
use crate::sql::{self, Db, Row, params};

/// A process that has not refreshed its row for this long is gone.
const ALIVE: Duration = Duration::from_secs(5);

/// Refreshes the row of a process, or inserts it; the first time also into the history.
///
/// `app` is `http` for the daemon and the name of the command otherwise.
pub(crate) fn register(
    db: &Db<'_>,
    node: &NodeIdentity,
    version: &str,
    backend: &str,
    app: &str,
    at: Timestamp,
) -> sql::Result<()> {
    let at = sql_time(at);
    let (mode, command) = if app == "http" { ("HttpMode", "") } else { ("CLIMode", app) };
    let refreshed = sql::execute(
        db,
        "update node_health set last_seen_active = ?, extra_info = ?, app_version = ?,
           incrementing_indicator = incrementing_indicator + 1
         where hostname = ? and token = ?",
        params![at, mode, version, node.hostname, node.token],
    )?;
    if refreshed > 0 {
        return Ok(());
    }
    let statement = sql::insert(
        "node_health",
        &[
            "hostname",
            "token",
            "last_seen_active",
            "extra_info",
            "command",
            "app_version",
            "first_seen_active",
            "db_backend",
            "incrementing_indicator",
        ],
    );
    sql::execute(
        db,
        &statement,
        params![node.hostname, node.token, at, mode, command, version, at, backend, 1],
    )?;
    let history = sql::insert_ignore(
        "node_health_history",
        &["hostname", "token", "first_seen_active", "extra_info", "command", "app_version"],
    );
    sql::execute(db, &history, params![node.hostname, node.token, at, mode, command, version]).map(drop)
}

/// Deletes rows of processes that are gone.
pub(crate) fn expire(db: &Db<'_>, now: Timestamp) -> sql::Result<usize> {
    sql::execute(db, "delete from node_health where last_seen_active < ?", [sql_time(now - ALIVE)])
}

/// Deletes history that began before.
pub(crate) fn expire_history(db: &Db<'_>, before: Timestamp) -> sql::Result<usize> {
    sql::execute(db, "delete from node_health_history where first_seen_active < ?", [sql_time(before)])
}

/// Processes that refreshed their row since then.
pub(crate) fn list_live(db: &Db<'_>, since: Timestamp) -> sql::Result<Vec<NodeIdentity>> {
    let statement =
        "select hostname, token from node_health where last_seen_active >= ? order by hostname, token";
    sql::query(db, statement, [sql_time(since)], |row| {
        Ok(NodeIdentity { hostname: row.cell("hostname")?.string(), token: row.cell("token")?.string() })
    })
}

/// Processes that serve the API and refreshed their row since then, by host name.
pub(crate) fn list_serving(db: &Db<'_>, since: Timestamp) -> sql::Result<Vec<NodeRecord>> {
    let statement = "select hostname, token, first_seen_active, last_seen_active, app_version, db_backend
         from node_health where last_seen_active >= ? and extra_info = 'HttpMode' order by hostname, token";
    sql::query(db, statement, [sql_time(since)], |row| {
        Ok(NodeRecord {
            version: row.cell("app_version")?.string(),
            backend: row.cell("db_backend")?.string(),
            ..seen(row)?
        })
    })
}

/// The active node, as the row of the election names it.
pub(crate) fn active(db: &Db<'_>) -> sql::Result<Option<NodeRecord>> {
    let statement =
        "select hostname, token, first_seen_active, last_seen_active from active_node where anchor = 1";
    sql::query_one(db, statement, [], seen)
}

fn seen(row: &Row<'_>) -> sql::Result<NodeRecord> {
    Ok(NodeRecord {
        node: NodeIdentity { hostname: row.cell("hostname")?.string(), token: row.cell("token")?.string() },
        first_seen: row.cell("first_seen_active")?.time(),
        last_seen: row.cell("last_seen_active")?.time(),
        ..NodeRecord::default()
    })
}
