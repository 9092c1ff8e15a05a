//! Standard selections of servers. Each says its order; ties are always by key.

use std::cmp::Reverse;
use std::sync::Arc;

use model::{Fleet, Instance, Timestamp};

use crate::cluster_attributes::is_lost_in_recovery;

/// Servers of the fleet, shared.
type Instances = Vec<Arc<Instance>>;

fn leads(instance: &Instance) -> bool {
    instance.depth == 0 || instance.is_co_primary
}

fn sorted_by<K: Ord>(
    instances: impl Iterator<Item = Arc<Instance>>,
    key: impl Fn(&Instance) -> K,
) -> Instances {
    // Input comes by server key and the sort is stable.
    let mut found: Instances = instances.collect();
    found.sort_by_key(|instance| key(instance));
    found
}

/// Primaries and co-primaries of a cluster: writable ones first, then by depth.
pub fn cluster_primaries(fleet: &Fleet, cluster_name: &str) -> Instances {
    let leading = fleet.cluster_members(cluster_name).filter(|instance| leads(instance)).cloned();
    sorted_by(leading, |instance| (instance.read_only, instance.depth))
}

/// The first of [`cluster_primaries`].
pub fn cluster_primary(fleet: &Fleet, cluster_name: &str) -> Option<Arc<Instance>> {
    cluster_primaries(fleet, cluster_name).into_iter().next()
}

/// Writable primaries and co-primaries of a cluster, by depth.
pub fn writable_primaries(fleet: &Fleet, cluster_name: &str) -> Instances {
    let mut leading = cluster_primaries(fleet, cluster_name);
    leading.retain(|instance| !instance.read_only);
    leading
}

/// The first writable primary of each cluster, by cluster name. Clusters without one are left out.
pub fn all_clusters_primaries(fleet: &Fleet) -> Instances {
    fleet.cluster_names().filter_map(|name| writable_primaries(fleet, name).into_iter().next()).collect()
}

/// Servers whose last check is not known to have succeeded, by key.
pub fn unseen(fleet: &Fleet) -> Instances {
    fleet.iter().filter(|instance| !instance.is_last_check_valid()).cloned().collect()
}

/// Servers in which a text is found: part of host name, cluster name, version, version comment, `host:port` or
/// suggested cluster alias, or exactly the server id or port. Blanks around the text do not count; an empty text finds
/// all. By depth, most replicas, cluster name, key.
pub fn search(fleet: &Fleet, text: &str, any_case: bool) -> Instances {
    let wanted = if any_case { text.trim().to_lowercase() } else { text.trim().to_owned() };
    let found =
        fleet.iter().filter(|instance| wanted.is_empty() || mentions(instance, &wanted, any_case)).cloned();
    in_search_order(found)
}

/// Servers whose `host:port` satisfies a test, such as a regular expression; in the order of [`search`].
pub fn find(fleet: &Fleet, matches: &dyn Fn(&str) -> bool) -> Instances {
    in_search_order(fleet.iter().filter(|instance| matches(&instance.key.to_string())).cloned())
}

fn in_search_order(instances: impl Iterator<Item = Arc<Instance>>) -> Instances {
    let mut found: Instances = instances.collect();
    found.sort_by(|a, b| {
        (a.depth, Reverse(a.replica_count()), &a.cluster_name, &a.key).cmp(&(
            b.depth,
            Reverse(b.replica_count()),
            &b.cluster_name,
            &b.key,
        ))
    });
    found
}

fn mentions(instance: &Instance, wanted: &str, any_case: bool) -> bool {
    let holds =
        |text: &String| if any_case { text.to_lowercase().contains(wanted) } else { text.contains(wanted) };
    let texts = [
        instance.key.to_string(),
        instance.cluster_name.clone(),
        instance.version.text.clone(),
        instance.version_comment.clone(),
        instance.suggested_cluster_alias.clone(),
    ];
    texts.iter().any(holds)
        || instance.server_id.to_string() == wanted
        || instance.key.port().to_string() == wanted
}

/// Downtimed servers of a cluster, or of all, by cluster name, depth, key.
pub fn downtimed(fleet: &Fleet, cluster_name: Option<&str>, now: Timestamp) -> Instances {
    let found = fleet
        .iter()
        .filter(|instance| cluster_name.is_none_or(|name| name == instance.cluster_name))
        .filter(|instance| fleet.is_downtimed(&instance.key, now))
        .cloned();
    sorted_by(found, |instance| (instance.cluster_name.clone(), instance.depth))
}

/// Servers of a cluster, or of all, that a failover left behind; in the order of [`downtimed`].
pub fn lost_in_recovery(fleet: &Fleet, cluster_name: Option<&str>, now: Timestamp) -> Instances {
    let mut found = downtimed(fleet, cluster_name, now);
    found.retain(|instance| is_lost_in_recovery(fleet, &instance.key, now));
    found
}

/// Members of a cluster that operators registered as candidates, by key.
pub fn candidates(fleet: &Fleet, cluster_name: &str) -> Instances {
    let members = fleet.cluster_members(cluster_name);
    members.filter(|instance| fleet.promotion_rule(&instance.key).is_candidate()).cloned().collect()
}

/// Replicas of a cluster that an online schema migration can read rows from: logging, row format, last check valid, no
/// binlog server. Fewest replicas first.
pub fn migration_replicas(fleet: &Fleet, cluster_name: &str) -> Instances {
    let fit = fleet.cluster_members(cluster_name).filter(|instance| {
        instance.depth > 0
            && instance.binlog_format == "ROW"
            && !instance.is_binlog_server()
            && instance.is_last_check_valid()
            && instance.logs_updates()
    });
    sorted_by(fit.cloned(), |instance| instance.replica_count())
}
