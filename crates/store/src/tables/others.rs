//! Tables of the original that this program does not fill but keeps from growing in a database both have used.

use std::time::Duration;

use model::Timestamp;

use crate::cell::sql_time;
use crate::sql::{self, Db};

const COORDINATES_HISTORY: Duration = Duration::from_secs(4 * 60);
const INJECTED_PSEUDO_GTID: Duration = Duration::from_secs(60 * 60);

/// Deletes what is kept for a fixed, short time.
pub(crate) fn expire_short_lived(db: &Db<'_>, now: Timestamp) -> sql::Result<usize> {
    let coordinates = "delete from database_instance_coordinates_history where recorded_timestamp < ?";
    let pseudo_gtid = "delete from cluster_injected_pseudo_gtid where time_injected < ?";
    Ok(sql::execute(db, coordinates, [sql_time(now - COORDINATES_HISTORY)])?
        + sql::execute(db, pseudo_gtid, [sql_time(now - INJECTED_PSEUDO_GTID)])?)
}
