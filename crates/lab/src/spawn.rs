//! Starting processes that cannot outlive the lab.
//!
//! Children are started through `setpriv --pdeathsig KILL`: the kernel kills them when the *thread* that started them
//! ends. Threads of an async runtime come and go, so a thread of our own, living as long as the [`Spawner`], starts them
//! all. If the process is killed, that thread dies with it, and the kernel cleans up.

use std::ffi::OsString;
use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use anyhow::{Context, Result};

/// A program to start.
#[derive(Debug, Clone)]
pub(crate) struct Launch {
    pub(crate) program: OsString,
    pub(crate) arguments: Vec<OsString>,
    pub(crate) folder: PathBuf,
    /// Standard output and error are appended here.
    pub(crate) log: PathBuf,
    /// The group under which it runs, by which the packet filter knows it. Needs root.
    pub(crate) group: Option<u32>,
}

type Request = (Launch, SyncSender<Result<Child>>);

/// The thread that owns all children of a lab. Dropping it kills them.
#[derive(Debug)]
pub(crate) struct Spawner {
    requests: Option<SyncSender<Request>>,
    thread: Option<JoinHandle<()>>,
}

impl Spawner {
    pub(crate) fn start() -> Result<Self> {
        let (requests, receiver) = sync_channel(1);
        let thread = std::thread::Builder::new()
            .name("lab-spawner".into())
            .spawn(move || serve(&receiver))
            .context("cannot start the spawner thread")?;
        Ok(Self { requests: Some(requests), thread: Some(thread) })
    }

    /// Starts a program; blocks for the few milliseconds that a fork takes.
    pub(crate) fn spawn(&self, launch: Launch) -> Result<Child> {
        let (answer, answered) = sync_channel(1);
        let requests = self.requests.as_ref().context("the spawner has ended")?;
        requests.send((launch, answer)).ok().context("the spawner has ended")?;
        answered.recv().context("the spawner has ended")?
    }
}

impl Drop for Spawner {
    fn drop(&mut self) {
        self.requests = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(requests: &Receiver<Request>) {
    while let Ok((launch, answer)) = requests.recv() {
        // The asker is gone only if its own thread panicked; then nobody wants the child either.
        if let Err(unwanted) = answer.send(start(&launch))
            && let Ok(mut child) = unwanted.0
        {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn start(launch: &Launch) -> Result<Child> {
    let log = File::options().create(true).append(true).open(&launch.log)?;
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL"]);
    if let Some(group) = launch.group {
        command.arg("--regid").arg(group.to_string()).arg("--clear-groups");
    }
    command.arg("--").arg(&launch.program).args(&launch.arguments);
    command.current_dir(&launch.folder).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    command.spawn().context("cannot start a process through setpriv (package util-linux)")
}
