//! Time that the backend may take, and values that its columns cannot hold.

use std::sync::Arc;
use std::time::{Duration, Instant};

use lab::Family;
use model::{Instance, InstanceKey};
use ports::InstanceWrite;

use crate::on_servers::Server;
use crate::support::{Bench, at};

fn observed(number: u16, round: i64) -> InstanceWrite {
    let mut instance = Instance::unknown(InstanceKey::new(format!("db-{number}.example.com"), 3306));
    instance.cluster_name = "db-0.example.com:3306".to_owned();
    instance.uptime = round.unsigned_abs();
    (instance.last_checked, instance.last_seen) = (Some(at(round)), Some(at(round)));
    InstanceWrite::Observed(Arc::new(instance))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_servers_are_written_and_loaded_quickly() {
    let server = Server::start(Family::MySql).await;
    let bench = Bench::new(&server).await;
    let (mut written, mut loaded, mut probed) = (Duration::MAX, Duration::MAX, Duration::MAX);
    for round in 0..5 {
        let start = Instant::now();
        bench.store.write_instances((0..1000).map(|number| observed(number, round)).collect()).await.unwrap();
        written = written.min(start.elapsed());
        let start = Instant::now();
        assert_eq!(bench.store.load_fleet().await.unwrap().len(), 1000);
        loaded = loaded.min(start.elapsed());
        let start = Instant::now();
        bench.store.foreign_changes().await.unwrap();
        probed = probed.min(start.elapsed());
    }
    assert!(written < Duration::from_millis(1500), "writing {written:?}");
    assert!(loaded < Duration::from_millis(500), "loading {loaded:?}");
    assert!(probed < Duration::from_millis(100), "looking for changes {probed:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_too_long_are_cut_and_the_rest_of_the_row_is_kept() {
    let server = Server::start(Family::MySql).await;
    let bench = Bench::new(&server).await;
    let mut instance = Instance::unknown(InstanceKey::new("db1", 3306));
    instance.alias = "x".repeat(500);
    instance.executed_gtid = "3e11fa47-71ca-11e1-9e33-c80aa9429562:1-9,".repeat(5000);
    instance.depth = 1000;
    instance.replication.last_io_error = "Ünglück 🙂".to_owned();
    bench.store.write_instances(vec![InstanceWrite::Observed(Arc::new(instance.clone()))]).await.unwrap();
    let fleet = bench.store.load_fleet().await.unwrap();
    let loaded = fleet.get(&instance.key).unwrap();
    assert_eq!((loaded.alias.len(), loaded.depth), (128, 255));
    assert_eq!(loaded.executed_gtid, instance.executed_gtid);
    assert_eq!(loaded.replication.last_io_error, "Ünglück 🙂");
}
