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
            let is_other_read = self
                .watcher
                .known
                .get(&instance.key)
                .is_some_and(|known| known.last_seen != instance.last_seen);
            if instance.is_last_check_valid() || is_other_read {
                self.watcher.known.insert(instance.key.clone(), Arc::clone(instance));
            } else if let Some(known) = self.watcher.known.get(&instance.key)
                && is_blanked(known, instance)
            {
                blanked.push(format!(
                    "facts of {} were blanked while it could not be read",
                    instance.key.hostname()
                ));
            }
        }
        for text in blanked {
            self.violate(NAME, text);
        }
    }
}

/// Something that was known is not known any more.
fn is_blanked(known: &Instance, now: &Instance) -> bool {
    let is_gone = |known: &str, now: &str| !known.is_empty() && now.is_empty();
    (known.server_id != 0 && now.server_id == 0)
        || (known.log_bin && !now.log_bin)
        || (!known.replicas.is_empty() && now.replicas.is_empty())
        || is_gone(&known.server_uuid, &now.server_uuid)
        || is_gone(&known.version.text, &now.version.text)
        || is_gone(&known.executed_gtid, &now.executed_gtid)
        || is_gone(&known.mariadb_gtid_position, &now.mariadb_gtid_position)
        || is_gone(&known.cluster_name, &now.cluster_name)
}
