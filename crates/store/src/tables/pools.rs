//! `database_instance_pool`: servers by the pools that others put them in.

use model::{InstanceKey, Timestamp};

use crate::cell::{key, sql_time};
use crate::sql::{self, Db, params};

/// Replaces the members of a pool.
pub(crate) fn submit(db: &Db<'_>, pool: &str, members: &[InstanceKey], at: Timestamp) -> sql::Result<()> {
    sql::execute(db, "delete from database_instance_pool where pool = ?", [pool])?;
    let statement = sql::upsert("database_instance_pool", &["hostname", "port", "pool"], &["registered_at"]);
    for member in members {
        sql::execute(db, &statement, params![member.hostname(), member.port(), pool, sql_time(at)])?;
    }
    Ok(())
}

/// Members of all pools.
pub(crate) fn list(db: &Db<'_>) -> sql::Result<Vec<(String, InstanceKey)>> {
    let statement = "select pool, hostname, port from database_instance_pool order by pool, hostname, port";
    sql::query(db, statement, [], |row| Ok((row.cell("pool")?.string(), key(row)?)))
}

/// Deletes pools registered before.
pub(crate) fn expire(db: &Db<'_>, before: Timestamp) -> sql::Result<usize> {
    sql::execute(db, "delete from database_instance_pool where registered_at < ?", [sql_time(before)])
}
