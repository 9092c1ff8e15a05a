//! A failover to look at: four real servers under write load, orchestrator above them, and a primary that dies or hangs.
//!
//! Tells what happens as it happens: the topology, the fault, what was detected, each plan and its steps, how long
//! writes failed, how many acknowledged rows were lost, and the new topology. Then keeps running for exploring.

#![expect(clippy::print_stdout, reason = "a program that talks to a person")]

mod api;
mod story;

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, bail};
use clap::Parser;
use lab::{Family, Lab, OrchestratorProcess, Server, Writer, WriterOptions};
use serde_json::json;
use tokio::time::Instant;

use api::Api;

/// How the primary breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Fault {
    /// The process is killed: connections break at once.
    Kill,
    /// The process is stopped: connections stay open and nothing answers.
    Hang,
}

/// Which servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum FamilyName {
    /// MySQL.
    Mysql,
    /// MariaDB.
    Mariadb,
}

/// Shows a failover on real servers.
#[derive(Parser, Debug)]
#[command(name = "orchestrator-demo")]
struct Options {
    /// Which servers.
    #[arg(long, value_enum, default_value = "mysql")]
    family: FamilyName,
    /// How the primary breaks.
    #[arg(long, value_enum, default_value = "kill")]
    fault: Fault,
    /// Replicas acknowledge nothing before the application is told that a row is safe; rows may be lost then.
    #[arg(long)]
    asynchronous: bool,
    /// End by itself after the report.
    #[arg(long)]
    once: bool,
}

/// Writes before the fault.
const WARM_UP: Duration = Duration::from_secs(3);
/// Writes after the promotion, before the report.
const COOL_DOWN: Duration = Duration::from_secs(2);

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse();
    tokio::select! {
        outcome = run(&options) => outcome,
        // The servers and the daemon end when their owners are dropped here.
        _ = tokio::signal::ctrl_c() => {
            println!("\nStopping the servers and orchestrator.");
            Ok(())
        }
    }
}

async fn run(options: &Options) -> Result<()> {
    let lab = start_servers(options).await?;
    let folder = lab.folder("orchestrator")?;
    let daemon = start_daemon(&lab, &folder).await?;
    let api = Api::new(&daemon);
    println!("\norchestrator: http://{}/   log: {}", daemon.address(), daemon.log_path().display());
    api.wait_ready(lab.servers().count()).await?;
    let cluster = lab.address("a");
    println!("\nTopology before:\n{}", api.topology(&cluster).await?);

    let writer = Writer::start(&lab.addresses(), WriterOptions::default())?;
    tokio::time::sleep(WARM_UP).await;
    println!("An application writes as fast as it is acknowledged: {} rows so far.", writer.acknowledged());

    let fault_at = Instant::now();
    break_primary(lab.server("a"), options.fault)?;
    let recovery = story::follow(&api, &cluster, lab.server("a").port(), fault_at).await?;
    let promoted = promoted_by(&lab, &recovery)?;
    tokio::time::sleep(COOL_DOWN).await;
    let report = writer.report();
    println!("\nPromoted: {} ({})", promoted.name(), promoted.address());
    if let Some(gap) = report.longest_gap() {
        println!("Writes failed for {:.3} s (between two acknowledged writes).", gap.length().as_secs_f64());
    }
    let missing = report.missing_on(promoted).await?;
    println!("Acknowledged rows: {}, of which lost: {}.", report.acknowledged.len(), missing.len());
    println!("\nTopology after:\n{}", api.topology(&promoted.address()).await?);
    if options.once {
        writer.stop().await;
        if !missing.is_empty() && !options.asynchronous {
            bail!("acknowledged rows were lost although replication is semi-synchronous");
        }
        return Ok(());
    }
    explore(&api, &daemon, &promoted.address()).await
}

async fn start_servers(options: &Options) -> Result<Lab> {
    let family = match options.family {
        FamilyName::Mysql => Family::MySql,
        FamilyName::Mariadb => Family::MariaDb,
    };
    println!("Starting four {} servers: a, and b, c, d replicating from it …", family.name());
    let lab = Lab::builder()
        .family(family)
        .shape("a(b,c,d)")
        .semi_sync(!options.asynchronous)
        .replica_net_timeout(4)
        .heartbeat_period(Duration::from_secs(1))
        .start()
        .await?;
    println!("  {} {}", family.name(), lab.binaries().version());
    for server in lab.servers() {
        println!("  {} on {}", server.name(), server.address());
    }
    Ok(lab)
}

async fn start_daemon(lab: &Lab, folder: &Path) -> Result<OrchestratorProcess> {
    let config = json!({
        "MySQLTopologyUser": lab::ORCHESTRATOR.name,
        "MySQLTopologyPassword": lab::ORCHESTRATOR.password,
        "BackendDB": "sqlite",
        "SQLite3DataFile": folder.join("orchestrator.sqlite3"),
        "DiscoverySeeds": [lab.address("a")],
        "DiscoverByShowSlaveHosts": true,
        "HostnameResolveMethod": "none",
        "MySQLHostnameResolveMethod": "none",
        "InstancePollSeconds": 1,
        "RecoverMasterClusterFilters": ["*"],
        "DetectClusterAliasQuery": "select cluster_name from meta.cluster",
    });
    OrchestratorProcess::start(&OrchestratorProcess::binary()?, &config, folder).await
}

fn break_primary(primary: &Server, fault: Fault) -> Result<()> {
    match fault {
        Fault::Kill => {
            println!("\n=== kill -9 a ===");
            primary.kill9()
        }
        Fault::Hang => {
            println!("\n=== a hangs (SIGSTOP): its connections stay open, nothing answers ===");
            primary.hang()
        }
    }
}

fn promoted_by<'a>(lab: &'a Lab, recovery: &serde_json::Value) -> Result<&'a Server> {
    let port = recovery["SuccessorKey"]["Port"].as_u64().filter(|port| *port > 0);
    let Some(port) = port else {
        bail!("no server was promoted: {}", recovery["AllErrors"]);
    };
    match lab.servers().find(|server| u64::from(server.port()) == port) {
        Some(promoted) => Ok(promoted),
        None => bail!("an unknown server was promoted: {recovery}"),
    }
}

/// Keeps everything running and prints the topology whenever it changes.
async fn explore(api: &Api<'_>, daemon: &OrchestratorProcess, cluster: &str) -> Result<()> {
    println!("Everything keeps running; Ctrl-C ends it. Try, in another terminal:");
    println!("  curl -s http://{}/api/clusters-info", daemon.address());
    println!(
        "  {} --config {} -c topology -i {cluster}",
        OrchestratorProcess::binary()?.display(),
        daemon.config_path().display()
    );
    let mut shown = String::new();
    loop {
        if let Ok(topology) = api.topology(cluster).await
            && topology != shown
        {
            if !shown.is_empty() {
                println!("\n{topology}");
            }
            shown = topology;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
