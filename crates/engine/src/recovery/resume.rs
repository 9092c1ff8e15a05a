//! Recoveries that a former process began and did not end: finished when the promotion had begun, undone before that.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use decide::failover::{self, FailoverCase};
use futures_util::future::join_all;
use model::{Action, Command, Instance, InstanceKey, OnFailure, Recovery, ThreadState, Threads};
use ports::{Deadline, RecoveryQuery};
use tracing::{info, warn};

use super::journal::{Journal, Stage};
use super::run::Failover;
use crate::Engine;

/// Pause between attempts to act on servers or a backend that do not answer.
const RETRY: Duration = Duration::from_secs(2);
/// Attempts before an unfinished recovery is closed as failed.
const ATTEMPTS: u32 = 5;
/// Attempts in the background to start replicas that could not be started.
const LATER_ATTEMPTS: u32 = 150;

impl Engine {
    /// Takes care of every unfinished recovery in the backend, once, as soon as this node may act.
    pub(crate) async fn resume_unfinished(self) {
        let unfinished = loop {
            if self.may_act() {
                match self.store().recoveries(RecoveryQuery::Unfinished, self.now()).await {
                    Ok(unfinished) => break unfinished,
                    Err(error) => warn!(error = %error, "cannot look for unfinished recoveries yet"),
                }
            }
            tokio::time::sleep(RETRY).await;
        };
        for recovery in unfinished {
            if recovery.node.token != self.node().token && recovery.node.hostname == self.node().hostname {
                self.resume(recovery).await;
            }
        }
    }

    async fn resume(&self, recovery: Recovery) {
        let uid = recovery.uid.clone();
        let stored = loop {
            match self.store().recovery_journal(&uid).await {
                Ok(stored) => break stored,
                Err(error) => warn!(recovery = %uid, error = %error, "cannot read a recovery's journal yet"),
            }
            tokio::time::sleep(RETRY).await;
        };
        let journal = match stored {
            Some((_, text)) => Journal::parse(&text),
            None => Err("it left no journal: nothing had been changed".to_owned()),
        };
        info!(recovery = %uid, instance = %recovery.case.key, "found an unfinished recovery of a former process");
        match journal {
            Ok(journal) => match (journal.stage, journal.candidate.as_ref().map(|key| key.key())) {
                (Stage::Committing, Some(candidate)) => self.finish(recovery, &journal, candidate).await,
                (Stage::Registered | Stage::Collecting | Stage::Draining | Stage::Committing, _) => {
                    self.undo(recovery, &journal).await;
                }
            },
            Err(reason) => self.close_unsuccessful(recovery, vec![reason]).await,
        }
    }

    /// The promotion had begun: go through with it, with the server that was chosen.
    async fn finish(&self, recovery: Recovery, journal: &Journal, candidate: InstanceKey) {
        self.write_step(&recovery.uid, format!("a new process finishes the promotion of {candidate}")).await;
        let Ok(_lock) = self.lock_cluster(&recovery.case.cluster_name, "finishing an unfinished recovery")
        else {
            return;
        };
        let failed = journal.failed.key();
        let replicas: Vec<InstanceKey> = journal.replicas.iter().map(|key| key.key()).collect();
        let mut errors = Vec::new();
        for attempt in 1..=ATTEMPTS {
            match self.finish_promotion(&recovery.uid, &failed, &candidate, &replicas).await {
                Ok(failover) => {
                    self.close_successful(recovery, failover).await;
                    return;
                }
                Err(error) => {
                    warn!(recovery = %recovery.uid, attempt, error = %error, "could not finish the promotion yet");
                    errors.push(error);
                    tokio::time::sleep(RETRY).await;
                }
            }
        }
        self.close_unsuccessful(recovery, errors).await;
    }

    /// Nothing was promoted yet: the old primary is opened again if it was closed, the replicas replicate as they did,
    /// and detection gets a fresh start.
    async fn undo(&self, recovery: Recovery, journal: &Journal) {
        self.write_step(&recovery.uid, "a new process undoes this recovery: nothing had been promoted").await;
        let Ok(_lock) = self.lock_cluster(&recovery.case.cluster_name, "undoing an unfinished recovery")
        else {
            return;
        };
        let mut errors = vec!["orchestrator ended in the middle of this recovery; it was undone".to_owned()];
        if journal.unfence && journal.stage == Stage::Draining {
            errors.extend(self.open_again(&journal.failed.key()).await);
        }
        let mut left: Vec<InstanceKey> = journal.replicas.iter().map(|key| key.key()).collect();
        for attempt in 1..=ATTEMPTS {
            let failures =
                self.start_again(&recovery.uid, &journal.failed.key(), &mut left, &BTreeSet::new()).await;
            if left.is_empty() {
                break;
            }
            if attempt == ATTEMPTS {
                errors.extend(failures);
            } else {
                tokio::time::sleep(RETRY).await;
            }
        }
        self.close_unsuccessful(recovery, errors).await;
    }

    /// Opens the old primary, which the former process may have made read-only, if it answers.
    async fn open_again(&self, primary: &InstanceKey) -> Option<String> {
        let is_closed = match self.read_instance(primary, self.read_deadline()).await {
            Ok(read) => read.read_only && !read.is_replica(),
            Err(error) => return Some(error.to_string()),
        };
        if !is_closed {
            return None;
        }
        if !self.may_act() {
            return Some(format!("{primary} was left read-only: this node lost the right to act"));
        }
        let with_super = self.compiled().failover.use_super_read_only;
        let action = Action::SetReadOnly { on: false, with_super };
        let deadline = Deadline::after(self.compiled().action_timeout);
        self.inner.ports.servers.act(primary, &action, deadline).await.err().map(|error| error.to_string())
    }

    /// Goes on with [`Self::start_again`] for some minutes, whenever nothing else is done to the cluster.
    pub(super) async fn start_later(
        &self,
        uid: &str,
        failed: &InstanceKey,
        mut left: Vec<InstanceKey>,
        keep_stopped: &BTreeSet<InstanceKey>,
    ) {
        for _attempt in 0..LATER_ATTEMPTS {
            tokio::time::sleep(RETRY).await;
            // One that was moved meanwhile, or whose source is not the failed server any more, is no longer ours.
            let cluster = {
                let fleet = self.fleet();
                left.retain(|key| fleet.get(key).is_some_and(|replica| replica.primary_key == *failed));
                fleet.get(failed).map(|server| server.cluster_name.clone()).unwrap_or_default()
            };
            let Ok(_lock) = self.lock_cluster(&cluster, "starting replicas after a failed recovery") else {
                continue;
            };
            if self.may_act() {
                self.start_again(uid, failed, &mut left, keep_stopped).await;
            }
            if left.is_empty() {
                return;
            }
        }
    }

    /// Starts what was stopped on those replicas that can be read, draining a relay log first where starting would
    /// throw it away. Leaves in `left` the ones on which that failed.
    /// The appliers of `keep_stopped` stay as they are.
    pub(super) async fn start_again(
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

    /// As after a recovery without interruption: the record is closed last.
    async fn close_successful(&self, recovery: Recovery, failover: Failover) {
        let (name, alias) = (&recovery.case.cluster_name, &recovery.case.cluster_alias);
        self.publish_cluster(name, alias, "", &failover.promoted).await;
        self.set_lost_aside(Some(&recovery.case.key), &failover.lost).await;
        self.submit_patiently(Command::ResolveRecovery {
            uid: recovery.uid.clone(),
            is_successful: true,
            successor: Some(failover.promoted.clone()),
            successor_alias: failover.promoted_alias.clone(),
            lost_replicas: failover.lost.clone(),
            participating: recovery.participating.clone(),
            errors: failover.errors.clone(),
            at: self.now(),
        })
        .await;
    }

    /// Ends the record and its active period, so that the failure, if it lasts, is detected and recovered anew.
    async fn close_unsuccessful(&self, recovery: Recovery, errors: Vec<String>) {
        self.submit_patiently(Command::ResolveRecovery {
            uid: recovery.uid.clone(),
            is_successful: false,
            successor: None,
            successor_alias: String::new(),
            lost_replicas: Vec::new(),
            participating: recovery.participating,
            errors,
            at: self.now(),
        })
        .await;
        self.submit_quietly(Command::AcknowledgeRecoveries {
            scope: model::AcknowledgeScope::Uid(recovery.uid.clone()),
            owner: "orchestrator".to_owned(),
            comment: "detected crashed recovery".to_owned(),
            at: self.now(),
        })
        .await;
        self.submit_quietly(Command::ClearDetections { key: recovery.case.key, at: self.now() }).await;
        self.inner.detection.forget_registered();
    }
}
