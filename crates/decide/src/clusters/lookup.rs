//! From what a person types to a cluster or a server.

use std::sync::Arc;

use model::{Fleet, Instance, InstanceKey};

use super::info::{NameToAlias, effective_alias};

/// Nothing, or nothing certain, is meant by a text. The wording is known to scripts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LookupError {
    /// No hint was given at all.
    #[error("Unable to determine cluster name by empty hint")]
    EmptyHint,
    /// The hint is no cluster, alias or server.
    #[error("Unable to determine cluster name. clusterHint={0}")]
    UnknownHint(String),
    /// The hint is a server that no cluster was found for yet.
    #[error("Unable to determine cluster name for {key}, empty cluster name. clusterHint={hint}")]
    NoClusterYet {
        /// The server.
        key: InstanceKey,
        /// The hint.
        hint: String,
    },
    /// No cluster has this alias or name.
    #[error("No cluster found for alias {0}")]
    UnknownAlias(String),
    /// No cluster has this name.
    #[error("No cluster info found for {0}")]
    NoClusterInfo(String),
}

/// The name of the cluster a hint means: a cluster's name, else its alias, else a member, else the only server whose
/// host name contains the hint's.
///
/// # Errors
/// Nothing is meant, or a server without cluster.
pub fn resolve_cluster_hint(
    fleet: &Fleet,
    hint: &str,
    default_port: u16,
    name_to_alias: NameToAlias<'_>,
) -> Result<String, LookupError> {
    if hint.is_empty() {
        return Err(LookupError::EmptyHint);
    }
    if fleet.cluster_members(hint).next().is_some() {
        return Ok(hint.to_owned());
    }
    if let Some(name) = fleet.cluster_names().find(|name| effective_alias(fleet, name, name_to_alias) == hint)
    {
        return Ok(name.to_owned());
    }
    let unknown = || LookupError::UnknownHint(hint.to_owned());
    let key = InstanceKey::parse(hint, default_port).map_err(|_| unknown())?;
    let instance = find_instance(fleet, &key).ok_or_else(unknown)?;
    if instance.cluster_name.is_empty() {
        return Err(LookupError::NoClusterYet { key: instance.key.clone(), hint: hint.to_owned() });
    }
    Ok(instance.cluster_name.clone())
}

/// The cluster recorded under this alias, or of this name.
///
/// # Errors
/// There is none.
pub fn cluster_by_alias(fleet: &Fleet, alias: &str) -> Result<String, LookupError> {
    fleet
        .cluster_aliases
        .iter()
        .find(|(_, recorded)| *recorded == alias)
        .map(|(name, _)| name.clone())
        .or_else(|| fleet.cluster_members(alias).next().map(|_| alias.to_owned()))
        .ok_or_else(|| LookupError::UnknownAlias(alias.to_owned()))
}

/// The server of this key; without one, the one that [`find_instance_fuzzy`] finds.
// Differs: the reference searches fuzzily first, so that `db1` means `db10` when only the latter is known by that port.
pub fn find_instance<'a>(fleet: &'a Fleet, key: &InstanceKey) -> Option<&'a Arc<Instance>> {
    fleet.get(key).or_else(|| find_instance_fuzzy(fleet, key))
}

/// The only server of this port whose host name contains that of the key, in any letter case. `None` when several do,
/// and always for IPv4 addresses. Nothing in the key is a wildcard.
pub fn find_instance_fuzzy<'a>(fleet: &'a Fleet, key: &InstanceKey) -> Option<&'a Arc<Instance>> {
    if key.is_ipv4() || key.hostname().is_empty() {
        return None;
    }
    let wanted = key.hostname().to_lowercase();
    let mut matching = fleet.iter().filter(|instance| {
        instance.key.port() == key.port() && instance.key.hostname().to_lowercase().contains(&wanted)
    });
    match (matching.next(), matching.next()) {
        (Some(only), None) => Some(only),
        _ => None,
    }
}
