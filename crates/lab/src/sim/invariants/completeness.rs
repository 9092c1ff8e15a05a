//! A promoted server has every transaction that any reachable replica of the failed one has received, or the record of
//! the recovery says which it lacks.
//!
//! Semi-sync acknowledges what is in a relay log, so this covers what any reachable server acknowledged. A replica
//! counts when orchestrator could reach it without hindrance from [`MARGIN_MS`] before the recovery began.

use super::super::world::World;

const MARGIN_MS: u64 = 500;
const NAME: &str = "completeness";

/// A server that was opened without something that a reachable replica has.
#[derive(Clone, Debug)]
pub(super) struct Promotion {
    uid: String,
    opened: usize,
    holder: usize,
    missing: Vec<u32>,
}

impl World {
    pub(super) fn note_promotion(&mut self, opened: usize) {
        let now = self.now();
        let cluster = self.servers[opened].cluster;
        let recovery = self.backend.recoveries.iter().rev().find(|recovery| {
            recovery.end.is_none()
                && self.clusters[cluster].members.iter().any(|m| self.servers[*m].key == recovery.case.key)
        });
        let Some(recovery) = recovery else {
            let text = format!("{} is opened without a recovery on record", self.name(opened));
            return self.violate(NAME, text);
        };
        if recovery.case.key == self.servers[opened].key {
            // Nobody was promoted: the old primary came back, read-only by its configuration, and is opened again.
            return;
        }
        let (uid, replicas) = (recovery.uid.clone(), recovery.case.replicas.clone());
        let age = super::super::surroundings::timestamp(now).saturating_since(recovery.start);
        let age_ms = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
        let executed = self.servers[opened].executed.clone();
        let promotions: Vec<Promotion> = self.clusters[cluster]
            .members
            .iter()
            .map(|member| &self.servers[*member])
            .filter(|holder| holder.number != opened && replicas.contains(&holder.key))
            .filter(|holder| holder.reachable_since.is_some_and(|since| now - since >= age_ms + MARGIN_MS))
            .map(|holder| Promotion {
                uid: uid.clone(),
                opened,
                holder: holder.number,
                missing: holder.holdings().beyond(&executed),
            })
            .filter(|promotion| !promotion.missing.is_empty())
            .collect();
        self.watcher.promotions.extend(promotions);
    }

    /// At the end, when every record is written.
    pub(in super::super) fn check_completeness(&mut self) {
        for promotion in std::mem::take(&mut self.watcher.promotions) {
            let holder = self.servers[promotion.holder].key.clone();
            let in_steps = self.backend.steps.iter().any(|step| {
                step.recovery_uid == promotion.uid
                    && step.message.contains(holder.hostname())
                    && (step.message.contains("will be missing") || step.message.contains("is lost"))
            });
            let in_record =
                self.backend.recoveries.iter().any(|recovery| {
                    recovery.uid == promotion.uid && recovery.lost_replicas.contains(&holder)
                });
            if !in_steps && !in_record {
                let text = format!(
                    "{} was opened without {} transactions that {} has, and the record does not say so",
                    self.name(promotion.opened),
                    promotion.missing.len(),
                    holder.hostname()
                );
                self.violate(NAME, text);
            }
        }
    }
}
