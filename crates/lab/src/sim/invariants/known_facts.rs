//! A failed read never overwrites known facts with blanks.

use std::sync::Arc;

use model::{Fleet, Instance};

use super::super::world::World;

const NAME: &str = "known facts";

impl World {
    /// Compares what the engine holds about servers that it cannot read with what it held when it could.
    pub(in super::super) fn check_known_facts(&mut self, fleet: &Fleet) {
        let mut blanked = Vec::new();
        for instance in fleet.iter() {
            if instance.is_last_check_valid() {
                self.watcher.known.insert(instance.key.clone(), Arc::clone(instance));
            } else if let Some(known) = self.watcher.known.get(&instance.key)
                && identity(known) != identity(instance)
            {
                blanked.push(format!("facts of {} changed while it could not be read", instance.key.hostname()));
            }
        }
        for text in blanked {
            self.violate(NAME, text);
        }
    }
}

/// What only a read can tell.
fn identity(instance: &Instance) -> (u32, &str, &str, &str, &str, bool, usize) {
    (
        instance.server_id,
        &instance.server_uuid,
        &instance.version.text,
        &instance.executed_gtid,
        &instance.mariadb_gtid_position,
        instance.log_bin,
        instance.replicas.len(),
    )
}
