//! Counters and gauges of the daemon. Read by the metrics routes; written where the thing happens.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds one.
    pub fn increment(&self) {
        self.add(1);
    }

    /// Adds that many.
    pub fn add(&self, by: u64) {
        self.0.fetch_add(by, Ordering::Relaxed);
    }

    /// Current value.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A number that goes up and down.
#[derive(Debug, Default)]
pub struct Gauge(AtomicU64);

impl Gauge {
    /// Sets the value.
    pub fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    /// Adds one; the guard takes it away again.
    pub fn enter(&self) -> GaugeGuard<'_> {
        self.0.fetch_add(1, Ordering::Relaxed);
        GaugeGuard(self)
    }

    /// Current value.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Takes one away from its gauge when dropped.
#[derive(Debug)]
pub struct GaugeGuard<'a>(&'a Gauge);

impl Drop for GaugeGuard<'_> {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Outcomes of one kind of recovery.
#[derive(Debug, Default)]
pub struct RecoveryCounters {
    /// Begun.
    pub start: Counter,
    /// Ended with a promotion (or a fix).
    pub success: Counter,
    /// Ended without.
    pub fail: Counter,
}

/// Everything that is counted.
#[derive(Debug, Default)]
pub struct Metrics {
    /// `discoveries.attempt`.
    pub discoveries_attempt: Counter,
    /// `discoveries.fail`.
    pub discoveries_fail: Counter,
    /// `discoveries.instance_poll_seconds_exceeded`.
    pub discoveries_slow: Counter,
    /// `discoveries.dead_instances`.
    pub dead_instances: Gauge,
    /// Reads of servers under way.
    pub discoveries_active: Gauge,
    /// Servers waiting for a free discovery slot.
    pub discovery_queue: Gauge,
    /// Sum of probe durations, microseconds.
    pub discovery_micros: Counter,
    /// Broken watch connections.
    pub lost_connections: Counter,
    /// Emergency reads made.
    pub emergency_reads: Counter,
    /// Analysis rounds.
    pub analysis_rounds: Counter,
    /// `analysis.change.write.attempt`.
    pub analysis_change_attempt: Counter,
    /// `recover.pending`.
    pub recoveries_pending: Gauge,
    /// `recover.dead_master.*`.
    pub dead_primary: RecoveryCounters,
    /// `recover.dead_co_master.*`.
    pub dead_co_primary: RecoveryCounters,
    /// `recover.dead_intermediate_master.*`.
    pub dead_intermediate: RecoveryCounters,
    /// `recover.dead_replication_group_member.*`.
    pub dead_group_member: RecoveryCounters,
    /// Where the time of the last failover went.
    pub failover: FailoverTimes,
    /// Rows written behind.
    pub rows_written: Counter,
    /// Write-behind batches that failed.
    pub write_failures: Counter,
}

/// Phases of the last failover of a primary, in microseconds each; 0 before the first.
#[derive(Debug, Default)]
pub struct FailoverTimes {
    /// From the record of the recovery to its first step: gates, fresh reads, hooks that are waited for.
    pub decision: Gauge,
    /// Replicas stop receiving, and are read.
    pub collection: Gauge,
    /// Choice, fence, and the candidate applies what it received.
    pub drain: Gauge,
    /// Until the candidate is writable.
    pub promotion: Gauge,
    /// Until the other replicas are below it.
    pub repointing: Gauge,
}

impl Gauge {
    /// Sets the value to the microseconds since `since`, which becomes now.
    pub(crate) fn lap(&self, since: &mut Instant) {
        let now = Instant::now();
        let took = now.duration_since(std::mem::replace(since, now));
        self.set(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    }
}

impl Metrics {
    /// Notes how long a probe took.
    pub fn observe_probe(&self, took: Duration) {
        self.discovery_micros.add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    }
}
