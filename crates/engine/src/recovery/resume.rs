//! Recoveries that a former process began and did not end: finished when the promotion had begun, undone before that.

use std::time::Duration;

use model::{Action, Command, InstanceKey, Recovery, Threads};
use ports::{Deadline, RecoveryQuery};
use tracing::{info, warn};

use super::journal::{Journal, Stage};
use super::run::Failover;
use crate::Engine;

/// Pause between attempts to act on servers or a backend that do not answer.
const RETRY: Duration = Duration::from_secs(2);
/// Attempts before an unfinished recovery is closed as failed.
const ATTEMPTS: u32 = 5;

impl Engine {
    /// Takes care of every unfinished recovery in the backend, once, at start.
    pub(crate) async fn resume_unfinished(self) {
        let unfinished = match self.store().recoveries(RecoveryQuery::Unfinished, self.now()).await {
            Ok(unfinished) => unfinished,
            Err(error) => {
                warn!(error = %error, "cannot look for unfinished recoveries");
                return;
            }
        };
        for recovery in unfinished {
            if recovery.node.token != self.node().token && recovery.node.hostname == self.node().hostname {
                self.resume(recovery).await;
            }
        }
    }

    async fn resume(&self, recovery: Recovery) {
        let uid = recovery.uid.clone();
        let journal = match self.store().recovery_journal(&uid).await {
            Ok(Some((_, text))) => Journal::parse(&text),
            Ok(None) => Err("it left no journal: nothing had been changed".to_owned()),
            Err(error) => Err(error.to_string()),
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

    /// Nothing was promoted yet: let the replicas replicate again as they did, and give detection a fresh start.
    async fn undo(&self, recovery: Recovery, journal: &Journal) {
        self.write_step(&recovery.uid, "a new process undoes this recovery: nothing had been promoted").await;
        let mut errors = vec!["orchestrator ended in the middle of this recovery; it was undone".to_owned()];
        for replica in &journal.replicas {
            let replica = replica.key();
            let deadline = Deadline::after(self.compiled().action_timeout);
            let action = Action::StartReplication(Threads::Both);
            if let Err(error) = self.inner.ports.servers.act(&replica, &action, deadline).await {
                errors.push(error.to_string());
            }
        }
        self.close_unsuccessful(recovery, errors).await;
    }

    async fn close_successful(&self, recovery: Recovery, failover: Failover) {
        self.submit_quietly(Command::ResolveRecovery {
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
        self.set_lost_aside(Some(&recovery.case.key), &failover.lost).await;
        self.publish_cluster(
            &recovery.case.cluster_name,
            &recovery.case.cluster_alias,
            "",
            &failover.promoted,
        )
        .await;
    }

    /// Ends the record and its active period, so that the failure, if it lasts, is detected and recovered anew.
    async fn close_unsuccessful(&self, recovery: Recovery, errors: Vec<String>) {
        self.submit_quietly(Command::ResolveRecovery {
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
