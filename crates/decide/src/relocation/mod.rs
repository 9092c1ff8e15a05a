//! Relocation: replicas get another source, by GTID, while everything lives.
//!
//! Every function decides on what is known of the fleet and returns a plan, or the reason why not. A move that fails is
//! undone: the replica goes back below its former source. In a bulk move each replica stands for itself.
//!
//! Moves of replicas without GTID align coordinates, which are only known once replication is stopped. They are in
//! [`classic`], as phases between which servers are read again.

pub mod classic;
mod refusal;

#[cfg(test)]
mod tests;

pub use refusal::Refusal;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use model::{
    Action, Condition, Fleet, GtidUse, Instance, InstanceKey, OnFailure, Plan, ReplicationPolicy,
    SourcePosition, StepId, Threads, Timestamp,
};

use crate::replication_rules::{can_replicate_from, gtid_obstacles};

/// Time for a change that a healthy server makes at once.
const CHANGE_TIME: Duration = Duration::from_secs(5);

/// Settings a relocation depends on.
#[derive(Clone, Debug)]
pub struct RelocationPolicy {
    /// Replication rules.
    pub replication: ReplicationPolicy,
    /// A read older than this is not acted upon (five poll intervals).
    pub recent: Duration,
    /// Replicas moved at the same time; 0 counts as 1.
    pub concurrent_moves: u32,
}

/// How one replica is moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// It is below that server already; its source is set once more.
    Repoint,
    /// It finds its place by GTID.
    Gtid,
}

/// A relocation that may run.
#[derive(Clone, Debug)]
pub struct Relocation {
    /// What is done.
    pub plan: Plan,
    /// The replicas that are moved.
    pub moves: BTreeMap<InstanceKey, Method>,
    /// The replicas that are not, with the reason; only in bulk moves.
    pub refused: BTreeMap<InstanceKey, Refusal>,
}

/// Moves one replica below another server, by the first way that applies.
///
/// # Errors
/// The first rule against it.
pub fn relocate(
    fleet: &Fleet,
    instance: &InstanceKey,
    below: &InstanceKey,
    policy: &RelocationPolicy,
    now: Timestamp,
) -> Result<Relocation, Refusal> {
    let (replica, source) = (known(fleet, instance)?, known(fleet, below)?);
    check_group("relocate", replica)?;
    if replica.group.member_role == "PRIMARY"
        && replica.is_group_member()
        && replica.group.name == source.group.name
    {
        return Err(Refusal::GroupPrimary);
    }
    if descends(fleet, source, replica) {
        return Err(Refusal::Descendant {
            operation: "relocate",
            source: below.clone(),
            replica: instance.clone(),
        });
    }
    let method = way(replica, source, policy, now)?;
    Ok(of_one("relocate", replica, source, method, policy))
}

/// Moves one replica below another server by GTID and in no other way.
///
/// # Errors
/// The first rule against it.
pub fn move_below_gtid(
    fleet: &Fleet,
    instance: &InstanceKey,
    below: &InstanceKey,
    policy: &RelocationPolicy,
    now: Timestamp,
) -> Result<Relocation, Refusal> {
    let (replica, source) = (known(fleet, instance)?, known(fleet, below)?);
    check_group("MoveBelowGTID", replica)?;
    if descends(fleet, source, replica) {
        return Err(Refusal::Descendant {
            operation: "MoveBelowGTID",
            source: below.clone(),
            replica: instance.clone(),
        });
    }
    check_rules(replica, source, policy)?;
    check_gtid_move(replica, source, policy, now)?;
    Ok(of_one("move-below-gtid", replica, source, Method::Gtid, policy))
}

/// Sets the source of a replica once more, or to a server that holds the same transactions under another name; `None`
/// means its present source.
///
/// # Errors
/// The first rule against it. A replica without GTID keeps its source.
pub fn repoint(
    fleet: &Fleet,
    instance: &InstanceKey,
    source: Option<&InstanceKey>,
    policy: &RelocationPolicy,
) -> Result<Relocation, Refusal> {
    let replica = known(fleet, instance)?;
    if !replica.is_replica() {
        return Err(Refusal::NotReplica(instance.clone()));
    }
    check_group("repoint", replica)?;
    let source = known(fleet, source.unwrap_or(&replica.primary_key))?;
    if source.key != replica.primary_key && descends(fleet, source, replica) {
        return Err(Refusal::Descendant {
            operation: "repoint",
            source: source.key.clone(),
            replica: instance.clone(),
        });
    }
    check_rules(replica, source, policy)?;
    let keeps_place = source.key == replica.primary_key
        || is_same_server(replica, source)
        || is_binlog_server_beside(replica, source);
    if !keeps_place {
        first(gtid_obstacles(replica, source))?;
    }
    Ok(of_one("repoint", replica, source, Method::Repoint, policy))
}

/// A binlog server hands on the log of its source under the same names and positions: a replica of that source finds its
/// place there, if the binlog server has come as far.
fn is_binlog_server_beside(replica: &Instance, source: &Instance) -> bool {
    source.is_binlog_server()
        && source.primary_key == replica.primary_key
        && replica.replication.exec.is_before_or_at(&source.replication.read)
}

/// Moves the replicas of a server below another one; `only` names those that are meant, all when `None`. No replica is
/// no error.
///
/// # Errors
/// The other server is below one of them, or none of them can be moved.
pub fn relocate_replicas(
    fleet: &Fleet,
    instance: &InstanceKey,
    below: &InstanceKey,
    only: Option<&BTreeSet<InstanceKey>>,
    policy: &RelocationPolicy,
    now: Timestamp,
) -> Result<Relocation, Refusal> {
    known(fleet, instance)?;
    let source = known(fleet, below)?;
    let replicas: Vec<&Arc<Instance>> = fleet
        .replicas_of(instance)
        .filter(|replica| replica.key != *below && only.is_none_or(|only| only.contains(&replica.key)))
        .collect();
    if let Some(above) = replicas.iter().find(|replica| descends(fleet, source, replica)) {
        return Err(Refusal::Descendant {
            operation: "relocate-replicas",
            source: below.clone(),
            replica: above.key.clone(),
        });
    }
    let mut moves = Vec::new();
    let mut refused = BTreeMap::new();
    for replica in replicas {
        match way(replica, source, policy, now).and_then(|way| check_group("relocate", replica).map(|()| way))
        {
            Ok(method) => moves.push((replica, method)),
            Err(refusal) => {
                refused.insert(replica.key.clone(), refusal);
            }
        }
    }
    if moves.is_empty() && !refused.is_empty() {
        return Err(Refusal::AllTooComplex {
            count: refused.len(),
            instance: instance.clone(),
            source: below.clone(),
            errors: refused.values().map(ToString::to_string).collect(),
        });
    }
    Ok(of_many("relocate-replicas", &moves, source, refused, policy))
}

/// The new source is the present one under another name: then coordinates stay what they are.
fn is_same_server(replica: &Instance, source: &Instance) -> bool {
    !source.server_uuid.is_empty() && replica.replication.primary_uuid == source.server_uuid
}

fn known<'a>(fleet: &'a Fleet, key: &InstanceKey) -> Result<&'a Arc<Instance>, Refusal> {
    fleet.get(key).ok_or_else(|| Refusal::Unknown(key.clone()))
}

fn check_group(operation: &'static str, replica: &Instance) -> Result<(), Refusal> {
    let is_secondary = replica.is_group_member() && replica.group.primary.as_ref() != Some(&replica.key);
    if is_secondary { Err(Refusal::GroupSecondary { operation, key: replica.key.clone() }) } else { Ok(()) }
}

/// `server` is `above`, or replicates from it directly or not. Recorded sources are followed, because MariaDB servers
/// have no UUID; a circle ends the walk.
fn descends(fleet: &Fleet, server: &Instance, above: &Instance) -> bool {
    if server.is_descendant_of(above) {
        return true;
    }
    let mut seen = BTreeSet::new();
    let mut at = Some(&server.key);
    while let Some(key) = at {
        if *key == above.key {
            return true;
        }
        if !seen.insert(key) {
            return false;
        }
        at = fleet.get(key).filter(|instance| instance.is_replica()).map(|instance| &instance.primary_key);
    }
    false
}

/// The first way that applies for one replica.
fn way(
    replica: &Instance,
    source: &Instance,
    policy: &RelocationPolicy,
    now: Timestamp,
) -> Result<Method, Refusal> {
    check_rules(replica, source, policy)?;
    if replica.primary_key == source.key {
        return Ok(Method::Repoint);
    }
    if replica.gtid_use() == GtidUse::None || replica.is_binlog_server() || source.is_binlog_server() {
        return Err(Refusal::TooComplex { replica: replica.key.clone(), source: source.key.clone() });
    }
    check_gtid_move(replica, source, policy, now)?;
    Ok(Method::Gtid)
}

/// Checks that a replica may replicate from a server, by every rule.
///
/// # Errors
/// Every reason against it.
pub fn check_rules(replica: &Instance, source: &Instance, policy: &RelocationPolicy) -> Result<(), Refusal> {
    match can_replicate_from(replica, source, &policy.replication) {
        Ok(_) => Ok(()),
        Err(reasons) => Err(Refusal::CannotReplicate {
            replica: replica.key.clone(),
            source: source.key.clone(),
            reasons,
        }),
    }
}

fn check_gtid_move(
    replica: &Instance,
    source: &Instance,
    policy: &RelocationPolicy,
    now: Timestamp,
) -> Result<(), Refusal> {
    if !replica.is_last_check_valid() {
        return Err(Refusal::CheckInvalid(replica.key.clone()));
    }
    if !replica.is_checked_within(policy.recent, now) {
        return Err(Refusal::NotRecentlyChecked(replica.key.clone()));
    }
    first(gtid_obstacles(replica, source))
}

fn first(reasons: Vec<crate::replication_rules::Reason>) -> Result<(), Refusal> {
    reasons.into_iter().next().map_or(Ok(()), |reason| Err(Refusal::Gtid(reason)))
}

fn of_one(
    name: &str,
    replica: &Arc<Instance>,
    source: &Instance,
    method: Method,
    policy: &RelocationPolicy,
) -> Relocation {
    let mut relocation = of_many(name, &[(replica, method)], source, BTreeMap::new(), policy);
    for step in &mut relocation.plan.steps {
        step.on_failure = OnFailure::Abort;
    }
    relocation
}

fn of_many(
    name: &str,
    moves: &[(&Arc<Instance>, Method)],
    source: &Instance,
    refused: BTreeMap<InstanceKey, Refusal>,
    policy: &RelocationPolicy,
) -> Relocation {
    let mut plan = Plan::new(name);
    let mut lanes: Vec<Option<StepId>> =
        vec![None; usize::try_from(policy.concurrent_moves.max(1)).unwrap_or(1)];
    let width = lanes.len();
    for (at, (replica, _)) in moves.iter().enumerate() {
        let lane = &mut lanes[at % width];
        let after: Vec<StepId> = lane.iter().copied().collect();
        *lane = Some(push_move(&mut plan, replica, source, &after));
    }
    let moves = moves.iter().map(|(replica, method)| (replica.key.clone(), *method)).collect();
    Relocation { plan, moves, refused }
}

/// Adds stop, change and start. What the relay log holds unapplied is fetched again from the new source.
fn push_move(plan: &mut Plan, replica: &Instance, source: &Instance, after: &[StepId]) -> StepId {
    let key = &replica.key;
    let reason = format!("it is moved below {}", source.key);
    let to = |source: &InstanceKey| Action::ChangeSource {
        source: source.clone(),
        position: SourcePosition::Keep,
    };
    let stop = plan.push(key, Action::StopReplication(Threads::Both), after, CHANGE_TIME, reason.clone());
    refine(
        plan,
        Action::StartReplication(Threads::Both),
        Condition::ReplicatesFrom(replica.primary_key.clone()),
    );
    let change = plan.push(key, to(&source.key), &[stop], CHANGE_TIME, reason.clone());
    refine(plan, to(&replica.primary_key), Condition::LeaseHeld);
    let start = plan.push(key, Action::StartReplication(Threads::Both), &[change], CHANGE_TIME, reason);
    refine(plan, Action::StopReplication(Threads::Both), Condition::LeaseHeld);
    start
}

fn refine(plan: &mut Plan, undo: Action, condition: Condition) {
    if let Some(step) = plan.last_mut() {
        step.compensation = Some(undo);
        step.preconditions.push(condition);
        step.on_failure = OnFailure::LoseServer;
    }
}
