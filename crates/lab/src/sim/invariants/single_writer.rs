//! At no instant two servers of one cluster accept writes through any path that orchestrator published.
//!
//! orchestrator opens a server only when every other server of the cluster that it can reach is read-only: one that it
//! could reach without hindrance for [`GRACE_MS`] should have been fenced. A server cut off from orchestrator cannot be
//! fenced; clients leave it when the new path is published.

use super::super::world::World;

/// Longer than the attempt to fence, with room for a read before it.
const GRACE_MS: u64 = 3_000;
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
            .filter(|other| self.servers[*other].reachable_since.is_some_and(|since| now - since >= GRACE_MS))
            .collect();
        for other in others {
            let text = format!("{} is opened while {} is writable and reachable", self.name(opened), self.name(other));
            self.violate(NAME, text);
        }
    }

    /// A client may write only where it was sent: never to one of two servers that orchestrator opened.
    pub(super) fn check_write(&mut self, server: usize) {
        let cluster = self.servers[server].cluster;
        let opened: Vec<usize> = self.clusters[cluster]
            .members
            .iter()
            .copied()
            .filter(|other| *other != server && self.servers[*other].opened_by_orchestrator)
            .filter(|other| self.servers[*other].is_writable() && self.published(cluster) == *other)
            .collect();
        for other in opened {
            let text = format!("{} takes a write while {} is published", self.name(server), self.name(other));
            self.violate(NAME, text);
        }
    }
}
