//! Within the block period after an automatic failover no other one of the same cluster begins, unless somebody
//! acknowledged the first.

use model::Case;

use super::super::surroundings::timestamp;
use super::super::world::World;

const NAME: &str = "anti-flapping";

impl World {
    pub(super) fn check_anti_flapping(&mut self, uid: &str, case: &Case) {
        let now = timestamp(self.now());
        let Some(server) = self.find(&case.key) else { return };
        let cluster = self.servers[server].cluster;
        let earlier = self.backend.recoveries.iter().find(|earlier| {
            earlier.uid != uid
                && earlier.is_successful
                && !earlier.acknowledged
                && now.saturating_since(earlier.start).as_millis() < u128::from(self.watcher.block_ms)
                && self.find(&earlier.case.key).is_some_and(|failed| self.servers[failed].cluster == cluster)
        });
        if let Some(earlier) = earlier {
            let text = format!(
                "{} is failed over soon after {} of the same cluster",
                case.key.hostname(),
                earlier.case.key.hostname()
            );
            self.violate(NAME, text);
        }
    }
}
