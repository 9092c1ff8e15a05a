//! Names of hosts: `hostname_resolve`, `hostname_unresolve` and their histories.

use std::collections::BTreeMap;

use model::Timestamp;

use crate::cell::{Cell, sql_time};
use crate::sql::{self, Db, params};

/// Host name to resolved host name.
pub(crate) fn load_resolved(db: &Db<'_>) -> sql::Result<BTreeMap<String, String>> {
    load(db, "select hostname, resolved_hostname as value from hostname_resolve")
}

/// Host name to virtual name.
pub(crate) fn load_unresolved(db: &Db<'_>) -> sql::Result<BTreeMap<String, String>> {
    load(db, "select hostname, unresolved_hostname as value from hostname_unresolve")
}

/// Stores what a name resolves to, and, when that is another name, where the other name came from.
/// An empty resolved name is no answer and is not stored.
pub(crate) fn set_resolved(db: &Db<'_>, hostname: &str, resolved: &str, at: Timestamp) -> sql::Result<()> {
    if resolved.is_empty() {
        return Ok(());
    }
    let at = sql_time(at);
    let statement =
        sql::upsert("hostname_resolve", &["hostname"], &["resolved_hostname", "resolved_timestamp"]);
    sql::execute(db, &statement, params![hostname, resolved, at])?;
    if hostname != resolved {
        let history = sql::upsert(
            "hostname_resolve_history",
            &["resolved_hostname"],
            &["hostname", "resolved_timestamp"],
        );
        sql::execute(db, &history, params![resolved, hostname, at])?;
    }
    Ok(())
}

/// IPv4 and IPv6 address of a host, as the original last found them.
pub(crate) fn addresses(db: &Db<'_>, hostname: &str) -> sql::Result<Option<(String, String)>> {
    let statement = "select ipv4, ipv6 from hostname_ips where hostname = ?";
    sql::query_one(db, statement, [hostname], |row| {
        Ok((Cell::of(row, "ipv4")?.string(), Cell::of(row, "ipv6")?.string()))
    })
}

/// Forgets what all names resolve to.
pub(crate) fn forget_resolved(db: &Db<'_>) -> sql::Result<()> {
    sql::execute(db, "delete from hostname_resolve", []).map(drop)
}

/// Stores the virtual name of a host; an empty one removes it.
pub(crate) fn set_unresolved(
    db: &Db<'_>,
    hostname: &str,
    unresolved: &str,
    at: Timestamp,
) -> sql::Result<()> {
    if unresolved.is_empty() {
        return sql::execute(db, "delete from hostname_unresolve where hostname = ?", [hostname]).map(drop);
    }
    let at = sql_time(at);
    let statement =
        sql::upsert("hostname_unresolve", &["hostname"], &["unresolved_hostname", "last_registered"]);
    sql::execute(db, &statement, params![hostname, unresolved, at])?;
    let history =
        sql::upsert("hostname_unresolve_history", &["unresolved_hostname"], &["hostname", "last_registered"]);
    sql::execute(db, &history, params![unresolved, hostname, at]).map(drop)
}

/// Deletes resolved names not refreshed since.
pub(crate) fn expire_resolved(db: &Db<'_>, before: Timestamp) -> sql::Result<usize> {
    sql::execute(db, "delete from hostname_resolve where resolved_timestamp < ?", [sql_time(before)])
}

/// Deletes virtual names not refreshed since.
pub(crate) fn expire_unresolved(db: &Db<'_>, before: Timestamp) -> sql::Result<usize> {
    sql::execute(db, "delete from hostname_unresolve where last_registered < ?", [sql_time(before)])
}

fn load(db: &Db<'_>, statement: &str) -> sql::Result<BTreeMap<String, String>> {
    let rows = sql::query(db, statement, [], |row| {
        Ok((Cell::of(row, "hostname")?.string(), Cell::of(row, "value")?.string()))
    })?;
    Ok(rows.into_iter().collect())
}
