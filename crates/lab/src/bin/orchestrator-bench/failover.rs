//! A primary breaks under write load, round after round.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use lab::{Family, Lab, OrchestratorProcess, Writer, WriterOptions, wait_until};
use serde_json::json;
use tokio::time::Instant;

use crate::spread::Spread;
use crate::watched::{PATIENCE, metric, start_daemon, wait_ready};

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
    /// Seconds of silence after which a replica takes its primary for dead. Heartbeats come every second up to 4, else
    /// at half of it, as the servers choose.
    #[arg(long, default_value_t = 4)]
    replica_net_timeout: u32,
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

/// Phases as the daemon tells them, in their order. Those before the new primary is open come first.
const PHASES: [&str; 5] = ["decision", "collection", "drain", "promotion", "repointing"];

/// What one round showed.
struct Round {
    /// Fault to first acknowledged write on another server.
    outage: Duration,
    /// Acknowledged rows that the new primary lacks.
    missing: usize,
    phases: [Duration; 5],
}

impl Round {
    /// Fault to the record of the recovery, and from the opened server to the first write on it.
    fn evidence(&self) -> Duration {
        self.outage.saturating_sub(self.phases[..4].iter().sum())
    }
}

pub(crate) async fn run(options: &Options) -> Result<()> {
    let mut outages = Spread::default();
    let mut evidence = Spread::default();
    let mut phases: [Spread; 5] = Default::default();
    let mut lost = 0;
    for number in 1..=options.rounds {
        let round = one_round(options).await?;
        println!(
            "round {number}: {:.3} s, {} acknowledged rows lost",
            round.outage.as_secs_f64(),
            round.missing
        );
        outages.add(round.outage);
        evidence.add(round.evidence());
        phases.iter_mut().zip(round.phases).for_each(|(spread, took)| spread.add(took));
        lost += round.missing;
    }
    println!("\nmedian (best – worst)");
    println!("{:<12} {}", "evidence", evidence.milliseconds());
    for (name, spread) in PHASES.iter().zip(&phases) {
        println!("{name:<12} {}", spread.milliseconds());
    }
    println!("{:<12} {}  from the fault to the first acknowledged write", "outage", outages.milliseconds());
    println!("acknowledged rows lost: {lost}");
    Ok(())
}

/// Four servers, default configuration but for credentials, seeds and filters.
async fn one_round(options: &Options) -> Result<Round> {
    let family = match options.family {
        FamilyName::Mysql => Family::MySql,
        FamilyName::Mariadb => Family::MariaDb,
    };
    let heartbeat = match options.replica_net_timeout {
        ..=4 => Duration::from_secs(1),
        longer => Duration::from_secs(longer.into()) / 2,
    };
    let mut builder = Lab::builder()
        .family(family)
        .shape("a(b,c,d)")
        .semi_sync(options.semi_sync)
        .replica_net_timeout(options.replica_net_timeout.into())
        .heartbeat_period(heartbeat);
    for option in DURABLE.into_iter().filter(|_| !options.unsynced) {
        builder = builder.server_option(option);
    }
    let lab = builder.start().await?;
    let seeds: Vec<String> = lab.addresses().into_iter().take(1).collect();
    let daemon =
        start_daemon(&lab.folder("orchestrator")?, &seeds, &json!({"RecoverMasterClusterFilters": ["*"]}))
            .await?;
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
    let outage = Instant::from(first.at).duration_since(fault_at);
    Ok(Round { outage, missing, phases: phases(&daemon).await? })
}

/// The phases of the failover, once it is over.
async fn phases(daemon: &OrchestratorProcess) -> Result<[Duration; 5]> {
    wait_until("the failover is over", PATIENCE, || async {
        let mut phases = [Duration::ZERO; 5];
        for (name, took) in PHASES.iter().zip(&mut phases) {
            let seconds =
                metric(daemon, &format!("orchestrator_failover_seconds{{phase=\"{name}\"}}")).await?;
            *took = Duration::try_from_secs_f64(seconds)?;
        }
        if phases[4].is_zero() { bail!("not all replicas are below the new primary yet") } else { Ok(phases) }
    })
    .await
}
