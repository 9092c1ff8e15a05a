//! Planned takeover: a live primary hands over to one of its replicas, without losing a write and with the shortest
//! possible pause. Whatever fails before the new primary is opened is undone: the old one never stays read-only.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use decide::plan_checker::{self, CheckContext, Severity};
use decide::takeover::{self, Takeover, TakeoverCase};
use futures_util::future::join_all;
use model::{
    AcknowledgeScope, Command, Finding, Instance, InstanceKey, Plan, Recovery, RecoveryKind, RegroupMode,
};
use ports::Deadline;
use tokio::time::Instant;
use tracing::warn;

use super::Request;
use super::gates::Registration;
use super::journal::{Handover, Journal, Stage};
use super::release::Release;
use super::run::{FORWARD_ATTEMPTS, FORWARD_PAUSE, Failover, NotPromoted};
use crate::Engine;
use crate::executor::PlanEnd;
use crate::hook_environment::hook_environment;
use crate::operations::OperationError;

/// A target that needs no longer than this to reach where the primary was is close behind it.
const CLOSE: Duration = Duration::from_millis(50);
/// How often a target is given the time to come close.
const APPROACHES_MAX: usize = 4;

/// What an operator asked for.
#[derive(Clone, Debug)]
pub struct TakeoverRequest {
    /// The cluster, by its exact name.
    pub cluster_name: String,
    /// The replica that is to take over; `None` when none was named.
    pub designated: Option<InstanceKey>,
    /// Choose one when none is named, and start replication on the former primary in the end.
    pub auto: bool,
}

impl Engine {
    /// Hands a cluster over to another primary. With the record comes the finding that hooks were told of.
    ///
    /// # Errors
    /// Every reason against it, or what failed; the old primary is writable again then.
    pub async fn graceful_takeover(
        &self,
        request: TakeoverRequest,
    ) -> Result<(Recovery, Finding), OperationError> {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let engine = self.clone();
        self.inner.supervisor.start("takeover", async move {
            // The client may be gone; the record is in the backend.
            let _ = sender.send(engine.take_over(request).await);
        });
        receiver.await.unwrap_or_else(|_| {
            Err(OperationError::Recovery("the takeover ended by a defect; see the log".to_owned()))
        })
    }

    async fn take_over(&self, request: TakeoverRequest) -> Result<(Recovery, Finding), OperationError> {
        if !self.may_act() {
            return refused("this node does not hold the lease to change servers");
        }
        let primary = self.only_primary(&request.cluster_name, false)?;
        let lock = self
            .lock_cluster(&request.cluster_name, "a takeover")
            .map_err(|held| OperationError::Refused(vec![held]))?;
        let case = self.takeover_case(&primary, &request).await?;
        let takeover = takeover::prepare(&case).map_err(refuse)?;
        lock.cover([&takeover.target.key]);
        let mut check = takeover::check_context(&case);
        self.move_siblings(&case, &takeover, &mut check).await?;
        let left_open = self.prepare_credentials(&case, &takeover).await;
        let target = takeover.target.key.clone();
        // What hooks and records tell of the primary's replicas is what the takeover does not move.
        let finding = self.synthetic_finding(&primary, "graceful-master-takeover", |fleet| {
            for sibling in takeover.early.iter().chain(&takeover.late) {
                fleet.update(&sibling.key, |sibling| sibling.primary_key = target.clone());
            }
        })?;
        self.run_graceful_hooks(&finding, &target, true).await?;
        let outcome = self.run_takeover(&case, &takeover, &finding, check, left_open).await;
        if outcome.is_ok() {
            self.run_graceful_hooks(&finding, &target, false).await?;
        }
        outcome.map(|recovery| (recovery, finding))
    }

    /// Siblings that can move while the primary accepts writes do so before anything else happens; as any relocation,
    /// this is not part of a recovery's record.
    async fn move_siblings(
        &self,
        case: &TakeoverCase,
        takeover: &Takeover,
        check: &mut CheckContext,
    ) -> Result<(), OperationError> {
        let moved = self.run_phase(&takeover::siblings_plan(case, takeover), check, "").await;
        moved.map(drop).map_err(|reason| {
            let designated = &takeover.target.key;
            OperationError::Recovery(format!(
                "Desginated instance {designated} cannot take over all of its siblings. Error: {reason}"
            ))
        })
    }

    /// Everything is read afresh: a takeover is decided on what is true now.
    pub(super) async fn takeover_case(
        &self,
        primary: &InstanceKey,
        request: &TakeoverRequest,
    ) -> Result<TakeoverCase, OperationError> {
        let limit = self.read_deadline();
        let keys: Vec<InstanceKey> =
            self.fleet().replicas_of(primary).map(|replica| replica.key.clone()).collect();
        let read = self.read_instance(primary, limit).await?;
        let replicas: Vec<Arc<Instance>> = join_all(keys.iter().map(|key| self.read_or_known(key, limit)))
            .await
            .into_iter()
            .flatten()
            .collect();
        let designated = match &request.designated {
            // One that nobody knows is no replica of the primary: the answer says so.
            Some(key) => Some(self.known(key).await.map_or_else(|_| key.clone(), |known| known.key.clone())),
            None => None,
        };
        let compiled = self.compiled();
        let now = self.now();
        let fleet = self.fleet();
        Ok(TakeoverCase {
            primary: read,
            designated,
            auto: request.auto,
            rules: replicas.iter().map(|r| (r.key.clone(), fleet.promotion_rule(&r.key))).collect(),
            ignored: replicas
                .iter()
                .map(|r| r.key.clone())
                .filter(|key| compiled.ignores_promotion(key))
                .collect(),
            downtimed: replicas
                .iter()
                .map(|r| r.key.clone())
                .filter(|key| fleet.is_downtimed(key, now))
                .collect::<BTreeSet<_>>(),
            replicas,
            wait_max: compiled.settings.operations.reasonable_lag,
            policy: compiled.failover.clone(),
        })
    }

    async fn read_or_known(&self, key: &InstanceKey, limit: Deadline) -> Option<Arc<Instance>> {
        match self.read_instance(key, limit).await {
            Ok(read) => Some(read),
            Err(_) => self.fleet().get(key).cloned(),
        }
    }

    /// The former primary needs an account to replicate with. It is set before anything is paused; not having one is
    /// no reason to refuse: the operator may set it afterwards, and the record of the takeover says so.
    async fn prepare_credentials(&self, case: &TakeoverCase, takeover: &Takeover) -> Option<String> {
        if case.primary.replication.has_credentials {
            return None;
        }
        let primary = &case.primary.key;
        let servers = &self.inner.ports.servers;
        let deadline = Deadline::after(self.compiled().action_timeout);
        let found = servers.replication_credentials(&takeover.target.key, deadline).await;
        let result = match found {
            Ok(Some((user, password))) => {
                servers.set_replication_credentials(&case.primary.key, &user, &password, deadline).await
            }
            Ok(None) => {
                let text = format!(
                    "{primary} has no user to replicate with and none is known: set ReplicationCredentialsQuery, or set \
                     the user on the server and start replication there"
                );
                warn!(instance = %primary, "no replication credentials are known; set ReplicationCredentialsQuery");
                return Some(text);
            }
            Err(error) => Err(error),
        };
        let error = result.err()?;
        warn!(instance = %primary, error = %error, "could not prepare the former primary for replicating");
        Some(format!("{primary} was not given a user to replicate with: {error}"))
    }

    async fn run_graceful_hooks(
        &self,
        finding: &Finding,
        target: &InstanceKey,
        before: bool,
    ) -> Result<(), OperationError> {
        let settings = self.settings();
        let (list, commands) = if before {
            ("PreGracefulTakeoverProcesses", &settings.hooks.before_takeover)
        } else {
            ("PostGracefulTakeoverProcesses", &settings.hooks.after_takeover)
        };
        if self.identity().noop {
            return Ok(());
        }
        let mut recovery = self.new_recovery(finding, RecoveryKind::Primary, String::new(), 0, 0);
        recovery.successor = Some(target.clone());
        let environment = hook_environment(finding, "", Some(&recovery), &self.node().hostname);
        let result = self.run_hooks(list, commands, &environment, "", before).await;
        match result {
            Err(error) if before => {
                Err(OperationError::Recovery(format!("Failed running PreGracefulTakeoverProcesses: {error}")))
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }

    async fn run_takeover(
        &self,
        case: &TakeoverCase,
        takeover: &Takeover,
        finding: &Finding,
        check: CheckContext,
        left_open: Option<String>,
    ) -> Result<Recovery, OperationError> {
        let request = Request {
            finding: finding.clone(),
            forced: true,
            skip_hooks: self.identity().noop,
            candidate: None,
        };
        // A takeover appears among the detections and runs their hooks, with its command as a hint.
        let detected = self.register_detection(&request).await;
        let key = finding.key.clone();
        self.submit_quietly(Command::ClearDetections { key, at: self.now() }).await;
        self.inner.detection.forget_registered();
        detected.map_err(OperationError::Recovery)?;
        let registration = self.register_recovery(&request).await?;
        let (uid, id, detection) = match registration {
            Registration::Registered { uid, id, last_detection_id } => (uid, id, last_detection_id),
            Registration::Refused(reasons) => return Err(OperationError::Refused(reasons)),
        };
        let mut recovery = self.new_recovery(finding, RecoveryKind::Primary, uid.clone(), id, detection);
        recovery.mode = if takeover.target.uses_gtid() { RegroupMode::Gtid } else { RegroupMode::PseudoGtid };
        let outcome = match self.run_pre_hooks(&request, &recovery).await {
            Ok(_) => self.hand_over(case, takeover, &recovery, check).await,
            Err(reason) => Err(reason.into()),
        };
        match outcome {
            Ok(mut failover) => {
                failover.errors.extend(left_open);
                self.settle_success(&request, &mut recovery, failover, true).await;
                // A planned takeover must not stand in the way of a real failover within the block period.
                self.acknowledge(AcknowledgeScope::Uid(uid), "orchestrator", "planned takeover").await?;
                Ok(recovery)
            }
            Err(stop) => {
                let reason = stop.reason.clone();
                self.settle_failure(&request, &mut recovery, stop).await;
                self.acknowledge(AcknowledgeScope::Uid(uid), "orchestrator", "takeover was undone").await?;
                Err(OperationError::Recovery(reason))
            }
        }
    }

    /// The phases, each on record before its work starts. An error means that the old primary is the primary again, or
    /// says what is left to be given back.
    async fn hand_over(
        &self,
        case: &TakeoverCase,
        takeover: &Takeover,
        recovery: &Recovery,
        mut check: CheckContext,
    ) -> Result<Failover, NotPromoted> {
        let uid = recovery.uid.as_str();
        let mut journal = self.takeover_journal(case, takeover);
        self.enter_stage(uid, &mut journal, Stage::Registered).await?;
        let prepared = self.pause_and_prepare(case, takeover, &mut check, uid, &mut journal).await;
        let plan = match prepared {
            Ok(plan) => plan,
            Err(reason) => return Err(self.hand_back(case, takeover, recovery, &mut journal, reason).await),
        };
        let end = self.execute(&plan, uid).await;
        if let Some(reason) = end.abort_error() {
            return self.go_forward(case, takeover, uid, &journal, reason).await;
        }
        let lost = takeover.left_behind.iter().map(|(key, _)| key.clone()).collect();
        Ok(Failover::of(self, &takeover.target.key, lost, &end))
    }

    /// Past the point of no return, as in a failover: what is left to do is planned anew from fresh reads, a few times.
    async fn go_forward(
        &self,
        case: &TakeoverCase,
        takeover: &Takeover,
        uid: &str,
        journal: &Journal,
        reason: String,
    ) -> Result<Failover, NotPromoted> {
        let (former, target) = (&case.primary.key, &takeover.target.key);
        let replicas: Vec<InstanceKey> = case.replicas.iter().map(|replica| replica.key.clone()).collect();
        let mut reasons = vec![reason];
        for attempt in 0..FORWARD_ATTEMPTS {
            if attempt > 0 {
                tokio::time::sleep(FORWARD_PAUSE).await;
            }
            match self.finish_promotion(uid, former, target, &replicas).await {
                Ok(mut failover) => {
                    if let Some(handover) = &journal.takeover {
                        reasons.extend(self.demote(former, target, handover).await.err());
                    }
                    reasons.append(&mut failover.errors);
                    failover.errors = reasons;
                    return Ok(failover);
                }
                Err(reason) => reasons.push(reason),
            }
        }
        Err(format!("{}; {target} was to be opened: check it now", reasons.join("; ")).into())
    }

    fn takeover_journal(&self, case: &TakeoverCase, takeover: &Takeover) -> Journal {
        let replicas: Vec<InstanceKey> = case.replicas.iter().map(|replica| replica.key.clone()).collect();
        let mut journal = Journal::new(&case.primary.key, &replicas);
        journal.candidate = Some((&takeover.target.key).into());
        journal.skip_hooks = self.identity().noop;
        journal.note_idle_appliers(&case.replicas);
        let replicating = case.replicas.iter().filter(|replica| replica.is_replicating());
        journal.stopped = replicating.map(|replica| (&replica.key).into()).collect();
        journal.takeover = Some(Handover { by_gtid: takeover.target.uses_gtid(), start_former: case.auto });
        journal
    }

    /// Gives up before anything was promoted. What cannot be given back now keeps the record open.
    async fn hand_back(
        &self,
        case: &TakeoverCase,
        takeover: &Takeover,
        recovery: &Recovery,
        journal: &mut Journal,
        reason: String,
    ) -> NotPromoted {
        if let Err(error) = self.enter_stage(&recovery.uid, journal, Stage::Releasing).await {
            warn!(recovery = %recovery.uid, error = %error, "giving up a takeover is not on record");
        }
        let end = self.execute(&takeover::restore_plan(case, takeover), &recovery.uid).await;
        let failures = end.errors();
        if failures.is_empty() {
            return reason.into();
        }
        let left = [takeover.target.key.clone()];
        let mut release = Release::new(&case.primary.key, left, recovery.start);
        release.unfence = journal.unfence;
        NotPromoted {
            release: Some(Box::new(release)),
            ..NotPromoted::from(format!("{reason}; undoing: {}", failures.join("; ")))
        }
    }

    /// Pauses writes, drains, checks that nothing is missing; returns the plan of no return.
    async fn pause_and_prepare(
        &self,
        case: &TakeoverCase,
        takeover: &Takeover,
        check: &mut CheckContext,
        uid: &str,
        journal: &mut Journal,
    ) -> Result<Plan, String> {
        self.approach(case, takeover, check, uid).await?;
        journal.unfence = !case.primary.read_only;
        self.enter_stage(uid, journal, Stage::Draining).await?;
        self.run_phase(&takeover::pause_plan(case), check, uid).await?;
        let paused = self.current(&case.primary.key)?;
        self.run_phase(&takeover::drain_plan(case, takeover, &paused), check, uid).await?;
        let (primary, target) = (self.current(&case.primary.key)?, self.current(&takeover.target.key)?);
        let plan = takeover::promote_plan(case, takeover, &paused, &primary, &target)
            .map_err(|obstacles| obstacles.to_string())?;
        self.judge(&plan, check)?;
        if !self.may_act() {
            return Err("this node lost the right to act; nothing was promoted".to_owned());
        }
        self.enter_stage(uid, journal, Stage::Committing).await?;
        Ok(plan)
    }

    /// Waits for a moment in which the target is close behind the primary: writes will pause for as long as it lags. One
    /// that never is takes over all the same.
    async fn approach(
        &self,
        case: &TakeoverCase,
        takeover: &Takeover,
        check: &mut CheckContext,
        uid: &str,
    ) -> Result<(), String> {
        for _attempt in 0..APPROACHES_MAX {
            let read = self.read_instance(&case.primary.key, self.read_deadline()).await;
            let primary = read.map_err(|error| format!("the primary cannot be read any more: {error}"))?;
            let began = Instant::now();
            let end = self.run_phase(&takeover::approach_plan(case, takeover, &primary), check, uid).await?;
            if began.elapsed() <= CLOSE || !end.errors().is_empty() {
                break;
            }
        }
        Ok(())
    }

    fn current(&self, key: &InstanceKey) -> Result<Arc<Instance>, String> {
        self.fleet()
            .get(key)
            .cloned()
            .ok_or_else(|| format!("{key} was forgotten in the middle of the takeover"))
    }

    fn judge(&self, plan: &Plan, check: &mut CheckContext) -> Result<(), String> {
        let notes = plan_checker::check_plan(plan, check);
        match notes.iter().find(|note| note.severity == Severity::Error) {
            Some(severe) => Err(format!("plan {} was refused by its checker: {severe}", plan.name)),
            None => Ok(()),
        }
    }

    async fn run_phase(&self, plan: &Plan, check: &mut CheckContext, uid: &str) -> Result<PlanEnd, String> {
        self.judge(plan, check)?;
        let end = self.execute(plan, uid).await;
        match end.abort_error() {
            Some(reason) => Err(reason),
            None => Ok(end),
        }
    }
}

pub(super) fn refuse(obstacles: takeover::Obstacles) -> OperationError {
    OperationError::Refused(obstacles.0.iter().map(ToString::to_string).collect())
}

fn refused<T>(reason: &str) -> Result<T, OperationError> {
    Err(OperationError::Refused(vec![reason.to_owned()]))
}
