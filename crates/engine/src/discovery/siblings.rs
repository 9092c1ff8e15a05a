//! A replica in trouble is seldom alone: its source and its siblings are read at once instead of at their next turn.

use futures_util::future::join_all;
use model::{Instance, InstanceKey, ThreadState};
use ports::Deadline;

use crate::Engine;

/// Most siblings that are read at once. Below a source with more of them their own turns tell enough.
const SIBLINGS_MAX: usize = 64;

/// A thread of the replica was stopped since the read before. A receiver that lost its source is not meant: that
/// is a matter of the source, which is looked at then.
pub(super) fn has_stopped(former: &Instance, current: &Instance) -> bool {
    let (before, now) = (&former.replication, &current.replication);
    let receiver = before.io_thread != ThreadState::Stopped && now.io_thread == ThreadState::Stopped;
    let applier = before.sql_thread.is_running() && !now.sql_thread.is_running();
    let acknowledges = former.semi_sync.replica_enabled && !current.semi_sync.replica_enabled;
    receiver || applier || acknowledges
}

impl Engine {
    /// Reads a replica's source and its siblings that are not known to be dead, at most four times a second per source.
    /// Returns at once.
    pub(super) fn look_around(&self, replica: &Instance) {
        let source = &replica.primary_key;
        if !source.is_valid() || !self.may_act() || !self.inner.sibling_looks.admit(source) {
            return;
        }
        let near: Vec<InstanceKey> = {
            let fleet = self.fleet();
            let siblings = fleet
                .replicas_of(source)
                .filter(|sibling| sibling.key != replica.key && sibling.is_last_check_valid())
                .take(SIBLINGS_MAX);
            siblings.map(|sibling| &sibling.key).chain(Some(source)).cloned().collect()
        };
        let engine = self.clone();
        self.inner.supervisor.start_loop("siblings", async move {
            let limit = Deadline::after(engine.compiled().reasonable_check);
            // What became of each is in the fleet.
            let _ = join_all(near.iter().map(|key| engine.read_instance(key, limit))).await;
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replica(io_thread: ThreadState, sql_thread: ThreadState) -> Instance {
        let mut replica = Instance::unknown(InstanceKey::new("db", 3306));
        replica.replication.io_thread = io_thread;
        replica.replication.sql_thread = sql_thread;
        replica
    }

    #[test]
    fn a_stopped_thread_is_told_from_one_that_connects() {
        use ThreadState::{Other, Running, Stopped};
        let well = replica(Running, Running);
        assert!(has_stopped(&well, &replica(Running, Stopped)));
        assert!(has_stopped(&well, &replica(Stopped, Running)));
        assert!(has_stopped(&replica(Other, Running), &replica(Stopped, Running)));
        assert!(!has_stopped(&well, &replica(Other, Running)));
        assert!(!has_stopped(&well, &well));
        let stopped = replica(Stopped, Stopped);
        assert!(!has_stopped(&stopped, &stopped));
        let mut acknowledging = well.clone();
        acknowledging.semi_sync.replica_enabled = true;
        assert!(has_stopped(&acknowledging, &well) && !has_stopped(&well, &acknowledging));
    }
}
