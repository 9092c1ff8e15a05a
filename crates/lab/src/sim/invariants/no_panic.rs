//! No task of the engine ends by a panic.

use super::super::world::World;

const NAME: &str = "no panic";

impl World {
    /// A process ended; so many of its tasks had panicked.
    pub(in super::super) fn note_panics(&mut self, panics: u64) {
        if panics > 0 {
            self.watcher.panics += panics;
            self.violate(NAME, format!("{panics} tasks of the engine panicked"));
        }
    }
}
