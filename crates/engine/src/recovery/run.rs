//! The phases of one failover, from the first stopped receiver to the promoted server.
//!
//! Each stage is journalled before its work starts; each plan is judged by the checker, which remembers the plans before
//! it. When nobody can be promoted, the replicas receive again.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use decide::failover::{self, Choice, FailoverCase};
use decide::plan_checker::{self, CheckContext, Severity};
use futures_util::future::join_all;
use model::{Instance, InstanceKey, Plan, ThreadState};
use ports::Deadline;
use tracing::{error, info};

use super::journal::{Journal, Stage};
use crate::Engine;
use crate::executor::PlanEnd;

/// How often a promotion with a failed step is taken up again.
const FORWARD_ATTEMPTS: u32 = 4;
/// How often a failed recovery tries to start the replicas again before it ends and leaves that to the background.
const RELEASE_ATTEMPTS: u32 = 3;
/// Pause between those attempts.
const FORWARD_PAUSE: Duration = Duration::from_secs(1);

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

impl Failover {
    /// What a promotion plan that ran brought about.
    pub(super) fn of(
        engine: &Engine,
        promoted: &InstanceKey,
        mut lost: Vec<InstanceKey>,
        participating: Vec<InstanceKey>,
        end: &PlanEnd,
    ) -> Self {
        let server = engine.fleet().get(promoted).cloned();
        lost.extend(end.lost.iter().cloned());
        lost.sort();
        lost.dedup();
        info!(instance = %promoted, lost = lost.len(), "promoted");
        Self {
            promoted: promoted.clone(),
            promoted_alias: server.as_ref().map(|server| server.alias.clone()).unwrap_or_default(),
            coordinates: server.map(|server| server.self_coordinates.clone()),
            lost,
            participating,
            errors: end.errors(),
        }
    }
}

/// One failover under way.
pub(super) struct FailoverRun<'a> {
    engine: &'a Engine,
    uid: &'a str,
    pub(super) case: FailoverCase,
    journal: Journal,
    check: CheckContext,
}

impl<'a> FailoverRun<'a> {
    pub(super) fn new(engine: &'a Engine, uid: &'a str, case: FailoverCase, journal: Journal) -> Self {
        let mut check = CheckContext::new(case.replicas.iter().cloned().chain(case.old_primary.clone()));
        check.failed = Some(case.failed.clone());
        check.detach_lost = case.policy.detach_lost_replicas;
        Self { engine, uid, case, journal, check }
    }

    /// Enters a stage: it is durable before its work starts.
    pub(super) async fn save(&mut self, stage: Stage) -> Result<(), String> {
        let saved = self.engine.enter_stage(self.uid, &mut self.journal, stage).await;
        saved.map_err(|error| error.to_string())
    }

    /// Runs all phases. An error means that nothing was promoted, and says why.
    pub(super) async fn run_phases(mut self) -> Result<Failover, String> {
        self.save(Stage::Collecting).await?;
        let collected = self.run_checked(&failover::collect_plan(&self.case)).await?;
        let observed = self.read_replicas(&collected).await;
        self.check.observe(observed.iter().cloned());
        let (choice, drain, drained) = match self.choose_and_drain(&observed).await {
            Ok(chosen) => chosen,
            Err(reason) => {
                self.release().await;
                return Err(reason);
            }
        };
        if let Err(reason) = self.commit().await {
            self.engine.undo_plan(&drain, &drained, self.uid).await;
            self.release().await;
            return Err(reason);
        }
        self.check.lost = choice.lost().map(|(key, _)| key.clone()).collect();
        let plan = failover::promote_plan(&self.case, &choice);
        if let Err(reason) = self.judge(&plan) {
            self.engine.undo_plan(&drain, &drained, self.uid).await;
            self.release().await;
            return Err(reason);
        }
        let end = self.engine.execute(&plan, self.uid).await;
        let lost = choice.lost().map(|(key, _)| key.clone()).collect();
        match end.abort_error() {
            None => {
                let participating = choice.fates.keys().cloned().collect();
                Ok(Failover::of(self.engine, &choice.candidate.key, lost, participating, &end))
            }
            Some(reason) => self.go_forward(&choice, reason).await,
        }
    }

    /// The last moment at which turning back is possible.
    async fn commit(&mut self) -> Result<(), String> {
        if !self.engine.may_act() {
            return Err("this node lost the right to act; nothing was promoted".to_owned());
        }
        self.save(Stage::Committing).await
    }

    /// A step of the promotion failed, and there is no way back: the candidate may have forgotten its source or be
    /// writable already. What is left to do is planned anew from fresh reads, a few times.
    async fn go_forward(&self, choice: &Choice, reason: String) -> Result<Failover, String> {
        let replicas: Vec<InstanceKey> = choice.fates.keys().cloned().collect();
        let candidate = &choice.candidate.key;
        let mut reasons = vec![reason];
        for attempt in 0..FORWARD_ATTEMPTS {
            if attempt > 0 {
                tokio::time::sleep(FORWARD_PAUSE).await;
            }
            if !self.engine.may_act() {
                reasons.push("this node lost the right to act in the middle of the promotion".to_owned());
                break;
            }
            match self.engine.finish_promotion(self.uid, &self.case.failed, candidate, &replicas).await {
                Ok(mut failover) => {
                    failover.lost.extend(choice.lost().map(|(key, _)| key.clone()));
                    failover.lost.sort();
                    failover.lost.dedup();
                    reasons.append(&mut failover.errors);
                    failover.errors = reasons;
                    return Ok(failover);
                }
                Err(reason) => reasons.push(reason),
            }
        }
        self.release().await;
        Err(reasons.join("; "))
    }

    /// Runs a plan unless there is an error against it; an aborted plan has been undone and is an error.
    async fn run_checked(&mut self, plan: &Plan) -> Result<PlanEnd, String> {
        self.judge(plan)?;
        let end = self.engine.execute(plan, self.uid).await;
        match end.abort_error() {
            Some(reason) => Err(reason),
            None => Ok(end),
        }
    }

    /// Asks the checker; a plan with an error against it is not run.
    fn judge(&mut self, plan: &Plan) -> Result<(), String> {
        let notes = plan_checker::check_plan(plan, &mut self.check);
        match notes.iter().find(|note| note.severity == Severity::Error) {
            Some(severe) => {
                error!(recovery = self.uid, plan = %plan.name, note = %severe, "the plan checker refuses a plan; this is a defect");
                Err(format!("plan {} was refused by its checker: {severe}", plan.name))
            }
            None => Ok(()),
        }
    }

    /// Reads every replica again, at the same time, after receiving was stopped.
    async fn read_replicas(&self, collected: &PlanEnd) -> Vec<Arc<Instance>> {
        let limit = Deadline::after(self.engine.compiled().reasonable_check);
        let reachable = self.case.replicas.iter().filter(|replica| !collected.lost.contains(&replica.key));
        let reads = join_all(reachable.map(|replica| self.engine.read_instance(&replica.key, limit))).await;
        reads.into_iter().flatten().collect()
    }

    /// Chooses a candidate and lets it apply what was received; when one cannot, the next best is tried.
    async fn choose_and_drain(
        &mut self,
        observed: &[Arc<Instance>],
    ) -> Result<(Choice, Plan, PlanEnd), String> {
        let mut failures = Vec::new();
        for _attempt in 0..self.case.replicas.len().max(1) {
            let choice = match failover::choose(&self.case, observed) {
                Ok(choice) => choice,
                Err(refusals) => {
                    failures.push(refusals.to_string());
                    break;
                }
            };
            self.engine.write_step_later(self.uid, choice.to_string());
            self.journal.unfence = self.case.old_primary.as_ref().is_none_or(|old| !old.read_only);
            self.journal.candidate = Some((&choice.candidate.key).into());
            self.save(Stage::Draining).await?;
            let before = self.check.clone();
            let plan = failover::drain_plan(&self.case, &choice);
            match self.run_checked(&plan).await {
                Ok(end) => return Ok((choice, plan, end)),
                Err(reason) => {
                    self.check = before;
                    failures.push(reason.clone());
                    self.case.given_up.insert(choice.candidate.key.clone(), reason);
                }
            }
        }
        Err(failures.join("; "))
    }

    /// Nobody will be promoted: the replicas replicate again, should their primary come back. All of them are read once
    /// more, because one that did not answer may have been stopped nevertheless. What does not succeed soon is tried
    /// again in the background.
    async fn release(&self) {
        let known = self.case.replicas.iter();
        let mut left: Vec<InstanceKey> = known
            .clone()
            .filter(|replica| replica.is_last_check_valid())
            .map(|replica| replica.key.clone())
            .collect();
        let keep_stopped: BTreeSet<InstanceKey> = known
            .filter(|replica| replica.replication.sql_thread == ThreadState::Stopped)
            .map(|replica| replica.key.clone())
            .collect();
        for attempt in 0..RELEASE_ATTEMPTS {
            if attempt > 0 {
                tokio::time::sleep(FORWARD_PAUSE).await;
            }
            self.engine.start_again(self.uid, &self.case.failed, &mut left, &keep_stopped).await;
            if left.is_empty() {
                return;
            }
        }
        let (engine, uid, failed) = (self.engine.clone(), self.uid.to_owned(), self.case.failed.clone());
        self.engine.supervisor().start_loop("release of replicas", async move {
            engine.start_later(&uid, &failed, left, &keep_stopped).await;
        });
    }
}
