//! A prepared backend, in a file or on a server, and the program run on it.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use model::{
    AnalysisCode, BinlogCoordinates, Case, Instance, InstanceKey, NodeIdentity, ServerVersion, Tag,
    ThreadState, Timestamp,
};
use ports::{Clock, InstanceWrite, Store, SystemClock};
use store::{MySqlBackend, MySqlStore, OpenOptions, SqliteStore};
use tempfile::TempDir;

/// The program.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_orchestrator");

/// The server on which backends are prepared; without one they are SQLite files.
static SERVER: OnceLock<MySqlBackend> = OnceLock::new();
static DATABASES: AtomicUsize = AtomicUsize::new(0);

/// Lets every backend of this process be a new database on that server.
#[allow(dead_code, reason = "only the tests on servers do")]
pub(crate) fn use_server(server: MySqlBackend) {
    assert!(SERVER.set(server).is_ok(), "one server per process");
}

/// A folder with a configuration and a backend that holds the cluster `a(b, c)`: `db` at ports 3306 to 3308, alias
/// `shop`, and a lone server `other:3306`.
pub(crate) struct Prepared {
    folder: TempDir,
    server: Option<MySqlBackend>,
}

/// How a run ended.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Prepared {
    pub(crate) fn new() -> Self {
        let number = DATABASES.fetch_add(1, Ordering::Relaxed);
        let server = SERVER
            .get()
            .map(|server| MySqlBackend { database: format!("orchestrator_{number}"), ..server.clone() });
        let prepared = Self { folder: tempfile::tempdir().unwrap(), server };
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(async { fill(prepared.store().await.as_ref()).await });
        prepared.configure("");
        prepared
    }

    /// The backend, opened.
    pub(crate) async fn store(&self) -> Arc<dyn Store> {
        let options = OpenOptions { create: true, now: SystemClock.now(), ..OpenOptions::default() };
        match &self.server {
            Some(server) => Arc::new(MySqlStore::open(server.clone(), &options).await.unwrap()),
            None => Arc::new(SqliteStore::open(&self.file("orchestrator.db"), &options).unwrap()),
        }
    }

    /// Name of the database on the server; empty for a file.
    #[allow(dead_code, reason = "only the tests on servers ask")]
    pub(crate) fn database(&self) -> &str {
        self.server.as_ref().map_or("", |server| &server.database)
    }

    /// The backend's part of the configuration; what `more` sets is left out.
    fn backend(&self, more: &str) -> String {
        let Some(server) = &self.server else {
            return format!(
                r#""BackendDB":"sqlite","SQLite3DataFile":"{}""#,
                self.file("orchestrator.db").display()
            );
        };
        let password = if more.contains("MySQLOrchestratorPassword") {
            String::new()
        } else {
            format!(r#","MySQLOrchestratorPassword":"{}""#, server.password.expose())
        };
        format!(
            r#""BackendDB":"mysql","MySQLOrchestratorHost":"{}","MySQLOrchestratorPort":{},
                "MySQLOrchestratorDatabase":"{}","MySQLOrchestratorUser":"{}"{password}"#,
            server.host, server.port, server.database, server.user
        )
    }

    /// Writes the configuration with more settings: the inside of a JSON object.
    pub(crate) fn configure(&self, more: &str) {
        let comma = if more.is_empty() { "" } else { "," };
        let audit = if more.contains("AuditToBackendDB") { "" } else { r#""AuditToBackendDB":true,"# };
        let text = format!(
            r#"{{{},"InstancePollSeconds":60,{audit}
                "MySQLTopologyUser":"orc","MySQLTopologyPassword":"tiger","ListenAddress":"127.0.0.1:0"{comma}{more}}}"#,
            self.backend(more)
        );
        std::fs::write(self.file("orchestrator.conf.json"), text).unwrap();
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The program with the configuration and these words, blanks between them.
    pub(crate) fn command(&self, line: &str) -> Command {
        let words: Vec<&str> = line.split_whitespace().collect();
        self.command_of(&words)
    }

    pub(crate) fn command_of(&self, words: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command.arg("-config").arg(self.file("orchestrator.conf.json")).args(words).stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, line: &str) -> Ended {
        ended(self.command(line).output().unwrap())
    }

    #[allow(dead_code, reason = "the tests on servers give no words with blanks")]
    pub(crate) fn run_words(&self, words: &[&str]) -> Ended {
        ended(self.command_of(words).output().unwrap())
    }

    /// Runs and expects success with this standard output.
    pub(crate) fn prints(&self, line: &str, stdout: &str) {
        let ended = self.run(line);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), stdout), "{line}: {}", ended.stderr);
    }

    /// Runs and expects exit code 1, no output, and this fatal text.
    pub(crate) fn fails(&self, line: &str, text: &str) {
        let ended = self.run(line);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{line}: {}", ended.stderr);
        assert!(ended.stderr.contains(&format!(" FATAL {text}")), "{line}: {}", ended.stderr);
    }
}

pub(crate) fn ended(output: Output) -> Ended {
    Ended {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

fn key(port: u16) -> InstanceKey {
    InstanceKey::new("db", port)
}

async fn fill(store: &dyn Store) {
    let now = Timestamp::from_secs(SystemClock.now().as_secs());
    let servers =
        [instance("db", 3306, now), instance("db", 3307, now), instance("db", 3308, now), other(now)];
    store
        .write_instances(servers.map(|server| InstanceWrite::Observed(Arc::new(server))).into())
        .await
        .unwrap();
    for command in [
        model::Command::SetClusterAlias { cluster_name: "db:3306".into(), alias: "shop".into(), at: now },
        model::Command::SetClusterDomain {
            cluster_name: "db:3306".into(),
            domain: "shop.lan".into(),
            at: now,
        },
        model::Command::PutTag { key: key(3307), tag: tag("role", "billing"), at: now },
        model::Command::PutTag { key: key(3307), tag: tag("keep", ""), at: now },
        model::Command::SetResolved { hostname: "alias".into(), resolved: "db".into(), at: now },
        model::Command::RegisterRecovery {
            uid: "1:ab".into(),
            case: case(),
            node: NodeIdentity::default(),
            at: now,
        },
    ] {
        store.apply(&command).await.unwrap();
    }
}

fn tag(name: &str, value: &str) -> Tag {
    Tag { name: name.into(), value: value.into() }
}

fn case() -> Case {
    Case {
        key: key(3309),
        code: AnalysisCode::DeadMaster,
        cluster_name: "db:3306".into(),
        cluster_alias: "shop".into(),
        count_replicas: 0,
        replicas: Vec::new(),
    }
}

fn other(now: Timestamp) -> Instance {
    let mut instance = instance("other", 3306, now);
    instance.cluster_name = "other:3306".into();
    instance.replicas = Vec::new();
    instance
}

fn instance(host: &str, port: u16, now: Timestamp) -> Instance {
    let is_replica = port != 3306;
    let mut instance = Instance::unknown(InstanceKey::new(host, port));
    instance.server_id = u32::from(port);
    instance.server_uuid = format!("00000000-0000-0000-0000-00000000{port}");
    instance.version = ServerVersion::new("8.0.36", "MySQL Community Server - GPL");
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
        instance.replication.io_thread = ThreadState::Running;
        instance.replication.sql_thread = ThreadState::Running;
    } else {
        instance.replicas = vec![key(3307), key(3308)];
    }
    instance.last_checked = Some(now);
    instance.last_attempted_check = Some(now);
    instance.last_seen = Some(now);
    instance.last_check_partial_success = true;
    instance
}
