//! `master_position_equivalence`: places in the binary logs of two servers with the same history before them.

use model::{BinlogCoordinates, InstanceKey, Timestamp};

use crate::cell::sql_time;
use crate::sql::{self, Db, params};

/// Records that two places are equal; a pair that is known is renewed.
pub(crate) fn record(
    db: &Db<'_>,
    (one, one_at): (&InstanceKey, &BinlogCoordinates),
    (other, other_at): (&InstanceKey, &BinlogCoordinates),
    at: Timestamp,
) -> sql::Result<()> {
    let statement = sql::upsert(
        "master_position_equivalence",
        &[
            "master1_hostname",
            "master1_port",
            "master1_binary_log_file",
            "master1_binary_log_pos",
            "master2_hostname",
            "master2_port",
        ],
        &["master2_binary_log_file", "master2_binary_log_pos", "last_suggested"],
    );
    let row = params![
        one.hostname(),
        one.port(),
        one_at.file,
        one_at.pos,
        other.hostname(),
        other.port(),
        other_at.file,
        other_at.pos,
        sql_time(at),
    ];
    sql::execute(db, &statement, row).map(drop)
}

/// Places equal to this one, in either direction.
pub(crate) fn list(
    db: &Db<'_>,
    key: &InstanceKey,
    at: &BinlogCoordinates,
) -> sql::Result<Vec<(InstanceKey, BinlogCoordinates)>> {
    let mut found = Vec::new();
    for (known, wanted) in [("master1", "master2"), ("master2", "master1")] {
        let statement = format!(
            "select {wanted}_hostname as hostname, {wanted}_port as port, {wanted}_binary_log_file as file,
               {wanted}_binary_log_pos as pos
             from master_position_equivalence
             where {known}_hostname = ? and {known}_port = ? and {known}_binary_log_file = ?
               and {known}_binary_log_pos = ?"
        );
        let place = params![key.hostname(), key.port(), at.file, at.pos];
        found.extend(sql::query(db, &statement, place, |row| {
            let position = BinlogCoordinates::binary(row.cell("file")?.string(), row.cell("pos")?.number());
            Ok((crate::cell::key(row)?, position))
        })?);
    }
    Ok(found)
}

/// Deletes pairs not suggested since.
pub(crate) fn expire(db: &Db<'_>, before: Timestamp) -> sql::Result<usize> {
    sql::execute(db, "delete from master_position_equivalence where last_suggested < ?", [sql_time(before)])
}
