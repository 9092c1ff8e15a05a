//! Putting the replicas of a server below the best of them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use decide::failover::{self, FailoverCase, ReplacementCase};
use model::{Action, Instance, InstanceKey, OnFailure, Plan, Threads};

use super::refused;
use crate::Engine;
use crate::operations::OperationError;

/// What became of the replicas of a server.
#[derive(Clone, Debug)]
pub struct Regrouped {
    /// The one the others are below now.
    pub candidate: Arc<Instance>,
    /// Those that were moved below it.
    pub moved: Vec<Arc<Instance>>,
    /// Those that were not, with the reason.
    pub lost: Vec<(InstanceKey, String)>,
}

impl Engine {
    /// The best of the replicas of a server, by what is known; nothing changes.
    ///
    /// # Errors
    /// There is no replica, or none that may be promoted.
    pub fn candidate_replica(&self, key: &InstanceKey) -> Result<InstanceKey, OperationError> {
        let case = self.regroup_case(key);
        let choice = failover::choose(&case, &case.replicas).map_err(refusals)?;
        Ok(choice.candidate.key.clone())
    }

    /// The server to promote in the place of one that was just promoted after the failure of another: a better one, or
    /// itself. The failed server need not be known.
    pub fn promoted_replacement(&self, failed: &InstanceKey, promoted: &Instance) -> InstanceKey {
        let compiled = self.compiled();
        let fleet = self.fleet();
        failover::replacement(&ReplacementCase {
            fleet: &fleet,
            failed: fleet.get(failed).map(AsRef::as_ref),
            promoted,
            policy: &compiled.failover,
            is_never_promoted: &|key| compiled.ignores_promotion(key),
        })
    }

    fn regroup_case(&self, key: &InstanceKey) -> FailoverCase {
        let compiled = self.compiled();
        let fleet = self.fleet();
        let replicas: Vec<Arc<Instance>> = fleet.replicas_of(key).cloned().collect();
        FailoverCase {
            old_primary: fleet.get(key).cloned(),
            rules: replicas.iter().map(|r| (r.key.clone(), fleet.promotion_rule(&r.key))).collect(),
            ignored: replicas
                .iter()
                .map(|r| r.key.clone())
                .filter(|key| compiled.ignores_promotion(key))
                .collect(),
            replicas,
            ..FailoverCase::new(key.clone(), compiled.failover.clone())
        }
    }

    /// Puts the replicas of a server, dead or alive, below the best of them, by GTID. Replicas stop receiving first, so
    /// that the choice is made on what stands still; all of them replicate again afterwards.
    ///
    /// # Errors
    /// There is no replica, or none that the others could be below.
    pub async fn regroup_replicas(&self, key: &InstanceKey) -> Result<Regrouped, OperationError> {
        let source = self.known(key).await?.key.clone();
        let keys: Vec<InstanceKey> =
            self.fleet().replicas_of(&source).map(|replica| replica.key.clone()).collect();
        let replicas = self.fresh_all(&keys).await;
        match replicas.as_slice() {
            [] => return refused(format!("No replicas found for {source}")),
            [only] if keys.len() == 1 => {
                return Ok(Regrouped { candidate: only.clone(), moved: Vec::new(), lost: Vec::new() });
            }
            _ => {}
        }
        self.admit_change(&replicas[0].cluster_name)?;
        if replicas.iter().any(|replica| !replica.uses_gtid()) {
            return refused(
                "replicas without GTID cannot be regrouped; PseudoGTIDPattern not configured; cannot use Pseudo-GTID",
            );
        }
        self.execute(&self.collect(&replicas), "").await;
        let outcome = self.regroup_stopped(&source, &keys).await;
        // Whoever was not moved goes on below its former source.
        let stopped: BTreeSet<InstanceKey> = match &outcome {
            Ok(regrouped) => {
                let left = regrouped.lost.iter().map(|(key, _)| key.clone());
                left.chain([regrouped.candidate.key.clone()]).collect()
            }
            Err(_) => keys.into_iter().collect(),
        };
        self.restart_stopped(&stopped).await;
        let mut regrouped = outcome?;
        regrouped.candidate = self.settled(&regrouped.candidate.key).await?;
        let message =
            format!("regrouped replicas of {source} via GTID; promoted {}", regrouped.candidate.key);
        self.audit("regroup-replicas-gtid", Some(&source), message).await;
        Ok(regrouped)
    }

    /// Stops receiving everywhere and applies what was received, each as far as it gets.
    fn collect(&self, replicas: &[Arc<Instance>]) -> Plan {
        let limit = self.compiled().settings.operations.bulk_wait;
        let mut plan = Plan::new("collect");
        for replica in replicas {
            let stop = Action::StopReplication(Threads::Receiver);
            let reason = "the choice needs what stands still";
            let stopped = plan.push(&replica.key, stop, &[], Duration::from_secs(5), reason);
            note_failure(&mut plan);
            plan.push(&replica.key, Action::WaitApplied, &[stopped], limit, reason);
            note_failure(&mut plan);
        }
        plan
    }

    async fn regroup_stopped(
        &self,
        source: &InstanceKey,
        keys: &[InstanceKey],
    ) -> Result<Regrouped, OperationError> {
        let observed = self.fresh_all(keys).await;
        let case = self.regroup_case(source);
        let choice = failover::choose(&case, &observed).map_err(refusals)?;
        let candidate = choice.candidate.clone();
        let mut lost: Vec<(InstanceKey, String)> = Vec::new();
        for key in keys.iter().filter(|key| **key != candidate.key) {
            match choice.fates.get(key) {
                Some(failover::Fate::Repoint { .. }) => {}
                Some(fate) => lost.push((key.clone(), fate.to_string())),
                None => lost.push((key.clone(), "could not be read".to_owned())),
            }
        }
        let only: BTreeSet<InstanceKey> =
            choice.repointed().map(|(replica, _)| replica.key.clone()).collect();
        let moved = if only.is_empty() {
            Vec::new()
        } else {
            let result = self.move_many(source, &candidate.key, Some(&only), false).await?;
            let done: BTreeSet<&InstanceKey> = result.moved.iter().map(|moved| &moved.key).collect();
            let failed = only.iter().filter(|key| !done.contains(key));
            lost.extend(failed.map(|key| (key.clone(), result.errors.join("; "))));
            result.moved
        };
        Ok(Regrouped { candidate, moved, lost })
    }
}

fn note_failure(plan: &mut Plan) {
    if let Some(step) = plan.last_mut() {
        step.on_failure = OnFailure::Note;
    }
}

fn refusals(refusals: failover::Refusals) -> OperationError {
    OperationError::Refused(refusals.reasons())
}
