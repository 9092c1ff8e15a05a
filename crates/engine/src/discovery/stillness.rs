//! For how long the receiver and the applier of a replica are known to stand still.
//!
//! Proven by comparing reads, and timed by this process's monotonic clock: a wall clock that is set is no silence.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use model::{Instance, InstanceKey, Replication};
use tokio::time::Instant;

/// What a loaded machine may add to one heartbeat period before no heartbeat counts as none.
const HEARTBEAT_MARGIN: Duration = Duration::from_millis(200);

/// When a read took place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReadTime {
    /// The question was sent after this.
    pub(crate) began: Instant,
    /// The answer was there.
    pub(crate) ended: Instant,
}

/// Since when each replica stands still. One entry per server that was read.
#[derive(Debug, Default)]
pub(crate) struct Stillness {
    servers: Mutex<BTreeMap<InstanceKey, Since>>,
}

/// Ends of the first reads that showed what is still so.
#[derive(Clone, Copy, Debug)]
struct Since {
    receiver: Instant,
    applier: Instant,
}

impl Stillness {
    /// Compares a read with the one before it, and notes in it for how long at least nothing has moved.
    pub(crate) fn observe(&self, former: Option<&Instance>, current: &mut Instance, time: ReadTime) {
        let mut servers = self.servers.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Since { receiver: time.ended, applier: time.ended };
        let since = servers.entry(current.key.clone()).or_insert(now);
        if !former.is_some_and(|former| is_receiver_unmoved(former, current)) {
            since.receiver = time.ended;
        }
        if !former.is_some_and(|former| is_applier_unmoved(former, current)) {
            since.applier = time.ended;
        }
        current.replication.receiver_idle =
            receiver_idle(current, time.began.saturating_duration_since(since.receiver));
        current.replication.applier_idle = time.began.saturating_duration_since(since.applier);
    }

    /// Nothing is remembered of a server that is no longer observed.
    pub(crate) fn forget(&self, key: &InstanceKey) {
        self.servers.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

/// The time over which reads saw nothing move, or what the replica itself tells. That may reach back before its present
/// connection, so it counts once the connection has lasted, silent, for longer than a heartbeat takes. The age of the last
/// heartbeat says nothing here: a busy source sends events instead of heartbeats.
fn receiver_idle(current: &Instance, seen: Duration) -> Duration {
    let Some(heartbeat) = &current.replication.heartbeat else { return seen };
    let told = heartbeat.silent_for.filter(|_| seen > heartbeat.period + HEARTBEAT_MARGIN);
    seen.max(told.unwrap_or_default())
}

/// How long until a next read of a connected receiver may prove that its source is silent, if nothing comes; `None` when
/// its source owes no heartbeats.
pub(crate) fn until_silent(replication: &Replication) -> Option<Duration> {
    let (limit, heartbeat) = (replication.silence_limit()?, replication.heartbeat.as_ref()?);
    let by_reads = limit.saturating_sub(replication.receiver_idle);
    let by_word = heartbeat.silent_for.map(|told| {
        let connection = heartbeat.period + HEARTBEAT_MARGIN;
        limit.saturating_sub(told).max(connection.saturating_sub(replication.receiver_idle))
    });
    Some(by_word.map_or(by_reads, |by_word| by_word.min(by_reads)))
}

fn is_receiver_unmoved(former: &Instance, current: &Instance) -> bool {
    let (before, now) = (&former.replication, &current.replication);
    let received =
        |replication: &Replication| replication.heartbeat.as_ref().map(|heartbeat| heartbeat.received);
    before.io_thread.is_running()
        && now.io_thread.is_running()
        && former.primary_key == current.primary_key
        && before.read == now.read
        && before.retrieved_gtid == now.retrieved_gtid
        && received(now).is_some()
        && received(before) == received(now)
}

/// The applier runs and something waits for it, but it applies nothing.
fn is_applier_unmoved(former: &Instance, current: &Instance) -> bool {
    let waits = |instance: &Instance| {
        instance.replication.sql_thread.is_running() && !instance.is_applier_up_to_date()
    };
    waits(former)
        && waits(current)
        && current.replication.sql_delay == 0
        && former.primary_key == current.primary_key
        && former.replication.exec == current.replication.exec
        && former.replication.relay == current.replication.relay
        && former.executed_gtid == current.executed_gtid
        && former.mariadb_gtid_position == current.mariadb_gtid_position
}

#[cfg(test)]
mod tests {
    use model::{BinlogCoordinates, ReceiverHeartbeat, ThreadState};

    use super::*;

    struct Replica {
        stillness: Stillness,
        last: Option<Instance>,
        start: Instant,
    }

    impl Replica {
        fn new() -> Self {
            Self { stillness: Stillness::default(), last: None, start: Instant::now() }
        }

        /// Reads at that time: how long nothing came.
        fn read(&mut self, at_ms: u64, took_ms: u64, position: u64, silent_ms: Option<u64>) -> Duration {
            let mut instance = Instance::unknown(InstanceKey::new("replica", 3306));
            instance.primary_key = InstanceKey::new("primary", 3306);
            let replication = &mut instance.replication;
            replication.io_thread = ThreadState::Running;
            replication.read = BinlogCoordinates::binary("binlog.000001".to_owned(), position);
            replication.heartbeat = Some(ReceiverHeartbeat {
                period: Duration::from_secs(1),
                received: 7,
                age: None,
                silent_for: silent_ms.map(Duration::from_millis),
            });
            let began = self.start + Duration::from_millis(at_ms);
            let time = ReadTime { began, ended: began + Duration::from_millis(took_ms) };
            self.stillness.observe(self.last.as_ref(), &mut instance, time);
            let idle = instance.replication.receiver_idle;
            self.last = Some(instance);
            idle
        }
    }

    #[test]
    fn only_time_between_equal_reads_counts_and_the_time_they_took_does_not() {
        let mut replica = Replica::new();
        assert_eq!(replica.read(0, 300, 4, None), Duration::ZERO);
        assert_eq!(replica.read(1_000, 900, 4, None), Duration::from_millis(700));
        assert_eq!(replica.read(2_500, 10, 4, None), Duration::from_millis(2_200));
        assert_eq!(replica.read(3_000, 10, 5, None), Duration::ZERO);
    }

    #[test]
    fn what_the_replica_tells_counts_after_a_heartbeat_is_missing() {
        let mut replica = Replica::new();
        // Just reconnected after an hour: an old age, and nothing came on this connection yet.
        assert_eq!(replica.read(0, 0, 4, Some(3_600_000)), Duration::ZERO);
        assert_eq!(replica.read(1_100, 0, 4, Some(3_601_100)), Duration::from_millis(1_100));
        assert_eq!(replica.read(1_300, 0, 4, Some(1_900)), Duration::from_millis(1_900));
    }
}
