//! `recovery_journal` (own table): state and plan of recoveries in progress.

use model::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use crate::cell::sql_time;
use crate::sql;

/// Saves the state, replacing the former one.
pub(crate) fn save(
    db: &Connection,
    uid: &str,
    state: &str,
    plan: &str,
    at: Timestamp,
) -> rusqlite::Result<()> {
    let statement = sql::upsert("recovery_journal", &["recovery_uid"], &["state", "plan", "updated_at"]);
    sql::execute(db, &statement, params![uid, state, plan, sql_time(at)]).map(drop)
}

/// Saved state and plan.
pub(crate) fn load(db: &Connection, uid: &str) -> rusqlite::Result<Option<(String, String)>> {
    db.prepare_cached("select state, plan from recovery_journal where recovery_uid = ?")?
        .query_row([uid], |row| Ok((row.get("state")?, row.get("plan")?)))
        .optional()
}

/// Deletes entries not updated since whose recovery is gone.
pub(crate) fn expire(db: &Connection, before: Timestamp) -> rusqlite::Result<usize> {
    let statement = "delete from recovery_journal
                     where updated_at < ? and recovery_uid not in (select uid from topology_recovery)";
    sql::execute(db, statement, [sql_time(before)])
}
