//! The template data directory of each server version: initialised once, then copied for every server.
//!
//! It is made under a lock, in a directory of another name, and renamed when complete, so that tests that run side by
//! side neither see half of it nor make it twice.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::binaries::Binaries;
use crate::credentials;
use crate::home::{Home, lock};
use crate::options::template_options;
use crate::server::Instance;
use crate::spawn::Spawner;

/// Part of the directory's name: raise it when accounts, schemas or options below change.
const REVISION: u32 = 1;

/// The template of these programs, made now if there is none. Takes seconds the first time.
pub(crate) async fn ensure(binaries: &Binaries) -> Result<PathBuf> {
    let home = Home::locate()?;
    let folder = home.folder("templates")?;
    let name = format!("{}-{}-{REVISION}", binaries.family(), binaries.version());
    let done = folder.join(&name);
    if done.exists() {
        return Ok(done);
    }
    let lock_path = folder.join(format!("{name}.lock"));
    let _guard = tokio::task::spawn_blocking(move || lock(&lock_path)).await??;
    if !done.exists() {
        build(binaries, &folder, &done)
            .await
            .with_context(|| format!("cannot prepare the template {name}"))?;
    }
    Ok(done)
}

/// Copies a template; copy-on-write where the file system can.
pub(crate) async fn copy(template: &Path, data_dir: &Path) -> Result<()> {
    let status = tokio::process::Command::new("cp")
        .args(["-a", "--reflink=auto", "--sparse=auto"])
        .arg(template)
        .arg(data_dir)
        .status()
        .await?;
    ensure!(status.success(), "cp of {} failed: {status}", template.display());
    Ok(())
}

async fn build(binaries: &Binaries, folder: &Path, done: &Path) -> Result<()> {
    // The socket's path must be short, so the name is.
    let work = tempfile::Builder::new().prefix("t").tempdir_in(folder)?;
    let data_dir = work.path().join("data");
    initialize(binaries, &data_dir, work.path()).await?;

    let spawner = Spawner::start()?;
    let mut instance = Instance::new(binaries.clone(), work.path().to_owned(), None)?;
    instance.start(&spawner, template_options(binaries.dialect(), work.path())).await?;
    for statement in credentials::statements(binaries.dialect()) {
        crate::sql::rows(&instance.socket(), &statement).await?;
    }
    instance.shutdown().await?;
    remove_leftovers(&data_dir)?;
    std::fs::rename(&data_dir, done)?;
    Ok(())
}

async fn initialize(binaries: &Binaries, data_dir: &Path, folder: &Path) -> Result<()> {
    let command = binaries.initialize_command(data_dir, folder)?;
    let output = tokio::process::Command::from(command).kill_on_drop(true).output().await?;
    ensure!(
        output.status.success(),
        "initialising failed: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

/// `auto.cnf` holds the server's UUID: each copy must make its own.
fn remove_leftovers(data_dir: &Path) -> Result<()> {
    for name in ["auto.cnf", "ib_buffer_pool", "ibtmp1"] {
        let path = data_dir.join(name);
        if path.exists() {
            std::fs::remove_file(&path)?;
        }
    }
    Ok(())
}
