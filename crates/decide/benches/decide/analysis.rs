//! Time to analyse a fleet: a healthy one, one where every primary is dead, one server that changed, and the one server a
//! daemon is alarmed about.

use std::hint::black_box;
use std::sync::Arc;

use criterion::{BenchmarkId, Criterion, Throughput};
use decide::analysis::{Hints, NoFilters, Scope, analyze, analyze_instance};
use decide::scenario::{Scenario, key};
use model::{AnalysisCode, Instance, ThreadState};

use crate::fleets::{SERVERS_PER_CLUSTER, SIZES, fleet};

/// Servers of a large fleet.
const FLEET: usize = 10_000;

pub(crate) fn whole_fleet(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("analyze");
    for (name, dead) in [("healthy", false), ("dead", true)] {
        for servers in SIZES {
            let Scenario { fleet, policy, now } = fleet(servers, dead);
            let found = analyze(&fleet, Scope::All, Hints::default(), &policy, &NoFilters, now);
            let failed = found.iter().filter(|finding| finding.code == AnalysisCode::DeadMaster).count();
            assert_eq!(failed, if dead { servers / SERVERS_PER_CLUSTER } else { 0 });
            group.throughput(Throughput::Elements(servers as u64));
            group.bench_function(BenchmarkId::new(name, servers), |bencher| {
                bencher.iter(|| {
                    analyze(black_box(&fleet), Scope::All, Hints::default(), &policy, &NoFilters, now)
                });
            });
        }
    }
}

/// A replica is read again and has something new to tell: it takes its place in the fleet, and it and its source are
/// analysed.
pub(crate) fn one_change(criterion: &mut Criterion) {
    let Scenario { mut fleet, policy, now } = fleet(FLEET, false);
    let (source, changed) = (key("p77"), key("r77-2"));
    let mut running = Instance::clone(fleet.get(&changed).expect("it is in the fleet"));
    running.last_seen = Some(now);
    let mut stopped = running.clone();
    stopped.replication.sql_thread = ThreadState::Stopped;
    let states = [Arc::new(stopped), Arc::new(running)];
    let mut turn = states.iter().cycle();
    criterion.bench_function(&format!("one_change/{FLEET}"), |bencher| {
        bencher.iter(|| {
            fleet.insert_shared(Arc::clone(turn.next().expect("it never ends")));
            for key in [&changed, &source] {
                black_box(analyze_instance(black_box(&fleet), key, &policy, &NoFilters, now));
            }
        });
    });
}

pub(crate) fn one_server(criterion: &mut Criterion) {
    let Scenario { fleet, policy, now } = fleet(FLEET, true);
    let alarmed = key("p77");
    criterion.bench_function(&format!("analyze_instance/dead/{FLEET}"), |bencher| {
        bencher.iter(|| analyze_instance(black_box(&fleet), &alarmed, &policy, &NoFilters, now));
    });
}
