//! Recoveries that a former process began and did not end: finished when the promotion had begun, undone before that.

use std::time::Duration;

use decide::plan_checker::CheckContext;
use decide::takeover;
use model::{
    AcknowledgeScope, ClusterDetails, Command, Finding, InstanceKey, Recovery, RecoveryKind, Timestamp,
};
use ports::RecoveryQuery;
use tracing::{info, warn};

use super::Request;
use super::journal::{Handover, Journal, Stage, StoredKey};
use super::release::Release;
use super::run::Failover;
use crate::Engine;

/// Pause between attempts to act on servers or a backend that do not answer.
const RETRY: Duration = Duration::from_secs(2);
/// Attempts before a promotion is given up, or what was taken is given back in the background.
const ATTEMPTS: u32 = 5;

/// A process that did not renew its place in the registry for this long is gone. Longer than the lease of the active
/// node, so its successor is active by then.
const GONE_AFTER: Duration = Duration::from_secs(10);
/// How often it is looked whether this node has become active.
const LOOK: Duration = Duration::from_secs(1);

impl Engine {
    /// Takes care of every unfinished recovery in the backend, each time this node becomes the one that acts.
    pub(crate) async fn resume_unfinished(self) {
        let began = self.now();
        loop {
            while !self.may_act() {
                tokio::time::sleep(LOOK).await;
            }
            self.resume_orphans(began).await;
            while self.may_act() {
                tokio::time::sleep(LOOK).await;
            }
        }
    }

    /// Resumes what processes that are gone left unfinished, until nothing of that kind is left or the right to act is
    /// lost. `began` is when this process did.
    async fn resume_orphans(&self, began: Timestamp) {
        while self.may_act() {
            let found = self.store().recoveries(RecoveryQuery::Unfinished, self.now()).await;
            let foreign: Vec<Recovery> = match found {
                Ok(all) => all.into_iter().filter(|one| one.node.token != self.node().token).collect(),
                Err(error) => {
                    warn!(error = %error, "cannot look for unfinished recoveries yet");
                    tokio::time::sleep(RETRY).await;
                    continue;
                }
            };
            let mut is_somebody_at_it = false;
            for recovery in foreign {
                if self.is_orphan(&recovery, began).await {
                    self.resume(recovery).await;
                } else {
                    is_somebody_at_it = true;
                }
            }
            if !is_somebody_at_it {
                return;
            }
            tokio::time::sleep(RETRY).await;
        }
    }

    /// Its process is gone: a former one of this host, or one that no longer reports to the registry of nodes. What began
    /// on this host later than this process may be a command that somebody runs beside it.
    async fn is_orphan(&self, recovery: &Recovery, began: Timestamp) -> bool {
        if recovery.node.hostname == self.node().hostname && recovery.start < began {
            return true;
        }
        let since = self.now() - GONE_AFTER;
        // A backend without a registry is not shared, and one that does not answer proves nothing.
        self.store()
            .live_nodes(since)
            .await
            .is_ok_and(|live| live.iter().all(|node| node.token != recovery.node.token))
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
            Ok(failover) => self.close_successful(recovery, journal, failover).await,
            Err(errors) => {
                // Each attempt tried to fence the old primary again.
                let mut journal = journal.clone();
                journal.fenced_at = Some(self.now().as_micros());
                journal.given_up = true;
                self.give_back(recovery, journal, errors).await;
            }
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
        self.give_back(recovery, journal.clone(), vec![reason.to_owned()]).await;
    }

    /// What cannot be given back soon is tried again in the background, and keeps the record open; it does not keep a
    /// new recovery from beginning.
    async fn give_back(&self, mut recovery: Recovery, mut journal: Journal, errors: Vec<String>) {
        // If the backend refuses, the stage on record makes the next process undo as well, or finish the promotion.
        if let Err(error) = self.enter_stage(&recovery.uid, &mut journal, Stage::Releasing).await {
            warn!(recovery = %recovery.uid, error = %error, "giving back what a former process took is not on record");
        }
        let fenced_at = journal.last_fence(recovery.start);
        let mut release = Release::new(&journal.failed.key(), journal.stopped(), fenced_at);
        release.unfence = journal.unfence;
        release.keep_stopped = journal.idle_appliers.iter().map(StoredKey::key).collect();
        recovery.errors = errors;
        if let Some(candidate) = journal.given_up() {
            self.give_up_candidate(&mut recovery, &candidate).await;
            release.published = Some(candidate);
        }
        let failures = release.try_times(self, &recovery.uid, ATTEMPTS, RETRY).await;
        if release.is_done() {
            self.resolve(&mut recovery).await;
        } else {
            recovery.errors.extend(failures);
            self.release_later(recovery.clone(), release);
        }
        self.let_recover_again(recovery).await;
    }

    /// As after a recovery without interruption, hooks included.
    async fn close_successful(&self, mut recovery: Recovery, journal: &Journal, mut failover: Failover) {
        recovery.kind = Some(RecoveryKind::Primary);
        if let Some(handover) = &journal.takeover {
            let former = self.demote(&recovery.case.key, &failover.promoted, handover).await;
            failover.errors.extend(former.err());
        }
        let request = self.request_of(&recovery, journal);
        self.settle_success(&request, &mut recovery, failover, journal.takeover.is_some()).await;
        if journal.takeover.is_some() {
            let scope = AcknowledgeScope::Uid(recovery.uid.clone());
            if let Err(error) = self.acknowledge(scope, "orchestrator", "planned takeover").await {
                warn!(recovery = %recovery.uid, error = %error, "a takeover is not acknowledged");
            }
            let settings = self.settings();
            let commands = &settings.hooks.after_takeover;
            self.run_post_hooks(&request, &recovery, "PostGracefulTakeoverProcesses", commands).await;
        }
    }

    /// What the former process worked on, as far as its record and the fleet tell.
    fn request_of(&self, recovery: &Recovery, journal: &Journal) -> Request {
        let case = &recovery.case;
        let hint = if journal.takeover.is_some() { "graceful-master-takeover" } else { "" };
        let mut finding = self
            .synthetic_finding(&case.key, hint, |_| {})
            .unwrap_or_else(|_| Finding::of_case(case, ClusterDetails::default()));
        finding.code = case.code;
        finding.cluster.name.clone_from(&case.cluster_name);
        finding.cluster.alias.clone_from(&case.cluster_alias);
        let domain = self.fleet().cluster_domains.get(&case.cluster_name).cloned();
        finding.cluster.domain = domain.unwrap_or_default();
        finding.replicas.clone_from(&case.replicas);
        finding.facts.replicas = case.count_replicas;
        Request { finding, forced: false, skip_hooks: journal.skip_hooks, candidate: None }
    }

    /// A takeover was interrupted after its target was opened: the former primary becomes its replica.
    ///
    /// # Errors
    /// It cannot be read, could not find its place by GTID, or refuses. It stays read-only.
    pub(super) async fn demote(
        &self,
        former: &InstanceKey,
        target: &InstanceKey,
        handover: &Handover,
    ) -> Result<(), String> {
        if !handover.by_gtid {
            return Err(format!(
                "{former} cannot find its place below {target} by GTID: set its source by hand"
            ));
        }
        let limit = self.read_deadline();
        let read = |key: InstanceKey| async move {
            self.read_instance(&key, limit).await.map_err(|error| error.to_string())
        };
        let (former, target) = (read(former.clone()).await?, read(target.clone()).await?);
        if former.is_replica() {
            return Ok(());
        }
        let plan = takeover::demotion_plan(&former, &target.key, handover.start_former);
        let mut check = CheckContext::new([former, target]);
        self.run_judged(&plan, &mut check).await.map(drop).map_err(|error| error.to_string())
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
