//! The last phase: the candidate becomes the primary and the other replicas follow it.
//!
//! The path to the first write is kept as short as possible: stop, forget the source, open. Everything else runs beside
//! it. Siblings may be re-pointed before the candidate is open, because by now it has applied all that they received.
//!
//! Nothing here is undone: from the first step on the only way is forward. Running the plan again is safe.

use std::sync::Arc;
use std::time::Duration;

use model::{
    Action, Condition, FailoverPolicy, Instance, InstanceKey, OnFailure, Plan, SourcePosition, StepId,
    Threads,
};

use super::case::FailoverCase;
use super::choice::{Choice, drain_target};
use super::partial;
use super::phases::{CHANGE_TIME, lose_on_failure, push_drain};
use super::received::Holdings;

/// Promotes the chosen server and re-points the others.
///
/// With `apply_promotion` off the candidate stays read-only and keeps its recorded source, with replication stopped;
/// its siblings follow it all the same.
pub fn promote_plan(case: &FailoverCase, choice: &Choice) -> Plan {
    let mut plan = Plan::new("promote");
    let opened = push_promotion(&mut plan, &case.policy, choice);
    push_siblings(&mut plan, case, choice);
    push_lost(&mut plan, case, choice, opened);
    plan
}

/// Adds the steps that make a drained replica the primary; returns the last one that others may have to wait for.
fn push_promotion(plan: &mut Plan, policy: &FailoverPolicy, choice: &Choice) -> StepId {
    let candidate = &choice.candidate;
    let key = &candidate.key;
    let (after, limit) = partial::push_drop(plan, candidate, partial::helper(choice), &[]);
    let stop = plan.push(
        key,
        Action::StopReplication(Threads::Both),
        &after,
        limit,
        "a primary replicates from nobody",
    );
    hold_lease(plan);
    if !policy.apply_promotion {
        if policy.detach_promoted_source {
            let reason = "it must not replicate from the failed server should that return";
            return plan.push(key, Action::DetachSource, &[stop], CHANGE_TIME, reason);
        }
        return stop;
    }
    push_opening(plan, policy, candidate, &[stop])
}

/// Adds: forget the source, switch semi-sync on where it is wanted, open for writes, read back. After the steps `after`
/// replication is stopped. Returns the opening step.
pub(crate) fn push_opening(
    plan: &mut Plan,
    policy: &FailoverPolicy,
    candidate: &Instance,
    after: &[StepId],
) -> StepId {
    let key = &candidate.key;
    let with_super = policy.use_super_read_only || candidate.super_read_only == Some(true);
    let mut ready = plan.push(
        key,
        Action::ResetReplication,
        after,
        CHANGE_TIME,
        "it must not replicate from its former source again",
    );
    hold_lease(plan);
    let semi_sync = &candidate.semi_sync;
    if semi_sync.priority > 0 && semi_sync.available && !semi_sync.primary_enabled {
        let reason = "its commits have to be acknowledged by replicas from the first one on";
        ready = plan.push(key, Action::SetSemiSyncPrimary(true), &[ready], CHANGE_TIME, reason);
    }
    let open = plan.push(
        key,
        Action::SetReadOnly { on: false, with_super },
        &[ready],
        CHANGE_TIME,
        "it is the primary now",
    );
    hold_lease(plan);
    plan.push(key, Action::Probe, &[open], CHANGE_TIME, "the new primary must be seen writable");
    if let Some(step) = plan.last_mut() {
        step.on_failure = OnFailure::Note;
    }
    open
}

/// Adds the steps that put a replica below a new source and start it: drain when asked for, stop, change, start.
/// A failure loses only that replica. Returns the last step.
pub(crate) fn push_repoint(
    plan: &mut Plan,
    replica: &Instance,
    source: &InstanceKey,
    after: &[StepId],
    reason: &str,
) -> StepId {
    let key = &replica.key;
    let (after, limit) = partial::push_drop(plan, replica, Some(source), after);
    let stop = plan.push(key, Action::StopReplication(Threads::Both), &after, limit, reason);
    let change = Action::ChangeSource { source: source.clone(), position: SourcePosition::Keep };
    let change = plan.push(key, change, &[stop], CHANGE_TIME, reason);
    hold_lease(plan);
    let start = plan.push(key, Action::StartReplication(Threads::Both), &[change], CHANGE_TIME, reason);
    lose_on_failure(plan, 3);
    start
}

/// At most `concurrent_moves` replicas move at the same time: each lane does one after the other.
pub(crate) fn lanes(policy: &FailoverPolicy) -> Vec<Option<StepId>> {
    vec![None; usize::try_from(policy.concurrent_moves.max(1)).unwrap_or(1)]
}

fn push_siblings(plan: &mut Plan, case: &FailoverCase, choice: &Choice) {
    let mut lanes = lanes(&case.policy);
    let width = lanes.len();
    for (at, (replica, drain_first)) in choice.repointed().enumerate() {
        let lane = &mut lanes[at % width];
        let mut after: Vec<StepId> = lane.iter().copied().collect();
        if drain_first {
            after = push_own_drain(plan, case, replica, &after);
        }
        let reason = format!("{} takes the place of {}", choice.candidate.key, case.failed);
        *lane = Some(push_repoint(plan, replica, &choice.candidate.key, &after, &reason));
    }
}

/// Lost replicas are detached once the new primary is there. What they received is applied before, because changing
/// the source throws the relay log away, and they may hold the only copy of it.
fn push_lost(plan: &mut Plan, case: &FailoverCase, choice: &Choice, opened: StepId) {
    if !case.policy.detach_lost_replicas {
        return;
    }
    for (key, _) in choice.lost() {
        let Some(replica) = choice.observed.get(key) else { continue };
        let after = push_own_drain(plan, case, replica, &[opened]);
        let reason = "it cannot follow the new primary and must not follow the failed one";
        let stop = plan.push(key, Action::StopReplication(Threads::Both), &after, CHANGE_TIME, reason);
        plan.push(key, Action::DetachSource, &[stop], CHANGE_TIME, reason);
        lose_on_failure(plan, 2);
    }
}

fn push_own_drain(
    plan: &mut Plan,
    case: &FailoverCase,
    replica: &Arc<Instance>,
    after: &[StepId],
) -> Vec<StepId> {
    let held = Holdings::of(replica, case.old_primary.as_deref());
    if !held.is_pending() {
        return after.to_vec();
    }
    let before = plan.steps.len();
    let limit = case.policy.drain_timeout.max(Duration::from_secs(1));
    let last = push_drain(plan, replica, &drain_target(replica, &held), limit, after);
    let added = plan.steps.len() - before;
    lose_on_failure(plan, added);
    last
}

pub(crate) fn hold_lease(plan: &mut Plan) {
    if let Some(step) = plan.last_mut() {
        step.preconditions.push(Condition::LeaseHeld);
    }
}
