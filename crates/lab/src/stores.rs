//! Real key-value stores on loopback: Consul and ZooKeeper, from the private prefixes that `script/setup` unpacks.
//!
//! A machine on which they could not be had runs the other tests; what needs them says that it was not tested.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::home::Home;
use crate::ports::PortLease;
use crate::spawn::{Launch, Spawner};
use crate::wait::wait_until;
use crate::{Response, http};

const START_LIMIT: Duration = Duration::from_secs(60);
const LOOK_LIMIT: Duration = Duration::from_secs(1);
const ASK_LIMIT: Duration = Duration::from_secs(10);
/// Ports of one Consul: HTTP, servers, gossip within and between data centers, HTTPS.
const CONSUL_PORTS: usize = 5;

/// What ZooKeeper's server and client need, logging to standard error.
const CLASSES: &[&str] = &[
    "zookeeper",
    "zookeeper-jute",
    "slf4j-api",
    "slf4j-simple",
    "commons-cli",
    "commons-io",
    "metrics-core",
    "snappy-java",
    "netty-handler",
    "netty-common",
    "netty-transport",
];

/// A running store. Dropping it kills it.
#[derive(Debug)]
pub struct StoreServer {
    kind: Kind,
    program: OsString,
    arguments: Vec<OsString>,
    ports: Vec<PortLease>,
    folder: TempDir,
    spawner: Spawner,
    child: Option<Child>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Consul,
    ZooKeeper,
}

/// How a Consul is set up beyond being one server that keeps all in memory.
#[derive(Debug, Clone, Default)]
pub struct ConsulSetup {
    /// Name of its data center; `dc1` when empty.
    pub data_center: String,
    /// Only who has this token may read and write.
    pub token: Option<String>,
    /// Files of a certificate and its key (PEM), to be reached by TLS as well.
    pub certificate: Option<(PathBuf, PathBuf)>,
}

impl StoreServer {
    /// A Consul; `None`, with a word on standard error, where `script/setup` could not get it.
    ///
    /// Errors: it does not start.
    pub async fn consul(setup: ConsulSetup) -> Result<Option<Self>> {
        let Some(prefix) = prefix("consul") else { return Ok(None) };
        let ports = (0..CONSUL_PORTS).map(|_| PortLease::take()).collect::<Result<Vec<_>>>()?;
        let center = if setup.data_center.is_empty() { "dc1" } else { &setup.data_center };
        let mut arguments: Vec<OsString> = vec!["agent".into(), "-dev".into()];
        for option in [
            format!("-node=lab-{center}"),
            format!("-datacenter={center}"),
            "-bind=127.0.0.1".to_owned(),
            format!("-http-port={}", ports[0].port()),
            format!("-server-port={}", ports[1].port()),
            format!("-serf-lan-port={}", ports[2].port()),
            format!("-serf-wan-port={}", ports[3].port()),
            "-dns-port=-1".to_owned(),
            "-grpc-port=-1".to_owned(),
        ] {
            arguments.push(option.into());
        }
        if let Some(token) = setup.token {
            let rules = format!(
                "acl {{ enabled = true default_policy = \"deny\" tokens {{ master = \"{token}\" }} }}"
            );
            arguments.extend(["-hcl".into(), rules.into()]);
        }
        if let Some((certificate, key)) = setup.certificate {
            let files = format!("cert_file = \"{}\" key_file = \"{}\"", certificate.display(), key.display());
            arguments.extend(["-hcl".into(), files.into()]);
            arguments.push(format!("-https-port={}", ports[4].port()).into());
        }
        let program = prefix.join("usr/bin/consul").into();
        Self::start(Kind::Consul, program, arguments, ports, tempfile::tempdir()?).await.map(Some)
    }

    /// A ZooKeeper, as [`StoreServer::consul`].
    ///
    /// Errors: it does not start.
    pub async fn zookeeper() -> Result<Option<Self>> {
        let Some(prefix) = prefix("zookeeper") else { return Ok(None) };
        let ports = vec![PortLease::take()?];
        let folder = tempfile::tempdir()?;
        // The server takes an address only in a file.
        let config = folder.path().join("zoo.cfg");
        let (port, data) = (ports[0].port(), folder.path().join("data"));
        let text = format!(
            "clientPort={port}\nclientPortAddress=127.0.0.1\ndataDir={}\nadmin.enableServer=false\n",
            data.display()
        );
        std::fs::write(&config, text)?;
        let mut arguments = java_arguments(&prefix);
        arguments.extend(["org.apache.zookeeper.server.ZooKeeperServerMain".into(), config.into()]);
        Self::start(Kind::ZooKeeper, java(&prefix), arguments, ports, folder).await.map(Some)
    }

    async fn start(
        kind: Kind,
        program: OsString,
        arguments: Vec<OsString>,
        ports: Vec<PortLease>,
        folder: TempDir,
    ) -> Result<Self> {
        let spawner = Spawner::start()?;
        let mut server = Self { kind, program, arguments, ports, folder, spawner, child: None };
        server.start_again().await?;
        Ok(server)
    }

    /// Starts it, and returns when it takes writes.
    ///
    /// Errors: it does not within a minute; with its log.
    pub async fn start_again(&mut self) -> Result<()> {
        let launch = Launch {
            program: self.program.clone(),
            arguments: self.arguments.clone(),
            folder: self.folder.path().to_owned(),
            log: self.log(),
            group: None,
        };
        self.child = Some(self.spawner.spawn(launch)?);
        let ready = wait_until("the store takes writes", START_LIMIT, || async {
            // A ZooKeeper that is asked too early keeps the connection and says nothing.
            tokio::time::timeout(LOOK_LIMIT, self.look()).await?
        })
        .await;
        ready.with_context(|| std::fs::read_to_string(self.log()).unwrap_or_default())
    }

    async fn look(&self) -> Result<()> {
        match self.kind {
            Kind::Consul => {
                let leader = self.ask("/v1/status/leader").await?;
                ensure!(leader.status == 200 && leader.body.contains(':'), "{leader:?}");
            }
            Kind::ZooKeeper => {
                let mut stream = TcpStream::connect(self.address()).await?;
                stream.write_all(b"srvr").await?;
                let mut answer = String::new();
                stream.read_to_string(&mut answer).await?;
                ensure!(answer.contains("Mode:"), "{answer}");
            }
        }
        Ok(())
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// `127.0.0.1:PORT` for clients.
    pub fn address(&self) -> String {
        self.port_of(0)
    }

    /// Where other data centers of Consul reach it.
    pub fn gossip_address(&self) -> String {
        self.port_of(3)
    }

    /// Where a Consul with a certificate is reached by TLS.
    pub fn tls_address(&self) -> String {
        self.port_of(4)
    }

    fn port_of(&self, number: usize) -> String {
        format!("127.0.0.1:{}", self.ports[number].port())
    }

    /// Asks a Consul over HTTP.
    ///
    /// Errors: no answer.
    pub async fn ask(&self, path: &str) -> Result<Response> {
        self.request("GET", path, None).await
    }

    /// As [`Self::ask`], with any method and body.
    ///
    /// Errors: no answer.
    pub async fn request(&self, method: &str, path: &str, body: Option<&str>) -> Result<Response> {
        http::request(&self.address(), method, path, body, ASK_LIMIT).await
    }

    /// The value of a key as another client sees it: over HTTP, or by ZooKeeper's own client.
    ///
    /// Errors: it does not exist, or the store does not answer.
    pub async fn value(&self, key: &str) -> Result<String> {
        match self.kind {
            Kind::Consul => {
                let answer = self.ask(&format!("/v1/kv/{key}?raw")).await?;
                ensure!(answer.status == 200, "{key}: {answer:?}");
                Ok(answer.body)
            }
            Kind::ZooKeeper => self.zookeeper_client(&["get", &format!("/{key}")]).await,
        }
    }

    /// Runs a command of ZooKeeper's own client; what it printed last.
    ///
    /// Errors: it fails.
    pub async fn zookeeper_client(&self, words: &[&str]) -> Result<String> {
        let prefix = prefix("zookeeper").context("no ZooKeeper here")?;
        let mut command = tokio::process::Command::new(java(&prefix));
        command.args(java_arguments(&prefix)).arg("org.apache.zookeeper.ZooKeeperMain");
        command.args(["-server", &self.address()]).args(words).kill_on_drop(true);
        let ended = command.output().await?;
        let printed = String::from_utf8_lossy(&ended.stdout).into_owned();
        if !ended.status.success() {
            bail!("{words:?}: {printed} {}", String::from_utf8_lossy(&ended.stderr));
        }
        let last = printed.lines().last().unwrap_or_default();
        Ok(last.trim().to_owned())
    }

    /// Ends it at once.
    ///
    /// Errors: it does not run.
    pub fn kill9(&mut self) -> Result<()> {
        let mut child = self.child.take().context("the store does not run")?;
        child.kill()?;
        child.wait()?;
        Ok(())
    }

    /// It takes connections and answers nothing until [`Self::resume`].
    ///
    /// Errors: it does not run.
    pub fn hang(&self) -> Result<()> {
        self.signal(Signal::STOP)
    }

    /// Lets it go on.
    ///
    /// Errors: it does not run.
    pub fn resume(&self) -> Result<()> {
        self.signal(Signal::CONT)
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        let child = self.child.as_ref().context("the store does not run")?;
        let pid = Pid::from_raw(i32::try_from(child.id())?).context("no process number")?;
        Ok(kill_process(pid, signal)?)
    }
}

impl Drop for StoreServer {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // One that has ended already needs nothing more.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The complete prefix of a store; the newest when there are several.
#[expect(clippy::print_stderr, reason = "what is not here is named in the output of a test run")]
fn prefix(name: &str) -> Option<PathBuf> {
    let home = Home::locate().ok()?;
    let mut found: Vec<PathBuf> = std::fs::read_dir(home.root())
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            let file = path.file_name().unwrap_or_default().to_string_lossy();
            file.strip_prefix(name).is_some_and(|rest| rest.starts_with('-'))
                && path.join(".complete").exists()
        })
        .collect();
    found.sort();
    if found.is_empty() {
        eprintln!("NOT TESTED: no {name} on this machine; run script/setup to install it");
    }
    found.pop()
}

/// The machine's own Java, or the one that was fetched with ZooKeeper.
fn java(prefix: &Path) -> OsString {
    let runtimes = std::fs::read_dir(prefix.join("usr/lib/jvm")).into_iter().flatten();
    let own =
        runtimes.filter_map(|entry| Some(entry.ok()?.path().join("bin/java"))).find(|path| path.exists());
    own.map_or_else(|| "java".into(), PathBuf::into_os_string)
}

/// Small, quick to start, and with what it needs of all that was fetched.
fn java_arguments(prefix: &Path) -> Vec<OsString> {
    let folder = prefix.join("usr/share/java");
    let jars: Vec<String> =
        CLASSES.iter().map(|name| folder.join(format!("{name}.jar")).display().to_string()).collect();
    ["-Xmx96m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", &jars.join(":")].map(Into::into).into()
}
