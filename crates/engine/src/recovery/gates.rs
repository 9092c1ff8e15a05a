//! What must hold before a recovery may begin. Every reason against it is collected, stored and shown.

use std::collections::btree_map::Entry;
use std::sync::PoisonError;

use model::{Command, CommandOutcome, Finding, InstanceKey, Recovery};
use ports::{RecoveryQuery, StoreError};
use tracing::debug;

use super::Request;
use crate::Engine;
use crate::detection::case_of;

/// What holds the lock of a cluster.
#[derive(Debug)]
pub(crate) struct Held {
    operation: String,
    /// Names the cluster may have when the operation has ended.
    successors: Vec<String>,
}

/// One operation per cluster at a time; released when dropped.
pub(crate) struct ClusterLock {
    engine: Engine,
    cluster_name: String,
}

impl ClusterLock {
    /// One of these servers will be the primary, and the cluster be called after it: what is seen under that name is the
    /// operation's own doing too.
    pub(super) fn cover<'a>(&self, successors: impl IntoIterator<Item = &'a InstanceKey>) {
        let mut locks = self.engine.inner.cluster_locks.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = locks.get_mut(&self.cluster_name) {
            held.successors = successors.into_iter().map(ToString::to_string).collect();
        }
    }
}

impl Drop for ClusterLock {
    fn drop(&mut self) {
        let mut locks = self.engine.inner.cluster_locks.lock().unwrap_or_else(PoisonError::into_inner);
        locks.remove(&self.cluster_name);
    }
}

/// The outcome of registering a recovery.
pub(super) enum Registration {
    /// Registered under this UID and row id.
    Registered { uid: String, id: i64, last_detection_id: i64 },
    /// Refused, with every reason.
    Refused(Vec<String>),
}

impl Engine {
    /// Takes the lock of a cluster for an operation, or says which operation holds it.
    pub(crate) fn lock_cluster(&self, cluster_name: &str, operation: &str) -> Result<ClusterLock, String> {
        let mut locks = self.inner.cluster_locks.lock().unwrap_or_else(PoisonError::into_inner);
        match locks.entry(cluster_name.to_owned()) {
            Entry::Occupied(held) => {
                let operation = &held.get().operation;
                Err(format!("cluster {cluster_name} is being changed by {operation}; wait for it to end"))
            }
            Entry::Vacant(free) => {
                free.insert(Held { operation: operation.to_owned(), successors: Vec::new() });
                Ok(ClusterLock { engine: self.clone(), cluster_name: cluster_name.to_owned() })
            }
        }
    }

    /// The operation that holds the lock of a cluster on this node.
    pub(crate) fn operation_on(&self, cluster_name: &str) -> Option<String> {
        let locks = self.inner.cluster_locks.lock().unwrap_or_else(PoisonError::into_inner);
        locks.get(cluster_name).map(|held| held.operation.clone())
    }

    /// An operation on the cluster is in progress on this node.
    pub(crate) fn is_cluster_locked(&self, cluster_name: &str) -> bool {
        let locks = self.inner.cluster_locks.lock().unwrap_or_else(PoisonError::into_inner);
        locks.contains_key(cluster_name)
    }

    /// The cluster is being changed, or is what an operation in progress ends with. Others may change it in that case:
    /// hooks do so.
    pub(crate) fn is_cluster_in_motion(&self, cluster_name: &str) -> bool {
        let locks = self.inner.cluster_locks.lock().unwrap_or_else(PoisonError::into_inner);
        locks.iter().any(|(name, held)| {
            name == cluster_name || held.successors.iter().any(|successor| successor == cluster_name)
        })
    }

    /// Registers a recovery unless an earlier one is in the way (anti-flapping). Writes blocked records.
    pub(super) async fn register_recovery(&self, request: &Request) -> Result<Registration, StoreError> {
        let finding = &request.finding;
        if request.forced {
            self.acknowledge_finished_of(&finding.key).await?;
        } else {
            let mut reasons = Vec::new();
            let mut blocking = self.blocking_recoveries(finding, &mut reasons).await?;
            if !blocking.is_empty() {
                // Periods end once a second, and recoveries of processes that are gone are acknowledged once a minute; one that
                // is over by now must not block even that much longer.
                self.expire().await;
                reasons.clear();
                blocking = self.blocking_recoveries(finding, &mut reasons).await?;
            }
            for recovery in &blocking {
                self.submit_quietly(Command::WriteBlockedRecovery {
                    case: case_of(finding),
                    blocking_recovery_id: recovery.id,
                    at: self.now(),
                })
                .await;
            }
            if !reasons.is_empty() {
                return Ok(Registration::Refused(reasons));
            }
        }
        let uid = self.new_uid();
        let outcome = self
            .inner
            .ports
            .log
            .submit(Command::RegisterRecovery {
                uid: uid.clone(),
                case: case_of(finding),
                node: self.node().clone(),
                at: self.now(),
            })
            .await;
        let outcome = match outcome {
            Ok(outcome) => outcome,
            Err(error) => {
                self.withdraw_registration(&uid).await;
                return Err(error);
            }
        };
        let CommandOutcome::Inserted(Some(id)) = outcome else {
            return Ok(Registration::Refused(vec![self.already_recovering(&finding.key).await?]));
        };
        let written = self.store().recoveries(RecoveryQuery::Uid(uid.clone()), self.now()).await?;
        let last_detection_id = written.first().map_or(0, |recovery| recovery.last_detection_id);
        Ok(Registration::Registered { uid, id, last_detection_id })
    }

    /// Active recoveries that promoted the failed server, and active recoveries of its cluster.
    async fn blocking_recoveries(
        &self,
        finding: &Finding,
        reasons: &mut Vec<String>,
    ) -> Result<Vec<Recovery>, StoreError> {
        let now = self.now();
        let key = &finding.key;
        let mut promoted =
            self.store().recoveries(RecoveryQuery::ActiveWithSuccessor(key.clone()), now).await?;
        // A repair names the server itself; that promoted nobody.
        promoted.retain(|recovery| recovery.case.key != *key);
        if let Some(first) = promoted.first() {
            reasons.push(format!(
                "AttemptRecoveryRegistration: instance {key} has recently been promoted (by failover of {}) and is in \
                 active period. It will not be failed over. You may acknowledge the failure on {} (-c \
                 ack-instance-recoveries) to remove this blockage",
                first.case.key, first.case.key
            ));
        }
        let cluster = &finding.cluster.name;
        let same =
            self.store().recoveries(RecoveryQuery::InActivePeriodOfCluster(cluster.clone()), now).await?;
        let same: Vec<Recovery> = same.into_iter().filter(replaces_a_primary).collect();
        if let Some(first) = same.first() {
            reasons.push(format!(
                "AttemptRecoveryRegistration: cluster {cluster} has recently experienced a failover (of {}) and is in \
                 active period. It will not be failed over again. You may acknowledge the failure on this cluster (-c \
                 ack-cluster-recoveries) or on {} (-c ack-instance-recoveries) to remove this blockage",
                first.case.key, first.case.key
            ));
        }
        debug!(instance = %key, reasons = reasons.len(), "anti-flapping");
        let mut blocking = promoted;
        blocking.extend(same);
        Ok(blocking)
    }

    /// A registration that failed may have been written all the same: then it must neither look unfinished nor block.
    async fn withdraw_registration(&self, uid: &str) {
        let at = self.now();
        self.submit_quietly(Command::ResolveRecovery {
            uid: uid.to_owned(),
            is_successful: false,
            successor: None,
            successor_alias: String::new(),
            lost_replicas: Vec::new(),
            participating: Vec::new(),
            errors: vec!["the registration of this recovery failed; nothing was changed".to_owned()],
            at,
        })
        .await;
        self.submit_quietly(Command::AcknowledgeRecoveries {
            scope: model::AcknowledgeScope::Uid(uid.to_owned()),
            owner: "orchestrator".to_owned(),
            comment: "the registration failed".to_owned(),
            at,
        })
        .await;
    }

    async fn acknowledge_finished_of(&self, key: &InstanceKey) -> Result<(), StoreError> {
        self.inner
            .ports
            .log
            .submit(Command::AcknowledgeRecoveries {
                scope: model::AcknowledgeScope::FinishedOf(key.clone()),
                owner: "orchestrator".to_owned(),
                comment: format!(
                    "implicit acknowledge due to user invocation of recovery on same instance: {key}"
                ),
                at: self.now(),
            })
            .await?;
        Ok(())
    }

    async fn already_recovering(&self, key: &InstanceKey) -> Result<String, StoreError> {
        let unfinished = self.store().recoveries(RecoveryQuery::Unfinished, self.now()).await?;
        Ok(match unfinished.iter().find(|recovery| recovery.case.key == *key) {
            Some(recovery) => format!("a recovery of {key} is already in progress, uid {}", recovery.uid),
            None => format!(
                "a recovery of {key} is still in its active period; acknowledge it with -c ack-instance-recoveries -i {key}"
            ),
        })
    }
}

/// The failover of a primary, as opposed to other repairs.
///
/// Differs: repairs that promote nobody (intermediate primaries, semi-sync, read-only) never block the failover of a
/// primary; the original blocked its cluster for the whole period.
pub(crate) fn replaces_a_primary(recovery: &Recovery) -> bool {
    use model::AnalysisCode::{
        DeadCoMaster, DeadCoMasterAndSomeReplicas, DeadMaster, DeadMasterAndSomeReplicas,
    };
    matches!(
        recovery.case.code,
        DeadMaster | DeadMasterAndSomeReplicas | DeadCoMaster | DeadCoMasterAndSomeReplicas
    )
}
