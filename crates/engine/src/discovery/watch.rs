//! Hearing at once that a server others replicate from is gone: a kept connection with a pending read on each.
//!
//! A broken connection is no verdict. It triggers fresh reads of the server and of its direct replicas, in a short
//! burst until they agree, and the ordinary analysis decides.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use decide::receiver_test::STILL;
use model::{Instance, InstanceKey};
use ports::Deadline;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info};

use super::stillness::until_silent;
use crate::Engine;

/// How often the set of watched servers is compared with the fleet.
const REVIEW: Duration = Duration::from_millis(500);
/// How long a suspicion is followed closely.
const BURST: Duration = Duration::from_secs(5);
/// First and last pause between the reads of a burst.
const BURST_PAUSE: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(400));

impl Engine {
    /// Keeps one watch per server that has replicas, for as long as the process lives.
    pub async fn watch_forever(self) {
        let mut watched: std::collections::BTreeMap<InstanceKey, CancellationToken> = Default::default();
        loop {
            // Servers of a node that may not act are watched by the one that may.
            let wanted: BTreeSet<InstanceKey> = if !self.may_act() {
                BTreeSet::new()
            } else {
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

    pub(super) async fn watch_one(&self, key: InstanceKey) {
        loop {
            let on_late = || self.look_at_replicas(&key);
            let lost = self.inner.ports.servers.watch(&key, &on_late).await;
            self.metrics().lost_connections.increment();
            info!(instance = %key, reason = %lost.reason, "lost a kept connection; reading the server and its replicas");
            // Seldom needed, and large: not a part of the task that waits.
            Box::pin(self.follow_suspicion(&key)).await;
        }
    }

    /// An answer is late: what the replicas receive from now on may become evidence, so its start is put on record.
    fn look_at_replicas(&self, key: &InstanceKey) {
        if !self.inner.early_looks.admit(key) {
            return;
        }
        let (engine, key) = (self.clone(), key.clone());
        self.inner.supervisor.start_loop("early look", async move {
            let limit = Deadline::after(engine.compiled().reasonable_check);
            engine.read_direct_replicas(&key, limit).await;
        });
    }

    async fn read_direct_replicas(&self, key: &InstanceKey, limit: Deadline) {
        let replicas: Vec<InstanceKey> =
            self.fleet().replicas_of(key).map(|replica| replica.key.clone()).collect();
        futures_util::future::join_all(replicas.iter().map(|replica| self.read_instance(replica, limit)))
            .await;
    }

    /// Reads the suspect and its direct replicas again and again, quickly at first, until the suspect is well or no
    /// replica receives from it any more, and at most for a few seconds. The replicas do not wait for a suspect that
    /// hangs: what they receive is evidence that takes time to gather.
    pub(crate) async fn follow_suspicion(&self, key: &InstanceKey) {
        let settled = CancellationToken::new();
        let suspect = self.read_suspect(key, &settled);
        let replicas = self.read_replicas_of(key, &settled);
        let _ = tokio::time::timeout(BURST, async { futures_util::join!(suspect, replicas) }).await;
    }

    /// Reads the suspect until it answers or its replicas have settled the matter.
    async fn read_suspect(&self, key: &InstanceKey, settled: &CancellationToken) {
        let mut pause = BURST_PAUSE.0;
        while !settled.is_cancelled() {
            let limit = Deadline::after(self.compiled().reasonable_check);
            let answer = self.read_instance(key, limit).await;
            self.inner.analysis_requests.add(key.clone());
            if answer.is_ok() {
                debug!(instance = %key, "the server answers");
                settled.cancel();
                return;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(BURST_PAUSE.1);
        }
    }

    /// Reads the direct replicas until none receives from the suspect any more.
    async fn read_replicas_of(&self, key: &InstanceKey, settled: &CancellationToken) {
        let mut pause = BURST_PAUSE.0;
        while !settled.is_cancelled() {
            let limit = Deadline::after(self.compiled().reasonable_check);
            self.read_direct_replicas(key, limit).await;
            self.inner.analysis_requests.add(key.clone());
            let is_received = {
                let fleet = self.fleet();
                fleet.replicas_of(key).any(|replica| replica.is_last_check_valid() && replica.is_receiving())
            };
            let is_unreadable = self.fleet().get(key).is_none_or(|suspect| !suspect.is_last_check_valid());
            if !is_received && is_unreadable {
                settled.cancel();
                return;
            }
            // Not later than the last receiver may be found silent, or still for long enough to be tested.
            let proof = {
                let fleet = self.fleet();
                let receiving = fleet.replicas_of(key).filter(|replica| replica.is_receiving());
                let until_told = |replica: &Arc<Instance>| {
                    let idle = replica.replication.receiver_idle;
                    let until_still = STILL.checked_sub(idle).filter(|left| !left.is_zero());
                    until_silent(&replica.replication).into_iter().chain(until_still).min()
                };
                receiving.filter_map(until_told).max()
            };
            let proof = proof.unwrap_or(BURST_PAUSE.1) + BURST_PAUSE.0;
            tokio::time::sleep(pause.min(proof)).await;
            pause = (pause * 2).min(BURST_PAUSE.1);
        }
    }
}
