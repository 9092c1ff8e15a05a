//! A file as the original leaves it behind, written here in plain SQL, is taken over in place.

use model::{InstanceKey, PromotionRule, ThreadState, Timestamp};

use crate::cases;
use crate::support::{Bench, Ground, Prepared, key};

/// Tables and rows of the original as far as these tests look at them. Forms of times, quoted errors and JSON lists are
/// the original's.
const FILE: Prepared = Prepared {
    sqlite: include_str!("fixtures/original_file.sql"),
    mysql: include_str!("fixtures/original_mysql.sql"),
};

async fn servers_keep_their_facts(ground: &dyn Ground) {
    let bench = Bench::prepared(ground, &FILE).await;
    let fleet = bench.store.load_fleet().await.unwrap();
    assert_eq!(fleet.len(), 2);
    let primary = fleet.get(&key(1)).unwrap();
    assert_eq!(primary.replicas, [key(2)]);
    assert_eq!((primary.version.text.as_str(), primary.version.numbers), ("8.0.36", (8, 0, 36)));
    assert!(primary.is_primary() && primary.is_last_check_valid() && !primary.read_only);
    assert_eq!(primary.self_coordinates.to_string(), "binlog.000004:157");
    let replica = fleet.get(&key(2)).unwrap();
    assert!(replica.is_replica() && !replica.is_last_check_valid());
    assert_eq!(replica.primary_key, key(1));
    assert_eq!(replica.replication.io_thread, ThreadState::Other);
    assert_eq!(replica.replication.last_io_error, "error connecting to master 'repl@db1:3306'\tgave up");
    assert_eq!((replica.depth, replica.lag_seconds, replica.replication.seconds_behind), (1, Some(7), None));
    assert_eq!(replica.last_seen, Some(Timestamp::from_secs(1_769_853_540)));
    assert_eq!(replica.last_attempted_check, None);
    // What the original does not store is unknown, not wrong.
    assert_eq!((replica.super_read_only, replica.replication.heartbeat), (None, None));
}

async fn what_operators_said_is_kept(ground: &dyn Ground) {
    let bench = Bench::prepared(ground, &FILE).await;
    let fleet = bench.store.load_fleet().await.unwrap();
    let now = Timestamp::from_secs(1_769_853_600);
    assert!(fleet.is_downtimed(&key(2), now) && !fleet.is_downtimed(&key(1), now));
    assert_eq!(fleet.downtimes[&key(2)].reason, "disk");
    assert!(!fleet.downtimes.contains_key(&InstanceKey::new("half", 1)));
    assert_eq!(fleet.promotion_rule(&key(2)), PromotionRule::PreferNot);
    assert_eq!(fleet.cluster_alias("db1:3306"), "shop");
    assert_eq!(fleet.cluster_alias_overrides["db1:3306"], "store");
    assert_eq!(fleet.cluster_domains["db1:3306"], "shop.example");
    assert_eq!(fleet.resolve("db1.example"), "db1");
    assert_eq!(fleet.unresolved["db1"], "db1-vip");
    assert_eq!(
        fleet.tags[&key(1)].iter().map(|tag| (&*tag.name, &*tag.value)).collect::<Vec<_>>(),
        [("role", "main")]
    );
    assert_eq!(fleet.maintenance[&key(2)].owner, "eve");
    assert_eq!(fleet.stale_coordinates[&key(1)].coordinates.pos, 157);
}

async fn history_is_kept_with_codes_of_old_versions_and_unfinished_recoveries_from_snapshots(
    ground: &dyn Ground,
) {
    let bench = Bench::prepared(ground, &FILE).await;
    let now = Timestamp::from_secs(1_769_853_600);
    let recoveries = bench.store.recoveries(ports::RecoveryQuery::Unfinished, now).await.unwrap();
    assert_eq!(recoveries.iter().map(|recovery| recovery.id).collect::<Vec<_>>(), [2]);
    let all = ports::RecoveryQuery::Page {
        cluster_name: None,
        cluster_alias: None,
        unacknowledged: false,
        page: 0,
    };
    let recoveries = bench.store.recoveries(all, now).await.unwrap();
    let first = recoveries.last().unwrap();
    assert_eq!(first.case.code, model::AnalysisCode::DeadMasterAndSomeReplicas);
    assert_eq!((first.successor.clone(), first.lost_replicas.clone()), (Some(key(2)), vec![key(3), key(4)]));
    assert_eq!(first.errors, ["one", "two"]);
    assert_eq!(first.end, Some(Timestamp::from_secs(1_769_767_210)));
}

async fn rows_written_now_look_like_the_originals(ground: &dyn Ground) {
    use std::sync::Arc;
    let bench = Bench::prepared(ground, &FILE).await;
    let fleet = bench.store.load_fleet().await.unwrap();
    let columns = "hostname, port, last_checked, last_seen, last_attempted_check < '1971-01-02' as is_new, slave_hosts, num_slave_hosts, major_version,
        slave_io_running, slave_sql_running, replication_io_thread_state, last_io_error, seconds_behind_master, version,
        binary_log_file, binary_log_pos, master_host, master_port, relay_log_file, relay_log_pos, cluster_name";
    let query = format!("select {columns} from database_instance order by hostname");
    let before = bench.rows(&query);
    let writes = fleet.iter().map(|instance| ports::InstanceWrite::Observed(Arc::clone(instance))).collect();
    bench.store.write_instances(writes).await.unwrap();
    assert_eq!(bench.rows(&query), before);
}

cases! {
    servers_keep_their_facts,
    what_operators_said_is_kept,
    history_is_kept_with_codes_of_old_versions_and_unfinished_recoveries_from_snapshots,
    rows_written_now_look_like_the_originals,
}
