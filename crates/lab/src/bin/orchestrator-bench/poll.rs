//! The cost of watching many servers at the default pace.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;
use lab::{Family, Lab, OrchestratorProcess, wait_until};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::failover::metric;
use crate::spread::Spread;

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
    let clusters = options.servers.div_ceil(5);
    let shape: Vec<String> = (0..clusters).map(|n| format!("p{n}(r{n}a,r{n}b,r{n}c,r{n}d)")).collect();
    println!("starting {} servers …", clusters * 5);
    let lab = Lab::builder().family(Family::MariaDb).shape(&shape.join(",")).start().await?;
    let folder = lab.folder("orchestrator")?;
    let seeds: Vec<String> = (0..clusters).map(|n| lab.address(&format!("p{n}"))).collect();
    let config = json!({
        "MySQLTopologyUser": lab::ORCHESTRATOR.name,
        "MySQLTopologyPassword": lab::ORCHESTRATOR.password,
        "BackendDB": "sqlite",
        "SQLite3DataFile": folder.join("orchestrator.sqlite3"),
        "DiscoverySeeds": seeds,
        "DiscoverByShowSlaveHosts": true,
        "MySQLHostnameResolveMethod": "none",
    });
    let began = Instant::now();
    let daemon = OrchestratorProcess::start(&OrchestratorProcess::binary()?, &config, &folder).await?;
    let known = wait_all_known(&daemon, clusters * 5, began).await?;
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

async fn wait_all_known(daemon: &OrchestratorProcess, servers: usize, began: Instant) -> Result<Duration> {
    wait_until("all servers are known", Duration::from_secs(120), || async {
        let all: Value = serde_json::from_str(&daemon.get("/api/all-instances").await?.body)?;
        let valid =
            all.as_array().map_or(0, |list| list.iter().filter(|i| i["IsLastCheckValid"] == true).count());
        if valid == servers { Ok(began.elapsed()) } else { bail!("{valid} of {servers}") }
    })
    .await
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
