//! Wiring: from settings to an engine with its backend, its access to servers and its hooks.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use consensus::LocalLog;
use engine::{Engine, Identity, Ports};
use model::NodeIdentity;
use mysql::{MySqlOptions, MySqlServers, OwnName, PacketLimit, Queries, TlsMode, TlsOptions};
use ports::{AlwaysActive, Clock, Store, SystemClock};
use publish::ShellHooks;
use settings::{BackendKind, PacketSize, ServerName, Settings};
use store::{OpenOptions, SqliteStore};

/// Version text of the program.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// How the process was started, as far as the engine cares.
#[derive(Clone, Debug)]
pub(crate) struct Start {
    /// `http` or `cli`.
    pub(crate) app: &'static str,
    /// `--noop`.
    pub(crate) noop: bool,
    /// Owner of downtime, maintenance and acknowledgements when nobody else is named; the host name when `None`.
    pub(crate) owner: Option<String>,
}

/// Opens the backend and makes an engine. The fleet is not loaded yet.
///
/// # Errors
/// The backend cannot be opened, or the TLS files cannot be used; each with its cure.
pub(crate) fn open_engine(settings: Settings, start: &Start) -> Result<Engine> {
    let store = open_store(&settings, false)?;
    let backend = store.backend().to_owned();
    let store: Arc<dyn Store> = Arc::new(store);
    let servers =
        MySqlServers::new(mysql_options(&settings, start.noop)).context("cannot use the TLS settings")?;
    let hostname = hostname();
    let identity = Identity {
        maintenance_owner: start.owner.clone().unwrap_or_else(|| hostname.clone()),
        node: NodeIdentity { hostname, token: random_token()? },
        version: VERSION.to_owned(),
        backend,
        app: start.app.to_owned(),
        noop: start.noop,
    };
    let ports = Ports {
        servers: Arc::new(servers),
        log: Arc::new(LocalLog::new(store.clone())),
        store,
        hooks: Arc::new(ShellHooks { shell: settings.hooks.shell.clone() }),
        clock: Arc::new(SystemClock),
        lease: Arc::new(AlwaysActive),
    };
    Ok(Engine::new(ports, identity, settings))
}

/// Applies the schema of the backend again, whatever version is deployed.
///
/// # Errors
/// The backend cannot be opened.
pub(crate) fn redeploy(settings: &Settings) -> Result<()> {
    open_store(settings, true).map(drop)
}

fn open_store(settings: &Settings, redeploy: bool) -> Result<SqliteStore> {
    let backend = &settings.backend;
    if backend.kind != BackendKind::Sqlite {
        bail!(
            "BackendDB is `mysql`, and this version keeps its data in SQLite only; set \"BackendDB\": \"sqlite\" and \
             \"SQLite3DataFile\" to a file that the daemon may write"
        );
    }
    let file: PathBuf = backend.sqlite_file.clone().context(
        "BackendDB is `sqlite` but SQLite3DataFile is not set; name a file that the daemon may write",
    )?;
    let options = OpenOptions {
        create: true,
        skip_update: backend.skip_schema_update,
        refuse_other_version: backend.refuse_other_schema,
        redeploy,
        version: VERSION.to_owned(),
        now: SystemClock.now(),
    };
    Ok(SqliteStore::open(&file, &options)?)
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
