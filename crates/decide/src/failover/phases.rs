//! The phases before promotion: stop receiving, let the candidate apply and get everything, try to fence the old
//! primary; and the way back.

use std::time::Duration;

use model::{Action, Condition, Instance, InstanceKey, OnFailure, Plan, SourcePosition, StepId, Threads};

use super::case::{FailoverCase, FailoverKind};
use super::choice::{Choice, DrainTarget, drain_target};
use super::partial;
use super::received::Holdings;

/// Time for a change that a healthy server makes at once.
pub(crate) const CHANGE_TIME: Duration = Duration::from_secs(5);
/// Time for stopping the receivers. A receiver that is reconnecting to a hung primary only stops when its own network
/// time-out ends the handshake, so this is longer than the time-outs recommended for fast detection.
pub(crate) const COLLECT_TIME: Duration = Duration::from_secs(8);
/// Time for the attempt to make the failed primary read-only. It is most likely dead; this must not delay promotion.
pub(crate) const FENCE_TIME: Duration = Duration::from_millis(300);
/// Time to wait for an applier that the settings say to wait for, however long it takes.
const DELAY_TIME: Duration = Duration::from_secs(24 * 3600);

/// Stops receiving on all replicas that can be read, at the same time, so that what they have no longer changes.
///
/// Only the receiver is stopped: the applier goes on draining the relay log. On MariaDB the receiver must not be
/// started again before that is done, because starting it throws the relay log away; so undoing this is not a
/// compensation but a plan of its own, [`release_plan`].
pub fn collect_plan(case: &FailoverCase) -> Plan {
    let mut plan = Plan::new("collect");
    for replica in reachable(case) {
        plan.push(
            &replica.key,
            Action::StopReplication(Threads::Receiver),
            &[],
            COLLECT_TIME,
            "what it received must not change while candidates are compared",
        );
        if let Some(step) = plan.last_mut() {
            step.preconditions.push(Condition::ReplicatesFrom(replica.primary_key.clone()));
            step.on_failure = OnFailure::LoseServer;
            if !replica.replication.mariadb_gtid {
                step.compensation = Some(Action::StartReplication(Threads::Receiver));
            }
        }
    }
    plan
}

/// Lets the replicas receive again after [`collect_plan`], when nobody is promoted. `observed` as for
/// [`super::choose`]. A replica whose relay log cannot be drained stays stopped rather than losing it (MariaDB).
pub fn release_plan(case: &FailoverCase, observed: &[std::sync::Arc<Instance>]) -> Plan {
    let mut plan = Plan::new("release");
    let mut replicas: Vec<_> = observed.iter().filter(|replica| replica.is_replica()).collect();
    replicas.sort_by(|a, b| a.key.cmp(&b.key));
    for replica in replicas {
        let mut after = Vec::new();
        if replica.replication.mariadb_gtid {
            let held = Holdings::of(replica, case.old_primary.as_deref());
            after.extend(push_drain(
                &mut plan,
                replica,
                &drain_target(replica, &held),
                case.policy.drain_timeout,
                &[],
            ));
            lose_on_failure(&mut plan, after.len());
        }
        plan.push(
            &replica.key,
            Action::StartReplication(Threads::Receiver),
            &after,
            CHANGE_TIME,
            "nobody is promoted, so it goes on receiving",
        );
        lose_on_failure(&mut plan, 1);
    }
    plan
}

/// Brings everything that was received onto the candidate, and tries to make the old primary read-only.
///
/// Directly: the candidate applies its relay log. With a catch-up: the donor applies its own, then the candidate
/// replicates from it until it has all of that. The attempt to fence runs at the same time, unless draining may take
/// long, when it follows. It is only noted when it fails: the old primary is most likely dead.
pub fn drain_plan(case: &FailoverCase, choice: &Choice) -> Plan {
    let mut plan = Plan::new("drain");
    let limit = drain_limit(case, &choice.candidate);
    let mut drained = push_drain(&mut plan, &choice.candidate, &choice.drain, limit, &[]);
    if let Some(catch_up) = &choice.catch_up {
        let donor_limit = drain_limit(case, &catch_up.donor);
        drained.extend(push_drain(&mut plan, &catch_up.donor, &catch_up.donor_drain, donor_limit, &[]));
        drained = push_catch_up(&mut plan, case, choice, &drained);
    }
    let is_long = choice.catch_up.is_some() || choice.is_slow;
    push_fence(&mut plan, case, choice, if is_long { &drained } else { &[] });
    plan
}

/// Replicas worth asking to stop, by key.
fn reachable(case: &FailoverCase) -> Vec<&Instance> {
    let mut replicas: Vec<&Instance> = case
        .replicas
        .iter()
        .map(AsRef::as_ref)
        .filter(|replica| replica.is_last_check_valid() && replica.is_replica() && replica.key != case.failed)
        .collect();
    replicas.sort_by(|a, b| a.key.cmp(&b.key));
    replicas.dedup_by(|a, b| a.key == b.key);
    replicas
}

/// Longest wait for the relay log of a server. A configured delay is waited out on top: it cannot be hurried without
/// losing what is in the relay log.
fn drain_limit(case: &FailoverCase, replica: &Instance) -> Duration {
    if case.policy.delay_if_applier_behind {
        return DELAY_TIME;
    }
    case.policy.drain_timeout.max(Duration::from_secs(1))
        + Duration::from_secs(replica.replication.sql_delay.into())
}

/// Adds the steps after which a server has applied what it received; returns the last of them, if any.
pub(crate) fn push_drain(
    plan: &mut Plan,
    replica: &Instance,
    target: &DrainTarget,
    limit: Duration,
    after: &[StepId],
) -> Vec<StepId> {
    let wait = match target {
        DrainTarget::Gtid(set) => Action::WaitExecutedGtid(set.clone()),
        DrainTarget::RelayLog => Action::WaitApplied,
        DrainTarget::Nothing => return after.to_vec(),
    };
    let mut after = after.to_vec();
    if !replica.replication.sql_thread.is_running() {
        let reason = "it cannot apply its relay log while the applier is stopped";
        after = vec![plan.push(
            &replica.key,
            Action::StartReplication(Threads::Applier),
            &after,
            CHANGE_TIME,
            reason,
        )];
    }
    vec![plan.push(&replica.key, wait, &after, limit, "nothing that was received may be lost")]
}

fn push_catch_up(plan: &mut Plan, case: &FailoverCase, choice: &Choice, after: &[StepId]) -> Vec<StepId> {
    let Some(catch_up) = &choice.catch_up else { return after.to_vec() };
    let key = &choice.candidate.key;
    let keep = |source: &InstanceKey| Action::ChangeSource {
        source: source.clone(),
        position: SourcePosition::Keep,
    };
    let why = format!("{} has transactions that {key} lacks", catch_up.donor.key);
    let (after, limit) = partial::push_drop(plan, &choice.candidate, Some(&catch_up.donor.key), after);
    let stop = plan.push(key, Action::StopReplication(Threads::Both), &after, limit, why.clone());
    if let Some(step) = plan.last_mut() {
        step.compensation = Some(Action::StartReplication(Threads::Applier));
    }
    let change = plan.push(key, keep(&catch_up.donor.key), &[stop], CHANGE_TIME, why.clone());
    if let Some(step) = plan.last_mut() {
        step.preconditions.push(Condition::LeaseHeld);
        step.compensation = Some(keep(&case.failed));
    }
    let start = plan.push(key, Action::StartReplication(Threads::Both), &[change], CHANGE_TIME, why);
    if let Some(step) = plan.last_mut() {
        step.compensation = Some(Action::StopReplication(Threads::Both));
    }
    let limit = drain_limit(case, &choice.candidate);
    let wait = plan.push(
        key,
        Action::WaitExecutedGtid(catch_up.until.clone()),
        &[start],
        limit,
        "it must have everything that any replica received",
    );
    vec![wait]
}

/// Fences the servers that could accept writes beside the new primary.
fn push_fence(plan: &mut Plan, case: &FailoverCase, choice: &Choice, after: &[StepId]) {
    if !case.policy.apply_promotion {
        return;
    }
    let with_super = case.policy.use_super_read_only;
    let fence = Action::SetReadOnly { on: true, with_super };
    plan.push(
        &case.failed,
        fence.clone(),
        after,
        FENCE_TIME,
        "it must not accept writes beside the new primary, should it still live",
    );
    if let Some(step) = plan.last_mut() {
        step.on_failure = OnFailure::Note;
        if case.old_primary.as_ref().is_none_or(|old| !old.read_only) {
            step.compensation = Some(Action::SetReadOnly { on: false, with_super });
        }
    }
    if let FailoverKind::CoPrimary { other } = &case.kind
        && *other != choice.candidate.key
        && choice.observed.contains_key(other)
    {
        plan.push(
            other,
            fence,
            after,
            CHANGE_TIME,
            "only one of the former co-primaries' replicas becomes writable",
        );
        if let Some(step) = plan.last_mut()
            && choice.observed.get(other).is_some_and(|observed| !observed.read_only)
        {
            step.compensation = Some(Action::SetReadOnly { on: false, with_super });
        }
    }
}

/// The last `count` steps give their server up when they fail.
pub(crate) fn lose_on_failure(plan: &mut Plan, count: usize) {
    for step in plan.steps.iter_mut().rev().take(count) {
        step.on_failure = OnFailure::LoseServer;
    }
}
