//! Active periods of detections and recoveries, and how they end.
//!
//! Both tables have a unique index over server, `in_active_period` and `end_active_period_unixtime`: the active row is
//! a lock. Two rows of a server that end in the same second would collide there, so rows are closed one at a time and
//! the later one takes the next free second.

use model::Timestamp;

use crate::cell::{Cell, sql_time};
use crate::sql::{self, Db, params};

/// A table with active periods.
#[derive(Clone, Copy)]
pub(crate) enum Periods {
    /// `topology_failure_detection`.
    Detections,
    /// `topology_recovery`.
    Recoveries,
}

impl Periods {
    fn close_statement(self) -> &'static str {
        match self {
            Self::Detections => {
                "update topology_failure_detection set in_active_period = 0, end_active_period_unixtime = ?
                 where detection_id = ?"
            }
            Self::Recoveries => {
                "update topology_recovery set in_active_period = 0, end_active_period_unixtime = ?
                 where recovery_id = ?"
            }
        }
    }

    fn expired_statement(self) -> &'static str {
        match self {
            Self::Detections => {
                "select detection_id as id from topology_failure_detection
                 where in_active_period = 1 and start_active_period < ? order by detection_id"
            }
            Self::Recoveries => {
                "select recovery_id as id from topology_recovery
                 where in_active_period = 1 and start_active_period < ? order by recovery_id"
            }
        }
    }
}

/// Ends the active period of one row at that time, or as soon after as the unique index allows.
pub(crate) fn close(db: &Db<'_>, periods: Periods, id: i64, at: Timestamp) -> sql::Result<()> {
    let mut end = at.as_secs();
    loop {
        match sql::execute(db, periods.close_statement(), params![end, id]) {
            Err(error) if error.is_duplicate() => end += 1,
            outcome => return outcome.map(drop),
        }
    }
}

/// Ends active periods that began before. How many there were.
pub(crate) fn close_expired(
    db: &Db<'_>,
    periods: Periods,
    began_before: Timestamp,
    at: Timestamp,
) -> sql::Result<usize> {
    let ids = ids(db, periods.expired_statement(), [sql_time(began_before)])?;
    for id in &ids {
        close(db, periods, *id, at)?;
    }
    Ok(ids.len())
}

/// Row ids that a query names `id`.
pub(crate) fn ids(db: &Db<'_>, statement: &str, params: impl sql::Params) -> sql::Result<Vec<i64>> {
    sql::query(db, statement, params, |row| Ok(Cell::of(row, "id")?.int()))
}
