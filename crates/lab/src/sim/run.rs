//! Runs a scenario: the engine, unchanged, in a world whose clock is Tokio's paused one.

use std::sync::Arc;
use std::time::Duration;

use engine::{Engine, Identity, Ports};
use model::NodeIdentity;
use ports::{NoAgents, NoNames};
use settings::{LoadRequest, SearchPath, Settings};
use tokio::time::sleep;

use super::enumerated::StepCase;
use super::faults::Repair;
use super::inject::StepFault;
use super::invariants::Degraded;
use super::schedule::Scenario;
use super::server::SimFamily;
use super::servers::{Access, Shared};
use super::surroundings::{SimClock, SimHooks, SimLease, SimLog, SimStore};

/// How a history ended.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The seed, or the number of the enumerated step.
    pub seed: u64,
    /// What happened, line by line, with the time in front.
    pub story: Vec<String>,
    /// Broken invariants; empty when all hold.
    pub violations: Vec<String>,
    /// Degraded states in which servers ended, sorted.
    pub degraded: Vec<Degraded>,
    /// Steps of recoveries: actions on servers, and durable writes about recoveries.
    pub steps: u32,
    /// Recoveries begun.
    pub recoveries: usize,
    /// Servers promoted.
    pub promotions: usize,
    /// Writes acknowledged to clients.
    pub acknowledged: usize,
    /// Of those, the ones that a semi-sync replica had and the published primary does not have at the end, in clusters
    /// where no server lost commits, or its relay log, in a crash of its own.
    pub lost_semi_sync: usize,
    /// Virtual milliseconds that passed.
    pub lasted_ms: u64,
    /// The clusters ended as they began: nobody was promoted and nobody is degraded.
    pub is_start_state: bool,
}

const TICK: Duration = Duration::from_millis(10);
const SLOW_TICK: Duration = Duration::from_millis(50);
/// Longest healing phase: room for the block period and the minute task that ends it.
const HEALING_MS: u64 = 200_000;
/// Clients go on writing for so long after the healing.
const WRITES_GO_ON_MS: u64 = 5_000;
/// The world must stay at rest for so long.
const REST_MS: u64 = 3_000;

/// Runs the history of a seed.
pub fn run_seed(seed: u64) -> Outcome {
    run(seed, &Scenario::of_seed(seed))
}

/// Runs a history in which nothing happens that asks for a change. Any recovery in it is a mistake, and a violation.
pub fn run_benign(seed: u64) -> Outcome {
    let mut outcome = run(seed, &Scenario::benign(seed));
    if outcome.recoveries > 0 {
        outcome.violations.push(format!("{} recoveries, and nothing asked for one", outcome.recoveries));
    }
    outcome
}

/// Runs the death of a primary with one broken step; `None` breaks nothing and tells how many steps there are.
pub fn run_step(family: SimFamily, case: StepCase, broken: Option<(u32, StepFault)>) -> Outcome {
    let scenario = Scenario::of_step(family, case, broken);
    run(broken.map_or(0, |(step, _)| step.into()), &scenario)
}

fn run(seed: u64, scenario: &Scenario) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let Ok(runtime) = runtime else {
        return Outcome::impossible(seed, "no runtime could be built");
    };
    runtime.block_on(async {
        let mut run = match Run::new(seed, scenario) {
            Ok(run) => run,
            Err(reason) => return Outcome::impossible(seed, &reason),
        };
        run.play().await;
        run.outcome()
    })
}

struct Run<'a> {
    seed: u64,
    scenario: &'a Scenario,
    settings: Settings,
    shared: Arc<Shared>,
    process: Option<Engine>,
    repairs: Vec<(u64, Repair)>,
    next_fault: usize,
}

impl<'a> Run<'a> {
    fn new(seed: u64, scenario: &'a Scenario) -> Result<Self, String> {
        let settings = load_settings(&scenario.settings)?;
        let shared = Shared::new(scenario.build());
        Ok(Self { seed, scenario, settings, shared, process: None, repairs: Vec::new(), next_fault: 0 })
    }

    async fn play(&mut self) {
        self.start_process().await;
        while self.shared.world().now() < self.scenario.heal_at {
            sleep(TICK).await;
            self.step().await;
        }
        {
            let mut world = self.shared.world();
            world.heal();
            world.writers.iter_mut().for_each(|writer| writer.interval_ms = writer.interval_ms.max(500));
        }
        self.shared.changed.notify_waiters();
        self.repairs.clear();
        self.until_at_rest().await;
        self.stop_process().await;
        let mut world = self.shared.world();
        world.check_convergence();
        world.check_completeness();
        world.check_acknowledged();
        world.check_read_only_primaries();
    }

    async fn until_at_rest(&mut self) {
        let end = self.shared.world().now() + HEALING_MS;
        let mut at_rest_since = None;
        loop {
            sleep(SLOW_TICK).await;
            self.step().await;
            let mut world = self.shared.world();
            let now = world.now();
            let still_writes = now < self.scenario.heal_at + WRITES_GO_ON_MS;
            world.writers.iter_mut().for_each(|writer| writer.is_active = still_writes);
            if !still_writes && world.unrest(&mut Vec::new()).is_empty() && world.orchestrator.is_alive {
                if now - *at_rest_since.get_or_insert(now) >= REST_MS {
                    return;
                }
            } else {
                at_rest_since = None;
            }
            if now >= end {
                return;
            }
        }
    }

    /// One tick of the world and of what is done to it.
    async fn step(&mut self) {
        let restart = {
            let mut world = self.shared.world();
            let now = world.now();
            let mut changed = false;
            while let Some((at, fault)) = self.scenario.faults.get(self.next_fault)
                && *at <= now
                && now < self.scenario.heal_at
            {
                self.repairs.extend(world.break_it(*fault));
                self.next_fault += 1;
                changed = true;
            }
            let due: Vec<Repair> =
                self.repairs.iter().filter(|(at, _)| *at <= now).map(|(_, repair)| *repair).collect();
            self.repairs.retain(|(at, _)| *at > now);
            changed |= !due.is_empty();
            due.into_iter().for_each(|repair| world.repair(repair));
            world.tick();
            if let Some(engine) = &self.process {
                world.check_known_facts(&engine.fleet());
            }
            if changed {
                self.shared.changed.notify_waiters();
            }
            world.orchestrator.restart_at.is_some_and(|at| at <= now)
        };
        if !self.shared.world().orchestrator.is_alive && self.process.is_some() {
            self.stop_process().await;
        }
        if restart {
            self.start_process().await;
        }
    }

    /// A new orchestrator process. Its start may die with an injected fault, so it is not waited for for ever.
    async fn start_process(&mut self) {
        let incarnation = {
            let mut world = self.shared.world();
            world.orchestrator.incarnation += 1;
            world.orchestrator.is_alive = true;
            world.orchestrator.restart_at = None;
            world.orchestrator.kept.clear();
            let incarnation = world.orchestrator.incarnation;
            world.tell(format!("orchestrator starts (process {incarnation})"));
            incarnation
        };
        let engine = self.engine(incarnation);
        match engine.start().await {
            Ok(()) => self.process = Some(engine),
            Err(_) => {
                let mut world = self.shared.world();
                world.tell("orchestrator cannot start: the backend fails");
                world.crash_orchestrator(1_000);
            }
        }
    }

    fn engine(&self, incarnation: u32) -> Engine {
        let access = Access { shared: Arc::clone(&self.shared), incarnation };
        let ports = Ports {
            servers: Arc::new(access.clone()),
            agents: Arc::new(NoAgents),
            names: Arc::new(NoNames),
            store: Arc::new(SimStore(access.clone())),
            log: Arc::new(SimLog(access.clone())),
            hooks: Arc::new(SimHooks(access.clone())),
            published: Vec::new(),
            clock: Arc::new(SimClock(access.clone())),
            lease: Arc::new(SimLease(access)),
        };
        let identity = Identity {
            node: NodeIdentity { hostname: "orchestrator".to_owned(), token: format!("{incarnation:064x}") },
            version: "simulated".to_owned(),
            backend: "simulated".to_owned(),
            app: "http".to_owned(),
            maintenance_owner: "orchestrator".to_owned(),
            noop: self.scenario.is_noop,
        };
        Engine::new(ports, identity, self.settings.clone())
    }

    /// Drops a dead or finished process: its loops end, and what it was doing never returns.
    async fn stop_process(&mut self) {
        if let Some(engine) = self.process.take() {
            engine.supervisor().shut_down(Duration::ZERO).await;
            let panics = engine.supervisor().panics();
            let mut world = self.shared.world();
            world.orchestrator.is_alive = false;
            world.note_panics(panics);
        }
    }

    fn outcome(&self) -> Outcome {
        let world = self.shared.world();
        let mut degraded = Vec::new();
        world.unrest(&mut degraded);
        degraded.sort_unstable();
        degraded.dedup();
        let promotions = world.backend.recoveries.iter().filter(|recovery| recovery.is_successful).count();
        let lost_semi_sync = (0..world.clusters.len()).map(|cluster| world.lost_semi_sync(cluster)).sum();
        Outcome {
            seed: self.seed,
            story: world.story().to_vec(),
            violations: world.watcher.violations.clone(),
            is_start_state: promotions == 0 && degraded.is_empty(),
            degraded,
            steps: world.watcher.steps,
            recoveries: world.backend.recoveries.len(),
            promotions,
            acknowledged: world.writers.iter().map(|writer| writer.acknowledged.len()).sum(),
            lost_semi_sync,
            lasted_ms: world.now(),
        }
    }
}

impl Outcome {
    fn impossible(seed: u64, reason: &str) -> Self {
        Self {
            seed,
            story: Vec::new(),
            violations: vec![format!("the simulation cannot run: {reason}")],
            degraded: Vec::new(),
            steps: 0,
            recoveries: 0,
            promotions: 0,
            acknowledged: 0,
            lost_semi_sync: 0,
            lasted_ms: 0,
            is_start_state: false,
        }
    }

    /// The story as one text.
    pub fn to_text(&self) -> String {
        let mut text = self.story.join("\n");
        text.push_str(&format!(
            "\n\n{} writes acknowledged, {} acknowledged by semi-sync and lost; {} promotions; degraded: {:?}\n",
            self.acknowledged, self.lost_semi_sync, self.promotions, self.degraded
        ));
        for violation in &self.violations {
            text.push_str(&format!("VIOLATION {violation}\n"));
        }
        text
    }
}

fn load_settings(text: &str) -> Result<Settings, String> {
    let text = text.to_owned();
    let read_file = move |_: &std::path::Path| Ok(text.clone());
    let request = LoadRequest {
        explicit_file: Some("simulation.conf.json".into()),
        extra_file: None,
        search: SearchPath { files: Vec::new(), drop_in_directory: None },
        environment: &|_| None,
        read_file: &read_file,
        list_directory: &|_| Ok(Vec::new()),
        readable_by_others: &|_| false,
    };
    Settings::load(request).map(|loaded| loaded.settings).map_err(|errors| errors.to_string())
}
