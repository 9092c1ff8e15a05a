//! One round of analysis: which servers are looked at, what is left out, and in which order the rest is reported.

use std::cmp::Reverse;

use model::{
    AnalysisCode, AnalysisPolicy, ClusterDetails, Diagnosis, Facts, Finding, Fleet, Instance, InstanceKey,
    Timestamp,
};

use super::cause::diagnose;
use super::facts::{facts, replicas};
use super::rules::{Rule, structure, verdict};

/// Which servers a round looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope<'a> {
    /// All of them.
    All,
    /// Members of the cluster of this exact name.
    Cluster(&'a str),
}

/// What a round reports besides problems of servers in service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hints {
    /// Also what nothing may be done about because of downtime.
    pub include_downtimed: bool,
    /// Also servers without problem and without weak structure.
    pub include_no_problem: bool,
}

/// What settings say about clusters and hosts. Patterns are compiled by whoever reads the settings.
pub trait AnalysisFilters {
    /// `RecoveryIgnoreHostnameFilters`: nothing is reported about this host. Asked with the name alone, no port.
    fn ignores_host(&self, hostname: &str) -> bool;
    /// `RecoverMasterClusterFilters` match this cluster.
    fn recovers_primary(&self, cluster_name: &str, cluster_alias: &str) -> bool;
    /// `RecoverIntermediateMasterClusterFilters` match this cluster.
    fn recovers_intermediate(&self, cluster_name: &str, cluster_alias: &str) -> bool;
    /// An operation in progress explains this code in this cluster: it is shown, but not acted upon.
    ///
    /// A takeover, for one, makes the primary read-only for a moment, which is no reason to make it writable.
    fn is_explained_by_operation(&self, _cluster_name: &str, _code: AnalysisCode) -> bool {
        false
    }
}

/// Filters that ignore nobody and recover nothing: what a fleet without settings has.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoFilters;

impl AnalysisFilters for NoFilters {
    fn ignores_host(&self, _hostname: &str) -> bool {
        false
    }
    fn recovers_primary(&self, _cluster_name: &str, _cluster_alias: &str) -> bool {
        false
    }
    fn recovers_intermediate(&self, _cluster_name: &str, _cluster_alias: &str) -> bool {
        false
    }
}

/// Result of [`analyze_round`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Round {
    /// What is reported: primaries first, then the primary its cluster is named after, then most replicas, then key.
    pub findings: Vec<Finding>,
    /// The code of every analysed server with replicas, by key, filtered or not: what a changelog is kept of.
    pub verdicts: Vec<(InstanceKey, AnalysisCode)>,
}

/// Analyses servers and returns what is to be reported; see [`Round::findings`] for the order.
pub fn analyze(
    fleet: &Fleet,
    scope: Scope<'_>,
    hints: Hints,
    policy: &AnalysisPolicy,
    filters: &dyn AnalysisFilters,
    now: Timestamp,
) -> Vec<Finding> {
    analyze_round(fleet, scope, hints, policy, filters, now).findings
}

/// As [`analyze`], with the verdicts a changelog needs.
pub fn analyze_round(
    fleet: &Fleet,
    scope: Scope<'_>,
    hints: Hints,
    policy: &AnalysisPolicy,
    filters: &dyn AnalysisFilters,
    now: Timestamp,
) -> Round {
    let mut round = Round::default();
    let mut look_at = |instance: &Instance| {
        let Some(facts) = facts_of_interest(fleet, instance, policy, now) else { return };
        let rule = verdict(&facts, policy);
        if facts.replicas > 0 {
            round
                .verdicts
                .push((instance.key.clone(), rule.map_or(AnalysisCode::NoProblem, |rule| rule.code)));
        }
        let structure = structure(&facts, policy);
        if rule.is_none() && structure.is_empty() && !hints.include_no_problem {
            return;
        }
        if filters.ignores_host(instance.key.hostname()) {
            return;
        }
        let mut finding = finding(fleet, instance, facts, rule, policy, filters, now);
        finding.structure = structure;
        if hints.include_downtimed || !finding.skippable_due_to_downtime {
            round.findings.push(finding);
        }
    };
    match scope {
        Scope::All => fleet.iter().for_each(|instance| look_at(instance)),
        Scope::Cluster(name) => fleet.cluster_members(name).for_each(|instance| look_at(instance)),
    }
    // The sort is stable and the fleet is walked by key, so ties stay in that order on every node.
    round.findings.sort_by_cached_key(|finding| {
        let facts = &finding.facts;
        Reverse((facts.is_primary, is_named_after(&finding.key, &finding.cluster.name), facts.replicas))
    });
    round
}

/// The finding of one server, healthy or not, downtimed or not. `None`: unknown, in maintenance, or its host ignored.
pub fn analyze_instance(
    fleet: &Fleet,
    key: &InstanceKey,
    policy: &AnalysisPolicy,
    filters: &dyn AnalysisFilters,
    now: Timestamp,
) -> Option<Finding> {
    let instance = fleet.get(key)?;
    if fleet.maintenance.contains_key(key) || filters.ignores_host(key.hostname()) {
        return None;
    }
    let facts = facts(fleet, instance, policy, now);
    let structure = structure(&facts, policy);
    let rule = verdict(&facts, policy);
    let finding = finding(fleet, instance, facts, rule, policy, filters, now);
    Some(Finding { structure, ..finding })
}

/// Facts of a server, unless it is in maintenance or too dull to be looked at.
fn facts_of_interest(
    fleet: &Fleet,
    instance: &Instance,
    policy: &AnalysisPolicy,
    now: Timestamp,
) -> Option<Facts> {
    if fleet.maintenance.contains_key(&instance.key) {
        return None;
    }
    // A leaf that is well is what most of a fleet consists of: leave before anything is counted.
    if policy.reduce_count
        && replicas(fleet, &instance.key).next().is_none()
        && !is_leaf_of_interest(instance, policy, now)
    {
        return None;
    }
    Some(facts(fleet, instance, policy, now))
}

/// A leaf is looked at when it was once reachable and is not now, or cannot connect to its source. One that never
/// was reachable may be a typing error in a replica's settings.
fn is_leaf_of_interest(instance: &Instance, policy: &AnalysisPolicy, now: Timestamp) -> bool {
    let was_seen = instance.last_seen.is_some() && instance.last_checked.is_some();
    (was_seen && !super::facts::is_reachable(instance, policy, now))
        || super::facts::fails_to_connect(instance)
}

fn finding(
    fleet: &Fleet,
    instance: &Instance,
    facts: Facts,
    rule: Option<&'static Rule>,
    policy: &AnalysisPolicy,
    filters: &dyn AnalysisFilters,
    now: Timestamp,
) -> Finding {
    let code = rule.map_or(AnalysisCode::NoProblem, |rule| rule.code);
    let downtime = fleet.downtimes.get(&instance.key);
    let downtime_end = downtime.and_then(|downtime| downtime.end);
    let is_downtimed = fleet.is_downtimed(&instance.key, now);
    let is_replicas_downtimed = rule.is_some_and(|rule| rule.quiet_when_replicas_downtimed)
        && facts.downtimed_replicas == facts.replicas;
    let is_actionable = rule.is_some_and(|rule| rule.is_actionable(&facts, policy))
        && !filters.is_explained_by_operation(&instance.cluster_name, code);
    let diagnosis = rule.and_then(|_| diagnose(fleet, instance, policy, now));
    Finding {
        key: instance.key.clone(),
        primary_key: instance.primary_key.clone(),
        cluster: cluster_details(fleet, &instance.cluster_name, filters),
        data_center: instance.data_center.clone(),
        region: instance.region.clone(),
        physical_environment: instance.physical_environment.clone(),
        coordinates: instance.self_coordinates.clone(),
        replicas: replicas(fleet, &instance.key).map(|replica| replica.key.clone()).collect(),
        code,
        description: description(rule, diagnosis.as_ref()),
        diagnosis,
        structure: Vec::new(),
        is_downtimed,
        is_replicas_downtimed,
        downtime_end: downtime_end.map(Timestamp::to_sql_text).unwrap_or_default(),
        downtime_remaining_seconds: downtime_end.map_or(0, |end| now.as_secs() - end.as_secs()),
        skippable_due_to_downtime: is_downtimed || is_replicas_downtimed,
        is_actionable,
        command_hint: String::new(),
        start_active_period: String::new(),
        facts,
    }
}

/// What is wrong and, where the evidence names it, why.
fn description(rule: Option<&Rule>, diagnosis: Option<&Diagnosis>) -> String {
    match (rule, diagnosis) {
        (None, _) => String::new(),
        (Some(rule), None) => rule.meaning.to_owned(),
        (Some(rule), Some(diagnosis)) => format!("{}: {}", rule.meaning, diagnosis.cause.text()),
    }
}

fn cluster_details(fleet: &Fleet, name: &str, filters: &dyn AnalysisFilters) -> ClusterDetails {
    let alias = fleet.cluster_alias(name);
    ClusterDetails {
        name: name.to_owned(),
        alias: alias.to_owned(),
        domain: fleet.cluster_domains.get(name).map_or(name, String::as_str).to_owned(),
        count_instances: 0,
        heuristic_lag_seconds: 0,
        automated_primary_recovery: filters.recovers_primary(name, alias),
        automated_intermediate_recovery: filters.recovers_intermediate(name, alias),
    }
}

/// The cluster bears the name of this server.
fn is_named_after(key: &InstanceKey, cluster_name: &str) -> bool {
    cluster_name
        .rsplit_once(':')
        .is_some_and(|(host, port)| host == key.hostname() && port.parse() == Ok(key.port()))
}
