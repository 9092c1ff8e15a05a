//! Nothing is recovered while nothing asks for it.
//!
//! `SIM_SEEDS=10000` runs another number of seeds, `SIM_FROM=N` begins elsewhere; `orchestrator-sim --benign` does the
//! same and counts.

use std::sync::atomic::{AtomicU64, Ordering};

use lab::sim::{Outcome, run_benign};

const SEEDS: u64 = 300;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

#[test]
#[expect(clippy::print_stdout, reason = "the seeds belong to the outcome of the test")]
fn benign_histories_end_without_a_recovery() {
    let from = number("SIM_FROM").unwrap_or(1);
    let end = from + number("SIM_SEEDS").unwrap_or(SEEDS);
    let next = AtomicU64::new(from);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let broken: Option<Outcome> = std::thread::scope(|scope| {
        let work = || loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= end {
                return None;
            }
            let outcome = run_benign(seed);
            if !outcome.violations.is_empty() {
                next.store(end, Ordering::Relaxed);
                return Some(outcome);
            }
        };
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let ends = workers.into_iter().map(|worker| worker.join().expect("the simulator does not panic"));
        ends.flatten().min_by_key(|outcome| outcome.seed)
    });
    if let Some(outcome) = broken {
        panic!("{}\nreplay with `orchestrator-sim --benign --seed {}`", outcome.to_text(), outcome.seed);
    }
    println!("seeds {from} to {}: no recovery", end - 1);
}
