//! No write that semi-sync acknowledged is missing on the published primary, unless a record says that it may be.
//!
//! A crash that takes commits, or a relay log, from a disk is more than semi-sync protects from: clusters in which that
//! happened are left out.

use super::super::world::World;

const NAME: &str = "acknowledged";

impl World {
    /// Writes acknowledged by semi-sync that the published primary of a cluster does not have.
    pub(in super::super) fn lost_semi_sync(&self, cluster: usize) -> usize {
        let primary = &self.servers[self.published(cluster)];
        let has_lost = |member: &usize| {
            let server = &self.servers[*member];
            server.lost_tail || server.lost_relay_log
        };
        if self.clusters[cluster].members.iter().any(has_lost) {
            return 0;
        }
        let acknowledged = self
            .writers
            .iter()
            .filter(|writer| writer.cluster == cluster)
            .flat_map(|writer| &writer.acknowledged);
        acknowledged.filter(|write| write.by_semi_sync && !primary.executed.has_number(write.number)).count()
    }

    /// At the end.
    pub(in super::super) fn check_acknowledged(&mut self) {
        for cluster in 0..self.clusters.len() {
            let lost = self.lost_semi_sync(cluster);
            let members = &self.clusters[cluster].members;
            let is_of_cluster =
                |key: &model::InstanceKey| self.find(key).is_some_and(|at| members.contains(&at));
            let says_so = |text: &str| text.contains("may be missing") || text.contains("will be missing");
            let is_on_record = self.backend.recoveries.iter().any(|recovery| {
                let steps = self.backend.steps.iter().filter(|step| step.recovery_uid == recovery.uid);
                recovery.is_successful
                    && is_of_cluster(&recovery.case.key)
                    && (recovery.errors.iter().any(|error| says_so(error))
                        || steps.into_iter().any(|step| says_so(&step.message)))
            });
            if lost > 0 && !is_on_record {
                let alias = &self.clusters[cluster].alias;
                self.violate(NAME, format!("{lost} writes of {alias} that a semi-sync replica had are gone"));
            }
        }
    }
}
