//! `database_instance_topology_history`: where every server stood at some moments.

use model::Timestamp;

use crate::sql::{self, Db, params};

/// Records where every known server stands; how many.
pub(crate) fn take(db: &Db<'_>, at: Timestamp) -> sql::Result<usize> {
    let moment = at.as_secs();
    sql::execute(
        db,
        "delete from database_instance_topology_history where snapshot_unix_timestamp = ?",
        [moment],
    )?;
    sql::execute(
        db,
        "insert into database_instance_topology_history
           (snapshot_unix_timestamp, hostname, port, master_host, master_port, cluster_name, version)
         select ?, hostname, port, master_host, master_port, cluster_name, version from database_instance",
        params![moment],
    )
}

/// Deletes what was recorded before.
pub(crate) fn expire(db: &Db<'_>, before: Timestamp) -> sql::Result<usize> {
    let statement = "delete from database_instance_topology_history where snapshot_unix_timestamp < ?";
    sql::execute(db, statement, [before.as_secs()])
}
