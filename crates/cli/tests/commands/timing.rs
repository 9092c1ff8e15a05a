//! How long a command takes, the whole process, from its start to its end.
#![allow(clippy::print_stdout, reason = "what was measured belongs into the output of a test run")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use model::{Instance, InstanceKey};
use ports::InstanceWrite;

use crate::program::Prepared;

/// Runs of which the best counts: others on the machine only ever make it longer.
const RUNS: usize = 12;
/// A build without optimisation is let off with three times as much.
const ALLOWANCE: u32 = if cfg!(debug_assertions) { 3 } else { 1 };

fn best_of(program: &Prepared, line: &str) -> Duration {
    let run = || {
        let start = Instant::now();
        let output = program.command(line).output().unwrap();
        let took = start.elapsed();
        assert!(output.status.success(), "{line}: {output:?}");
        took
    };
    (0..RUNS).map(|_| run()).min().unwrap()
}

fn is_quick(program: &Prepared, line: &str, limit: Duration) {
    let best = best_of(program, line);
    let limit = limit * ALLOWANCE;
    assert!(best <= limit, "{line} took {best:?}, more than {limit:?}");
    println!("{line}: {best:?}");
}

/// A thousand servers more, in clusters of twenty.
fn fill(program: &Prepared) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = program.store().await;
        let model = store.load_fleet().await.unwrap().get(&InstanceKey::new("db", 3307)).unwrap().clone();
        let servers = (0..1_000_u16).map(|number| {
            let (cluster, place) = (number / 20, number % 20);
            let primary = InstanceKey::new(format!("c{cluster}-0.example.net"), 3306);
            let mut server = Instance::clone(&model);
            server.key = InstanceKey::new(format!("c{cluster}-{place}.example.net"), 3306);
            server.cluster_name = primary.to_string();
            server.primary_key = if place == 0 { InstanceKey::none() } else { primary };
            InstanceWrite::Observed(Arc::new(server))
        });
        store.write_instances(servers.collect()).await.unwrap();
    });
}

#[test]
fn commands_answer_at_once() {
    let program = Prepared::new();
    let limit = Duration::from_millis(20);
    for line in
        ["-c clusters", "-c topology --alias shop", "-c tags -i db:3307", "-c which-cluster -i db:3308"]
    {
        is_quick(&program, line, limit);
    }
    fill(&program);
    let limit = Duration::from_millis(60);
    for line in [
        "-c all-instances",
        "-c clusters-alias",
        "-c topology -i c7-0.example.net:3306",
        "-c search --pattern c7",
        "-c replication-analysis",
        "-c begin-downtime -i c7-1.example.net:3306 --reason x",
        "-c tag -i c7-1.example.net:3306 --tag a=b",
    ] {
        is_quick(&program, line, limit);
    }
}
