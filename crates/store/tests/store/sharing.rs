//! Several users of one file: a command beside the daemon, and many tasks in one process.

use std::sync::Arc;

use model::{Command, Instance};
use ports::{InstanceWrite, Store};
use store::{OpenOptions, SqliteStore};

use crate::support::{Bench, at, key, options};

#[tokio::test]
async fn only_changes_by_others_are_foreign() {
    let bench = Bench::new();
    let before = bench.store.foreign_changes().await.unwrap();
    let own = InstanceWrite::Observed(Arc::new(Instance::unknown(key(1))));
    bench.store.write_instances(vec![own]).await.unwrap();
    bench.apply(Command::DisableRecoveries(true)).await;
    bench.store.load_fleet().await.unwrap();
    assert_eq!(bench.store.foreign_changes().await.unwrap(), before);

    let beside = SqliteStore::open(&bench.path, &OpenOptions { create: false, ..options() }).unwrap();
    assert!(beside.recoveries_disabled().await.unwrap());
    assert_eq!(bench.store.foreign_changes().await.unwrap(), before);
    beside.apply(&Command::DisableRecoveries(false)).await.unwrap();
    let after = bench.store.foreign_changes().await.unwrap();
    assert_ne!(after, before);
    assert!(!bench.store.recoveries_disabled().await.unwrap());
    assert_eq!(bench.store.foreign_changes().await.unwrap(), after);
}

#[tokio::test]
async fn a_row_that_somebody_else_removed_is_written_in_full_again() {
    let bench = Bench::new();
    let mut instance = Instance::unknown(key(1));
    instance.cluster_name = "db1:3306".to_owned();
    let write = |instance: &Instance| vec![InstanceWrite::Observed(Arc::new(instance.clone()))];
    bench.store.write_instances(write(&instance)).await.unwrap();
    bench.sql("update database_instance set cluster_name = 'wrong'");
    instance.last_checked = Some(at(1));
    bench.store.write_instances(write(&instance)).await.unwrap();
    assert_eq!(
        bench.rows("select cluster_name, last_checked from database_instance"),
        ["db1:3306|2026-01-31 10:00:01"]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writers_of_two_processes_take_turns() {
    let bench = Bench::new();
    let first = Arc::new(SqliteStore::open(&bench.path, &options()).unwrap());
    let second = Arc::new(SqliteStore::open(&bench.path, &options()).unwrap());
    let write = |store: Arc<SqliteStore>, name: &'static str| async move {
        for number in 0..50 {
            let step = Command::WriteRecoveryStep {
                uid: name.to_owned(),
                at: at(number),
                message: number.to_string(),
            };
            store.apply(&step).await.unwrap();
            store.load_fleet().await.unwrap();
        }
    };
    tokio::join!(write(Arc::clone(&first), "first"), write(second, "second"), write(first, "third"));
    let counts =
        bench.rows("select recovery_uid, count(*) from topology_recovery_steps group by 1 order by 1");
    assert_eq!(counts, ["first|50", "second|50", "third|50"]);
}

#[tokio::test]
async fn a_failed_batch_changes_nothing_and_is_an_error() {
    let bench = Bench::new();
    bench.sql(
        "create trigger refuse before insert on database_instance when new.port = 7
         begin select raise(abort, 'no sevens'); end",
    );
    let write = |port| {
        let instance = Instance::unknown(model::InstanceKey::new("db", port));
        InstanceWrite::Observed(Arc::new(instance))
    };
    let error = bench.store.write_instances(vec![write(1), write(7)]).await.unwrap_err().to_string();
    assert_eq!(error, "backend writing of servers failed: no sevens");
    assert_eq!(bench.rows("select count(*) from database_instance"), ["0"]);
    bench.store.write_instances(vec![write(1)]).await.unwrap();
    assert_eq!(bench.rows("select count(*) from database_instance"), ["1"]);
}
