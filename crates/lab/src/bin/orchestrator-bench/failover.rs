//! A primary breaks under write load, round after round.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use lab::{OrchestratorProcess, wait_until};
use serde_json::json;
use tokio::time::Instant;

use crate::loaded::{self, Loaded};
use crate::spread::Spread;
use crate::watched::{PATIENCE, metric};

/// How the primary breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Fault {
    Kill,
    Hang,
}

/// Options of `failover`.
#[derive(Args, Debug)]
pub(crate) struct Options {
    #[command(flatten)]
    servers: loaded::Options,
    /// How the primary breaks.
    #[arg(long, value_enum, default_value = "kill")]
    fault: Fault,
    /// How often.
    #[arg(long, default_value_t = 10)]
    rounds: u32,
    /// Seconds of silence after which a replica takes its primary for dead. Heartbeats come every second up to 4, else
    /// at half of it, as the servers choose.
    #[arg(long, default_value_t = 4)]
    replica_net_timeout: u32,
    /// Let the daemon log every step, and print what it logged in rounds that took more than so many seconds.
    #[arg(long)]
    explain: Option<f64>,
}

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

async fn one_round(options: &Options) -> Result<Round> {
    let heartbeat = match options.replica_net_timeout {
        ..=4 => Duration::from_secs(1),
        longer => Duration::from_secs(longer.into()) / 2,
    };
    let config = json!({ "Debug": options.explain.is_some() });
    let loaded = Loaded::start(&options.servers, &config, |lab| {
        lab.replica_net_timeout(options.replica_net_timeout.into()).heartbeat_period(heartbeat)
    })
    .await?;
    let logged = std::fs::read(loaded.daemon.log_path())?.len();
    let fault_at = Instant::now();
    match options.fault {
        Fault::Kill => loaded.lab.server("a").kill9()?,
        Fault::Hang => loaded.lab.server("a").hang()?,
    }
    let first = loaded.write_elsewhere("a", fault_at).await?;
    let Loaded { lab, daemon, writer } = loaded;
    let report = writer.stop().await;
    let first =
        report.first_on(&first.server, fault_at.into()).context("the write is gone from the report")?.clone();
    let promoted = lab.server_at(&first.server).context("an unknown server took writes")?;
    let missing = report.missing_on(promoted).await?.len();
    let outage = Instant::from(first.at).duration_since(fault_at);
    let phases = phases(&daemon).await?;
    if options.explain.is_some_and(|limit| outage.as_secs_f64() > limit) {
        let log = std::fs::read(daemon.log_path())?;
        println!("{}", String::from_utf8_lossy(&log[logged..]));
    }
    Ok(Round { outage, missing, phases })
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
