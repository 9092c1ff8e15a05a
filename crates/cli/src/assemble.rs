//! Puts the parts together: settings, backend, connections to servers, hooks, clock and lease make an engine.

use std::path::PathBuf;
use std::sync::Arc;

use consensus::LocalLog;
use engine::{Engine, Identity, Ports};
use model::{Command, NodeIdentity};
use mysql::MySqlServers;
use ports::{AlwaysActive, Clock, CommandLog, Servers, Store, SystemClock};
use publish::ShellHooks;
use settings::{BackendKind, LoadRequest, Settings};
use store::{OpenOptions, SqliteStore};
use tracing::warn;

use crate::flags::Flags;
use crate::output::Exit;
use crate::{VERSION, logging, system, topology};

/// An engine with the parts that whoever runs it needs, too.
pub(crate) struct Assembly {
    pub(crate) engine: Engine,
    pub(crate) log: Arc<dyn CommandLog>,
    /// What the node registry calls the backend.
    pub(crate) backend: String,
}

/// What the process is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum App {
    /// The daemon.
    Service,
    /// One command.
    Command,
}

/// Reads the configuration that the flags name, starts logging, and tells warnings.
pub(crate) fn load_settings(flags: &Flags, app: App) -> Result<Settings, Exit> {
    let loaded = Settings::load(request(flags)).map_err(|errors| Exit::fatal(errors.to_string()))?;
    logging::start(flags, loaded.settings.logging.debug, app == App::Service);
    for warning in &loaded.warnings {
        warn!("{warning}");
    }
    for name in flags.unused() {
        warn!("-{name} has no effect: no command uses it");
    }
    Ok(loaded.settings)
}

/// Where the configuration is read from; the same again at a reload.
pub(crate) fn request(flags: &Flags) -> LoadRequest<'static> {
    LoadRequest::of_process(flags.given("config").map(PathBuf::from))
}

/// Opens the backend and makes an engine of which nothing runs yet.
pub(crate) fn assemble(flags: &Flags, settings: Settings, app: App) -> Result<Assembly, Exit> {
    let is_noop = flags.is_on("noop");
    let opened = open_backend(flags, &settings)?;
    let backend = opened.backend().to_owned();
    let store: Arc<dyn Store> = Arc::new(opened);
    let log: Arc<dyn CommandLog> = Arc::new(LocalLog::new(store.clone()));
    let servers: Arc<dyn Servers> = Arc::new(
        MySqlServers::new(topology::mysql_options(&settings, is_noop)).map_err(|error| Exit::fatal(error.to_string()))?,
    );
    let ports = Ports {
        servers,
        store,
        log: log.clone(),
        hooks: Arc::new(ShellHooks { shell: settings.hooks.shell.clone() }),
        clock: Arc::new(SystemClock),
        lease: Arc::new(AlwaysActive),
    };
    let engine = Engine::new(ports, identity(flags, app, is_noop)?, settings);
    Ok(Assembly { engine, log, backend })
}

fn identity(flags: &Flags, app: App, noop: bool) -> Result<Identity, Exit> {
    let hostname = system::hostname();
    let token = system::token().map_err(|error| Exit::fatal(format!("no random bytes from the system: {error}")))?;
    let maintenance_owner = match (app, flags.given("owner")) {
        (App::Service, _) => hostname.clone(),
        (App::Command, Some(owner)) => owner.to_owned(),
        (App::Command, None) => {
            system::user().ok_or_else(|| Exit::fatal("the user of this process has no name; give one with -owner"))?
        }
    };
    Ok(Identity {
        node: NodeIdentity { hostname, token },
        version: VERSION.to_owned(),
        app: match app {
            App::Service => "http".to_owned(),
            App::Command => "cli".to_owned(),
        },
        maintenance_owner,
        noop,
    })
}

fn open_backend(flags: &Flags, settings: &Settings) -> Result<SqliteStore, Exit> {
    let backend = &settings.backend;
    match backend.kind {
        BackendKind::Sqlite => {}
        BackendKind::Mysql => {
            return Err(Exit::fatal(
                "a MySQL backend is not supported by this version; set \"BackendDB\": \"sqlite\" and \
                 \"SQLite3DataFile\" in the configuration",
            ));
        }
    }
    let file = backend
        .sqlite_file
        .as_deref()
        .ok_or_else(|| Exit::fatal("BackendDB is sqlite, and SQLite3DataFile is not set; name a file"))?;
    let options = OpenOptions {
        create: true,
        skip_update: backend.skip_schema_update && !flags.is_on("enable-database-update"),
        refuse_other_version: backend.refuse_other_schema,
        redeploy: false,
        version: VERSION.to_owned(),
        now: SystemClock.now(),
    };
    SqliteStore::open(file, &options).map_err(|error| Exit::fatal(error.to_string()))
}

/// Writes this process to the node registry.
pub(crate) async fn register(assembly: &Assembly) {
    let identity = assembly.engine.identity();
    let command = Command::RegisterNode {
        node: identity.node.clone(),
        version: identity.version.clone(),
        backend: assembly.backend.clone(),
        app: identity.app.clone(),
        at: assembly.engine.now(),
    };
    if let Err(error) = assembly.log.submit(command).await {
        warn!(error = %error, "this process could not be registered");
    }
}
