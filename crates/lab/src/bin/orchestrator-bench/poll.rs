//! The cost of watching many servers at the default pace, and whether the daemon keeps up.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use lab::fleet::{FleetPlan, Mode, SimulatedFleet, raise_open_files};
use lab::{Lab, OrchestratorProcess, wait_until};
use serde_json::json;
use tokio::time::Instant;

use crate::spread::Spread;
use crate::watched::{Clusters, PER_CLUSTER, metric, start_daemon, valid_servers};

/// Options of `poll`.
#[derive(Args, Debug)]
pub(crate) struct Options {
    /// MariaDB servers, in clusters of five.
    #[arg(long, default_value_t = 20)]
    servers: usize,
    /// Length of the measurement, seconds.
    #[arg(long, default_value_t = 30)]
    seconds: u64,
    /// Servers that only answer what orchestrator asks, in one process with this program: thousands fit.
    #[arg(long)]
    simulated: bool,
    /// Kill that share of the simulated servers, in percent, before measuring.
    #[arg(long, default_value_t = 0, requires = "simulated")]
    dead: usize,
}

/// Clock ticks per second of `/proc`.
const TICKS: f64 = 100.0;
const PAGE_KIB: f64 = 4.0;
const REQUESTS: usize = 50;
/// Seconds that requests of one route may take together: answers about thousands of servers take long.
const REQUESTS_TIME: Duration = Duration::from_secs(10);
const ROUTES: [&str; 3] = ["/api/all-instances", "/api/replication-analysis", "/api/clusters-info"];
/// The default of `InstancePollSeconds`.
const POLL_SECONDS: f64 = 5.0;
/// What is due to discovery itself is over by then, and the first analysis is made: three poll intervals after the start.
const REST: Duration = Duration::from_secs(17);
/// Open files of either side: one connection for reads of each server, two more for the watch of each primary, and others.
const FILES_BESIDE: usize = 500;

/// The servers, for as long as this lives.
enum Servers {
    Real { _lab: Lab },
    Simulated { fleet: SimulatedFleet, _folder: tempfile::TempDir },
}

impl Servers {
    /// Servers, an orchestrator that has just started to discover them, and when it was started.
    async fn start(options: &Options) -> Result<(Self, OrchestratorProcess, Instant)> {
        let clusters = options.servers.div_ceil(PER_CLUSTER);
        if !options.simulated {
            let Clusters { lab, daemon, began } = Clusters::start(clusters).await?;
            return Ok((Self::Real { _lab: lab }, daemon, began));
        }
        let servers = clusters * PER_CLUSTER;
        raise_open_files((servers + 2 * clusters + FILES_BESIDE) as u64)?;
        let fleet = SimulatedFleet::start(FleetPlan { servers, per_cluster: PER_CLUSTER, port: 0 }).await?;
        let folder = tempfile::tempdir()?;
        let seeds: Vec<String> = (0..clusters).map(|cluster| fleet.address(cluster * PER_CLUSTER)).collect();
        let began = Instant::now();
        let daemon = start_daemon(folder.path(), &seeds, &json!({})).await?;
        Ok((Self::Simulated { fleet, _folder: folder }, daemon, began))
    }

    /// Kills a share of the simulated servers. How many.
    fn kill(&self, percent: usize) -> usize {
        match self {
            Self::Real { .. } => 0,
            Self::Simulated { fleet, .. } => {
                fleet.sample(percent).inspect(|index| fleet.set_mode(*index, Mode::Dead)).count()
            }
        }
    }

    /// A measurement over answers that no real server gives is worth nothing.
    fn check_answers(&self) -> Result<()> {
        let Self::Simulated { fleet, .. } = self else { return Ok(()) };
        let unknown = fleet.unknown_statements();
        ensure!(unknown.is_empty(), "the simulated servers do not know {unknown:#?}");
        Ok(())
    }
}

pub(crate) async fn run(options: &Options) -> Result<()> {
    let (servers, daemon, began) = Servers::start(options).await?;
    let count = options.servers.next_multiple_of(PER_CLUSTER);
    let kind = if options.simulated { "simulated" } else { "real" };
    let known = wait_all_known(&daemon, count, began).await?;
    let dead = servers.kill(options.dead);
    tokio::time::sleep(REST).await;
    println!("{count} {kind} servers, {dead} of them dead, measured for {} s\n", options.seconds);
    line("all known after start", &format!("{:.2} s", known.as_secs_f64()));
    measure(&daemon, count - dead, options.seconds).await?;
    for route in ROUTES {
        line(&format!("GET {route}"), &latency(&daemon, route).await?.milliseconds());
    }
    servers.check_answers()
}

fn line(what: &str, value: &str) {
    println!("{what:<34}  {value}");
}

/// What is counted over the time of the measurement.
struct Counts {
    at: Instant,
    cpu: f64,
    polls: f64,
    rounds: f64,
    rows: f64,
}

impl Counts {
    async fn now(daemon: &OrchestratorProcess) -> Result<Self> {
        Ok(Self {
            cpu: cpu_seconds(daemon.pid())?,
            polls: metric(daemon, "orchestrator_discoveries_total").await?,
            rounds: metric(daemon, "orchestrator_analysis_rounds_total").await?,
            rows: metric(daemon, "orchestrator_backend_rows_total").await?,
            at: Instant::now(),
        })
    }
}

/// Prints what watching costs, and whether the daemon keeps up with servers that live.
async fn measure(daemon: &OrchestratorProcess, living: usize, seconds: u64) -> Result<()> {
    let before = Counts::now(daemon).await?;
    let mut queue: f64 = 0.0;
    while before.at.elapsed() < Duration::from_secs(seconds) {
        tokio::time::sleep(Duration::from_secs(1)).await;
        queue = queue.max(metric(daemon, "orchestrator_discovery_queue").await?);
    }
    let after = Counts::now(daemon).await?;
    let time = after.at.duration_since(before.at).as_secs_f64();
    let (cpu, polls) = (after.cpu - before.cpu, (after.polls - before.polls).max(1.0));
    let wanted = living as f64 / POLL_SECONDS;
    let age = oldest_read(daemon).await?;
    line("CPU per poll", &format!("{:.3} ms", cpu * 1e3 / polls));
    line("CPU", &format!("{:.0} % of one core", cpu * 100.0 / time));
    line("polls per second", &format!("{:.0}, wanted for the living {wanted:.0}", polls / time));
    line("longest queue of polls", &format!("{queue:.0}"));
    line("oldest read of a living server", &format!("{age} s, wanted {POLL_SECONDS:.0} s"));
    line("analysis rounds per second", &format!("{:.2}", (after.rounds - before.rounds) / time));
    line("rows written per second", &format!("{:.0}", (after.rows - before.rows) / time));
    line("refused by full queues", &metric(daemon, "orchestrator_requests_refused_total").await?.to_string());
    line("resident memory", &format!("{:.1} MiB", resident_mib(daemon.pid())?));
    Ok(())
}

/// Whole seconds since the last read of that server that was not read for the longest time.
async fn oldest_read(daemon: &OrchestratorProcess) -> Result<u64> {
    let all = daemon.get("/api/all-instances").await?.json()?;
    let list = all.as_array().context("no list")?;
    let living = list.iter().filter(|instance| instance["IsLastCheckValid"] == true);
    living
        .filter_map(|instance| instance["SecondsSinceLastSeen"]["Int64"].as_u64())
        .max()
        .context("no living server")
}

async fn latency(daemon: &OrchestratorProcess, route: &str) -> Result<Spread> {
    let mut spread = Spread::default();
    let all_began = Instant::now();
    for _ in 0..REQUESTS {
        let began = Instant::now();
        daemon.get(route).await?;
        spread.add(began.elapsed());
        if all_began.elapsed() > REQUESTS_TIME {
            break;
        }
    }
    Ok(spread)
}

async fn wait_all_known(daemon: &OrchestratorProcess, servers: usize, began: Instant) -> Result<Duration> {
    wait_until("all servers are known", Duration::from_secs(300), || async {
        // The list of thousands of servers would keep the daemon busy: first their number.
        let known = metric(daemon, "orchestrator_instances").await?;
        ensure!(known >= servers as f64, "{known} of {servers}");
        let elapsed = began.elapsed();
        let valid = valid_servers(daemon).await?;
        if valid == servers { Ok(elapsed) } else { bail!("{valid} of {servers} can be read") }
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
