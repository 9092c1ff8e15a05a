//! How soon a killed primary is known to be dead, while other servers are well and while some of them hang.

use std::io::{Read, Seek, SeekFrom};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use lab::{Lab, OrchestratorProcess, wait_until};
use serde_json::json;
use tokio::time::Instant;

use crate::spread::Spread;
use crate::watched::{Clusters, PATIENCE, PER_CLUSTER, members, valid_servers, wait_ready, wait_valid};

/// Options of `detect`.
#[derive(Args, Debug)]
pub(crate) struct Options {
    /// MariaDB servers, in clusters of five.
    #[arg(long, default_value_t = 20)]
    servers: usize,
    /// How many of them hang in the second part: whole clusters for half of them, single replicas for the rest.
    #[arg(long, default_value_t = 4)]
    hung: usize,
    /// Kills in each part.
    #[arg(long, default_value_t = 20)]
    rounds: usize,
}

/// Both parts are measured in turns, so that a machine that gets slower slows both.
const TURNS: usize = 4;
/// How often the log is looked at: the resolution of what is measured.
const LOOK_EVERY: Duration = Duration::from_millis(1);
/// Longer than a round of analysis, which notes that a server is well again.
const REST: Duration = Duration::from_millis(2_500);

struct Bench {
    lab: Lab,
    daemon: OrchestratorProcess,
    hung: Vec<String>,
    /// Clusters in which nothing hangs.
    healthy: Vec<usize>,
}

pub(crate) async fn run(options: &Options) -> Result<()> {
    let bench = Bench::start(options).await?;
    let (mut well, mut hung) = (Spread::default(), Spread::default());
    for turn in 0..TURNS {
        let rounds = options.rounds * (turn + 1) / TURNS - options.rounds * turn / TURNS;
        println!("turn {} of {TURNS}: {rounds} kills with all healthy …", turn + 1);
        bench.kill_rounds(rounds, &mut well).await?;
        bench.hang().await?;
        println!("turn {} of {TURNS}: {rounds} kills with {} hung …", turn + 1, bench.hung.len());
        bench.kill_rounds(rounds, &mut hung).await?;
        bench.resume().await?;
    }
    println!("kill to verdict, all healthy: {}", well.milliseconds());
    println!("kill to verdict, {} of {} hung: {}", bench.hung.len(), options.servers, hung.milliseconds());
    if let (Some(well), Some(hung)) = (well.median(), hung.median()) {
        println!("median with hung servers / median with all healthy: {:.3}", hung / well);
    }
    Ok(())
}

impl Bench {
    async fn start(options: &Options) -> Result<Self> {
        let clusters = options.servers.div_ceil(PER_CLUSTER);
        let whole = options.hung / 2 / PER_CLUSTER;
        ensure!(
            clusters > whole + 1,
            "at least one whole cluster has to stay well: fewer hung, or more servers"
        );
        let hung = hung_names(clusters, options.hung);
        ensure!(hung.len() == options.hung, "no more than {} servers may hang", hung.len());
        let Clusters { lab, daemon, .. } = Clusters::start(clusters).await?;
        wait_ready(&daemon, clusters * PER_CLUSTER).await?;
        let is_well = |cluster: &usize| {
            let members = members(*cluster);
            !members.iter().any(|name| hung.contains(name))
        };
        let healthy = (0..clusters).filter(is_well).collect();
        Ok(Self { lab, daemon, hung, healthy })
    }

    async fn hang(&self) -> Result<()> {
        for name in &self.hung {
            self.lab.server(name).hang()?;
        }
        wait_valid(&self.daemon, self.lab.servers().count() - self.hung.len()).await
    }

    async fn resume(&self) -> Result<()> {
        for name in &self.hung {
            self.lab.server(name).resume()?;
        }
        wait_valid(&self.daemon, self.lab.servers().count()).await
    }

    async fn kill_rounds(&self, rounds: usize, spread: &mut Spread) -> Result<()> {
        for round in 0..rounds {
            let name = format!("p{}", self.healthy[round % self.healthy.len()]);
            let before = valid_servers(&self.daemon).await?;
            spread.add(self.kill(&name).await?);
            self.lab.server(&name).restart().await?;
            wait_valid(&self.daemon, before).await?;
            self.wait_well(&name).await?;
        }
        Ok(())
    }

    /// Kills a primary. How long it took until the daemon wrote its verdict into its log.
    async fn kill(&self, name: &str) -> Result<Duration> {
        let mut log = std::fs::File::open(self.daemon.log_path())?;
        log.seek(SeekFrom::End(0))?;
        let (instance, mut text) = (format!("instance={} ", self.lab.address(name)), String::new());
        let is_verdict = |line: &str| {
            line.contains(" analysis changed ") && line.contains(&instance) && line.ends_with("=DeadMaster")
        };
        let killed = Instant::now();
        self.lab.server(name).kill9()?;
        while killed.elapsed() < PATIENCE {
            log.read_to_string(&mut text)?;
            if text.lines().any(is_verdict) {
                return Ok(killed.elapsed());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        bail!("{name} was not found dead within {PATIENCE:?}")
    }

    /// The analysis has nothing to say about a primary any more, and its replicas are back.
    async fn wait_well(&self, name: &str) -> Result<()> {
        let port = self.lab.server(name).port();
        wait_until(&format!("{name} is well again"), PATIENCE, || async {
            let answer = self.daemon.get("/api/replication-analysis").await?.json()?;
            let list = answer["Details"].as_array().context("no list")?;
            let entry = list.iter().find(|entry| entry["AnalyzedInstanceKey"]["Port"] == json!(port));
            let has_problem = entry.is_some_and(|entry| entry["Analysis"] != json!("NoProblem"));
            if has_problem { bail!("{entry:?}") } else { Ok(()) }
        })
        .await?;
        tokio::time::sleep(REST).await;
        Ok(())
    }
}

/// Whole clusters from the end for half of them, then the last replicas of clusters before those. The first cluster stays well.
fn hung_names(clusters: usize, wanted: usize) -> Vec<String> {
    let whole = wanted / 2 / PER_CLUSTER;
    let rest = clusters.saturating_sub(whole).max(1);
    let entire = (rest..clusters).flat_map(members);
    let replicas = ["d", "c", "b", "a"]
        .into_iter()
        .flat_map(|letter| (1..rest).rev().map(move |cluster| format!("r{cluster}{letter}")));
    entire.chain(replicas).take(wanted).collect()
}
