//! Replicas that may hold the start of a transaction whose rest never came, because the primary died while it sent it.
//!
//! MySQL's parallel applier does not stop for a minute then; see [`Action::DropPartialTransaction`].

use std::time::Duration;

use model::{Action, Flavor, GtidSet, GtidUse, Instance, InstanceKey, OnFailure, Plan, StepId};

use super::choice::Choice;
use super::phases::CHANGE_TIME;
use super::promotion::hold_lease;

/// Enough to look, to receive from elsewhere for a moment, and to end the applier if that did not help.
const DROP_TIME: Duration = Duration::from_secs(4);
/// An applier that could not be helped gives up by itself after a minute.
const STUBBORN_STOP_TIME: Duration = Duration::from_secs(65);

/// It received more than it applied and has nothing left to receive: the excess may be a part of a transaction.
fn may_hold(replica: &Instance) -> bool {
    let replication = &replica.replication;
    replica.version.flavor != Flavor::MariaDb
        && replica.gtid_use() != GtidUse::MariaDb
        && !replication.io_thread.is_running()
        && replication.sql_thread.is_running()
        && !replication.read.same_place(&replication.exec)
}

/// A replica from which the candidate can receive for a moment, because it has nothing that the candidate lacks.
pub(super) fn helper(choice: &Choice) -> Option<&InstanceKey> {
    let (held, _) = GtidSet::parse_lenient(&choice.holds);
    choice
        .repointed()
        .map(|(replica, _)| replica)
        .find(|replica| {
            let (executed, _) = GtidSet::parse_lenient(&replica.executed_gtid);
            let (received, _) = GtidSet::parse_lenient(&replica.replication.retrieved_gtid);
            replica.logs_updates()
                && replica.gtid_use() == GtidUse::Oracle
                && held.contains(&executed)
                && held.contains(&received)
        })
        .map(|replica| &replica.key)
}

/// Adds the step where it may be needed, before the replica is stopped: what stopping has to wait for, and how long it may
/// take then. A failure of the step is noted: stopping shows what comes of it.
pub(super) fn push_drop(
    plan: &mut Plan,
    replica: &Instance,
    through: Option<&InstanceKey>,
    after: &[StepId],
) -> (Vec<StepId>, Duration) {
    if !may_hold(replica) {
        return (after.to_vec(), CHANGE_TIME);
    }
    // Without GTID its place in the log would be lost by that.
    let through = through.filter(|_| replica.gtid_use() == GtidUse::Oracle).cloned();
    let stop_time = if through.is_some() { CHANGE_TIME } else { STUBBORN_STOP_TIME };
    let action = Action::DropPartialTransaction { through };
    let reason = "the failed server may have died while it sent a transaction, and the applier would wait for the rest";
    let step = plan.push(&replica.key, action, after, DROP_TIME, reason);
    hold_lease(plan);
    if let Some(step) = plan.last_mut() {
        step.on_failure = OnFailure::Note;
    }
    (vec![step], stop_time)
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{BinlogCoordinates, ServerVersion, ThreadState};

    fn replica() -> Instance {
        let mut instance = Instance::unknown(InstanceKey::new("b", 3306));
        instance.version = ServerVersion::new("9.7.4", "");
        instance.replication.oracle_gtid = true;
        instance.replication.io_thread = ThreadState::Stopped;
        instance.replication.sql_thread = ThreadState::Running;
        instance.replication.read = BinlogCoordinates::binary("log.000001", 900);
        instance.replication.exec = BinlogCoordinates::binary("log.000001", 400);
        instance
    }

    #[test]
    fn only_a_replica_with_something_unapplied_at_the_end_of_receiving_may_hold_a_part() {
        assert!(may_hold(&replica()));
        let not = |change: fn(&mut Instance)| {
            let mut instance = replica();
            change(&mut instance);
            assert!(!may_hold(&instance));
        };
        not(|i| i.replication.io_thread = ThreadState::Running);
        not(|i| i.replication.sql_thread = ThreadState::Stopped);
        not(|i| i.replication.exec = i.replication.read.clone());
        not(|i| (i.replication.oracle_gtid, i.replication.mariadb_gtid) = (false, true));
        not(|i| i.version = ServerVersion::new("11.8.6-MariaDB", ""));
    }
}
