//! Everything known about all servers, in memory: the truth that decisions are made from.
//!
//! A [`Fleet`] is plain data with two indexes (members of a cluster, replicas of a server). It is filled by probes,
//! or loaded from the backend, and the same pure functions of `decide` run on either. It holds no lock and no clock.
//! Replicas are found through what each replica itself reports as its source, never through the list of replicas
//! that the source shows.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::{
    BinlogCoordinates, Candidate, Downtime, FailedCheck, FailedWrite, Instance, InstanceKey, Maintenance,
    PromotionRule, Tag, Timestamp,
};

/// Binary log coordinates at which a primary was seen to stand still.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StaleCoordinates {
    /// The place.
    pub coordinates: BinlogCoordinates,
    /// When they were first noticed.
    pub first_seen: Timestamp,
}

/// All servers and what operators said about them. Iteration order is always by key.
#[derive(Clone, Debug, Default)]
pub struct Fleet {
    instances: BTreeMap<InstanceKey, Arc<Instance>>,
    by_source: BTreeMap<InstanceKey, BTreeSet<InstanceKey>>,
    by_cluster: BTreeMap<String, BTreeSet<InstanceKey>>,
    /// Downtime rows, ended ones included until purged.
    pub downtimes: BTreeMap<InstanceKey, Downtime>,
    /// Active maintenance.
    pub maintenance: BTreeMap<InstanceKey, Maintenance>,
    /// Registered promotion rules.
    pub candidates: BTreeMap<InstanceKey, Candidate>,
    /// Cluster name to alias (`cluster_alias`).
    pub cluster_aliases: BTreeMap<String, String>,
    /// Cluster name to alias set by an operator (`cluster_alias_override`).
    pub cluster_alias_overrides: BTreeMap<String, String>,
    /// Cluster name to domain (`cluster_domain_name`).
    pub cluster_domains: BTreeMap<String, String>,
    /// Host name to resolved host name (`hostname_resolve`).
    pub resolved: BTreeMap<String, String>,
    /// Host name to the virtual name it is reached by (`hostname_unresolve`).
    pub unresolved: BTreeMap<String, String>,
    /// Where semi-sync primaries were seen to stand still.
    pub stale_coordinates: BTreeMap<InstanceKey, StaleCoordinates>,
    /// Hosts with snapshots of their data, as their agents told, and how many.
    pub snapshots: BTreeMap<String, u32>,
    /// Tags.
    pub tags: BTreeMap<InstanceKey, BTreeSet<Tag>>,
    /// Checks of servers that failed last, until one succeeds. Observed by this process; not stored.
    pub failed_checks: BTreeMap<InstanceKey, FailedCheck>,
    /// Trial writes that failed last, until one succeeds. Observed by this process; not stored.
    pub failed_writes: BTreeMap<InstanceKey, FailedWrite>,
}

impl Fleet {
    /// Adds or replaces a server and keeps the indexes true. Returns the former one.
    pub fn insert(&mut self, instance: Instance) -> Option<Arc<Instance>> {
        self.insert_shared(Arc::new(instance))
    }

    /// As [`Self::insert`], for an instance that is already shared.
    pub fn insert_shared(&mut self, instance: Arc<Instance>) -> Option<Arc<Instance>> {
        let former = self.remove(&instance.key);
        let key = instance.key.clone();
        self.by_source.entry(instance.primary_key.clone()).or_default().insert(key.clone());
        self.by_cluster.entry(instance.cluster_name.clone()).or_default().insert(key.clone());
        self.instances.insert(key, instance);
        former
    }

    /// Removes a server. What operators said about it stays.
    pub fn remove(&mut self, key: &InstanceKey) -> Option<Arc<Instance>> {
        let former = self.instances.remove(key)?;
        drop_from_index(&mut self.by_source, &former.primary_key, key);
        drop_from_index(&mut self.by_cluster, &former.cluster_name, key);
        Some(former)
    }

    /// Applies a change to one server in place. `None` when the server is unknown.
    pub fn update(&mut self, key: &InstanceKey, change: impl FnOnce(&mut Instance)) -> Option<Arc<Instance>> {
        let mut instance = Instance::clone(self.instances.get(key)?);
        change(&mut instance);
        self.insert(instance);
        self.instances.get(key).cloned()
    }

    /// Takes over everything that is not observed (downtime, rules, aliases, names, tags) from another fleet.
    pub fn adopt_statements(&mut self, other: Self) {
        let instances = std::mem::take(&mut self.instances);
        let by_source = std::mem::take(&mut self.by_source);
        let by_cluster = std::mem::take(&mut self.by_cluster);
        let failed_checks = std::mem::take(&mut self.failed_checks);
        let failed_writes = std::mem::take(&mut self.failed_writes);
        let snapshots = std::mem::take(&mut self.snapshots);
        *self = Self { instances, by_source, by_cluster, failed_checks, failed_writes, snapshots, ..other };
    }

    /// One server.
    pub fn get(&self, key: &InstanceKey) -> Option<&Arc<Instance>> {
        self.instances.get(key)
    }

    /// All servers, by key.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Instance>> {
        self.instances.values()
    }

    /// Number of servers.
    pub fn len(&self) -> usize {
        self.instances.len()
    }

    /// No server at all.
    pub fn is_empty(&self) -> bool {
        self.instances.is_empty()
    }

    /// Direct replicas of a server, by what they report themselves; sorted by key.
    pub fn replicas_of<'a>(&'a self, key: &InstanceKey) -> impl Iterator<Item = &'a Arc<Instance>> + use<'a> {
        self.by_source.get(key).into_iter().flatten().filter_map(|replica| self.instances.get(replica))
    }

    /// Keys that some server names as its source, known or not; the empty key included.
    pub fn sources(&self) -> impl Iterator<Item = &InstanceKey> {
        self.by_source.keys()
    }

    /// Members of a cluster by its exact name; sorted by key.
    pub fn cluster_members<'a>(
        &'a self,
        cluster_name: &str,
    ) -> impl Iterator<Item = &'a Arc<Instance>> + use<'a> {
        self.by_cluster
            .get(cluster_name)
            .into_iter()
            .flatten()
            .filter_map(|member| self.instances.get(member))
    }

    /// Names of all clusters that have members, sorted; the empty name included when a server has none yet.
    pub fn cluster_names(&self) -> impl Iterator<Item = &str> {
        self.by_cluster.keys().map(String::as_str)
    }

    /// A server is downtimed at `now`.
    pub fn is_downtimed(&self, key: &InstanceKey, now: Timestamp) -> bool {
        self.downtimes.get(key).is_some_and(|downtime| downtime.is_active(now))
    }

    /// The promotion rule of a server; [`PromotionRule::Neutral`] when none is registered.
    pub fn promotion_rule(&self, key: &InstanceKey) -> PromotionRule {
        self.candidates.get(key).map_or(PromotionRule::Neutral, |candidate| candidate.rule)
    }

    /// Gives a cluster its alias, which no other cluster has from now on.
    pub fn set_cluster_alias(&mut self, cluster_name: &str, alias: &str) {
        self.cluster_aliases.retain(|_, known| known != alias);
        self.cluster_aliases.insert(cluster_name.to_owned(), alias.to_owned());
    }

    /// Alias of a cluster; its name when it has none.
    pub fn cluster_alias<'a>(&'a self, cluster_name: &'a str) -> &'a str {
        self.cluster_aliases.get(cluster_name).map_or(cluster_name, String::as_str)
    }

    /// Follows the resolve table once; the name itself when it is not there.
    pub fn resolve<'a>(&'a self, hostname: &'a str) -> &'a str {
        self.resolved.get(hostname).map_or(hostname, String::as_str)
    }
}

fn drop_from_index<K: Ord + Clone>(
    index: &mut BTreeMap<K, BTreeSet<InstanceKey>>,
    at: &K,
    member: &InstanceKey,
) {
    if let Some(members) = index.get_mut(at) {
        members.remove(member);
        if members.is_empty() {
            index.remove(at);
        }
    }
}
