//! Wiring: from settings to an engine with its backend, its access to servers and its hooks.

use std::path::PathBuf;
use std::sync::Arc;

use agents::{AgentOptions, HttpAgents};
use anyhow::{Context, Result};
use consensus::LocalLog;
use engine::{Engine, Identity, Ports, SystemNames};
use model::NodeIdentity;
use mysql::{MySqlOptions, MySqlServers, OwnName, PacketLimit, Queries, TlsMode, TlsOptions};
use ports::{AlwaysActive, Clock, Lease, Store, SystemClock};
use publish::ShellHooks;
use settings::{BackendKind, PacketSize, ServerName, Settings};
use store::{
    ActiveNodeLease, MaxPacket, MySqlBackend, MySqlBackendTls, MySqlStore, OpenOptions, OperatorLease,
    SqliteStore,
};
use tracing::warn;

use crate::published::PublishedStores;

/// Version text of the program.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// How the process was started, as far as the engine cares.
#[derive(Clone, Debug)]
pub(crate) struct Start {
    /// `http`, or the name of the command.
    pub(crate) app: String,
    /// It goes on until it is told to end.
    pub(crate) is_daemon: bool,
    /// It discovers and recovers by itself, and shares a backend by turns.
    pub(crate) discovers: bool,
    /// `--noop`.
    pub(crate) noop: bool,
    /// Owner of downtime, maintenance and acknowledgements when nobody else is named; the host name when `None`.
    pub(crate) owner: Option<String>,
}

/// An engine, and what of its surroundings follows the configuration.
#[derive(Clone)]
pub(crate) struct Node {
    pub(crate) engine: Engine,
    servers: Arc<MySqlServers>,
    hooks: Arc<ShellHooks>,
    agents: Arc<HttpAgents>,
    published: PublishedStores,
    backend: Option<Arc<MySqlStore>>,
}

impl Node {
    /// Makes sure that agents can be called as configured.
    ///
    /// # Errors
    /// A file cannot be used.
    pub(crate) fn prepare_agents(&self) -> Result<()> {
        Ok(self.agents.prepare()?)
    }

    /// Puts new settings in force everywhere.
    ///
    /// # Errors
    /// A TLS file does not exist, or the backend is not named; nothing is changed then.
    pub(crate) fn replace_settings(&self, settings: Settings) -> Result<()> {
        let backend = match &self.backend {
            Some(store) => Some((store, mysql_backend(&settings)?)),
            None => None,
        };
        let options = mysql_options(&settings, self.engine.identity().noop);
        self.servers.reconfigure(options).context("cannot use the TLS settings")?;
        if let Some((store, options)) = backend {
            store.reconfigure(options);
        }
        self.hooks.use_shell(settings.hooks.shell.clone());
        self.published.reconfigure(&settings.publication);
        self.engine.replace_settings(settings);
        Ok(())
    }
}

/// Opens the backend and makes an engine. The fleet is not loaded yet.
///
/// # Errors
/// The backend cannot be opened, or the TLS files cannot be used; each with its cure.
pub(crate) async fn open_node(settings: Settings, start: &Start) -> Result<Node> {
    let opened = open_store(&settings, false).await?;
    let options = mysql_options(&settings, start.noop);
    let servers = match start.is_daemon {
        true => MySqlServers::new(options).context("cannot use the TLS settings")?,
        // Most commands ask the backend only.
        false => MySqlServers::lenient(options),
    };
    let (servers, hooks) = (Arc::new(servers), Arc::new(ShellHooks::new(settings.hooks.shell.clone())));
    let agents = Arc::new(HttpAgents::new(agent_options(&settings)));
    let published = PublishedStores::new(&settings.publication);
    let hostname = hostname();
    let node = NodeIdentity { hostname: hostname.clone(), token: random_token()? };
    let (store, clock, backend): (Arc<dyn Store>, Arc<dyn Clock>, _) = match &opened {
        Opened::Sqlite(store) => (store.clone(), Arc::new(SystemClock), store.backend().to_owned()),
        Opened::MySql(store) => (store.clone(), Arc::new(store.clock()), store.backend().to_owned()),
    };
    let backend_store = match &opened {
        Opened::MySql(store) => Some(store.clone()),
        Opened::Sqlite(_) => None,
    };
    // Services share a MySQL backend by turns. A command is an operator's will, and does what it is told anywhere.
    let (mut shared, mut lease): (_, Arc<dyn Lease>) = (None, Arc::new(AlwaysActive));
    if let Opened::MySql(store) = opened {
        let elected = Arc::new(ActiveNodeLease::new(store, node.clone()));
        if start.is_daemon {
            lease = elected.clone();
            // One that only answers stands for no election: as the active node it would keep the others from their work.
            shared = start.discovers.then_some(elected);
        } else {
            lease = Arc::new(OperatorLease(elected));
        }
    }
    let identity = Identity {
        maintenance_owner: start.owner.clone().unwrap_or(hostname),
        node,
        version: VERSION.to_owned(),
        backend,
        app: start.app.clone(),
        noop: start.noop,
    };
    let ports = Ports {
        agents: agents.clone(),
        names: Arc::new(SystemNames),
        servers: servers.clone(),
        log: Arc::new(LocalLog::new(store.clone())),
        store,
        hooks: hooks.clone(),
        published: published.all(),
        clock,
        lease,
    };
    let engine = Engine::new(ports, identity, settings);
    if let Some(lease) = shared {
        // The first election is over before anything else is begun. When it fails, the next attempt is a second away.
        if let Err(error) = lease.attempt().await {
            warn!(error = %error, "the active node could not be elected yet");
        }
        engine.supervisor().start_loop("election", lease.keep_forever());
    }
    Ok(Node { engine, servers, hooks, agents, published, backend: backend_store })
}

/// Applies the schema of the backend again, whatever version is deployed.
///
/// # Errors
/// The backend cannot be opened.
pub(crate) async fn redeploy(settings: &Settings) -> Result<()> {
    open_store(settings, true).await.map(drop)
}

/// A backend of either kind.
enum Opened {
    Sqlite(Arc<SqliteStore>),
    MySql(Arc<MySqlStore>),
}

async fn open_store(settings: &Settings, redeploy: bool) -> Result<Opened> {
    let backend = &settings.backend;
    let options = OpenOptions {
        create: true,
        skip_update: backend.skip_schema_update,
        refuse_other_version: backend.refuse_other_schema,
        redeploy,
        version: VERSION.to_owned(),
        now: SystemClock.now(),
    };
    if backend.kind == BackendKind::Mysql {
        let store = MySqlStore::open(mysql_backend(settings)?, &options).await?;
        return Ok(Opened::MySql(Arc::new(store)));
    }
    let file: PathBuf = backend.sqlite_file.clone().context(
        "BackendDB is `sqlite` but SQLite3DataFile is not set; name a file that the daemon may write",
    )?;
    Ok(Opened::Sqlite(Arc::new(SqliteStore::open(&file, &options)?)))
}

fn mysql_backend(settings: &Settings) -> Result<MySqlBackend> {
    let backend = &settings.backend;
    let required = |value: &Option<String>, key: &str, what: &str| {
        value.clone().filter(|text| !text.is_empty()).with_context(|| {
            format!(
                "BackendDB is `mysql` but {key} is not set; name {what}, or set \"BackendDB\": \"sqlite\""
            )
        })
    };
    Ok(MySqlBackend {
        host: required(&backend.host, "MySQLOrchestratorHost", "the host of the backend")?,
        port: backend.port,
        database: required(&backend.database, "MySQLOrchestratorDatabase", "a database on the backend")?,
        user: backend.user.clone(),
        password: backend.password.clone(),
        connect_timeout: settings.topology.connect_timeout,
        read_timeout: backend.read_timeout,
        connections_max: backend.connections_max,
        connection_lifetime: settings.topology.connection_lifetime,
        max_packet: match backend.packet_size {
            PacketSize::DriverDefault => MaxPacket::Standard,
            PacketSize::AskServer => MaxPacket::AskServer,
            PacketSize::Bytes(bytes) => MaxPacket::Bytes(bytes as usize),
        },
        reject_read_only: backend.reject_read_only,
        tls: backend.tls.then(|| MySqlBackendTls {
            skip_verify: backend.tls_skip_verify,
            ca_file: backend.tls_authority.clone(),
            cert_file: backend.tls_certificate.clone(),
            key_file: backend.tls_key.clone(),
        }),
    })
}

fn mysql_options(settings: &Settings, noop: bool) -> MySqlOptions {
    let topology = &settings.topology;
    let attributes = &settings.attributes;
    let text = |query: &Option<String>| query.clone().unwrap_or_default();
    MySqlOptions {
        user: topology.user.clone(),
        password: topology.password.clone(),
        connect_timeout: topology.connect_timeout,
        discovery_read_timeout: topology.discovery_read_timeout,
        operation_timeout: topology.operation_read_timeout,
        connection_lifetime: topology.connection_lifetime,
        max_allowed_packet: match topology.packet_size {
            PacketSize::DriverDefault => PacketLimit::Standard,
            PacketSize::AskServer => PacketLimit::AskServer,
            PacketSize::Bytes(bytes) => PacketLimit::Bytes(bytes as usize),
        },
        tls: TlsOptions {
            mode: match (topology.mutual_tls, topology.mixed_tls) {
                (true, _) => TlsMode::Always,
                (false, true) => TlsMode::Mixed,
                (false, false) => TlsMode::Never,
            },
            skip_verify: topology.tls_skip_verify,
            ca_file: topology.tls_authority.clone(),
            cert_file: topology.tls_certificate.clone(),
            key_file: topology.tls_key.clone(),
            cache_ttl: settings.tls_cache_time(),
        },
        queries: Queries {
            replication_lag: text(&attributes.lag_query),
            replication_credentials: text(&settings.naming.replication_credentials_query),
            cluster_alias: text(&attributes.cluster_alias_query),
            cluster_domain: text(&attributes.cluster_domain_query),
            instance_alias: text(&attributes.instance_alias_query),
            promotion_rule: text(&attributes.promotion_rule_query),
            data_center: text(&attributes.data_center_query),
            region: text(&attributes.region_query),
            physical_environment: text(&attributes.environment_query),
            semi_sync_enforced: text(&attributes.semi_sync_query),
            pseudo_gtid: settings.pseudo_gtid.detect_query.clone(),
        },
        discover_by_show_slave_hosts: settings.discovery.by_reported_hosts,
        skip_maxscale_check: settings.discovery.skip_maxscale_check,
        ignore_replication_users: settings.discovery.ignored_users.expressions().to_vec(),
        own_name: match settings.naming.server_name {
            ServerName::KeepGiven => OwnName::AsAsked,
            ServerName::Hostname => OwnName::Hostname,
            ServerName::ReportHost => OwnName::ReportHost,
        },
        noop,
    }
}

fn agent_options(settings: &Settings) -> AgentOptions {
    let agents = settings.agents.clone();
    AgentOptions {
        tls: agents.tls,
        skip_verify: agents.tls_skip_verify,
        ca_file: agents.tls_authority.clone(),
        identity: Arc::new(move || server::http::agent_identity(&agents).map_err(|error| error.to_string())),
    }
}

/// The machine's host name.
pub(crate) fn hostname() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// 64 hexadecimal digits, new for each process.
fn random_token() -> Result<String> {
    use std::fmt::Write as _;
    use std::io::Read as _;
    let mut bytes = [0_u8; 32];
    std::fs::File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut bytes))
        .context("cannot read random bytes from /dev/urandom")?;
    Ok(bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    }))
}
