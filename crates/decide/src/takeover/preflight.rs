//! Everything that can be known before the first change: who takes over, who follows, and every reason against it.

use std::sync::Arc;

use model::{GtidUse, Instance, InstanceKey};

use super::case::{Obstacle, Obstacles, TakeoverCase};
use crate::failover::{FailoverCase, Holdings, Majority, Veto, doubts, geographic_vetoes};
use crate::replication_rules::{Reason, can_replicate_from, gtid_obstacles};

/// A takeover that may begin.
#[derive(Clone, Debug)]
pub struct Takeover {
    /// The server that takes over, as read.
    pub target: Arc<Instance>,
    /// Siblings re-pointed before the write pause; by key.
    pub early: Vec<Arc<Instance>>,
    /// Siblings re-pointed when the target has everything; by key. On MariaDB a replica that is ahead of its new source
    /// stops with an error, and semi-sync commits on the primary need their acknowledgements until the pause.
    pub late: Vec<Arc<Instance>>,
    /// Downtimed siblings that cannot follow, with the reason; they stay below the former primary.
    pub left_behind: Vec<(InstanceKey, String)>,
    /// What a person should know.
    pub notes: Vec<String>,
}

/// The one primary of a cluster, given all that were found.
///
/// # Errors
/// None or several were found.
pub fn single_primary(cluster: &str, found: &[InstanceKey]) -> Result<InstanceKey, Obstacles> {
    match found {
        [one] => Ok(one.clone()),
        _ => Err(Obstacle::NoSinglePrimary { cluster: cluster.to_owned(), found: found.len() }.into()),
    }
}

/// Decides who takes over and checks all that can be checked before anything changes.
///
/// # Errors
/// Every obstacle that was found.
pub fn prepare(case: &TakeoverCase) -> Result<Takeover, Obstacles> {
    let target = designate(case)?;
    let mut obstacles = against(case, &target);
    let siblings = siblings(case, &target);
    if !siblings.refused.is_empty() {
        obstacles.push(Obstacle::Siblings { designated: target.key.clone(), why: siblings.refused });
    }
    if !obstacles.is_empty() {
        return Err(Obstacles(obstacles));
    }
    let (early, late) = split(case, &target, siblings.able);
    let notes = notes(case, &target, early.len() + late.len());
    Ok(Takeover { target, early, late, left_behind: siblings.left_behind, notes })
}

/// The named server, the only replica, or (auto) the best one: by promotion rule, data center, lag and version, among
/// those against which nothing speaks.
fn designate(case: &TakeoverCase) -> Result<Arc<Instance>, Obstacles> {
    let primary = &case.primary.key;
    if case.replicas.is_empty() {
        return Err(Obstacle::NoReplicas(primary.clone()).into());
    }
    if let Some(designated) = &case.designated {
        let not_direct =
            Obstacle::NotDirectReplica { designated: designated.clone(), primary: primary.clone() };
        return case.replica(designated).cloned().ok_or_else(|| not_direct.into());
    }
    if let [only] = case.replicas.as_slice() {
        return Ok(Arc::clone(only));
    }
    if !case.auto {
        return Err(Obstacle::NotIndicated { primary: primary.clone(), replicas: case.replicas.len() }.into());
    }
    let majority = Majority::of(case.replicas.iter().map(AsRef::as_ref));
    let fit = case
        .replicas
        .iter()
        .filter(|replica| against(case, replica).is_empty() && siblings(case, replica).refused.is_empty());
    let best = fit.min_by_key(|replica| {
        (
            !doubts(replica, &majority).is_empty(),
            case.rule(&replica.key),
            replica.data_center != case.primary.data_center,
            replica.physical_environment != case.primary.physical_environment,
            replica.lag_seconds.unwrap_or(0),
            (replica.version.numbers.0, replica.version.numbers.1),
            replica.key.clone(),
        )
    });
    best.cloned().ok_or_else(|| {
        let mut why: Vec<_> = case.replicas.iter().map(|r| (r.key.clone(), all_against(case, r))).collect();
        why.sort_by(|a, b| a.0.cmp(&b.0));
        Obstacle::NoneFit { primary: primary.clone(), why }.into()
    })
}

fn all_against(case: &TakeoverCase, replica: &Instance) -> Vec<Obstacle> {
    let mut found = against(case, replica);
    let refused = siblings(case, replica).refused;
    if !refused.is_empty() {
        found.push(Obstacle::Siblings { designated: replica.key.clone(), why: refused });
    }
    found
}

/// What speaks against one replica taking over, without its siblings.
fn against(case: &TakeoverCase, target: &Instance) -> Vec<Obstacle> {
    let key = &target.key;
    let mut found = Vec::new();
    if case.is_banned(key) {
        found.push(Obstacle::Banned(key.clone()));
    }
    for server in [case.primary.as_ref(), target] {
        if !server.is_last_check_valid() {
            found.push(Obstacle::Unreadable(server.key.clone()));
        }
    }
    if !target.primary_key.names_same_server_as(&case.primary.key) {
        found.push(Obstacle::Elsewhere {
            designated: key.clone(),
            primary: case.primary.key.clone(),
            source: target.primary_key.clone(),
        });
    }
    if !target.is_replicating() {
        found.push(Obstacle::NotReplicating(key.clone()));
    }
    if !target.has_maintenance_lag(case.policy.replication.reasonable_maintenance_lag_seconds) {
        found.push(Obstacle::Lagging(key.clone()));
    }
    let mut rules: Vec<Veto> = Vec::new();
    if !target.log_bin {
        rules.push(Veto::NoBinaryLog);
    }
    if target.is_binlog_server() {
        rules.push(Veto::BinlogServer);
    }
    if target.is_group_member() && target.group.member_role != "PRIMARY" {
        rules.push(Veto::GroupSecondary);
    }
    rules.extend(geographic_vetoes(&as_failover(case), target));
    let unfit = |veto: Veto| Obstacle::Unfit { designated: key.clone(), reason: veto.to_string() };
    found.extend(rules.into_iter().map(unfit));
    if target.replication.sql_delay > 0 {
        let reason = format!("it is delayed by {} seconds", target.replication.sql_delay);
        found.push(Obstacle::Unfit { designated: key.clone(), reason });
    }
    found
}

fn as_failover(case: &TakeoverCase) -> FailoverCase {
    let mut failover = FailoverCase::new(case.primary.key.clone(), case.policy.clone());
    failover.old_primary = Some(Arc::clone(&case.primary));
    failover
}

#[derive(Default)]
struct Siblings {
    able: Vec<Arc<Instance>>,
    refused: Vec<(InstanceKey, String)>,
    left_behind: Vec<(InstanceKey, String)>,
}

/// Who of the other replicas can follow the target; by key.
fn siblings(case: &TakeoverCase, target: &Instance) -> Siblings {
    let mut others: Vec<&Arc<Instance>> = case.replicas.iter().filter(|r| r.key != target.key).collect();
    others.sort_by(|a, b| a.key.cmp(&b.key));
    let mut result = Siblings::default();
    for sibling in others {
        let mut reasons: Vec<String> = Vec::new();
        if !sibling.is_last_check_valid() {
            reasons.push("could not be read".to_owned());
        } else {
            if let Err(found) = can_replicate_from(sibling, target, &case.policy.replication) {
                reasons.extend(found.iter().map(|reason| reason.to_string().trim_end().to_owned()));
            }
            reasons.extend(gtid_obstacles(sibling, target).iter().map(ToString::to_string));
        }
        if reasons.is_empty() {
            result.able.push(Arc::clone(sibling));
        } else if case.downtimed.contains(&sibling.key) {
            result.left_behind.push((sibling.key.clone(), reasons.join(", ")));
        } else {
            result.refused.push((sibling.key.clone(), reasons.join(", ")));
        }
    }
    result
}

/// Splits siblings into those moved before the pause and those moved after it. As many semi-sync replicas stay below
/// the primary as its commits have to be acknowledged by.
fn split(
    case: &TakeoverCase,
    target: &Instance,
    siblings: Vec<Arc<Instance>>,
) -> (Vec<Arc<Instance>>, Vec<Arc<Instance>>) {
    let semi_sync = &case.primary.semi_sync;
    let mut needed = 0;
    if semi_sync.primary_enabled {
        // MariaDB has no such variable and waits for one.
        needed = semi_sync.wait_for_replica_count.max(1);
        needed -= u32::from(target.semi_sync.replica_enabled);
    }
    siblings.into_iter().partition(|sibling| {
        let stays = sibling.semi_sync.replica_enabled && needed > 0;
        needed -= u32::from(stays);
        !stays && sibling.gtid_use() != GtidUse::MariaDb
    })
}

fn notes(case: &TakeoverCase, target: &Instance, followers: usize) -> Vec<String> {
    let mut notes = Vec::new();
    let errant = Holdings::of(target, Some(&case.primary)).errant;
    if !errant.is_empty() {
        notes.push(format!("{} has transactions of its own: {errant}", target.key));
    }
    if let Err(reasons) = can_replicate_from(&case.primary, target, &case.policy.replication) {
        // The target is a replica of the primary now; that ends before the primary becomes its replica.
        for reason in reasons
            .iter()
            .filter(|reason| !matches!(reason, Reason::Loop { .. } | Reason::UpdatesNotLogged(_)))
        {
            notes.push(format!(
                "the former primary cannot become a replica: {}",
                reason.to_string().trim_end()
            ));
        }
    }
    if target.semi_sync.priority > 0 && !target.semi_sync.available {
        notes.push(format!("{} has no semi-sync plugin; it is promoted without", target.key));
    } else if target.semi_sync.priority > 0 && followers == 0 {
        notes.push(format!(
            "no replica can acknowledge semi-sync commits on {} until the former primary replicates from it",
            target.key
        ));
    }
    notes
}
