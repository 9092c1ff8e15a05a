//! No change is made without a valid lease.

use model::Action;

use super::super::world::World;

const NAME: &str = "lease";

impl World {
    /// orchestrator is about to send something to a server.
    pub(in super::super) fn check_change(&mut self, server: usize, action: &Action) {
        if action.is_change() && !self.orchestrator.holds_lease {
            let text = format!("{action} is sent to {} without a lease", self.name(server));
            self.violate(NAME, text);
        }
    }
}
