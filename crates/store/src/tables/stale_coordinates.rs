//! `database_instance_stale_binlog_coordinates`: where primaries were seen to stand still.

use std::collections::BTreeMap;

use model::{BinlogCoordinates, InstanceKey, StaleCoordinates, Timestamp};

use crate::cell::{Cell, key, sql_time};
use crate::sql::{self, Db, params};

/// Every remembered place.
pub(crate) fn load(db: &Db<'_>) -> sql::Result<BTreeMap<InstanceKey, StaleCoordinates>> {
    let rows = sql::query(
        db,
        "select hostname, port, binary_log_file, binary_log_pos, first_seen
         from database_instance_stale_binlog_coordinates",
        [],
        |row| {
            let file = Cell::of(row, "binary_log_file")?.string();
            let coordinates = BinlogCoordinates::binary(file, Cell::of(row, "binary_log_pos")?.number());
            let first_seen = Cell::of(row, "first_seen")?.time().unwrap_or_default();
            Ok((key(row)?, StaleCoordinates { coordinates, first_seen }))
        },
    )?;
    Ok(rows.into_iter().collect())
}

/// Remembers a place. The time at which the same place was first seen is kept; another place replaces it.
pub(crate) fn put(
    db: &Db<'_>,
    key: &InstanceKey,
    coordinates: &BinlogCoordinates,
    at: Timestamp,
) -> sql::Result<()> {
    let position = i64::try_from(coordinates.pos).unwrap_or(i64::MAX);
    sql::execute(
        db,
        "delete from database_instance_stale_binlog_coordinates
         where hostname = ? and port = ? and (binary_log_file <> ? or binary_log_pos <> ?)",
        params![key.hostname(), key.port(), coordinates.file, position],
    )?;
    let statement = sql::insert_ignore(
        "database_instance_stale_binlog_coordinates",
        &["hostname", "port", "binary_log_file", "binary_log_pos", "first_seen"],
    );
    let row = params![key.hostname(), key.port(), coordinates.file, position, sql_time(at)];
    sql::execute(db, &statement, row).map(drop)
}

/// Deletes places first seen before.
pub(crate) fn expire(db: &Db<'_>, before: Timestamp) -> sql::Result<usize> {
    let statement = "delete from database_instance_stale_binlog_coordinates where first_seen < ?";
    sql::execute(db, statement, [sql_time(before)])
}
