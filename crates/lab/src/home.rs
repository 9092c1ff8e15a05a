//! Where the lab keeps its files: templates, running labs, port reservations.
//!
//! Every running lab holds a lock on its own directory. A directory whose lock is free belongs to a process that died;
//! the next lab removes it, together with the packet filter of the same name.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rustix::fs::{FlockOperation, flock};

/// The lab's root directory: `ORCHESTRATOR_LAB_HOME`, else `~/.cache/orchestrator-lab`.
#[derive(Debug, Clone)]
pub(crate) struct Home {
    root: PathBuf,
}

impl Home {
    pub(crate) fn locate() -> Result<Self> {
        let root = match std::env::var_os("ORCHESTRATOR_LAB_HOME") {
            Some(path) if !path.is_empty() => PathBuf::from(path),
            Some(_) | None => {
                let user =
                    std::env::var_os("HOME").context("neither ORCHESTRATOR_LAB_HOME nor HOME is set")?;
                PathBuf::from(user).join(".cache/orchestrator-lab")
            }
        };
        Ok(Self { root })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// A sub-directory, created if missing.
    pub(crate) fn folder(&self, name: &str) -> Result<PathBuf> {
        let path = self.root.join(name);
        std::fs::create_dir_all(&path).with_context(|| format!("cannot create {}", path.display()))?;
        Ok(path)
    }

    /// A fresh directory for one lab, after removing those of dead processes.
    pub(crate) fn run_dir(&self) -> Result<RunDir> {
        let folder = self.folder("run")?;
        // Held while looking and while creating, so that nobody sees a directory before its owner has locked it.
        let _guard = lock(&folder.join(".lock"))?;
        remove_abandoned(&folder)?;
        let path = tempfile::Builder::new().prefix("l").rand_bytes(6).tempdir_in(&folder)?.keep();
        let lock = lock(&path.join("lock"))?;
        Ok(RunDir { path, _lock: lock })
    }
}

/// A directory that vanishes when dropped.
#[derive(Debug)]
pub(crate) struct RunDir {
    path: PathBuf,
    _lock: File,
}

impl RunDir {
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The name of this lab's packet filter table; unique on the machine while the directory exists.
    pub(crate) fn table(&self) -> String {
        table_name(&self.path)
    }
}

impl Drop for RunDir {
    fn drop(&mut self) {
        // A failure leaves files behind, which the next lab removes: nothing better can be done while dropping.
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

/// Opens a file and waits for its exclusive lock, which lasts until the file is closed.
pub(crate) fn lock(path: &Path) -> Result<File> {
    let file = open_lock(path)?;
    flock(&file, FlockOperation::LockExclusive).with_context(|| format!("cannot lock {}", path.display()))?;
    Ok(file)
}

/// Like [`lock`], but gives `None` at once if somebody else holds it.
pub(crate) fn try_lock(path: &Path) -> Result<Option<File>> {
    let file = open_lock(path)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(file)),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot lock {}", path.display())),
    }
}

// Rust opens files close-on-exec, so a server started meanwhile does not inherit the lock.
fn open_lock(path: &Path) -> Result<File> {
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .with_context(|| format!("cannot open {}", path.display()))
}

fn table_name(run_dir: &Path) -> String {
    let name = run_dir.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    format!("orchestrator_lab_{name}")
}

fn remove_abandoned(folder: &Path) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if !path.is_dir() {
            continue;
        }
        if let Some(_owned) = try_lock(&path.join("lock"))? {
            crate::firewall::remove_table(&table_name(&path));
            let _ = std::fs::remove_dir_all(&path);
        }
    }
    Ok(())
}
