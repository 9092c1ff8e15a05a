//! Moves that align coordinates: up one level, below a sibling, in the place of the source, beside the source.
//!
//! Each is a check on fresh facts, then phases. The first phase stops replication; servers are read again; the next one
//! brings both to a common point and changes the source there. A replica that uses GTID keeps it and finds its place by
//! itself; it is only waited for what it must not lack. Whatever a phase stopped is started again by whoever runs it,
//! also when a later phase fails.

use std::sync::Arc;
use std::time::Duration;

use model::{
    Action, Condition, Fleet, GtidUse, Instance, InstanceKey, Plan, SourcePosition, StepId, Threads,
    Timestamp,
};

use super::{Refusal, RelocationPolicy, check_group, check_rules};
use crate::replication_rules::Reason;

/// Time for a change that a healthy server makes at once.
const CHANGE_TIME: Duration = Duration::from_secs(5);

/// A replica and its source, which is a replica itself.
#[derive(Clone, Debug)]
pub struct Pair {
    /// The replica.
    pub replica: Arc<Instance>,
    /// Its source.
    pub source: Arc<Instance>,
}

/// Checks that a server is well enough to be moved: read lately and well, replicating, lag small.
///
/// # Errors
/// The first rule against it.
pub fn check_movable(instance: &Instance, policy: &RelocationPolicy, now: Timestamp) -> Result<(), Refusal> {
    let key = || instance.key.clone();
    if !instance.is_last_check_valid() {
        return Err(Refusal::CheckInvalid(key()));
    }
    if !instance.is_checked_within(policy.recent, now) {
        return Err(Refusal::NotRecentlyChecked(key()));
    }
    if !(instance.replication.sql_thread.is_running() && instance.replication.io_thread.is_running()) {
        return Err(Refusal::NotReplicating(key()));
    }
    if instance.replication.seconds_behind.is_none() {
        return Err(Refusal::UnknownLag(key()));
    }
    if !instance.has_maintenance_lag(policy.replication.reasonable_maintenance_lag_seconds) {
        return Err(Refusal::LagsTooMuch(key()));
    }
    Ok(())
}

/// Checks a move below the source's source. The rules are checked against that one when it is known.
///
/// # Errors
/// The first rule against it.
pub fn check_move_up(
    fleet: &Fleet,
    pair: &Pair,
    policy: &RelocationPolicy,
    now: Timestamp,
) -> Result<(), Refusal> {
    check_movable(&pair.replica, policy, now)?;
    if !pair.source.is_replica() {
        return Err(Refusal::SourceNotReplica(pair.source.key.clone()));
    }
    match fleet.get(&pair.source.primary_key) {
        Some(above) => check_rules(&pair.replica, above, policy),
        None => Ok(()),
    }
}

/// Checks a move below a sibling.
///
/// # Errors
/// The first rule against it.
pub fn check_move_below(
    replica: &Instance,
    sibling: &Instance,
    policy: &RelocationPolicy,
    now: Timestamp,
) -> Result<(), Refusal> {
    check_group("MoveBelow", replica)?;
    check_movable(replica, policy, now)?;
    check_movable(sibling, policy, now)?;
    if replica.key == sibling.key || replica.primary_key != sibling.primary_key {
        return Err(Refusal::NotSiblings(replica.key.clone(), sibling.key.clone()));
    }
    check_rules(replica, sibling, policy)
}

/// Checks that a replica may change places with its source.
///
/// # Errors
/// The first rule against it.
pub fn check_take_source(pair: &Pair, policy: &RelocationPolicy) -> Result<(), Refusal> {
    check_group("takeMaster", &pair.replica)?;
    if pair.source.is_co_primary {
        return Err(Refusal::SourceIsCoPrimary(pair.source.key.clone()));
    }
    if !pair.source.is_replica() {
        return Err(Refusal::NotReplica(pair.source.key.clone()));
    }
    check_rules_but_circle(&pair.source, &pair.replica, policy)
}

/// All rules but the one against circles: the replica will be below its present source no more, or both below each
/// other is what is wanted.
fn check_rules_but_circle(
    source: &Instance,
    replica: &Instance,
    policy: &RelocationPolicy,
) -> Result<(), Refusal> {
    match check_rules(source, replica, policy) {
        Err(Refusal::CannotReplicate { replica, source, mut reasons }) => {
            reasons.retain(|reason| !matches!(reason, Reason::Loop { .. }));
            if reasons.is_empty() {
                Ok(())
            } else {
                Err(Refusal::CannotReplicate { replica, source, reasons })
            }
        }
        other => other,
    }
}

/// Checks that a source may replicate from its replica, so that both replicate from each other.
///
/// # Errors
/// The first rule against it.
pub fn check_make_co_primary(
    fleet: &Fleet,
    pair: &Pair,
    policy: &RelocationPolicy,
    now: Timestamp,
) -> Result<(), Refusal> {
    let Pair { replica, source } = pair;
    check_movable(replica, policy, now)?;
    check_group("MakeCoMaster", replica)?;
    if source.primary_key == replica.key {
        return Err(Refusal::AlreadyCoPrimary { key: replica.key.clone(), source: source.key.clone() });
    }
    if !replica.read_only {
        return Err(Refusal::Writable(replica.key.clone()));
    }
    if let Some(above) = fleet.get(&source.primary_key) {
        if !source.is_co_primary {
            return Err(Refusal::NoPrimary { source: source.key.clone(), above: above.key.clone() });
        }
        if above.is_last_check_valid() && !above.read_only {
            return Err(Refusal::OtherCoPrimary { source: source.key.clone(), other: above.key.clone() });
        }
    }
    check_rules_but_circle(source, replica, policy)
}

/// Stops replication on these servers, all at the same time.
pub fn stop_plan(name: &str, servers: &[&Instance]) -> Plan {
    let mut plan = Plan::new(name);
    for server in servers {
        let action = Action::StopReplication(Threads::Both);
        plan.push(&server.key, action, &[], CHANGE_TIME, "coordinates must stand still");
        undo(&mut plan, Action::StartReplication(Threads::Both), Condition::LeaseHeld);
    }
    plan
}

/// Brings the one of two stopped siblings that has executed less to where the other is; no step when they are there.
pub fn align_plan(one: &Instance, other: &Instance, limit: Duration) -> Plan {
    let mut plan = Plan::new("align");
    let (at_one, at_other) = (&one.replication.exec, &other.replication.exec);
    let (behind, until) = if at_one.is_before(at_other) {
        (one, at_other)
    } else if at_other.is_before(at_one) {
        (other, at_one)
    } else {
        return plan;
    };
    plan.push(&behind.key, Action::ReplicateUntil(until.clone()), &[], limit, "both need a common point");
    plan
}

/// Brings a replica to where its stopped source stands, and stops it there. The source is as read after it stopped.
pub fn catch_up_plan(pair: &Pair, limit: Duration) -> Plan {
    let Pair { replica, source } = pair;
    let mut plan = Plan::new("catch up");
    let stop = Action::StopReplication(Threads::Both);
    let wait = match replica.gtid_use() {
        GtidUse::Oracle => Some(flat(&source.executed_gtid)),
        GtidUse::MariaDb => Some(flat(&source.mariadb_gtid_position)),
        GtidUse::None => None,
    };
    match wait {
        Some(set) => {
            let reason = "it needs all that its source has";
            let waited = plan.push(&replica.key, Action::WaitExecutedGtid(set), &[], limit, reason);
            plan.push(&replica.key, stop, &[waited], CHANGE_TIME, "coordinates must stand still");
        }
        None => {
            let stopped = plan.push(&replica.key, stop, &[], CHANGE_TIME, "it stops at a given place");
            let until = Action::ReplicateUntil(source.self_coordinates.clone());
            plan.push(&replica.key, until, &[stopped], limit, "it needs all that its source has");
        }
    }
    plan
}

/// Moves a stopped replica below its stopped source's source, and starts it. Both as read after the replica caught up.
pub fn move_up_plan(pair: &Pair) -> Plan {
    let Pair { replica, source } = pair;
    let mut plan = Plan::new("move-up");
    let position = position_below(replica, source.replication.exec.clone());
    push_change(&mut plan, replica, &source.primary_key, position);
    plan
}

/// Moves a stopped replica below its stopped sibling, which stands at the same place, and starts both.
pub fn move_below_plan(replica: &Instance, sibling: &Instance) -> Plan {
    let mut plan = Plan::new("move-below");
    let position = position_below(replica, sibling.self_coordinates.clone());
    push_change(&mut plan, replica, &sibling.key, position);
    plan.push(&sibling.key, start(), &[], CHANGE_TIME, "it was stopped for the move");
    plan
}

/// Moves a stopped replica to a place of another server that is known to equal where it stands, and starts it.
pub fn move_to_plan(replica: &Instance, other: &InstanceKey, place: model::BinlogCoordinates) -> Plan {
    let mut plan = Plan::new("move-equivalent");
    push_change(&mut plan, replica, other, SourcePosition::File(place));
    plan
}

/// Puts a stopped replica in the place of its stopped source and the source below it, and starts both. Both as read
/// after the replica caught up.
pub fn take_source_plan(pair: &Pair) -> Plan {
    let Pair { replica, source } = pair;
    let mut plan = Plan::new("take-master");
    let above = position_below(replica, source.replication.exec.clone());
    let up = push_source(&mut plan, replica, &source.primary_key, above, &[]);
    let below = position_below(source, replica.self_coordinates.clone());
    let down = push_source(&mut plan, source, &replica.key, below, &[up]);
    plan.push(&replica.key, start(), &[down], CHANGE_TIME, "it replicates from its former source's source");
    plan.push(&source.key, start(), &[down], CHANGE_TIME, "it replicates from its former replica");
    plan
}

/// Makes a source replicate from its replica. A source that is a replica already must be stopped.
pub fn make_co_primary_plan(pair: &Pair) -> Plan {
    let Pair { replica, source } = pair;
    let mut plan = Plan::new("make-co-master");
    let position = match replica.gtid_use() {
        GtidUse::Oracle => SourcePosition::OracleAutoPosition,
        GtidUse::MariaDb => SourcePosition::MariaDbCurrentPos,
        GtidUse::None => SourcePosition::File(replica.self_coordinates.clone()),
    };
    let action = Action::ChangeSource { source: replica.key.clone(), position };
    let change = plan.push(&source.key, action, &[], CHANGE_TIME, "both replicate from each other");
    let back = if source.is_replica() {
        Action::ChangeSource {
            source: source.primary_key.clone(),
            position: position_below(source, source.replication.exec.clone()),
        }
    } else {
        Action::ResetReplication
    };
    undo(&mut plan, back, Condition::LeaseHeld);
    plan.push(&source.key, start(), &[change], CHANGE_TIME, "both replicate from each other");
    undo(&mut plan, Action::StopReplication(Threads::Both), Condition::LeaseHeld);
    plan
}

/// A replica that uses GTID keeps it; another one is told where to start.
fn position_below(replica: &Instance, at: model::BinlogCoordinates) -> SourcePosition {
    if replica.uses_gtid() { SourcePosition::Keep } else { SourcePosition::File(at) }
}

fn start() -> Action {
    Action::StartReplication(Threads::Both)
}

/// A set of transactions on one line.
fn flat(set: &str) -> String {
    set.chars().filter(|c| !c.is_whitespace()).collect()
}

fn push_source(
    plan: &mut Plan,
    replica: &Instance,
    source: &InstanceKey,
    position: SourcePosition,
    after: &[StepId],
) -> StepId {
    let action = Action::ChangeSource { source: source.clone(), position };
    let step = plan.push(&replica.key, action, after, CHANGE_TIME, format!("it is moved below {source}"));
    let back = Action::ChangeSource {
        source: replica.primary_key.clone(),
        position: position_below(replica, replica.replication.exec.clone()),
    };
    undo(plan, back, Condition::ReplicatesFrom(replica.primary_key.clone()));
    step
}

fn push_change(plan: &mut Plan, replica: &Instance, source: &InstanceKey, position: SourcePosition) {
    let change = push_source(plan, replica, source, position, &[]);
    plan.push(&replica.key, start(), &[change], CHANGE_TIME, "it was stopped for the move");
    undo(plan, Action::StopReplication(Threads::Both), Condition::LeaseHeld);
}

fn undo(plan: &mut Plan, action: Action, condition: Condition) {
    if let Some(step) = plan.last_mut() {
        step.compensation = Some(action);
        step.preconditions.push(condition);
    }
}
