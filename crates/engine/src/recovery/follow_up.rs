//! Replicas that could not be read, or not be changed, while their source was replaced: when they return they are put
//! below the new primary, or set aside if they cannot follow it.
//!
//! What is known of them is bound to the promotion that left them behind, and to those that followed it: once the new
//! primary is one no more without having been replaced by us, or somebody moved the replica, nothing is done.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use decide::failover;
use model::{
    Action, Command, Condition, Downtime, Instance, InstanceKey, OnFailure, Plan, Recovery, ThreadState,
    Threads, Timestamp,
};
use ports::{Deadline, RecoveryQuery};
use tokio::time::{Instant, MissedTickBehavior, interval};
use tracing::{info, warn};

use crate::Engine;

const TICK: Duration = Duration::from_secs(1);
/// First and longest pause after an attempt that failed.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// A replica that was seen later than this after the recovery was left below the failed server by somebody.
const SEEN_SINCE: Duration = Duration::from_secs(600);
/// Pages of recoveries that a new process looks through.
const PAGES: u32 = 5;

/// A replica left behind, and by what.
#[derive(Clone, Debug)]
pub(crate) struct LeftBehind {
    uid: String,
    failed: InstanceKey,
    promoted: InstanceKey,
    /// What the promoted server had; empty when not known.
    held: String,
    /// Why it cannot follow, once it was tried to detach it: if that was done and not answered, the rest is to be done.
    lost: Option<String>,
    next: Instant,
    pause: Duration,
}

/// How an attempt ended.
enum Outcome {
    /// Nothing more is to be done.
    Settled,
    /// To be tried again.
    Later,
}

impl Engine {
    /// Remembers replicas that were left behind by a promotion.
    pub(super) fn follow_up_later(
        &self,
        uid: &str,
        failed: &InstanceKey,
        promoted: &InstanceKey,
        held: &str,
        replicas: &BTreeSet<InstanceKey>,
    ) {
        let mut left = self.left_behind();
        for replica in replicas {
            info!(instance = %replica, recovery = uid, "left behind; it is taken care of when it returns");
            let entry = LeftBehind {
                uid: uid.to_owned(),
                failed: failed.clone(),
                promoted: promoted.clone(),
                held: held.to_owned(),
                lost: None,
                next: Instant::now(),
                pause: FIRST_PAUSE,
            };
            left.insert(replica.clone(), entry);
        }
    }

    /// A server took the place of another: whoever was to be put below that one belongs below its successor.
    pub(super) fn follow_successor(&self, failed: &InstanceKey, promoted: &InstanceKey) {
        for entry in self.left_behind().values_mut().filter(|entry| entry.promoted == *failed) {
            entry.promoted = promoted.clone();
            entry.held.clear();
        }
    }

    fn left_behind(&self) -> MutexGuard<'_, BTreeMap<InstanceKey, LeftBehind>> {
        self.inner.left_behind.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks after replicas left behind for as long as the process lives.
    pub(crate) async fn follow_up_forever(self) {
        while let Err(error) = self.load_left_behind().await {
            warn!(error = %error, "cannot look for replicas that former recoveries left behind yet");
            tokio::time::sleep(FIRST_PAUSE).await;
        }
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            for (replica, left) in self.take_due() {
                if !self.may_act() {
                    continue;
                }
                if let Outcome::Settled = self.follow_up(&replica, &left).await {
                    self.left_behind().remove(&replica);
                }
            }
        }
    }

    /// What former processes left behind: replicas not seen since the promotion.
    async fn load_left_behind(&self) -> Result<(), ports::StoreError> {
        let mut line = Successors::default();
        for page in 0..PAGES {
            let query =
                RecoveryQuery::Page { cluster_name: None, cluster_alias: None, unacknowledged: false, page };
            let recoveries = self.store().recoveries(query, self.now()).await?;
            if recoveries.is_empty() {
                break;
            }
            for recovery in recoveries {
                if recovery.end.is_some() && !line.knows(&recovery.case.key) {
                    self.remember_unseen(&recovery, &mut line);
                }
            }
        }
        Ok(())
    }

    fn remember_unseen(&self, recovery: &Recovery, line: &mut Successors) {
        let failed = &recovery.case.key;
        let is_promotion = recovery.is_successful && super::gates::replaces_a_primary(recovery);
        let (Some(promoted), Some(end), true) = (&recovery.successor, recovery.end, is_promotion) else {
            return line.add_none(failed);
        };
        let promoted = line.add(failed, promoted);
        let unseen: BTreeSet<InstanceKey> = {
            let fleet = self.fleet();
            let is_unseen = |key: &&InstanceKey| {
                fleet
                    .get(key)
                    .is_some_and(|replica| replica.primary_key == *failed && is_unseen_since(replica, end))
            };
            recovery.case.replicas.iter().filter(is_unseen).cloned().collect()
        };
        self.follow_up_later(&recovery.uid, failed, &promoted, "", &unseen);
    }

    /// Replicas that can be read, still follow the failed server, and whose pause is over. Forgets those that were
    /// moved, or that nobody knows any more.
    fn take_due(&self) -> Vec<(InstanceKey, LeftBehind)> {
        let now = Instant::now();
        let fleet = self.fleet();
        let mut left = self.left_behind();
        let is_ours = |replica: &Instance, entry: &LeftBehind| {
            !replica.is_last_check_valid()
                || replica.primary_key == entry.failed
                || is_halfway(replica, entry)
                || is_detached(replica, entry)
        };
        left.retain(|key, entry| fleet.get(key).is_some_and(|replica| is_ours(replica, entry)));
        let mut due = Vec::new();
        for (key, entry) in left.iter_mut() {
            let is_readable = fleet.get(key).is_some_and(|replica| replica.is_last_check_valid());
            if is_readable && entry.next <= now {
                due.push((key.clone(), entry.clone()));
                entry.next = now + entry.pause;
                entry.pause = (entry.pause * 2).min(LONGEST_PAUSE);
            }
        }
        due
    }

    async fn follow_up(&self, replica: &InstanceKey, left: &LeftBehind) -> Outcome {
        let cluster = self.fleet().get(&left.promoted).map(|server| server.cluster_name.clone());
        let Some(cluster) = cluster else { return Outcome::Settled };
        let Ok(_lock) = self.lock_cluster(&cluster, "moving a replica that a failover left behind") else {
            return Outcome::Later;
        };
        let limit = self.read_deadline();
        let Ok(primary) = self.read_instance(&left.promoted, limit).await else { return Outcome::Later };
        if primary.is_replica() {
            return Outcome::Settled;
        }
        let old_primary = self.fleet().get(&left.failed).cloned();
        let has_new_source = |server: &Arc<Instance>| server.is_last_check_valid() && server.is_replica();
        if old_primary.as_ref().is_some_and(has_new_source) {
            // It was rebuilt as a replica: whoever follows it may be meant to.
            return Outcome::Settled;
        }
        let halfway = self.fleet().get(replica).filter(|known| is_halfway(known, left)).cloned();
        if let Some(halfway) = halfway {
            return self.start_halfway(&halfway, left).await;
        }
        let is_detached = self.fleet().get(replica).is_some_and(|known| is_detached(known, left));
        if let Some(reasons) = left.lost.as_ref().filter(|_| is_detached) {
            return self.tell_lost(replica, left, reasons).await;
        }
        match self.stop_and_read(replica, left).await {
            Ok(read) => self.settle_replica(&read, &primary, old_primary.as_deref(), left).await,
            Err(reason) => {
                warn!(instance = %replica, reason = %reason, "could not take care of a replica left behind yet");
                Outcome::Later
            }
        }
    }

    /// It was put below the new primary, and was not started.
    async fn start_halfway(&self, replica: &Instance, left: &LeftBehind) -> Outcome {
        let mut plan = Plan::new("follow-up");
        let time = self.compiled().action_timeout;
        let reason = "it was re-pointed and not started";
        plan.push(&replica.key, Action::StartReplication(Threads::Both), &[], time, reason);
        if let Some(step) = plan.last_mut() {
            step.preconditions = vec![Condition::LeaseHeld, Condition::ReplicatesFrom(left.promoted.clone())];
        }
        if self.execute(&plan, &left.uid).await.abort_error().is_some() {
            return Outcome::Later;
        }
        self.tell_following(&replica.key, left).await;
        Outcome::Settled
    }

    /// What it received must not change any more while it is judged.
    async fn stop_and_read(&self, replica: &InstanceKey, left: &LeftBehind) -> Result<Arc<Instance>, String> {
        let mut plan = Plan::new("follow-up");
        let time = self.compiled().action_timeout;
        let reason = "its source was replaced while it could not be read";
        plan.push(replica, Action::StopReplication(Threads::Receiver), &[], time, reason);
        if let Some(step) = plan.last_mut() {
            step.preconditions = vec![Condition::LeaseHeld, Condition::ReplicatesFrom(left.failed.clone())];
            step.on_failure = OnFailure::Abort;
        }
        let end = self.execute(&plan, &left.uid).await;
        if let Some(error) = end.abort_error() {
            return Err(error);
        }
        self.read_instance(replica, self.read_deadline()).await.map_err(|error| error.to_string())
    }

    async fn settle_replica(
        &self,
        replica: &Instance,
        primary: &Instance,
        old_primary: Option<&Instance>,
        left: &LeftBehind,
    ) -> Outcome {
        let policy = self.compiled().failover.clone();
        let plan = match failover::late_repoint_plan(&policy, old_primary, primary, &left.held, replica) {
            Ok(plan) => plan,
            Err(reasons) => {
                let reasons: Vec<String> = reasons.iter().map(ToString::to_string).collect();
                return self.set_aside(replica, old_primary, left, &reasons.join("; ")).await;
            }
        };
        let end = self.execute(&plan, &left.uid).await;
        if !end.errors().is_empty() {
            return Outcome::Later;
        }
        self.tell_following(&replica.key, left).await;
        Outcome::Settled
    }

    async fn tell_following(&self, replica: &InstanceKey, left: &LeftBehind) {
        let promoted = &left.promoted;
        let limit = Deadline::after(self.compiled().reasonable_check);
        let running = match self.read_instance(replica, limit).await {
            Ok(read) => self.wait_running(read).await,
            Err(error) => Err(error.into()),
        };
        let text = match &running {
            Ok(read) if read.is_replicating() => format!("{replica} is back and replicates from {promoted}"),
            Ok(_) => format!("{replica} is back and was put below {promoted}; it does not replicate yet"),
            Err(error) => format!("{replica} is back and was put below {promoted}: {error}"),
        };
        self.write_step(&left.uid, text.clone()).await;
        self.audit("recover-dead-master", Some(replica), text).await;
        // One that does not replicate yet is counted on as soon as it does.
        if running.is_ok_and(|read| read.is_replicating()) {
            self.end_lost_downtime(replica).await;
        }
    }

    /// It cannot follow: as one that was lost at once, it is detached, when settings say so, and downtimed.
    async fn set_aside(
        &self,
        replica: &Instance,
        old_primary: Option<&Instance>,
        left: &LeftBehind,
        reasons: &str,
    ) -> Outcome {
        let policy = &self.compiled().failover;
        if policy.detach_lost_replicas {
            if let Some(entry) = self.left_behind().get_mut(&replica.key) {
                entry.lost = Some(reasons.to_owned());
            }
            let plan = failover::late_detach_plan(policy, old_primary, replica);
            if !self.execute(&plan, &left.uid).await.errors().is_empty() {
                return Outcome::Later;
            }
        }
        self.tell_lost(&replica.key, left, reasons).await
    }

    async fn tell_lost(&self, replica: &InstanceKey, left: &LeftBehind, reasons: &str) -> Outcome {
        let text = format!("{replica} is back and is lost: {reasons}");
        self.write_step(&left.uid, text.clone()).await;
        self.audit("recover-dead-master", Some(replica), text).await;
        self.set_lost_aside(None, std::slice::from_ref(replica)).await;
        Outcome::Settled
    }

    async fn end_lost_downtime(&self, key: &InstanceKey) {
        let is_lost =
            self.fleet().downtimes.get(key).is_some_and(|it| it.reason == Downtime::LOST_IN_RECOVERY);
        if is_lost {
            self.fleet_mut().downtimes.remove(key);
            self.submit_patiently(Command::EndDowntime(key.clone())).await;
            self.audit("end-downtime", Some(key), "it follows the new primary").await;
        }
    }
}

/// Who leads now in the place of failed servers. Recoveries are added newest first: only the latest one of a server says
/// where its replicas belong.
#[derive(Debug, Default)]
struct Successors(BTreeMap<InstanceKey, Option<InstanceKey>>);

impl Successors {
    fn knows(&self, failed: &InstanceKey) -> bool {
        self.0.contains_key(failed)
    }

    /// Its latest recovery promoted nobody.
    fn add_none(&mut self, failed: &InstanceKey) {
        self.0.insert(failed.clone(), None);
    }

    /// Notes a promotion; gives the last one in its line.
    fn add(&mut self, failed: &InstanceKey, promoted: &InstanceKey) -> InstanceKey {
        let last = self.0.get(promoted).and_then(Option::as_ref).unwrap_or(promoted).clone();
        self.0.insert(failed.clone(), Some(last.clone()));
        last
    }
}

/// It was put below the new primary, but its threads stand still.
fn is_halfway(replica: &Instance, left: &LeftBehind) -> bool {
    replica.primary_key == left.promoted && replica.replication.io_thread == ThreadState::Stopped
}

/// It was detached here, though the answer said nothing of that.
fn is_detached(replica: &Instance, left: &LeftBehind) -> bool {
    left.lost.is_some() && replica.primary_key == left.failed.detached()
}

/// The replica was not seen for long after that moment.
fn is_unseen_since(replica: &Instance, moment: Timestamp) -> bool {
    replica.last_seen.is_none_or(|seen| seen < moment + SEEN_SINCE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_a_line_of_successors_leads() {
        let key = |name: &str| InstanceKey::new(name, 3306);
        let mut line = Successors::default();
        // Newest first: c was replaced by b, which c had replaced, which had replaced a; d's replacement failed.
        assert_eq!(line.add(&key("c"), &key("b")), key("b"));
        assert_eq!(line.add(&key("b"), &key("c")), key("b"));
        assert_eq!(line.add(&key("a"), &key("b")), key("b"));
        line.add_none(&key("d"));
        assert!(line.knows(&key("a")) && line.knows(&key("d")) && !line.knows(&key("e")));
        assert_eq!(line.add(&key("e"), &key("d")), key("d"));
    }
}
