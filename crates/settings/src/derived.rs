//! Values that follow from more than one key, or from a sentinel.

use std::time::Duration;

use crate::settings::Settings;

/// Downtime of servers lost in a failover if the configuration does not say otherwise.
const LOST_DOWNTIME: Duration = Duration::from_secs(365 * 24 * 3600);

impl Settings {
    /// How long it is remembered whether a managed server demands TLS.
    pub fn tls_cache_time(&self) -> Duration {
        self.discovery.poll.saturating_mul(self.topology.tls_cache_polls)
    }

    /// Downtime of a failed primary and of the replicas lost with it.
    pub fn lost_downtime(&self) -> Duration {
        self.recovery.lost_downtime.unwrap_or(LOST_DOWNTIME)
    }
}
