//! One running server: its process, its faults, and the harness's own way to ask it.
//!
//! [`Instance`] is a server process in a folder; [`Server`] adds what a lab knows of it: name, port, role. Signals go to
//! the process id that we started ourselves, never to a name.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};

use crate::binaries::Binaries;
use crate::options::{Replication, Role, server_options};
use crate::ports::PortLease;
use crate::spawn::{Launch, Spawner};
use crate::sql;

/// A start includes crash recovery, beside three other servers on a busy machine.
const START_LIMIT: Duration = Duration::from_secs(60);
const STOP_LIMIT: Duration = Duration::from_secs(30);
/// A thread that waits for a disk stands still when it has it.
const STILL_LIMIT: Duration = Duration::from_secs(5);
/// The kernel's limit on a unix socket's path is 108 bytes, the final zero included.
const SOCKET_PATH_MAX: usize = 107;

/// A server process that lives in a folder: `data/`, `s` (socket), `error.log`.
#[derive(Debug)]
pub(crate) struct Instance {
    binaries: Binaries,
    folder: PathBuf,
    group: Option<u32>,
    child: Option<Child>,
}

impl Instance {
    pub(crate) fn new(binaries: Binaries, folder: PathBuf, group: Option<u32>) -> Result<Self> {
        let instance = Self { binaries, folder, group, child: None };
        let length = instance.socket().as_os_str().len();
        ensure!(
            length <= SOCKET_PATH_MAX,
            "the socket path {} has {length} bytes, more than {SOCKET_PATH_MAX}; set ORCHESTRATOR_LAB_HOME to a shorter one",
            instance.socket().display()
        );
        Ok(instance)
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.join("s")
    }

    fn log(&self) -> PathBuf {
        self.folder.join("error.log")
    }

    fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Starts the process and returns when it answers a statement.
    pub(crate) async fn start(&mut self, spawner: &Spawner, options: Vec<OsString>) -> Result<()> {
        self.launch(spawner, options)?;
        self.wait_ready().await
    }

    fn launch(&mut self, spawner: &Spawner, options: Vec<OsString>) -> Result<()> {
        // A killed server leaves its socket behind.
        let _ = std::fs::remove_file(self.socket());
        std::fs::create_dir_all(self.folder.join("tmp"))?;
        let (program, mut arguments) = self.binaries.server_command();
        arguments.extend(options);
        let launch =
            Launch { program, arguments, folder: self.folder.clone(), log: self.log(), group: self.group };
        self.child = Some(spawner.spawn(launch)?);
        Ok(())
    }

    async fn wait_ready(&mut self) -> Result<()> {
        let begin = Instant::now();
        loop {
            if let Some(status) = self.exited()? {
                bail!("the server ended while starting ({status}); end of its log:\n{}", self.log_tail());
            }
            // The socket file appears when the server listens; asking earlier would only make noise.
            if self.socket().exists() && sql::rows(&self.socket(), "SELECT 1").await.is_ok() {
                return Ok(());
            }
            ensure!(
                begin.elapsed() < START_LIMIT,
                "the server is not ready after {START_LIMIT:?}; end of its log:\n{}",
                self.log_tail()
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Ends the process as an operator would, and waits for its end. Nothing happens if it is not running.
    pub(crate) async fn shutdown(&mut self) -> Result<()> {
        if self.exited()?.is_some() || self.child.is_none() {
            return Ok(());
        }
        self.signal(Signal::TERM)?;
        // A stopped process would keep the signal pending.
        self.signal(Signal::CONT)?;
        self.wait_exit().await
    }

    async fn wait_exit(&mut self) -> Result<()> {
        let begin = Instant::now();
        while self.child.is_some() && self.exited()?.is_none() {
            ensure!(begin.elapsed() < STOP_LIMIT, "the server did not end within {STOP_LIMIT:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        self.child = None;
        Ok(())
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        let pid = self.pid().context("the server is not running")?;
        let pid = Pid::from_raw(i32::try_from(pid)?).context("not a process id")?;
        kill_process(pid, signal).with_context(|| format!("cannot send {signal:?} to {pid:?}"))
    }

    fn exited(&mut self) -> Result<Option<ExitStatus>> {
        match &mut self.child {
            Some(child) => Ok(child.try_wait()?),
            None => Ok(None),
        }
    }

    fn log_tail(&self) -> String {
        let text = std::fs::read(self.log()).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(25)..].join("\n")
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // Both fail only if the process has ended already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A server of a lab.
#[derive(Debug)]
pub struct Server {
    name: String,
    lease: PortLease,
    role: Role,
    replication: Replication,
    binaries: Binaries,
    folder: PathBuf,
    spawner: Arc<Spawner>,
    /// Taken out while a start or shutdown is under way, so that no lock is held across an await.
    instance: Mutex<Option<Instance>>,
}

/// What a lab decides about a server before it is started.
pub(crate) struct ServerPlan {
    pub(crate) name: String,
    pub(crate) role: Role,
    pub(crate) group: Option<u32>,
    pub(crate) folder: PathBuf,
    pub(crate) lease: PortLease,
}

impl Server {
    /// Copies the template and starts the server.
    pub(crate) async fn create(
        plan: ServerPlan,
        binaries: &Binaries,
        template: &Path,
        replication: &Replication,
        spawner: &Arc<Spawner>,
    ) -> Result<Self> {
        std::fs::create_dir(&plan.folder)?;
        crate::template::copy(template, &plan.folder.join("data")).await?;
        let instance = Instance::new(binaries.clone(), plan.folder.clone(), plan.group)?;
        let server = Self {
            name: plan.name,
            lease: plan.lease,
            role: plan.role,
            replication: replication.clone(),
            binaries: binaries.clone(),
            folder: plan.folder,
            spawner: Arc::clone(spawner),
            instance: Mutex::new(Some(instance)),
        };
        server.restart().await?;
        Ok(server)
    }

    /// The name in the lab's shape.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The port on 127.0.0.1; stays the same over restarts.
    pub fn port(&self) -> u16 {
        self.lease.port()
    }

    /// `127.0.0.1:PORT`, which is also how the server reports itself.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port())
    }

    /// `server_id`.
    pub fn server_id(&self) -> u32 {
        self.role.server_id
    }

    /// The process id; `None` after a shutdown and while starting. A killed server keeps it until restarted.
    pub fn pid(&self) -> Option<u32> {
        self.instance.lock().unwrap_or_else(PoisonError::into_inner).as_ref().and_then(Instance::pid)
    }

    /// The data directory.
    pub fn data_dir(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// The server's error log.
    pub fn log_path(&self) -> PathBuf {
        self.folder.join("error.log")
    }

    /// The unix socket, for clients of a person: `mariadb -uroot -S SOCKET`.
    pub fn socket(&self) -> PathBuf {
        self.folder.join("s")
    }

    /// Ends the process at once, as a crash would. Committed rows survive: the kernel keeps what was written.
    pub fn kill9(&self) -> Result<()> {
        self.signal(Signal::KILL)
    }

    /// Stops the process without ending it: connections stay open and nothing answers. Returns when all its threads stand
    /// still, which on a busy machine takes a moment in which one of them may answer yet.
    pub fn hang(&self) -> Result<()> {
        self.signal(Signal::STOP)?;
        let begin = Instant::now();
        while let Some(pid) = self.pid().filter(|pid| !stands_still(*pid)) {
            ensure!(
                begin.elapsed() < STILL_LIMIT,
                "process {pid} still runs {STILL_LIMIT:?} after it was stopped"
            );
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }

    /// Lets a hung process go on.
    pub fn resume(&self) -> Result<()> {
        self.signal(Signal::CONT)
    }

    /// Ends the process as an operator would, and waits for its end. Errors: it does not end within 30 s.
    pub async fn shutdown(&self) -> Result<()> {
        let mut instance = self.take()?;
        let result = instance.shutdown().await;
        self.put_back(instance);
        result.with_context(|| format!("shutting down {}", self.name))
    }

    /// Starts the server again as its configuration says (a primary writable, a replica read-only), after shutting it
    /// down if it runs. Returns when it answers. Errors: it does not start; the message holds the end of its log.
    pub async fn restart(&self) -> Result<()> {
        let mut instance = self.take()?;
        let result = self.start_again(&mut instance).await;
        self.put_back(instance);
        result.with_context(|| format!("starting {} ({})", self.name, self.address()))
    }

    async fn start_again(&self, instance: &mut Instance) -> Result<()> {
        instance.shutdown().await?;
        let options =
            server_options(self.binaries.dialect(), &self.folder, self.port(), &self.role, &self.replication);
        instance.start(&self.spawner, options).await
    }

    /// Runs a statement as root over the unix socket, whatever the network; gives rows of text, NULL as `NULL`.
    ///
    /// Errors: the server refuses the statement, or does not answer within 10 s.
    pub async fn query(&self, statement: &str) -> Result<Vec<Vec<String>>> {
        Ok(self.rows(statement).await?.into_iter().map(sql::texts).collect())
    }

    /// A connection as root over the unix socket that stays open. Errors: the server does not take it within 10 s.
    pub async fn session(&self) -> Result<sql::Session> {
        let opened = sql::Session::open(&self.socket()).await;
        opened.with_context(|| format!("on {} ({})", self.name, self.address()))
    }

    /// Like [`query`](Self::query), each row by column name.
    pub async fn records(&self, statement: &str) -> Result<Vec<BTreeMap<String, String>>> {
        Ok(self.rows(statement).await?.into_iter().map(sql::record).collect())
    }

    /// The first column of the first row. Errors: as [`query`](Self::query), or there is no row.
    pub async fn value(&self, statement: &str) -> Result<String> {
        let rows = self.query(statement).await?;
        let first = rows.into_iter().next().and_then(|row| row.into_iter().next());
        first.with_context(|| format!("{}: `{statement}` gave no row", self.name))
    }

    /// Runs a statement whose result does not matter.
    pub async fn execute(&self, statement: &str) -> Result<()> {
        self.rows(statement).await.map(drop)
    }

    /// Runs statements one after the other.
    pub(crate) async fn execute_all(&self, statements: Vec<String>) -> Result<()> {
        for statement in &statements {
            self.execute(statement).await?;
        }
        Ok(())
    }

    /// Replicates from the server at this port from now on.
    pub(crate) async fn follow(&self, source_port: u16) -> Result<()> {
        let statements = crate::replication::attach(self.binaries.dialect(), source_port, &self.replication);
        self.execute_all(statements.into()).await
    }

    /// The row of `SHOW REPLICA STATUS` or `SHOW SLAVE STATUS`; `None` on a server that replicates from nobody.
    pub async fn replica_status(&self) -> Result<Option<BTreeMap<String, String>>> {
        let records = self.records(crate::replication::status(self.binaries.dialect())).await?;
        Ok(records.into_iter().next())
    }

    async fn rows(&self, statement: &str) -> Result<Vec<mysql_async::Row>> {
        sql::rows(&self.socket(), statement)
            .await
            .with_context(|| format!("on {} ({})", self.name, self.address()))
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        let guard = self.instance.lock().unwrap_or_else(PoisonError::into_inner);
        let instance =
            guard.as_ref().with_context(|| format!("{} is being started or stopped", self.name))?;
        instance.signal(signal).with_context(|| format!("server {}", self.name))
    }

    fn take(&self) -> Result<Instance> {
        let taken = self.instance.lock().unwrap_or_else(PoisonError::into_inner).take();
        taken.with_context(|| format!("{} is already being started or stopped", self.name))
    }

    fn put_back(&self, instance: Instance) {
        *self.instance.lock().unwrap_or_else(PoisonError::into_inner) = Some(instance);
    }
}

/// No thread of the process can run: stopped, or dead.
fn stands_still(pid: u32) -> bool {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{pid}/task")) else { return true };
    threads.flatten().all(|thread| {
        let text = std::fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
        // `PID (NAME) STATE …`; the name may hold anything.
        let state = text.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
        !matches!(state, Some('R' | 'S' | 'D' | 'I'))
    })
}
