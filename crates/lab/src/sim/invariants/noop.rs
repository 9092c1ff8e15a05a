//! A process that was asked to change nothing runs no hook. (Its statements end in the connector, which refuses them.)

use super::super::world::World;

const NAME: &str = "noop";

impl World {
    /// A hook is about to run.
    pub(in super::super) fn check_hook(&mut self, command: &str) {
        if self.orchestrator.is_noop {
            self.violate(NAME, format!("hook {command} runs"));
        }
    }
}
