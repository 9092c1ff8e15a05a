//! The phases of a takeover as plans.

use std::sync::Arc;
use std::time::Duration;

use model::{
    Action, Condition, GtidSet, GtidUse, Instance, InstanceKey, MariaDbPosition, OnFailure, Plan,
    SourcePosition, StepId, Threads,
};

use super::case::{Obstacle, Obstacles, TakeoverCase};
use super::preflight::Takeover;
use crate::failover::{CHANGE_TIME, hold_lease, lanes, push_opening, push_repoint};

/// Longest time for one attempt to come close.
const APPROACH_TIME: Duration = Duration::from_secs(2);

/// Re-points the early siblings, while the primary still accepts writes. A sibling that cannot be moved ends the
/// takeover, unless it is downtimed; those that were moved go back.
pub fn siblings_plan(case: &TakeoverCase, takeover: &Takeover) -> Plan {
    let mut plan = Plan::new("siblings");
    let mut lanes = lanes(&case.policy);
    let width = lanes.len();
    for (at, sibling) in takeover.early.iter().enumerate() {
        let lane = &mut lanes[at % width];
        let after: Vec<StepId> = lane.iter().copied().collect();
        let reason = format!("{} is about to take over", takeover.target.key);
        *lane = Some(push_repoint(&mut plan, sibling, &takeover.target.key, &after, &reason));
        make_undoable(&mut plan, case, sibling);
    }
    plan
}

/// Turns the three steps of a re-point that were added last into steps that can be undone.
fn make_undoable(plan: &mut Plan, case: &TakeoverCase, sibling: &Instance) {
    let back = Action::ChangeSource { source: case.primary.key.clone(), position: SourcePosition::Keep };
    let undo = [Action::StartReplication(Threads::Both), back, Action::StopReplication(Threads::Both)];
    let first = plan.steps.len().saturating_sub(undo.len());
    for (step, undo) in plan.steps[first..].iter_mut().zip(undo) {
        step.compensation = Some(undo);
        if !case.downtimed.contains(&sibling.key) {
            step.on_failure = OnFailure::Abort;
        }
    }
}

/// Brings the target close to the primary as it was read a moment ago, while writes go on: the pause lasts at least as long
/// as the target lags. One that does not get there in time is no reason to give up; [`drain_plan`] waits for it again.
pub fn approach_plan(case: &TakeoverCase, takeover: &Takeover, primary: &Instance) -> Plan {
    let mut plan = Plan::new("approach");
    let reason = "writes pause for as long as it lags";
    plan.push(
        &takeover.target.key,
        reach(&takeover.target, primary),
        &[],
        APPROACH_TIME.min(case.wait_limit()),
        reason,
    );
    if let Some(step) = plan.last_mut() {
        step.on_failure = OnFailure::Note;
    }
    plan
}

/// Waiting until the target has everything that the primary had when it was read.
fn reach(target: &Instance, primary: &Instance) -> Action {
    match target.gtid_use() {
        GtidUse::Oracle => Action::WaitExecutedGtid(flat(&primary.executed_gtid)),
        GtidUse::MariaDb => Action::WaitExecutedGtid(flat(&primary.mariadb_gtid_position)),
        GtidUse::None => Action::WaitExecutedCoordinates(primary.self_coordinates.clone()),
    }
}

/// Begins the write pause: the primary becomes read-only, and is read for its last position.
///
/// When anything fails from here until [`promote_plan`] begins, run [`restore_plan`].
pub fn pause_plan(case: &TakeoverCase) -> Plan {
    let mut plan = Plan::new("pause");
    let key = &case.primary.key;
    let with_super = case.policy.use_super_read_only;
    let close = plan.push(
        key,
        Action::SetReadOnly { on: true, with_super },
        &[],
        CHANGE_TIME,
        "the new primary must have every transaction before it accepts writes",
    );
    hold_lease(&mut plan);
    if let Some(step) = plan.last_mut()
        && !case.primary.read_only
    {
        step.compensation = Some(Action::SetReadOnly { on: false, with_super });
    }
    plan.push(
        key,
        Action::Probe,
        &[close],
        CHANGE_TIME,
        "its last position is what the new primary has to reach",
    );
    plan
}

/// Lets the target get and apply everything, stops its replication, and reads both servers again. `paused` is the
/// primary as read after [`pause_plan`].
pub fn drain_plan(case: &TakeoverCase, takeover: &Takeover, paused: &Instance) -> Plan {
    let mut plan = Plan::new("drain");
    let target = &takeover.target;
    let reason = "it must have everything that the primary committed";
    let waited = plan.push(&target.key, reach(target, paused), &[], case.wait_limit(), reason);
    let stopped = plan.push(
        &target.key,
        Action::StopReplication(Threads::Both),
        &[waited],
        CHANGE_TIME,
        "a primary replicates from nobody",
    );
    if let Some(step) = plan.last_mut() {
        step.compensation = Some(Action::StartReplication(Threads::Both));
    }
    plan.push(
        &target.key,
        Action::Probe,
        &[stopped],
        CHANGE_TIME,
        "it is checked once more before it is opened",
    );
    let primary = &case.primary.key;
    plan.push(primary, Action::Probe, &[waited], CHANGE_TIME, "its position must not have moved since");
    plan
}

/// Opens the target, makes the former primary its replica and moves the late siblings. `paused` is the primary as read
/// after the pause began; `primary` and `target` as read after [`drain_plan`]. From here on nothing is undone.
///
/// # Errors
/// The primary is not read-only or its position moved, or the target lacks something or still replicates: nothing may
/// be promoted, run [`restore_plan`].
pub fn promote_plan(
    case: &TakeoverCase,
    takeover: &Takeover,
    paused: &Instance,
    primary: &Instance,
    target: &Instance,
) -> Result<Plan, Obstacles> {
    complete(paused, primary, target)?;
    let mut plan = Plan::new("promote");
    let opened = push_opening(&mut plan, &case.policy, target, &[]);
    if let Some(first) = plan.steps.first_mut() {
        first.preconditions.push(Condition::ReplicationStopped);
    }
    let mut lanes = lanes(&case.policy);
    let width = lanes.len();
    for (at, sibling) in takeover.late.iter().enumerate() {
        let lane = &mut lanes[at % width];
        let after: Vec<StepId> = lane.iter().copied().collect();
        let reason = format!("{} takes over", target.key);
        *lane = Some(push_repoint(&mut plan, sibling, &target.key, &after, &reason));
    }
    push_demotion(&mut plan, case, target, opened);
    Ok(plan)
}

/// Gives up the takeover before [`promote_plan`] began: the primary accepts writes again, and the target replicates.
/// Siblings that were moved stay below the target, which is well.
pub fn restore_plan(case: &TakeoverCase, takeover: &Takeover) -> Plan {
    let mut plan = Plan::new("restore");
    let with_super = case.policy.use_super_read_only || case.primary.super_read_only == Some(true);
    if !case.primary.read_only {
        let open = Action::SetReadOnly { on: false, with_super };
        plan.push(&case.primary.key, open, &[], CHANGE_TIME, "it stays the primary");
    }
    let start = Action::StartReplication(Threads::Both);
    plan.push(&takeover.target.key, start, &[], CHANGE_TIME, "it stays a replica");
    if let Some(step) = plan.last_mut() {
        step.on_failure = OnFailure::Note;
    }
    plan
}

/// Makes the former primary a replica of the server that has taken over, when the takeover itself was interrupted. Its
/// successor may have written since, so it finds its place by GTID; both must use it.
pub fn demotion_plan(former: &Instance, successor: &InstanceKey, start: bool) -> Plan {
    let position = if former.is_mariadb() {
        SourcePosition::MariaDbCurrentPos
    } else {
        SourcePosition::OracleAutoPosition
    };
    let mut plan = Plan::new("demote");
    let reason = format!("{successor} is the primary now");
    let change = Action::ChangeSource { source: successor.clone(), position };
    let changed = plan.push(&former.key, change, &[], CHANGE_TIME, reason.clone());
    hold_lease(&mut plan);
    if start {
        plan.push(&former.key, Action::StartReplication(Threads::Both), &[changed], CHANGE_TIME, reason);
    }
    plan
}

/// Adds the steps that make the former primary a replica. They are wanted, not needed.
fn push_demotion(plan: &mut Plan, case: &TakeoverCase, target: &Instance, opened: StepId) {
    let key = &case.primary.key;
    let position = match target.gtid_use() {
        GtidUse::Oracle if case.primary.supports_oracle_gtid => SourcePosition::OracleAutoPosition,
        GtidUse::MariaDb if case.primary.is_mariadb() => SourcePosition::MariaDbCurrentPos,
        GtidUse::Oracle | GtidUse::MariaDb | GtidUse::None => {
            SourcePosition::File(target.self_coordinates.clone())
        }
    };
    let reason = format!("{} is the primary now", target.key);
    let before = plan.steps.len();
    let change = Action::ChangeSource { source: target.key.clone(), position };
    let mut last = plan.push(key, change, &[opened], CHANGE_TIME, reason.clone());
    hold_lease(plan);
    let semi_sync = &case.primary.semi_sync;
    if semi_sync.priority > 0 && semi_sync.primary_enabled {
        // Not earlier: sessions that wait for an acknowledgement would be told that their transaction is safe.
        last = plan.push(
            key,
            Action::SetSemiSyncPrimary(false),
            &[last],
            CHANGE_TIME,
            "it has no replicas to wait for",
        );
    }
    if case.auto {
        plan.push(key, Action::StartReplication(Threads::Both), &[last], CHANGE_TIME, reason);
    }
    for step in &mut plan.steps[before..] {
        step.on_failure = OnFailure::Note;
    }
}

/// The target has everything that the primary has, and the primary stands still.
fn complete(paused: &Instance, primary: &Instance, target: &Instance) -> Result<(), Obstacles> {
    let mut reasons = Vec::new();
    if !primary.read_only {
        reasons.push(format!("{} is not read-only", primary.key));
    }
    if target.replication.io_thread.is_running() || target.replication.sql_thread.is_running() {
        reasons.push("it still replicates".to_owned());
    }
    let lacks = match target.gtid_use() {
        GtidUse::Oracle => {
            let read = |text: &str| GtidSet::parse_lenient(text).0;
            let missing = read(&primary.executed_gtid).subtract(&read(&target.executed_gtid));
            (!missing.is_empty()).then(|| missing.to_string())
        }
        GtidUse::MariaDb => {
            let read = |text: &str| MariaDbPosition::parse(text).unwrap_or_default();
            let reached = read(&target.mariadb_gtid_position);
            let missing: Vec<String> = read(&primary.mariadb_gtid_position)
                .gtids()
                .filter(|gtid| {
                    reached.in_domain(gtid.domain).is_none_or(|last| last.sequence < gtid.sequence)
                })
                .map(|gtid| gtid.to_string())
                .collect();
            (!missing.is_empty()).then(|| missing.join(","))
        }
        GtidUse::None => (!paused.self_coordinates.same_place(&primary.self_coordinates))
            .then(|| format!("what was written after {}", paused.self_coordinates)),
    };
    reasons.extend(lacks.map(|lacks| format!("it lacks {lacks}")));
    if reasons.is_empty() {
        return Ok(());
    }
    let designated = target.key.clone();
    Err(Obstacle::NotComplete { designated, reason: reasons.join(", ") }.into())
}

fn flat(set: &str) -> String {
    set.split_whitespace().collect::<Vec<_>>().concat()
}

/// All plans, as they would be if nothing changed from what is known now.
pub(super) fn all_plans(case: &TakeoverCase, takeover: &Takeover) -> Vec<Plan> {
    let mut closed = Instance::clone(&case.primary);
    closed.read_only = true;
    let mut drained = Instance::clone(&takeover.target);
    drained.replication.io_thread = model::ThreadState::Stopped;
    drained.replication.sql_thread = model::ThreadState::Stopped;
    drained.executed_gtid = closed.executed_gtid.clone();
    drained.mariadb_gtid_position = closed.mariadb_gtid_position.clone();
    let mut plans = vec![
        siblings_plan(case, takeover),
        approach_plan(case, takeover, &case.primary),
        pause_plan(case),
        drain_plan(case, takeover, &closed),
    ];
    plans.extend(promote_plan(case, takeover, &closed, &closed, &Arc::new(drained)));
    plans
}
