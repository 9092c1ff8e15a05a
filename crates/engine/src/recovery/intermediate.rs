//! A dead intermediate primary or group member: its replicas find a new home. Nothing is opened for writes, nobody is lost that was not.

use std::sync::Arc;

use decide::failover::{IntermediateCase, rehome, rehome_below_group};
use futures_util::future::join_all;
use model::{Finding, Instance, InstanceKey, Recovery, RecoveryKind};
use ports::Deadline;
use tracing::error;

use super::gates::Registration;
use super::primary::audit_name;
use super::{Attempt, Request};
use crate::Engine;

impl Engine {
    /// Re-homes the replicas of a dead intermediate primary, from gates to hooks.
    pub(super) async fn rescue_replicas(&self, request: Request, kind: RecoveryKind) -> Attempt {
        let finding = &request.finding;
        if !request.forced && !finding.cluster.automated_intermediate_recovery {
            return Attempt::NotAttempted(vec![format!(
                "cluster {} matches none of RecoverIntermediateMasterClusterFilters",
                finding.cluster.name
            )]);
        }
        let _lock = match self.lock_cluster(&finding.cluster.name, "the recovery of an intermediate primary")
        {
            Ok(lock) => lock,
            Err(held) => return Attempt::NotAttempted(vec![held]),
        };
        let (uid, id, detection) = match self.register_recovery(&request).await {
            Ok(Registration::Registered { uid, id, last_detection_id }) => (uid, id, last_detection_id),
            Ok(Registration::Refused(reasons)) => return Attempt::NotAttempted(reasons),
            Err(error) => return Attempt::Failed(error.to_string()),
        };
        self.counters(kind).start.increment();
        let mut recovery = self.new_recovery(finding, kind, uid, id, detection);
        self.audit(audit_name(kind), Some(&finding.key), "problem found; will recover").await;
        let outcome = match self.run_pre_hooks(&request, &recovery).await {
            Ok(_) => self.run_rescue(finding, &mut recovery).await,
            Err(reason) => Err(reason),
        };
        self.settle_rescue(&request, &mut recovery, outcome).await;
        Attempt::Ended(Box::new(recovery))
    }

    /// Reads, decides, moves. Returns the server that stands for the failed one now.
    async fn run_rescue(&self, finding: &Finding, recovery: &mut Recovery) -> Result<InstanceKey, String> {
        let case = self.intermediate_case(finding).await?;
        let rehoming = match recovery.kind {
            Some(RecoveryKind::GroupMember) => rehome_below_group(&case),
            Some(_) | None => rehome(&case),
        };
        let rehoming = rehoming.map_err(|refusals| refusals.to_string())?;
        self.write_step_later(&recovery.uid, rehoming.to_string());
        let end = self.execute(&rehoming.plan, &recovery.uid).await;
        recovery.errors.extend(end.errors());
        recovery.participating = rehoming.moves.values().cloned().collect();
        recovery.participating.sort();
        recovery.participating.dedup();
        let moved = rehoming.moves.keys().filter(|replica| !end.lost.contains(*replica)).count();
        if moved == 0 {
            let name = match recovery.kind {
                Some(RecoveryKind::GroupMember) => "RecoverDeadReplicationGroupMemberWithReplicas",
                Some(_) | None => "RecoverDeadIntermediateMaster",
            };
            return Err(format!(
                "topology_recovery: {name} failed to match up any replica from {}",
                finding.key
            ));
        }
        // While their receivers connect it looks as if nobody replicated from their new source; the lock of the cluster,
        // which is held until then, keeps that from being taken for a failure of it.
        join_all(rehoming.moves.keys().map(|replica| self.settled(replica))).await;
        Ok(rehoming.successor)
    }

    async fn intermediate_case(&self, finding: &Finding) -> Result<IntermediateCase, String> {
        let (failed, siblings, replicas) = {
            let fleet = self.fleet();
            let failed = fleet.get(&finding.key).cloned();
            let keys = |source: &InstanceKey| -> Vec<InstanceKey> {
                fleet.replicas_of(source).map(|r| r.key.clone()).filter(|key| *key != finding.key).collect()
            };
            let around = match failed.as_deref() {
                Some(member) if finding.facts.is_group_member => member.group.members.clone(),
                Some(_) | None => keys(&finding.primary_key),
            };
            (failed, around, keys(&finding.key))
        };
        let failed = failed.ok_or_else(|| format!("{} is not known any more", finding.key))?;
        let limit = Deadline::after(self.compiled().reasonable_check);
        let read = |keys: Vec<InstanceKey>| async move {
            let reads = join_all(keys.iter().map(|key| self.read_instance(key, limit))).await;
            reads.into_iter().flatten().collect::<Vec<Arc<Instance>>>()
        };
        let (source, siblings, replicas) = futures_util::join!(
            self.read_instance(&finding.primary_key, limit),
            read(siblings),
            read(replicas)
        );
        let compiled = self.compiled();
        let fleet = self.fleet();
        let others = || siblings.iter().chain(&replicas);
        Ok(IntermediateCase {
            failed,
            source: source.ok(),
            rules: others().map(|server| (server.key.clone(), fleet.promotion_rule(&server.key))).collect(),
            ignored: others().map(|s| s.key.clone()).filter(|key| compiled.ignores_promotion(key)).collect(),
            siblings: siblings.clone(),
            replicas: replicas.clone(),
            policy: compiled.failover.clone(),
        })
    }

    async fn settle_rescue(
        &self,
        request: &Request,
        recovery: &mut Recovery,
        outcome: Result<InstanceKey, String>,
    ) {
        let kind = recovery.kind.unwrap_or(RecoveryKind::IntermediatePrimary);
        let failed = &request.finding.key;
        let settings = self.settings();
        match outcome {
            Ok(successor) => {
                self.counters(kind).success.increment();
                recovery.is_successful = true;
                recovery.successor = Some(successor.clone());
                if let Some(server) = self.fleet().get(&successor) {
                    recovery.successor_alias = server.alias.clone();
                    recovery.successor_coordinates = Some(server.self_coordinates.clone());
                }
                self.resolve(recovery).await;
                self.audit(audit_name(kind), Some(failed), format!("replicas moved; successor: {successor}"))
                    .await;
                let commands = &settings.hooks.after_intermediate_failover;
                self.run_post_hooks(request, recovery, "PostIntermediateMasterFailoverProcesses", commands)
                    .await;
                self.run_post_hooks(
                    request,
                    recovery,
                    "PostFailoverProcesses",
                    &settings.hooks.after_failover,
                )
                .await;
            }
            Err(reason) => {
                self.counters(kind).fail.increment();
                error!(instance = %failed, recovery = %recovery.uid, reason = %reason, "no replica was moved");
                recovery.errors.push(reason);
                self.resolve(recovery).await;
                let commands = &settings.hooks.after_unsuccessful_failover;
                self.run_post_hooks(request, recovery, "PostUnsuccessfulFailoverProcesses", commands).await;
            }
        }
    }
}
