//! The schema on MySQL and MariaDB: the live schema is compared with what each migration wants, and only what is
//! missing is added, so that nothing is rebuilt in a database that is up to date or nearly so.
//!
//! Statements of definition commit by themselves there. A server-side lock keeps several nodes from migrating
//! together; a migration that was interrupted is run again by the next opening, because its number is written last.

use std::collections::BTreeSet;

use model::Timestamp;

use super::{MIGRATION_LOG, MIGRATIONS};
use crate::cell::sql_time;
use crate::mysql::Session;
use crate::sql::{self, Db, params};

/// How long another node may take for its migration, in seconds.
const LOCK_WAIT_MAX_SECONDS: i64 = 60;

/// A table as a migration wants it.
#[derive(Debug, PartialEq, Eq)]
struct Wanted<'a> {
    name: &'a str,
    /// The whole statement.
    create: &'a str,
    /// Name and definition.
    columns: Vec<(&'a str, &'a str)>,
    /// Name and definition.
    keys: Vec<(&'a str, &'a str)>,
}

/// Number of the newest migration the database has; 0 for an empty database and for one of the original.
pub(crate) fn present(session: &Session) -> sql::Result<i64> {
    if !tables(session)?.contains("orchestrator_schema_migration") {
        return Ok(0);
    }
    let newest = "select max(number) as number from orchestrator_schema_migration";
    let number = sql::query_one(&Db::MySql(session), newest, [], |row| Ok(row.cell("number")?.int()))?;
    Ok(number.unwrap_or(0))
}

/// The version text is in the log of deployed versions.
pub(crate) fn is_deployed(session: &Session, version: &str) -> sql::Result<bool> {
    if !tables(session)?.contains("orchestrator_db_deployments") {
        return Ok(false);
    }
    let find = "select deployed_version from orchestrator_db_deployments where deployed_version = ?";
    Ok(sql::query_one(&Db::MySql(session), find, [version], |_| Ok(()))?.is_some())
}

/// Runs every migration and logs the version. Waits for other nodes that do the same.
pub(crate) fn deploy(session: &Session, version: &str, now: Timestamp) -> sql::Result<()> {
    let db = Db::MySql(session);
    // Named after the schema: locks are shared by all schemas of a server.
    let lock = "select get_lock(concat('orchestrator_schema_', crc32(database())), ?) as is_held";
    let is_held = sql::query_one(&db, lock, [LOCK_WAIT_MAX_SECONDS], |row| Ok(row.cell("is_held")?.flag()))?;
    if is_held != Some(true) {
        return Err(sql::Error::Busy("another node is still changing the schema"));
    }
    let outcome = migrate(session, version, now);
    // When this fails the connection is broken, and the lock went with it.
    let _ = session.query("do release_lock(concat('orchestrator_schema_', crc32(database())))", &no_params());
    outcome
}

fn migrate(session: &Session, version: &str, now: Timestamp) -> sql::Result<()> {
    let db = Db::MySql(session);
    let at = sql_time(now);
    session.batch(&format!("{MIGRATION_LOG} engine=InnoDB default charset=ascii"))?;
    for migration in MIGRATIONS {
        for wanted in parse(migration.mysql) {
            add_missing(session, &wanted)?;
        }
        let log = sql::insert_ignore("orchestrator_schema_migration", &["number", "name", "applied_at"]);
        sql::execute(&db, &log, params![migration.number, migration.name, at])?;
    }
    // The original expects the row of the election to exist. Its time is long past, so that the first node to come
    // need not wait.
    let election = "insert ignore into active_node (anchor, hostname, token, last_seen_active)
                    values (1, '', '', '1971-01-01 00:00:00')";
    sql::execute(&db, election, [])?;
    let deployment =
        sql::upsert("orchestrator_db_deployments", &["deployed_version"], &["deployed_timestamp"]);
    sql::execute(&db, &deployment, params![version, at]).map(drop)
}

/// Creates the table, or adds the columns and keys that it lacks, in one statement.
fn add_missing(session: &Session, wanted: &Wanted<'_>) -> sql::Result<()> {
    if !tables(session)?.contains(wanted.name) {
        return session.batch(wanted.create);
    }
    let columns = names(
        session,
        "select column_name as name from information_schema.columns
         where table_schema = database() and table_name = ?",
        wanted.name,
    )?;
    let keys = names(
        session,
        "select distinct index_name as name from information_schema.statistics
         where table_schema = database() and table_name = ?",
        wanted.name,
    )?;
    let lacking = |present: &BTreeSet<String>, items: &[(&str, &str)], verb: &str| -> Vec<String> {
        let missing = items.iter().filter(|(name, _)| !present.contains(*name));
        missing.map(|(_, definition)| format!("{verb} {definition}")).collect()
    };
    let mut additions = lacking(&columns, &wanted.columns, "add column");
    additions.extend(lacking(&keys, &wanted.keys, "add"));
    if additions.is_empty() {
        return Ok(());
    }
    session.batch(&format!("alter table {} {}", wanted.name, additions.join(", ")))
}

fn tables(session: &Session) -> sql::Result<BTreeSet<String>> {
    let statement =
        "select table_name as name from information_schema.tables where table_schema = database()";
    let read = |row: &sql::Row<'_>| Ok(row.cell("name")?.string());
    Ok(sql::query(&Db::MySql(session), statement, [], read)?.into_iter().collect())
}

fn names(session: &Session, statement: &str, table: &str) -> sql::Result<BTreeSet<String>> {
    let read = |row: &sql::Row<'_>| Ok(row.cell("name")?.string());
    Ok(sql::query(&Db::MySql(session), statement, [table], read)?.into_iter().collect())
}

fn no_params() -> &'static [sql::Value<'static>] {
    &[]
}

/// Reads the files of this crate: one item a line, a table ends with a line that begins with `)`.
fn parse(text: &str) -> Vec<Wanted<'_>> {
    let mut tables = Vec::new();
    for create in text.split(";\n").map(str::trim) {
        let Some(start) = create.find("create table if not exists ") else { continue };
        let create = &create[start..];
        let mut lines = create.lines();
        let name = lines.next().and_then(|line| line.split(' ').nth(5)).unwrap_or_default();
        let (mut columns, mut keys) = (Vec::new(), Vec::new());
        for item in lines.map(|line| line.trim().trim_end_matches(',')).filter(|line| !line.starts_with(')'))
        {
            let mut words = item.split(' ');
            match (words.next().unwrap_or_default(), words.next(), words.next()) {
                ("primary", ..) => {}
                ("key", Some(key), _) | ("unique", Some("key"), Some(key)) => keys.push((key, item)),
                (column, ..) => columns.push((column, item)),
            }
        }
        tables.push(Wanted { name, create, columns, keys });
    }
    tables
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;

    #[test]
    fn definitions_are_read_item_by_item() {
        let text = "-- Note.\n\ncreate table if not exists t (\n  a int not null,\n  b text,\n  primary key (a),\n  \
                    unique key b_idx (b, a)\n) engine=InnoDB;\n\ncreate table if not exists u (\n  key c_idx (c)\n);\n";
        let tables = parse(text);
        assert_eq!(tables[0].columns, [("a", "a int not null"), ("b", "b text")]);
        assert_eq!(tables[0].keys, [("b_idx", "unique key b_idx (b, a)")]);
        assert_eq!((tables[1].name, tables[1].keys[0].0), ("u", "c_idx"));
        assert!(tables[0].create.starts_with("create table") && tables[0].create.ends_with("engine=InnoDB"));
    }

    /// Both dialects define the same tables, columns and number of indexes, but for what only MySQL needs.
    #[test]
    fn the_dialects_agree() {
        let mut db = Connection::open_in_memory().unwrap();
        super::super::deploy(&mut db, "test", Timestamp::from_secs(1)).unwrap();
        let list = |query: &str| -> BTreeSet<String> {
            let mut statement = db.prepare(query).unwrap();
            statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
        };
        let sqlite = list(
            "select m.name || '.' || c.name from sqlite_master m, pragma_table_info(m.name) c
             where m.type = 'table' and m.name <> 'orchestrator_schema_migration'",
        );
        let wanted: Vec<_> = MIGRATIONS.iter().flat_map(|migration| parse(migration.mysql)).collect();
        let mut mysql: BTreeSet<_> = wanted
            .iter()
            .flat_map(|table| table.columns.iter().map(|(column, _)| format!("{}.{column}", table.name)))
            .collect();
        assert!(mysql.remove("database_instance_facts.written_by"), "the author of a row");
        assert_eq!(mysql, sqlite);
        let indexes = list("select name from sqlite_master where type = 'index' and sql is not null");
        assert_eq!(wanted.iter().map(|table| table.keys.len()).sum::<usize>(), indexes.len());
    }
}
