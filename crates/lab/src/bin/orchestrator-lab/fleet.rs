//! `orchestrator-lab fleet`: thousands of simulated servers for a person to play with, until Ctrl-C.

use anyhow::{Context, Result, bail};
use clap::Args;
use lab::ORCHESTRATOR;
use lab::fleet::{FleetPlan, Mode, SimulatedFleet, raise_open_files};

use crate::read_lines;

const HELP: &str = "  kill WHO | hang WHO | resume WHO     WHO: an address, a number from 0, or a share of all such as 20%
  unknown                              statements that the simulated servers do not know, and how often they came
  help | quit";

/// A connection for reads, one for the watch and one to spare, and those of commands.
const FILES_PER_SERVER: u64 = 2;
const FILES_BESIDE: u64 = 100;

#[derive(Args)]
pub(crate) struct Options {
    /// How many.
    #[arg(long, default_value_t = 100)]
    servers: usize,
    /// How many of them form a cluster: one primary and its replicas.
    #[arg(long, default_value_t = 5)]
    per_cluster: usize,
    /// The port of all of them.
    #[arg(long, default_value_t = 3306)]
    port: u16,
}

pub(crate) async fn run(options: &Options) -> Result<()> {
    raise_open_files(options.servers as u64 * FILES_PER_SERVER + FILES_BESIDE)?;
    let Options { servers, per_cluster, port } = *options;
    let fleet = SimulatedFleet::start(FleetPlan { servers, per_cluster, port }).await?;
    println!(
        "{} simulated MariaDB servers, {} to {}; the first of each {per_cluster} is the primary of the others",
        fleet.len(),
        fleet.address(0),
        fleet.address(fleet.len() - 1),
    );
    println!("user {} password {}", ORCHESTRATOR.name, ORCHESTRATOR.password);
    println!("\ncommands:\n{HELP}");
    tokio::select! {
        result = serve(&fleet) => result,
        interrupted = tokio::signal::ctrl_c() => interrupted.context("cannot wait for Ctrl-C"),
    }
}

async fn serve(fleet: &SimulatedFleet) -> Result<()> {
    let mut lines = read_lines();
    while let Some(line) = lines.recv().await {
        let words: Vec<&str> = line.split_whitespace().collect();
        let outcome = match words.as_slice() {
            [] => continue,
            ["quit"] => return Ok(()),
            ["help"] => {
                println!("{HELP}");
                continue;
            }
            ["unknown"] => {
                print_unknown(fleet);
                Ok(0)
            }
            ["kill", who] => set(fleet, who, Mode::Dead),
            ["hang", who] => set(fleet, who, Mode::Hung),
            ["resume", who] => set(fleet, who, Mode::Alive),
            _ => Err(anyhow::anyhow!("no such command `{line}`; try `help`")),
        };
        match outcome {
            Ok(0) => {}
            Ok(count) => println!("ok ({count} servers)"),
            Err(error) => println!("error: {error:#}"),
        }
    }
    // Standard input may be closed from the start, as in a service: then only a signal ends us.
    std::future::pending().await
}

/// How many servers it concerned.
fn set(fleet: &SimulatedFleet, who: &str, mode: Mode) -> Result<usize> {
    if let Some(percent) = who.strip_suffix('%') {
        let percent = percent.parse().with_context(|| format!("`{percent}` is no share"))?;
        return Ok(fleet.sample(percent).inspect(|index| fleet.set_mode(*index, mode)).count());
    }
    let number = who.parse().ok().filter(|number| *number < fleet.len());
    let Some(index) = number.or_else(|| fleet.find(who)) else { bail!("no server `{who}`") };
    fleet.set_mode(index, mode);
    Ok(1)
}

fn print_unknown(fleet: &SimulatedFleet) {
    let unknown = fleet.unknown_statements();
    println!("{} statements answered, {} kinds not known", fleet.answered(), unknown.len());
    for (statement, count) in unknown {
        println!("{count:>8}  {statement}");
    }
}
