//! Former primaries that could not be made read-only while they were replaced, and servers whose promotion was given up:
//! they are made read-only as soon as they answer, so that no two servers of a cluster accept writes.
//!
//! One that was seen read-only is left alone, since whoever opens it later means it, unless it was started again: then its
//! configuration opened it.

use std::collections::BTreeMap;
use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use model::{Action, Instance, InstanceKey, Recovery, Timestamp};
use ports::{Deadline, RecoveryQuery};
use tokio::time::{Instant, MissedTickBehavior, interval};
use tracing::{info, warn};

use super::release::restarted_since;
use crate::Engine;

const TICK: Duration = Duration::from_secs(1);
/// First and longest pause after a look at a server that did not answer. The poll looks, too.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// A server that did not return within this time after its recovery is left to people.
const LOOK_FOR: Duration = Duration::from_secs(24 * 3600);
/// A server that was seen later than this after the recovery was looked after by whoever saw it: it is only closed again
/// when it was started again.
const SEEN_SINCE: Duration = Duration::from_secs(5);
/// How often the recoveries of other processes (commands, former nodes) are looked through.
const RELOAD: Duration = Duration::from_secs(60);

/// A former primary that may accept writes, and who replaced it.
#[derive(Clone, Debug)]
pub(crate) struct LateFence {
    uid: String,
    promoted: InstanceKey,
    until: Timestamp,
    /// It never led: its promotion was given up. As a replica, of whomever, it is left alone.
    was_given_up: bool,
    /// When it was read-only.
    closed_at: Option<Timestamp>,
    next: Instant,
    pause: Duration,
}

impl LateFence {
    /// Of a server that may be open since this moment.
    fn new(uid: &str, promoted: &InstanceKey, since: Timestamp) -> Self {
        Self {
            uid: uid.to_owned(),
            promoted: promoted.clone(),
            until: since + LOOK_FOR,
            was_given_up: false,
            closed_at: None,
            next: Instant::now() + FIRST_PAUSE,
            pause: FIRST_PAUSE,
        }
    }
}

/// How a look at a former primary ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// Nothing more is to be done.
    Settled,
    /// It is read-only.
    Closed,
    /// To be looked at again.
    Later,
}

impl Engine {
    /// A server was replaced: it is to be made read-only as soon as it answers, unless it said that it is; `is_planned`
    /// when it became a replica.
    pub(super) fn fence_later(
        &self,
        uid: &str,
        failed: &InstanceKey,
        promoted: &InstanceKey,
        is_fenced: bool,
        is_planned: bool,
    ) {
        let now = self.now();
        note_promotion(&mut self.late_fences(), failed, promoted);
        self.follow_successor(failed, promoted);
        if !is_planned && self.compiled().failover.apply_promotion {
            info!(instance = %failed, recovery = uid, is_fenced, "a former primary; it is kept read-only when it answers");
            let entry =
                LateFence { closed_at: is_fenced.then_some(now), ..LateFence::new(uid, promoted, now) };
            self.late_fences().insert(failed.clone(), entry);
        }
    }

    /// The promotion of a server was given up, and the one it was to replace leads again, or whoever replaces that one:
    /// should the server be open when it answers, it is closed, unless it replicates.
    pub(super) fn close_candidate_later(&self, uid: &str, candidate: &InstanceKey, primary: &InstanceKey) {
        note_promotion(&mut self.late_fences(), candidate, primary);
        if self.compiled().failover.apply_promotion {
            info!(instance = %candidate, recovery = uid, "its promotion was given up; it is kept read-only when it answers");
            let entry = LateFence { was_given_up: true, ..LateFence::new(uid, primary, self.now()) };
            self.late_fences().insert(candidate.clone(), entry);
        }
    }

    fn late_fences(&self) -> MutexGuard<'_, BTreeMap<InstanceKey, LateFence>> {
        self.inner.late_fences.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks after former primaries for as long as the process lives.
    pub(crate) async fn fence_forever(self) {
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut loaded: Option<Instant> = None;
        loop {
            tick.tick().await;
            if !self.may_act() {
                // What this node began it keeps in mind: nobody else may have acted.
                loaded = None;
                continue;
            }
            if loaded.is_none_or(|at| at.elapsed() >= RELOAD) {
                match self.load_late_fences().await {
                    Ok(()) => loaded = Some(Instant::now()),
                    Err(error) => warn!(error = %error, "cannot look for former primaries yet"),
                }
            }
            let due = self.take_due_fences();
            let looks = due.iter().map(|(failed, fence)| self.fence_late(failed, fence));
            for ((failed, fence), outcome) in due.iter().zip(join_all(looks).await) {
                let closed_at = self.now();
                let mut fences = self.late_fences();
                let Some(known) = fences.get_mut(failed).filter(|known| known.uid == fence.uid) else {
                    continue;
                };
                match outcome {
                    Outcome::Later => {}
                    Outcome::Closed => known.closed_at = Some(closed_at),
                    Outcome::Settled => drop(fences.remove(failed)),
                }
            }
        }
    }

    /// What recoveries of other processes left: former primaries not seen open since they were replaced.
    async fn load_late_fences(&self) -> Result<(), ports::StoreError> {
        let query =
            RecoveryQuery::Page { cluster_name: None, cluster_alias: None, unacknowledged: false, page: 0 };
        let recoveries = self.store().recoveries(query, self.now()).await?;
        let known = self.late_fences().clone();
        let mut found = BTreeMap::new();
        // Oldest first: later ones replace those promoted before.
        for recovery in recoveries.iter().rev() {
            self.find_unfenced(recovery, &mut found);
        }
        found.extend(known);
        *self.late_fences() = found;
        Ok(())
    }

    fn find_unfenced(&self, recovery: &Recovery, found: &mut BTreeMap<InstanceKey, LateFence>) {
        let Some(end) = recovery.end.filter(|_| super::gates::replaces_a_primary(recovery)) else { return };
        let failed = &recovery.case.key;
        // A failed recovery lost nobody but the server whose promotion it gave up.
        let pairs: Vec<(&InstanceKey, &InstanceKey)> = if recovery.is_successful {
            recovery.successor.iter().map(|promoted| (failed, promoted)).collect()
        } else {
            recovery.lost_replicas.iter().map(|candidate| (candidate, failed)).collect()
        };
        for (replaced, leader) in pairs {
            note_promotion(found, replaced, leader);
            let Some(server) = self.fleet().get(replaced).cloned() else { continue };
            let closed_at = match Since::of(&server, end) {
                Since::Unseen => None,
                Since::Closed(at) => Some(at),
                Since::Handled => continue,
            };
            if self.compiled().failover.apply_promotion {
                let entry = LateFence {
                    was_given_up: !recovery.is_successful,
                    closed_at,
                    next: Instant::now(),
                    ..LateFence::new(&recovery.uid, leader, end)
                };
                found.insert(replaced.clone(), entry);
            }
        }
    }

    /// Those that a read found alive, and those whose pause is over; of those that were closed, the ones that were started
    /// again and are open. Drops those whose time is over.
    fn take_due_fences(&self) -> Vec<(InstanceKey, LateFence)> {
        let (now, at) = (self.now(), Instant::now());
        let fleet = self.fleet();
        let mut fences = self.late_fences();
        fences.retain(|failed, fence| now < fence.until && fleet.get(failed).is_some());
        let mut due = Vec::new();
        for (failed, fence) in fences.iter_mut() {
            let answering = fleet.get(failed).filter(|server| server.is_last_check_valid());
            let is_due = match fence.closed_at {
                None => answering.is_some() || fence.next <= at,
                Some(closed_at) => {
                    answering.is_some_and(|server| !server.read_only && restarted_since(server, closed_at))
                }
            };
            if is_due {
                due.push((failed.clone(), fence.clone()));
                fence.next = at + fence.pause;
                fence.pause = (fence.pause * 2).min(LONGEST_PAUSE);
            }
        }
        due
    }

    async fn fence_late(&self, failed: &InstanceKey, fence: &LateFence) -> Outcome {
        let limit = self.read_deadline();
        let Ok(former) = self.read_instance(failed, limit).await else { return Outcome::Later };
        if former.is_replica() && (fence.was_given_up || former.primary_key != fence.promoted) {
            return Outcome::Settled;
        }
        if former.read_only {
            return Outcome::Closed;
        }
        let Ok(primary) = self.read_instance(&fence.promoted, limit).await else { return Outcome::Later };
        if primary.is_replica() {
            return Outcome::Settled;
        }
        // One that is closed does not take writes beside it; somebody may be handing back.
        if primary.read_only || !self.may_act() {
            return Outcome::Later;
        }
        let Ok(_lock) = self.lock_cluster(&primary.cluster_name, "closing a former primary") else {
            return Outcome::Later;
        };
        if self.late_fences().get(failed).is_none_or(|known| known.promoted != fence.promoted) {
            return Outcome::Later;
        }
        let with_super = self.compiled().failover.use_super_read_only;
        let action = Action::SetReadOnly { on: true, with_super };
        let deadline = Deadline::after(self.compiled().action_timeout);
        if let Err(error) = self.act_on(failed, &action, deadline).await {
            warn!(instance = %failed, error = %error, "a former primary answers and cannot be made read-only yet");
            return Outcome::Later;
        }
        let text = format!("{failed} answers again and is read-only now: {} is the primary", fence.promoted);
        warn!(instance = %failed, promoted = %fence.promoted, "a former primary came back writable; it is read-only now");
        self.write_step(&fence.uid, text.clone()).await;
        self.audit("recover-dead-master", Some(failed), text).await;
        // The poll goes on if this read fails.
        let _ = self.read_instance(failed, limit).await;
        Outcome::Closed
    }
}

/// What is on record of a server since the recovery that replaced it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Since {
    /// Nobody looked after it yet.
    Unseen,
    /// It was read-only at that moment. When it was started again since, its configuration may have opened it.
    Closed(Timestamp),
    /// Somebody took it in hand: it was opened, is a replica, or leads others. Whoever did that means it.
    Handled,
}

impl Since {
    fn of(server: &Instance, end: Timestamp) -> Self {
        match server.last_seen.filter(|seen| *seen >= end + SEEN_SINCE) {
            None => Self::Unseen,
            Some(_) if server.is_replica() || server.replica_count() > 0 => Self::Handled,
            Some(seen) if server.read_only => Self::Closed(seen),
            Some(_) if restarted_since(server, end) => Self::Closed(end),
            Some(_) => Self::Handled,
        }
    }
}

/// A server took the place of another: it is no former primary any more, and whoever the other one had replaced has a new
/// successor.
fn note_promotion(
    fences: &mut BTreeMap<InstanceKey, LateFence>,
    failed: &InstanceKey,
    promoted: &InstanceKey,
) {
    fences.remove(promoted);
    for fence in fences.values_mut().filter(|fence| fence.promoted == *failed) {
        fence.promoted = promoted.clone();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> InstanceKey {
        InstanceKey::new(name, 3306)
    }

    fn fence(promoted: &str) -> LateFence {
        LateFence::new("", &key(promoted), Timestamp::from_secs(9))
    }

    #[test]
    fn one_that_was_seen_closed_is_looked_after_when_it_was_started_again() {
        let end = Timestamp::from_secs(100);
        let mut server = Instance::unknown(key("a"));
        assert_eq!(Since::of(&server, end), Since::Unseen, "never");
        for (seen, read_only, expected) in [
            (104, true, Since::Unseen),
            (105, true, Since::Closed(Timestamp::from_secs(105))),
            (105, false, Since::Handled),
        ] {
            server.last_seen = Some(Timestamp::from_secs(seen));
            server.read_only = read_only;
            assert_eq!(Since::of(&server, end), expected, "{seen} {read_only}");
        }
        server.last_checked = server.last_seen;
        server.uptime = 3;
        assert_eq!(Since::of(&server, end), Since::Closed(end), "open since it was started again");
        server.replicas = [key("c")].into();
        assert_eq!(Since::of(&server, end), Since::Handled, "it leads others");
        server.read_only = true;
        server.primary_key = key("b");
        server.replication.oracle_gtid = true;
        assert_eq!(Since::of(&server, end), Since::Handled, "a replica");
    }

    #[tokio::test]
    async fn a_former_primary_follows_the_line_of_successors() {
        let mut fences = BTreeMap::from([(key("a"), fence("b")), (key("x"), fence("y"))]);
        note_promotion(&mut fences, &key("b"), &key("c"));
        assert_eq!((&fences[&key("a")].promoted, &fences[&key("x")].promoted), (&key("c"), &key("y")));
        note_promotion(&mut fences, &key("c"), &key("a"));
        assert!(!fences.contains_key(&key("a")) && fences.contains_key(&key("x")));
    }
}
