//! Random histories of the simulator: many seeds at once, or the story of one.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use clap::Parser;
use lab::sim::{Outcome, run_benign, run_seed};

/// Histories between two signs of life.
const PROGRESS_EVERY: u64 = 5_000;

/// Runs the engine on simulated servers.
#[derive(Parser)]
#[command(name = "orchestrator-sim")]
struct Options {
    /// How many seeds to run, from `--from` on.
    #[arg(long, default_value_t = 1_000)]
    seeds: u64,
    /// First seed.
    #[arg(long, default_value_t = 1)]
    from: u64,
    /// Run histories in which nothing asks for a change; a recovery in one of them is an error.
    #[arg(long)]
    benign: bool,
    /// Print the story of this one seed.
    #[arg(long)]
    seed: Option<u64>,
    /// How many at the same time; by default one per processor.
    #[arg(long)]
    threads: Option<usize>,
    /// Go on after the first broken invariant and report all.
    #[arg(long)]
    keep_going: bool,
}

impl Options {
    fn run(&self, seed: u64) -> Outcome {
        if self.benign { run_benign(seed) } else { run_seed(seed) }
    }
}

fn main() -> anyhow::Result<ExitCode> {
    let options = Options::parse();
    let mut out = std::io::stdout().lock();
    if let Some(seed) = options.seed {
        let outcome = options.run(seed);
        writeln!(out, "{}", outcome.to_text())?;
        return Ok(if outcome.violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    let began = Instant::now();
    let outcomes = run_many(&options);
    let mut degraded: BTreeMap<String, u64> = BTreeMap::new();
    for state in outcomes.iter().flat_map(|outcome| &outcome.degraded) {
        *degraded.entry(format!("{state:?}")).or_default() += 1;
    }
    let broken: Vec<&Outcome> = outcomes.iter().filter(|outcome| !outcome.violations.is_empty()).collect();
    for outcome in &broken {
        for violation in &outcome.violations {
            writeln!(out, "seed {}: {violation}", outcome.seed)?;
        }
    }
    for outcome in outcomes.iter().filter(|outcome| outcome.lost_semi_sync > 0) {
        writeln!(
            out,
            "seed {}: lost {} writes that a semi-sync replica had",
            outcome.seed, outcome.lost_semi_sync
        )?;
    }
    let sum = |of: fn(&Outcome) -> usize| outcomes.iter().map(of).sum::<usize>();
    writeln!(
        out,
        "seeds {} to {}: {} histories in {:.1} s: {} recoveries, {} promotions, {} acknowledged writes, {} of them lost although a semi-sync replica \
         had them; {} histories break an invariant",
        options.from,
        outcomes.last().map_or(options.from, |outcome| outcome.seed),
        outcomes.len(),
        began.elapsed().as_secs_f64(),
        sum(|outcome| outcome.recoveries),
        sum(|outcome| outcome.promotions),
        sum(|outcome| outcome.acknowledged),
        sum(|outcome| outcome.lost_semi_sync),
        broken.len()
    )?;
    writeln!(out, "degraded ends: {degraded:?}")?;
    if let Some(first) = broken.first() {
        writeln!(
            out,
            "replay with: orchestrator-sim {}--seed {}",
            if options.benign { "--benign " } else { "" },
            first.seed
        )?;
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

/// A sign of life for whoever waits; the result is on standard output.
fn progress(line: &str) {
    // Nobody reads it: nothing is lost.
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Outcomes by seed, without the stories; ends early at a broken invariant unless told to go on.
fn run_many(options: &Options) -> Vec<Outcome> {
    let threads =
        options.threads.or_else(|| std::thread::available_parallelism().ok().map(usize::from)).unwrap_or(1);
    let (next, finished, began) = (AtomicU64::new(options.from), AtomicU64::new(0), Instant::now());
    let end = options.from.saturating_add(options.seeds);
    let mut outcomes: Vec<Outcome> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| {
                    let mut done = Vec::new();
                    loop {
                        let seed = next.fetch_add(1, Ordering::Relaxed);
                        if seed >= end {
                            return done;
                        }
                        let mut outcome = options.run(seed);
                        outcome.story = Vec::new();
                        if !outcome.violations.is_empty() && !options.keep_going {
                            next.store(end, Ordering::Relaxed);
                        }
                        done.push(outcome);
                        let count = finished.fetch_add(1, Ordering::Relaxed) + 1;
                        if count.is_multiple_of(PROGRESS_EVERY) {
                            let seconds = began.elapsed().as_secs_f64();
                            progress(&format!("{count} of {} histories in {seconds:.0} s", options.seeds));
                        }
                    }
                })
            })
            .collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap_or_default()).collect()
    });
    outcomes.sort_by_key(|outcome| outcome.seed);
    outcomes
}
