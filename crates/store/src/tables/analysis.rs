//! `database_instance_last_analysis` and `database_instance_analysis_changelog`: which code each server had, and when
//! that changed.

use model::{AnalysisCode, InstanceKey, Timestamp};
use ports::AnalysisChange;

use crate::cell::{Cell, key, sql_time};
use crate::sql::{self, Db, params};

/// Records the code of a server. The changelog gets a row when the code differs from the last one, and for the first
/// code of a server when it is a problem.
pub(crate) fn write(db: &Db<'_>, key: &InstanceKey, code: &str, at: Timestamp) -> sql::Result<()> {
    let at = sql_time(at);
    let changed = sql::execute(
        db,
        "update database_instance_last_analysis set analysis = ?1, analysis_timestamp = ?2
         where hostname = ?3 and port = ?4 and analysis <> ?1",
        params![code, at, key.hostname(), key.port()],
    )? > 0;
    let columns = ["hostname", "port", "analysis_timestamp", "analysis"];
    let row = params![key.hostname(), key.port(), at, code];
    let is_logged = changed || {
        let first = sql::insert_ignore("database_instance_last_analysis", &columns);
        sql::execute(db, &first, row)? > 0 && code != AnalysisCode::NoProblem.as_str()
    };
    if is_logged {
        sql::execute(db, &sql::insert("database_instance_analysis_changelog", &columns), row)?;
    }
    Ok(())
}

/// The changelog by server.
pub(crate) fn changelog(db: &Db<'_>) -> sql::Result<Vec<AnalysisChange>> {
    let statement =
        "select hostname, port, analysis_timestamp, analysis from database_instance_analysis_changelog
                     order by hostname, port, changelog_id";
    let rows = sql::query(db, statement, [], |row| {
        let at = Cell::of(row, "analysis_timestamp")?.time().unwrap_or_default();
        Ok((key(row)?, (at, Cell::of(row, "analysis")?.string())))
    })?;
    let mut servers: Vec<AnalysisChange> = Vec::new();
    for (key, change) in rows {
        match servers.last_mut() {
            Some(server) if server.key == key => server.changes.push(change),
            _ => servers.push(AnalysisChange { key, changes: vec![change] }),
        }
    }
    Ok(servers)
}

/// Deletes changes recorded before, and last codes as old of servers that are no longer known.
pub(crate) fn expire(db: &Db<'_>, before: Timestamp) -> sql::Result<usize> {
    let before = sql_time(before);
    let changes = sql::execute(
        db,
        "delete from database_instance_analysis_changelog where analysis_timestamp < ?",
        [&before],
    )?;
    let codes = sql::execute(
        db,
        "delete from database_instance_last_analysis where analysis_timestamp < ? and not exists (
           select 1 from database_instance
           where database_instance.hostname = database_instance_last_analysis.hostname
             and database_instance.port = database_instance_last_analysis.port)",
        [&before],
    )?;
    Ok(changes + codes)
}
