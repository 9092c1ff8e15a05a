//! Time that writing and loading may take. The best of many rounds counts, so a busy machine does not fail the test,
//! and the limits leave room for a build without optimisation.

use std::sync::Arc;
use std::time::{Duration, Instant};

use model::{BinlogCoordinates, Instance, InstanceKey, ServerVersion, ThreadState};
use ports::InstanceWrite;

use crate::on_sqlite::Files;
use crate::support::{Bench, at};

const ROUNDS: i64 = 15;

fn server(number: u16, round: i64, is_busy: bool) -> Arc<Instance> {
    let mut instance = Instance::unknown(InstanceKey::new(format!("db-{number}.example.com"), 3306));
    instance.version = ServerVersion::new("8.0.36", "");
    instance.server_uuid = format!("3e11fa47-71ca-11e1-9e33-c80aa9{number:06}");
    instance.executed_gtid = format!("{}:1-{}", instance.server_uuid, 1_000_000);
    instance.cluster_name = "db-0.example.com:3306".to_owned();
    instance.replication.io_thread = ThreadState::Running;
    instance.replication.sql_thread = ThreadState::Running;
    instance.primary_key = InstanceKey::new("db-0.example.com", 3306);
    let position = if is_busy { round.unsigned_abs() * 1000 } else { 4 };
    instance.replication.read = BinlogCoordinates::binary("binlog.000123", position);
    instance.self_coordinates = BinlogCoordinates::binary("binlog.000321", position);
    (instance.last_checked, instance.last_seen) = (Some(at(round)), Some(at(round)));
    instance.last_attempted_check = Some(at(round));
    instance.last_discovery_latency = Duration::from_micros(700 + round.unsigned_abs());
    Arc::new(instance)
}

async fn best_of_writes(bench: &Bench, is_busy: bool) -> Duration {
    let mut best = Duration::MAX;
    for round in 0..ROUNDS {
        let writes = (0..100).map(|number| InstanceWrite::Observed(server(number, round, is_busy))).collect();
        let start = Instant::now();
        bench.store.write_instances(writes).await.unwrap();
        best = best.min(start.elapsed());
    }
    best
}

#[tokio::test]
async fn writing_a_hundred_servers_is_quick() {
    let bench = Bench::new(&Files).await;
    let busy = best_of_writes(&bench, true).await;
    let idle = best_of_writes(&bench, false).await;
    assert!(busy < Duration::from_millis(25), "100 servers that changed: {busy:?}");
    assert!(idle < Duration::from_millis(15), "100 servers that did not change: {idle:?}");
}

#[tokio::test]
async fn loading_a_thousand_servers_is_quick() {
    let bench = Bench::new(&Files).await;
    let writes = (0..1000).map(|number| InstanceWrite::Observed(server(number, 0, true))).collect();
    bench.store.write_instances(writes).await.unwrap();
    let mut best = Duration::MAX;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        assert_eq!(bench.store.load_fleet().await.unwrap().len(), 1000);
        best = best.min(start.elapsed());
    }
    assert!(best < Duration::from_millis(75), "1000 servers: {best:?}");
}
