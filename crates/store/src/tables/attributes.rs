//! `host_attributes` and `kv_store`: values by name.

use model::{HostAttribute, Timestamp};

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

/// Inserts or updates key-value pairs.
pub(crate) fn put(db: &Db<'_>, pairs: &[(String, String)], at: Timestamp) -> sql::Result<()> {
    let statement = sql::upsert("kv_store", &["store_key"], &["store_value", "last_updated"]);
    for (key, value) in pairs {
        sql::execute(db, &statement, params![key, value, sql_time(at)])?;
    }
    Ok(())
}

/// An attribute of a host.
pub(crate) fn get(db: &Db<'_>, hostname: &str, name: &str) -> sql::Result<Option<String>> {
    let statement = "select attribute_value from host_attributes where hostname = ? and attribute_name = ?";
    sql::query_one(db, statement, params![hostname, name], |row| Ok(row.cell("attribute_value")?.string()))
}

/// Hosts with an attribute, by host; with a pattern those whose value fits: a regular expression, on SQLite a pattern for
/// `like`, as scripts know it from there.
pub(crate) fn list(db: &Db<'_>, name: &str, pattern: Option<&str>) -> sql::Result<Vec<HostAttribute>> {
    let fits = match db {
        Db::Sqlite(_) => "like",
        Db::MySql(_) => "rlike",
    };
    let statement = format!(
        "select hostname, attribute_name, attribute_value, submit_timestamp, expire_timestamp from host_attributes
         where attribute_name = ?1 and (?2 is null or attribute_value {fits} ?2) order by hostname"
    );
    sql::query(db, &statement, params![name, pattern], |row| {
        Ok(HostAttribute {
            hostname: row.cell("hostname")?.string(),
            name: row.cell("attribute_name")?.string(),
            value: row.cell("attribute_value")?.string(),
            submitted: row.cell("submit_timestamp")?.time(),
            expires: row.cell("expire_timestamp")?.time(),
        })
    })
}
