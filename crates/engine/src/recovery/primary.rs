//! Replacing a dead primary: plans executed, and pure decisions between them.
//!
//! Order of work: gates and registration; hooks before; stop receiving and read what each replica received; choose;
//! let the chosen one apply what it received; promote it and re-point the others; record; publish; hooks after.
//! Nothing that can wait stands between the evidence and the first write on the new primary.

use std::collections::BTreeMap;
use std::sync::Arc;

use decide::failover::{self, Choice, FailoverCase};
use decide::plan_checker;
use futures_util::future::join_all;
use model::{Command, Finding, Instance, InstanceKey, Plan, Recovery, RecoveryKind, RegroupMode};
use ports::Deadline;
use tracing::{error, info};

use super::gates::Registration;
use super::journal::{Journal, Stage};
use super::{Attempt, Request};
use crate::Engine;
use crate::detection::case_of;
use crate::executor::PlanEnd;
use crate::hook_environment::hook_environment;

/// A promotion that took place.
#[derive(Clone, Debug)]
pub(super) struct Failover {
    pub(super) promoted: InstanceKey,
    pub(super) promoted_alias: String,
    pub(super) coordinates: Option<model::BinlogCoordinates>,
    pub(super) lost: Vec<InstanceKey>,
    pub(super) participating: Vec<InstanceKey>,
    pub(super) errors: Vec<String>,
}

impl Engine {
    /// Replaces a dead primary, from gates to hooks.
    pub(super) async fn recover_primary(&self, request: Request) -> Attempt {
        let finding = &request.finding;
        if !request.forced {
            if !finding.cluster.automated_primary_recovery {
                return Attempt::NotAttempted(vec![format!(
                    "cluster {} matches none of RecoverMasterClusterFilters",
                    finding.cluster.name
                )]);
            }
            if !finding.is_actionable {
                return Attempt::NotAttempted(vec![format!("{} is not actionable at this moment", finding.code)]);
            }
        }
        let _lock = match self.lock_cluster(&finding.cluster.name, "a failover") {
            Ok(lock) => lock,
            Err(held) => return Attempt::NotAttempted(vec![held]),
        };
        let (uid, id, last_detection_id) = match self.register_recovery(&request).await {
            Ok(Registration::Registered { uid, id, last_detection_id }) => (uid, id, last_detection_id),
            Ok(Registration::Refused(reasons)) => return Attempt::NotAttempted(reasons),
            Err(error) => return Attempt::Failed(error.to_string()),
        };
        self.metrics().dead_primary.start.increment();
        let mut recovery = self.new_recovery(finding, uid, id, last_detection_id);
        self.audit("recover-dead-master", Some(&finding.key), "problem found; will recover").await;
        match self.run_failover(&request, &mut recovery).await {
            Ok(failover) => self.settle_success(&request, &mut recovery, failover).await,
            Err(reason) => self.settle_failure(&request, &mut recovery, reason).await,
        }
        Attempt::Ended(Box::new(recovery))
    }

    fn new_recovery(&self, finding: &Finding, uid: String, id: i64, last_detection_id: i64) -> Recovery {
        Recovery {
            id,
            uid,
            case: case_of(finding),
            in_active_period: true,
            start: self.now(),
            end: None,
            node: self.node().clone(),
            is_successful: false,
            successor: None,
            successor_alias: String::new(),
            successor_coordinates: None,
            lost_replicas: Vec::new(),
            participating: Vec::new(),
            errors: Vec::new(),
            acknowledged: false,
            acknowledged_at: None,
            acknowledged_by: String::new(),
            acknowledge_comment: String::new(),
            last_detection_id,
            kind: Some(RecoveryKind::Primary),
            mode: RegroupMode::NotPrimary,
        }
    }

    /// From the hooks before to the verified promotion. An error means that nothing was promoted and says why.
    async fn run_failover(&self, request: &Request, recovery: &mut Recovery) -> Result<Failover, String> {
        let uid = recovery.uid.clone();
        let finding = &request.finding;
        let mut journal = Journal::new(&finding.key, &finding.replicas);
        self.save(&uid, &mut journal, Stage::Registered).await?;
        if self.run_pre_hooks(request, recovery).await? && !request.forced {
            self.require_still_dead(&finding.key).await?;
        }
        let case = self.failover_case(finding, request.candidate.clone());
        recovery.mode = case.mode();
        self.write_step_later(&uid, format!("will recover {} by {}", finding.key, recovery.mode.as_str()));

        self.save(&uid, &mut journal, Stage::Collecting).await?;
        let collect = failover::collect_plan(&case);
        let collected = self.run_checked(&collect, &case, &uid).await?;
        let observed = self.read_replicas(&case, &collected).await;
        let outcome = self.choose_and_drain(&case, &observed, &uid, &mut journal).await;
        let choice = match outcome {
            Ok(choice) => choice,
            Err(reason) => {
                self.let_replicate_again(&case, &observed, &uid).await;
                return Err(reason);
            }
        };
        if !self.may_act() {
            self.let_replicate_again(&case, &observed, &uid).await;
            return Err("this node lost the right to act; nothing was promoted".to_owned());
        }
        self.save(&uid, &mut journal, Stage::Committing).await?;
        self.promote(&case, &choice, &uid).await
    }

    /// Runs `PreFailoverProcesses`; true when there were any, so that time has passed.
    async fn run_pre_hooks(&self, request: &Request, recovery: &Recovery) -> Result<bool, String> {
        let settings = self.settings();
        let commands = &settings.hooks.before_failover;
        if request.skip_hooks || commands.is_empty() {
            return Ok(false);
        }
        let environment =
            hook_environment(&request.finding, &recovery.uid, Some(recovery), &self.node().hostname);
        self.run_hooks("PreFailoverProcesses", commands, &environment, &recovery.uid, true)
            .await
            .map_err(|error| error.to_string())?;
        Ok(true)
    }

    /// Hooks may have taken minutes: the primary may be back.
    async fn require_still_dead(&self, failed: &InstanceKey) -> Result<(), String> {
        let limit = Deadline::after(self.compiled().reasonable_check);
        match self.read_instance(failed, limit).await {
            Ok(_) => Err(format!("{failed} answers again; nothing was changed")),
            Err(_) => Ok(()),
        }
    }

    fn failover_case(&self, finding: &Finding, explicit: Option<InstanceKey>) -> FailoverCase {
        let compiled = self.compiled();
        let fleet = self.fleet();
        let mut case = FailoverCase::new(finding.key.clone(), compiled.failover.clone());
        case.old_primary = fleet.get(&finding.key).cloned();
        case.replicas = fleet.replicas_of(&finding.key).cloned().collect();
        case.rules = case
            .replicas
            .iter()
            .map(|replica| (replica.key.clone(), fleet.promotion_rule(&replica.key)))
            .collect::<BTreeMap<_, _>>();
        case.ignored = case
            .replicas
            .iter()
            .map(|replica| replica.key.clone())
            .filter(|key| compiled.ignores_promotion(key))
            .collect();
        case.explicit = explicit;
        case
    }

    /// Judges a plan by the independent checker, then runs it. A plan with a severe note is not run.
    async fn run_checked(&self, plan: &Plan, case: &FailoverCase, uid: &str) -> Result<PlanEnd, String> {
        let notes = {
            let fleet = self.fleet();
            plan_checker::check_plan(plan, &fleet, &failover::check_context(case))
        };
        if let Some(severe) = notes.iter().find(|note| note.is_severe()) {
            error!(recovery = uid, plan = %plan.name, note = %severe, "the plan checker refuses a plan; this is a defect");
            return Err(format!("plan {} was refused by its checker: {severe}", plan.name));
        }
        let end = self.execute(plan, uid).await;
        match end.abort_error() {
            Some(reason) => Err(reason),
            None => Ok(end),
        }
    }

    /// Reads every replica again, at the same time, after receiving was stopped.
    async fn read_replicas(&self, case: &FailoverCase, collected: &PlanEnd) -> Vec<Arc<Instance>> {
        let limit = Deadline::after(self.compiled().reasonable_check);
        let reachable = case.replicas.iter().filter(|replica| !collected.lost.contains(&replica.key));
        let reads = join_all(reachable.map(|replica| self.read_instance(&replica.key, limit))).await;
        reads.into_iter().flatten().collect()
    }

    /// Chooses a candidate and lets it apply what was received; when one cannot, the next best is tried.
    async fn choose_and_drain(
        &self,
        case: &FailoverCase,
        observed: &[Arc<Instance>],
        uid: &str,
        journal: &mut Journal,
    ) -> Result<Choice, String> {
        let mut case = case.clone();
        let mut failures = Vec::new();
        for _attempt in 0..case.replicas.len().max(1) {
            let choice = match failover::choose(&case, observed) {
                Ok(choice) => choice,
                Err(refusals) => {
                    failures.push(refusals.to_string());
                    break;
                }
            };
            self.write_step_later(uid, choice.to_string());
            journal.candidate = Some((&choice.candidate.key).into());
            self.save(uid, journal, Stage::Draining).await?;
            let drain = failover::drain_plan(&case, &choice);
            match self.run_checked(&drain, &case, uid).await {
                Ok(_) => return Ok(choice),
                Err(reason) => {
                    failures.push(reason.clone());
                    case.given_up.insert(choice.candidate.key.clone(), reason);
                }
            }
        }
        Err(failures.join("; "))
    }

    /// Promotes the chosen server and re-points the others.
    async fn promote(&self, case: &FailoverCase, choice: &Choice, uid: &str) -> Result<Failover, String> {
        let plan = failover::promote_plan(case, choice);
        let end = self.run_checked(&plan, case, uid).await?;
        let lost = choice.lost().map(|(key, _)| key.clone()).collect();
        let participating = choice.fates.keys().cloned().collect();
        Ok(self.promoted(&choice.candidate.key, lost, participating, &end))
    }

    /// What a promotion that ran brought about.
    fn promoted(
        &self,
        candidate: &InstanceKey,
        mut lost: Vec<InstanceKey>,
        participating: Vec<InstanceKey>,
        end: &PlanEnd,
    ) -> Failover {
        let server = self.fleet().get(candidate).cloned();
        lost.extend(end.lost.iter().cloned());
        lost.sort();
        lost.dedup();
        info!(instance = %candidate, lost = lost.len(), "promoted");
        Failover {
            promoted: candidate.clone(),
            promoted_alias: server.as_ref().map(|server| server.alias.clone()).unwrap_or_default(),
            coordinates: server.map(|server| server.self_coordinates.clone()),
            lost,
            participating,
            errors: end.errors(),
        }
    }

    /// Goes through with a promotion that another process began.
    pub(super) async fn finish_promotion(
        &self,
        uid: &str,
        failed: &InstanceKey,
        candidate: &InstanceKey,
        replicas: &[InstanceKey],
    ) -> Result<Failover, String> {
        let limit = self.read_deadline();
        let reads = join_all(replicas.iter().map(|replica| self.read_instance(replica, limit))).await;
        let read: Vec<Arc<Instance>> = reads.into_iter().flatten().collect();
        let Some(server) = read.iter().find(|server| server.key == *candidate) else {
            return Err(format!("{candidate}, whose promotion had begun, cannot be read"));
        };
        let plan = failover::resume_plan(&self.compiled().failover, failed, server, &read);
        let end = self.execute(&plan, uid).await;
        match end.abort_error() {
            Some(reason) => Err(reason),
            None => Ok(self.promoted(candidate, Vec::new(), replicas.to_vec(), &end)),
        }
    }

    /// Nothing will be promoted: replicas that were stopped replicate again, should their primary come back.
    async fn let_replicate_again(&self, case: &FailoverCase, observed: &[Arc<Instance>], uid: &str) {
        let end = self.execute(&failover::release_plan(case, observed), uid).await;
        for reason in end.errors() {
            self.write_step_later(uid, reason);
        }
    }

    async fn save(&self, uid: &str, journal: &mut Journal, stage: Stage) -> Result<(), String> {
        self.enter_stage(uid, journal, stage).await.map_err(|error| error.to_string())
    }

    async fn settle_success(&self, request: &Request, recovery: &mut Recovery, failover: Failover) {
        self.metrics().dead_primary.success.increment();
        let promoted = failover.promoted.clone();
        recovery.is_successful = true;
        recovery.successor = Some(promoted.clone());
        recovery.successor_alias = failover.promoted_alias;
        recovery.successor_coordinates = failover.coordinates;
        recovery.lost_replicas = failover.lost;
        recovery.participating = failover.participating;
        recovery.errors = failover.errors;
        self.resolve(recovery).await;
        self.set_lost_aside(&request.finding.key, &recovery.lost_replicas).await;
        self.audit("recover-dead-master", Some(&request.finding.key), format!("promoted replica: {promoted}")).await;
        self.publish_primary(&request.finding, &promoted).await;
        self.reread_cluster(request, &promoted).await;
        if let Err(error) = self.end_downtime(&promoted).await {
            recovery.errors.push(error.to_string());
        }
        let settings = self.settings();
        self.run_post_hooks(request, recovery, "PostMasterFailoverProcesses", &settings.hooks.after_primary_failover)
            .await;
        self.run_post_hooks(request, recovery, "PostFailoverProcesses", &settings.hooks.after_failover).await;
    }

    async fn settle_failure(&self, request: &Request, recovery: &mut Recovery, reason: String) {
        self.metrics().dead_primary.fail.increment();
        error!(instance = %request.finding.key, recovery = %recovery.uid, reason = %reason, "no replica was promoted");
        recovery.errors.push(reason);
        self.resolve(recovery).await;
        self.audit("recover-dead-master", Some(&request.finding.key), "Failure: no replica promoted.").await;
        let settings = self.settings();
        let commands = &settings.hooks.after_unsuccessful_failover;
        self.run_post_hooks(request, recovery, "PostUnsuccessfulFailoverProcesses", commands).await;
    }

    async fn run_post_hooks(&self, request: &Request, recovery: &Recovery, list: &str, commands: &[String]) {
        if request.skip_hooks {
            return;
        }
        let environment = hook_environment(&request.finding, &recovery.uid, Some(recovery), &self.node().hostname);
        // A failing hook after the fact is in the audit; it changes nothing about the recovery.
        let _ = self.run_hooks(list, commands, &environment, &recovery.uid, false).await;
    }

    async fn resolve(&self, recovery: &mut Recovery) {
        let now = self.now();
        recovery.end = Some(now);
        self.submit_quietly(Command::ResolveRecovery {
            uid: recovery.uid.clone(),
            is_successful: recovery.is_successful,
            successor: recovery.successor.clone(),
            successor_alias: recovery.successor_alias.clone(),
            lost_replicas: recovery.lost_replicas.clone(),
            participating: recovery.participating.clone(),
            errors: recovery.errors.clone(),
            at: now,
        })
        .await;
    }

    /// Reads everything that took part, the new primary first, so that the cluster's new shape is known at once.
    async fn reread_cluster(&self, request: &Request, promoted: &InstanceKey) {
        let limit = self.read_deadline();
        // A server that cannot be read stays marked as such; the poll goes on.
        let _ = self.read_instance(promoted, limit).await;
        let others = request.finding.replicas.iter().filter(|key| *key != promoted);
        join_all(others.map(|key| self.read_instance(key, limit))).await;
    }
}
