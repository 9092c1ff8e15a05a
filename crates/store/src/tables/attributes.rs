//! `host_attributes` and `kv_store`: values by name.

use model::Timestamp;

use crate::cell::sql_time;
use crate::sql::{self, Db, params};

/// Inserts or updates an attribute of a host.
pub(crate) fn set(db: &Db<'_>, hostname: &str, name: &str, value: &str, at: Timestamp) -> sql::Result<()> {
    let statement = sql::upsert(
        "host_attributes",
        &["hostname", "attribute_name"],
        &["attribute_value", "submit_timestamp"],
    );
    sql::execute(db, &statement, params![hostname, name, value, sql_time(at)]).map(drop)
}

/// Inserts or updates a key-value pair.
pub(crate) fn put(db: &Db<'_>, key: &str, value: &str, at: Timestamp) -> sql::Result<()> {
    let statement = sql::upsert("kv_store", &["store_key"], &["store_value", "last_updated"]);
    sql::execute(db, &statement, params![key, value, sql_time(at)]).map(drop)
}

/// An attribute of a host.
pub(crate) fn get(db: &Db<'_>, hostname: &str, name: &str) -> sql::Result<Option<String>> {
    let statement = "select attribute_value from host_attributes where hostname = ? and attribute_name = ?";
    sql::query_one(db, statement, params![hostname, name], |row| Ok(row.cell("attribute_value")?.string()))
}
