//! Why the verdict on one server is what it is: what was seen, which rule matched, which nearly did, and what keeps
//! the finding from being reported or acted upon.
//!
//! Only what analysis itself decides is explained here. What blocks a recovery later (switches, block periods, leases)
//! is added by whoever holds that state.

use std::fmt;

use model::{AnalysisCode, AnalysisPolicy, Facts, Fleet, Instance, InstanceKey, ThreadState, Timestamp};

use super::condition::Condition;
use super::facts::{facts, fails_to_connect, is_readable, is_stale, replicas};
use super::round::AnalysisFilters;
use super::rules::{Caution, rules_for, structure, verdict};

/// A rule all of whose conditions hold but one; roles do not count, because a server does not just miss its role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NearMiss {
    /// What the verdict would be.
    pub code: AnalysisCode,
    /// The condition that does not hold.
    pub missing: Condition,
}

/// What keeps a finding from being reported, or its recovery from being considered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// The server is in maintenance: it is not analysed.
    Maintenance {
        /// Who asked for it.
        owner: String,
        /// Why.
        reason: String,
    },
    /// `RecoveryIgnoreHostnameFilters` name its host: nothing is reported.
    HostIgnored,
    /// The server is downtimed: shown, not acted upon.
    Downtime {
        /// When it ends.
        until: Timestamp,
        /// Why.
        reason: String,
    },
    /// All replicas are downtimed, and the code is about replicas.
    ReplicasDowntimed,
    /// No recovery exists for the code.
    NoRecovery,
    /// The recovery changes the server itself, which cannot be reached.
    Unreachable,
    /// The policy asks for a replica that fails to connect, and none does.
    NoConnectFailure,
    /// An operation in progress explains the code.
    Operation,
    /// The server was not checked for too long; nothing is concluded about it.
    Stale,
    /// Automatic recovery of this kind is not configured for the cluster.
    ClusterNotAutomated,
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Maintenance { owner, reason } => {
                write!(f, "it is in maintenance by {owner} ({reason}), so it is not analysed; end the maintenance")
            }
            Self::HostIgnored => f.write_str("`RecoveryIgnoreHostnameFilters` match its host, so nothing is reported"),
            Self::Downtime { until, reason } => {
                write!(f, "it is downtimed until {} ({reason}); end the downtime", until.to_sql_text())
            }
            Self::ReplicasDowntimed => f.write_str("all of its replicas are downtimed, which makes this uninteresting"),
            Self::NoRecovery => f.write_str("no recovery exists for this analysis"),
            Self::Unreachable => f.write_str("the recovery would change the server itself, which is unreachable"),
            Self::NoConnectFailure => {
                f.write_str("no replica fails to connect or is connecting; replication may have been stopped by hand")
            }
            Self::Operation => f.write_str("an operation in progress on the cluster explains it"),
            Self::Stale => f.write_str("it was not checked for too long; refresh it"),
            Self::ClusterNotAutomated => f.write_str(
                "no entry of `RecoverMasterClusterFilters` or `RecoverIntermediateMasterClusterFilters` allows it for the cluster",
            ),
        }
    }
}

/// The whole explanation of one server.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// The server.
    pub key: InstanceKey,
    /// Its cluster.
    pub cluster_name: String,
    /// What was seen, one sentence each: first the server, then its replicas by key.
    pub seen: Vec<String>,
    /// The verdict.
    pub code: AnalysisCode,
    /// Conditions that made the verdict; empty for [`AnalysisCode::NoProblem`].
    pub because: Vec<Condition>,
    /// Structure codes as text, in rule order.
    pub structure: Vec<&'static str>,
    /// Rules that lack one condition, in order of evaluation, each code once.
    pub nearly: Vec<NearMiss>,
    /// What stands in the way of action; empty when recovery may be considered.
    pub obstacles: Vec<Obstacle>,
}

/// Explains the verdict on one server; `None` when it is unknown.
pub fn explain_instance(
    fleet: &Fleet,
    key: &InstanceKey,
    policy: &AnalysisPolicy,
    filters: &dyn AnalysisFilters,
    now: Timestamp,
) -> Option<Explanation> {
    let instance = fleet.get(key)?;
    let facts = facts(fleet, instance, policy, now);
    let rule = verdict(&facts, policy);
    let code = rule.map_or(AnalysisCode::NoProblem, |rule| rule.code);
    Some(Explanation {
        key: key.clone(),
        cluster_name: instance.cluster_name.clone(),
        seen: seen(fleet, instance, &facts, policy, now),
        code,
        because: rule.map(|rule| rule.when.to_vec()).unwrap_or_default(),
        structure: structure(&facts, policy).into_iter().map(|code| code.as_str()).collect(),
        nearly: near_misses(&facts, policy, code),
        obstacles: obstacles(fleet, instance, &facts, policy, filters, now),
    })
}

fn near_misses(facts: &Facts, policy: &AnalysisPolicy, verdict: AnalysisCode) -> Vec<NearMiss> {
    let mut misses: Vec<NearMiss> = Vec::new();
    for rule in rules_for(facts) {
        let mut failing = rule.when.iter().filter(|condition| !condition.holds(facts, policy));
        if let (Some(&missing), None) = (failing.next(), failing.next()) {
            let is_new = !missing.is_role()
                && rule.code != verdict
                && misses.iter().all(|miss| miss.code != rule.code);
            if is_new {
                misses.push(NearMiss { code: rule.code, missing });
            }
        }
    }
    misses
}

fn obstacles(
    fleet: &Fleet,
    instance: &Instance,
    facts: &Facts,
    policy: &AnalysisPolicy,
    filters: &dyn AnalysisFilters,
    now: Timestamp,
) -> Vec<Obstacle> {
    let mut found = Vec::new();
    if let Some(maintenance) = fleet.maintenance.get(&instance.key) {
        found.push(Obstacle::Maintenance {
            owner: maintenance.owner.clone(),
            reason: maintenance.reason.clone(),
        });
    }
    if filters.ignores_host(instance.key.hostname()) {
        found.push(Obstacle::HostIgnored);
    }
    if facts.check_stale {
        found.push(Obstacle::Stale);
    }
    let downtime = fleet.downtimes.get(&instance.key).filter(|downtime| downtime.is_active(now));
    if let Some((downtime, until)) = downtime.and_then(|downtime| Some((downtime, downtime.end?))) {
        found.push(Obstacle::Downtime { until, reason: downtime.reason.clone() });
    }
    let Some(rule) = verdict(facts, policy) else { return found };
    if rule.quiet_when_replicas_downtimed && facts.downtimed_replicas == facts.replicas {
        found.push(Obstacle::ReplicasDowntimed);
    }
    if !rule.response.is_actionable() {
        found.push(Obstacle::NoRecovery);
        return found;
    }
    if !rule.is_actionable(facts, policy) {
        found.push(match rule.caution {
            Caution::MustSeeConnectFailure => Obstacle::NoConnectFailure,
            Caution::MustBeReachable | Caution::None => Obstacle::Unreachable,
        });
    }
    if filters.is_explained_by_operation(&instance.cluster_name, rule.code) {
        found.push(Obstacle::Operation);
    }
    let alias = fleet.cluster_alias(&instance.cluster_name);
    let is_automated = if facts.is_primary || facts.is_co_primary {
        filters.recovers_primary(&instance.cluster_name, alias)
    } else {
        filters.recovers_intermediate(&instance.cluster_name, alias)
    };
    if !is_automated {
        found.push(Obstacle::ClusterNotAutomated);
    }
    found
}

fn seen(
    fleet: &Fleet,
    instance: &Instance,
    facts: &Facts,
    policy: &AnalysisPolicy,
    now: Timestamp,
) -> Vec<String> {
    let role = match (facts.is_co_primary, facts.is_group_member, facts.is_primary) {
        (true, _, _) => "a co-primary",
        (_, true, _) => "a group member",
        (_, _, true) => "a primary",
        (_, _, false) if facts.replicas > 0 => "an intermediate primary",
        _ => "a replica",
    };
    let state = match (facts.check_valid, facts.check_stale, facts.check_partial) {
        (true, _, _) => "reachable",
        (_, true, _) => "not checked for too long",
        (_, _, true) => "unreachable, though the basic variables could be read",
        (_, _, false) => "unreachable",
    };
    let mut lines = vec![format!("{} is {role}, {state}{}", instance.key, last_seen(instance, now))];
    for replica in replicas(fleet, &instance.key) {
        lines.push(format!("{} {}", replica.key, replica_state(replica, policy, now)));
    }
    lines
}

fn last_seen(instance: &Instance, now: Timestamp) -> String {
    match instance.last_seen {
        None => ", never read".to_owned(),
        Some(at) => format!(", last read {:.1} s ago", now.saturating_since(at).as_secs_f64()),
    }
}

fn replica_state(replica: &Instance, policy: &AnalysisPolicy, now: Timestamp) -> String {
    if !is_readable(replica, policy, now) {
        let last_seen = last_seen(replica, now);
        return if is_stale(replica, policy, now) && replica.is_last_check_valid() {
            format!("was not checked for too long{last_seen}; then it {}", thread_state(replica))
        } else {
            format!("is unreadable{last_seen}")
        };
    }
    thread_state(replica)
}

fn thread_state(replica: &Instance) -> String {
    let replication = &replica.replication;
    let receiver = match replication.io_thread {
        ThreadState::Running => "receives from it",
        _ if fails_to_connect(replica) => "fails to connect to it",
        ThreadState::Other => "is connecting to it",
        ThreadState::Stopped | ThreadState::Absent => "has its receiver stopped",
    };
    let applier = if replication.sql_thread.is_running() { "" } else { ", its applier is stopped" };
    let error = match (replication.last_io_errno, replication.last_io_error.as_str()) {
        (0, "") => String::new(),
        (number, text) => format!(" (error {number}: {text})"),
    };
    format!("{receiver}{applier}{error}")
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} (cluster {}): {}", self.key, self.cluster_name, self.code)?;
        for line in &self.seen {
            writeln!(f, "  seen: {line}")?;
        }
        for condition in &self.because {
            writeln!(f, "  because: {}", condition.text())?;
        }
        for code in &self.structure {
            writeln!(f, "  structure: {code}")?;
        }
        for miss in &self.nearly {
            writeln!(f, "  not {}: that needs: {}", miss.code, miss.missing.text())?;
        }
        for obstacle in &self.obstacles {
            writeln!(f, "  no action: {obstacle}")?;
        }
        Ok(())
    }
}
