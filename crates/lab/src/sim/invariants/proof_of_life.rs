//! A replica whose receiver is connected and receiving proves that its primary is alive: no failover begins.
//!
//! What orchestrator knows is as old as its last read, so the replica must have been receiving, and reachable, for
//! more than two poll intervals.

use model::{AnalysisCode, Case};

use super::super::world::World;

const NAME: &str = "proof of life";

impl World {
    pub(super) fn check_proof_of_life(&mut self, case: &Case) {
        use AnalysisCode::{
            DeadCoMaster, DeadCoMasterAndSomeReplicas, DeadMaster, DeadMasterAndSomeReplicas,
        };
        if !matches!(
            case.code,
            DeadMaster | DeadMasterAndSomeReplicas | DeadCoMaster | DeadCoMasterAndSomeReplicas
        ) {
            return;
        }
        let now = self.now();
        let needed = 2 * self.poll_ms + 1_500;
        let lasts = |since: Option<u64>| since.is_some_and(|since| now - since >= needed);
        let witness = self.replicas_of(&case.key).into_iter().find(|replica| {
            let replica = &self.servers[*replica];
            lasts(replica.receiving_since) && lasts(replica.reachable_since)
        });
        if let Some(witness) = witness {
            let text = format!(
                "{} is failed over while {} receives from it",
                case.key.hostname(),
                self.name(witness)
            );
            self.violate(NAME, text);
        }
    }
}
