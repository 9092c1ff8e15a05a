//! Where a freshly read server stands: cluster name, depth, co-primary, ancestry, alias, and its classification.
//!
//! A server's place follows from the place of its source as it is known now, so a change travels down a chain one
//! level with every read. Host names in the instance must be resolved already. Errant transactions are found elsewhere,
//! with the reference server that [`place`] names.

#[cfg(test)]
mod tests;

use crate::errant::ancestry_text;
use std::collections::{BTreeMap, BTreeSet};

use model::{Detected, Downtime, Fleet, Instance, InstanceKey, Timestamp};

/// What was found besides the fields of the instance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Placement {
    /// The server whose place was taken over and whose executed set errant transactions are judged by: the source, or
    /// the primary of the group for its secondaries. `None` when it is not known yet.
    pub reference: Option<InstanceKey>,
    /// Domain to record for the cluster: only primaries report one, and never an empty one.
    pub cluster_domain: Option<String>,
    /// The cluster name that both co-primaries inherited was neither's own, and was replaced.
    pub has_renamed_cluster: bool,
}

/// Sets cluster name, depth, co-primary flag, ancestry and suggested cluster alias of a server just read.
///
/// `name_to_alias` is `ClusterNameToAlias`: the alias for a cluster name, if a pattern matches it. `detected` is what
/// the same read brought back. An unknown source leaves the server at depth 0 in a cluster named after itself.
pub fn place(
    fleet: &Fleet,
    instance: &mut Instance,
    detected: &Detected,
    name_to_alias: &dyn Fn(&str) -> Option<String>,
) -> Placement {
    let reference_key = reference_key(instance);
    let reference = fleet.get(&reference_key).filter(|reference| reference.key != instance.key);
    let own_name = instance.key.to_string();
    let (mut cluster_name, mut depth, mut ancestry, mut alias) =
        (String::new(), 0, String::new(), String::new());
    let mut source_of_reference = instance.primary_key.clone();
    if let Some(reference) = reference {
        cluster_name.clone_from(&reference.cluster_name);
        depth = reference.depth.saturating_add(1);
        ancestry.clone_from(&reference.ancestry_uuid);
        alias.clone_from(&reference.suggested_cluster_alias);
        source_of_reference = reference.primary_key.clone();
    }
    if cluster_name.is_empty() {
        cluster_name.clone_from(&own_name);
    }
    let mut has_renamed_cluster = false;
    instance.is_co_primary = source_of_reference == instance.key;
    if instance.is_co_primary {
        if cluster_name != own_name && cluster_name != reference_key.to_string() {
            cluster_name = (&instance.key).min(&reference_key).to_string();
            has_renamed_cluster = true;
        }
        if cluster_name == own_name {
            depth = 0;
            ancestry.clear();
        }
    }
    instance.ancestry_uuid = ancestry_uuid(instance, &ancestry);
    instance.suggested_cluster_alias =
        suggested_alias(fleet, instance, &cluster_name, depth, alias, detected, name_to_alias);
    instance.cluster_name = cluster_name;
    instance.depth = depth;
    let reports_domain = depth == 0 && !instance.is_binlog_server();
    Placement {
        reference: reference.map(|reference| reference.key.clone()),
        cluster_domain: detected.cluster_domain.clone().filter(|domain| reports_domain && !domain.is_empty()),
        has_renamed_cluster,
    }
}

/// The group primary for a group secondary, the source for everybody else.
fn reference_key(instance: &Instance) -> InstanceKey {
    match &instance.group.primary {
        Some(primary) if instance.is_group_member() && *primary != instance.key => primary.clone(),
        _ => instance.primary_key.clone(),
    }
}

fn ancestry_uuid(instance: &Instance, inherited: &str) -> String {
    let primary = &instance.replication.primary_uuid;
    ancestry_text(inherited, &instance.server_uuid, primary, instance.is_co_primary, &instance.group.name)
}

/// By precedence: what an operator set for the cluster, what a co-primary's own query says, what the source has, what
/// the server's own query says, what the cluster name's pattern says. Binlog servers only inherit.
fn suggested_alias(
    fleet: &Fleet,
    instance: &Instance,
    cluster_name: &str,
    depth: u32,
    inherited: String,
    detected: &Detected,
    name_to_alias: &dyn Fn(&str) -> Option<String>,
) -> String {
    let set_by_operator = fleet.cluster_alias_overrides.get(cluster_name).filter(|alias| !alias.is_empty());
    if let Some(alias) = set_by_operator {
        return alias.clone();
    }
    if instance.is_binlog_server() {
        return inherited;
    }
    let queried = detected.cluster_alias.as_ref().filter(|alias| !alias.is_empty());
    // Differs: in the reference co-primaries inherit from each other for ever and never see a change on the server.
    let is_own_authority = instance.is_co_primary || depth == 0;
    match queried {
        Some(alias) if is_own_authority || inherited.is_empty() => alias.clone(),
        _ if !inherited.is_empty() => inherited,
        _ => name_to_alias(cluster_name).unwrap_or_default(),
    }
}

/// Where one classification of servers comes from.
pub struct ClassSource<'a> {
    /// Capture of the configured pattern on the host name.
    pub from_hostname: &'a dyn Fn(&str) -> Option<String>,
    /// A query is configured, so that no answer means that it failed.
    pub is_queried: bool,
}

/// The three classifications.
pub struct ClassSources<'a> {
    /// `DataCenterPattern` and `DetectDataCenterQuery`.
    pub data_center: ClassSource<'a>,
    /// `RegionPattern` and `DetectRegionQuery`.
    pub region: ClassSource<'a>,
    /// `PhysicalEnvironmentPattern` and `DetectPhysicalEnvironmentQuery`.
    pub physical_environment: ClassSource<'a>,
    /// `DetectInstanceAliasQuery` is configured, so that no answer means that it failed.
    pub alias_is_queried: bool,
}

/// Sets data center, region, physical environment and alias of a server just read.
///
/// A query's answer wins over the pattern; a query that failed leaves the value known before in place.
// Differs: the reference stores an empty value then, and a later failover finds no candidate in the right region.
pub fn classify(
    previous: Option<&Instance>,
    instance: &mut Instance,
    detected: &Detected,
    sources: &ClassSources<'_>,
) {
    let hostname = instance.key.hostname();
    let choose = |answer: &Option<String>, source: &ClassSource<'_>, known: Option<&String>| {
        let known = known.filter(|value| source.is_queried && !value.is_empty());
        answer
            .clone()
            .or_else(|| known.cloned())
            .or_else(|| (source.from_hostname)(hostname))
            .unwrap_or_default()
    };
    let data_center =
        choose(&detected.data_center, &sources.data_center, previous.map(|known| &known.data_center));
    let region = choose(&detected.region, &sources.region, previous.map(|known| &known.region));
    let environment = choose(
        &detected.physical_environment,
        &sources.physical_environment,
        previous.map(|known| &known.physical_environment),
    );
    instance.data_center = data_center;
    instance.region = region;
    instance.physical_environment = environment;
    let known_alias = previous.filter(|_| sources.alias_is_queried).map(|known| known.alias.clone());
    instance.alias = detected.instance_alias.clone().or(known_alias).unwrap_or_default();
}

/// The alias every cluster should have now, by cluster name.
///
/// Servers suggest; where several suggest different things, one that is not below a server given up in a recovery, whose
/// last check is valid, that is writable and has the most replicas wins. No two clusters get the same alias: the better suggestion takes it from the other. Servers
/// given up in a recovery suggest nothing. Clusters nobody suggests anything for are called by their name.
pub fn cluster_aliases(fleet: &Fleet, now: Timestamp) -> BTreeMap<String, String> {
    let mut suggesting: Vec<_> = fleet
        .iter()
        .filter(|instance| {
            !instance.suggested_cluster_alias.is_empty() && !is_lost_in_recovery(fleet, &instance.key, now)
        })
        .collect();
    let given_up: BTreeSet<String> = fleet
        .downtimes
        .keys()
        .filter(|key| is_lost_in_recovery(fleet, key, now))
        .map(InstanceKey::to_string)
        .collect();
    suggesting.sort_by_key(|instance| {
        (
            !given_up.contains(&instance.cluster_name),
            instance.is_last_check_valid(),
            !instance.read_only,
            instance.replicas.len(),
        )
    });
    let mut by_cluster = BTreeMap::new();
    let mut by_alias: BTreeMap<String, String> = BTreeMap::new();
    for instance in suggesting {
        let (cluster, alias) = (instance.cluster_name.clone(), instance.suggested_cluster_alias.clone());
        if let Some(loser) = by_alias.insert(alias.clone(), cluster.clone()).filter(|loser| *loser != cluster)
        {
            by_cluster.remove(&loser);
        }
        if let Some(former) = by_cluster.insert(cluster, alias.clone()).filter(|former| *former != alias) {
            by_alias.remove(&former);
        }
    }
    let suggested: BTreeSet<&str> = fleet
        .iter()
        .filter(|instance| !instance.suggested_cluster_alias.is_empty())
        .map(|instance| instance.cluster_name.as_str())
        .collect();
    for name in fleet.cluster_names().filter(|name| !suggested.contains(name)) {
        by_cluster.insert(name.to_owned(), name.to_owned());
    }
    by_cluster
}

/// Downtimed because a failover left it behind.
pub fn is_lost_in_recovery(fleet: &Fleet, key: &InstanceKey, now: Timestamp) -> bool {
    fleet
        .downtimes
        .get(key)
        .is_some_and(|downtime| downtime.is_active(now) && downtime.reason == Downtime::LOST_IN_RECOVERY)
}
