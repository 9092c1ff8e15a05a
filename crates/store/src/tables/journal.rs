//! `recovery_journal` (own table): state and plan of recoveries in progress. In a database of the original that may not
//! be changed there is none, and a recovery that is cut short leaves nothing to go on from.

use model::Timestamp;

use crate::cell::{Cell, sql_time};
use crate::sql::{self, Db, params};

const TABLE: &str = "recovery_journal";

/// Saves the state, replacing the former one.
pub(crate) fn save(db: &Db<'_>, uid: &str, state: &str, plan: &str, at: Timestamp) -> sql::Result<()> {
    if !sql::has_table(db, TABLE)? {
        return Ok(());
    }
    let statement = sql::upsert(TABLE, &["recovery_uid"], &["state", "plan", "updated_at"]);
    sql::execute(db, &statement, params![uid, state, plan, sql_time(at)]).map(drop)
}

/// Saved state and plan.
pub(crate) fn load(db: &Db<'_>, uid: &str) -> sql::Result<Option<(String, String)>> {
    if !sql::has_table(db, TABLE)? {
        return Ok(None);
    }
    let statement = "select state, plan from recovery_journal where recovery_uid = ?";
    sql::query_one(db, statement, [uid], |row| {
        Ok((Cell::of(row, "state")?.string(), Cell::of(row, "plan")?.string()))
    })
}

/// Deletes entries not updated since whose recovery is gone.
pub(crate) fn expire(db: &Db<'_>, before: Timestamp) -> sql::Result<usize> {
    if !sql::has_table(db, TABLE)? {
        return Ok(0);
    }
    let statement = "delete from recovery_journal
                     where updated_at < ? and recovery_uid not in (select uid from topology_recovery)";
    sql::execute(db, statement, [sql_time(before)])
}
