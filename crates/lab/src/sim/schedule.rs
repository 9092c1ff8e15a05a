//! From a seed to a scenario: clusters, settings, clients, and which faults happen when.

use model::{InstanceKey, PromotionRule};
use serde_json::json;

use super::clients::Writer;
use super::faults::Fault;
use super::inject::StepFault;
use super::rng::Rng;
use super::server::{Nature, SemiSyncState, SimFamily, SimServer};
use super::world::{ClusterFacts, HookMode, Party, World};

/// What a run does.
#[derive(Clone, Debug)]
pub(super) struct Scenario {
    /// Seed of the world's own chances.
    pub(super) seed: u64,
    pub(super) clusters: Vec<ClusterShape>,
    pub(super) poll_seconds: u64,
    pub(super) block_seconds: u64,
    /// The orchestrator's settings, as a configuration file.
    pub(super) settings: String,
    pub(super) hooks: HookMode,
    pub(super) is_noop: bool,
    /// When which fault happens, ascending.
    pub(super) faults: Vec<(u64, Fault)>,
    pub(super) heal_at: u64,
}

/// One cluster.
#[derive(Clone, Debug)]
pub(super) struct ClusterShape {
    pub(super) servers: Vec<ServerShape>,
    /// Interval between writes, and whether the user may write on read-only servers.
    pub(super) writers: Vec<(u64, bool)>,
}

/// One server; the first of a cluster is its primary.
#[derive(Clone, Debug)]
pub(super) struct ServerShape {
    /// Index in the cluster; `None` for the primary.
    pub(super) source: Option<usize>,
    pub(super) nature: Nature,
    pub(super) semi_sync: SemiSyncState,
}

/// Last moment at which a fault begins, after the settling time.
pub(super) const FAULT_SPAN_MS: u64 = 15_000;
/// From there to the healing.
const REST_MS: u64 = 10_000;

impl Scenario {
    /// The scenario of a seed.
    pub(super) fn of_seed(seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let total = usize::try_from(rng.within(1, 6)).unwrap_or(1);
        let first = if total > 2 && rng.percent(30) { rng.index(total - 1) + 1 } else { total };
        let sizes = [first, total - first];
        let clusters: Vec<ClusterShape> =
            sizes.iter().filter(|size| **size > 0).map(|size| cluster(&mut rng, *size)).collect();
        let poll_seconds = rng.pick(&[1, 1, 2, 5]);
        let block_seconds = rng.pick(&[3_600, 3_600, 20]);
        let has_hooks = rng.percent(30);
        let hooks = match rng.within(0, 9) {
            0 => HookMode::Fail,
            1 => HookMode::Hang,
            _ => HookMode::Succeed(rng.within(1, 800)),
        };
        let settings = settings(&mut rng, &clusters, poll_seconds, block_seconds, has_hooks);
        let begin = poll_seconds * 3_000 + 2_000;
        let mut scenario = Self {
            seed: rng.next(),
            clusters,
            poll_seconds,
            block_seconds,
            settings,
            hooks,
            is_noop: rng.percent(2),
            faults: Vec::new(),
            heal_at: begin + FAULT_SPAN_MS + REST_MS,
        };
        if rng.percent(50) {
            scenario.faults = scenario.story(&mut rng, begin);
        }
        let count = if scenario.faults.is_empty() { rng.within(1, 4) } else { rng.within(0, 2) };
        for _ in 0..count {
            let at = begin + rng.within(0, FAULT_SPAN_MS);
            let fault = scenario.fault(&mut rng);
            scenario.faults.push((at, fault));
        }
        scenario.faults.sort_by_key(|(at, _)| *at);
        scenario
    }

    /// Replaces the clusters by one or two of that many servers together.
    pub(super) fn enlarge(&mut self, rng: &mut Rng, size: usize) {
        let sizes = if rng.percent(50) { vec![size] } else { vec![size / 2, size - size / 2] };
        self.clusters = sizes.into_iter().map(|size| cluster(rng, size)).collect();
        self.settings = settings(rng, &self.clusters, self.poll_seconds, self.block_seconds, false);
    }

    /// Numbers of the servers of a cluster, its primary first.
    pub(super) fn members(&self, cluster: usize) -> std::ops::Range<usize> {
        let first: usize = self.clusters[..cluster].iter().map(|shape| shape.servers.len()).sum();
        first..first + self.clusters[cluster].servers.len()
    }

    pub(super) fn count(&self) -> usize {
        self.clusters.iter().map(|cluster| cluster.servers.len()).sum()
    }

    /// Numbers of the first primaries.
    pub(super) fn primaries(&self) -> Vec<usize> {
        (0..self.clusters.len()).map(|cluster| self.members(cluster).start).collect()
    }

    fn fault(&self, rng: &mut Rng) -> Fault {
        let primary = rng.pick(&self.primaries());
        let any = rng.index(self.count());
        let server = if rng.percent(65) { primary } else { any };
        let lasts = rng.within(200, 20_000);
        let tail = if rng.percent(25) { usize::try_from(rng.within(1, 4)).unwrap_or(1) } else { 0 };
        match rng.within(0, 99) {
            0..=29 => {
                let restart_after = rng.percent(40).then(|| rng.within(100, 15_000));
                let is_lost_already =
                    self.faults.iter().any(|(_, fault)| matches!(fault, Fault::Kill { for_good: true, .. }));
                let for_good = rng.percent(35) && !is_lost_already;
                Fault::Kill { server, tail, restart_after, for_good }
            }
            30..=34 => Fault::PowerOff { server, tail },
            35..=44 => Fault::Hang { server, lasts },
            45..=56 => {
                let clients = self.clusters.iter().map(|shape| shape.writers.len()).sum();
                let client = Party::Client(rng.index(clients));
                let parties = [Party::Orchestrator, Party::Server(rng.index(self.count())), client];
                let other = rng.pick(&parties);
                let b = Party::Server(server);
                let a = if other == b { Party::Orchestrator } else { other };
                Fault::Cut { a, b, lasts }
            }
            57..=62 => Fault::Isolate { server, lasts },
            63..=66 => Fault::Slow { server, extra: rng.within(100, 2_500), lasts },
            67..=69 => Fault::Full { server, lasts },
            70..=76 => Fault::CrashOrchestrator { restart_after: rng.within(200, 5_000) },
            77..=92 => Fault::BreakStep {
                in_steps: u32::try_from(rng.within(1, 40)).unwrap_or(1),
                fault: rng.pick(&StepFault::ALL),
                restart_after: rng.within(200, 5_000),
            },
            93..=95 => Fault::LoseLease { lasts },
            96 => Fault::Hooks { mode: rng.pick(&[HookMode::Fail, HookMode::Hang]), lasts },
            _ => Fault::BackendDown { lasts: lasts.min(8_000) },
        }
    }

    /// Puts everything in its place.
    pub(super) fn build(&self) -> World {
        let mut world = World::new(self.seed);
        world.poll_ms = self.poll_seconds * 1_000;
        world.watcher.block_ms = self.block_seconds * 1_000;
        world.hooks = self.hooks;
        world.orchestrator.is_noop = self.is_noop;
        for (cluster, shape) in self.clusters.iter().enumerate() {
            let first = world.servers.len();
            for (at, server) in shape.servers.iter().enumerate() {
                let number = first + at;
                let source = server.source.map(|source| key(cluster, source));
                let (nature, semi_sync) = (server.nature.clone(), server.semi_sync.clone());
                world.servers.push(SimServer::new(
                    number,
                    cluster,
                    key(cluster, at),
                    nature,
                    source,
                    semi_sync,
                ));
            }
            let members = (first..world.servers.len()).collect();
            world.clusters.push(ClusterFacts { alias: alias(cluster), first_primary: first, members });
            for (interval, is_privileged) in &shape.writers {
                let number = world.writers.len();
                world.writers.push(Writer::new(number, cluster, *interval, *is_privileged));
            }
        }
        for (at, shape) in self.clusters.iter().enumerate() {
            let line = describe(at, shape);
            world.tell(line);
        }
        world
    }
}

fn key(cluster: usize, at: usize) -> InstanceKey {
    let letter = char::from(b'a' + u8::try_from(at).unwrap_or(25));
    InstanceKey::new(format!("{}{letter}", alias(cluster)), 3306)
}

fn alias(cluster: usize) -> String {
    format!("c{}", cluster + 1)
}

fn describe(cluster: usize, shape: &ClusterShape) -> String {
    let mut parts = Vec::new();
    for (at, server) in shape.servers.iter().enumerate() {
        let nature = &server.nature;
        let mut text = key(cluster, at).hostname().to_owned();
        if let Some(source) = server.source {
            text.push_str(&format!(" <- {}", key(cluster, source).hostname()));
        }
        if nature.delay_seconds > 0 {
            text.push_str(&format!(" delay={}s", nature.delay_seconds));
        }
        if nature.apply_ms > 100 {
            text.push_str(&format!(" apply={}ms", nature.apply_ms));
        }
        if !nature.logs_updates {
            text.push_str(" logs no updates");
        }
        if nature.rule != PromotionRule::Neutral {
            text.push_str(&format!(" {}", nature.rule));
        }
        parts.push(text);
    }
    let first = &shape.servers[0];
    let semi_sync = if first.semi_sync.primary_enabled {
        format!(", semi-sync {} of {} ms", first.semi_sync.wait_for, first.semi_sync.timeout_ms)
    } else {
        String::new()
    };
    format!("{:?} {}{semi_sync}: {}", first.nature.family, first.nature.version, parts.join(", "))
}

fn cluster(rng: &mut Rng, size: usize) -> ClusterShape {
    let family = if rng.percent(50) { SimFamily::MySql } else { SimFamily::MariaDb };
    let has_semi_sync = rng.percent(40);
    let timeout_ms = rng.pick(&[500, 1_000, 10_000, 1_000_000]);
    let net_timeout_ms = rng.pick(&[4_000, 4_000, 10_000, 60_000]);
    let connect_retry_ms = rng.pick(&[1_000, 1_000, 2_000, 5_000]);
    let starts_read_only = rng.percent(50);
    let wait_for = if family == SimFamily::MySql && size > 2 { rng.pick(&[1, 1, 2]) } else { 1 };
    let servers = (0..size)
        .map(|at| {
            let is_primary = at == 0;
            let source =
                (!is_primary).then(|| if at > 1 && rng.percent(20) { rng.index(at - 1) + 1 } else { 0 });
            ServerShape {
                source,
                nature: nature(
                    rng,
                    family,
                    starts_read_only,
                    has_semi_sync,
                    net_timeout_ms,
                    connect_retry_ms,
                    is_primary,
                ),
                semi_sync: SemiSyncState {
                    primary_enabled: has_semi_sync && is_primary,
                    replica_enabled: has_semi_sync && !is_primary,
                    timeout_ms,
                    wait_for,
                    active: has_semi_sync && is_primary,
                },
            }
        })
        .collect();
    let writers = (0..rng.within(1, 2)).map(|_| (rng.within(20, 150), rng.percent(15))).collect();
    let mut shape = ClusterShape { servers, writers };
    require_logging_sources(&mut shape);
    shape
}

fn nature(
    rng: &mut Rng,
    family: SimFamily,
    starts_read_only: bool,
    semi_sync_installed: bool,
    net_timeout_ms: u64,
    connect_retry_ms: u64,
    is_primary: bool,
) -> Nature {
    let rules = [
        PromotionRule::Neutral,
        PromotionRule::Neutral,
        PromotionRule::Neutral,
        PromotionRule::Prefer,
        PromotionRule::PreferNot,
        PromotionRule::MustNot,
    ];
    Nature {
        family,
        version: if family == SimFamily::MySql { "8.4.6" } else { "11.8.3-MariaDB" },
        starts_read_only,
        logs_updates: is_primary || rng.percent(92),
        loses_relay_log: rng.percent(50),
        connect_retry_ms,
        net_timeout_ms,
        heartbeat_ms: net_timeout_ms / 2,
        apply_ms: rng.pick(&[0, 0, 0, 300, 2_500]),
        delay_seconds: if !is_primary && rng.percent(7) { 30 } else { 0 },
        rule: rng.pick(&rules),
        semi_sync_installed,
    }
}

/// Whoever has replicas logs what it applies and applies at once.
fn require_logging_sources(shape: &mut ClusterShape) {
    let sources: Vec<usize> = shape.servers.iter().filter_map(|server| server.source).collect();
    for source in sources {
        shape.servers[source].nature.logs_updates = true;
        shape.servers[source].nature.delay_seconds = 0;
    }
}

fn settings(
    rng: &mut Rng,
    clusters: &[ClusterShape],
    poll_seconds: u64,
    block_seconds: u64,
    has_hooks: bool,
) -> String {
    let seeds: Vec<String> = (0..clusters.len()).map(|cluster| format!("{}", key(cluster, 0))).collect();
    let hooks: Vec<&str> = if has_hooks { vec!["hook"] } else { Vec::new() };
    let alternatives = rng.within(0, 9);
    json!({
        "DiscoverySeeds": seeds,
        "InstancePollSeconds": poll_seconds,
        "RecoverMasterClusterFilters": ["*"],
        "RecoveryPeriodBlockSeconds": block_seconds,
        "FailMasterPromotionIfSQLThreadNotUpToDate": alternatives == 0,
        "DelayMasterPromotionIfSQLThreadNotUpToDate": alternatives == 1,
        "DetachLostReplicasAfterMasterFailover": alternatives != 2,
        "UseSuperReadOnly": rng.percent(30),
        "PreventMasterFailoverOnPossibleSemiSyncLoss": rng.percent(75),
        "OnFailureDetectionProcesses": hooks,
        "PreFailoverProcesses": hooks,
        "PostFailoverProcesses": hooks,
        "PostMasterFailoverProcesses": hooks,
        "PostUnsuccessfulFailoverProcesses": hooks,
    })
    .to_string()
}
