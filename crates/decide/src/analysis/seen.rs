//! What was seen of a server and its replicas, and which rules nearly matched: the analysis's part of an explanation.

use model::{AnalysisCode, AnalysisPolicy, Evidence, Facts, Fleet, Instance, ThreadState, Timestamp};

use super::condition::Condition;
use super::facts::{fails_to_connect, is_readable, is_stale, replicas};
use super::rules::rules_for;

/// A rule all of whose conditions hold but one; roles do not count, because a server does not just miss its role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NearMiss {
    /// What the verdict would be.
    pub code: AnalysisCode,
    /// The condition that does not hold.
    pub missing: Condition,
}

/// Rules that lack one condition, in order of evaluation, each code once.
pub(crate) fn near_misses(facts: &Facts, policy: &AnalysisPolicy, verdict: AnalysisCode) -> Vec<NearMiss> {
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

/// What was seen: first the server, then its replicas by key.
pub(crate) fn seen(
    fleet: &Fleet,
    instance: &Instance,
    facts: &Facts,
    policy: &AnalysisPolicy,
    now: Timestamp,
) -> Vec<Evidence> {
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
    let piece = |server: &Instance, text| Evidence { source: server.key.clone(), at: server.last_seen, text };
    let own = piece(instance, format!("is {role}, {state}{}", last_seen(instance, now)));
    let below =
        replicas(fleet, &instance.key).map(|replica| piece(replica, replica_state(replica, policy, now)));
    std::iter::once(own).chain(below).collect()
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
        _ if replica.receiver_runs() => "receives from it",
        _ if fails_to_connect(replica) => "fails to connect to it",
        ThreadState::Other => "is connecting to it",
        ThreadState::Running | ThreadState::Stopped | ThreadState::Absent => "has its receiver stopped",
    };
    let applier = if replica.applier_runs() { "" } else { ", its applier is stopped" };
    let error = match (replication.last_io_errno, replication.last_io_error.as_str()) {
        (0, "") => String::new(),
        (number, text) => format!(" (error {number}: {text})"),
    };
    format!("{receiver}{applier}{error}")
}
