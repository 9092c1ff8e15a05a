//! A small cluster in an in-memory backend, servers that answer from memory, and requests to the application.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request};
use consensus::LocalLog;
use engine::{Engine, Identity, Ports};
use model::{
    Action, BinlogCoordinates, Detected, Instance, InstanceKey, NodeIdentity, Observation, ReadProgress,
    ServerVersion, ThreadState, Threads, Timestamp,
};
use ports::{
    ActionError, ActionOutcome, Agents, AlwaysActive, Clock, Deadline, ErrorClass, HookEnvironment,
    HookError, HookRunner, InstanceWrite, LostConnection, NoAgents, ProbeError, ProbeRequest, Servers, Store,
    SystemClock,
};
use serde_json::Value;
use server::http::App;
use settings::{LoadRequest, SearchPath, Settings};
use store::{OpenOptions, SqliteStore};
use tower::ServiceExt;

/// Database servers in memory.
#[derive(Default)]
pub(crate) struct PretendedServers(Mutex<BTreeMap<InstanceKey, Instance>>);

impl PretendedServers {
    fn of(instances: Vec<Instance>) -> Arc<Self> {
        let by_key = instances.into_iter().map(|instance| (instance.key.clone(), instance)).collect();
        Arc::new(Self(Mutex::new(by_key)))
    }

    fn with<T>(&self, key: &InstanceKey, work: impl FnOnce(&mut Instance) -> T) -> Option<T> {
        self.0.lock().unwrap().get_mut(key).map(work)
    }
}

#[async_trait]
impl Servers for PretendedServers {
    async fn probe(
        &self,
        key: &InstanceKey,
        _: &ProbeRequest,
        _: Deadline,
    ) -> Result<Observation, ProbeError> {
        self.with(key, |instance| Observation {
            instance: instance.clone(),
            own_name: key.hostname().to_owned(),
            detected: Detected::default(),
            incomplete: Vec::new(),
        })
        .ok_or_else(|| ProbeError {
            key: key.clone(),
            progress: ReadProgress::Nothing,
            class: ErrorClass::Refused,
            number: None,
            message: "connection refused".to_owned(),
            skipped_by_filter: false,
        })
    }

    async fn act(
        &self,
        key: &InstanceKey,
        action: &Action,
        _: Deadline,
    ) -> Result<ActionOutcome, ActionError> {
        let done = self.with(key, |instance| pretend(instance, action));
        done.unwrap_or_else(|| Err("connection refused".to_owned())).map_err(|message| ActionError {
            key: key.clone(),
            action: action.to_string(),
            class: ErrorClass::Refused,
            number: None,
            message,
            is_sent: true,
        })
    }

    async fn watch(&self, _: &InstanceKey, _: &(dyn Fn() + Send + Sync)) -> LostConnection {
        std::future::pending().await
    }

    async fn forget(&self, _: &InstanceKey) {}

    async fn replication_credentials(
        &self,
        _: &InstanceKey,
        _: Deadline,
    ) -> Result<Option<(String, model::Secret)>, ActionError> {
        Ok(None)
    }

    async fn set_replication_credentials(
        &self,
        _: &InstanceKey,
        _: &str,
        _: &model::Secret,
        _: Deadline,
    ) -> Result<(), ActionError> {
        Ok(())
    }
}

/// What an act leaves behind.
fn pretend(instance: &mut Instance, action: &Action) -> Result<ActionOutcome, String> {
    match action {
        Action::SetReadOnly { on, .. } => instance.read_only = *on,
        Action::StopReplication(threads) => set_some_threads(instance, *threads, ThreadState::Stopped),
        Action::StartReplication(threads) => set_some_threads(instance, *threads, ThreadState::Running),
        Action::ChangeSource { source, .. } => instance.primary_key = source.clone(),
        Action::ResetReplication => {
            instance.primary_key = InstanceKey::none();
            set_threads(instance, ThreadState::Absent);
        }
        Action::WaitApplied | Action::WaitExecutedGtid(_) | Action::WaitExecutedCoordinates(_) => {}
        Action::FlushBinaryLogs | Action::KillQuery(7) | Action::Probe => {}
        other => return Err(format!("cannot be pretended: {other}")),
    }
    Ok(ActionOutcome::default())
}

fn set_some_threads(instance: &mut Instance, threads: Threads, state: ThreadState) {
    if threads != Threads::Applier {
        instance.replication.io_thread = state;
    }
    if threads != Threads::Receiver {
        instance.replication.sql_thread = state;
    }
}

fn set_threads(instance: &mut Instance, state: ThreadState) {
    instance.replication.io_thread = state;
    instance.replication.sql_thread = state;
}

struct NoHooks;

#[async_trait]
impl HookRunner for NoHooks {
    async fn run(&self, _: &str, _: &HookEnvironment, _: Deadline) -> Result<String, HookError> {
        Ok(String::new())
    }
}

/// An answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

/// The application over the cluster `a(b, c)`, all on host `db`, ports 3306 to 3308, alias `shop`.
pub(crate) struct World {
    pub(crate) engine: Engine,
    servers: Arc<PretendedServers>,
    store: Arc<dyn Store>,
    router: Router,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with_settings("").await
    }

    /// With more settings: the inside of a JSON object.
    pub(crate) async fn with_settings(more: &str) -> Self {
        Self::with_servers(more, cluster()).await
    }

    /// With other servers.
    pub(crate) async fn with_servers(more: &str, servers: Vec<Instance>) -> Self {
        Self::with_agents(more, servers, Arc::new(NoAgents)).await
    }

    /// With agents on their hosts.
    pub(crate) async fn with_agents(more: &str, servers: Vec<Instance>, agents: Arc<dyn Agents>) -> Self {
        Self::over(open_store(Path::new(":memory:")), more, servers, agents).await
    }

    /// Over a backend.
    pub(crate) async fn over(
        store: Arc<dyn Store>,
        more: &str,
        servers: Vec<Instance>,
        agents: Arc<dyn Agents>,
    ) -> Self {
        let writes =
            servers.iter().map(|instance| InstanceWrite::Observed(Arc::new(instance.clone()))).collect();
        store.write_instances(writes).await.unwrap();
        for command in [
            model::Command::SetClusterAlias {
                cluster_name: "db:3306".into(),
                alias: "shop".into(),
                at: SystemClock.now(),
            },
            model::Command::PutTag {
                key: key(3307),
                tag: model::Tag { name: "role".into(), value: "billing".into() },
                at: SystemClock.now(),
            },
        ] {
            store.apply(&command).await.unwrap();
        }
        let servers = PretendedServers::of(servers);
        let engine = engine(servers.clone(), agents, store.clone(), more);
        engine.load().await.unwrap();
        let router = App::new(engine.clone()).router();
        Self { engine, servers, store, router }
    }

    /// Ends the primary; the replicas try to connect to it, and everybody was read since.
    pub(crate) async fn kill_primary(&self) {
        self.servers.0.lock().unwrap().remove(&key(3306));
        for port in [3307, 3308] {
            self.servers.with(&key(port), |replica| replica.replication.io_thread = ThreadState::Other);
        }
        for port in [3306, 3307, 3308] {
            // That of the primary fails: this is what makes it dead.
            let _ = self.engine.read_instance(&key(port), Deadline::after(Duration::from_secs(1))).await;
        }
    }

    /// A server changes, and is read.
    pub(crate) async fn change_and_read(&self, key: &InstanceKey, change: impl FnOnce(&mut Instance)) {
        self.servers.with(key, change);
        self.engine.read_instance(key, Deadline::after(Duration::from_secs(1))).await.unwrap();
    }

    /// The backend.
    pub(crate) fn store(&self) -> &dyn Store {
        self.store.as_ref()
    }

    /// Applies durable changes to the backend.
    pub(crate) async fn apply(&self, commands: impl IntoIterator<Item = model::Command>) {
        for command in commands {
            self.store.apply(&command).await.unwrap();
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn call(&self, method: Method, path: &str) -> Answer {
        self.send(Request::builder().method(method).uri(path).body(Body::empty()).unwrap()).await
    }

    /// Headers and body as they are sent.
    pub(crate) async fn send_raw(&self, request: Request<Body>) -> (HeaderMap, Vec<u8>) {
        let (parts, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        (parts.headers, to_bytes(body, usize::MAX).await.unwrap().into())
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: String::from_utf8(bytes.into()).unwrap(),
        }
    }
}

pub(crate) fn open_store(file: &Path) -> Arc<dyn Store> {
    let options = OpenOptions { create: true, now: SystemClock.now(), ..OpenOptions::default() };
    Arc::new(SqliteStore::open(file, &options).unwrap())
}

fn engine(
    servers: Arc<PretendedServers>,
    agents: Arc<dyn Agents>,
    store: Arc<dyn Store>,
    more: &str,
) -> Engine {
    let ports = Ports {
        servers,
        agents,
        names: Arc::new(engine::SystemNames),
        store: store.clone(),
        log: Arc::new(LocalLog::new(store)),
        hooks: Arc::new(NoHooks),
        published: Vec::new(),
        clock: Arc::new(SystemClock),
        lease: Arc::new(AlwaysActive),
    };
    let identity = Identity {
        node: NodeIdentity { hostname: "orc1".into(), token: "ab".repeat(32) },
        version: "1.2.3".into(),
        backend: ":memory:".into(),
        app: "http".into(),
        maintenance_owner: "orc1".into(),
        noop: false,
    };
    Engine::new(ports, identity, settings(more))
}

fn settings(more: &str) -> Settings {
    let comma = if more.is_empty() { "" } else { "," };
    let text = format!(
        r#"{{"BackendDB":"sqlite","SQLite3DataFile":":memory:","AuditToBackendDB":true,"InstancePollSeconds":60,
            "RecoverMasterClusterFilters":["*"]{comma}{more}}}"#
    );
    let request = LoadRequest {
        explicit_file: Some("test.json".into()),
        extra_file: None,
        search: SearchPath::default(),
        environment: &|_| None,
        read_file: &|_| Ok(text.clone()),
        list_directory: &|_| Ok(Vec::new()),
        readable_by_others: &|_| false,
    };
    Settings::load(request).unwrap().settings
}

pub(crate) fn key(port: u16) -> InstanceKey {
    InstanceKey::new("db", port)
}

pub(crate) fn cluster() -> Vec<Instance> {
    vec![instance(3306), instance(3307), instance(3308)]
}

/// Port 3306 is the primary of the others.
fn instance(port: u16) -> Instance {
    let now = Timestamp::from_secs(SystemClock.now().as_secs());
    let is_replica = port != 3306;
    let mut instance = Instance::unknown(key(port));
    instance.server_id = u32::from(port);
    instance.server_uuid = format!("00000000-0000-0000-0000-00000000{port}");
    instance.version = ServerVersion::new("8.0.36", "MySQL Community Server - GPL");
    instance.version_comment = "MySQL Community Server - GPL".into();
    instance.read_only = is_replica;
    instance.log_bin = true;
    instance.log_replica_updates = true;
    instance.binlog_format = "ROW".into();
    instance.gtid_mode = "ON".into();
    instance.supports_oracle_gtid = true;
    instance.cluster_name = "db:3306".into();
    instance.self_coordinates = BinlogCoordinates::binary("bin.000001", 158);
    if is_replica {
        instance.primary_key = key(3306);
        instance.depth = 1;
        instance.replication.oracle_gtid = true;
        instance.replication.read = BinlogCoordinates::binary("bin.000001", 158);
        instance.replication.exec = BinlogCoordinates::binary("bin.000001", 158);
        instance.replication.seconds_behind = Some(0);
        instance.lag_seconds = Some(0);
        set_threads(&mut instance, ThreadState::Running);
    } else {
        instance.replicas = vec![key(3307), key(3308)];
    }
    instance.last_checked = Some(now);
    instance.last_attempted_check = Some(now);
    instance.last_seen = Some(now);
    instance.last_check_partial_success = true;
    instance
}
