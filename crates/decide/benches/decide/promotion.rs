//! Time to choose a new primary: ranking, every veto, and the fate of every replica.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput};
use decide::failover::{FailoverCase, choose};
use decide::scenario::{Scenario, default_failover_policy, key};
use model::InstanceKey;

use crate::fleets::{SIZES, fleet, wide_cluster};

fn case_of(scenario: &Scenario, failed: &InstanceKey) -> FailoverCase {
    let failed = scenario.fleet.get(failed).expect("it was drawn");
    FailoverCase::of(&scenario.fleet, failed, default_failover_policy(), &|_| false)
}

/// A primary of a fleet is replaced: what is known of it is gathered, and its successor chosen.
pub(crate) fn in_a_fleet(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("choose/fleet");
    let failed = key("p7");
    for servers in SIZES {
        let scenario = fleet(servers, true);
        let choice = choose(&case_of(&scenario, &failed), &case_of(&scenario, &failed).replicas)
            .expect("somebody can be promoted");
        assert_eq!(choice.candidate.key, key("r7-1"));
        group.bench_function(BenchmarkId::from_parameter(servers), |bencher| {
            bencher.iter(|| {
                let case = case_of(black_box(&scenario), &failed);
                choose(&case, &case.replicas).is_ok()
            });
        });
    }
    group.finish();
}

/// A primary with many replicas is replaced.
pub(crate) fn in_a_wide_cluster(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("choose/replicas");
    for replicas in [10, 100, 1_000] {
        let scenario = wide_cluster(replicas);
        let case = case_of(&scenario, &key("p0"));
        let choice = choose(&case, &case.replicas).expect("somebody can be promoted");
        assert_eq!(choice.candidate.key, key("r0"));
        group.throughput(Throughput::Elements(replicas as u64));
        group.bench_function(BenchmarkId::from_parameter(replicas), |bencher| {
            bencher.iter(|| choose(black_box(&case), &case.replicas).is_ok());
        });
    }
    group.finish();
}
