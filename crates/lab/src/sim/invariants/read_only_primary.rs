//! No operation leaves a primary read-only that it made so: unless another server was promoted in its place.

use super::super::world::World;

const NAME: &str = "read-only primary";

impl World {
    /// At the end.
    pub(in super::super) fn check_read_only_primaries(&mut self) {
        for cluster in 0..self.clusters.len() {
            let primary = self.published(cluster);
            let server = &self.servers[primary];
            if server.is_up() && server.read_only && server.closed_by_orchestrator {
                let text = format!("{} is the published primary and was left read-only", self.name(primary));
                self.violate(NAME, text);
            }
        }
    }
}
