//! Time to choose a new primary: ranking, every veto, and the fate of every replica.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput};
use decide::failover::{FailoverCase, choose};
use decide::scenario::{Scenario, key};
use model::{FailoverPolicy, InstanceKey, ReplicationPolicy};

use crate::fleets::{SIZES, fleet, wide_cluster};

/// A default configuration.
fn policy() -> FailoverPolicy {
    FailoverPolicy {
        apply_promotion: true,
        prevent_cross_data_center: false,
        prevent_cross_region: false,
        fail_on_lag: Duration::ZERO,
        fail_if_applier_behind: false,
        delay_if_applier_behind: false,
        detach_lost_replicas: true,
        detach_promoted_source: false,
        prevent_semi_sync_loss: true,
        recently_seen: Duration::from_secs(60),
        use_super_read_only: false,
        drain_timeout: Duration::from_secs(10),
        must_promote_other_co_primary: true,
        concurrent_moves: 5,
        replication: ReplicationPolicy {
            verify_filters: false,
            lower_replica_version_allowed: false,
            reasonable_maintenance_lag_seconds: 20,
        },
    }
}

fn case_of(scenario: &Scenario, failed: &InstanceKey) -> FailoverCase {
    let failed = scenario.fleet.get(failed).expect("it was drawn");
    FailoverCase::of(&scenario.fleet, failed, policy(), &|_| false)
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
