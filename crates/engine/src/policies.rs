//! The settings in the form in which decisions take them.

use std::time::Duration;

use model::{AnalysisPolicy, FailoverPolicy, ReplicationPolicy};
use settings::Settings;

/// What analyses depend on. Stored times are believed whatever their age; a daemon that polls sets
/// [`AnalysisPolicy::max_age`].
pub fn analysis_policy(settings: &Settings) -> AnalysisPolicy {
    let lag = settings.detection.reasonable_lag;
    let locked = settings.detection.reasonable_locked_semi_sync;
    AnalysisPolicy {
        poll: settings.discovery.poll,
        reasonable_check: settings.detection.reasonable_check,
        reasonable_lag_seconds: whole_seconds(lag),
        reasonable_locked_semi_sync: if locked.is_zero() { lag } else { locked },
        reduce_count: settings.detection.reduce_analyses,
        recover_non_writeable: settings.recovery.recover_read_only_primary,
        exact_semi_sync: settings.recovery.exact_semi_sync,
        recover_locked_semi_sync: settings.recovery.recover_locked_semi_sync,
        max_age: None,
        dead_needs_connect_failure: settings.detection.dead_needs_connect_failure,
    }
}

/// What "may this server replicate from that one" depends on.
pub fn replication_policy(settings: &Settings) -> ReplicationPolicy {
    ReplicationPolicy {
        verify_filters: settings.operations.verify_filters,
        lower_replica_version_allowed: settings.operations.lower_version_allowed,
        reasonable_maintenance_lag_seconds: whole_seconds(settings.operations.reasonable_lag),
    }
}

/// What a failover is planned by.
pub fn failover_policy(settings: &Settings) -> FailoverPolicy {
    let recovery = &settings.recovery;
    FailoverPolicy {
        apply_promotion: recovery.apply_promotion,
        prevent_cross_data_center: recovery.prevent_cross_data_center,
        prevent_cross_region: recovery.prevent_cross_region,
        fail_on_lag: recovery.refuse_lag.unwrap_or_default(),
        fail_if_applier_behind: recovery.refuse_if_applier_behind,
        delay_if_applier_behind: recovery.delay_if_applier_behind,
        detach_lost_replicas: recovery.detach_lost_replicas,
        detach_promoted_source: recovery.detach_promoted_source,
        prevent_semi_sync_loss: recovery.prevent_semi_sync_loss,
        recently_seen: AnalysisPolicy::freshness_limit(settings.discovery.poll),
        use_super_read_only: settings.operations.use_super_read_only,
        drain_timeout: settings.operations.bulk_wait,
        must_promote_other_co_primary: recovery.must_promote_other_co_primary,
        concurrent_moves: settings.operations.concurrency,
        replication: replication_policy(settings),
    }
}

fn whole_seconds(span: Duration) -> i64 {
    i64::try_from(span.as_secs()).unwrap_or(i64::MAX)
}
