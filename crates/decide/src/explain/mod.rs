//! Why the verdict on a server is what it is, and why nothing is done about it, or what is.
//!
//! An explanation begins with what was seen, by whom and when; names the rule that matched and those that nearly did;
//! and then gives every [`Reason`] that stands in the way of a recovery, each with what would change it. With no reason
//! left it says what would be done. Everything is a pure function; what only a running process knows comes as [`Gates`].

mod gates;
mod outcome;
mod reason;
mod verdict;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use model::{
    AnalysisCode, AnalysisPolicy, Diagnosis, Evidence, Facts, FailoverPolicy, Fleet, Instance, InstanceKey,
    Timestamp,
};

pub use gates::Gates;
pub use reason::{Reason, ReasonId};

use crate::analysis::rules::{structure, verdict as rule_that_holds};
use crate::analysis::{
    AnalysisFilters, Condition, NearMiss, Response, Rule, diagnose, facts as facts_of, near_misses, seen,
};

/// All that an explanation is made from. Borrowed, for one call.
pub struct World<'a> {
    /// The servers.
    pub fleet: &'a Fleet,
    /// Settings of the analysis.
    pub policy: &'a AnalysisPolicy,
    /// Settings about clusters and hosts, and operations in progress.
    pub filters: &'a dyn AnalysisFilters,
    /// Settings of failovers.
    pub promotion: &'a FailoverPolicy,
    /// `PromotionIgnoreHostnameFilters` match this server.
    pub is_never_promoted: &'a dyn Fn(&InstanceKey) -> bool,
    /// The time.
    pub now: Timestamp,
}

/// One server of a [`World`].
struct Question<'a> {
    fleet: &'a Fleet,
    instance: &'a Arc<Instance>,
    policy: &'a AnalysisPolicy,
    filters: &'a dyn AnalysisFilters,
    promotion: &'a FailoverPolicy,
    is_never_promoted: &'a dyn Fn(&InstanceKey) -> bool,
    now: Timestamp,
}

/// The whole explanation of one server.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// The server.
    pub key: InstanceKey,
    /// Its cluster.
    pub cluster_name: String,
    /// What was seen: first the server, then its replicas by key.
    pub seen: Vec<Evidence>,
    /// The verdict.
    pub code: AnalysisCode,
    /// What caused it, as far as the evidence names a cause.
    pub diagnosis: Option<Diagnosis>,
    /// Conditions that made the verdict; empty for [`AnalysisCode::NoProblem`].
    pub because: Vec<Condition>,
    /// Structure codes as text, in rule order.
    pub structure: Vec<&'static str>,
    /// Rules that lack one condition, in order of evaluation, each code once.
    pub nearly: Vec<NearMiss>,
    /// Why nothing is done; empty when something is.
    pub reasons: Vec<Reason>,
    /// What would be done if nothing stood in the way; `None` when nothing could be done at all.
    pub would_do: Option<String>,
}

impl Explanation {
    /// A recovery would begin now.
    pub fn will_act(&self) -> bool {
        self.reasons.is_empty() && self.would_do.is_some()
    }
}

/// Explains one server; `None` when it is unknown.
pub fn explain(world: &World<'_>, key: &InstanceKey, gates: &Gates) -> Option<Explanation> {
    let instance = world.fleet.get(key)?;
    let question = Question {
        fleet: world.fleet,
        instance,
        policy: world.policy,
        filters: world.filters,
        promotion: world.promotion,
        is_never_promoted: world.is_never_promoted,
        now: world.now,
    };
    let facts = facts_of(world.fleet, instance, world.policy, world.now);
    let rule = rule_that_holds(&facts, world.policy);
    let code = rule.map_or(AnalysisCode::NoProblem, |rule| rule.code);
    let (mut reasons, mut would_do) = (verdict::statements(&question, &facts), None);
    match (verdict::of_code(&question, code, &facts), rule) {
        (Some(reason), _) => reasons.push(reason),
        (None, Some(rule)) => {
            reasons.extend(withheld(&question, rule, &facts));
            reasons.extend(gates.shut(key, rule.waits_for_grace));
            match outcome::outcome(&question, rule.response) {
                Ok(words) => would_do = Some(words),
                Err(more) => reasons.extend(more),
            }
        }
        (None, None) => {}
    }
    Some(Explanation {
        key: key.clone(),
        cluster_name: instance.cluster_name.clone(),
        seen: seen(world.fleet, instance, &facts, world.policy, world.now),
        code,
        diagnosis: diagnose(world.fleet, instance, world.policy, world.now),
        because: rule.map(|rule| rule.when.to_vec()).unwrap_or_default(),
        structure: structure(&facts, world.policy).into_iter().map(|code| code.as_str()).collect(),
        nearly: near_misses(&facts, world.policy, code),
        reasons,
        would_do,
    })
}

/// What keeps a recovery that exists from being considered: facts, operations and settings.
fn withheld(question: &Question<'_>, rule: &Rule, facts: &Facts) -> Vec<Reason> {
    use crate::analysis::Caution;
    let mut found = Vec::new();
    if rule.quiet_when_replicas_downtimed && facts.downtimed_replicas == facts.replicas {
        found.push(Reason::new(ReasonId::ReplicasDowntimed));
    }
    if !rule.is_actionable(facts, question.policy) {
        found.push(Reason::new(match rule.caution {
            Caution::MustSeeConnectFailure => ReasonId::NoConnectFailure,
            Caution::MustBeReachable | Caution::None => ReasonId::Unreachable,
        }));
    }
    let cluster = &question.instance.cluster_name;
    if question.filters.is_explained_by_operation(cluster, rule.code) {
        found.push(Reason::new(ReasonId::OperationExplains));
    }
    let alias = question.fleet.cluster_alias(cluster);
    let gate = match rule.response {
        Response::FailOverPrimary
        | Response::FailOverCoPrimary
        | Response::UnlockSemiSync
        | Response::TrimSemiSync => {
            (!question.filters.recovers_primary(cluster, alias)).then_some(ReasonId::ClusterNotAutomated)
        }
        Response::RescueReplicas | Response::RescueGroupMemberReplicas => {
            (!question.filters.recovers_intermediate(cluster, alias))
                .then_some(ReasonId::IntermediateNotAutomated)
        }
        // Has a switch of its own.
        Response::MakeWritable | Response::Watch | Response::Record => None,
    };
    found.extend(gate.map(|id| Reason::new(id).saying(cluster)));
    found
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} (cluster {}): {}", self.key, self.cluster_name, self.code)?;
        for piece in &self.seen {
            writeln!(f, "  seen: {}{} {}", time_of(piece), piece.source, piece.text)?;
        }
        if let Some(diagnosis) = &self.diagnosis {
            writeln!(f, "  cause: {}", diagnosis.cause.text())?;
            for piece in &diagnosis.evidence {
                writeln!(f, "  evidence: {}{}: {}", time_of(piece), piece.source, piece.text)?;
            }
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
        for reason in &self.reasons {
            writeln!(f, "  no action: {reason}")?;
            writeln!(f, "    to change that: {}", reason.id.change())?;
        }
        match &self.would_do {
            Some(what) if self.reasons.is_empty() => writeln!(f, "  action: {what}"),
            Some(what) => writeln!(f, "  otherwise: {what}"),
            None => Ok(()),
        }
    }
}

fn time_of(piece: &Evidence) -> String {
    piece.at.map(|at| format!("{} ", at.to_sql_text())).unwrap_or_default()
}
