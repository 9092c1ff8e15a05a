//! `database_instance_maintenance`: exclusive locks on servers.
//!
//! An active row holds 1 in `maintenance_active`, an ended one NULL; the unique index over it and the key is the lock.

use std::collections::BTreeMap;
use std::time::Duration;

use model::{InstanceKey, Maintenance, NodeIdentity, Timestamp};

use crate::cell::{Cell, key, sql_time};
use crate::sql::{self, Db, params};

/// Ended rows are kept for this long.
const HISTORY: Duration = Duration::from_secs(7 * 24 * 3600);

/// A lock to be taken.
pub(crate) struct Lock<'a> {
    pub(crate) key: &'a InstanceKey,
    pub(crate) owner: &'a str,
    pub(crate) reason: &'a str,
    pub(crate) begin: Timestamp,
    pub(crate) end: Timestamp,
    pub(crate) explicitly_bounded: bool,
    pub(crate) node: &'a NodeIdentity,
}

/// Active locks.
pub(crate) fn load(db: &Db<'_>) -> sql::Result<BTreeMap<InstanceKey, Maintenance>> {
    let rows = sql::query(
        db,
        "select database_instance_maintenance_id, hostname, port, begin_timestamp, end_timestamp, owner, reason
         from database_instance_maintenance where maintenance_active = 1",
        [],
        |row| {
            Ok(Maintenance {
                id: Cell::of(row, "database_instance_maintenance_id")?.int(),
                key: key(row)?,
                owner: Cell::of(row, "owner")?.string(),
                reason: Cell::of(row, "reason")?.string(),
                begin: Cell::of(row, "begin_timestamp")?.time().unwrap_or_default(),
                end: Cell::of(row, "end_timestamp")?.time(),
            })
        },
    )?;
    Ok(rows.into_iter().map(|maintenance| (maintenance.key.clone(), maintenance)).collect())
}

/// Takes the lock and returns its row id; nothing when another one is in force. One that has run out is no obstacle.
pub(crate) fn begin(db: &Db<'_>, lock: &Lock<'_>) -> sql::Result<Option<i64>> {
    sql::execute(
        db,
        "delete from database_instance_maintenance
         where hostname = ? and port = ? and maintenance_active = 1 and end_timestamp < ?",
        params![lock.key.hostname(), lock.key.port(), sql_time(lock.begin)],
    )?;
    let statement = sql::insert_ignore(
        "database_instance_maintenance",
        &[
            "hostname",
            "port",
            "maintenance_active",
            "begin_timestamp",
            "end_timestamp",
            "owner",
            "reason",
            "processing_node_hostname",
            "processing_node_token",
            "explicitly_bounded",
        ],
    );
    let inserted = sql::execute(
        db,
        &statement,
        params![
            lock.key.hostname(),
            lock.key.port(),
            1,
            sql_time(lock.begin),
            sql_time(lock.end),
            lock.owner,
            lock.reason,
            lock.node.hostname,
            lock.node.token,
            lock.explicitly_bounded,
        ],
    )?;
    Ok((inserted > 0).then(|| db.last_insert_id()))
}

/// Releases the active lock of a server. Whether there was one.
pub(crate) fn end(db: &Db<'_>, key: &InstanceKey, at: Timestamp) -> sql::Result<bool> {
    let changed = sql::execute(
        db,
        "update database_instance_maintenance set maintenance_active = null, end_timestamp = ?
         where hostname = ? and port = ? and maintenance_active = 1",
        params![sql_time(at), key.hostname(), key.port()],
    )?;
    Ok(changed > 0)
}

/// Deletes old history, locks that have run out, and locks taken by operations of processes that are gone.
pub(crate) fn expire(db: &Db<'_>, now: Timestamp) -> sql::Result<usize> {
    let old = sql::execute(
        db,
        "delete from database_instance_maintenance where maintenance_active is null and end_timestamp < ?",
        [sql_time(now - HISTORY)],
    )?;
    let run_out = sql::execute(
        db,
        "delete from database_instance_maintenance where maintenance_active = 1 and end_timestamp < ?",
        [sql_time(now)],
    )?;
    let orphaned = sql::execute(
        db,
        "delete from database_instance_maintenance where explicitly_bounded = 0 and not exists (
           select 1 from node_health
           where node_health.hostname = database_instance_maintenance.processing_node_hostname
             and node_health.token = database_instance_maintenance.processing_node_token)",
        [],
    )?;
    Ok(old + run_out + orphaned)
}
