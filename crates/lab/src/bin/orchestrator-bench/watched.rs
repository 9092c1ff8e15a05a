//! What is measured: real servers and the orchestrator that watches them.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use lab::{Family, Lab, OrchestratorProcess, wait_until};
use serde_json::{Value, json};
use tokio::time::Instant;

/// Longest wait for anything that has to happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);
/// Servers of a cluster: a primary and four replicas.
pub(crate) const PER_CLUSTER: usize = 5;

/// MariaDB servers in clusters of five, and an orchestrator that has just started to discover them from their primaries.
pub(crate) struct Clusters {
    pub(crate) lab: Lab,
    pub(crate) daemon: OrchestratorProcess,
    /// When the daemon was started.
    pub(crate) began: Instant,
}

impl Clusters {
    pub(crate) async fn start(clusters: usize) -> Result<Self> {
        println!("starting {} servers …", clusters * PER_CLUSTER);
        let shape: Vec<String> = (0..clusters).map(|n| format!("p{n}(r{n}a,r{n}b,r{n}c,r{n}d)")).collect();
        let lab = Lab::builder().family(Family::MariaDb).shape(&shape.join(",")).start().await?;
        let seeds: Vec<String> = (0..clusters).map(|n| lab.address(&format!("p{n}"))).collect();
        let began = Instant::now();
        let daemon = start_daemon(&lab.folder("orchestrator")?, &seeds, &json!({})).await?;
        Ok(Self { lab, daemon, began })
    }
}

/// The names of the servers of one of [`Clusters`], the primary first.
pub(crate) fn members(cluster: usize) -> [String; PER_CLUSTER] {
    ["p", "ra", "rb", "rc", "rd"].map(|name| {
        let (kind, letter) = name.split_at(1);
        format!("{kind}{cluster}{letter}")
    })
}

/// An orchestrator that works in this folder, with the default configuration but for credentials, seeds and what is added.
pub(crate) async fn start_daemon(
    folder: &Path,
    seeds: &[String],
    additions: &Value,
) -> Result<OrchestratorProcess> {
    let mut config = json!({
        "MySQLTopologyUser": lab::ORCHESTRATOR.name,
        "MySQLTopologyPassword": lab::ORCHESTRATOR.password,
        "BackendDB": "sqlite",
        "SQLite3DataFile": folder.join("orchestrator.sqlite3"),
        "DiscoverySeeds": seeds,
        "DiscoverByShowSlaveHosts": true,
        "MySQLHostnameResolveMethod": "none",
    });
    for (key, value) in additions.as_object().into_iter().flatten() {
        config[key] = value.clone();
    }
    OrchestratorProcess::start(&OrchestratorProcess::binary()?, &config, folder).await
}

/// How many servers were read successfully the last time.
pub(crate) async fn valid_servers(daemon: &OrchestratorProcess) -> Result<usize> {
    let all: Value = serde_json::from_str(&daemon.get("/api/all-instances").await?.body)?;
    let is_valid = |instance: &&Value| instance["IsLastCheckValid"] == json!(true);
    Ok(all.as_array().map_or(0, |list| list.iter().filter(is_valid).count()))
}

/// Waits until exactly so many servers are valid.
pub(crate) async fn wait_valid(daemon: &OrchestratorProcess, wanted: usize) -> Result<()> {
    wait_until("the servers are seen as they are", PATIENCE, || async {
        let valid = valid_servers(daemon).await?;
        if valid == wanted { Ok(()) } else { bail!("{valid} of {wanted} are valid") }
    })
    .await
}

/// Waits until all servers are valid and the start-up grace has passed.
pub(crate) async fn wait_ready(daemon: &OrchestratorProcess, servers: usize) -> Result<()> {
    wait_valid(daemon, servers).await?;
    wait_until("findings are looked for", PATIENCE, || async {
        let rounds = metric(daemon, "orchestrator_analysis_rounds_total").await?;
        if rounds > 0.0 { Ok(()) } else { bail!("not yet") }
    })
    .await
}

/// One value of the metrics page.
pub(crate) async fn metric(daemon: &OrchestratorProcess, name: &str) -> Result<f64> {
    let page = daemon.get("/metrics").await?.body;
    let value = page.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
    value.with_context(|| format!("the metrics page has no {name}"))
}
