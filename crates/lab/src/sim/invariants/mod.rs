//! What must hold in every simulated history, one file each.
//!
//! Most invariants are checked at the moment at which they could be broken: when orchestrator acts on a server or
//! writes a record. The rest is checked when the history has ended.

mod acknowledged;
mod anti_flapping;
mod completeness;
mod convergence;
mod known_facts;
mod lease;
mod living_primary;
mod no_panic;
mod noop;
mod proof_of_life;
mod read_only_primary;
mod single_writer;

pub use convergence::Degraded;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::{Case, Instance, InstanceKey};

use super::world::World;
use completeness::Promotion;

/// What invariants remember, and what they found.
#[derive(Debug, Default)]
pub(super) struct Watcher {
    /// Broken invariants, in order.
    pub(super) violations: Vec<String>,
    /// Steps of recoveries seen so far.
    pub(super) steps: u32,
    /// Panics of engine tasks, of all processes.
    pub(super) panics: u64,
    /// Blocked recoveries that are in the story already.
    pub(super) told_blocked: BTreeSet<(InstanceKey, i64)>,
    /// When the promotion under way, or the last one, began, by cluster.
    pub(super) promotion_began: BTreeMap<usize, u64>,
    promotions: Vec<Promotion>,
    known: BTreeMap<InstanceKey, Arc<Instance>>,
    /// How long a failover blocks the next one of its cluster.
    pub(super) block_ms: u64,
}

impl World {
    /// Notes a broken invariant, once.
    pub(super) fn violate(&mut self, invariant: &str, text: impl AsRef<str>) {
        let line = format!("{invariant}: {}", text.as_ref());
        if self.watcher.violations.contains(&line) {
            return;
        }
        self.tell(format!("VIOLATION {line}"));
        self.watcher.violations.push(line);
    }

    /// A recovery was registered.
    pub(super) fn check_registration(&mut self, uid: &str, case: &Case) {
        self.check_proof_of_life(case);
        self.check_anti_flapping(uid, case);
    }

    /// orchestrator opened a server that it had not closed itself.
    pub(super) fn note_opening(&mut self, server: usize) {
        self.check_single_writer(server);
        self.check_living_primary(server);
        self.note_promotion(server);
    }
}
