//! Which writes of a batch count, and which statement each becomes.

use std::sync::Arc;

use rusqlite::Connection;

use super::*;
use crate::schema;

fn database() -> Connection {
    let mut db = Connection::open_in_memory().unwrap();
    schema::deploy(&mut db, "test", Timestamp::from_secs(1)).unwrap();
    db
}

fn server(port: u16, second: i64) -> Instance {
    let mut instance = Instance::unknown(InstanceKey::new("db", port));
    instance.cluster_name = "db:1".to_owned();
    let at = Timestamp::from_secs(second);
    (instance.last_checked, instance.last_seen) = (Some(at), Some(at));
    instance
}

fn observed(instance: &Instance) -> InstanceWrite {
    InstanceWrite::Observed(Arc::new(instance.clone()))
}

/// Writes and commits.
fn put(db: &Connection, last: &mut LastWritten, version: i64, writes: &[InstanceWrite]) -> Vec<InstanceKey> {
    let batch = write(&Db::Sqlite(db), last, version, writes).unwrap();
    last.note(batch)
}

fn failed(port: u16, second: i64) -> InstanceWrite {
    let at = Timestamp::from_secs(second);
    InstanceWrite::CheckFailed {
        key: InstanceKey::new("db", port),
        checked: Some(at),
        attempted: at,
        partial: true,
    }
}

#[test]
fn every_stored_column_is_a_column_of_the_table_and_the_other_way_round() {
    let db = database();
    for (name, table) in [("database_instance", &ORIGINAL), (own_columns::TABLE, &OWN)] {
        let mut statement = db.prepare("select name from pragma_table_info(?)").unwrap();
        let mut live: Vec<String> =
            statement.query_map([name], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        let mut stored: Vec<_> = table.columns.iter().map(|column| column.name).collect();
        live.sort();
        stored.sort_unstable();
        assert_eq!(live, stored);
    }
}

#[test]
fn a_later_full_read_makes_earlier_writes_obsolete() {
    let first = server(1, 10);
    let second = server(1, 20);
    let writes =
        [observed(&first), failed(1, 15), observed(&server(2, 10)), observed(&second), failed(1, 25)];
    let kept: Vec<_> = newest(&writes)
        .into_iter()
        .map(|write| match write {
            InstanceWrite::Observed(instance) => {
                (instance.key.port(), instance.last_seen.unwrap().as_secs(), true)
            }
            InstanceWrite::CheckFailed { key, attempted, .. } => (key.port(), attempted.as_secs(), false),
        })
        .collect();
    assert_eq!(kept, [(2, 10, true), (1, 20, true), (1, 25, false)]);
}

#[test]
fn equal_facts_only_touch_the_row_until_somebody_else_writes() {
    let db = database();
    let mut last = LastWritten::default();
    let stored = || -> (String, String) {
        db.query_row("select instance_alias, last_seen from database_instance", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .unwrap()
    };
    put(&db, &mut last, 1, &[observed(&server(1, 10))]);
    // A mark that only a full write removes.
    db.execute("update database_instance set instance_alias = 'mark'", []).unwrap();
    put(&db, &mut last, 1, &[observed(&server(1, 20))]);
    assert_eq!(stored(), ("mark".to_owned(), "1970-01-01 00:00:20".to_owned()));
    // Whether the other one saw it later is not known; what is read next counts.
    assert_eq!(put(&db, &mut last, 2, &[observed(&server(1, 30))]), [InstanceKey::new("db", 1)]);
    assert_eq!(stored(), ("mark".to_owned(), "1970-01-01 00:00:20".to_owned()));
    // Other rows may change meanwhile, and this one again.
    db.execute("update database_instance set instance_alias = 'again'", []).unwrap();
    assert_eq!(put(&db, &mut last, 3, &[observed(&server(1, 30))]), [InstanceKey::new("db", 1)]);
    assert_eq!(put(&db, &mut last, 4, &[observed(&server(1, 30))]), []);
    assert_eq!(stored(), (String::new(), "1970-01-01 00:00:30".to_owned()));
    let mut changed = server(1, 40);
    changed.read_only = true;
    db.execute("update database_instance set instance_alias = 'mark'", []).unwrap();
    put(&db, &mut last, 4, &[observed(&changed)]);
    assert_eq!(stored().0, "");
    db.execute("delete from database_instance", []).unwrap();
    put(&db, &mut last, 4, &[observed(&changed)]);
    assert_eq!(stored().1, "1970-01-01 00:00:40");
}

#[test]
fn a_failed_check_changes_no_fact_and_creates_no_row() {
    let db = database();
    let mut last = LastWritten::default();
    let running = InstanceWrite::CheckFailed {
        key: InstanceKey::new("db", 1),
        checked: None,
        attempted: Timestamp::from_secs(19),
        partial: true,
    };
    put(&db, &mut last, 1, &[observed(&server(1, 10)), failed(2, 11), running]);
    let [instance] = <[Instance; 1]>::try_from(load(&Db::Sqlite(&db)).unwrap()).unwrap();
    let mut expected = server(1, 10);
    expected.last_attempted_check = Some(Timestamp::from_secs(19));
    assert_eq!(instance, normal(expected.clone()));
    put(&db, &mut last, 1, &[failed(1, 21)]);
    let [instance] = <[Instance; 1]>::try_from(load(&Db::Sqlite(&db)).unwrap()).unwrap();
    (expected.last_checked, expected.last_attempted_check) =
        (Some(Timestamp::from_secs(21)), Some(Timestamp::from_secs(21)));
    expected.last_check_partial_success = true;
    assert_eq!(instance, normal(expected));
    assert!(!instance.is_last_check_valid());
}

#[test]
fn a_read_without_success_keeps_the_time_of_an_earlier_one() {
    let db = database();
    let mut last = LastWritten::default();
    put(&db, &mut last, 1, &[observed(&server(1, 10))]);
    let mut broken = server(1, 20);
    broken.last_seen = None;
    put(&db, &mut last, 1, &[observed(&broken)]);
    broken.read_only = true;
    put(&db, &mut last, 1, &[observed(&broken)]);
    assert_eq!(load(&Db::Sqlite(&db)).unwrap()[0].last_seen, Some(Timestamp::from_secs(10)));
}

/// Coordinates in a relay log say so when they come from the backend, even when empty.
fn normal(mut instance: Instance) -> Instance {
    instance.replication.relay.kind = model::CoordinateKind::Relay;
    instance
}
