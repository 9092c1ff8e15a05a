//! Judges a plan without knowing who made it: the last line before servers are changed.
//!
//! The checker walks the steps in an order that respects `after`, keeps what is then true of each server, and notes
//! every rule that a step breaks. A plan with an [`Severity::Error`] must not run. Phases of one operation are judged
//! one after the other with the same [`CheckContext`], which carries on what earlier phases established.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use model::{
    Action, GtidSet, GtidUse, Instance, InstanceKey, MariaDbPosition, OnFailure, Plan, Step, StepId, Threads,
};

/// How bad a note is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing.
    Warning,
    /// The plan must not run.
    Error,
}

/// A rule that plans have to keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CheckRule {
    /// Step numbers are unique, `after` names steps of the plan, and nothing waits for itself.
    Order,
    /// Every step has a deadline.
    Deadline,
    /// Steps on one server do not run at the same time.
    OneAtATime,
    /// Never two writable servers.
    OneWriter,
    /// The failed server is never opened nor made a source.
    NotTheFailed,
    /// No server replicates from itself, and none that was opened is made a replica.
    NoCircle,
    /// Replication is stopped before its source is changed or forgotten.
    StoppedBefore,
    /// A relay log is applied before the server forgets its source or is opened.
    DrainedBefore,
    /// A live primary is made read-only before another server is opened.
    ReadOnlyBefore,
    /// Making a writable primary read-only can be undone.
    Undo,
    /// Lost replicas are detached.
    LostDetached,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanNote {
    /// How bad.
    pub severity: Severity,
    /// The rule.
    pub rule: CheckRule,
    /// The step; `None` for the plan as a whole.
    pub step: Option<StepId>,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for PlanNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = if self.severity == Severity::Error { "error" } else { "warning" };
        match self.step {
            Some(step) => write!(f, "{severity}: step {step}: {:?}: {}", self.rule, self.message),
            None => write!(f, "{severity}: {:?}: {}", self.rule, self.message),
        }
    }
}

/// What is known before a plan runs, and what its operation is about.
#[derive(Clone, Debug, Default)]
pub struct CheckContext {
    /// The servers as last read.
    pub servers: BTreeMap<InstanceKey, Arc<Instance>>,
    /// The failed primary of a failover: it is assumed not to accept writes once a fence was tried.
    pub failed: Option<InstanceKey>,
    /// Servers that accept writes now and are alive.
    pub writers: BTreeSet<InstanceKey>,
    /// Replicas that are given up in this operation.
    pub lost: BTreeSet<InstanceKey>,
    /// Lost replicas have to be detached.
    pub detach_lost: bool,
    /// What earlier phases and steps established.
    known: BTreeMap<InstanceKey, State>,
}

/// What is true of one server at some point of the operation.
#[derive(Clone, Copy, Debug, Default)]
struct State {
    receiver_stopped: bool,
    applier_stopped: bool,
    drained: bool,
    is_open: bool,
    fence_tried: bool,
    fenced: bool,
    forgot_source: bool,
    detached: bool,
}

impl CheckContext {
    /// Knowing these servers and nothing else.
    pub fn new(servers: impl IntoIterator<Item = Arc<Instance>>) -> Self {
        Self { servers: servers.into_iter().map(|s| (s.key.clone(), s)).collect(), ..Self::default() }
    }

    /// Takes note of servers that were read between two phases: whether their relay logs are applied is judged anew.
    pub fn observe(&mut self, servers: impl IntoIterator<Item = Arc<Instance>>) {
        for server in servers {
            if let Some(state) = self.known.get_mut(&server.key) {
                state.drained = has_applied_all(&server);
            }
            self.servers.insert(server.key.clone(), server);
        }
    }

    fn state(&self, key: &InstanceKey) -> State {
        self.known.get(key).copied().unwrap_or_else(|| {
            let server = self.servers.get(key);
            State {
                receiver_stopped: server.is_some_and(|s| !s.is_replica()),
                applier_stopped: server.is_some_and(|s| !s.is_replica()),
                drained: server.is_some_and(|s| has_applied_all(s)),
                ..State::default()
            }
        })
    }
}

/// Judges a plan, and lets the context know what it establishes. Errors first, then by step; empty for a good plan.
pub fn check_plan(plan: &Plan, context: &mut CheckContext) -> Vec<PlanNote> {
    let mut check = Check { context, notes: Vec::new(), before: BTreeMap::new() };
    check.shape(plan);
    let Some(order) = check.walk_order(plan) else { return check.finish() };
    check.one_at_a_time(plan);
    for step in &order {
        check.step(step, plan);
    }
    check.whole(plan);
    check.finish()
}

struct Check<'a> {
    context: &'a mut CheckContext,
    notes: Vec<PlanNote>,
    /// For each step all steps that have ended when it starts.
    before: BTreeMap<StepId, BTreeSet<StepId>>,
}

impl Check<'_> {
    fn finish(mut self) -> Vec<PlanNote> {
        self.notes.sort_by_key(|note| (std::cmp::Reverse(note.severity), note.step, note.rule));
        self.notes
    }

    fn error(&mut self, rule: CheckRule, step: Option<StepId>, message: impl Into<String>) {
        self.notes.push(PlanNote { severity: Severity::Error, rule, step, message: message.into() });
    }

    fn shape(&mut self, plan: &Plan) {
        let mut seen = BTreeSet::new();
        for step in &plan.steps {
            if !seen.insert(step.id) {
                self.error(CheckRule::Order, Some(step.id), "the number is used twice");
            }
            if step.deadline.is_zero() {
                self.error(CheckRule::Deadline, Some(step.id), "it has no time to run");
            }
            for before in &step.after {
                if plan.step(*before).is_none() {
                    self.error(
                        CheckRule::Order,
                        Some(step.id),
                        format!("it waits for step {before}, which does not exist"),
                    );
                }
            }
        }
    }

    /// Steps in an order that respects `after`; `None`, with a note, when there is none.
    fn walk_order<'p>(&mut self, plan: &'p Plan) -> Option<Vec<&'p Step>> {
        let mut order: Vec<&Step> = Vec::new();
        let mut waiting: Vec<&Step> = plan.steps.iter().collect();
        while !waiting.is_empty() {
            let is_ready = |step: &Step, done: &BTreeMap<StepId, BTreeSet<StepId>>| {
                step.after.iter().all(|before| done.contains_key(before) || plan.step(*before).is_none())
            };
            let Some(at) = waiting.iter().position(|step| is_ready(step, &self.before)) else {
                for step in waiting {
                    self.error(CheckRule::Order, Some(step.id), "it waits for itself");
                }
                return None;
            };
            let step = waiting.remove(at);
            let mut ended: BTreeSet<StepId> = step.after.iter().copied().collect();
            for before in &step.after {
                ended.extend(self.before.get(before).into_iter().flatten());
            }
            self.before.insert(step.id, ended);
            order.push(step);
        }
        Some(order)
    }

    fn one_at_a_time(&mut self, plan: &Plan) {
        for (at, step) in plan.steps.iter().enumerate() {
            for other in &plan.steps[..at] {
                if other.server == step.server
                    && !self.comes_before(other, step)
                    && !self.comes_before(step, other)
                {
                    let message =
                        format!("it may run at the same time as step {} on {}", other.id, step.server);
                    self.error(CheckRule::OneAtATime, Some(step.id), message);
                }
            }
        }
    }

    fn comes_before(&self, first: &Step, second: &Step) -> bool {
        self.before.get(&second.id).is_some_and(|ended| ended.contains(&first.id))
    }

    fn step(&mut self, step: &Step, plan: &Plan) {
        let mut state = self.context.state(&step.server);
        match &step.action {
            Action::StopReplication(threads) => {
                state.receiver_stopped |= matches!(threads, Threads::Both | Threads::Receiver);
                state.applier_stopped |= matches!(threads, Threads::Both | Threads::Applier);
            }
            Action::StartReplication(threads) => self.check_start(step, *threads, &mut state),
            Action::DropPartialTransaction { .. } => self.check_receives(step, state),
            Action::WaitApplied | Action::WaitExecutedGtid(_) | Action::WaitExecutedCoordinates(_) => {
                self.check_wait(step, &mut state);
            }
            Action::ChangeSource { source, .. } => self.check_change(step, source, &mut state),
            Action::ReattachSource => self.check_stopped(step, state),
            Action::DetachSource => {
                self.check_stopped(step, state);
                state.detached = true;
            }
            Action::ResetReplication => {
                self.check_stopped(step, state);
                self.check_drained(step, state);
                state.forgot_source = true;
            }
            Action::SetReadOnly { on: true, .. } => self.check_close(step, &mut state),
            Action::SetReadOnly { on: false, .. } => self.check_open(step, plan, &mut state),
            Action::ReplicateUntil(_) => {
                self.check_stopped(step, state);
                state.drained = false;
            }
            Action::ReconnectReceiver
            | Action::SetSemiSyncPrimary(_)
            | Action::SetSemiSyncReplica(_)
            | Action::SetDelay(_)
            | Action::SkipTransaction
            | Action::FlushBinaryLogs
            | Action::PurgeBinaryLogs(_)
            | Action::ResetBinaryLogs
            | Action::SetPurgedGtid(_)
            | Action::InjectEmpty(_)
            | Action::KillQuery(_)
            | Action::Probe => {}
        }
        self.context.known.insert(step.server.clone(), state);
    }

    fn check_receives(&mut self, step: &Step, state: State) {
        if state.is_open || state.forgot_source {
            self.error(CheckRule::NoCircle, Some(step.id), format!("{} is a primary now", step.server));
        }
    }

    fn check_start(&mut self, step: &Step, threads: Threads, state: &mut State) {
        self.check_receives(step, *state);
        if matches!(threads, Threads::Both | Threads::Receiver) {
            let discards =
                self.context.servers.get(&step.server).is_some_and(|s| s.gtid_use() == GtidUse::MariaDb);
            if discards && !state.drained {
                let message = format!(
                    "starting the receiver of {} throws away its relay log, which is not applied",
                    step.server
                );
                self.error(CheckRule::DrainedBefore, Some(step.id), message);
            }
            state.receiver_stopped = false;
            state.drained = false;
        }
        if matches!(threads, Threads::Both | Threads::Applier) {
            state.applier_stopped = false;
        }
    }

    fn check_wait(&mut self, step: &Step, state: &mut State) {
        if state.applier_stopped && self.context.servers.get(&step.server).is_some_and(|s| s.is_replica()) {
            let message = format!("the applier of {} is stopped, so it waits in vain", step.server);
            self.error(CheckRule::DrainedBefore, Some(step.id), message);
        }
        // Only a wait whose failure ends the work on the server proves anything for the steps after it.
        state.drained |= step.on_failure != OnFailure::Note;
    }

    fn check_stopped(&mut self, step: &Step, state: State) {
        if !(state.receiver_stopped && state.applier_stopped) {
            let message = format!("replication of {} is not stopped before", step.server);
            self.error(CheckRule::StoppedBefore, Some(step.id), message);
        }
    }

    fn check_drained(&mut self, step: &Step, state: State) {
        if !state.drained {
            let message = format!("{} may hold transactions that are received and not applied", step.server);
            self.error(CheckRule::DrainedBefore, Some(step.id), message);
        }
    }

    fn check_change(&mut self, step: &Step, source: &InstanceKey, state: &mut State) {
        self.check_stopped(step, *state);
        if *source == step.server || state.is_open {
            let message = format!("{} would replicate from {source}", step.server);
            self.error(CheckRule::NoCircle, Some(step.id), message);
        }
        if self.context.failed.as_ref() == Some(source) {
            self.error(CheckRule::NotTheFailed, Some(step.id), format!("{source} has failed"));
        }
        if self.context.writers.contains(&step.server) && !state.fenced {
            let message = format!("{} still accepts writes", step.server);
            self.error(CheckRule::ReadOnlyBefore, Some(step.id), message);
        }
        // What the former source sent and was not applied is fetched again from the new one.
        state.drained = true;
        state.forgot_source = false;
    }

    fn check_close(&mut self, step: &Step, state: &mut State) {
        let is_writer = self.context.writers.contains(&step.server);
        let undoes = matches!(step.compensation, Some(Action::SetReadOnly { on: false, .. }));
        if is_writer && !undoes {
            let message = format!("{} would stay read-only if this operation failed", step.server);
            self.error(CheckRule::Undo, Some(step.id), message);
        }
        state.fence_tried = true;
        state.fenced |= step.on_failure == OnFailure::Abort;
        state.is_open = false;
    }

    fn check_open(&mut self, step: &Step, plan: &Plan, state: &mut State) {
        self.check_drained(step, *state);
        if !(state.receiver_stopped && state.applier_stopped) {
            self.check_stopped(step, *state);
        }
        if self.context.failed.as_ref() == Some(&step.server) {
            self.error(CheckRule::NotTheFailed, Some(step.id), format!("{} has failed", step.server));
        }
        let opened: Vec<String> = self
            .context
            .known
            .iter()
            .filter(|(key, other)| other.is_open && **key != step.server)
            .map(|(key, _)| key.to_string())
            .collect();
        for other in opened {
            self.error(CheckRule::OneWriter, Some(step.id), format!("{other} was opened too"));
        }
        self.check_closed_before(step, plan);
        state.is_open = true;
    }

    /// Live writers are fenced for sure, and a fence of the failed server was tried, in this plan before the step or in
    /// an earlier phase.
    fn check_closed_before(&mut self, step: &Step, plan: &Plan) {
        let is_before = |key: &InstanceKey| {
            let mut closing = plan.steps.iter().filter(|other| {
                other.server == *key && matches!(other.action, Action::SetReadOnly { on: true, .. })
            });
            closing.all(|other| self.comes_before(other, step))
        };
        let open: Vec<&InstanceKey> = self
            .context
            .writers
            .iter()
            .filter(|key| **key != step.server && !(self.context.state(key).fenced && is_before(key)))
            .collect();
        let was_tried = |key: &InstanceKey| self.context.state(key).fence_tried && is_before(key);
        let failed = self.context.failed.as_ref();
        let failed = failed.filter(|key| !(self.context.writers.contains(*key) || was_tried(key)));
        let messages: Vec<String> = open
            .into_iter()
            .map(|key| format!("{key} still accepts writes"))
            .chain(
                failed.map(|key| format!("nothing keeps {key} from accepting writes should it still live")),
            )
            .collect();
        for message in messages {
            self.error(CheckRule::ReadOnlyBefore, Some(step.id), message);
        }
    }

    /// Rules about the end of the operation, judged by the plan that opens a server.
    fn whole(&mut self, plan: &Plan) {
        let opens = plan.steps.iter().any(|step| step.action.opens_writes());
        if !(opens && self.context.detach_lost) {
            return;
        }
        let attached: Vec<InstanceKey> =
            self.context.lost.iter().filter(|key| !self.context.state(key).detached).cloned().collect();
        for key in attached {
            let message = format!("{key} is lost, but stays below the failed server");
            self.error(CheckRule::LostDetached, None, message);
        }
    }
}

/// Nothing waits in the relay log of a server, by what was read of it.
fn has_applied_all(server: &Instance) -> bool {
    if !server.is_replica() {
        return true;
    }
    match server.gtid_use() {
        GtidUse::Oracle => {
            let (executed, _) = GtidSet::parse_lenient(&server.executed_gtid);
            executed.contains(&GtidSet::parse_lenient(&server.replication.retrieved_gtid).0)
        }
        GtidUse::MariaDb => {
            let read = |text: &str| MariaDbPosition::parse(text).unwrap_or_default();
            let applied = read(&server.mariadb_gtid_position);
            read(&server.replication.retrieved_gtid).gtids().all(|received| {
                applied.in_domain(received.domain).is_some_and(|last| last.sequence >= received.sequence)
            })
        }
        GtidUse::None => server.is_applier_up_to_date(),
    }
}
