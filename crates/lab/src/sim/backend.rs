//! The backend of the simulated orchestrator: the same state machine as the real ones, in memory, surviving a crash of
//! the process.
//!
//! It keeps what decisions, resuming and the invariants need. It differs from the database in two ways that nothing
//! decides by: a code that was announced before the active one is announced again, and page sizes are not limited.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use model::{
    AcknowledgeScope, AuditRecord, BlockedRecovery, Case, Command, CommandOutcome, Detection, Downtime,
    Fleet, Instance, InstanceKey, Maintenance, NodeIdentity, Recovery, RecoveryStep, RegroupMode, Retention,
    StaleCoordinates, Timestamp,
};
use ports::{DetectionQuery, InstanceWrite, RecoveryQuery};

/// All tables.
#[derive(Debug, Default)]
pub(super) struct Backend {
    fleet: Fleet,
    is_disabled: bool,
    pub(super) recoveries: Vec<Recovery>,
    pub(super) detections: Vec<Detection>,
    pub(super) steps: Vec<RecoveryStep>,
    pub(super) blocked: Vec<BlockedRecovery>,
    pub(super) journals: BTreeMap<String, (String, String)>,
    pub(super) pairs: BTreeMap<String, String>,
    attributes: BTreeMap<(String, String), String>,
    audit: Vec<AuditRecord>,
    analyses: BTreeMap<InstanceKey, Vec<(Timestamp, String)>>,
    nodes: BTreeSet<(String, String)>,
    /// Statements fail while this is set.
    pub(super) is_down: bool,
}

impl Backend {
    /// Servers downtimed because a recovery left them behind.
    pub(super) fn lost_in_recovery(&self, key: &InstanceKey) -> bool {
        self.fleet.downtimes.get(key).is_some_and(|downtime| downtime.reason == Downtime::LOST_IN_RECOVERY)
    }

    pub(super) fn load(&self) -> Fleet {
        self.fleet.clone()
    }

    pub(super) fn are_recoveries_disabled(&self) -> bool {
        self.is_disabled
    }

    pub(super) fn write(&mut self, writes: Vec<InstanceWrite>) {
        for write in writes {
            match write {
                InstanceWrite::Observed(instance) => {
                    self.fleet.insert(Instance::clone(&instance));
                }
                InstanceWrite::CheckFailed { key, checked, attempted, partial } => {
                    self.fleet.update(&key, |instance| {
                        instance.last_checked = checked.or(instance.last_checked);
                        instance.last_attempted_check = Some(attempted);
                        instance.last_check_partial_success = partial;
                    });
                }
            }
        }
    }

    /// Recoveries, newest first.
    pub(super) fn list_recoveries(&self, query: &RecoveryQuery, now: Timestamp) -> Vec<Recovery> {
        let recent =
            |recovery: &Recovery| recovery.end.is_some_and(|end| now.saturating_since(end).as_secs() < 300);
        let wanted = |recovery: &&Recovery| match query {
            RecoveryQuery::Page { cluster_name, cluster_alias, unacknowledged, page } => {
                *page == 0
                    && cluster_name.as_ref().is_none_or(|name| *name == recovery.case.cluster_name)
                    && cluster_alias.as_ref().is_none_or(|alias| *alias == recovery.case.cluster_alias)
                    && !(*unacknowledged && recovery.acknowledged)
            }
            RecoveryQuery::Id(id) => recovery.id == *id,
            RecoveryQuery::Uid(uid) => recovery.uid == *uid,
            RecoveryQuery::ActiveOfCluster(name) => {
                recovery.in_active_period && recovery.end.is_none() && recovery.case.cluster_name == *name
            }
            RecoveryQuery::RecentOfCluster(name) => recent(recovery) && recovery.case.cluster_name == *name,
            RecoveryQuery::RecentWithSuccessor(key) => {
                recent(recovery) && recovery.successor.as_ref() == Some(key)
            }
            RecoveryQuery::ActiveWithSuccessor(key) => {
                recovery.in_active_period && recovery.successor.as_ref() == Some(key)
            }
            RecoveryQuery::InActivePeriodOfCluster(name) => {
                recovery.in_active_period && recovery.case.cluster_name == *name
            }
            RecoveryQuery::Unfinished => recovery.end.is_none(),
        };
        self.recoveries.iter().rev().filter(wanted).cloned().collect()
    }

    /// Detections, newest first.
    pub(super) fn list_detections(&self, query: &DetectionQuery) -> Vec<Detection> {
        let wanted = |detection: &&Detection| match query {
            DetectionQuery::Page { cluster_alias, page } => {
                *page == 0
                    && cluster_alias.as_ref().is_none_or(|alias| *alias == detection.case.cluster_alias)
            }
            DetectionQuery::Id(id) => detection.id == *id,
        };
        self.detections.iter().rev().filter(wanted).cloned().collect()
    }

    pub(super) fn list_audit(&self, key: Option<&InstanceKey>) -> Vec<AuditRecord> {
        self.audit.iter().rev().filter(|line| key.is_none() || line.key.as_ref() == key).cloned().collect()
    }

    pub(super) fn changelog(&self) -> Vec<ports::AnalysisChange> {
        self.analyses
            .iter()
            .map(|(key, changes)| ports::AnalysisChange { key: key.clone(), changes: changes.clone() })
            .collect()
    }

    /// Applies a command, wholly or (with an error) not at all.
    pub(super) fn apply(&mut self, command: &Command) -> CommandOutcome {
        match command {
            Command::BeginDowntime(downtime) => {
                self.fleet.downtimes.insert(downtime.key.clone(), downtime.clone());
            }
            Command::EndDowntime(key) => {
                return CommandOutcome::Existed(self.fleet.downtimes.remove(key).is_some());
            }
            Command::BeginMaintenance { key, owner, reason, begin, end, .. } => {
                return self.begin_maintenance(key, owner, reason, *begin, *end);
            }
            Command::EndMaintenance { key, .. } => {
                return CommandOutcome::Existed(self.fleet.maintenance.remove(key).is_some());
            }
            Command::ForgetInstance(key) => return CommandOutcome::Existed(self.fleet.remove(key).is_some()),
            Command::ForgetCluster(name) => {
                let members: Vec<_> =
                    self.fleet.cluster_members(name).map(|member| member.key.clone()).collect();
                members.iter().for_each(|key| drop(self.fleet.remove(key)));
                return CommandOutcome::Count(members.len() as u64);
            }
            Command::DisableRecoveries(is_disabled) => self.is_disabled = *is_disabled,
            Command::RegisterDetection { case, is_actionable, node, at } => {
                return CommandOutcome::Inserted(self.register_detection(case, *is_actionable, node, *at));
            }
            Command::ClearDetections { key, .. } => self.clear_detections(|case| case.key == *key),
            Command::RegisterRecovery { uid, case, node, at } => {
                return CommandOutcome::Inserted(self.register_recovery(uid, case, node, *at));
            }
            Command::ResolveRecovery { uid, .. } => {
                if let Some(recovery) = self.recoveries.iter_mut().find(|recovery| recovery.uid == *uid) {
                    resolve(recovery, command);
                }
            }
            Command::JournalRecovery { uid, state, plan, .. } => {
                self.journals.insert(uid.clone(), (state.clone(), plan.clone()));
            }
            Command::WriteRecoveryStep { uid, at, message } => {
                let id = self.steps.len() as i64 + 1;
                self.steps.push(RecoveryStep {
                    id,
                    recovery_uid: uid.clone(),
                    at: *at,
                    message: message.clone(),
                });
            }
            Command::AcknowledgeRecoveries { scope, owner, comment, at } => {
                return CommandOutcome::Count(self.acknowledge(scope, owner, comment, *at));
            }
            Command::AcknowledgeCrashed { at } => {
                let nodes = self.nodes.clone();
                let is_gone = |recovery: &Recovery| {
                    recovery.in_active_period
                        && recovery.end.is_none()
                        && !nodes.contains(&(recovery.node.hostname.clone(), recovery.node.token.clone()))
                };
                return CommandOutcome::Count(self.acknowledge_where(
                    is_gone,
                    "orchestrator",
                    "crashed",
                    *at,
                ));
            }
            Command::WriteBlockedRecovery { case, blocking_recovery_id, at } => {
                self.blocked.retain(|blocked| blocked.key != case.key);
                self.blocked.push(BlockedRecovery {
                    key: case.key.clone(),
                    cluster_name: case.cluster_name.clone(),
                    code: case.code,
                    last_blocked: *at,
                    blocking_recovery_id: *blocking_recovery_id,
                });
            }
            Command::WriteAudit(record) => self.audit.push(record.clone()),
            Command::WriteAnalysis { key, analysis, at } => {
                self.analyses.entry(key.clone()).or_default().push((*at, analysis.clone()));
            }
            Command::PutKeyValues { pairs, .. } => self.pairs.extend(pairs.iter().cloned()),
            Command::SetAttribute { hostname, name, value, .. } => {
                self.attributes.insert((hostname.clone(), name.clone()), value.clone());
            }
            Command::RegisterNode { node, .. } => {
                self.nodes.retain(|known| known.0 != node.hostname);
                self.nodes.insert((node.hostname.clone(), node.token.clone()));
            }
            Command::EndPeriods { detection_active, recovery_active, at } => {
                self.end_periods(*detection_active, *recovery_active, *at);
            }
            Command::Expire { retention, at } => self.expire(retention, *at),
            other => self.apply_statement(other),
        }
        CommandOutcome::Done
    }

    /// What is said about servers and clusters.
    fn apply_statement(&mut self, command: &Command) {
        let fleet = &mut self.fleet;
        match command {
            Command::RegisterCandidate(candidate) => {
                fleet.candidates.insert(candidate.key.clone(), candidate.clone());
            }
            Command::SetClusterAlias { cluster_name, alias, .. } => {
                fleet.cluster_aliases.retain(|name, known| known != alias || name == cluster_name);
                fleet.cluster_aliases.insert(cluster_name.clone(), alias.clone());
            }
            Command::SetClusterAliasOverride { cluster_name, alias } => {
                fleet.cluster_alias_overrides.insert(cluster_name.clone(), alias.clone());
            }
            Command::SetClusterDomain { cluster_name, domain, .. } => {
                fleet.cluster_domains.insert(cluster_name.clone(), domain.clone());
            }
            Command::SetResolved { hostname, resolved, .. } => {
                fleet.resolved.insert(hostname.clone(), resolved.clone());
            }
            Command::SetUnresolved { hostname, unresolved, .. } => {
                fleet.unresolved.insert(hostname.clone(), unresolved.clone());
            }
            Command::WriteStaleCoordinates { key, coordinates, at } => {
                let stale = StaleCoordinates { coordinates: coordinates.clone(), first_seen: *at };
                fleet.stale_coordinates.insert(key.clone(), stale);
            }
            Command::RenameCluster { from, to, alias, .. } if from != to => {
                let stored = fleet.cluster_aliases.remove(from).unwrap_or_default();
                let carried = if alias.is_empty() { stored } else { alias.clone() };
                if !carried.is_empty() && carried != *from {
                    fleet.cluster_aliases.retain(|_, known| *known != carried);
                    fleet.cluster_aliases.insert(to.clone(), carried);
                }
                if let Some(chosen) = fleet.cluster_alias_overrides.remove(from) {
                    fleet.cluster_alias_overrides.insert(to.clone(), chosen);
                }
            }
            Command::PutTag { key, tag, .. } => {
                fleet.tags.entry(key.clone()).or_default().insert(tag.clone());
            }
            _ => {}
        }
    }

    fn begin_maintenance(
        &mut self,
        key: &InstanceKey,
        owner: &str,
        reason: &str,
        begin: Timestamp,
        end: Timestamp,
    ) -> CommandOutcome {
        if self.fleet.maintenance.contains_key(key) {
            return CommandOutcome::Inserted(None);
        }
        let id = begin.as_micros();
        let (owner, reason) = (owner.to_owned(), reason.to_owned());
        let maintenance = Maintenance { id, key: key.clone(), owner, reason, begin, end: Some(end) };
        self.fleet.maintenance.insert(key.clone(), maintenance);
        CommandOutcome::Inserted(Some(id))
    }

    fn register_detection(
        &mut self,
        case: &Case,
        is_actionable: bool,
        node: &NodeIdentity,
        at: Timestamp,
    ) -> Option<i64> {
        let active = self.detections.iter_mut().find(|detection| {
            detection.in_active_period
                && detection.case.key == case.key
                && detection.is_actionable == is_actionable
        });
        match active {
            Some(active) if active.case.code == case.code => return None,
            Some(active) => active.in_active_period = false,
            None => {}
        }
        let id = self.detections.len() as i64 + 1;
        self.detections.push(Detection {
            id,
            case: case.clone(),
            in_active_period: true,
            start_active_period: at,
            node: node.clone(),
            is_actionable,
            related_recovery_id: 0,
        });
        Some(id)
    }

    fn clear_detections(&mut self, of: impl Fn(&Case) -> bool) {
        self.detections
            .iter_mut()
            .filter(|known| of(&known.case))
            .for_each(|known| known.in_active_period = false);
    }

    fn register_recovery(
        &mut self,
        uid: &str,
        case: &Case,
        node: &NodeIdentity,
        at: Timestamp,
    ) -> Option<i64> {
        if self.recoveries.iter().any(|known| known.in_active_period && known.case.key == case.key) {
            return None;
        }
        let last_detection_id =
            self.detections.iter().rev().find(|known| known.case.key == case.key).map_or(0, |known| known.id);
        let id = self.recoveries.len() as i64 + 1;
        self.recoveries.push(Recovery {
            id,
            uid: uid.to_owned(),
            case: case.clone(),
            in_active_period: true,
            start: at,
            end: None,
            node: node.clone(),
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
            kind: None,
            mode: RegroupMode::NotPrimary,
        });
        Some(id)
    }

    fn acknowledge(&mut self, scope: &AcknowledgeScope, owner: &str, comment: &str, at: Timestamp) -> u64 {
        match scope {
            AcknowledgeScope::Instance(key) => self.clear_detections(|case| case.key == *key),
            AcknowledgeScope::Cluster { name, .. } => {
                self.clear_detections(|case| case.cluster_name == *name)
            }
            AcknowledgeScope::All
            | AcknowledgeScope::Id(_)
            | AcknowledgeScope::Uid(_)
            | AcknowledgeScope::FinishedOf(_) => {}
        }
        let wanted = |recovery: &Recovery| match scope {
            AcknowledgeScope::All => true,
            AcknowledgeScope::Id(id) => recovery.id == *id,
            AcknowledgeScope::Uid(uid) => recovery.uid == *uid,
            AcknowledgeScope::Instance(key) => recovery.case.key == *key,
            AcknowledgeScope::Cluster { name, alias } => {
                recovery.case.cluster_name == *name
                    || (!alias.is_empty() && recovery.case.cluster_alias == *alias)
            }
            AcknowledgeScope::FinishedOf(key) => recovery.case.key == *key && recovery.end.is_some(),
        };
        self.acknowledge_where(wanted, owner, comment, at)
    }

    fn acknowledge_where(
        &mut self,
        wanted: impl Fn(&Recovery) -> bool,
        owner: &str,
        comment: &str,
        at: Timestamp,
    ) -> u64 {
        let mut count = 0;
        for recovery in self.recoveries.iter_mut().filter(|known| !known.acknowledged && wanted(known)) {
            count += 1;
            recovery.acknowledged = true;
            recovery.in_active_period = false;
            recovery.acknowledged_at = Some(at);
            recovery.acknowledged_by = owner.to_owned();
            recovery.acknowledge_comment = comment.to_owned();
        }
        count
    }

    fn end_periods(&mut self, detections: Duration, recoveries: Duration, at: Timestamp) {
        for detection in &mut self.detections {
            detection.in_active_period &= at.saturating_since(detection.start_active_period) <= detections;
        }
        for recovery in &mut self.recoveries {
            recovery.in_active_period &= at.saturating_since(recovery.start) <= recoveries;
        }
        self.blocked.retain(|blocked| at.saturating_since(blocked.last_blocked).as_secs() < 2);
    }

    fn expire(&mut self, retention: &Retention, at: Timestamp) {
        self.end_periods(retention.detection_active, retention.recovery_active, at);
        self.fleet.downtimes.retain(|_, downtime| downtime.is_active(at));
        let oldest = at - retention.stale_coordinates;
        self.fleet.stale_coordinates.retain(|_, stale| stale.first_seen >= oldest);
    }
}

fn resolve(recovery: &mut Recovery, command: &Command) {
    let Command::ResolveRecovery {
        is_successful,
        successor,
        successor_alias,
        lost_replicas,
        participating,
        errors,
        at,
        ..
    } = command
    else {
        return;
    };
    recovery.is_successful = *is_successful;
    recovery.successor = successor.clone();
    recovery.successor_alias = successor_alias.clone();
    recovery.lost_replicas = lost_replicas.clone();
    recovery.participating = participating.clone();
    recovery.errors = errors.clone();
    recovery.end = Some(*at);
}
