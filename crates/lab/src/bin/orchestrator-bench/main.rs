//! Benchmarks on real servers: how long a failover or a planned takeover takes, how soon a death is known, and what polling costs.

#![expect(clippy::print_stdout, reason = "a program that prints tables")]

mod detect;
mod failover;
mod loaded;
mod poll;
mod spread;
mod takeover;
mod watched;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Measures orchestrator on real servers.
#[derive(Parser, Debug)]
#[command(name = "orchestrator-bench")]
struct Options {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand, Debug)]
enum What {
    /// Seconds from a fault to the first acknowledged write on the new primary, and acknowledged rows lost.
    Failover(failover::Options),
    /// The longest time without an acknowledged write while a primary is replaced as planned, and acknowledged rows lost.
    Takeover(takeover::Options),
    /// Milliseconds from the kill of a primary to the verdict, with all other servers well and with some hung.
    Detect(detect::Options),
    /// CPU per poll, memory, time to know all servers, latency of the main read routes.
    Poll(poll::Options),
}

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse();
    tokio::select! {
        outcome = async { match options.what {
            What::Failover(options) => failover::run(&options).await,
            What::Takeover(options) => takeover::run(&options).await,
            What::Detect(options) => detect::run(&options).await,
            What::Poll(options) => poll::run(&options).await,
        } } => outcome,
        _ = tokio::signal::ctrl_c() => Ok(()),
    }
}
