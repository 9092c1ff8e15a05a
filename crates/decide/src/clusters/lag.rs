//! How far a cluster lags, judged from a few representative replicas.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::{Fleet, Instance, InstanceKey};

/// There was no replica to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("No instances found in GetInstancesMaxLag")]
pub struct NoLag;

/// How many replicas are taken of each data center or below each picked server.
const PICKED: usize = 2;

/// Replicas whose lag stands for the cluster's while a schema change runs.
///
/// In this order: of the first tier the two busiest of each data center (data centers by name, last first; among
/// leaves the one that lags most), the two busiest replicas of each of those, and of the third tier two of each data
/// center. Binlog servers, servers whose last check failed and hosts that `ignores` names are left out. Each is
/// listed once.
pub fn lag_control_replicas(
    fleet: &Fleet,
    cluster_name: &str,
    ignores: &dyn Fn(&InstanceKey) -> bool,
) -> Vec<Arc<Instance>> {
    let is_fit = |instance: &Instance| {
        !instance.is_binlog_server() && instance.is_last_check_valid() && !ignores(&instance.key)
    };
    let tier = |depth: u32| {
        fleet
            .cluster_members(cluster_name)
            .filter(move |instance| instance.depth == depth)
            .filter(|instance| is_fit(instance))
    };
    let first_tier = busiest_by_data_center(tier(1));
    let mut picked = first_tier.clone();
    for server in &first_tier {
        let mut below: Vec<_> =
            fleet.replicas_of(&server.key).filter(|instance| is_fit(instance)).cloned().collect();
        below.sort_by_key(|instance| Reverse(busyness(instance)));
        picked.extend(below.into_iter().take(PICKED));
    }
    picked.extend(busiest_by_data_center(tier(3)));
    let mut known = BTreeSet::new();
    picked.retain(|instance| known.insert(instance.key.clone()));
    picked
}

fn busiest_by_data_center<'a>(instances: impl Iterator<Item = &'a Arc<Instance>>) -> Vec<Arc<Instance>> {
    let mut centers: BTreeMap<&str, Vec<&Arc<Instance>>> = BTreeMap::new();
    for instance in instances {
        centers.entry(&instance.data_center).or_default().push(instance);
    }
    centers
        .into_values()
        .rev()
        .flat_map(|mut members| {
            members.sort_by_key(|instance| Reverse(busyness(instance)));
            members.into_iter().take(PICKED).cloned()
        })
        .collect()
}

/// Most replicas first; a leaf is the more telling the more it lags.
fn busyness(instance: &Instance) -> (usize, Option<i64>) {
    let replicas = instance.replicas.len();
    (replicas, instance.lag_seconds.filter(|_| replicas == 0))
}

/// The largest known lag of these servers, seconds; an unknown lag counts as none.
///
/// # Errors
/// There are no servers.
pub fn largest_lag_seconds<'a>(instances: impl IntoIterator<Item = &'a Instance>) -> Result<i64, NoLag> {
    instances.into_iter().map(|instance| instance.lag_seconds.unwrap_or(0)).max().ok_or(NoLag)
}

/// The lag of a cluster, seconds: the largest among its [`lag_control_replicas`].
///
/// # Errors
/// There are none of those.
pub fn heuristic_lag_seconds(
    fleet: &Fleet,
    cluster_name: &str,
    ignores: &dyn Fn(&InstanceKey) -> bool,
) -> Result<i64, NoLag> {
    let controls = lag_control_replicas(fleet, cluster_name, ignores);
    largest_lag_seconds(controls.iter().map(|instance| &**instance))
}
