//! `database_instance_topology_history`: where every server stood at some moments.

use model::{InstanceKey, Timestamp};
use ports::SnapshotRow;

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

/// Where the servers of a cluster stood, by moment and server.
pub(crate) fn list(db: &Db<'_>, cluster_name: &str) -> sql::Result<Vec<SnapshotRow>> {
    let statement = "select snapshot_unix_timestamp, hostname, port, master_host, master_port
         from database_instance_topology_history where cluster_name = ?
         order by snapshot_unix_timestamp, hostname, port";
    sql::query(db, statement, [cluster_name], |row| {
        let key = |host: &str, port: &str| -> sql::Result<InstanceKey> {
            Ok(InstanceKey::new(row.cell(host)?.string(), row.cell(port)?.number()))
        };
        Ok(SnapshotRow {
            at: Timestamp::from_secs(row.cell("snapshot_unix_timestamp")?.int()),
            key: key("hostname", "port")?,
            primary_key: key("master_host", "master_port")?,
        })
    })
}
