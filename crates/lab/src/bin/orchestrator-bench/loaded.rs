//! One cluster of four servers under write load, and the orchestrator that watches it.

use std::time::Duration;

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};
use lab::{Acknowledged, Family, Lab, LabBuilder, OrchestratorProcess, Writer, WriterOptions, wait_until};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::watched::{PATIENCE, start_daemon, wait_ready};

/// Which servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FamilyName {
    Mysql,
    Mariadb,
}

/// The servers and the load.
#[derive(Args, Clone, Debug)]
pub(crate) struct Options {
    /// Which servers.
    #[arg(long, value_enum, default_value = "mysql")]
    family: FamilyName,
    /// Semi-synchronous replication.
    #[arg(long)]
    pub(crate) semi_sync: bool,
    /// Servers that sync nothing to disk, so that the writer is faster than any replica on the same cores can follow.
    /// Without it they sync every commit, as servers do by default.
    #[arg(long)]
    unsynced: bool,
    /// Pause after each write in milliseconds; without it rows are written as fast as they are acknowledged.
    #[arg(long)]
    pace: Option<u64>,
}

/// The servers' own defaults of what is synced when; the lab's servers sync nothing.
const DURABLE: [&str; 4] = [
    "--sync-binlog=1",
    "--innodb-flush-log-at-trx-commit=1",
    "--innodb-flush-method=fsync",
    "--innodb-doublewrite=ON",
];

/// How long is written before anything happens.
const WARM_UP: Duration = Duration::from_secs(2);

/// The primary `a`, three replicas, and an ordinary user who writes.
pub(crate) struct Loaded {
    pub(crate) lab: Lab,
    pub(crate) daemon: OrchestratorProcess,
    pub(crate) writer: Writer,
}

impl Loaded {
    /// The default configuration but for credentials, seeds, filters and what is added; `shape` changes the lab further.
    pub(crate) async fn start(
        options: &Options,
        additions: &Value,
        shape: impl FnOnce(LabBuilder) -> LabBuilder,
    ) -> Result<Self> {
        let family = match options.family {
            FamilyName::Mysql => Family::MySql,
            FamilyName::Mariadb => Family::MariaDb,
        };
        let mut builder = shape(Lab::builder().family(family).shape("a(b,c,d)").semi_sync(options.semi_sync));
        for option in DURABLE.into_iter().filter(|_| !options.unsynced) {
            builder = builder.server_option(option);
        }
        let lab = builder.start().await?;
        let seeds: Vec<String> = lab.addresses().into_iter().take(1).collect();
        let (user, password) = (lab::REPLICATION.name, lab::REPLICATION.password);
        let mut config = json!({
            "RecoverMasterClusterFilters": ["*"],
            "ReplicationCredentialsQuery": format!("select '{user}', '{password}'"),
        });
        for (key, value) in additions.as_object().into_iter().flatten() {
            config[key] = value.clone();
        }
        let daemon = start_daemon(&lab.folder("orchestrator")?, &seeds, &config).await?;
        wait_ready(&daemon, 4).await?;
        let pace = options.pace.map(Duration::from_millis);
        let writer = Writer::start(&lab.addresses(), WriterOptions { pace, ..WriterOptions::default() })?;
        tokio::time::sleep(WARM_UP).await;
        Ok(Self { lab, daemon, writer })
    }

    /// The newest write, as soon as one after `since` is acknowledged by a server other than this.
    pub(crate) async fn write_elsewhere(&self, than: &str, since: Instant) -> Result<Acknowledged> {
        let old = self.lab.address(than);
        wait_until("a write on another server", PATIENCE, || async {
            match self.writer.last_acknowledged() {
                Some(last) if *last.server != *old && last.at > since.into() => Ok(last),
                _ => bail!("none yet"),
            }
        })
        .await
    }
}
