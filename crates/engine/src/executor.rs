//! Runs a [`Plan`]: steps as soon as those they wait for have ended, each within its deadline, each change only while
//! this node holds its lease; on an aborting failure, undoes what was done.
//!
//! The executor makes no choice: what may fail and how it is undone stands in the plan.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use model::{Action, Condition, Instance, InstanceKey, OnFailure, Plan, Step, StepId, ThreadState};
use ports::{ActionError, Deadline, ErrorClass};
use tokio::sync::Notify;
use tracing::{debug, info, warn};

use crate::Engine;

/// A change of what the fleet holds about one server.
type Change = Box<dyn FnOnce(&mut Instance)>;

/// Why a step did not take effect.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// The server refused or did not answer.
    #[error(transparent)]
    Action(#[from] ActionError),
    /// What had to hold before the step did not.
    #[error("{server}: {condition}; the step was not started")]
    Precondition {
        /// The server.
        server: InstanceKey,
        /// In words.
        condition: String,
    },
    /// This node lost the right to act.
    #[error("{server}: this node no longer holds the lease to act; the step was not started")]
    LeaseLost {
        /// The server.
        server: InstanceKey,
    },
    /// A step before it on the same server failed.
    #[error("{server}: not done, because an earlier step failed there")]
    Skipped {
        /// The server.
        server: InstanceKey,
    },
}

impl StepError {
    /// The step was only left out because an earlier one failed.
    pub(crate) fn is_consequence(&self) -> bool {
        matches!(self, Self::Skipped { .. })
    }

    /// No answer came: the server may have done it all the same.
    pub(crate) fn may_have_taken_effect(&self) -> bool {
        match self {
            Self::Action(error) => {
                error.is_sent && matches!(error.class, ErrorClass::TimedOut | ErrorClass::Connection)
            }
            Self::Precondition { .. } | Self::LeaseLost { .. } | Self::Skipped { .. } => false,
        }
    }
}

/// How one step ended.
#[derive(Debug)]
pub struct StepEnd {
    /// The step.
    pub id: StepId,
    /// The server.
    pub server: InstanceKey,
    /// What was done, in words.
    pub action: String,
    /// The error, when it failed.
    pub error: Option<StepError>,
}

impl StepEnd {
    /// It succeeded, or no answer came.
    pub(crate) fn may_have_taken_effect(&self) -> bool {
        self.error.as_ref().is_none_or(StepError::may_have_taken_effect)
    }
}

/// How a plan ended.
#[derive(Debug, Default)]
pub struct PlanEnd {
    /// Steps in the order in which they ended.
    pub steps: Vec<StepEnd>,
    /// Servers given up on the way.
    pub lost: BTreeSet<InstanceKey>,
    /// The step whose failure ended the plan.
    pub aborted_by: Option<StepId>,
    /// What was undone, in words.
    pub undone: Vec<String>,
}

impl PlanEnd {
    /// Errors in order, as texts.
    pub fn errors(&self) -> Vec<String> {
        self.steps.iter().filter_map(|step| step.error.as_ref().map(ToString::to_string)).collect()
    }

    /// The error that ended the plan.
    pub fn abort_error(&self) -> Option<String> {
        let id = self.aborted_by?;
        self.steps.iter().find(|step| step.id == id)?.error.as_ref().map(ToString::to_string)
    }
}

struct Run<'a> {
    engine: &'a Engine,
    plan: &'a Plan,
    uid: &'a str,
    opened: &'a Notify,
    waiting: BTreeMap<StepId, &'a Step>,
    ended: BTreeSet<StepId>,
    end: PlanEnd,
}

impl Engine {
    /// Runs a plan to its end. `uid` is the recovery whose audit gets the plan and a message per step; empty for none.
    pub async fn execute(&self, plan: &Plan, uid: &str) -> PlanEnd {
        self.execute_telling(plan, uid, &Notify::new()).await
    }

    /// As [`Self::execute`]; `opened` is notified as soon as a server was opened for writes.
    pub(crate) async fn execute_telling(&self, plan: &Plan, uid: &str, opened: &Notify) -> PlanEnd {
        if !uid.is_empty() && !plan.steps.is_empty() {
            self.write_step_later(uid, format!("plan {}", plan.to_string().trim_end()));
        }
        let mut run = Run {
            engine: self,
            plan,
            uid,
            opened,
            waiting: plan.steps.iter().map(|step| (step.id, step)).collect(),
            ended: BTreeSet::new(),
            end: PlanEnd::default(),
        };
        run.finish().await;
        run.end
    }
}

impl<'a> Run<'a> {
    async fn finish(&mut self) {
        let mut running = FuturesUnordered::new();
        loop {
            if self.end.aborted_by.is_none() {
                for step in self.take_ready() {
                    if self.end.lost.contains(&step.server) {
                        self.note(step, Some(StepError::Skipped { server: step.server.clone() })).await;
                        continue;
                    }
                    let engine = self.engine;
                    let in_recovery = !self.uid.is_empty();
                    running.push(async move { (step, engine.run_step(step, in_recovery).await) });
                }
            }
            match running.next().await {
                Some((step, result)) => self.note(step, result.err()).await,
                None if self.end.aborted_by.is_some() || self.waiting.is_empty() => break,
                // Everything that could run was skipped in this round; look again for what that made ready.
                None if self.has_ready() => {}
                None => {
                    let stuck = self.waiting.keys().map(ToString::to_string).collect::<Vec<_>>().join(", ");
                    warn!(plan = %self.plan.name, steps = %stuck, "steps wait for steps that do not exist");
                    break;
                }
            }
        }
        if self.end.aborted_by.is_some() {
            self.undo().await;
        }
    }

    fn is_ready(&self, step: &Step) -> bool {
        step.after.iter().all(|before| self.ended.contains(before))
    }

    fn has_ready(&self) -> bool {
        self.waiting.values().any(|step| self.is_ready(step))
    }

    fn take_ready(&mut self) -> Vec<&'a Step> {
        let ready: Vec<&Step> = self.waiting.values().filter(|step| self.is_ready(step)).copied().collect();
        for step in &ready {
            self.waiting.remove(&step.id);
        }
        ready
    }

    async fn note(&mut self, step: &'a Step, error: Option<StepError>) {
        self.ended.insert(step.id);
        match &error {
            None if step.action.opens_writes() => self.opened.notify_one(),
            None => {}
            Some(error) => match step.on_failure {
                OnFailure::Abort => {
                    if self.end.aborted_by.is_none() {
                        self.end.aborted_by = Some(step.id);
                    }
                    warn!(plan = %self.plan.name, step = %step.id, error = %error, "a needed step failed");
                }
                OnFailure::Note => {
                    info!(plan = %self.plan.name, step = %step.id, error = %error, "a step failed")
                }
                OnFailure::LoseServer => {
                    self.end.lost.insert(step.server.clone());
                    warn!(plan = %self.plan.name, step = %step.id, error = %error, "a server is given up");
                }
            },
        }
        if !self.uid.is_empty() {
            let message = match &error {
                None => format!("{}: {}: {}", self.plan.name, step.server, step.action),
                Some(error) => {
                    format!("{}: {}: {} failed: {error}", self.plan.name, step.server, step.action)
                }
            };
            self.engine.write_step_later(self.uid, message);
        }
        self.end.steps.push(StepEnd {
            id: step.id,
            server: step.server.clone(),
            action: step.action.to_string(),
            error,
        });
    }

    async fn undo(&mut self) {
        self.end.undone = self.engine.undo_plan(self.plan, &self.end, self.uid).await;
    }
}

impl Engine {
    /// Undoes the steps of a plan that took effect, or may have, last first; returns what was done, in words. A failure
    /// is noted and the rest still undone. Without a lease nothing is changed: whoever holds it undoes by the journal.
    pub(crate) async fn undo_plan(&self, plan: &Plan, end: &PlanEnd, uid: &str) -> Vec<String> {
        self.undo_steps(plan, end.steps.iter(), uid).await
    }

    /// As [`Self::undo_plan`], on one server only.
    pub(crate) async fn undo_plan_of(&self, plan: &Plan, end: &PlanEnd, server: &InstanceKey) -> Vec<String> {
        self.undo_steps(plan, end.steps.iter().filter(|ended| ended.server == *server), "").await
    }

    async fn undo_steps<'s>(
        &self,
        plan: &Plan,
        steps: impl DoubleEndedIterator<Item = &'s StepEnd>,
        uid: &str,
    ) -> Vec<String> {
        let mut undone = Vec::new();
        for ended in steps.rev() {
            let Some(step) = plan.step(ended.id) else { continue };
            let Some(compensation) = &step.compensation else { continue };
            let deadline = match &ended.error {
                None => step.deadline.max(self.compiled().action_timeout),
                Some(error) if error.may_have_taken_effect() => step.deadline,
                Some(_) => continue,
            };
            let text = if self.may_act() {
                let act = self.act_on(&step.server, compensation, Deadline::after(deadline));
                match act.await {
                    Ok(_) => format!("undone on {}: {compensation}", step.server),
                    Err(error) => format!("could not undo on {}: {compensation}: {error}", step.server),
                }
            } else {
                format!("not undone on {}: {compensation}: this node no longer holds the lease", step.server)
            };
            if !uid.is_empty() {
                self.write_step(uid, text.clone()).await;
            }
            undone.push(text);
        }
        undone
    }

    async fn run_step(&self, step: &Step, in_recovery: bool) -> Result<(), StepError> {
        let deadline = Deadline::after(step.deadline);
        for condition in &step.preconditions {
            self.check(step, condition, deadline).await?;
        }
        if step.action == Action::Probe {
            return match self.read_instance(&step.server, deadline).await {
                Ok(_) => Ok(()),
                Err(error) => {
                    Err(StepError::Precondition { server: step.server.clone(), condition: error.to_string() })
                }
            };
        }
        let action = self.addressed(step, in_recovery, deadline).await?;
        if action.is_change() && !self.may_act() {
            return Err(StepError::LeaseLost { server: step.server.clone() });
        }
        let outcome = self.act_on(&step.server, &action, deadline).await?;
        debug!(
            instance = %step.server,
            step = %step.action,
            elapsed_ms = u64::try_from(outcome.elapsed.as_millis()).unwrap_or(u64::MAX),
            "step finished"
        );
        self.expect_effect(step);
        Ok(())
    }

    /// The action with the address that the source is reached by.
    async fn addressed(
        &self,
        step: &Step,
        in_recovery: bool,
        deadline: Deadline,
    ) -> Result<Action, StepError> {
        let Action::ChangeSource { source, position } = &step.action else { return Ok(step.action.clone()) };
        let refuse = |condition| StepError::Precondition { server: step.server.clone(), condition };
        let source = self.address_for_replicas(source, in_recovery, deadline).await.map_err(refuse)?;
        Ok(Action::ChangeSource { source, position: position.clone() })
    }

    /// Notes in the fleet what a step is known to have changed, so that decisions made before the next read are right.
    fn expect_effect(&self, step: &Step) {
        let change: Option<Change> = match &step.action {
            Action::SetReadOnly { on, .. } => {
                let on = *on;
                Some(Box::new(move |instance| instance.read_only = on))
            }
            Action::ChangeSource { source, .. } => {
                let source = source.clone();
                Some(Box::new(move |instance| instance.primary_key = source))
            }
            Action::ResetReplication => Some(Box::new(|instance| {
                instance.primary_key = InstanceKey::none();
                instance.replication = model::Replication::default();
            })),
            Action::DetachSource => {
                Some(Box::new(|instance| instance.primary_key = instance.primary_key.detached()))
            }
            Action::ReattachSource => {
                Some(Box::new(|instance| instance.primary_key = instance.primary_key.reattached()))
            }
            Action::StopReplication(_)
            | Action::StartReplication(_)
            | Action::ReconnectReceiver
            | Action::DropPartialTransaction { .. }
            | Action::WaitApplied
            | Action::WaitExecutedGtid(_)
            | Action::WaitExecutedCoordinates(_)
            | Action::SetSemiSyncPrimary(_)
            | Action::SetSemiSyncReplica(_)
            | Action::ReplicateUntil(_)
            | Action::SetDelay(_)
            | Action::SkipTransaction
            | Action::FlushBinaryLogs
            | Action::PurgeBinaryLogs(_)
            | Action::ResetBinaryLogs
            | Action::SetPurgedGtid(_)
            | Action::InjectEmpty(_)
            | Action::KillQuery(_)
            | Action::Probe => None,
        };
        if let Some(change) = change {
            self.fleet_mut().update(&step.server, change);
        }
    }

    async fn check(&self, step: &Step, condition: &Condition, deadline: Deadline) -> Result<(), StepError> {
        let failed = |condition: &str| StepError::Precondition {
            server: step.server.clone(),
            condition: condition.to_owned(),
        };
        if *condition == Condition::LeaseHeld {
            return if self.may_act() {
                Ok(())
            } else {
                Err(StepError::LeaseLost { server: step.server.clone() })
            };
        }
        let fresh: Arc<Instance> =
            self.read_instance(&step.server, deadline).await.map_err(|error| failed(&error.to_string()))?;
        let is_idle = |thread: ThreadState| matches!(thread, ThreadState::Absent | ThreadState::Stopped);
        let replication = &fresh.replication;
        let (holds, text) = match condition {
            Condition::ReplicationStopped => (
                is_idle(replication.io_thread) && is_idle(replication.sql_thread),
                "replication is not stopped".to_owned(),
            ),
            Condition::RelayLogApplied => (
                !fresh.is_replica() || fresh.is_applier_up_to_date(),
                "the relay log is not applied yet".to_owned(),
            ),
            Condition::ReplicatesFrom(source) => (
                fresh.primary_key == *source,
                format!("does not replicate from {source} but from {}", fresh.primary_key),
            ),
            Condition::ReadOnly => (fresh.read_only, "is not read-only".to_owned()),
            Condition::LeaseHeld => (true, String::new()),
        };
        if holds { Ok(()) } else { Err(failed(&text)) }
    }
}
