//! A failed intermediate primary: its replicas get another source, and nobody is promoted.
//!
//! By preference they go below a sibling of the failed server in its data center; else below the best among
//! themselves, which itself goes up; else below a sibling elsewhere; else below the source of the failed server. What
//! is best is settled for every replica by itself, so one that cannot follow does not keep the others back. By GTID
//! only: a replica without it stays where it is, and is reported.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use model::{FailoverPolicy, GtidUse, Instance, InstanceKey, Plan, PromotionRule, StepId};

use super::case::FailoverCase;
use super::choice::{Choice, Refusals, choose, drain_target};
use super::fate::Fate;
use super::phases::push_drain;
use super::promotion::{lanes, push_repoint};
use super::ranking::Ranking;
use super::received::{Holdings, Stream};
use crate::replication_rules::{can_replicate_from, gtid_obstacles};

/// A failed intermediate primary and what is around it.
#[derive(Clone, Debug)]
pub struct IntermediateCase {
    /// The failed server as it was last read.
    pub failed: Arc<Instance>,
    /// Its source, as just read; `None` when that cannot be read either.
    pub source: Option<Arc<Instance>>,
    /// The other replicas of its source, as just read.
    pub siblings: Vec<Arc<Instance>>,
    /// Its own direct replicas, as just read.
    pub replicas: Vec<Arc<Instance>>,
    /// Promotion rules; a server without one is neutral.
    pub rules: BTreeMap<InstanceKey, PromotionRule>,
    /// Servers that the settings exclude from promotion, and so from getting replicas here.
    pub ignored: BTreeSet<InstanceKey>,
    /// Settings.
    pub policy: FailoverPolicy,
}

/// Where the replicas go.
#[derive(Clone, Debug)]
pub struct Rehoming {
    /// The server that takes most of the replicas; it stands for the failed one in records.
    pub successor: InstanceKey,
    /// New source of each replica that is moved.
    pub moves: BTreeMap<InstanceKey, InstanceKey>,
    /// Replicas that stay below the failed server, with every reason.
    pub left: BTreeMap<InstanceKey, Vec<String>>,
    /// The steps. Each replica stands for itself.
    pub plan: Plan,
}

impl fmt::Display for Rehoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (replica, source) in &self.moves {
            writeln!(f, "{replica} will replicate from {source}")?;
        }
        for (replica, reasons) in &self.left {
            writeln!(f, "{replica} stays where it is: {}", reasons.join("; "))?;
        }
        Ok(())
    }
}

/// Decides where the replicas of a failed intermediate primary go.
///
/// # Errors
/// None of them can go anywhere.
pub fn rehome(case: &IntermediateCase) -> Result<Rehoming, Refusals> {
    let near = sibling(case, true);
    let leader = if near.is_none() { leader(case) } else { None };
    let above: Vec<&Arc<Instance>> = near
        .into_iter()
        .chain(sibling(case, false))
        .chain(case.source.iter().filter(|s| is_able(s)))
        .collect();
    let mut moves = BTreeMap::new();
    let mut left = BTreeMap::new();
    let mut replicas: Vec<&Arc<Instance>> = case.replicas.iter().collect();
    replicas.sort_by(|a, b| a.key.cmp(&b.key));
    for replica in &replicas {
        let below_leader = leader.as_ref().filter(|leader| {
            leader.candidate.key != replica.key
                && matches!(leader.fates.get(&replica.key), Some(Fate::Repoint { .. }))
        });
        if let Some(leader) = below_leader {
            moves.insert(replica.key.clone(), leader.candidate.key.clone());
            continue;
        }
        let mut reasons = Vec::new();
        let target = above.iter().find(|source| {
            let found = against(case, replica, source);
            let is_free = found.is_empty();
            reasons.extend(found);
            is_free
        });
        match target {
            Some(source) => {
                moves.insert(replica.key.clone(), source.key.clone());
            }
            None => {
                reasons.dedup();
                left.insert(replica.key.clone(), reasons);
            }
        }
    }
    finish(case, leader, moves, left)
}

pub(super) fn finish(
    case: &IntermediateCase,
    leader: Option<Choice>,
    mut moves: BTreeMap<InstanceKey, InstanceKey>,
    mut left: BTreeMap<InstanceKey, Vec<String>>,
) -> Result<Rehoming, Refusals> {
    // A leader that stays below the failed server is no home for the others.
    if let Some(leader) = leader.as_ref().filter(|leader| !moves.contains_key(&leader.candidate.key)) {
        let stranded: Vec<InstanceKey> = moves
            .iter()
            .filter(|(_, source)| **source == leader.candidate.key)
            .map(|(key, _)| key.clone())
            .collect();
        for key in stranded {
            moves.remove(&key);
            left.insert(key, vec![format!("{} cannot be moved itself", leader.candidate.key)]);
        }
    }
    if moves.is_empty() {
        let reasons: Vec<String> =
            left.iter().map(|(key, why)| format!("{key}: {}", why.join(", "))).collect();
        let summary = format!(
            "topology_recovery: RecoverDeadIntermediateMaster failed to match up any replica from {}",
            case.failed.key
        );
        let text = std::iter::once(summary).chain(reasons).collect::<Vec<_>>().join("; ");
        return Err(Refusals::new(text, Ranking::default()));
    }
    let mut counts = BTreeMap::<&InstanceKey, usize>::new();
    for source in moves.values() {
        *counts.entry(source).or_default() += 1;
    }
    let most = counts.into_iter().rev().max_by_key(|(_, count)| *count).map(|(key, _)| key.clone());
    let successor = leader
        .as_ref()
        .map(|leader| leader.candidate.key.clone())
        .filter(|key| moves.values().any(|source| source == key))
        .or(most)
        .unwrap_or_else(InstanceKey::none);
    let plan = plan(case, leader.as_ref(), &moves);
    Ok(Rehoming { successor, moves, left, plan })
}

fn plan(
    case: &IntermediateCase,
    leader: Option<&Choice>,
    moves: &BTreeMap<InstanceKey, InstanceKey>,
) -> Plan {
    let mut plan = Plan::new("rehome");
    let drained: Vec<StepId> = leader.map_or_else(Vec::new, |leader| {
        let limit = case.policy.drain_timeout.max(super::phases::CHANGE_TIME);
        push_drain(&mut plan, &leader.candidate, &leader.drain, limit, &[])
    });
    let mut lanes = lanes(&case.policy);
    let width = lanes.len();
    let mut replicas: Vec<&Arc<Instance>> =
        case.replicas.iter().filter(|r| moves.contains_key(&r.key)).collect();
    replicas.sort_by(|a, b| a.key.cmp(&b.key));
    for (at, replica) in replicas.into_iter().enumerate() {
        let source = &moves[&replica.key];
        let lane = &mut lanes[at % width];
        let mut after: Vec<StepId> = lane.iter().copied().chain(drained.iter().copied()).collect();
        let is_leader = leader.is_some_and(|leader| leader.candidate.key == replica.key);
        if !is_leader && replica.gtid_use() == GtidUse::MariaDb {
            let held = Holdings::of(replica, None);
            let before = plan.steps.len();
            after = push_drain(
                &mut plan,
                replica,
                &drain_target(replica, &held),
                case.policy.drain_timeout,
                &after,
            );
            let added = plan.steps.len() - before;
            super::phases::lose_on_failure(&mut plan, added);
        }
        let reason = format!("{} has failed", case.failed.key);
        *lane = Some(push_repoint(&mut plan, replica, source, &after, &reason));
    }
    plan
}

/// May get replicas: it can be read, logs what it applies, and is no stranger to that role.
pub(super) fn is_able(server: &Instance) -> bool {
    server.is_last_check_valid() && server.log_bin && (!server.is_replica() || server.logs_updates())
}

/// The best sibling in, or outside of, the data center of the failed server: registered candidates first, then the same
/// environment, then the most advanced.
fn sibling(case: &IntermediateCase, is_near: bool) -> Option<&Arc<Instance>> {
    let failed = &case.failed;
    let is_banned = |key: &InstanceKey| {
        case.ignored.contains(key) || case.rules.get(key) == Some(&PromotionRule::MustNot)
    };
    let mut fit: Vec<&Arc<Instance>> = case
        .siblings
        .iter()
        .filter(|s| s.key != failed.key && is_able(s) && s.is_replicating() && !is_banned(&s.key))
        .filter(|s| s.replication.has_filters == failed.replication.has_filters)
        .filter(|s| s.is_binlog_server() == failed.is_binlog_server())
        .filter(|s| !s.replication.exec.is_before(&failed.replication.exec))
        .filter(|s| (s.data_center == failed.data_center) == is_near)
        .collect();
    fit.sort_by(|a, b| {
        let rank = |s: &Instance| {
            let is_candidate = case.rules.get(&s.key).is_some_and(|rule| rule.is_candidate());
            (!is_candidate, s.physical_environment != failed.physical_environment)
        };
        rank(a)
            .cmp(&rank(b))
            .then_with(|| b.replication.exec.cmp_place(&a.replication.exec))
            .then_with(|| a.key.cmp(&b.key))
    });
    fit.into_iter().next()
}

/// The replica below which the others are gathered, if that is possible for at least one other.
fn leader(case: &IntermediateCase) -> Option<Choice> {
    let mut among = FailoverCase::new(case.failed.key.clone(), case.policy.clone());
    among.old_primary = Some(Arc::clone(&case.failed));
    among.replicas = case.replicas.clone();
    among.rules = case.rules.clone();
    among.ignored = case.ignored.clone();
    // Nothing is promoted, so the limits of promotion do not matter; and nobody catches up from somebody else.
    among.policy.prevent_cross_data_center = false;
    among.policy.prevent_cross_region = false;
    among.policy.fail_on_lag = std::time::Duration::ZERO;
    among.policy.fail_if_applier_behind = false;
    let choice = choose(&among, &case.replicas).ok()?;
    let has_followers = choice.fates.values().any(|fate| matches!(fate, Fate::Repoint { .. }));
    (has_followers && choice.catch_up.is_none() && is_able(&choice.candidate)).then_some(choice)
}

/// What speaks against one replica below one source.
pub(super) fn against(case: &IntermediateCase, replica: &Instance, source: &Instance) -> Vec<String> {
    if !replica.is_last_check_valid() {
        return vec!["it could not be read".to_owned()];
    }
    if !replica.primary_key.names_same_server_as(&case.failed.key) {
        return vec![format!("it replicates from {}", replica.primary_key)];
    }
    let mut found: Vec<String> = Vec::new();
    if let Err(reasons) = can_replicate_from(replica, source, &case.policy.replication) {
        found.extend(reasons.iter().map(|reason| reason.to_string().trim_end().to_owned()));
    }
    found.extend(gtid_obstacles(replica, source).iter().map(ToString::to_string));
    // A MariaDB source refuses a replica that is ahead of it, now and after every retry.
    if let (Stream::MariaDb(has), true) = (Holdings::of(replica, None).all, source.is_mariadb()) {
        let reached = model::MariaDbPosition::parse(&source.mariadb_gtid_position).unwrap_or_default();
        let is_ahead = has
            .gtids()
            .any(|gtid| reached.in_domain(gtid.domain).is_some_and(|last| last.sequence < gtid.sequence));
        if is_ahead {
            found.push(format!("it is ahead of {}", source.key));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failover::scenario::{key, policy, servers};
    use crate::plan_checker::{CheckContext, check_plan};
    use model::ThreadState;

    /// First server: the source. Second: the failed one. Then siblings (below the source) and replicas.
    fn world(text: &str) -> IntermediateCase {
        let mut all = servers(text).into_iter();
        let (source, _) = all.next().unwrap();
        let (failed, _) = all.next().unwrap();
        let mut case = IntermediateCase {
            failed,
            source: Some(Arc::clone(&source)),
            siblings: Vec::new(),
            replicas: Vec::new(),
            rules: BTreeMap::new(),
            ignored: BTreeSet::new(),
            policy: policy(),
        };
        for (server, words) in all {
            if words.contains("rule=prefer") {
                case.rules.insert(server.key.clone(), PromotionRule::Prefer);
            }
            if server.primary_key == source.key {
                let mut server = Instance::clone(&server);
                server.replication.io_thread = ThreadState::Running;
                case.siblings.push(Arc::new(server));
            } else {
                case.replicas.push(server);
            }
        }
        case
    }

    fn moved(case: &IntermediateCase) -> Vec<String> {
        let rehoming = rehome(case).unwrap();
        let mut context = CheckContext::new(case.replicas.iter().cloned());
        context.failed = Some(case.failed.key.clone());
        let notes = check_plan(&rehoming.plan, &mut context);
        assert!(notes.is_empty(), "{}{notes:?}", rehoming.plan);
        rehoming.moves.iter().map(|(a, b)| format!("{} below {}", a.hostname(), b.hostname())).collect()
    }

    #[test]
    fn a_sibling_in_the_same_data_center_takes_the_replicas() {
        let case = world(
            "p1\n s1 <- p1 dc=a\n s2 <- p1 dc=b\n s3 <- p1 dc=a\n s4 <- p1 dc=a rule=prefer\n r1 <- s1\n r2 <- s1",
        );
        assert_eq!(moved(&case), ["r1 below s4", "r2 below s4"]);
        assert_eq!(rehome(&case).unwrap().successor, key("s4"));
    }

    #[test]
    fn without_one_the_best_replica_gathers_the_others_and_goes_up() {
        let case = world(
            "p1 gtid=1:1-9\n s1 <- p1 dc=a gtid=1:1-9\n s2 <- p1 dc=b\n r1 <- s1 gtid=1:1-8\n r2 <- s1 gtid=1:1-5 received=1:6-9",
        );
        assert_eq!(moved(&case), ["r1 below r2", "r2 below s2"]);
        let plan = rehome(&case).unwrap().plan;
        assert!(plan.steps[0].action.to_string().starts_with("wait until"));
    }

    #[test]
    fn a_single_replica_goes_to_another_place_or_up() {
        assert_eq!(moved(&world("p1\n s1 <- p1 dc=a\n s2 <- p1 dc=b\n r1 <- s1")), ["r1 below s2"]);
        assert_eq!(moved(&world("p1\n s1 <- p1\n s2 <- p1 log_updates=off\n r1 <- s1")), ["r1 below p1"]);
    }

    #[test]
    fn each_replica_stands_for_itself() {
        let case =
            world("p1\n s1 <- p1 dc=a\n s2 <- p1 dc=a\n r1 <- s1\n r2 <- s1 use=file\n r3 <- s1 valid=no");
        assert_eq!(moved(&case), ["r1 below s2"]);
        let left = rehome(&case).unwrap().left;
        assert!(left[&key("r2")][0].contains("not GTID compatible"));
        assert_eq!(left[&key("r3")], ["it could not be read"]);
        let mut case = world("p1\n s1 <- p1\n r1 <- s1 use=file");
        let error = rehome(&case).unwrap_err().to_string();
        assert!(error.starts_with("topology_recovery: RecoverDeadIntermediateMaster failed to match up any replica from s1:3306; r1:3306: "));
        case.source = None;
        assert!(rehome(&case).is_err());
    }

    #[test]
    fn a_mariadb_replica_does_not_go_below_a_server_that_is_behind() {
        let case = world(
            "p1 version=11.4.2-MariaDB gtid=0-1-20
             s1 <- p1 version=11.4.2-MariaDB gtid=0-1-9
             s2 <- p1 version=11.4.2-MariaDB gtid=0-1-8
             r1 <- s1 version=11.4.2-MariaDB gtid=0-1-9 received=0-1-9",
        );
        assert_eq!(moved(&case), ["r1 below p1"]);
    }
}
