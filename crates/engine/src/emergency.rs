//! What is done at once about a finding that is not yet a verdict: read again, and make stale connections break.
//!
//! Reads are done by every node; changes only by the node that holds the lease, and never while automatic recoveries
//! are switched off.

use std::time::Duration;

use decide::analysis::Emergency;
use decide::receiver_test::may_reconnect;
use futures_util::future::join_all;
use model::{Action, Command, Finding, InstanceKey, Threads};
use ports::Deadline;
use tracing::{debug, info, warn};

use crate::Engine;
use crate::operations::OperationError;

/// How often, and with which pause, a receiver that was stopped is started.
const START_ATTEMPTS: u32 = 3;
const START_PAUSE: Duration = Duration::from_secs(1);
/// How long a lost lease is waited for with a receiver stopped, and the pause between two looks.
const LEASE_WAIT: Duration = Duration::from_secs(30);
const LEASE_LOOK: Duration = Duration::from_millis(200);
/// How long after the time that a lock is given it is looked at.
const LOCK_REVIEW: Duration = Duration::from_millis(10);

impl Engine {
    /// Starts the emergency operations of a finding, if its code has any. Returns at once.
    pub(crate) fn start_emergencies(
        &self,
        finding: &Finding,
        emergencies: &'static [Emergency],
        may_change: bool,
    ) {
        if emergencies.is_empty() {
            return;
        }
        let engine = self.clone();
        let (key, source) = (finding.key.clone(), finding.primary_key.clone());
        let reason = finding.code.to_string();
        let recovers = finding.cluster.automated_primary_recovery;
        let coordinates = finding.coordinates.clone();
        self.inner.supervisor.start_loop("emergency operation", async move {
            for emergency in emergencies {
                match emergency {
                    Emergency::ReadInstance => engine.emergency_read(&key, &reason).await,
                    Emergency::ReadReplicas => engine.emergency_read_replicas(&key, &reason).await,
                    Emergency::ReadSource => engine.emergency_read(&source, &reason).await,
                    Emergency::TestReceivers => {
                        if may_change && recovers && engine.may_act() {
                            engine.test_receivers(&key, &reason).await;
                        }
                    }
                    Emergency::RecordCoordinates => {
                        engine.note_stale_coordinates(&key, coordinates.clone(), engine.now()).await;
                    }
                    Emergency::RestartReceivers => {
                        if may_change && engine.may_act() {
                            engine.restart_receivers(&key, &reason).await;
                        }
                    }
                }
            }
        });
    }

    async fn emergency_read_replicas(&self, key: &InstanceKey, reason: &str) {
        let replicas = self.replicas_through_binlog_servers(key);
        join_all(replicas.iter().map(|replica| self.emergency_read(replica, reason))).await;
    }

    async fn note_stale_coordinates(
        &self,
        key: &InstanceKey,
        coordinates: model::BinlogCoordinates,
        at: model::Timestamp,
    ) {
        let known = self.fleet().stale_coordinates.get(key).map(|stale| stale.coordinates.clone());
        // While sessions wait, the lock lasts since it was first noticed, wherever the binary log stands.
        let is_waiting = |fleet: &model::Fleet| {
            fleet
                .get(key)
                .is_some_and(|server| server.semi_sync.wait_sessions.is_some_and(|waiting| waiting > 0))
        };
        if known.as_ref() == Some(&coordinates) || (known.is_some() && is_waiting(&self.fleet())) {
            return;
        }
        self.fleet_mut().stale_coordinates.insert(
            key.clone(),
            model::StaleCoordinates { coordinates: coordinates.clone(), first_seen: at },
        );
        self.review_lock(key);
        self.submit_quietly(Command::WriteStaleCoordinates { key: key.clone(), coordinates, at }).await;
    }

    /// Looks at a primary again as soon as a lock that begins now would have lasted for long enough.
    fn review_lock(&self, key: &InstanceKey) {
        let (engine, key) = (self.clone(), key.clone());
        self.inner.supervisor.start_loop("lock review", async move {
            tokio::time::sleep(engine.compiled().analysis.reasonable_locked_semi_sync + LOCK_REVIEW).await;
            let limit = Deadline::after(engine.compiled().reasonable_check);
            if let Err(error) = engine.read_instance(&key, limit).await {
                debug!(instance = %key, error = %error, "cannot see whether it is still locked");
            }
            engine.inner.analysis_requests.add(key);
        });
    }

    /// Restarts the receiver of direct replicas so that connections to a primary that accepts no new ones break.
    /// Replicas stopped by a person, downtimed or in maintenance are left alone, and so are those whose relay logs would
    /// be lost.
    async fn restart_receivers(&self, key: &InstanceKey, reason: &str) {
        if !self.inner.emergency_set_restarts.admit(key) {
            return;
        }
        let now = self.now();
        let replicas: Vec<InstanceKey> = {
            let fleet = self.fleet();
            fleet
                .replicas_of(key)
                .filter(|replica| replica.replication.io_thread.is_running() && may_reconnect(replica))
                .filter(|replica| !fleet.is_downtimed(&replica.key, now))
                .filter(|replica| !fleet.maintenance.contains_key(&replica.key))
                .map(|replica| replica.key.clone())
                .collect()
        };
        if replicas.is_empty() {
            return;
        }
        self.inner.grace.admit(key);
        info!(instance = %key, replicas = replicas.len(), "restarting receivers so that stale connections break");
        join_all(replicas.iter().map(|replica| async move {
            if self.inner.emergency_restarts.admit(replica) {
                self.restart_receiver(replica, reason).await;
                self.emergency_read(replica, reason).await;
            }
        }))
        .await;
    }

    /// Lets the receiver of a replica reconnect; false if it may be stopped now.
    pub(crate) async fn restart_receiver(&self, replica: &InstanceKey, reason: &str) -> bool {
        // Not to be cut off by a shutdown before a failed start was repeated.
        let key = replica.clone();
        let restarting =
            self.detached("receiver restart", |engine| async move { engine.reconnect_receiver(&key).await });
        let restarted = restarting.await;
        if let Err(error) = &restarted {
            warn!(instance = %replica, error = %error, "could not restart the receiver; see whether it runs");
        }
        self.audit("emergently-restart-replication-topology-instance", Some(replica), reason).await;
        restarted.is_ok()
    }

    /// Stops and starts the receiver. If that fails it is started, a few times if need be; a lease that was lost
    /// meanwhile is waited for.
    async fn reconnect_receiver(&self, replica: &InstanceKey) -> Result<(), OperationError> {
        let limit = || Deadline::after(self.compiled().action_timeout);
        let Err(error) = self.act_on(replica, &Action::ReconnectReceiver, limit()).await else {
            return Ok(());
        };
        warn!(instance = %replica, error = %error, "could not restart the receiver at once; starting it");
        let start = Action::StartReplication(Threads::Receiver);
        for _ in 0..START_ATTEMPTS {
            if !self.may_act_soon().await {
                let reason = format!(
                    "{error}; this node lost its lease: the receiver of {replica} may be left stopped"
                );
                return Err(OperationError::Refused(vec![reason]));
            }
            if self.act_on(replica, &start, limit()).await.is_ok() {
                return Ok(());
            }
            tokio::time::sleep(START_PAUSE).await;
        }
        Err(error.into())
    }

    /// This node may act, or may again after a while.
    async fn may_act_soon(&self) -> bool {
        let end = tokio::time::Instant::now() + LEASE_WAIT;
        while !self.may_act() && tokio::time::Instant::now() < end {
            tokio::time::sleep(LEASE_LOOK).await;
        }
        self.may_act()
    }

    /// Direct replicas and, below binlog servers, theirs.
    fn replicas_through_binlog_servers(&self, key: &InstanceKey) -> Vec<InstanceKey> {
        let fleet = self.fleet();
        let mut found = Vec::new();
        let mut to_visit = vec![key.clone()];
        let mut visited = std::collections::BTreeSet::new();
        while let Some(source) = to_visit.pop() {
            if !visited.insert(source.clone()) {
                continue;
            }
            for replica in fleet.replicas_of(&source) {
                found.push(replica.key.clone());
                if replica.is_binlog_server() {
                    to_visit.push(replica.key.clone());
                }
            }
        }
        found
    }
}
