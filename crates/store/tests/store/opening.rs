//! What can be wrong with a file, what the error says, and that the file stays as it was.

use std::path::Path;
use std::sync::Arc;

use model::{Command, Instance};
use ports::{InstanceWrite, Store, StoreError};
use store::{OpenOptions, SqliteStore};

use crate::on_sqlite::{SqliteFile, shown};
use crate::support::{Place, key, options};

fn refusal(path: &Path, options: &OpenOptions) -> String {
    match SqliteStore::open(path, options) {
        Ok(_) => panic!("{} was opened", path.display()),
        Err(error @ StoreError::Open { .. }) => error.to_string(),
        Err(other) => panic!("another kind of error: {other}"),
    }
}

#[track_caller]
fn assert_says(error: &str, words: &str) {
    assert!(error.contains(words), "{error:?} does not say {words:?}");
}

#[test]
fn a_missing_directory_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("absent/orchestrator.db");
    assert_says(&refusal(&path, &options()), "absent does not exist; create it or change SQLite3DataFile");
}

#[test]
fn a_missing_file_is_created_only_when_allowed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("orchestrator.db");
    let strict = OpenOptions { create: false, ..options() };
    assert_says(&refusal(&path, &strict), "the file does not exist");
    assert!(!path.exists());
    drop(SqliteStore::open(&path, &options()).unwrap());
    drop(SqliteStore::open(&path, &strict).unwrap());
}

#[test]
fn a_directory_is_no_file() {
    let directory = tempfile::tempdir().unwrap();
    assert_says(&refusal(directory.path(), &options()), "it is a directory");
}

#[test]
fn files_that_are_no_database_are_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("orchestrator.db");
    let text = "I am a letter. ".repeat(100);
    std::fs::write(&path, &text).unwrap();
    assert_says(&refusal(&path, &options()), "it is not a SQLite database; check SQLite3DataFile");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
}

#[test]
fn damaged_files_are_left_alone() {
    let bench = SqliteFile::new();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("damaged.db");
    bench.sql("pragma wal_checkpoint(truncate)");
    let mut bytes = std::fs::read(&bench.path).unwrap();
    // Right after the header of the file is the root of the schema.
    bytes[100..2000].fill(0xee);
    std::fs::write(&path, &bytes).unwrap();
    assert_says(&refusal(&path, &options()), "the file is damaged; restore it from a backup");
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
}

#[test]
fn a_schema_from_the_future_is_refused() {
    let bench = SqliteFile::new();
    bench.sql("insert into orchestrator_schema_migration values (900, 'unheard of', '2030-01-01 00:00:00')");
    let error = refusal(&bench.path, &options());
    assert_says(&error, "its schema (number 900) was made by a newer version");
}

#[test]
fn another_version_is_refused_when_asked_for() {
    let bench = SqliteFile::new();
    let strict = OpenOptions { refuse_other_version: true, ..options() };
    drop(SqliteStore::open(&bench.path, &strict).unwrap());
    let other = OpenOptions { version: "4.0".to_owned(), ..strict.clone() };
    let text = "PanicIfDifferentDatabaseDeploy is set. Configured version 4.0 is not the version found in the database";
    assert_says(&refusal(&bench.path, &other), text);
    drop(SqliteStore::open(&bench.path, &OpenOptions { skip_update: true, ..other }).unwrap());
    assert_eq!(bench.rows("select deployed_version from orchestrator_db_deployments"), ["test"]);
    let directory = tempfile::tempdir().unwrap();
    assert_says(
        &refusal(&directory.path().join("empty.db"), &strict),
        "PanicIfDifferentDatabaseDeploy is set",
    );
}

#[tokio::test]
async fn skipping_the_update_checks_and_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("orchestrator.db");
    let store = SqliteStore::open(&path, &OpenOptions { skip_update: true, ..options() }).unwrap();
    let error = store.load_fleet().await.unwrap_err().to_string();
    assert!(error.starts_with("backend loading of the fleet failed: no such table"), "{error}");
}

#[tokio::test]
async fn the_schema_of_the_original_is_used_as_it_is_when_it_may_not_be_changed() {
    let bench = SqliteFile::prepared(include_str!("fixtures/original_file.sql"));
    let count = "select count(*) from sqlite_master where type = 'table'";
    let tables = bench.rows(count);
    let store = SqliteStore::open(&bench.path, &OpenOptions { skip_update: true, ..options() }).unwrap();
    let fleet = store.load_fleet().await.unwrap();
    assert_eq!(fleet.len(), 2);
    let writes = || fleet.iter().map(|server| InstanceWrite::Observed(Arc::clone(server))).collect();
    store.write_instances(writes()).await.unwrap();
    store.write_instances(writes()).await.unwrap();
    assert_eq!(store.load_fleet().await.unwrap().len(), 2);
    store.apply(&Command::ForgetInstance(key(2))).await.unwrap();
    assert_eq!(store.load_fleet().await.unwrap().len(), 1);
    assert_eq!(store.recovery_journal("1:a").await.unwrap(), None);
    assert_eq!(bench.rows(count), tables);
}

#[tokio::test]
async fn own_facts_go_with_their_server() {
    let bench = SqliteFile::new();
    let store = SqliteStore::open(&bench.path, &options()).unwrap();
    let mut server = Instance::unknown(key(1));
    server.cluster_name = "db:1".to_owned();
    server.replication.last_io_errno = 2003;
    store.write_instances(vec![InstanceWrite::Observed(Arc::new(server))]).await.unwrap();
    let query = "select port, last_io_errno from database_instance_facts";
    assert_eq!(bench.rows(query), ["3306|2003"]);
    store.apply(&Command::ForgetCluster("db:1".to_owned())).await.unwrap();
    assert_eq!(bench.rows(query), Vec::<String>::new());
}

#[test]
fn a_known_version_is_not_deployed_again_unless_asked_for() {
    let bench = SqliteFile::new();
    bench.sql("drop index audit_timestamp_idx_audit");
    let query = "select count(*) from sqlite_master where name = 'audit_timestamp_idx_audit'";
    drop(SqliteStore::open(&bench.path, &options()).unwrap());
    assert_eq!(bench.rows(query), ["0"]);
    drop(SqliteStore::open(&bench.path, &OpenOptions { redeploy: true, ..options() }).unwrap());
    assert_eq!(bench.rows(query), ["1"]);
}

#[test]
fn files_use_the_write_ahead_log() {
    let bench = SqliteFile::new();
    assert_eq!(bench.rows("pragma journal_mode"), ["wal"]);
    let store = SqliteStore::open(&bench.path, &options()).unwrap();
    assert_eq!(store.backend(), shown(&bench.path));
}
