//! Replacing a dead primary: plans executed, and pure decisions between them.
//!
//! Order of work: gates and registration; hooks before; stop receiving and read what each replica received; choose;
//! let the chosen one apply what it received; promote it and re-point the others; record; publish; hooks after.
//! Nothing that can wait stands between the evidence and the first write on the new primary.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use decide::analysis;
use decide::failover::{self, FailoverCase};
use futures_util::future::join_all;
use model::{
    AcknowledgeScope, Action, Command, Finding, Instance, InstanceKey, Recovery, RecoveryKind, RegroupMode,
    ThreadState,
};
use ports::Deadline;
use tokio::time::Instant;
use tracing::{debug, error, warn};

use super::gates::Registration;
use super::journal::{Journal, Stage};
use super::run::{FENCE_FRESH, Failover, FailoverRun, NotPromoted};
use super::{Attempt, Request};
use crate::Engine;
use crate::detection::case_of;
use crate::executor::StepError;
use crate::hook_environment::hook_environment;
use crate::metrics::RecoveryCounters;

/// A read no older than this is believed without looking again.
const FRESH: Duration = Duration::from_secs(1);

/// The kind of audit line of a recovery.
pub(super) fn audit_name(kind: RecoveryKind) -> &'static str {
    match kind {
        RecoveryKind::Primary => "recover-dead-master",
        RecoveryKind::CoPrimary => "recover-dead-co-master",
        RecoveryKind::IntermediatePrimary => "recover-dead-intermediate-master",
        RecoveryKind::GroupMember => "recover-dead-replication-group-member-with-replicas",
    }
}

/// Longest attempt to make the failed server read-only before a promotion goes on.
const FENCE_TIME: Duration = Duration::from_millis(500);

/// What became of an attempt to make the failed server read-only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fence {
    /// It said that it is.
    Holds,
    /// It did not answer: it may be, or become so.
    NotKnown,
    /// It refused, or was not asked.
    Failed,
}

impl Engine {
    pub(super) fn counters(&self, kind: RecoveryKind) -> &RecoveryCounters {
        let metrics = self.metrics();
        match kind {
            RecoveryKind::Primary => &metrics.dead_primary,
            RecoveryKind::CoPrimary => &metrics.dead_co_primary,
            RecoveryKind::IntermediatePrimary => &metrics.dead_intermediate,
            RecoveryKind::GroupMember => &metrics.dead_group_member,
        }
    }

    /// Replaces a dead primary or co-primary, from gates to hooks.
    pub(super) async fn recover_primary(&self, request: Request, kind: RecoveryKind) -> Attempt {
        let finding = &request.finding;
        if !request.forced {
            if !finding.cluster.automated_primary_recovery {
                return Attempt::NotAttempted(vec![format!(
                    "cluster {} matches none of RecoverMasterClusterFilters",
                    finding.cluster.name
                )]);
            }
            if !finding.is_actionable {
                return Attempt::NotAttempted(vec![format!(
                    "{} is not actionable at this moment",
                    finding.code
                )]);
            }
        }
        let lock = match self.lock_cluster(&finding.cluster.name, "a failover") {
            Ok(lock) => lock,
            Err(held) => return Attempt::NotAttempted(vec![held]),
        };
        lock.cover(&finding.replicas);
        if !request.forced
            && let Err(reason) = self.require_still_dead(&finding.key, false).await
        {
            return Attempt::NotAttempted(vec![reason]);
        }
        let mut case = self.failover_case(&finding.key, request.candidate.clone());
        case.policy.prevent_semi_sync_loss &= !request.forced;
        if let Some(reason) = self.refuse_possible_loss(&case).await {
            return Attempt::NotAttempted(vec![reason]);
        }
        let mut is_closed = request.forced && self.take_over_release(&finding.key).await;
        let (uid, id, last_detection_id) = match self.register_recovery(&request).await {
            Ok(Registration::Registered { uid, id, last_detection_id }) => (uid, id, last_detection_id),
            Ok(Registration::Refused(reasons)) => return Attempt::NotAttempted(reasons),
            Err(error) => return Attempt::Failed(error.to_string()),
        };
        is_closed |= self.take_over_release(&finding.key).await;
        self.counters(kind).start.increment();
        let mut recovery = self.new_recovery(finding, kind, uid, id, last_detection_id);
        self.audit(audit_name(kind), Some(&finding.key), "problem found; will recover").await;
        match self.run_failover(&request, &mut recovery, is_closed).await {
            Ok(failover) => self.settle_success(&request, &mut recovery, failover, false).await,
            Err(stop) => self.settle_failure(&request, &mut recovery, stop).await,
        }
        Attempt::Ended(Box::new(recovery))
    }

    /// Writes that clients were told are safe may be on replicas only that cannot be read: the failover waits for them,
    /// or for an operator. Nothing is registered, so that it begins as soon as they answer.
    async fn refuse_possible_loss(&self, case: &FailoverCase) -> Option<String> {
        let is_readable = |key: &InstanceKey| {
            case.replicas.iter().any(|replica| replica.key == *key && replica.is_last_check_valid())
        };
        let loss =
            failover::possible_loss(case, is_readable).filter(|_| case.policy.prevent_semi_sync_loss)?;
        let reason = format!(
            "{} is not replaced: {loss}. It is as soon as they can be read; -c force-master-failover does not wait",
            case.failed
        );
        if self.inner.told_refusals.admit(&case.failed) {
            warn!(instance = %case.failed, reason = %reason, "a failover waits");
            self.audit("recover-dead-master", Some(&case.failed), reason.clone()).await;
        }
        Some(reason)
    }

    pub(super) fn new_recovery(
        &self,
        finding: &Finding,
        kind: RecoveryKind,
        uid: String,
        id: i64,
        last_detection_id: i64,
    ) -> Recovery {
        Recovery {
            id,
            uid,
            case: case_of(finding),
            in_active_period: true,
            start: self.now(),
            end: None,
            node: self.node().clone(),
            is_successful: false,
            successor: None,
            successor_alias: String::new(),
            successor_coordinates: None,
            lost_replicas: Vec::new(),
            participating: Vec::new(),
            errors: Vec::new(),
            acknowledged: false,
            acknowledged_at: None,
            acknowledged_by: String::new(),
            acknowledge_comment: String::new(),
            last_detection_id,
            kind: Some(kind),
            mode: RegroupMode::NotPrimary,
        }
    }

    /// From the hooks before to the verified promotion. An error means that nothing was promoted and says why.
    /// `is_closed`: a former recovery made the failed server read-only and could not open it again.
    async fn run_failover(
        &self,
        request: &Request,
        recovery: &mut Recovery,
        is_closed: bool,
    ) -> Result<Failover, NotPromoted> {
        let finding = &request.finding;
        let mut journal = Journal::new(&finding.key, &finding.replicas);
        journal.unfence = is_closed;
        journal.skip_hooks = request.skip_hooks;
        self.enter_stage(&recovery.uid, &mut journal, Stage::Registered).await?;
        let has_waited = self.run_pre_hooks(request, recovery).await?;
        if has_waited && !request.forced {
            self.require_still_wanted().await.map_err(NotPromoted::for_now)?;
            self.require_still_dead(&finding.key, true).await.map_err(NotPromoted::for_now)?;
        }
        let mut case = self.failover_case(&finding.key, request.candidate.clone());
        case.policy.prevent_semi_sync_loss &= !request.forced;
        recovery.mode = case.mode();
        let will = format!("will recover {} by {}", finding.key, recovery.mode.as_str());
        self.write_step_later(&recovery.uid, will);
        FailoverRun::new(self, recovery, case, journal, request.forced).run_phases().await
    }

    /// Runs `PreFailoverProcesses`; true when there were any, so that time has passed.
    pub(super) async fn run_pre_hooks(&self, request: &Request, recovery: &Recovery) -> Result<bool, String> {
        let settings = self.settings();
        let commands = &settings.hooks.before_failover;
        if request.skip_hooks || commands.is_empty() {
            return Ok(false);
        }
        let environment =
            hook_environment(&request.finding, &recovery.uid, Some(recovery), &self.node().hostname);
        self.run_hooks("PreFailoverProcesses", commands, &environment, &recovery.uid, true)
            .await
            .map_err(|error| error.to_string())?;
        Ok(true)
    }

    /// Asks for the global switch again: hooks may have taken minutes, and somebody may have switched recoveries off
    /// because of what is going on.
    async fn require_still_wanted(&self) -> Result<(), String> {
        match self.store().recoveries_disabled().await {
            Ok(false) => Ok(()),
            Ok(true) => Err("recoveries are disabled globally by now; nothing was changed".to_owned()),
            Err(error) => {
                Err(format!("cannot read the global recovery switch: {error}; nothing was changed"))
            }
        }
    }

    /// Looks again before anything is changed: hooks may have taken minutes, and the finding may be older than it
    /// seems. What was read less than a second ago is believed.
    async fn require_still_dead(&self, failed: &InstanceKey, has_waited: bool) -> Result<(), String> {
        let limit = Deadline::after(self.compiled().reasonable_check);
        let now = self.now();
        let is_old = |instance: &Instance| {
            has_waited || instance.last_checked.is_none_or(|at| now.saturating_since(at) > FRESH)
        };
        let to_read: Vec<InstanceKey> = {
            let fleet = self.fleet();
            let replicas = fleet.replicas_of(failed);
            replicas
                .chain(fleet.get(failed))
                .filter(|server| is_old(server))
                .map(|server| server.key.clone())
                .collect()
        };
        join_all(to_read.iter().map(|key| self.read_instance(key, limit))).await;
        let compiled = self.compiled();
        let finding = {
            let fleet = self.fleet();
            analysis::analyze_instance(&fleet, failed, &compiled.analysis, &self.filters(), self.now())
        };
        match finding {
            Some(finding) if finding.skippable_due_to_downtime => {
                Err(format!("{failed} is downtimed by now; nothing was changed"))
            }
            Some(finding) if finding.is_actionable => Ok(()),
            Some(finding) => Err(format!("{failed} is {} by now; nothing was changed", finding.code)),
            None => Err(format!("{failed} is in maintenance or forgotten by now; nothing was changed")),
        }
    }

    pub(super) fn failover_case(&self, failed: &InstanceKey, explicit: Option<InstanceKey>) -> FailoverCase {
        let compiled = self.compiled();
        let fleet = self.fleet();
        let is_never_promoted = |key: &InstanceKey| compiled.ignores_promotion(key);
        let policy = compiled.failover.clone();
        let mut case = match fleet.get(failed) {
            Some(failed) => FailoverCase::of(&fleet, failed, policy, &is_never_promoted),
            None => FailoverCase::new(failed.clone(), policy),
        };
        case.explicit = explicit;
        case
    }

    /// Time has passed since the failed server was fenced, or found dead: it may have come back. Most likely it has not,
    /// so this is short and its failure is no reason to stop.
    pub(super) async fn try_to_fence(&self, failed: &InstanceKey) -> Fence {
        let policy = &self.compiled().failover;
        if !policy.apply_promotion || !self.may_act() {
            return Fence::Failed;
        }
        let fence = Action::SetReadOnly { on: true, with_super: policy.use_super_read_only };
        match self.act_on(failed, &fence, Deadline::after(FENCE_TIME)).await {
            Ok(_) => Fence::Holds,
            Err(error) => {
                debug!(instance = %failed, error = %error, "the failed server cannot be fenced");
                if StepError::from(error).may_have_taken_effect() { Fence::NotKnown } else { Fence::Failed }
            }
        }
    }

    /// Goes through with a promotion that another process began.
    pub(super) async fn finish_promotion(
        &self,
        uid: &str,
        failed: &InstanceKey,
        candidate: &InstanceKey,
        replicas: &[InstanceKey],
    ) -> Result<Failover, String> {
        let mut is_fenced = self.try_to_fence(failed).await == Fence::Holds;
        let tried = Instant::now();
        let limit = self.read_deadline();
        let reads = join_all(replicas.iter().map(|replica| self.read_instance(replica, limit))).await;
        let read: Vec<Arc<Instance>> = reads.into_iter().flatten().collect();
        let Some(server) = read.iter().find(|server| server.key == *candidate) else {
            return Err(format!("{candidate}, whose promotion had begun, cannot be read"));
        };
        if !is_fenced && tried.elapsed() > FENCE_FRESH {
            // Reading took its time: both may have come back together.
            is_fenced = self.try_to_fence(failed).await == Fence::Holds;
        }
        let plan = failover::resume_plan(&self.compiled().failover, failed, server, &read);
        let end = self.execute(&plan, uid).await;
        match end.abort_error() {
            Some(reason) => Err(reason),
            None => {
                // Detached by the former process, because they could not follow.
                let detached = read.iter().filter(|replica| replica.primary_key == failed.detached());
                let lost = detached.map(|replica| replica.key.clone()).collect();
                let mut failover = Failover::of(self, candidate, lost, &end);
                failover.is_fenced = is_fenced;
                let is_unread = |key: &&InstanceKey| read.iter().all(|replica| replica.key != **key);
                failover.left_behind.extend(replicas.iter().filter(is_unread).cloned());
                Ok(failover)
            }
        }
    }

    pub(super) async fn settle_success(
        &self,
        request: &Request,
        recovery: &mut Recovery,
        failover: Failover,
        is_planned: bool,
    ) {
        let kind = recovery.kind.unwrap_or(RecoveryKind::Primary);
        self.counters(kind).success.increment();
        let promoted = failover.promoted.clone();
        recovery.is_successful = true;
        recovery.successor = Some(promoted.clone());
        if kind == RecoveryKind::CoPrimary {
            recovery.participating = vec![promoted.clone()];
        }
        recovery.successor_alias = failover.promoted_alias;
        recovery.successor_coordinates = failover.coordinates;
        recovery.lost_replicas = failover.lost;
        recovery.errors = failover.errors;
        let is_fenced = failover.is_fenced;
        let (left_behind, held) = (failover.left_behind, failover.held);
        // One that was left behind once and leads now is counted on again, by its alias too.
        if let Err(error) = self.end_downtime(&promoted).await {
            recovery.errors.push(error.to_string());
        }
        // The record is closed last: a process that dies before that leaves it open, and the next one publishes again.
        self.publish_primary(&request.finding, &promoted, &recovery.uid).await;
        self.fence_later(&recovery.uid, &request.finding.key, &promoted, is_fenced, is_planned);
        // The former primary of a takeover, too: until it replicates for a while it is not to be counted on.
        self.set_lost_aside(Some(&request.finding.key), &recovery.lost_replicas).await;
        if !is_planned {
            self.follow_up_later(&recovery.uid, &request.finding.key, &promoted, &held, &left_behind);
        }
        self.resolve(recovery).await;
        let promotion = format!("promoted replica: {promoted}");
        self.audit(audit_name(kind), Some(&request.finding.key), promotion).await;
        self.reread_replicas(request, &promoted, is_planned).await;
        self.wait_published(&request.finding.cluster.alias).await;
        let settings = self.settings();
        self.run_post_hooks(
            request,
            recovery,
            "PostMasterFailoverProcesses",
            &settings.hooks.after_primary_failover,
        )
        .await;
        self.run_post_hooks(request, recovery, "PostFailoverProcesses", &settings.hooks.after_failover).await;
        self.reread_below(request, &promoted).await;
    }

    /// Nobody was promoted. While something is still to be given back the record stays open.
    pub(super) async fn settle_failure(
        &self,
        request: &Request,
        recovery: &mut Recovery,
        stop: impl Into<NotPromoted>,
    ) {
        let NotPromoted { reason, may_retry, release, given_up } = stop.into();
        let kind = recovery.kind.unwrap_or(RecoveryKind::Primary);
        self.counters(kind).fail.increment();
        error!(instance = %request.finding.key, recovery = %recovery.uid, reason = %reason, "no replica was promoted");
        recovery.errors.push(reason.clone());
        if let Some(candidate) = given_up {
            self.give_up_candidate(recovery, &candidate).await;
        }
        match release {
            None => self.resolve(recovery).await,
            Some(release) => self.release_later(recovery.clone(), *release),
        }
        if may_retry {
            // Differs: the original blocks the cluster for the whole period, although nothing was changed.
            self.submit_quietly(Command::AcknowledgeRecoveries {
                scope: AcknowledgeScope::Uid(recovery.uid.clone()),
                owner: "orchestrator".to_owned(),
                comment: reason,
                at: self.now(),
            })
            .await;
        }
        self.audit(audit_name(kind), Some(&request.finding.key), "Failure: no replica promoted.").await;
        let settings = self.settings();
        let commands = &settings.hooks.after_unsuccessful_failover;
        self.run_post_hooks(request, recovery, "PostUnsuccessfulFailoverProcesses", commands).await;
    }

    /// A promotion had begun and cannot be ended: its server is set aside, and closed should it come back open.
    pub(super) async fn give_up_candidate(&self, recovery: &mut Recovery, candidate: &InstanceKey) {
        recovery.lost_replicas = vec![candidate.clone()];
        self.close_candidate_later(&recovery.uid, candidate, &recovery.case.key);
        self.set_lost_aside(None, &recovery.lost_replicas).await;
    }

    pub(super) async fn run_post_hooks(
        &self,
        request: &Request,
        recovery: &Recovery,
        list: &str,
        commands: &[String],
    ) {
        if request.skip_hooks {
            return;
        }
        let environment =
            hook_environment(&request.finding, &recovery.uid, Some(recovery), &self.node().hostname);
        // A failing hook after the fact is in the audit; it changes nothing about the recovery.
        let _ = self.run_hooks(list, commands, &environment, &recovery.uid, false).await;
    }

    /// Closes the record; its steps are complete by then.
    pub(super) async fn resolve(&self, recovery: &mut Recovery) {
        self.write_waiting_steps().await;
        let now = self.now();
        recovery.end = Some(now);
        self.submit_patiently(Command::ResolveRecovery {
            uid: recovery.uid.clone(),
            is_successful: recovery.is_successful,
            successor: recovery.successor.clone(),
            successor_alias: recovery.successor_alias.clone(),
            lost_replicas: recovery.lost_replicas.clone(),
            participating: recovery.participating.clone(),
            errors: recovery.errors.clone(),
            at: now,
        })
        .await;
    }

    /// Reads the new primary, then its replicas, so that the cluster's new shape is known at once. Receivers that are just
    /// connecting get a moment. A failed server is not waited for, one that has handed over is read.
    async fn reread_replicas(&self, request: &Request, promoted: &InstanceKey, is_planned: bool) {
        let limit = self.read_deadline();
        // A server that cannot be read stays marked as such; the poll goes on.
        let _ = self.read_instance(promoted, limit).await;
        let mut others: BTreeSet<InstanceKey> = {
            let fleet = self.fleet();
            fleet.replicas_of(promoted).map(|replica| replica.key.clone()).collect()
        };
        others.extend(request.finding.replicas.iter().cloned());
        others.remove(promoted);
        if is_planned {
            others.insert(request.finding.key.clone());
        } else {
            others.remove(&request.finding.key);
        }
        join_all(others.iter().map(|key| async move {
            let Ok(replica) = self.read_instance(key, limit).await else { return };
            let replication = &replica.replication;
            if replication.io_thread == ThreadState::Other && replication.last_io_errno == 0 {
                // One that does not get there stays marked as such.
                let _ = self.wait_running(replica).await;
            }
        }))
        .await;
    }

    /// Reads what is further below the new primary and still stands under the cluster's former name.
    async fn reread_below(&self, request: &Request, promoted: &InstanceKey) {
        let (finding, fleet) = (&request.finding, self.fleet().clone());
        let is_left = |server: &&Arc<Instance>| {
            server.is_last_check_valid() && ![&finding.key, promoted].contains(&&server.key)
        };
        let members = fleet.cluster_members(&finding.cluster.name).filter(is_left);
        let mut waiting: BTreeSet<InstanceKey> = members.map(|member| member.key.clone()).collect();
        // A server is placed by its source, so the source is read before it.
        while !waiting.is_empty() {
            let is_next = |key: &&InstanceKey| {
                let source = fleet.get(key).map(|server| &server.primary_key);
                source.is_none_or(|source| !waiting.contains(source))
            };
            let mut next: Vec<InstanceKey> = waiting.iter().filter(is_next).cloned().collect();
            if next.is_empty() {
                next.extend(waiting.iter().cloned());
            }
            waiting.retain(|key| !next.contains(key));
            let limit = self.read_deadline();
            join_all(next.iter().map(|key| self.read_instance(key, limit))).await;
        }
    }
}
