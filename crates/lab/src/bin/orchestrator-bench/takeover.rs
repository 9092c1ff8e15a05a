//! A primary is replaced as planned under write load, back and forth.

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use clap::Args;
use lab::wait_until;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::loaded::{self, Loaded};
use crate::spread::Spread;
use crate::watched::PATIENCE;

/// Options of `takeover`.
#[derive(Args, Debug)]
pub(crate) struct Options {
    #[command(flatten)]
    servers: loaded::Options,
    /// How often.
    #[arg(long, default_value_t = 10)]
    rounds: u32,
    /// Let the daemon log every step, and print what it logged when a takeover fails.
    #[arg(long)]
    explain: bool,
}

/// Writes go on for so long after a takeover, so that none of its consequences falls into the next one.
const SETTLE: Duration = Duration::from_secs(2);

pub(crate) async fn run(options: &Options) -> Result<()> {
    // Semi-sync on a primary that becomes a replica is switched off only where orchestrator is told to look after it.
    let enforced = if options.servers.semi_sync { "select 1" } else { "" };
    let config = json!({ "Debug": options.explain, "DetectSemiSyncEnforcedQuery": enforced });
    let loaded = Loaded::start(&options.servers, &config, |lab| lab).await?;
    let mut requests = Spread::default();
    let mut names = ["a", "b"];
    for number in 1..=options.rounds {
        let logged = std::fs::read(loaded.daemon.log_path())?.len();
        let took = match one_round(&loaded, names[0], names[1]).await {
            Ok(took) => took,
            Err(error) => {
                if options.explain {
                    let log = std::fs::read(loaded.daemon.log_path())?;
                    println!("{}", String::from_utf8_lossy(&log[logged..]));
                }
                return Err(error.context(format!("round {number}")));
            }
        };
        println!("round {number}: {} to {} in {:.3} s", names[0], names[1], took.as_secs_f64());
        requests.add(took);
        names.reverse();
    }
    let report = loaded.writer.stop().await;
    let moves = report.moves();
    ensure!(moves.len() == options.rounds as usize, "writes moved {} times", moves.len());
    let mut gaps = Spread::default();
    moves.iter().for_each(|gap| gaps.add(gap.length()));
    let missing = report.missing_on(loaded.lab.server(names[0])).await?.len();
    println!("\nmedian (best – worst)");
    println!("{:<12} {}  from the last acknowledged write to the next", "outage", gaps.milliseconds());
    println!("{:<12} {}  until it is answered", "request", requests.milliseconds());
    println!("acknowledged rows lost: {missing}");
    Ok(())
}

/// One takeover; returns how long the request took.
async fn one_round(loaded: &Loaded, old: &str, new: &str) -> Result<Duration> {
    let port = |name: &str| loaded.lab.server(name).port();
    let route = format!("/api/graceful-master-takeover-auto/127.0.0.1/{}/127.0.0.1/{}", port(old), port(new));
    let began = Instant::now();
    let answer = loaded.daemon.get(&route).await?.body;
    let took = began.elapsed();
    let answer: Value = serde_json::from_str(&answer)?;
    ensure!(answer["Code"] == "OK", "{}", answer["Message"]);
    let first = loaded.write_elsewhere(old, began).await?;
    ensure!(*first.server == *loaded.lab.address(new), "writes went to {}", first.server);
    tokio::time::sleep(SETTLE).await;
    wait_until("the former primary replicates", PATIENCE, || async {
        let route = format!("/api/instance/127.0.0.1/{}", port(old));
        let server: Value = serde_json::from_str(&loaded.daemon.get(&route).await?.body)?;
        let is_below = server["MasterKey"]["Port"] == port(new);
        if is_below && server["ReplicationIOThreadState"] == 1 { Ok(()) } else { bail!("not yet: {server}") }
    })
    .await?;
    Ok(took)
}
