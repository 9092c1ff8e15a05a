//! `host_attributes` and `kv_store`: values by name.

use model::Timestamp;
use rusqlite::{Connection, params};

use crate::cell::sql_time;
use crate::sql;

/// Inserts or updates an attribute of a host.
pub(crate) fn set(
    db: &Connection,
    hostname: &str,
    name: &str,
    value: &str,
    at: Timestamp,
) -> rusqlite::Result<()> {
    let statement = sql::upsert(
        "host_attributes",
        &["hostname", "attribute_name"],
        &["attribute_value", "submit_timestamp"],
    );
    sql::execute(db, &statement, params![hostname, name, value, sql_time(at)]).map(drop)
}

/// Inserts or updates a key-value pair.
pub(crate) fn put(db: &Connection, key: &str, value: &str, at: Timestamp) -> rusqlite::Result<()> {
    let statement = sql::upsert("kv_store", &["store_key"], &["store_value", "last_updated"]);
    sql::execute(db, &statement, params![key, value, sql_time(at)]).map(drop)
}
