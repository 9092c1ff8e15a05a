//! When servers are read: each one a poll interval after its last read ended, at most so many at once, the dead ones
//! in a lane of their own so that time-outs never hold up healthy servers.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use model::InstanceKey;
use ports::Deadline;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::Instant;
use tracing::debug;

use crate::Engine;

/// How soon a node that comes to act reads its servers.
const PASSIVE_PAUSE: Duration = Duration::from_secs(1);
/// Reads that are begun together on average, because being woken costs as much as half a read.
const TOGETHER: u32 = 4;
/// Most by which a read comes early for that: this part of the poll interval, and this time.
const TOGETHER_PART: u32 = 50;
const TOGETHER_MAX: Duration = Duration::from_millis(100);
/// Fewest slots of the dead lane.
const DEAD_SLOTS_MIN: usize = 16;

/// A read that has ended.
pub(super) struct Done {
    key: InstanceKey,
    /// The instance is kept under this key now.
    settled: Option<InstanceKey>,
}

#[derive(Default)]
struct Schedule {
    due: BinaryHeap<Reverse<(Instant, InstanceKey)>>,
    /// The moment each key is scheduled for; older heap entries of a key are void.
    planned: BTreeMap<InstanceKey, Instant>,
    running: BTreeSet<InstanceKey>,
    /// Servers that have their place in the poll interval.
    placed: BTreeSet<InstanceKey>,
}

impl Schedule {
    fn plan(&mut self, key: InstanceKey, at: Instant) {
        self.planned.insert(key.clone(), at);
        self.due.push(Reverse((at, key)));
    }

    /// Plans unless an earlier read is planned already: one asked for a moment ago stays.
    fn plan_no_later(&mut self, key: InstanceKey, at: Instant) {
        if self.planned.get(&key).is_none_or(|planned| *planned > at) {
            self.plan(key, at);
        }
    }

    /// The distance from a server's first read to its second puts it in its place in the interval, so that servers found
    /// together are read one after the other: one replica tells of what befell all of them before the last one's turn.
    fn distance(&mut self, key: &InstanceKey, poll: Duration) -> Duration {
        if self.placed.insert(key.clone()) { poll.mul_f64(place(key)) } else { poll }
    }

    /// By how much reads may come early: the time in which [`TOGETHER`] of them are due on average.
    fn together(&self, poll: Duration) -> Duration {
        let servers = u32::try_from(self.planned.len()).unwrap_or(u32::MAX).max(1);
        (poll / servers * TOGETHER).min(poll / TOGETHER_PART).min(TOGETHER_MAX)
    }

    fn next_due(&self) -> Option<Instant> {
        self.due.peek().map(|Reverse((at, _))| *at)
    }

    /// Takes the next key whose moment has come and that is not being read.
    ///
    /// A read under way answers what was asked for meanwhile: its end plans the next one, so nothing may stay planned
    /// without a heap entry, or the server would never be read again.
    fn pop_due(&mut self, now: Instant) -> Option<InstanceKey> {
        while let Some(Reverse((at, _))) = self.due.peek() {
            if *at > now {
                return None;
            }
            let Reverse((at, key)) = self.due.pop()?;
            if self.planned.get(&key) != Some(&at) {
                continue;
            }
            self.planned.remove(&key);
            if !self.running.contains(&key) {
                return Some(key);
            }
        }
        None
    }
}

/// A share of the poll interval, the same for a server each time: FNV-1a of its name.
fn place(key: &InstanceKey) -> f64 {
    let hash = key.to_string().bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    // The upper bits are the well mixed ones.
    let share = u32::try_from(hash >> 40).unwrap_or_default();
    f64::from(share) / f64::from(1_u32 << 24)
}

impl Engine {
    /// Polls for as long as the process lives. Seeds and everything already in the fleet come first, at once.
    pub async fn poll_forever(self, seeds: Vec<InstanceKey>) {
        self.inner.is_polling.store(true, Ordering::Relaxed);
        let compiled = self.compiled();
        let healthy = Arc::new(Semaphore::new(compiled.poll_slots));
        let dead = Arc::new(Semaphore::new(
            compiled.dead_slots.unwrap_or((compiled.poll_slots / 4).max(DEAD_SLOTS_MIN)),
        ));
        let (done_sender, mut done) = mpsc::channel::<Done>(1_024);
        let mut schedule = Schedule::default();
        let now = Instant::now();
        let known: BTreeSet<InstanceKey> =
            self.fleet().iter().map(|instance| instance.key.clone()).chain(seeds).collect();
        for key in known {
            schedule.plan(key, now);
        }
        let mut refused = 0;
        loop {
            let soon = Instant::now() + schedule.together(self.compiled().analysis.poll);
            while let Some(key) = schedule.pop_due(soon) {
                if !self.may_act() {
                    // It stays in the schedule, so that polling goes on as soon as this node may act (again).
                    schedule.plan(key, Instant::now() + self.compiled().analysis.poll.min(PASSIVE_PAUSE));
                } else if self.should_poll(&key) {
                    schedule.running.insert(key.clone());
                    self.start_poll(key, &healthy, &dead, done_sender.clone());
                }
            }
            let next = schedule.next_due().unwrap_or_else(|| Instant::now() + Duration::from_secs(1));
            tokio::select! {
                // Fixed order: the same events give the same history.
                biased;
                Some(ended) = done.recv() => self.reschedule(&mut schedule, ended),
                requested = self.inner.read_requests.take() => {
                    for key in requested {
                        schedule.plan(key, Instant::now());
                    }
                }
                found = self.inner.newcomers.take() => {
                    // Read a moment ago.
                    for key in found {
                        if !schedule.planned.contains_key(&key) && !schedule.running.contains(&key) {
                            let distance = schedule.distance(&key, self.compiled().analysis.poll);
                            schedule.plan(key, Instant::now() + distance);
                        }
                    }
                }
                () = tokio::time::sleep_until(next) => {}
            }
            let refused_now = self.inner.read_requests.refused() + self.inner.newcomers.refused();
            if refused_now != refused {
                refused = refused_now;
                self.plan_the_forgotten(&mut schedule);
            }
        }
    }

    /// The queue was full: what was refused and is in the fleet is read in the next round. The others are named again
    /// by their neighbours.
    fn plan_the_forgotten(&self, schedule: &mut Schedule) {
        let at = Instant::now() + self.compiled().analysis.poll;
        let keys: Vec<InstanceKey> = self.fleet().iter().map(|instance| instance.key.clone()).collect();
        for key in keys {
            if !schedule.planned.contains_key(&key) && !schedule.running.contains(&key) {
                schedule.plan(key, at);
            }
        }
    }

    fn should_poll(&self, key: &InstanceKey) -> bool {
        key.is_valid() && !self.is_forgotten(key) && !self.compiled().ignores_host(key)
    }

    fn start_poll(
        &self,
        key: InstanceKey,
        healthy: &Arc<Semaphore>,
        dead: &Arc<Semaphore>,
        done: mpsc::Sender<Done>,
    ) {
        let slots = if self.inner.dead.contains(&key) { dead.clone() } else { healthy.clone() };
        self.inner.supervisor.start_loop("poll", self.clone().poll_one(key, slots, done));
    }

    /// Reads a server as soon as there is a free slot. Thousands may wait for one, so what waits is small.
    pub(super) async fn poll_one(self, key: InstanceKey, slots: Arc<Semaphore>, done: mpsc::Sender<Done>) {
        let waiting = self.metrics().discovery_queue.enter();
        let Ok(_slot) = slots.acquire_owned().await else { return };
        drop(waiting);
        let _active = self.metrics().discoveries_active.enter();
        let settled = match Box::pin(self.read_instance(&key, self.read_deadline())).await {
            Ok(instance) => Some(instance.key.clone()),
            Err(error) => {
                debug!(instance = %key, error = %error, "poll failed");
                None
            }
        };
        // The receiver lives as long as the loop; a closed channel means shutdown.
        let _ = done.send(Done { key, settled }).await;
    }

    fn reschedule(&self, schedule: &mut Schedule, ended: Done) {
        schedule.running.remove(&ended.key);
        let key = ended.settled.unwrap_or(ended.key);
        let fleet = self.fleet();
        if fleet.get(&key).is_none() && !self.compiled().is_seed(&key) {
            // Read once because a neighbour named it, and not readable: the neighbour will name it again.
            schedule.placed.remove(&key);
            return;
        }
        drop(fleet);
        let poll = self.compiled().analysis.poll;
        let distance = if self.inner.dead.contains(&key) {
            self.dead_distance(&key)
        } else {
            schedule.distance(&key, poll)
        };
        let at = Instant::now() + distance;
        schedule.plan_no_later(key, at);
    }

    /// Distance to the next read of a dead server. A server that others replicate from is under analysis: no back-off.
    fn dead_distance(&self, key: &InstanceKey) -> Duration {
        let compiled = self.compiled();
        let has_replicas = self.fleet().replicas_of(key).next().is_some();
        if has_replicas || !self.inner.dead.is_backing_off(key) {
            return compiled.analysis.poll;
        }
        self.inner.dead.remaining(key).max(compiled.analysis.poll)
    }

    /// Reads a server outside the schedule because something is wrong, at most once a second per server.
    pub(crate) async fn emergency_read(&self, key: &InstanceKey, reason: &str) {
        if !self.inner.emergency_reads.admit(key) {
            return;
        }
        self.metrics().emergency_reads.increment();
        let deadline = Deadline::after(self.compiled().reasonable_check);
        if let Err(error) = self.read_instance(key, deadline).await {
            debug!(instance = %key, error = %error, "emergency read failed");
        }
        self.audit("emergently-read-topology-instance", Some(key), reason).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> InstanceKey {
        InstanceKey::new("db", 3306)
    }

    #[test]
    fn a_read_asked_for_during_a_read_does_not_end_the_polling_of_that_server() {
        let (mut schedule, now) = (Schedule::default(), Instant::now());
        schedule.plan(key(), now);
        assert_eq!(schedule.pop_due(now), Some(key()));
        schedule.running.insert(key());
        schedule.plan(key(), now);
        assert_eq!(schedule.pop_due(now), None);
        schedule.running.remove(&key());
        let next = now + Duration::from_secs(5);
        schedule.plan_no_later(key(), next);
        assert_eq!((schedule.pop_due(now), schedule.pop_due(next)), (None, Some(key())));
    }

    #[test]
    fn servers_found_together_are_spread_over_the_interval_once() {
        let mut schedule = Schedule::default();
        let poll = Duration::from_secs(1);
        let mut places: Vec<Duration> =
            (0..100).map(|n| schedule.distance(&InstanceKey::new(format!("db{n}"), 3306), poll)).collect();
        places.sort();
        assert!(places.iter().all(|place| *place < poll));
        let gaps = places.windows(2).map(|pair| pair[1] - pair[0]);
        let widest = gaps.max().expect("there are gaps");
        assert!(widest < Duration::from_millis(100), "{widest:?} without a read");
        assert_eq!(schedule.distance(&InstanceKey::new("db7", 3306), poll), poll);
    }

    #[test]
    fn few_servers_wait_for_each_other_and_thousands_hardly() {
        let poll = Duration::from_secs(5);
        let together = |servers: u16, poll| {
            let mut schedule = Schedule::default();
            for port in 0..servers {
                schedule.plan(InstanceKey::new("db", port), Instant::now());
            }
            schedule.together(poll).as_millis()
        };
        assert_eq!((together(4, poll), together(100, poll), together(10_000, poll)), (100, 100, 2));
        assert_eq!((together(100, Duration::from_secs(1)), together(100, poll * 12)), (20, 100));
    }

    #[test]
    fn a_server_is_read_once_at_the_earliest_moment_planned() {
        let (mut schedule, now) = (Schedule::default(), Instant::now());
        schedule.plan(key(), now + Duration::from_secs(5));
        schedule.plan(key(), now);
        schedule.plan_no_later(key(), now + Duration::from_secs(9));
        assert_eq!(schedule.pop_due(now), Some(key()));
        assert_eq!(schedule.pop_due(now + Duration::from_secs(60)), None);
    }
}
