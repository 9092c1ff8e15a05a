//! A primary whose commits wait for too few semi-sync replicas, or on which too many acknowledge: replicas are switched.
//!
//! Nobody is promoted and nothing is re-pointed. The record is closed as soon as the repair ends, so that it never
//! stands in the way of a failover.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use decide::analysis;
use decide::plan_checker::{self, CheckContext, Severity};
use decide::semi_sync::{
    Mode, SemiSyncCase, Switch, disable_plan, enable_plan, reconnect_plans, settle_plan, switches,
};
use futures_util::future::join_all;
use model::{Command, Instance, InstanceKey, Plan, Recovery, RecoveryKind};
use ports::Deadline;
use tracing::{error, info};

use super::gates::Registration;
use super::{Attempt, Request};
use crate::Engine;
use crate::executor::PlanEnd;

/// Pause between two repairs of one primary. Shorter than that of failovers: replicas may go one after the other.
const REPAIR_PAUSE: Duration = Duration::from_secs(30);
/// Longest wait for a replica that was switched on to be counted by the primary, and the pause between looks.
const CLIENT_WAIT: Duration = Duration::from_secs(3);
const CLIENT_PAUSE: Duration = Duration::from_millis(100);

impl Engine {
    /// Switches semi-sync replicas on and off, from gates to hooks.
    pub(super) async fn repair_semi_sync(&self, request: Request) -> Attempt {
        let finding = &request.finding;
        let mode = match self.admit_semi_sync_repair(&request) {
            Ok(mode) => mode,
            Err(reasons) => return Attempt::NotAttempted(reasons),
        };
        let _lock = match self.lock_cluster(&finding.cluster.name, "the repair of semi-sync replication") {
            Ok(lock) => lock,
            Err(held) => return Attempt::NotAttempted(vec![held]),
        };
        if !self.inner.repairs.admit_after(&finding.key, REPAIR_PAUSE) && !request.forced {
            let seconds = REPAIR_PAUSE.as_secs();
            return Attempt::NotAttempted(vec![format!(
                "{} was repaired less than {seconds} s ago",
                finding.key
            )]);
        }
        let (uid, id, detection) = match self.register_recovery(&request).await {
            Ok(Registration::Registered { uid, id, last_detection_id }) => (uid, id, last_detection_id),
            Ok(Registration::Refused(reasons)) => return Attempt::NotAttempted(reasons),
            Err(error) => return Attempt::Failed(error.to_string()),
        };
        let mut recovery = self.new_recovery(finding, RecoveryKind::Primary, uid, id, detection);
        recovery.kind = None;
        self.audit("recover-semi-sync", Some(&finding.key), "problem found; will fix").await;
        let outcome = self.run_semi_sync(&request, &mut recovery, mode).await;
        // While their receivers connect it looks as if nobody replicated; the lock keeps that from being taken for a failure.
        join_all(recovery.participating.iter().map(|replica| self.settled(replica))).await;
        self.settle_repair(&request, &mut recovery, outcome).await;
        Attempt::Ended(Box::new(recovery))
    }

    /// Differs: the original registers a recovery, and so blocks the cluster, before it asks whether it may do anything;
    /// and it repairs clusters that its filters leave out.
    fn admit_semi_sync_repair(&self, request: &Request) -> Result<Mode, Vec<String>> {
        let finding = &request.finding;
        let mut reasons = Vec::new();
        if !request.forced && !finding.cluster.automated_primary_recovery {
            let cluster = &finding.cluster.name;
            reasons.push(format!("cluster {cluster} matches none of RecoverMasterClusterFilters"));
        }
        if !request.forced && !finding.is_actionable {
            reasons.push(format!("{} is not actionable at this moment", finding.code));
        }
        let mode = self.semi_sync_mode().unwrap_or_else(|| {
            let text = "neither EnforceExactSemiSyncReplicas nor RecoverLockedSemiSyncMaster is on";
            reasons.push(text.to_owned());
            Mode::Enough
        });
        if reasons.is_empty() { Ok(mode) } else { Err(reasons) }
    }

    /// Reads, chooses, switches; when a replica refuses, chooses again without it.
    async fn run_semi_sync(
        &self,
        request: &Request,
        recovery: &mut Recovery,
        mode: Mode,
    ) -> Result<(), String> {
        let mut case = self.semi_sync_case(&request.finding.key, mode).await?;
        if !request.forced {
            // Somebody may have repaired it. Our own lock is no reason to doubt the finding.
            self.require_still_found(&request.finding, &analysis::NoFilters)?;
        }
        let mut has_changed = false;
        let attempts = case.replicas.len() + 1;
        for _attempt in 0..attempts {
            let wanted = switches(&case);
            let missing: Vec<Switch> = wanted.iter().filter(|switch| switch.on).cloned().collect();
            if missing.is_empty() {
                let surplus: Vec<InstanceKey> = wanted.iter().map(|switch| switch.replica.clone()).collect();
                if surplus.is_empty() && !has_changed {
                    return Err(no_choice(&case, &recovery.errors));
                }
                let end = self.run_switches(&case, &disable_plan(&wanted), recovery).await?;
                recovery.participating.extend(surplus);
                if !end.lost.is_empty() {
                    return Err(end.errors().join("; "));
                }
                return self.end_waits(&case, recovery).await;
            }
            let end = self.run_switches(&case, &enable_plan(&case, &missing), recovery).await?;
            recovery.errors.extend(end.errors());
            let done = missing.iter().map(|switch| &switch.replica).filter(|key| !end.lost.contains(*key));
            recovery.participating.extend(done.cloned());
            has_changed |= missing.iter().any(|switch| !end.lost.contains(&switch.replica));
            let given_up = case.given_up.union(&end.lost).cloned().collect();
            self.await_clients(&case).await;
            case = SemiSyncCase { given_up, ..self.semi_sync_case(&request.finding.key, mode).await? };
        }
        Err(no_choice(&case, &recovery.errors))
    }

    /// The primary, which must answer, and its replicas, all read at the same time.
    pub(crate) async fn semi_sync_case(
        &self,
        primary: &InstanceKey,
        mode: Mode,
    ) -> Result<SemiSyncCase, String> {
        let limit = Deadline::after(self.compiled().reasonable_check);
        let keys: Vec<InstanceKey> = {
            let fleet = self.fleet();
            fleet.replicas_of(primary).map(|replica| replica.key.clone()).collect()
        };
        // A replica that does not answer is known as such afterwards, and left out by the choice.
        let (primary, _) = futures_util::join!(
            self.read_instance(primary, limit),
            join_all(keys.iter().map(|key| self.read_instance(key, limit)))
        );
        let primary = primary.map_err(|error| format!("semi-sync: {error}"))?;
        let fleet = self.fleet();
        let replicas: Vec<Arc<Instance>> = keys.iter().filter_map(|key| fleet.get(key)).cloned().collect();
        let rules: BTreeMap<_, _> = keys.iter().map(|key| (key.clone(), fleet.promotion_rule(key))).collect();
        Ok(SemiSyncCase { primary, replicas, rules, mode, joining: None, given_up: BTreeSet::new() })
    }

    /// Sessions may go on to wait for an acknowledgement of what replicas received before they acknowledged anything.
    async fn end_waits(&self, case: &SemiSyncCase, recovery: &Recovery) -> Result<(), String> {
        for key in &recovery.participating {
            let Some(waiting) = self.await_no_wait(&case.primary.key).await else { return Ok(()) };
            self.write_step_later(
                &recovery.uid,
                format!("{waiting} session(s) still wait; {key} connects by position once"),
            );
            self.reconnect_by_position(key, recovery).await?;
        }
        match self.await_no_wait(&case.primary.key).await {
            None => Ok(()),
            Some(waiting) => Err(format!(
                "{waiting} session(s) still wait on {}; -c disable-semi-sync-master ends that without an acknowledgement",
                case.primary.key
            )),
        }
    }

    /// `None` as soon as no session waits for long; else how many do after all the time given.
    async fn await_no_wait(&self, primary: &InstanceKey) -> Option<u32> {
        let limit = Deadline::after(CLIENT_WAIT);
        let mut waiting = 0;
        while !limit.has_passed() {
            let read = self.read_instance(primary, limit).await;
            let (count, is_behind) = match &read {
                Ok(server) => (
                    server.semi_sync.wait_sessions.unwrap_or(0),
                    server.semi_sync.primary_clients < server.awaited_acknowledgements(),
                ),
                Err(_) => (waiting, true),
            };
            if count == 0 && !is_behind {
                return None;
            }
            waiting = count;
            tokio::time::sleep(CLIENT_PAUSE).await;
        }
        (waiting > 0).then_some(waiting)
    }

    /// See [`settle_plan`]: by position, and then by GTID as before.
    async fn reconnect_by_position(&self, key: &InstanceKey, recovery: &Recovery) -> Result<(), String> {
        let drain = self.compiled().failover.drain_timeout;
        let settled = self.stand_still(key, drain, recovery).await?;
        let Some((plan, back)) = reconnect_plans(&settled) else {
            let plan = decide::semi_sync::connect_plan(&settled, model::SourcePosition::Keep);
            return self.run_plan(&plan, recovery).await;
        };
        self.run_plan(&plan, recovery).await?;
        tokio::time::sleep(CLIENT_PAUSE * 5).await;
        let settled = self.stand_still(key, drain, recovery).await?;
        self.run_plan(&decide::semi_sync::connect_plan(&settled, back), recovery).await
    }

    async fn stand_still(
        &self,
        key: &InstanceKey,
        drain: Duration,
        recovery: &Recovery,
    ) -> Result<Arc<Instance>, String> {
        let known = self.fleet().get(key).cloned().ok_or_else(|| format!("{key} is not known any more"))?;
        self.run_plan(&settle_plan(&known, drain), recovery).await?;
        self.read_instance(key, self.read_deadline()).await.map_err(|error| error.to_string())
    }

    async fn run_plan(&self, plan: &Plan, recovery: &Recovery) -> Result<(), String> {
        let end = self.execute(plan, &recovery.uid).await;
        end.abort_error().map_or(Ok(()), Err)
    }

    async fn run_switches(
        &self,
        case: &SemiSyncCase,
        plan: &Plan,
        recovery: &Recovery,
    ) -> Result<PlanEnd, String> {
        if plan.steps.is_empty() {
            return Ok(PlanEnd::default());
        }
        let mut check = CheckContext::new(case.replicas.iter().cloned());
        let notes = plan_checker::check_plan(plan, &mut check);
        if let Some(severe) = notes.iter().find(|note| note.severity == Severity::Error) {
            error!(recovery = %recovery.uid, note = %severe, "the plan checker refuses a plan; this is a defect");
            return Err(format!("plan {} was refused by its checker: {severe}", plan.name));
        }
        self.write_step_later(&recovery.uid, plan.to_string());
        let end = self.execute(plan, &recovery.uid).await;
        match end.abort_error() {
            Some(reason) => Err(reason),
            None => Ok(end),
        }
    }

    /// Replicas need a moment to connect again; then the primary counts them.
    async fn await_clients(&self, case: &SemiSyncCase) {
        let wanted = case.primary.awaited_acknowledgements();
        let limit = Deadline::after(CLIENT_WAIT);
        while !limit.has_passed() {
            let read = self.read_instance(&case.primary.key, limit).await;
            if read.is_ok_and(|primary| primary.semi_sync.primary_clients >= wanted) {
                return;
            }
            tokio::time::sleep(CLIENT_PAUSE).await;
        }
    }

    async fn settle_repair(&self, request: &Request, recovery: &mut Recovery, outcome: Result<(), String>) {
        let settings = self.settings();
        recovery.participating.sort();
        recovery.participating.dedup();
        let (list, commands) = match outcome {
            Ok(()) => {
                info!(instance = %request.finding.key, recovery = %recovery.uid, "semi-sync was repaired");
                recovery.is_successful = true;
                recovery.successor = Some(request.finding.key.clone());
                ("PostFailoverProcesses", &settings.hooks.after_failover)
            }
            Err(reason) => {
                error!(instance = %request.finding.key, recovery = %recovery.uid, reason = %reason, "semi-sync was not repaired");
                recovery.errors.push(reason);
                ("PostUnsuccessfulFailoverProcesses", &settings.hooks.after_unsuccessful_failover)
            }
        };
        self.resolve(recovery).await;
        self.close_repair(recovery).await;
        self.run_post_hooks(request, recovery, list, commands).await;
    }

    /// Ends the active period of a repair that promoted nobody.
    ///
    /// Differs: in the original such a record blocks every recovery of its cluster, a dead primary's included.
    pub(super) async fn close_repair(&self, recovery: &Recovery) {
        self.submit_quietly(Command::AcknowledgeRecoveries {
            scope: model::AcknowledgeScope::Uid(recovery.uid.clone()),
            owner: "orchestrator".to_owned(),
            comment: "a repair that promotes nobody blocks nothing".to_owned(),
            at: self.now(),
        })
        .await;
    }
}

fn no_choice(case: &SemiSyncCase, errors: &[String]) -> String {
    let text = format!(
        "cannot determine actions based on possible semi-sync replicas; cannot recover on {}",
        case.primary.key
    );
    if errors.is_empty() { text } else { format!("{text}: {}", errors.join("; ")) }
}
