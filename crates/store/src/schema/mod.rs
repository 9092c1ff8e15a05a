//! The schema: numbered migrations that add what is missing and never drop or rename anything.
//!
//! The result is what the original deploys, column for column and index for index, plus own additions that the
//! original does not notice (own tables and indexes). Each migration exists in both
//! dialects, side by side, and may run again on a database that has it. Which ones a database has is kept in an own
//! table, which is also how a database of a newer program is recognised. The original's log of deployed versions is
//! kept up as well.

mod columns;
mod mysql;

use model::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

pub(crate) use mysql::{deploy as deploy_mysql, is_deployed as is_deployed_mysql, present as present_mysql};

/// One step. Append-only: a published migration never changes.
struct Migration {
    number: i64,
    name: &'static str,
    /// What it does to SQLite.
    sqlite: fn(&Connection) -> rusqlite::Result<()>,
    /// What MySQL shall have afterwards: tables, columns, keys. Only what is missing is added.
    mysql: &'static str,
}

const TABLES: &str = include_str!("sqlite/001_tables.sql");

const MIGRATIONS: &[Migration] = &[
    Migration {
        number: 1,
        name: "tables of the original",
        sqlite: |db| {
            db.execute_batch(TABLES)?;
            columns::add_missing(db, TABLES)
        },
        // Keys included.
        mysql: include_str!("mysql/001_tables.sql"),
    },
    Migration {
        number: 2,
        name: "indexes of the original",
        sqlite: |db| db.execute_batch(include_str!("sqlite/002_indexes.sql")),
        mysql: "",
    },
    Migration {
        number: 3,
        name: "journal of recoveries",
        sqlite: |db| db.execute_batch(include_str!("sqlite/003_recovery_journal.sql")),
        mysql: include_str!("mysql/003_recovery_journal.sql"),
    },
    Migration {
        number: 4,
        name: "indexes for purging",
        sqlite: |db| db.execute_batch(include_str!("sqlite/004_purge_indexes.sql")),
        mysql: include_str!("mysql/004_purge_indexes.sql"),
    },
    Migration {
        number: 5,
        // It added columns to `database_instance`, which broke inserts that name no columns. Where they are they stay,
        // unused.
        name: "facts of servers that the original does not store",
        sqlite: |_| Ok(()),
        mysql: "",
    },
    Migration {
        number: 6,
        name: "facts of servers in a table of their own",
        sqlite: |db| db.execute_batch(include_str!("sqlite/006_instance_facts.sql")),
        mysql: include_str!("mysql/006_instance_facts.sql"),
    },
    Migration {
        number: INSTANCE_AUTHORS,
        name: "authors of the facts of servers",
        // A file tells by itself whether others wrote.
        sqlite: |_| Ok(()),
        mysql: include_str!("mysql/007_instance_authors.sql"),
    },
];

/// Since this migration the facts of servers on MySQL are signed.
pub(crate) const INSTANCE_AUTHORS: i64 = 7;

const MIGRATION_LOG: &str = "create table if not exists orchestrator_schema_migration (
  number integer primary key,
  name varchar(128) not null,
  applied_at timestamp not null
)";

/// Number of the newest migration this program knows.
pub(crate) const LATEST: i64 = MIGRATIONS[MIGRATIONS.len() - 1].number;

/// Number of the newest migration the database has; 0 for an empty database and for one of the original.
pub(crate) fn present(db: &Connection) -> rusqlite::Result<i64> {
    if !has_table(db, "orchestrator_schema_migration")? {
        return Ok(0);
    }
    db.query_row("select coalesce(max(number), 0) from orchestrator_schema_migration", [], |row| row.get(0))
}

/// The version text is in the log of deployed versions.
pub(crate) fn is_deployed(db: &Connection, version: &str) -> rusqlite::Result<bool> {
    if !has_table(db, "orchestrator_db_deployments")? {
        return Ok(false);
    }
    let found = db
        .query_row("select 1 from orchestrator_db_deployments where deployed_version = ?", [version], |_| {
            Ok(())
        })
        .optional()?;
    Ok(found.is_some())
}

/// Runs every migration and logs the version. One transaction, which other processes that open the same database at
/// the same moment wait for: either all of it happens or nothing.
pub(crate) fn deploy(db: &mut Connection, version: &str, now: Timestamp) -> rusqlite::Result<()> {
    let at = now.to_sql_text();
    let transaction = db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    transaction.execute_batch(MIGRATION_LOG)?;
    for migration in MIGRATIONS {
        (migration.sqlite)(&transaction)?;
        transaction.execute(
            "insert or ignore into orchestrator_schema_migration (number, name, applied_at) values (?, ?, ?)",
            params![migration.number, migration.name, at],
        )?;
    }
    // The original expects the row of the election to exist.
    transaction.execute(
        "insert or ignore into active_node (anchor, hostname, token, last_seen_active) values (1, '', '', ?)",
        [&at],
    )?;
    transaction.execute(
        "insert into orchestrator_db_deployments (deployed_version, deployed_timestamp) values (?1, ?2)
         on conflict (deployed_version) do update set deployed_timestamp = excluded.deployed_timestamp",
        params![version, at],
    )?;
    transaction.commit()
}

/// Refusal of a schema made by a newer version. `cure` names what to use instead.
pub(crate) fn too_new(present: i64, cure: &str) -> String {
    format!(
        "its schema (number {present}) was made by a newer version of this program, which knows up to {LATEST}; run that \
         version, or use {cure}"
    )
}

/// Refusal by `PanicIfDifferentDatabaseDeploy`.
pub(crate) fn other_version(version: &str) -> String {
    format!(
        "PanicIfDifferentDatabaseDeploy is set. Configured version {version} is not the version found in the database"
    )
}

fn has_table(db: &Connection, name: &str) -> rusqlite::Result<bool> {
    let found = db
        .query_row("select 1 from sqlite_master where type = 'table' and name = ?", [name], |_| Ok(()))
        .optional()?;
    Ok(found.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrations_are_numbered_in_order() {
        let numbers: Vec<_> = MIGRATIONS.iter().map(|migration| migration.number).collect();
        assert_eq!(numbers, (1..=LATEST).collect::<Vec<_>>());
    }

    #[test]
    fn deploying_twice_changes_nothing_but_the_time() {
        let mut db = Connection::open_in_memory().unwrap();
        deploy(&mut db, "1.0", Timestamp::from_secs(1)).unwrap();
        let schema = |db: &Connection| -> Vec<String> {
            let mut statement =
                db.prepare("select sql from sqlite_master where sql is not null order by name").unwrap();
            statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
        };
        let first = schema(&db);
        deploy(&mut db, "1.0", Timestamp::from_secs(2)).unwrap();
        assert_eq!(schema(&db), first);
        assert_eq!(present(&db).unwrap(), LATEST);
        assert!(is_deployed(&db, "1.0").unwrap() && !is_deployed(&db, "1.1").unwrap());
    }
}
