//! Which replicas acknowledge: a pure choice by priority, and the plans that carry it out.
//!
//! *Exact* makes the live replicas of highest priority acknowledge, as many as the primary waits for, and no other.
//! *Enough* only adds, until the primary has the acknowledgements it waits for. Replicas without priority are
//! asynchronous always. Enabling comes before disabling, so that the primary is never locked in between.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use model::{
    Action, GtidUse, Instance, InstanceKey, OnFailure, Plan, PromotionRule, SourcePosition, StepId, Threads,
};

/// Longest time for one switch, the reconnect of the receiver included.
const SWITCH_TIME: Duration = Duration::from_secs(10);

/// How far the choice goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Exactly the wanted number acknowledges (`EnforceExactSemiSyncReplicas`).
    Exact,
    /// At least the wanted number does (`RecoverLockedSemiSyncMaster`).
    Enough,
}

/// A semi-sync primary and its replicas, as just read.
#[derive(Clone, Debug)]
pub struct SemiSyncCase {
    /// The primary.
    pub primary: Arc<Instance>,
    /// Its direct replicas; unreachable ones may be among them.
    pub replicas: Vec<Arc<Instance>>,
    /// Promotion rules; a server without one is neutral.
    pub rules: BTreeMap<InstanceKey, PromotionRule>,
    /// Exact or enough.
    pub mode: Mode,
    /// About to replicate: counts as replicating.
    pub joining: Option<InstanceKey>,
    /// Tried in this recovery without success: left alone.
    pub given_up: BTreeSet<InstanceKey>,
}

/// A switch of one replica.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Switch {
    /// The replica.
    pub replica: InstanceKey,
    /// Acknowledge from now on.
    pub on: bool,
}

/// The switches that are needed, by priority; first those that enable.
pub fn switches(case: &SemiSyncCase) -> Vec<Switch> {
    let wanted = usize::try_from(case.primary.awaited_acknowledgements()).unwrap_or(usize::MAX);
    let live: Vec<&Arc<Instance>> = case.replicas.iter().filter(|replica| is_live(case, replica)).collect();
    let (mut possible, asynchronous): (Vec<_>, Vec<_>) =
        live.into_iter().partition(|replica| replica.semi_sync.priority > 0);
    possible.sort_by_cached_key(|replica| {
        let rule = case.rules.get(&replica.key).copied().unwrap_or_default();
        (Reverse(replica.semi_sync.priority), rule, replica.key.to_string())
    });
    let switch = |replica: &Arc<Instance>, on| Switch { replica: replica.key.clone(), on };
    match case.mode {
        Mode::Enough => {
            // Differs: when enough are connected by now nothing is done; the original then enabled everybody.
            let clients = usize::try_from(case.primary.semi_sync.primary_clients).unwrap_or(usize::MAX);
            let missing = wanted.saturating_sub(clients);
            let off = possible.iter().filter(|replica| !replica.semi_sync.replica_enabled);
            off.take(missing).map(|replica| switch(replica, true)).collect()
        }
        Mode::Exact => {
            let (chosen, surplus) = possible.split_at(wanted.min(possible.len()));
            let enabled = chosen.iter().filter(|replica| !replica.semi_sync.replica_enabled);
            let disabled =
                surplus.iter().chain(&asynchronous).filter(|replica| replica.semi_sync.replica_enabled);
            enabled
                .map(|replica| switch(replica, true))
                .chain(disabled.map(|replica| switch(replica, false)))
                .collect()
        }
    }
}

/// It can be read, and replicates or is about to.
fn is_live(case: &SemiSyncCase, replica: &Instance) -> bool {
    replica.is_last_check_valid()
        && !case.given_up.contains(&replica.key)
        && (replica.is_replicating() || case.joining.as_ref() == Some(&replica.key))
}

/// What settles whether a replica that is about to be started acknowledges.
#[derive(Clone, Copy, Debug)]
pub enum Settled<'a> {
    /// Its promotion rule: neither mode is on.
    ByRule(PromotionRule),
    /// The choice, in which it is [`SemiSyncCase::joining`]; `None` when its primary could not be asked.
    ByChoice(Option<&'a SemiSyncCase>),
}

/// The switches of a replica before it is started. One without priority has its primary side left alone, and is switched off
/// only by the choice.
pub fn before_start(replica: &Instance, settled: Settled<'_>) -> Vec<Action> {
    if !replica.semi_sync.available {
        return Vec::new();
    }
    let has_priority = replica.semi_sync.priority > 0;
    let acknowledges = match settled {
        Settled::ByRule(rule) => has_priority.then_some(rule != PromotionRule::MustNot),
        Settled::ByChoice(case) => case.and_then(|case| {
            switches(case).into_iter().find(|switch| switch.replica == replica.key).map(|switch| switch.on)
        }),
    };
    let primary_side = has_priority.then_some(Action::SetSemiSyncPrimary(false));
    primary_side.into_iter().chain(acknowledges.map(Action::SetSemiSyncReplica)).collect()
}

/// Enables acknowledgements, the best replica first. A replica that refuses is given up; the others go on.
///
/// Replicas whose *primary* side is on, though they are no primary, have it switched off first, if that is possible.
pub fn enable_plan(case: &SemiSyncCase, switches: &[Switch]) -> Plan {
    let mut plan = Plan::new("acknowledge");
    for replica in &case.replicas {
        if replica.semi_sync.priority > 0
            && replica.semi_sync.primary_enabled
            && replica.is_last_check_valid()
        {
            let reason = "it is a replica";
            plan.push(&replica.key, Action::SetSemiSyncPrimary(false), &[], SWITCH_TIME, reason);
            refine(&mut plan, OnFailure::Note, None);
        }
    }
    push_switches(&mut plan, switches.iter().filter(|switch| switch.on), "the primary waits for it");
    plan
}

/// Disables acknowledgements. To be run when enabling is over and was successful.
pub fn disable_plan(switches: &[Switch]) -> Plan {
    let mut plan = Plan::new("acknowledge no more");
    push_switches(&mut plan, switches.iter().filter(|switch| !switch.on), "the primary waits for others");
    plan
}

/// First part of a reconnect by position: a replica applies what it received and stands still. To be read again then.
///
/// Why: a transaction that a replica received before it acknowledged anything is not sent again when it connects by GTID,
/// so nobody ever acknowledges it. Who connects by position acknowledges all that lies before that position.
pub fn settle_plan(replica: &Instance, drain: Duration) -> Plan {
    let mut plan = Plan::new("stand still");
    let key = &replica.key;
    let reason = "the primary waits for what it received already";
    let stop = plan.push(key, Action::StopReplication(Threads::Receiver), &[], SWITCH_TIME, reason);
    refine(&mut plan, OnFailure::Abort, Some(Action::StartReplication(Threads::Both)));
    let applied = plan.push(key, Action::WaitApplied, &[stop], drain.max(SWITCH_TIME), reason);
    plan.push(key, Action::StopReplication(Threads::Both), &[applied], SWITCH_TIME, reason);
    refine(&mut plan, OnFailure::Abort, None);
    plan
}

/// Second and third part: the replica, read while it stands still, connects by position; and then by GTID as before.
/// `None` when it does not use GTID, or its position is not known.
pub fn reconnect_plans(replica: &Instance) -> Option<(Plan, SourcePosition)> {
    let back = match replica.gtid_use() {
        GtidUse::Oracle => SourcePosition::OracleAutoPosition,
        GtidUse::MariaDb => SourcePosition::MariaDbSlavePos,
        GtidUse::None => return None,
    };
    let read = replica.replication.read.clone();
    if read.file.is_empty() || !replica.is_applier_up_to_date() {
        return None;
    }
    Some((connect_plan(replica, SourcePosition::File(read)), back))
}

/// A stopped replica connects to the same source in this way.
pub fn connect_plan(replica: &Instance, position: SourcePosition) -> Plan {
    let mut plan = Plan::new("connect again");
    let (key, source) = (&replica.key, replica.primary_key.clone());
    let change = Action::ChangeSource { source, position };
    let changed = plan.push(key, change, &[], SWITCH_TIME, "so that it acknowledges what it has");
    refine(&mut plan, OnFailure::Abort, None);
    plan.push(key, Action::StartReplication(Threads::Both), &[changed], SWITCH_TIME, "");
    refine(&mut plan, OnFailure::Abort, None);
    plan
}

fn push_switches<'a>(plan: &mut Plan, switches: impl Iterator<Item = &'a Switch>, reason: &str) {
    let mut after: Vec<StepId> = plan.steps.iter().map(|step| step.id).collect();
    for switch in switches {
        let action = Action::SetSemiSyncReplica(switch.on);
        let id = plan.push(&switch.replica, action, &after, SWITCH_TIME, reason);
        refine(plan, OnFailure::LoseServer, Some(Action::SetSemiSyncReplica(!switch.on)));
        after = vec![id];
    }
}

fn refine(plan: &mut Plan, on_failure: OnFailure, compensation: Option<Action>) {
    if let Some(step) = plan.last_mut() {
        step.on_failure = on_failure;
        step.compensation = compensation;
        step.preconditions = vec![model::Condition::LeaseHeld];
    }
}

#[cfg(test)]
mod tests;
