//! The engine: one owner of the fleet in memory, and the ports it acts through.
//!
//! Everything else in this crate is `impl Engine` by topic, or a loop that holds an [`Engine`]. Locks are short and
//! never held across an await.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use arc_swap::ArcSwap;
use model::{Fleet, InstanceKey, NodeIdentity, Timestamp};
use ports::{
    Agents, Clock, CommandLog, Deadline, HookRunner, InstanceWrite, Lease, Names, PublishedStore, Servers,
    Store, StoreError,
};
use settings::Settings;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::bookkeeping::Reload;
use crate::compiled::Compiled;
use crate::dead::DeadServers;
use crate::detection_state::DetectionState;
use crate::discovery::Stillness;
use crate::metrics::Metrics;
use crate::publication::Published;
use crate::queue::CoalescingQueue;
use crate::receiver_test::TestedSources;
use crate::recovery::{Held, LateFence, LeftBehind, PendingRelease};
use crate::samples::Samples;
use crate::step_log::StepLog;
use crate::supervisor::Supervisor;
use crate::throttle::Throttle;
use crate::unresolve::Unresolve;

/// Agents that registered and wait to be asked. Those beyond are asked when the backend says that they were not for long.
const AGENTS_WAITING_MAX: usize = 4096;

/// Everything outside that the engine acts through.
#[derive(Clone)]
pub struct Ports {
    /// Observed servers.
    pub servers: Arc<dyn Servers>,
    /// Agents on the hosts of servers.
    pub agents: Arc<dyn Agents>,
    /// Host names.
    pub names: Arc<dyn Names>,
    /// The backend.
    pub store: Arc<dyn Store>,
    /// Durable changes.
    pub log: Arc<dyn CommandLog>,
    /// The operator's commands.
    pub hooks: Arc<dyn HookRunner>,
    /// Key-value stores outside, in the order in which they are shown.
    pub published: Vec<Arc<dyn PublishedStore>>,
    /// Wall-clock time.
    pub clock: Arc<dyn Clock>,
    /// The right to act.
    pub lease: Arc<dyn Lease>,
}

/// Who the engine acts for and as.
#[derive(Clone, Debug)]
pub struct Identity {
    /// This process.
    pub node: NodeIdentity,
    /// Version text of the program.
    pub version: String,
    /// The backend in words, for the node registry.
    pub backend: String,
    /// `http` or `cli`.
    pub app: String,
    /// Owner written into downtime and maintenance made by the engine itself.
    pub maintenance_owner: String,
    /// Operator asked for no hooks and no changes (`--noop`).
    pub noop: bool,
}

/// The engine. Cheap to clone; all clones are the same engine.
#[derive(Clone)]
pub struct Engine {
    pub(crate) inner: Arc<Inner>,
    /// What is done through this clone was asked for by a person.
    for_operator: bool,
}

pub(crate) struct Inner {
    pub(crate) ports: Ports,
    pub(crate) identity: Identity,
    settings: ArcSwap<Settings>,
    compiled: ArcSwap<Compiled>,
    fleet: RwLock<Fleet>,
    pub(crate) metrics: Metrics,
    pub(crate) samples: Samples,
    pub(crate) supervisor: Supervisor,
    pub(crate) started: Instant,
    /// Servers whose analysis should be redone at once.
    pub(crate) analysis_requests: CoalescingQueue<InstanceKey>,
    /// Servers to read as soon as a slot is free.
    pub(crate) read_requests: CoalescingQueue<InstanceKey>,
    /// Servers read for the first time, whoever asked for it: they are polled from then on.
    pub(crate) newcomers: CoalescingQueue<InstanceKey>,
    pub(crate) detection: DetectionState,
    pub(crate) dead: DeadServers,
    /// Since when receivers and appliers stand still.
    pub(crate) stillness: Stillness,
    pub(crate) emergency_reads: Throttle,
    /// Reads of the replicas of a server whose answer is late.
    pub(crate) early_looks: Throttle,
    /// Reads of the siblings of a replica in trouble, per source.
    pub(crate) sibling_looks: Throttle,
    pub(crate) emergency_restarts: Throttle,
    pub(crate) emergency_set_restarts: Throttle,
    pub(crate) grace: Throttle,
    /// Sources whose replicas are being let to reconnect.
    pub(crate) tested_sources: TestedSources,
    /// Repairs that promote nobody, per server.
    pub(crate) repairs: Throttle,
    /// Forgotten servers must not come back from a read that was under way.
    pub(crate) forgotten: Mutex<BTreeMap<InstanceKey, Instant>>,
    pub(crate) pending_writes: Mutex<BTreeMap<InstanceKey, InstanceWrite>>,
    /// Servers whose rows others changed, and when that was seen: reads begun before are not written.
    pub(crate) changed_by_others: Mutex<BTreeMap<InstanceKey, Instant>>,
    /// Something happened to a server whose row waits to be written.
    pub(crate) unwritten_news: Notify,
    /// Servers are read again and again: set when the loop begins.
    pub(crate) is_polling: AtomicBool,
    /// Clusters being recovered or taken over: cluster name to operation.
    pub(crate) cluster_locks: Mutex<BTreeMap<String, Held>>,
    /// Recoveries that promoted nobody and have something left to give back, by failed server.
    pub(crate) pending_releases: Mutex<BTreeMap<InstanceKey, PendingRelease>>,
    /// Replicas to be taken care of when they can be read again.
    pub(crate) left_behind: Mutex<BTreeMap<InstanceKey, LeftBehind>>,
    /// Former primaries to be made read-only when they answer.
    pub(crate) late_fences: Mutex<BTreeMap<InstanceKey, LateFence>>,
    /// Refused recoveries that were told of a moment ago.
    pub(crate) told_refusals: Throttle,
    /// Steps of recoveries on their way to the backend.
    pub(crate) steps: StepLog,
    /// When this process last entered the registry of nodes; `None` when the last attempt failed.
    pub(crate) registered: Mutex<Option<Instant>>,
    /// State of the backend, by what others changed, that was taken over last. Held while that is done.
    pub(crate) backend_version: tokio::sync::Mutex<Option<u64>>,
    /// Hosts whose agent registered and was not asked since.
    pub(crate) registered_agents: CoalescingQueue<String>,
    /// What others were told about primaries.
    pub(crate) published: Published,
    /// What is done with virtual names.
    pub(crate) unresolve: OnceLock<Unresolve>,
    /// Reads the configuration again.
    pub(crate) reload: OnceLock<Reload>,
}

impl Engine {
    /// An engine with an empty fleet; call [`Engine::load`] before deciding anything.
    pub fn new(ports: Ports, identity: Identity, settings: Settings) -> Self {
        let compiled = Compiled::from_settings(&settings);
        let queue_capacity = settings.discovery.queue_capacity as usize;
        Self {
            inner: Arc::new(Inner {
                published: Published::to(&ports.published),
                ports,
                identity,
                compiled: ArcSwap::from_pointee(compiled),
                settings: ArcSwap::from_pointee(settings),
                fleet: RwLock::new(Fleet::default()),
                metrics: Metrics::default(),
                samples: Samples::default(),
                supervisor: Supervisor::new(),
                started: Instant::now(),
                analysis_requests: CoalescingQueue::new(queue_capacity),
                read_requests: CoalescingQueue::new(queue_capacity),
                newcomers: CoalescingQueue::new(queue_capacity),
                detection: DetectionState::default(),
                dead: DeadServers::default(),
                stillness: Stillness::default(),
                emergency_reads: Throttle::new(Duration::from_secs(1)),
                early_looks: Throttle::new(Duration::from_secs(1)),
                sibling_looks: Throttle::new(Duration::from_millis(250)),
                emergency_restarts: Throttle::new(Duration::from_secs(30)),
                emergency_set_restarts: Throttle::new(Duration::from_secs(30)),
                grace: Throttle::new(Duration::from_secs(5)),
                tested_sources: TestedSources::default(),
                repairs: Throttle::new(Duration::from_secs(24 * 3600)),
                forgotten: Mutex::default(),
                changed_by_others: Mutex::default(),
                pending_writes: Mutex::default(),
                unwritten_news: Notify::new(),
                is_polling: AtomicBool::new(false),
                cluster_locks: Mutex::default(),
                pending_releases: Mutex::default(),
                left_behind: Mutex::default(),
                late_fences: Mutex::default(),
                told_refusals: Throttle::new(Duration::from_secs(60)),
                steps: StepLog::default(),
                registered: Mutex::default(),
                backend_version: tokio::sync::Mutex::default(),
                registered_agents: CoalescingQueue::new(AGENTS_WAITING_MAX),
                unresolve: OnceLock::new(),
                reload: OnceLock::new(),
            }),
            for_operator: false,
        }
    }

    /// Replaces the fleet by what the backend holds.
    ///
    /// # Errors
    /// The backend could not be read; the fleet stays as it was.
    pub async fn load(&self) -> Result<(), StoreError> {
        let loaded = self.inner.ports.store.load_fleet().await?;
        *self.fleet_mut() = loaded;
        self.load_snapshots().await
    }

    /// The settings in force.
    pub fn settings(&self) -> Arc<Settings> {
        self.inner.settings.load_full()
    }

    /// Compiled patterns and policies of the settings in force.
    pub(crate) fn compiled(&self) -> Arc<Compiled> {
        self.inner.compiled.load_full()
    }

    /// Puts new settings in force (reload).
    pub fn replace_settings(&self, settings: Settings) {
        self.inner.compiled.store(Arc::new(Compiled::from_settings(&settings)));
        self.inner.settings.store(Arc::new(settings));
    }

    /// Read access to the fleet. Hold it briefly and never across an await.
    pub fn fleet(&self) -> RwLockReadGuard<'_, Fleet> {
        self.inner.fleet.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn fleet_mut(&self) -> RwLockWriteGuard<'_, Fleet> {
        self.inner.fleet.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wall-clock time.
    pub fn now(&self) -> Timestamp {
        self.inner.ports.clock.now()
    }

    /// This process.
    pub fn identity(&self) -> &Identity {
        &self.inner.identity
    }

    /// This process, as written into records.
    pub fn node(&self) -> &NodeIdentity {
        &self.inner.identity.node
    }

    /// The backend, for listings.
    pub fn store(&self) -> &dyn Store {
        self.inner.ports.store.as_ref()
    }

    /// Counters.
    pub fn metrics(&self) -> &Metrics {
        &self.inner.metrics
    }

    /// Requests to read or analyse a server that a full queue refused.
    pub fn refused_requests(&self) -> u64 {
        self.inner.read_requests.refused() + self.inner.analysis_requests.refused()
    }

    /// Starts and awaits tasks.
    pub fn supervisor(&self) -> &Supervisor {
        &self.inner.supervisor
    }

    /// This node may act now: by itself, or, through a clone [for an operator](Self::for_operator), where operators are
    /// admitted.
    pub fn may_act(&self) -> bool {
        let lease = &self.inner.ports.lease;
        lease.is_held() || (self.for_operator && lease.admits_operators())
    }

    /// The same engine, doing what a person asks for: nodes that share a backend do that whichever of them is active.
    #[must_use]
    pub fn for_operator(&self) -> Self {
        Self { for_operator: true, ..self.clone() }
    }

    /// The right to act, for what operators do with it.
    pub fn lease(&self) -> &dyn Lease {
        self.inner.ports.lease.as_ref()
    }

    /// Time since the engine was made.
    pub fn running_for(&self) -> Duration {
        self.inner.started.elapsed()
    }

    /// A deadline for one ordinary read of a server.
    pub(crate) fn read_deadline(&self) -> Deadline {
        Deadline::after(self.compiled().read_timeout)
    }
}
