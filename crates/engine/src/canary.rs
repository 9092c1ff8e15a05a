//! Trial writes: a server that answers questions may still commit nothing. Off unless a schema is configured.
//!
//! Only writable primaries of clusters with replicas are written to, only by the node that may act, and a server on
//! which writes hang is tried less and less often, so that at most a few sessions hang there because of us.

use std::collections::BTreeMap;
use std::time::Duration;

use decide::analysis::is_primary;
use futures_util::StreamExt;
use futures_util::stream;
use model::{CheckFailure, FailedWrite, InstanceKey};
use ports::{ActionError, Deadline};
use tokio::time::Instant;
use tracing::warn;

use crate::Engine;
use crate::discovery::check_failure;

/// Servers written to at the same time.
const CONCURRENT_WRITES: usize = 16;
/// Shortest limit for one write.
const WRITE_TIME_MIN: Duration = Duration::from_secs(1);
/// Pause after the n-th failure in a row: n times this, at most [`PAUSE_MAX`].
const PAUSE: Duration = Duration::from_secs(5);
const PAUSE_MAX: Duration = Duration::from_secs(60);

impl Engine {
    /// Writes to every writable primary once per poll interval, while a schema is configured.
    pub(crate) async fn try_writes_forever(self) {
        let mut rests: BTreeMap<InstanceKey, Instant> = BTreeMap::new();
        loop {
            tokio::time::sleep(self.compiled().analysis.poll).await;
            let settings = self.settings();
            let Some(schema) = settings.detection.canary_schema.as_deref().filter(|_| self.may_act()) else {
                continue;
            };
            let now = Instant::now();
            rests.retain(|_, until| *until > now);
            let due: Vec<InstanceKey> =
                self.written_servers().into_iter().filter(|key| !rests.contains_key(key)).collect();
            let ends: Vec<(InstanceKey, Option<u32>)> = stream::iter(due)
                .map(|key| async {
                    let failures = self.try_write(&key, schema).await;
                    (key, failures)
                })
                .buffer_unordered(CONCURRENT_WRITES)
                .collect()
                .await;
            for (key, failures) in ends {
                if let Some(failures) = failures.filter(|failures| *failures >= FailedWrite::PROOF) {
                    rests.insert(key, Instant::now() + (PAUSE * failures).min(PAUSE_MAX));
                }
            }
        }
    }

    /// Writable primaries that can be read, at least in part, and have replicas. A server with a full disk answers
    /// simple questions and hangs on those about its binary log.
    fn written_servers(&self) -> Vec<InstanceKey> {
        let fleet = self.fleet();
        fleet
            .iter()
            .filter(|server| is_primary(server) && !server.read_only)
            .filter(|server| server.is_last_check_valid() || server.last_check_partial_success)
            .filter(|server| !fleet.maintenance.contains_key(&server.key))
            .filter(|server| fleet.replicas_of(&server.key).next().is_some())
            .map(|server| server.key.clone())
            .collect()
    }

    /// Writes once. How many failed in a row by now; `None` when it succeeded.
    async fn try_write(&self, key: &InstanceKey, schema: &str) -> Option<u32> {
        let deadline = Deadline::after(self.compiled().reasonable_check.max(WRITE_TIME_MIN));
        let outcome = self.inner.ports.servers.try_write(key, schema, deadline).await;
        let failures = self.note_write(key, outcome.as_ref().err());
        if let (Some(FailedWrite::PROOF), Err(error)) = (failures, &outcome) {
            warn!(instance = %key, class = ?error.class, error = %error, "trial writes fail");
        }
        if failures.is_none_or(|failures| failures >= FailedWrite::PROOF) {
            self.inner.analysis_requests.add(key.clone());
        }
        failures
    }

    fn note_write(&self, key: &InstanceKey, error: Option<&ActionError>) -> Option<u32> {
        let at = self.now();
        let mut fleet = self.fleet_mut();
        let Some(error) = error else {
            fleet.failed_writes.remove(key);
            return None;
        };
        let failure = check_failure(error.class, error.number);
        if matches!(failure, CheckFailure::Refused | CheckFailure::Broken | CheckFailure::Unanswered) {
            // No connection, no write: checks tell that better.
            return None;
        }
        let failures = fleet.failed_writes.get(key).map_or(1, |known| known.failures.saturating_add(1));
        fleet.failed_writes.insert(key.clone(), FailedWrite { at, failures, failure, number: error.number });
        Some(failures)
    }
}
