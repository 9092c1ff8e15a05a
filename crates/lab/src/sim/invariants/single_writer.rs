//! At no instant two servers of one cluster accept writes through any path that orchestrator published.
//!
//! orchestrator opens a server only when the published primary, and every server that it opened before, is read-only or
//! out of reach: one that it could reach without hindrance for [`GRACE_MS`] should have been fenced. A server cut off
//! from orchestrator cannot be fenced; clients leave it when the new path is published. A replica that its own
//! configuration makes writable is nobody's path.

use super::super::world::World;

/// Longer than the attempt to fence, which is never older than half a second, with room for a read before it.
const GRACE_MS: u64 = 1_500;
const NAME: &str = "single writer";

impl World {
    pub(super) fn check_single_writer(&mut self, opened: usize) {
        let now = self.now();
        let cluster = self.servers[opened].cluster;
        let others: Vec<usize> = self.clusters[cluster]
            .members
            .iter()
            .copied()
            .filter(|other| *other != opened && self.servers[*other].is_writable())
            .filter(|other| *other == self.published(cluster) || self.servers[*other].opened_by_orchestrator)
            .filter(|other| self.servers[*other].reachable_since.is_some_and(|since| now - since >= GRACE_MS))
            .collect();
        for other in others {
            let text = format!(
                "{} is opened while {} is writable and reachable",
                self.name(opened),
                self.name(other)
            );
            self.violate(NAME, text);
        }
    }
}
