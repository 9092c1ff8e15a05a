//! Several users of one file: a command beside the daemon, and many tasks in one process.

use std::sync::Arc;

use crate::cases;
use crate::support::{Bench, Ground, at, key};
use model::{Command, Instance};
use ports::{InstanceWrite, Store, TimestampStyle};

async fn only_changes_by_others_are_foreign(ground: &dyn Ground) {
    let bench = Bench::new(ground).await;
    let before = bench.store.foreign_changes().await.unwrap();
    let own = InstanceWrite::Observed(Arc::new(Instance::unknown(key(1))));
    bench.store.write_instances(vec![own]).await.unwrap();
    bench.apply(Command::DisableRecoveries(true)).await;
    bench.store.load_fleet().await.unwrap();
    assert_eq!(bench.store.foreign_changes().await.unwrap(), before);

    let beside = bench.beside().await;
    assert!(beside.recoveries_disabled().await.unwrap());
    assert_eq!(bench.store.foreign_changes().await.unwrap(), before);
    beside.apply(&Command::DisableRecoveries(false)).await.unwrap();
    let after = bench.store.foreign_changes().await.unwrap();
    assert_ne!(after, before);
    assert!(!bench.store.recoveries_disabled().await.unwrap());
    assert_eq!(bench.store.foreign_changes().await.unwrap(), after);
}

async fn a_row_that_somebody_else_removed_is_written_in_full_again(ground: &dyn Ground) {
    let bench = Bench::new(ground).await;
    let mut instance = Instance::unknown(key(1));
    instance.cluster_name = "db1:3306".to_owned();
    let write = |instance: &Instance| vec![InstanceWrite::Observed(Arc::new(instance.clone()))];
    bench.store.write_instances(write(&instance)).await.unwrap();
    bench.sql("delete from database_instance");
    instance.last_checked = Some(at(1));
    bench.store.write_instances(write(&instance)).await.unwrap();
    assert_eq!(
        bench.rows("select cluster_name, last_checked from database_instance"),
        ["db1:3306|2026-01-31 10:00:01"]
    );
}

async fn writers_of_two_processes_take_turns(ground: &dyn Ground) {
    let bench = Bench::new(ground).await;
    let (first, second) = (bench.beside().await, bench.beside().await);
    let write = |store: Arc<dyn Store>, name: &'static str| async move {
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

async fn a_failed_batch_changes_nothing_and_is_an_error(ground: &dyn Ground) {
    const SQLITE: &str = "create trigger refuse before insert on database_instance when new.port = 7
                          begin select raise(abort, 'no sevens'); end";
    const MYSQL: &str = "create trigger refuse before insert on database_instance for each row
                         if new.port = 7 then signal sqlstate '45000' set message_text = 'no sevens'; end if";
    let bench = Bench::new(ground).await;
    bench.sql(if bench.store.timestamp_style() == TimestampStyle::Sql { MYSQL } else { SQLITE });
    let write = |port| {
        let instance = Instance::unknown(model::InstanceKey::new("db", port));
        InstanceWrite::Observed(Arc::new(instance))
    };
    let error = bench.store.write_instances(vec![write(1), write(7)]).await.unwrap_err().to_string();
    assert!(error.starts_with("backend writing of servers failed: no sevens"), "{error}");
    assert_eq!(bench.rows("select count(*) from database_instance"), ["0"]);
    bench.store.write_instances(vec![write(1)]).await.unwrap();
    assert_eq!(bench.rows("select count(*) from database_instance"), ["1"]);
    bench.sql("drop trigger refuse");
}

/// A command and the service both write what they saw of a server; the service's may be the older sight.
async fn rows_that_others_changed_stay_until_the_next_write(ground: &dyn Ground) {
    let bench = Bench::new(ground).await;
    let write = |number, source: &str| {
        let mut instance = Instance::unknown(key(number));
        instance.primary_key = model::InstanceKey::new(source, 3306);
        InstanceWrite::Observed(Arc::new(instance))
    };
    let own = async |writes| bench.store.write_instances(writes).await.unwrap().changed_by_others;
    let both = || vec![write(1, "db7"), write(2, "db7")];
    assert_eq!(own(both()).await, []);
    let beside = bench.beside().await;
    beside.apply(&Command::DisableRecoveries(true)).await.unwrap();
    assert_eq!(own(both()).await, [], "other things of others");

    beside.write_instances(vec![write(2, "db8")]).await.unwrap();
    assert_eq!(own(vec![write(1, "db7")]).await, [], "another server");
    let told = own(both()).await;
    assert_eq!(told, [key(2)]);
    assert_eq!(bench.rows("select master_host from database_instance order by port"), ["db7", "db8"]);
    assert_eq!(own(both()).await, [], "told once");
    assert_eq!(bench.rows("select master_host from database_instance"), ["db7", "db7"]);

    for source in ["db8", "db9"] {
        beside.write_instances_once(vec![write(2, source)]).await.unwrap();
        let again = beside.write_instances_once(vec![write(2, source)]).await.unwrap();
        assert_eq!(again.changed_by_others, [], "nobody wrote in between");
        assert_eq!(own(both()).await, [key(2)], "every act of others is told");
    }
}

cases! {
    rows_that_others_changed_stay_until_the_next_write,
    writers_of_two_processes_take_turns,
    only_changes_by_others_are_foreign,
    a_row_that_somebody_else_removed_is_written_in_full_again,
    a_failed_batch_changes_nothing_and_is_an_error,
}
