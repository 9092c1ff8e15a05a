//! A primary breaks under write load, round after round.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use lab::{Family, Lab, OrchestratorProcess, Writer, WriterOptions, wait_until};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::spread::Spread;

/// Which servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FamilyName {
    Mysql,
    Mariadb,
}

/// How the primary breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Fault {
    Kill,
    Hang,
}

/// Options of `failover`.
#[derive(Args, Debug)]
pub(crate) struct Options {
    /// Which servers.
    #[arg(long, value_enum, default_value = "mysql")]
    family: FamilyName,
    /// How the primary breaks.
    #[arg(long, value_enum, default_value = "kill")]
    fault: Fault,
    /// How often.
    #[arg(long, default_value_t = 10)]
    rounds: u32,
    /// Semi-synchronous replication.
    #[arg(long)]
    semi_sync: bool,
    /// Pause after each write in milliseconds; without it rows are written as fast as they are acknowledged.
    #[arg(long)]
    pace: Option<u64>,
}

const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) async fn run(options: &Options) -> Result<()> {
    let mut outages = Spread::default();
    let mut lost = 0;
    for round in 1..=options.rounds {
        let (outage, missing) = one_round(options).await?;
        println!("round {round}: {:.3} s, {missing} acknowledged rows lost", outage.as_secs_f64());
        outages.add(outage);
        lost += missing;
    }
    println!("fault to first acknowledged write: median (best – worst) = {}", outages.milliseconds());
    println!("acknowledged rows lost: {lost}");
    Ok(())
}

/// Four servers, default configuration but for credentials, seeds and filters.
async fn one_round(options: &Options) -> Result<(Duration, usize)> {
    let family = match options.family {
        FamilyName::Mysql => Family::MySql,
        FamilyName::Mariadb => Family::MariaDb,
    };
    let lab = Lab::builder()
        .family(family)
        .shape("a(b,c,d)")
        .semi_sync(options.semi_sync)
        .replica_net_timeout(4)
        .heartbeat_period(Duration::from_secs(1))
        .start()
        .await?;
    let folder = lab.folder("orchestrator")?;
    let daemon =
        OrchestratorProcess::start(&OrchestratorProcess::binary()?, &config(&lab, &folder), &folder).await?;
    wait_ready(&daemon, 4).await?;
    let pace = options.pace.map(Duration::from_millis);
    let writer = Writer::start(&lab.addresses(), WriterOptions { pace, ..WriterOptions::default() })?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let fault_at = Instant::now();
    match options.fault {
        Fault::Kill => lab.server("a").kill9()?,
        Fault::Hang => lab.server("a").hang()?,
    }
    let old = lab.address("a");
    let first = wait_until("a write on another server", PATIENCE, || async {
        match writer.last_acknowledged() {
            Some(last) if *last.server != *old && last.at > fault_at.into() => Ok(last),
            _ => bail!("none yet"),
        }
    })
    .await?;
    let report = writer.stop().await;
    let first =
        report.first_on(&first.server, fault_at.into()).context("the write is gone from the report")?.clone();
    let promoted = lab.server_at(&first.server).context("an unknown server took writes")?;
    let missing = report.missing_on(promoted).await?.len();
    Ok((Instant::from(first.at).duration_since(fault_at), missing))
}

pub(crate) fn config(lab: &Lab, folder: &std::path::Path) -> Value {
    json!({
        "MySQLTopologyUser": lab::ORCHESTRATOR.name,
        "MySQLTopologyPassword": lab::ORCHESTRATOR.password,
        "BackendDB": "sqlite",
        "SQLite3DataFile": folder.join("orchestrator.sqlite3"),
        "DiscoverySeeds": [lab.addresses().first()],
        "DiscoverByShowSlaveHosts": true,
        "MySQLHostnameResolveMethod": "none",
        "RecoverMasterClusterFilters": ["*"],
    })
}

/// Waits until all servers are valid and the start-up grace has passed.
pub(crate) async fn wait_ready(daemon: &OrchestratorProcess, servers: usize) -> Result<()> {
    wait_until("orchestrator is ready", PATIENCE, || async {
        let all: Value = serde_json::from_str(&daemon.get("/api/all-instances").await?.body)?;
        let valid =
            all.as_array().map_or(0, |list| list.iter().filter(|i| i["IsLastCheckValid"] == true).count());
        let rounds = metric(daemon, "orchestrator_analysis_rounds_total").await?;
        if valid == servers && rounds > 0.0 { Ok(()) } else { bail!("{valid} of {servers} valid") }
    })
    .await
}

/// One value of the metrics page.
pub(crate) async fn metric(daemon: &OrchestratorProcess, name: &str) -> Result<f64> {
    let page = daemon.get("/metrics").await?.body;
    let value = page.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
    value.with_context(|| format!("the metrics page has no {name}"))
}
