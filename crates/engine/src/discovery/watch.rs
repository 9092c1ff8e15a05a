//! Hearing at once that a server others replicate from is gone: a kept connection with a pending read on each.
//!
//! A broken connection is no verdict. It triggers fresh reads of the server and of its direct replicas, in a short
//! burst until they agree, and the ordinary analysis decides.

use std::collections::BTreeSet;
use std::time::Duration;

use model::InstanceKey;
use ports::Deadline;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info};

use crate::Engine;

/// How often the set of watched servers is compared with the fleet.
const REVIEW: Duration = Duration::from_millis(500);
/// How long a suspicion is followed closely.
const BURST: Duration = Duration::from_secs(3);
/// First and last pause between the reads of a burst.
const BURST_PAUSE: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(400));

impl Engine {
    /// Keeps one watch per server that has replicas, for as long as the process lives.
    pub async fn watch_forever(self) {
        let mut watched: std::collections::BTreeMap<InstanceKey, CancellationToken> = Default::default();
        loop {
            let wanted: BTreeSet<InstanceKey> = {
                let fleet = self.fleet();
                fleet.sources().filter(|key| key.is_valid() && fleet.get(key).is_some()).cloned().collect()
            };
            watched.retain(|key, stop| {
                let keep = wanted.contains(key);
                if !keep {
                    stop.cancel();
                }
                keep
            });
            for key in wanted {
                if !watched.contains_key(&key) {
                    let stop = CancellationToken::new();
                    watched.insert(key.clone(), stop.clone());
                    let engine = self.clone();
                    self.inner.supervisor.start_loop("watch", async move {
                        tokio::select! {
                            // Fixed order: the same events give the same history.
                            biased;
                            () = stop.cancelled() => {}
                            () = engine.watch_one(key) => {}
                        }
                    });
                }
            }
            tokio::time::sleep(REVIEW).await;
        }
    }

    async fn watch_one(&self, key: InstanceKey) {
        loop {
            let lost = self.inner.ports.servers.watch(&key).await;
            self.metrics().lost_connections.increment();
            info!(instance = %key, reason = %lost.reason, "lost a kept connection; reading the server and its replicas");
            self.follow_suspicion(&key).await;
        }
    }

    /// Reads the suspect and its direct replicas again and again, quickly at first, until the suspect is well or no
    /// replica receives from it any more, and at most for a few seconds.
    pub(crate) async fn follow_suspicion(&self, key: &InstanceKey) {
        let end = Instant::now() + BURST;
        let mut pause = BURST_PAUSE.0;
        while Instant::now() < end {
            let limit = Deadline::after(self.compiled().reasonable_check);
            let replicas: Vec<InstanceKey> =
                self.fleet().replicas_of(key).map(|replica| replica.key.clone()).collect();
            let suspect = self.read_instance(key, limit);
            let others = futures_util::future::join_all(
                replicas.iter().map(|replica| self.read_instance(replica, limit)),
            );
            let (suspect, _) = futures_util::join!(suspect, others);
            self.inner.analysis_requests.add(key.clone());
            if suspect.is_ok() {
                debug!(instance = %key, "the server answers");
                return;
            }
            let still_received = {
                let fleet = self.fleet();
                fleet.replicas_of(key).any(|replica| {
                    replica.is_last_check_valid() && replica.replication.io_thread.is_running()
                })
            };
            if !still_received {
                return;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(BURST_PAUSE.1);
        }
    }
}
