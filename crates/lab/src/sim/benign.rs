//! Histories in which nothing asks for a change: whatever orchestrator replaces or recovers in one is a mistake.

use super::faults::Fault;
use super::rng::Rng;
use super::schedule::{FAULT_SPAN_MS, Scenario};
use super::world::Party;

/// Keeps the chances of what is benign apart from those of the clusters.
const BENIGN: u64 = 0x5eed_0fbe_a100;
/// In so many of a hundred histories a larger fleet loses a fifth of its servers.
const LOSSES: u64 = 15;
/// Servers of such a fleet.
const FLEET: (u64, u64) = (10, 20);
/// Longest additional delay of half an answer that a check still waits for: `ReasonableInstanceCheckSeconds` is 1.
const SLOW_MAX_MS: u64 = 450;
/// The clock of the orchestrator is set by at most so much.
const HOUR_MS: i64 = 3_600_000;

impl Scenario {
    /// The benign scenario of a seed.
    pub(super) fn benign(seed: u64) -> Self {
        let mut rng = Rng::new(seed ^ BENIGN);
        let mut scenario = Self::of_seed(seed);
        let begin = scenario.poll_seconds * 3_000 + 2_000;
        let mut faults = Vec::new();
        if rng.percent(LOSSES) {
            let size = usize::try_from(rng.within(FLEET.0, FLEET.1)).unwrap_or(10);
            scenario.enlarge(&mut rng, size);
            faults = scenario.losses(&mut rng, begin);
        }
        let is_hidden = rng.percent(60);
        for _ in 0..rng.within(1, 6) {
            let at = begin + rng.within(0, FAULT_SPAN_MS);
            faults.extend(scenario.benign_fault(&mut rng, is_hidden).into_iter().map(|fault| (at, fault)));
        }
        faults.sort_by_key(|(at, _)| *at);
        scenario.faults = faults;
        scenario
    }

    /// A fifth of the fleet dies within a second and stays dead until the healing, replicas all of them.
    fn losses(&self, rng: &mut Rng, begin: u64) -> Vec<(u64, Fault)> {
        let mut leaves = self.leaves();
        let at = begin + rng.within(0, FAULT_SPAN_MS);
        let mut faults = Vec::new();
        while faults.len() < self.count() / 5 && !leaves.is_empty() {
            let server = leaves.swap_remove(rng.index(leaves.len()));
            let kill = Fault::Kill { server, tail: 0, restart_after: None, for_good: false };
            faults.push((at + rng.within(0, 1_000), kill));
        }
        faults
    }

    /// One kind of trouble; some of them meet several servers at once. Primaries are hidden from the orchestrator, or do not
    /// answer in time, or have no connection left, but not the last together with one of the others: whom neither we nor a
    /// replica gets through to counts as dead on purpose.
    fn benign_fault(&self, rng: &mut Rng, is_hidden: bool) -> Vec<Fault> {
        let primary = rng.pick(&self.primaries());
        let any = rng.index(self.count());
        let leaves = self.leaves();
        let lasts = rng.within(200, 20_000);
        let leaf = (!leaves.is_empty()).then(|| rng.pick(&leaves));
        let replicas: Vec<usize> =
            (0..self.count()).filter(|server| !self.primaries().contains(server)).collect();
        let replica = if replicas.is_empty() { any } else { rng.pick(&replicas) };
        match (rng.within(0, 99), leaf) {
            // Dies, or is restarted.
            (0..=17, Some(server)) => {
                let restart_after = rng.percent(70).then(|| rng.within(100, 15_000));
                vec![Fault::Kill { server, tail: 0, restart_after, for_good: false }]
            }
            (18..=24, Some(server)) => vec![Fault::Hang { server, lasts }],
            (0..=34, _) => vec![Fault::Slow { server: any, extra: rng.within(50, SLOW_MAX_MS), lasts }],
            // Slower than a check may be, but not than a read may be.
            (35..=39, _) if is_hidden => {
                vec![Fault::Slow { server: primary, extra: rng.within(500, 2_000), lasts }]
            }
            (35..=47, _) => self.spike(rng, lasts),
            (48..=55, _) => vec![Fault::ReadLock { server: replica, lasts }],
            (56..=58, _) => vec![Fault::ReadLock { server: primary, lasts: lasts.min(5_000) }],
            (59..=66, _) => self.long_transaction(rng, replica, lasts),
            (67..=74, _) => {
                vec![Fault::StepClock { by_ms: if rng.percent(50) { HOUR_MS } else { -HOUR_MS } }]
            }
            (75..=88, _) if is_hidden => {
                vec![Fault::Cut { a: Party::Orchestrator, b: Party::Server(primary), lasts }]
            }
            (75..=88, _) => vec![Fault::Full { server: primary, lasts }],
            (89..=92, _) => vec![Fault::BackendDown { lasts: lasts.min(8_000) }],
            (93..=96, _) => vec![Fault::LoseLease { lasts }],
            _ => vec![Fault::CrashOrchestrator { restart_after: rng.within(200, 5_000) }],
        }
    }

    /// Clients of one cluster write far more than usual; its servers answer slowly, and its replicas fall behind.
    fn spike(&self, rng: &mut Rng, lasts: u64) -> Vec<Fault> {
        let cluster = rng.index(self.clusters.len());
        let members = self.members(cluster);
        let slow =
            members.clone().map(|server| Fault::Slow { server, extra: rng.within(20, SLOW_MAX_MS), lasts });
        let mut faults: Vec<Fault> = slow.collect();
        faults.extend(members.skip(1).map(|server| Fault::Lag { server, behind: rng.within(500, 12_000) }));
        faults.push(Fault::Rush { cluster, times: rng.within(2, 8), lasts });
        faults
    }

    /// The applier of a replica, or of all replicas of its cluster, is busy with one transaction.
    fn long_transaction(&self, rng: &mut Rng, replica: usize, lasts: u64) -> Vec<Fault> {
        if rng.percent(50) {
            return vec![Fault::LongTransaction { server: replica, lasts }];
        }
        let cluster = rng.index(self.clusters.len());
        self.members(cluster).skip(1).map(|server| Fault::LongTransaction { server, lasts }).collect()
    }

    /// Numbers of replicas that nobody replicates from, in clusters where another one is left.
    fn leaves(&self) -> Vec<usize> {
        let mut found = Vec::new();
        for (number, cluster) in self.clusters.iter().enumerate() {
            let first = self.members(number).start;
            let is_source = |index: usize| cluster.servers.iter().any(|server| server.source == Some(index));
            let below_primary = cluster.servers.iter().filter(|server| server.source == Some(0)).count();
            let is_spare = |index: usize| cluster.servers[index].source != Some(0) || below_primary > 1;
            // The first replica of a cluster always stays: somebody has to hear the primary.
            let leaves = (2..cluster.servers.len()).filter(|index| !is_source(*index) && is_spare(*index));
            found.extend(leaves.map(|index| first + index));
        }
        found
    }
}
