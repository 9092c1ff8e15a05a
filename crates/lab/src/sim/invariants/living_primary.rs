//! A primary that obeys orchestrator lives, and is not replaced.
//!
//! When a server is opened, the published primary must not be one that took the order to be read-only before the
//! promotion began, can be reached, and has all that every reachable replica of it received. One that comes back in the
//! middle of a promotion comes too late: the promoted server has forgotten its source by then.

use super::super::server::SimServer;
use super::super::world::World;

/// It must have been reachable for longer than the last look at it takes.
const MARGIN_MS: u64 = 1_500;
const NAME: &str = "living primary";

impl World {
    pub(super) fn check_living_primary(&mut self, opened: usize) {
        let now = self.now();
        let primary = self.published(self.servers[opened].cluster);
        let is_reachable =
            |server: &SimServer| server.reachable_since.is_some_and(|since| now - since >= MARGIN_MS);
        let old = &self.servers[primary];
        let began = self.watcher.promotion_began.get(&self.servers[opened].cluster).copied();
        let was_closed_before = old.closed_at.is_some_and(|at| began.is_some_and(|began| at <= began));
        if primary == opened || !(old.closed_by_orchestrator && was_closed_before) || !is_reachable(old) {
            return;
        }
        let has_more = self.clusters[old.cluster].members.iter().any(|member| {
            let replica = &self.servers[*member];
            is_reachable(replica) && !replica.holdings().beyond(&old.executed).is_empty()
        });
        if !has_more {
            let text = format!("{} is opened although {} lives", self.name(opened), self.name(primary));
            self.violate(NAME, text);
        }
    }
}
