//! Giving back what a recovery took, when it promoted nobody: the old primary is opened again if it was closed, and the
//! replicas receive as they did.
//!
//! What does not succeed at once is tried again in the background, and the record of the recovery stays open that long:
//! a process that dies meanwhile leaves it to the next one, which finds it by its journal.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use decide::failover::{self, FailoverCase};
use futures_util::future::join_all;
use model::{Action, Instance, InstanceKey, OnFailure, Recovery, ThreadState, Threads, Timestamp};
use ports::Deadline;
use tracing::info;

use crate::Engine;

/// Pause between attempts in the background.
const PAUSE: Duration = Duration::from_secs(2);
/// Attempts in the background, ten minutes of them, before the record is closed with what could not be given back.
const ATTEMPTS: u32 = 300;
/// Uptimes are whole seconds.
const UPTIME_MARGIN: Duration = Duration::from_secs(1);

/// What is still to be given back.
#[derive(Clone, Debug)]
pub(super) struct Release {
    /// The server that was taken for dead.
    pub(super) failed: InstanceKey,
    /// When it was last tried to make that server read-only: one that started later was not closed by the recovery.
    pub(super) fenced_at: Timestamp,
    /// It was writable and may have been made read-only, even by a statement that it only gets to now.
    pub(super) unfence: bool,
    /// A server whose promotion was given up after it may have been published.
    pub(super) published: Option<InstanceKey>,
    /// Replicas that may be stopped.
    pub(super) left: Vec<InstanceKey>,
    /// Appliers that stood still before stay so.
    pub(super) keep_stopped: BTreeSet<InstanceKey>,
    /// The servers that took part: a replica of one of them is still where the recovery left it.
    pub(super) members: BTreeSet<InstanceKey>,
}

/// A recovery that ended, but for what is still to be given back.
#[derive(Clone, Debug)]
pub(crate) struct PendingRelease {
    recovery: Recovery,
    unfence: bool,
}

impl Release {
    pub(super) fn new(
        failed: &InstanceKey,
        replicas: impl IntoIterator<Item = InstanceKey>,
        fenced_at: Timestamp,
    ) -> Self {
        let left: Vec<InstanceKey> = replicas.into_iter().collect();
        let members = left.iter().chain([failed]).cloned().collect();
        let failed = failed.clone();
        Self {
            failed,
            fenced_at,
            unfence: false,
            published: None,
            left,
            keep_stopped: BTreeSet::new(),
            members,
        }
    }

    /// Nothing is left to be given back.
    pub(super) fn is_done(&self) -> bool {
        !self.unfence && self.left.is_empty()
    }

    /// Tries so many times, with a pause between. Returns what failed in the last attempt.
    pub(super) async fn try_times(
        &mut self,
        engine: &Engine,
        uid: &str,
        attempts: u32,
        pause: Duration,
    ) -> Vec<String> {
        let mut failures = Vec::new();
        for attempt in 0..attempts {
            if attempt > 0 {
                tokio::time::sleep(pause).await;
            }
            failures = self.attempt(engine, uid).await;
            if self.is_done() {
                break;
            }
        }
        failures
    }

    /// Gives back what can be given back now. The primary first: clients wait for it, and so do the replicas.
    async fn attempt(&mut self, engine: &Engine, uid: &str) -> Vec<String> {
        let mut failures = Vec::new();
        if self.unfence {
            match engine.open_again(&self.failed, self.fenced_at, uid).await {
                Ok(()) => self.unfence = false,
                Err(error) => failures.push(error),
            }
        }
        if !self.unfence
            && let Some(candidate) = self.published.take()
        {
            engine.publish_again(&self.failed, &candidate, uid).await;
        }
        if !self.left.is_empty() {
            failures.extend(engine.start_again(uid, &self.failed, &mut self.left, &self.keep_stopped).await);
        }
        failures
    }

    /// Drops replicas that somebody moved elsewhere or forgot: they are no longer ours.
    fn forget_moved(&mut self, engine: &Engine) {
        let fleet = engine.fleet();
        let members = &self.members;
        self.left.retain(|key| fleet.get(key).is_some_and(|replica| members.contains(&replica.primary_key)));
    }
}

impl Engine {
    /// Goes on in the background, and closes the record at the end.
    pub(super) fn release_later(&self, recovery: Recovery, release: Release) {
        let failed = release.failed.clone();
        info!(instance = %failed, recovery = %recovery.uid, left = release.left.len(), unfence = release.unfence,
            "what the recovery took is not given back yet; its record stays open");
        let waiting = release.left.iter().chain(release.unfence.then_some(&failed)).map(ToString::to_string);
        let waiting = waiting.collect::<Vec<_>>().join(", ");
        let text =
            format!("release goes on in the background for {waiting}; this record stays open that long");
        self.write_step_later(&recovery.uid, text);
        let pending = PendingRelease { recovery, unfence: release.unfence };
        self.pending_releases().insert(failed, pending);
        let engine = self.clone();
        self.supervisor().start_loop("release", async move { engine.go_on_releasing(release).await });
    }

    fn pending_releases(
        &self,
    ) -> std::sync::MutexGuard<'_, std::collections::BTreeMap<InstanceKey, PendingRelease>> {
        self.inner.pending_releases.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn go_on_releasing(&self, mut release: Release) {
        let mut failures = Vec::new();
        for _attempt in 0..ATTEMPTS {
            tokio::time::sleep(PAUSE).await;
            let Some(PendingRelease { recovery, .. }) = self.pending_releases().get(&release.failed).cloned()
            else {
                return;
            };
            release.forget_moved(self);
            let cluster = &recovery.case.cluster_name;
            let Ok(_lock) = self.lock_cluster(cluster, "giving back what a failed recovery took") else {
                continue;
            };
            // Another recovery may have taken over while this one waited for the lock.
            let is_ours = self
                .pending_releases()
                .get(&release.failed)
                .is_some_and(|pending| pending.recovery.uid == recovery.uid);
            if !is_ours {
                return;
            }
            if self.may_act() {
                failures = release.attempt(self, &recovery.uid).await;
            }
            if release.is_done() {
                break;
            }
            if let Some(pending) = self.pending_releases().get_mut(&release.failed) {
                pending.unfence = release.unfence;
            }
        }
        let pending = self.pending_releases().remove(&release.failed);
        if let Some(PendingRelease { mut recovery, .. }) = pending {
            if !release.is_done() {
                recovery.errors.extend(failures);
            }
            self.resolve(&mut recovery).await;
        }
    }

    /// A new recovery of the same server takes over: the former record is closed. True when the server may still be
    /// read-only because of the former one.
    pub(super) async fn take_over_release(&self, failed: &InstanceKey) -> bool {
        let pending = self.pending_releases().remove(failed);
        let Some(PendingRelease { mut recovery, unfence }) = pending else { return false };
        recovery.errors.push("another recovery of the same server took over".to_owned());
        self.resolve(&mut recovery).await;
        unfence
    }

    /// Opens the old primary, which a recovery may have made read-only, for the last time at `fenced_at`.
    ///
    /// # Errors
    /// It cannot be read, or not be opened now.
    async fn open_again(&self, primary: &InstanceKey, fenced_at: Timestamp, uid: &str) -> Result<(), String> {
        let read = self
            .read_instance(primary, self.read_deadline())
            .await
            .map_err(|error| format!("it may be read-only: {error}"))?;
        let is_ours = read.read_only && !read.is_replica() && !restarted_since(&read, fenced_at);
        if !is_ours {
            return Ok(());
        }
        if !self.may_act() {
            return Err(format!("{primary} is read-only, and this node lost the right to act"));
        }
        let with_super = self.compiled().failover.use_super_read_only;
        let action = Action::SetReadOnly { on: false, with_super };
        let deadline = Deadline::after(self.compiled().action_timeout);
        let opened = self.act_on(primary, &action, deadline).await;
        opened.map_err(|error| error.to_string())?;
        self.write_step_later(uid, format!("{primary} is writable again"));
        Ok(())
    }

    /// Starts what was stopped on those replicas that can be read, draining a relay log first where starting would
    /// throw it away. Leaves in `left` the ones on which that failed.
    /// The appliers of `keep_stopped` stay as they are.
    async fn start_again(
        &self,
        uid: &str,
        failed: &InstanceKey,
        left: &mut Vec<InstanceKey>,
        keep_stopped: &BTreeSet<InstanceKey>,
    ) -> Vec<String> {
        let limit = self.read_deadline();
        let reads = join_all(left.iter().map(|key| self.read_instance(key, limit))).await;
        let mut failures: Vec<String> =
            reads.iter().filter_map(|read| read.as_ref().err().map(ToString::to_string)).collect();
        let read: Vec<Arc<Instance>> = reads.into_iter().flatten().collect();
        let mut case = FailoverCase::new(failed.clone(), self.compiled().failover.clone());
        case.old_primary = self.fleet().get(failed).cloned();
        case.replicas = read.clone();
        let is_stopped = |thread: ThreadState| thread == ThreadState::Stopped;
        let stopped: Vec<Arc<Instance>> =
            read.iter().filter(|replica| is_stopped(replica.replication.io_thread)).cloned().collect();
        let mut plan = failover::release_plan(&case, &stopped);
        let idle = read.iter().filter(|replica| {
            replica.is_replica()
                && is_stopped(replica.replication.sql_thread)
                && !keep_stopped.contains(&replica.key)
        });
        for replica in idle {
            let after: Vec<_> =
                plan.steps.iter().filter(|step| step.server == replica.key).map(|step| step.id).collect();
            let action = Action::StartReplication(Threads::Applier);
            plan.push(&replica.key, action, &after, self.compiled().action_timeout, "it was applying before");
            if let Some(step) = plan.last_mut() {
                step.on_failure = OnFailure::LoseServer;
            }
        }
        let end = self.execute(&plan, uid).await;
        failures.extend(end.errors());
        left.retain(|key| read.iter().all(|one| one.key != *key) || end.lost.contains(key));
        failures
    }
}

/// The server was started after that moment, for all that its uptime tells.
pub(super) fn restarted_since(read: &Instance, moment: Timestamp) -> bool {
    let Some(checked) = read.last_checked else { return false };
    checked > moment && Duration::from_secs(read.uptime) + UPTIME_MARGIN < checked.saturating_since(moment)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restart_is_seen_by_the_uptime() {
        let mut read = Instance::unknown(InstanceKey::new("db1", 3306));
        read.last_checked = Some(Timestamp::from_secs(1_000));
        for (uptime, since, restarted) in
            [(20, 990, false), (5, 990, true), (9, 990, false), (5, 1_010, false)]
        {
            read.uptime = uptime;
            assert_eq!(restarted_since(&read, Timestamp::from_secs(since)), restarted, "{uptime} {since}");
        }
    }
}
