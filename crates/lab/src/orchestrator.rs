//! Running the daemon under test as its users do: a process with a configuration file, asked over HTTP.

use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::firewall::{ORCHESTRATOR_GROUP, is_possible};
use crate::http::{self, Response};
use crate::ports::PortLease;
use crate::spawn::{Launch, Spawner};

const START_LIMIT: Duration = Duration::from_secs(20);
const STOP_LIMIT: Duration = Duration::from_secs(15);
/// The longest that one request may take; a graceful takeover answers within it.
const REQUEST_LIMIT: Duration = Duration::from_secs(60);

/// A running `orchestrator http`. Dropping it kills it.
#[derive(Debug)]
pub struct OrchestratorProcess {
    child: Child,
    lease: PortLease,
    log: PathBuf,
    config: PathBuf,
    _spawner: Spawner,
}

impl OrchestratorProcess {
    /// The daemon to test: `ORCHESTRATOR_BIN`, else `orchestrator` in cargo's target directory beside this executable.
    ///
    /// Errors: neither is there; the message says how to build it.
    pub fn binary() -> Result<PathBuf> {
        if let Some(path) = std::env::var_os("ORCHESTRATOR_BIN").filter(|path| !path.is_empty()) {
            let path = PathBuf::from(path);
            ensure!(path.is_file(), "ORCHESTRATOR_BIN names {}, which is no file", path.display());
            return Ok(path);
        }
        let here = std::env::current_exe()?;
        // A test runs in target/debug/deps, a binary in target/debug.
        here.ancestors()
            .skip(1)
            .take(2)
            .map(|folder| folder.join("orchestrator"))
            .find(|path| path.is_file())
            .context("no orchestrator beside this executable: `cargo build --bin orchestrator`, or set ORCHESTRATOR_BIN")
    }

    /// Writes `config` into `workdir`, starts `BINARY --config FILE http` there, and returns when `/api/health` answers 200.
    ///
    /// `ListenAddress` is set to a free loopback port. The process runs under the group that
    /// [`Party::Orchestrator`](crate::Party::Orchestrator) cuts off.
    ///
    /// Errors: `config` is no JSON object; the process ends or does not answer within 20 s (with the end of its log).
    pub async fn start(binary: &Path, config: &Value, workdir: &Path) -> Result<Self> {
        let lease = PortLease::take()?;
        let mut config = config.as_object().context("the configuration is not a JSON object")?.clone();
        config.insert("ListenAddress".into(), format!("127.0.0.1:{}", lease.port()).into());
        std::fs::create_dir_all(workdir)?;
        let config_path = workdir.join("orchestrator.conf.json");
        std::fs::write(&config_path, serde_json::to_vec_pretty(&config)?)?;

        let spawner = Spawner::start()?;
        let log = workdir.join("orchestrator.log");
        let child = spawner.spawn(Launch {
            program: binary.into(),
            arguments: vec!["--config".into(), config_path.clone().into(), "http".into()],
            folder: workdir.to_owned(),
            log: log.clone(),
            group: is_possible().then_some(ORCHESTRATOR_GROUP),
        })?;
        let mut process = Self { child, lease, log, config: config_path, _spawner: spawner };
        process.wait_healthy().await?;
        Ok(process)
    }

    /// Where it listens: `127.0.0.1:PORT`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.lease.port())
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The file that holds its standard output and error, of earlier starts in the same directory too.
    pub fn log_path(&self) -> &Path {
        &self.log
    }

    /// The configuration file, for commands that run beside the daemon.
    pub fn config_path(&self) -> &Path {
        &self.config
    }

    /// Asks `path` (with its leading `/`). Any status is an answer.
    ///
    /// Errors: no connection, a broken answer, none within 60 s.
    pub async fn get(&self, path: &str) -> Result<Response> {
        self.request("GET", path, None).await
    }

    /// Sends a request with any method and an optional body; otherwise as [`get`](Self::get).
    pub async fn request(&self, method: &str, path: &str, body: Option<&str>) -> Result<Response> {
        http::request(&self.address(), method, path, body, REQUEST_LIMIT).await
    }

    /// Ends it at once and waits for its end.
    pub fn kill9(&mut self) -> Result<()> {
        self.signal(Signal::KILL)?;
        self.child.wait()?;
        Ok(())
    }

    /// Asks it to end (SIGTERM) and waits. Errors: it does not end within 15 s.
    pub async fn terminate(&mut self) -> Result<ExitStatus> {
        self.signal(Signal::TERM)?;
        let begin = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            ensure!(
                begin.elapsed() < STOP_LIMIT,
                "orchestrator did not end within {STOP_LIMIT:?}; {}",
                self.tail()
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Sends any signal, for example `HUP` to reload. Errors: the process has ended.
    pub fn signal(&mut self, signal: Signal) -> Result<()> {
        // Only while the child is not reaped is the process id surely its own.
        if let Some(status) = self.child.try_wait()? {
            bail!("orchestrator has ended already ({status}); {}", self.tail());
        }
        let pid = Pid::from_raw(i32::try_from(self.child.id())?).context("not a process id")?;
        kill_process(pid, signal).with_context(|| format!("cannot send {signal:?} to orchestrator"))
    }

    async fn wait_healthy(&mut self) -> Result<()> {
        let begin = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                bail!("orchestrator ended while starting ({status}); {}", self.tail());
            }
            let answer =
                http::request(&self.address(), "GET", "/api/health", None, Duration::from_secs(2)).await;
            if answer.as_ref().is_ok_and(|response| response.status == 200) {
                return Ok(());
            }
            ensure!(
                begin.elapsed() < START_LIMIT,
                "orchestrator is not healthy after {START_LIMIT:?}: {answer:?}; {}",
                self.tail()
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    fn tail(&self) -> String {
        let text = std::fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        format!("end of {}:\n{}", self.log.display(), lines[lines.len().saturating_sub(30)..].join("\n"))
    }
}

impl Drop for OrchestratorProcess {
    fn drop(&mut self) {
        // Both fail only if the process has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
