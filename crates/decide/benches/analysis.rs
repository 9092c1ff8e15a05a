//! Time to analyse a fleet: a healthy one, one where every primary is dead, and the one server a daemon is alarmed about.
//!
//! Clusters of five servers, one of them below another replica, as many as make up the fleet.

// `criterion_group!` makes a public function without a comment.
#![allow(missing_docs)]

use std::fmt::Write;
use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use decide::analysis::{Hints, NoFilters, Scope, analyze, analyze_instance};
use decide::scenario::{Scenario, key};
use model::AnalysisCode;

const SERVERS_PER_CLUSTER: usize = 5;

/// A fleet of that many servers; with `dead`, every primary is, and its replicas know.
fn fleet(servers: usize, dead: bool) -> Scenario {
    let (primary, replica) = if dead { (" down=12s", " io=connecting") } else { ("", "") };
    let mut text = String::new();
    for cluster in 0..servers / SERVERS_PER_CLUSTER {
        writeln!(text, "p{cluster}{primary}").unwrap();
        for number in 1..4 {
            writeln!(text, "r{cluster}-{number} <- p{cluster}{replica}").unwrap();
        }
        writeln!(text, "r{cluster}-4 <- r{cluster}-1").unwrap();
    }
    Scenario::parse(&text)
}

fn whole_fleet(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("analyze");
    for (name, dead) in [("healthy", false), ("dead", true)] {
        for servers in [100, 1_000] {
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

fn one_server(criterion: &mut Criterion) {
    let Scenario { fleet, policy, now } = fleet(1_000, true);
    let alarmed = key("p77");
    criterion.bench_function("analyze_instance/dead/1000", |bencher| {
        bencher.iter(|| analyze_instance(black_box(&fleet), &alarmed, &policy, &NoFilters, now));
    });
}

criterion_group!(benches, whole_fleet, one_server);
criterion_main!(benches);
