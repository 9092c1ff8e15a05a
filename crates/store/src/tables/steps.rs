//! `topology_recovery_steps`: what a recovery did, one message at a time.

use model::{RecoveryStep, Timestamp};

use crate::cell::{Cell, sql_time};
use crate::sql::{self, Db, params};

/// Adds a message.
pub(crate) fn add(db: &Db<'_>, uid: &str, at: Timestamp, message: &str) -> sql::Result<()> {
    let statement = sql::insert("topology_recovery_steps", &["recovery_uid", "audit_at", "message"]);
    sql::execute(db, &statement, params![uid, sql_time(at), message]).map(drop)
}

/// Messages of a recovery, oldest first.
pub(crate) fn list(db: &Db<'_>, uid: &str) -> sql::Result<Vec<RecoveryStep>> {
    let statement = "select recovery_step_id, recovery_uid, audit_at, message from topology_recovery_steps
                     where recovery_uid = ? order by recovery_step_id";
    sql::query(db, statement, [uid], |row| {
        Ok(RecoveryStep {
            id: Cell::of(row, "recovery_step_id")?.int(),
            recovery_uid: Cell::of(row, "recovery_uid")?.string(),
            at: Cell::of(row, "audit_at")?.time().unwrap_or_default(),
            message: Cell::of(row, "message")?.string(),
        })
    })
}

/// Deletes messages written before, unless their recovery is still there.
pub(crate) fn expire(db: &Db<'_>, before: Timestamp) -> sql::Result<usize> {
    let statement = "delete from topology_recovery_steps
                     where audit_at < ? and recovery_uid not in (select uid from topology_recovery)";
    sql::execute(db, statement, [sql_time(before)])
}
