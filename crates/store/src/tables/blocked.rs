//! `blocked_topology_recovery`: recoveries that were refused because of earlier ones. For people; nothing decides by it.

use std::time::Duration;

use model::{BlockedRecovery, Case, Timestamp};

use super::detections::stored_code;
use crate::cell::{Cell, key, sql_time};
use crate::sql::{self, Db, Row, params};

/// A refusal that is not repeated for this long is over.
const FRESH: Duration = Duration::from_secs(2);

/// Notes a refusal; the server's former one is updated.
pub(crate) fn write(db: &Db<'_>, case: &Case, blocking_recovery_id: i64, at: Timestamp) -> sql::Result<()> {
    let statement = sql::upsert(
        "blocked_topology_recovery",
        &["hostname", "port"],
        &["cluster_name", "analysis", "last_blocked_timestamp", "blocking_recovery_id"],
    );
    let (key, code) = (&case.key, case.code.as_str());
    let row =
        params![key.hostname(), key.port(), case.cluster_name, code, sql_time(at), blocking_recovery_id];
    sql::execute(db, &statement, row).map(drop)
}

/// Refusals, newest first.
pub(crate) fn list(db: &Db<'_>, cluster_name: Option<&str>) -> sql::Result<Vec<BlockedRecovery>> {
    sql::query(
        db,
        "select hostname, port, cluster_name, analysis, last_blocked_timestamp, blocking_recovery_id
         from blocked_topology_recovery where (?1 is null or cluster_name = ?1)
         order by last_blocked_timestamp desc, hostname, port",
        [cluster_name],
        read,
    )
}

/// Deletes refusals that are over.
pub(crate) fn expire(db: &Db<'_>, now: Timestamp) -> sql::Result<usize> {
    let statement = "delete from blocked_topology_recovery where last_blocked_timestamp < ?";
    Ok(sql::execute(db, statement, [sql_time(now - FRESH)])? + expire_orphans(db)?)
}

/// Deletes refusals whose blocking recovery is acknowledged or gone.
pub(super) fn expire_orphans(db: &Db<'_>) -> sql::Result<usize> {
    sql::execute(
        db,
        "delete from blocked_topology_recovery where not exists (
           select 1 from topology_recovery
           where topology_recovery.recovery_id = blocked_topology_recovery.blocking_recovery_id
             and topology_recovery.acknowledged = 0)",
        [],
    )
}

fn read(row: &Row<'_>) -> sql::Result<BlockedRecovery> {
    Ok(BlockedRecovery {
        key: key(row)?,
        cluster_name: Cell::of(row, "cluster_name")?.string(),
        code: stored_code(&Cell::of(row, "analysis")?.text()),
        last_blocked: Cell::of(row, "last_blocked_timestamp")?.time().unwrap_or_default(),
        blocking_recovery_id: Cell::of(row, "blocking_recovery_id")?.int(),
    })
}
