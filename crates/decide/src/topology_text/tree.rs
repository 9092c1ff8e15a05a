//! The order and depth in which the members of a cluster are printed.

use std::collections::{BTreeMap, BTreeSet};

use model::{Fleet, Instance, InstanceKey};

/// One member at its place.
pub(super) struct Entry<'a> {
    pub(super) instance: &'a Instance,
    /// 0 for a root.
    pub(super) depth: usize,
}

/// A member of a replication group that is not its primary.
pub(super) fn is_group_secondary(instance: &Instance) -> bool {
    instance.is_group_member()
        && instance.group.primary.as_ref().is_some_and(|primary| *primary != instance.key)
}

/// All members of a cluster, each once, parents before children, children by key.
///
/// Servers whose parent is not in the cluster are roots. Co-primaries have each other as parent; they are printed at
/// depth 1 side by side, each with its own replicas. What is left then is a ring, printed as a root from its smallest key.
// Differs: the reference prints the last root only and nothing of a ring.
pub(super) fn tree_of<'a>(fleet: &'a Fleet, cluster_name: &str) -> Vec<Entry<'a>> {
    let members: BTreeMap<&InstanceKey, &Instance> =
        fleet.cluster_members(cluster_name).map(|instance| (&instance.key, &**instance)).collect();
    let mut children: BTreeMap<&InstanceKey, Vec<&Instance>> = BTreeMap::new();
    let mut roots = Vec::new();
    for instance in members.values().copied() {
        match parent_of(instance).filter(|parent| members.contains_key(parent)) {
            Some(parent) => children.entry(parent).or_default().push(instance),
            None => roots.push(instance),
        }
    }
    let mut printer = Printer { children, printed: BTreeSet::new(), entries: Vec::new() };
    for root in roots {
        printer.print(root, 0);
    }
    for instance in members.values().filter(|instance| instance.is_co_primary) {
        printer.print(instance, 1);
    }
    for instance in members.values() {
        printer.print(instance, 0);
    }
    printer.entries
}

/// The group primary for a secondary, the source for others. A group's primary hangs below a server only while it
/// really replicates from it.
fn parent_of(instance: &Instance) -> Option<&InstanceKey> {
    if is_group_secondary(instance) {
        return instance.group.primary.as_ref();
    }
    (!instance.is_group_member() || instance.is_replica()).then_some(&instance.primary_key)
}

struct Printer<'a> {
    children: BTreeMap<&'a InstanceKey, Vec<&'a Instance>>,
    printed: BTreeSet<&'a InstanceKey>,
    entries: Vec<Entry<'a>>,
}

impl<'a> Printer<'a> {
    /// Prints a server and all below it, depth first, without recursion: chains may be of any length.
    fn print(&mut self, top: &'a Instance, depth: usize) {
        let mut pending = vec![(top, depth)];
        while let Some((instance, depth)) = pending.pop() {
            // A co-primary met below another server is printed with its pair.
            let is_out_of_place = instance.is_co_primary && depth > 1;
            if is_out_of_place || !self.printed.insert(&instance.key) {
                continue;
            }
            self.entries.push(Entry { instance, depth });
            let below = self.children.get(&instance.key).into_iter().flatten();
            pending.extend(below.rev().map(|child| (*child, depth + 1)));
        }
    }
}
