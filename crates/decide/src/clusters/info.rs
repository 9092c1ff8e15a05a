//! The list of clusters, and what is said about one.

use model::{ClusterDetails, Fleet};

use super::lookup::LookupError;
use crate::analysis::AnalysisFilters;

/// `ClusterNameToAlias`: the alias of a cluster name, if a pattern matches it.
pub type NameToAlias<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Names of all clusters, sorted.
pub fn cluster_names(fleet: &Fleet) -> Vec<&str> {
    fleet.cluster_names().collect()
}

/// The alias of a cluster as people see it: the recorded one; where that is missing, empty or just the name, the one
/// its name's pattern gives; else the name.
pub fn effective_alias(fleet: &Fleet, name: &str, name_to_alias: NameToAlias<'_>) -> String {
    let recorded = fleet.cluster_alias(name);
    if recorded.is_empty() || recorded == name {
        name_to_alias(name).unwrap_or_else(|| recorded.to_owned())
    } else {
        recorded.to_owned()
    }
}

/// Name, alias, domain, size and automation of one cluster. The lag is left 0, as clients expect here.
///
/// # Errors
/// The cluster has no member.
pub fn cluster_info(
    fleet: &Fleet,
    name: &str,
    name_to_alias: NameToAlias<'_>,
    filters: &dyn AnalysisFilters,
) -> Result<ClusterDetails, LookupError> {
    match fleet.cluster_members(name).count() {
        0 => Err(LookupError::NoClusterInfo(name.to_owned())),
        size => Ok(details(fleet, name, size, name_to_alias, filters)),
    }
}

/// [`cluster_info`] of all clusters, by name.
pub fn clusters_info(
    fleet: &Fleet,
    name_to_alias: NameToAlias<'_>,
    filters: &dyn AnalysisFilters,
) -> Vec<ClusterDetails> {
    fleet
        .cluster_names()
        .map(|name| details(fleet, name, fleet.cluster_members(name).count(), name_to_alias, filters))
        .collect()
}

fn details(
    fleet: &Fleet,
    name: &str,
    size: usize,
    name_to_alias: NameToAlias<'_>,
    filters: &dyn AnalysisFilters,
) -> ClusterDetails {
    let alias = effective_alias(fleet, name, name_to_alias);
    ClusterDetails {
        name: name.to_owned(),
        domain: fleet.cluster_domains.get(name).cloned().unwrap_or_default(),
        count_instances: u32::try_from(size).unwrap_or(u32::MAX),
        heuristic_lag_seconds: 0,
        automated_primary_recovery: filters.recovers_primary(name, &alias),
        automated_intermediate_recovery: filters.recovers_intermediate(name, &alias),
        alias,
    }
}
