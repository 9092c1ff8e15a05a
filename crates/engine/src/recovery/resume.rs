//! Recoveries that a former process began and did not end: finished when the promotion had begun, undone before that.

use std::time::Duration;

use model::{Command, InstanceKey, Recovery};
use ports::RecoveryQuery;
use tracing::{info, warn};

use super::journal::{Journal, Stage};
use super::release::Release;
use super::run::Failover;
use crate::Engine;

/// Pause between attempts to act on servers or a backend that do not answer.
const RETRY: Duration = Duration::from_secs(2);
/// Attempts before a promotion is given up, or what was taken is given back in the background.
const ATTEMPTS: u32 = 5;

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
        let _lock = loop {
            let cluster = &recovery.case.cluster_name;
            match self.lock_cluster(cluster, "an unfinished recovery of a former process") {
                Ok(lock) => break lock,
                Err(held) => warn!(recovery = %uid, reason = %held, "an unfinished recovery has to wait"),
            }
            tokio::time::sleep(RETRY).await;
        };
        match journal {
            Ok(journal) => match (journal.stage, journal.candidate.as_ref().map(|key| key.key())) {
                (Stage::Committing, Some(candidate)) => self.finish(recovery, &journal, candidate).await,
                (
                    Stage::Registered
                    | Stage::Collecting
                    | Stage::Draining
                    | Stage::Committing
                    | Stage::Releasing,
                    _,
                ) => self.undo(recovery, &journal).await,
            },
            Err(reason) => {
                let mut recovery = recovery;
                recovery.errors = vec![reason];
                self.resolve(&mut recovery).await;
                self.let_recover_again(recovery).await;
            }
        }
    }

    /// The promotion had begun: go through with it, with the server that was chosen.
    async fn finish(&self, recovery: Recovery, journal: &Journal, candidate: InstanceKey) {
        self.write_step(&recovery.uid, format!("a new process finishes the promotion of {candidate}")).await;
        match self.try_to_finish(&recovery, journal, &candidate).await {
            Ok(failover) => self.close_successful(recovery, failover).await,
            Err(errors) => self.give_back(recovery, journal, errors).await,
        }
    }

    async fn try_to_finish(
        &self,
        recovery: &Recovery,
        journal: &Journal,
        candidate: &InstanceKey,
    ) -> Result<Failover, Vec<String>> {
        let failed = journal.failed.key();
        let replicas: Vec<InstanceKey> = journal.replicas.iter().map(|key| key.key()).collect();
        let mut errors = Vec::new();
        for attempt in 1..=ATTEMPTS {
            match self.finish_promotion(&recovery.uid, &failed, candidate, &replicas).await {
                Ok(failover) => return Ok(failover),
                Err(error) => {
                    warn!(recovery = %recovery.uid, attempt, error = %error, "could not finish the promotion yet");
                    errors.push(error);
                    tokio::time::sleep(RETRY).await;
                }
            }
        }
        Err(errors)
    }

    /// Nobody was promoted: the old primary is opened again if it was closed, the replicas replicate as they did, and
    /// detection gets a fresh start.
    async fn undo(&self, recovery: Recovery, journal: &Journal) {
        self.write_step(&recovery.uid, "a new process undoes this recovery: nothing had been promoted").await;
        let reason = "orchestrator ended in the middle of this recovery; it was undone";
        self.give_back(recovery, journal, vec![reason.to_owned()]).await;
    }

    /// What cannot be given back soon is tried again in the background, and keeps the record open; it does not keep a
    /// new recovery from beginning.
    async fn give_back(&self, mut recovery: Recovery, journal: &Journal, errors: Vec<String>) {
        let replicas = journal.replicas.iter().map(|key| key.key());
        let mut release = Release::new(&journal.failed.key(), replicas, recovery.start);
        release.unfence = journal.unfence;
        recovery.errors = errors;
        let failures = release.try_times(self, &recovery.uid, ATTEMPTS, RETRY).await;
        if release.is_done() {
            self.resolve(&mut recovery).await;
        } else {
            recovery.errors.extend(failures);
            self.release_later(recovery.clone(), release);
        }
        self.let_recover_again(recovery).await;
    }

    /// As after a recovery without interruption: the record is closed last.
    async fn close_successful(&self, recovery: Recovery, failover: Failover) {
        let (name, alias) = (&recovery.case.cluster_name, &recovery.case.cluster_alias);
        self.publish_cluster(name, alias, "", &failover.promoted).await;
        self.set_lost_aside(Some(&recovery.case.key), &failover.lost).await;
        let left = failover.left_behind.iter().cloned();
        self.follow_up_later(&recovery.uid, &recovery.case.key, &failover.promoted, left);
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

    /// Ends the active period, so that the failure, if it lasts, is detected and recovered anew.
    async fn let_recover_again(&self, recovery: Recovery) {
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
