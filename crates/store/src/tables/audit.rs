//! `audit`: what was done, by line.

use model::{AuditRecord, InstanceKey, Timestamp};
use ports::AuditQuery;

use super::PAGE;
use crate::cell::{Cell, key, sql_time};
use crate::sql::{self, Db, Row, params};

/// Adds a line. One about no server has an empty host name and port 0.
pub(crate) fn add(db: &Db<'_>, record: &AuditRecord) -> sql::Result<()> {
    let columns = ["audit_timestamp", "audit_type", "hostname", "port", "cluster_name", "message"];
    let (host, port) = record.key.as_ref().map_or(("", 0), |key| (key.hostname(), key.port()));
    let row = params![sql_time(record.at), record.kind, host, port, record.cluster_name, record.message];
    sql::execute(db, &sql::insert("audit", &columns), row).map(drop)
}

/// Lists lines, newest first.
pub(crate) fn list(db: &Db<'_>, query: &AuditQuery) -> sql::Result<Vec<AuditRecord>> {
    let offset = u64::from(query.page) * u64::from(PAGE);
    let select =
        "select audit_id, audit_timestamp, audit_type, hostname, port, cluster_name, message from audit";
    let order = format!("order by audit_timestamp desc, audit_id desc limit {PAGE} offset {offset}");
    match &query.key {
        Some(key) => {
            let statement = format!("{select} where hostname = ? and port = ? {order}");
            sql::query(db, &statement, params![key.hostname(), key.port()], read)
        }
        None => sql::query(db, &format!("{select} {order}"), [], read),
    }
}

/// Deletes lines written before.
pub(crate) fn expire(db: &Db<'_>, before: Timestamp) -> sql::Result<usize> {
    sql::execute(db, "delete from audit where audit_timestamp < ?", [sql_time(before)])
}

fn read(row: &Row<'_>) -> sql::Result<AuditRecord> {
    let key: InstanceKey = key(row)?;
    Ok(AuditRecord {
        id: Cell::of(row, "audit_id")?.int(),
        at: Cell::of(row, "audit_timestamp")?.time().unwrap_or_default(),
        kind: Cell::of(row, "audit_type")?.string(),
        key: (!key.is_none()).then_some(key),
        cluster_name: Cell::of(row, "cluster_name")?.string(),
        message: Cell::of(row, "message")?.string(),
    })
}
