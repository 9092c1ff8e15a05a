//! The simulated world: servers, links between parties, clients, and the log of what happened.
//!
//! The world moves in ticks of virtual time. Within a tick everything happens in a fixed order, so that a seed gives
//! one history. Parties only see each other through [`World::sight`].

use std::collections::{BTreeMap, BTreeSet};

use model::InstanceKey;
use tokio::time::Instant;

use super::backend::Backend;
use super::clients::Writer;
use super::inject::Injection;
use super::invariants::Watcher;
use super::rng::Rng;
use super::server::{Power, SimServer};
use super::transactions::Transaction;

/// Somebody who sends packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Party {
    /// The orchestrator process.
    Orchestrator,
    /// A server by number.
    Server(usize),
    /// A client by number.
    Client(usize),
}

/// How a server looks from somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sight {
    /// It answers.
    Answers,
    /// Connections are refused, existing ones are reset.
    Refuses,
    /// New connections get error 1040; existing ones work.
    Full,
    /// Nothing comes back.
    Silent,
}

/// State of the orchestrator process as the world sees it.
#[derive(Clone, Debug, Default)]
pub(super) struct OrchestratorState {
    /// Number of processes started so far; the newest one is alive or not.
    pub(super) incarnation: u32,
    pub(super) is_alive: bool,
    /// Starts again at this time.
    pub(super) restart_at: Option<u64>,
    pub(super) holds_lease: bool,
    pub(super) is_noop: bool,
    /// Boots of servers to which a connection is kept.
    pub(super) kept: BTreeMap<usize, u32>,
}

/// How hooks end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HookMode {
    /// After so many milliseconds, well.
    Succeed(u64),
    /// With status 1.
    Fail,
    /// Only when their time is up.
    Hang,
}

/// A cluster as it was set up.
#[derive(Clone, Debug)]
pub(super) struct ClusterFacts {
    pub(super) alias: String,
    pub(super) first_primary: usize,
    pub(super) members: Vec<usize>,
}

/// Everything there is.
#[derive(Debug)]
pub(super) struct World {
    started: Instant,
    pub(super) rng: Rng,
    pub(super) servers: Vec<SimServer>,
    pub(super) clusters: Vec<ClusterFacts>,
    pub(super) writers: Vec<Writer>,
    pub(super) cuts: BTreeMap<(Party, Party), u32>,
    /// All transactions by number.
    pub(super) transactions: Vec<Transaction>,
    pub(super) backend: Backend,
    pub(super) orchestrator: OrchestratorState,
    pub(super) hooks: HookMode,
    pub(super) injection: Option<Injection>,
    pub(super) watcher: Watcher,
    /// How far the clock of the orchestrator's machine was set.
    pub(super) clock_offset_ms: i64,
    /// How long a poll interval is, for invariants that allow for it.
    pub(super) poll_ms: u64,
    story: Vec<String>,
}

/// Time between the request and the effect, and between the effect and the answer.
pub(super) const HOP_MS: u64 = 1;

impl World {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            started: Instant::now(),
            rng: Rng::new(seed),
            servers: Vec::new(),
            clusters: Vec::new(),
            writers: Vec::new(),
            cuts: BTreeMap::new(),
            transactions: Vec::new(),
            backend: Backend::default(),
            orchestrator: OrchestratorState { holds_lease: true, ..OrchestratorState::default() },
            hooks: HookMode::Succeed(5),
            injection: None,
            watcher: Watcher::default(),
            clock_offset_ms: 0,
            poll_ms: 1_000,
            story: Vec::new(),
        }
    }

    /// Milliseconds since the run began.
    pub(super) fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Adds a line to the story.
    pub(super) fn tell(&mut self, line: impl AsRef<str>) {
        let now = self.now();
        self.story.push(format!("{:>4}.{:03}  {}", now / 1_000, now % 1_000, line.as_ref()));
    }

    pub(super) fn story(&self) -> &[String] {
        &self.story
    }

    pub(super) fn find(&self, key: &InstanceKey) -> Option<usize> {
        self.servers.iter().position(|server| server.key == *key)
    }

    pub(super) fn name(&self, server: usize) -> &str {
        self.servers[server].key.hostname()
    }

    pub(super) fn cut(&mut self, a: Party, b: Party) {
        *self.cuts.entry((a.min(b), a.max(b))).or_insert(0) += 1;
    }

    pub(super) fn mend(&mut self, a: Party, b: Party) {
        let pair = (a.min(b), a.max(b));
        if let Some(count) = self.cuts.get_mut(&pair) {
            *count -= 1;
            if *count == 0 {
                self.cuts.remove(&pair);
            }
        }
    }

    /// How a server looks from a party.
    pub(super) fn sight(&self, from: Party, server: usize) -> Sight {
        let to = Party::Server(server);
        let target = &self.servers[server];
        if self.cuts.contains_key(&(from.min(to), from.max(to))) {
            return Sight::Silent;
        }
        match target.power {
            Power::Up if target.is_full => Sight::Full,
            Power::Up => Sight::Answers,
            Power::Down => Sight::Refuses,
            Power::Hung | Power::Off => Sight::Silent,
        }
    }

    /// Moves everything on by one tick.
    pub(super) fn tick(&mut self) {
        let now = self.now();
        self.run_writers(now);
        let count = self.servers.len();
        let first = if count == 0 { 0 } else { self.rng.index(count) };
        for at in 0..count {
            let server = (first + at) % count;
            if self.servers[server].is_up() {
                self.receive(server, now);
                self.apply(server, now);
            }
        }
        self.note_reachability(now);
    }

    fn note_reachability(&mut self, now: u64) {
        for server in 0..self.servers.len() {
            let is_reachable = self.sight(Party::Orchestrator, server) == Sight::Answers
                && self.servers[server].slow_ms < 200
                && self.orchestrator.is_alive;
            let since = &mut self.servers[server].reachable_since;
            *since = if is_reachable { since.or(Some(now)) } else { None };
        }
    }

    /// The server that clients of a cluster are sent to: what orchestrator published, else the first primary.
    pub(super) fn published(&self, cluster: usize) -> usize {
        let facts = &self.clusters[cluster];
        let path = format!("mysql/master/{}", facts.alias);
        self.backend
            .pairs
            .get(&path)
            .and_then(|text| InstanceKey::parse(text, 3306).ok())
            .and_then(|key| self.find(&key))
            .unwrap_or(facts.first_primary)
    }

    /// Servers that replicate from this one by configuration.
    pub(super) fn replicas_of(&self, key: &InstanceKey) -> Vec<usize> {
        self.servers
            .iter()
            .filter(|server| server.channel.source.as_ref() == Some(key))
            .map(|server| server.number)
            .collect()
    }

    /// Distinct parties, for faults.
    pub(super) fn parties(&self) -> BTreeSet<Party> {
        let servers = self.servers.iter().map(|server| Party::Server(server.number));
        let clients = self.writers.iter().map(|writer| Party::Client(writer.number));
        servers.chain(clients).chain([Party::Orchestrator]).collect()
    }
}
