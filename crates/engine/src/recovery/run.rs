//! The phases of one failover, from the first stopped receiver to the promoted server.
//!
//! Each stage is journalled before its work starts; each plan is judged by the checker, which remembers the plans before
//! it. When nobody can be promoted, the replicas receive again.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use decide::failover::{self, Choice, FailoverCase, Fate};
use decide::plan_checker::{self, CheckContext, Severity};
use futures_util::future::join_all;
use model::{Instance, InstanceKey, Plan, Recovery, Timestamp};
use ports::Deadline;
use tokio::sync::Notify;
use tokio::time::Instant;
use tracing::{error, info, warn};

use super::journal::{Journal, Stage, StoredKey};
use super::primary::Fence;
use super::release::Release;
use crate::Engine;
use crate::executor::{PlanEnd, StepEnd};

/// How often a promotion with a failed step is taken up again.
pub(super) const FORWARD_ATTEMPTS: u32 = 4;
/// Longest look at the failed server while it is being fenced. As with the fence, most likely nothing comes back.
const GLANCE: Duration = Duration::from_millis(300);
/// A promotion that still goes on so long after the new primary was opened does not keep clients waiting for it.
const ANNOUNCE_AFTER: Duration = Duration::from_millis(100);
/// An attempt to fence that is older than this is made again before the promotion: the server may be back by now.
pub(super) const FENCE_FRESH: Duration = Duration::from_millis(500);
/// How often a failed recovery tries to give back what it took before it leaves that to the background.
const RELEASE_ATTEMPTS: u32 = 3;
/// How many pauses a promotion waits for the right to act that was lost in its middle. Not for ever: somebody else may
/// have acted meanwhile.
const FORWARD_WAITS: u32 = 60;
/// Pause between those attempts.
pub(super) const FORWARD_PAUSE: Duration = Duration::from_secs(1);

/// A promotion that took place.
#[derive(Clone, Debug)]
pub(super) struct Failover {
    pub(super) promoted: InstanceKey,
    pub(super) promoted_alias: String,
    pub(super) coordinates: Option<model::BinlogCoordinates>,
    pub(super) lost: Vec<InstanceKey>,
    pub(super) errors: Vec<String>,
    /// Replicas that could not be reached: to be taken care of when they return.
    pub(super) left_behind: BTreeSet<InstanceKey>,
    /// What the promoted server had; empty when not known.
    pub(super) held: String,
    /// The former primary said that it is read-only.
    pub(super) is_fenced: bool,
}

impl Failover {
    /// What a promotion plan that ran brought about.
    pub(super) fn of(
        engine: &Engine,
        promoted: &InstanceKey,
        mut lost: Vec<InstanceKey>,
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
            errors: end.errors(),
            left_behind: end.lost.clone(),
            held: String::new(),
            is_fenced: false,
        }
    }
}

/// Why nobody was promoted, and what is left to do about it.
#[derive(Debug)]
pub(super) struct NotPromoted {
    pub(super) reason: String,
    /// Nothing speaks against another attempt as soon as there is reason for one: the record must not block it.
    pub(super) may_retry: bool,
    /// What could not be given back yet.
    pub(super) release: Option<Box<Release>>,
    /// The server whose promotion had begun, and was given up.
    pub(super) given_up: Option<InstanceKey>,
}

impl From<String> for NotPromoted {
    fn from(reason: String) -> Self {
        Self { reason, may_retry: false, release: None, given_up: None }
    }
}

impl NotPromoted {
    /// Nothing was changed, or all of it undone, and trying again is welcome.
    pub(super) fn for_now(reason: String) -> Self {
        Self { may_retry: true, ..Self::from(reason) }
    }
}

/// One failover under way.
pub(super) struct FailoverRun<'a> {
    engine: &'a Engine,
    uid: &'a str,
    pub(super) case: FailoverCase,
    journal: Journal,
    check: CheckContext,
    began: Timestamp,
    /// Of the cluster.
    alias: String,
    /// An operator wants it whatever the failed server answers.
    forced: bool,
    /// The failed server may have been made read-only.
    fence_may_hold: bool,
    /// It said that it is.
    is_fenced: bool,
    /// The failed server as it was read while it was being fenced.
    seen: Option<Arc<Instance>>,
}

impl<'a> FailoverRun<'a> {
    pub(super) fn new(
        engine: &'a Engine,
        recovery: &'a Recovery,
        case: FailoverCase,
        mut journal: Journal,
        forced: bool,
    ) -> Self {
        journal.note_idle_appliers(&case.replicas);
        let mut check = CheckContext::new(case.replicas.iter().cloned().chain(case.old_primary.clone()));
        check.failed = Some(case.failed.clone());
        check.detach_lost = case.policy.detach_lost_replicas;
        let (uid, began) = (recovery.uid.as_str(), recovery.start);
        let alias = recovery.case.cluster_alias.clone();
        Self {
            engine,
            uid,
            case,
            journal,
            check,
            began,
            alias,
            forced,
            fence_may_hold: false,
            is_fenced: false,
            seen: None,
        }
    }

    /// Enters a stage: it is durable before its work starts.
    pub(super) async fn save(&mut self, stage: Stage) -> Result<(), String> {
        self.engine.enter_stage(self.uid, &mut self.journal, stage).await
    }

    /// Runs all phases.
    pub(super) async fn run_phases(mut self) -> Result<Failover, NotPromoted> {
        let times = &self.engine.metrics().failover;
        times
            .decision
            .set(self.engine.now().saturating_since(self.began).as_micros().try_into().unwrap_or(u64::MAX));
        let mut lap = Instant::now();
        let collect = failover::collect_plan(&self.case);
        self.journal.stopped = collect.steps.iter().map(|step| (&step.server).into()).collect();
        self.save(Stage::Collecting).await?;
        self.judge(&collect)?;
        let collected = self.engine.execute(&collect, self.uid).await;
        self.journal.keep_stopped(|replica| {
            let steps = collected.steps.iter().filter(|step| step.server == *replica);
            steps.into_iter().any(StepEnd::may_have_taken_effect)
        });
        let observed = self.read_replicas(&collected).await;
        self.check.observe(observed.iter().cloned());
        times.collection.lap(&mut lap);
        let drain_began = Instant::now();
        let (choice, drain, drained) = match self.choose_and_drain(&observed).await {
            Ok(chosen) => chosen,
            Err(stop) => return Err(self.turn_back(stop, None).await),
        };
        if let Err(stop) = self.commit(&choice, &observed, &drained, drain_began).await {
            return Err(self.turn_back(stop, Some((&drain, &drained))).await);
        }
        self.check.lost = choice.lost().map(|(key, _)| key.clone()).collect();
        let plan = failover::promote_plan(&self.case, &choice);
        if let Err(reason) = self.judge(&plan) {
            return Err(self.turn_back(reason.into(), Some((&drain, &drained))).await);
        }
        times.drain.lap(&mut lap);
        let end = self.promote(&plan, &choice.candidate.key, &mut lap).await;
        times.repointing.lap(&mut lap);
        let mut promoted = match end.abort_error() {
            None => {
                let lost = choice.lost().map(|(key, _)| key.clone()).collect();
                Failover::of(self.engine, &choice.candidate.key, lost, &end)
            }
            Some(reason) => self.go_forward(&choice, reason).await?,
        };
        promoted.is_fenced |= self.is_fenced;
        Ok(with_choice(promoted, &choice, &end))
    }

    /// Runs the promotion. When some replica takes long, because it has a relay log to apply, clients are told of the new
    /// primary before it is done.
    async fn promote(&self, plan: &Plan, candidate: &InstanceKey, lap: &mut Instant) -> PlanEnd {
        let opened = Notify::new();
        let execution = self.engine.execute_telling(plan, self.uid, &opened);
        let announcement = async {
            opened.notified().await;
            self.engine.metrics().failover.promotion.lap(lap);
            tokio::time::sleep(ANNOUNCE_AFTER).await;
            self.engine.put_primary_keys(&self.alias, candidate, Some(self.uid)).await;
        };
        tokio::pin!(execution, announcement);
        let mut is_announced = false;
        loop {
            tokio::select! {
                biased;
                end = &mut execution => return end,
                () = &mut announcement, if !is_announced => is_announced = true,
            }
        }
    }

    /// The last moment at which turning back is possible.
    async fn commit(
        &mut self,
        choice: &Choice,
        observed: &[Arc<Instance>],
        drained: &PlanEnd,
        drain_began: Instant,
    ) -> Result<(), NotPromoted> {
        let failed = self.case.failed.clone();
        let mut is_fenced = fence_of(&failed, drained).is_some_and(|step| step.error.is_none());
        let mut seen = self.seen.take();
        if !is_fenced && drain_began.elapsed() > FENCE_FRESH {
            self.journal.fenced_at = Some(self.engine.now().as_micros());
            self.save(Stage::Draining).await?;
            let fence;
            (fence, seen) = tokio::join!(self.engine.try_to_fence(&failed), self.glance(GLANCE));
            is_fenced = fence == Fence::Holds;
            self.fence_may_hold |= fence != Fence::Failed;
        }
        self.is_fenced = is_fenced;
        if is_fenced && seen.is_none() {
            seen = self.glance(self.engine.compiled().reasonable_check).await;
        }
        if let Some(primary) = seen.filter(|_| !self.forced) {
            self.require_no_survivor(observed, &primary, is_fenced)?;
        }
        if !self.engine.may_act() {
            return Err("this node lost the right to act; nothing was promoted".to_owned().into());
        }
        if let Some(loss) = &choice.possible_loss {
            warn!(recovery = self.uid, loss = %loss, "promoting although acknowledged writes may be missing");
        }
        Ok(self.save(Stage::Committing).await?)
    }

    /// Looks whether the failed server can be read.
    async fn glance(&self, limit: Duration) -> Option<Arc<Instance>> {
        self.engine.read_instance(&self.case.failed, Deadline::after(limit)).await.ok()
    }

    /// The failed server can be read: it lives. Then it stays the primary, unless it came back from a crash that took what
    /// its replicas have, and is closed.
    fn require_no_survivor(
        &self,
        observed: &[Arc<Instance>],
        primary: &Instance,
        is_fenced: bool,
    ) -> Result<(), NotPromoted> {
        let failed = &self.case.failed;
        let lost = failover::lost_by_primary(&self.case, observed, primary);
        if lost.is_empty() {
            return Err(NotPromoted::for_now(format!(
                "{failed} answers again and has all that its replicas received: it stays the primary"
            )));
        }
        if !is_fenced {
            return Err(NotPromoted::for_now(format!(
                "{failed} answers again without what its replicas have ({lost}), and cannot be made read-only now"
            )));
        }
        let text =
            format!("{failed} answers again, but it lost what its replicas have ({lost}): it is replaced");
        self.engine.write_step_later(self.uid, text);
        Ok(())
    }

    /// A step of the promotion failed, and there is no way back: the candidate may have forgotten its source or be
    /// writable already. What is left to do is planned anew from fresh reads, a few times.
    async fn go_forward(&mut self, choice: &Choice, reason: String) -> Result<Failover, NotPromoted> {
        let replicas: Vec<InstanceKey> = choice.fates.keys().cloned().collect();
        let candidate = &choice.candidate.key;
        let mut reasons = vec![reason];
        let mut waits = 0;
        for attempt in 0..FORWARD_ATTEMPTS {
            if attempt > 0 {
                tokio::time::sleep(FORWARD_PAUSE).await;
            }
            while !self.engine.may_act() && waits < FORWARD_WAITS {
                tokio::time::sleep(FORWARD_PAUSE).await;
                waits += 1;
            }
            if !self.engine.may_act() {
                reasons.push("this node lost the right to act in the middle of the promotion".to_owned());
                break;
            }
            self.fence_may_hold = true;
            self.journal.fenced_at = Some(self.engine.now().as_micros());
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
        reasons
            .push(format!("{candidate}, whose promotion had begun, may be neither primary nor replica now"));
        let stop = NotPromoted { given_up: Some(candidate.clone()), ..NotPromoted::from(reasons.join("; ")) };
        self.journal.given_up = true;
        Err(self.turn_back(stop, None).await)
    }

    /// Nobody is promoted: what the drain plan did is undone, the old primary is opened if it was closed, and the
    /// replicas receive again, should their primary come back.
    async fn turn_back(&mut self, mut stop: NotPromoted, drain: Option<(&Plan, &PlanEnd)>) -> NotPromoted {
        // If the backend refuses, the stage on record makes the next process undo as well, or finish the promotion.
        if let Err(error) = self.save(Stage::Releasing).await {
            warn!(recovery = self.uid, error = %error, "turning back is not on record");
        }
        if let Some((plan, end)) = drain {
            self.engine.undo_plan(plan, end, self.uid).await;
        }
        let stopped = self.journal.stopped();
        let mut release = Release::new(&self.case.failed, stopped, self.journal.last_fence(self.began));
        release.keep_stopped = self.journal.idle_appliers.iter().map(StoredKey::key).collect();
        release.unfence = self.journal.unfence && self.fence_may_hold;
        release.try_times(self.engine, self.uid, RELEASE_ATTEMPTS, FORWARD_PAUSE).await;
        stop.release = (!release.is_done()).then(|| Box::new(release));
        stop
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

    /// The candidate may be stopped on the way to its promotion, even if it was out of reach when the others were.
    fn note_candidate(&mut self, candidate: &InstanceKey) {
        self.journal.candidate = Some(candidate.into());
        if self.journal.stopped.iter().all(|stopped| stopped.key() != *candidate) {
            self.journal.stopped.push(candidate.into());
        }
    }

    /// Chooses a candidate and lets it apply what was received; when one cannot, the next best is tried.
    async fn choose_and_drain(
        &mut self,
        observed: &[Arc<Instance>],
    ) -> Result<(Choice, Plan, PlanEnd), NotPromoted> {
        let mut failures = Vec::new();
        let mut may_retry = false;
        for _attempt in 0..self.case.replicas.len().max(1) {
            let choice = match failover::choose(&self.case, observed) {
                Ok(choice) => choice,
                Err(refusals) => {
                    may_retry = refusals.may_pass;
                    failures.push(refusals.to_string());
                    break;
                }
            };
            self.engine.write_step_later(self.uid, choice.to_string());
            self.journal.unfence |= self.case.old_primary.as_ref().is_none_or(|old| !old.read_only);
            self.note_candidate(&choice.candidate.key);
            self.journal.fenced_at = Some(self.engine.now().as_micros());
            self.save(Stage::Draining).await?;
            let before = self.check.clone();
            let plan = failover::drain_plan(&self.case, &choice);
            let failure = match self.judge(&plan) {
                Ok(()) => {
                    let end;
                    (end, self.seen) =
                        tokio::join!(self.engine.execute(&plan, self.uid), self.glance(GLANCE));
                    self.fence_may_hold |=
                        fence_of(&self.case.failed, &end).is_some_and(StepEnd::may_have_taken_effect);
                    match end.abort_error() {
                        None => return Ok((choice, plan, end)),
                        Some(reason) => reason,
                    }
                }
                Err(reason) => reason,
            };
            self.check = before;
            failures.push(failure.clone());
            self.case.given_up.insert(choice.candidate.key.clone(), failure);
        }
        Err(NotPromoted { may_retry, ..NotPromoted::from(failures.join("; ")) })
    }
}

/// The step of a drain plan that made the failed server read-only, or tried to.
fn fence_of<'e>(failed: &InstanceKey, drained: &'e PlanEnd) -> Option<&'e StepEnd> {
    drained.steps.iter().find(|step| step.server == *failed)
}

/// What the choice knows of a promotion: who could not be reached, and what may be missing.
fn with_choice(mut promoted: Failover, choice: &Choice, end: &PlanEnd) -> Failover {
    let unreachable = choice.fates.iter().filter(|(_, fate)| **fate == Fate::Unreachable);
    promoted.left_behind.extend(unreachable.map(|(key, _)| key.clone()));
    promoted.left_behind.extend(end.lost.iter().cloned());
    promoted.held.clone_from(&choice.holds);
    promoted.errors.extend(choice.possible_loss.as_ref().map(ToString::to_string));
    promoted
}
