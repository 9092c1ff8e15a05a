//! Going through with a promotion that another process began: the server was chosen and drained, nothing else is sure.

use std::sync::Arc;

use model::{Action, FailoverPolicy, Instance, InstanceKey, Plan, Threads};

use super::partial;
use super::phases::{CHANGE_TIME, lose_on_failure};
use super::promotion::{hold_lease, lanes, push_opening, push_repoint};

/// What is left to do of a promotion, from what is observed now: whatever the former process had already done is seen
/// and left out. `observed` are the direct replicas the failed server had, as far as they can be read.
///
/// The chosen server is promoted even if another one would be chosen today: it may already have been writable.
pub fn resume_plan(
    policy: &FailoverPolicy,
    failed: &InstanceKey,
    candidate: &Instance,
    observed: &[Arc<Instance>],
) -> Plan {
    let mut plan = Plan::new("resume");
    if candidate.is_replica() {
        let reason = "its promotion had begun";
        let (after, limit) = partial::push_drop(&mut plan, candidate, None, &[]);
        let stop = plan.push(&candidate.key, Action::StopReplication(Threads::Both), &after, limit, reason);
        hold_lease(&mut plan);
        if policy.apply_promotion {
            push_opening(&mut plan, policy, candidate, &[stop]);
        }
    } else if candidate.read_only && policy.apply_promotion {
        let with_super = policy.use_super_read_only || candidate.super_read_only == Some(true);
        let open = Action::SetReadOnly { on: false, with_super };
        plan.push(&candidate.key, open, &[], CHANGE_TIME, "its promotion had begun");
        hold_lease(&mut plan);
    }
    let mut lanes = lanes(policy);
    let width = lanes.len();
    let mut replicas: Vec<&Arc<Instance>> =
        observed.iter().filter(|replica| replica.key != candidate.key && replica.key != *failed).collect();
    replicas.sort_by(|a, b| a.key.cmp(&b.key));
    for (at, replica) in replicas.into_iter().enumerate() {
        let lane = &mut lanes[at % width];
        let after: Vec<_> = lane.iter().copied().collect();
        if replica.primary_key == *failed {
            let reason = format!("{} takes the place of {failed}", candidate.key);
            *lane = Some(push_repoint(&mut plan, replica, &candidate.key, &after, &reason));
        } else if replica.primary_key == candidate.key && !replica.is_replicating() {
            let start = Action::StartReplication(Threads::Both);
            *lane = Some(plan.push(
                &replica.key,
                start,
                &after,
                CHANGE_TIME,
                "it was re-pointed and not started",
            ));
            lose_on_failure(&mut plan, 1);
        }
    }
    plan
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{BinlogCoordinates, ThreadState};

    fn replica(name: &str, source: &str) -> Instance {
        let mut instance = Instance::unknown(InstanceKey::new(name, 3306));
        instance.primary_key = InstanceKey::new(source, 3306);
        instance.replication.oracle_gtid = true;
        instance.replication.read = BinlogCoordinates::binary("log.000001", 4);
        instance.replication.io_thread = ThreadState::Stopped;
        instance.replication.sql_thread = ThreadState::Stopped;
        instance.read_only = true;
        instance
    }

    fn policy() -> FailoverPolicy {
        crate::failover::scenario::policy()
    }

    #[test]
    fn a_promotion_that_had_only_begun_is_done_whole() {
        let failed = InstanceKey::new("a", 3306);
        let (candidate, other) = (replica("b", "a"), Arc::new(replica("c", "a")));
        let plan = resume_plan(&policy(), &failed, &candidate, &[Arc::new(candidate.clone()), other]);
        assert!(plan.steps.iter().any(|step| step.server == candidate.key && step.action.opens_writes()));
        assert!(plan.steps.iter().any(|step| {
            matches!(&step.action, Action::ChangeSource { source, .. } if *source == candidate.key)
        }));
    }

    #[test]
    fn what_was_done_is_not_done_again() {
        let failed = InstanceKey::new("a", 3306);
        let mut candidate = replica("b", "a");
        candidate.primary_key = InstanceKey::none();
        candidate.read_only = false;
        let other = Arc::new(replica("c", "b"));
        let plan = resume_plan(&policy(), &failed, &candidate, std::slice::from_ref(&other));
        let steps: Vec<String> =
            plan.steps.iter().map(|step| format!("{}: {}", step.server, step.action)).collect();
        assert_eq!(steps, [format!("{}: start replication", other.key)]);
    }
}
