//! The settings as the engine uses them: policies for decisions, limits for loops, filters over keys.
//!
//! Made once at start and at each reload; shared as one immutable value.

use std::time::Duration;

use model::{AnalysisPolicy, FailoverPolicy, InstanceKey, Retention};
use settings::{HostFilters, Settings};

use crate::dead::Backoff;
use crate::policies;

/// How host names are looked up.
pub(crate) use settings::HostnameResolve as ResolveMethod;

/// Longest time for one ordinary action on a server.
const ACTION_TIMEOUT: Duration = Duration::from_secs(10);

/// See the module documentation.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// For analyses.
    pub analysis: AnalysisPolicy,
    /// For failovers and takeovers.
    pub failover: FailoverPolicy,
    /// What lasts how long.
    pub retention: Retention,
    pub(crate) reasonable_check: Duration,
    pub(crate) read_timeout: Duration,
    pub(crate) action_timeout: Duration,
    pub(crate) flush_interval: Duration,
    pub(crate) poll_slots: usize,
    pub(crate) dead_slots: Option<usize>,
    pub(crate) backoff: Backoff,
    pub(crate) seeds: Vec<InstanceKey>,
    pub(crate) kv_prefix: String,
    pub(crate) resolve_method: ResolveMethod,
    pub(crate) settings: Settings,
}

impl Compiled {
    pub(crate) fn from_settings(settings: &Settings) -> Self {
        let poll = settings.discovery.poll;
        let read_timeout = settings.topology.connect_timeout + settings.topology.discovery_read_timeout;
        let analysis = AnalysisPolicy {
            // A check that hangs ends after its read time-out; until then the server is being looked at.
            max_age: Some(AnalysisPolicy::freshness_limit(poll).max(poll * 2 + read_timeout)),
            ..policies::analysis_policy(settings)
        };
        let reasonable_lag = settings.detection.reasonable_lag;
        let lock_watch = analysis.reasonable_locked_semi_sync.max(reasonable_lag);
        Self {
            analysis,
            failover: policies::failover_policy(settings),
            retention: retention(settings, lock_watch),
            reasonable_check: settings.detection.reasonable_check.max(Duration::from_millis(200)),
            read_timeout,
            action_timeout: ACTION_TIMEOUT.min(settings.topology.operation_read_timeout),
            flush_interval: settings.discovery.write_flush,
            poll_slots: settings.discovery.concurrency as usize,
            dead_slots: settings.discovery.dead_concurrency.map(|slots| slots as usize),
            backoff: Backoff {
                base: poll,
                factor: f64::from(settings.discovery.dead_poll_factor),
                max: settings.discovery.dead_poll_max,
            },
            seeds: settings
                .discovery
                .seeds
                .iter()
                .filter_map(|seed| InstanceKey::parse(seed, settings.topology.default_port).ok())
                .collect(),
            kv_prefix: kv_prefix(&settings.publication.prefix),
            resolve_method: settings.naming.resolve,
            settings: settings.clone(),
        }
    }

    /// The seeds that can be parsed.
    pub(crate) fn is_seed(&self, key: &InstanceKey) -> bool {
        self.seeds.contains(key)
    }

    pub(crate) fn ignores_host(&self, key: &InstanceKey) -> bool {
        matches(&self.settings.discovery.ignored_hosts, key)
    }

    pub(crate) fn ignores_replica(&self, key: &InstanceKey) -> bool {
        matches(&self.settings.discovery.ignored_replicas, key)
    }

    pub(crate) fn ignores_primary(&self, key: &InstanceKey) -> bool {
        matches(&self.settings.discovery.ignored_primaries, key)
    }

    /// Never to be promoted by configuration.
    pub(crate) fn ignores_promotion(&self, key: &InstanceKey) -> bool {
        matches(&self.settings.recovery.promotion_ignored, key)
    }

    /// A looked-up name is not to be believed.
    pub(crate) fn rejects_resolved(&self, name: &str) -> bool {
        self.settings.naming.rejected.as_ref().is_some_and(|pattern| pattern.is_match(name))
    }
}

fn matches(filters: &HostFilters, key: &InstanceKey) -> bool {
    !filters.is_empty() && filters.matches(key.hostname(), key.port())
}

/// Exactly one slash at the end.
fn kv_prefix(configured: &str) -> String {
    format!("{}/", configured.trim_end_matches('/'))
}

fn retention(settings: &Settings, lock_watch: Duration) -> Retention {
    Retention {
        detection_active: settings.detection.block_period,
        recovery_active: settings.recovery.block_period,
        audit: settings.audit.purge_after,
        unseen_instance: settings.discovery.forget_after,
        candidate: settings.discovery.candidate_expiry,
        resolve: settings.naming.expiry,
        stale_coordinates: (lock_watch * 2).max(Duration::from_secs(60)),
        pool: settings.discovery.pool_expiry,
        access_token: settings.authority.token_lifetime,
    }
}
