//! The cost of watching many servers at the default pace.

use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use tokio::time::Instant;

use crate::spread::Spread;
use crate::watched::{Clusters, PER_CLUSTER, metric, wait_valid};

/// Options of `poll`.
#[derive(Args, Debug)]
pub(crate) struct Options {
    /// MariaDB servers, in clusters of five.
    #[arg(long, default_value_t = 20)]
    servers: usize,
    /// Length of the measurement, seconds.
    #[arg(long, default_value_t = 30)]
    seconds: u64,
}

/// Clock ticks per second of `/proc`.
const TICKS: f64 = 100.0;
const PAGE_KIB: f64 = 4.0;
const REQUESTS: usize = 50;
const ROUTES: [&str; 3] = ["/api/all-instances", "/api/replication-analysis", "/api/clusters-info"];

pub(crate) async fn run(options: &Options) -> Result<()> {
    let Clusters { lab: _lab, daemon, began } =
        Clusters::start(options.servers.div_ceil(PER_CLUSTER)).await?;
    wait_valid(&daemon, options.servers.next_multiple_of(PER_CLUSTER)).await?;
    let known = began.elapsed();
    println!("all known after start: {:.2} s", known.as_secs_f64());
    tokio::time::sleep(Duration::from_secs(10)).await;
    let (cpu, polls) = (cpu_seconds(daemon.pid())?, metric(&daemon, "orchestrator_discoveries_total").await?);
    tokio::time::sleep(Duration::from_secs(options.seconds)).await;
    let cpu = cpu_seconds(daemon.pid())? - cpu;
    let polls = metric(&daemon, "orchestrator_discoveries_total").await? - polls;
    println!("polls: {polls}, CPU per poll: {:.3} ms", cpu * 1e3 / polls.max(1.0));
    println!("resident memory: {:.1} MiB", resident_mib(daemon.pid())?);
    for route in ROUTES {
        let mut spread = Spread::default();
        for _ in 0..REQUESTS {
            let began = Instant::now();
            daemon.get(route).await?;
            spread.add(began.elapsed());
        }
        println!("GET {route}: {}", spread.milliseconds());
    }
    Ok(())
}

/// User and system time of a process.
fn cpu_seconds(pid: u32) -> Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let after_name = stat.rsplit_once(')').context("no process status")?.1;
    let ticks: Vec<f64> =
        after_name.split_whitespace().skip(11).take(2).filter_map(|text| text.parse().ok()).collect();
    Ok(ticks.iter().sum::<f64>() / TICKS)
}

fn resident_mib(pid: u32) -> Result<f64> {
    let statm = std::fs::read_to_string(format!("/proc/{pid}/statm"))?;
    let pages: f64 =
        statm.split_whitespace().nth(1).and_then(|text| text.parse().ok()).context("no memory status")?;
    Ok(pages * PAGE_KIB / 1024.0)
}
