//! `host_agent`: agents on database hosts, as they registered and as they were last polled.

use model::{Agent, Secret, Timestamp};

use crate::cell::sql_time;
use crate::sql::{self, Db, Row, params};

const COLUMNS: &str =
    "hostname, port, token, last_submitted, last_checked, mysql_port, count_mysql_snapshots";

/// Inserts an agent, or replaces its address. What polls found stays.
pub(crate) fn register(
    db: &Db<'_>,
    hostname: &str,
    port: u16,
    token: &Secret,
    at: Timestamp,
) -> sql::Result<()> {
    let known = sql::execute(
        db,
        "update host_agent set port = ?, token = ?, last_submitted = ? where hostname = ?",
        params![port, token.expose(), sql_time(at), hostname],
    )?;
    if known > 0 {
        return Ok(());
    }
    let columns = ["hostname", "port", "token", "last_submitted", "count_mysql_snapshots"];
    let statement = sql::insert("host_agent", &columns);
    sql::execute(db, &statement, params![hostname, port, token.expose(), sql_time(at), 0]).map(drop)
}

/// Marks an agent as being polled, unless it was later than that. Whether it is the caller's to poll.
pub(crate) fn claim(
    db: &Db<'_>,
    hostname: &str,
    unless_since: Timestamp,
    at: Timestamp,
) -> sql::Result<bool> {
    let statement = format!(
        "update host_agent set last_checked = ? where hostname = ? and ({} or last_checked <= ?)",
        db.is_unset("last_checked")
    );
    Ok(sql::execute(db, &statement, params![sql_time(at), hostname, sql_time(unless_since)])? > 0)
}

/// Notes that an agent answered, and what of that is kept.
pub(crate) fn note_seen(
    db: &Db<'_>,
    hostname: &str,
    mysql_port: Option<u16>,
    snapshots: Option<u32>,
    at: Timestamp,
) -> sql::Result<()> {
    sql::execute(
        db,
        "update host_agent set last_seen = ?, mysql_port = coalesce(?, mysql_port),
           count_mysql_snapshots = coalesce(?, count_mysql_snapshots) where hostname = ?",
        params![sql_time(at), mysql_port, snapshots, hostname],
    )
    .map(drop)
}

/// Deletes agents that last registered no later than that.
pub(crate) fn forget(db: &Db<'_>, submitted_before: Timestamp) -> sql::Result<usize> {
    sql::execute(db, "delete from host_agent where last_submitted <= ?", [sql_time(submitted_before)])
}

/// All agents by host.
pub(crate) fn list(db: &Db<'_>) -> sql::Result<Vec<Agent>> {
    sql::query(db, &format!("select {COLUMNS} from host_agent order by hostname"), [], read)
}

/// The agent of a host.
pub(crate) fn get(db: &Db<'_>, hostname: &str) -> sql::Result<Option<Agent>> {
    sql::query_one(db, &format!("select {COLUMNS} from host_agent where hostname = ?"), [hostname], read)
}

fn read(row: &Row<'_>) -> sql::Result<Agent> {
    Ok(Agent {
        hostname: row.cell("hostname")?.string(),
        port: row.cell("port")?.number(),
        token: Secret::new(row.cell("token")?.string()),
        submitted: row.cell("last_submitted")?.time(),
        checked: row.cell("last_checked")?.time(),
        // The original writes 0 where the agent did not tell.
        mysql_port: row.cell("mysql_port")?.optional().filter(|port| *port != 0),
        snapshots: row.cell("count_mysql_snapshots")?.number(),
    })
}
