//! Random histories of the engine on simulated servers: all invariants hold, and a seed gives one history.
//!
//! `SIM_SEEDS=N` runs another number of seeds, `SIM_FROM=N` begins elsewhere, `SIM_SEED=N` prints the story of one.

use std::sync::atomic::{AtomicU64, Ordering};

use lab::sim::{Outcome, SimFamily, StepCase, run_seed, run_step};

const SEEDS: u64 = 1_000;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// Runs seeds on all processors; the first history that breaks an invariant is returned.
fn first_broken(from: u64, count: u64) -> (Option<Outcome>, usize) {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let next = AtomicU64::new(from);
    let end = from + count;
    let results: Vec<(Option<Outcome>, usize)> = std::thread::scope(|scope| {
        let work = || {
            let mut promotions = 0;
            loop {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed >= end {
                    return (None, promotions);
                }
                let outcome = run_seed(seed);
                promotions += outcome.promotions;
                if !outcome.violations.is_empty() {
                    next.store(end, Ordering::Relaxed);
                    return (Some(outcome), promotions);
                }
            }
        };
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers.into_iter().map(|worker| worker.join().expect("the simulator does not panic")).collect()
    });
    let promotions = results.iter().map(|(_, promotions)| promotions).sum();
    let broken = results.into_iter().filter_map(|(broken, _)| broken).min_by_key(|outcome| outcome.seed);
    (broken, promotions)
}

#[test]
fn all_invariants_hold_in_random_histories() {
    if let Some(seed) = number("SIM_SEED") {
        let outcome = run_seed(seed);
        assert!(outcome.violations.is_empty(), "seed {seed}\n{}", outcome.to_text());
        return;
    }
    let count = number("SIM_SEEDS").unwrap_or(SEEDS);
    let (broken, promotions) = first_broken(number("SIM_FROM").unwrap_or(1), count);
    if let Some(outcome) = broken {
        panic!(
            "{}\nreplay with SIM_SEED={} or `orchestrator-sim --seed {0}`",
            outcome.to_text(),
            outcome.seed
        );
    }
    assert!(
        promotions as u64 >= count / 10,
        "only {promotions} promotions in {count} histories: nothing was tested"
    );
}

/// When the first promotion was on record, in seconds of the history.
fn promoted_at(outcome: &Outcome) -> Option<f64> {
    let line = outcome.story.iter().find(|line| line.contains("recovery ends: promoted c"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[test]
fn a_hanging_detection_hook_does_not_hold_up_a_failover() {
    for family in [SimFamily::MySql, SimFamily::MariaDb] {
        let [quick, hanging] = [StepCase::StaysDead, StepCase::HookHangs].map(|case| {
            let outcome = run_step(family, case, None);
            promoted_at(&outcome).unwrap_or_else(|| panic!("nobody was promoted\n{}", outcome.to_text()))
        });
        assert!(hanging < quick + 3.0, "promoted after {hanging} s instead of {quick} s");
    }
}

#[test]
fn a_clock_that_is_set_does_not_hide_a_death() {
    for family in [SimFamily::MySql, SimFamily::MariaDb] {
        let [quick, back, forth] = [StepCase::StaysDead, StepCase::ClockSetBack, StepCase::ClockSetForth]
            .map(|case| {
                let outcome = run_step(family, case, None);
                promoted_at(&outcome)
                    .unwrap_or_else(|| panic!("{case:?}: nobody was promoted\n{}", outcome.to_text()))
            });
        assert!(back < quick + 1.0, "promoted after {back} s instead of {quick} s");
        assert!(forth < quick + 1.0, "promoted after {forth} s instead of {quick} s");
    }
}

#[test]
fn a_seed_gives_one_history() {
    for seed in [3, 33, 147, 623, 1941, 2129] {
        let (first, second) = (run_seed(seed), run_seed(seed));
        assert_eq!(first.story, second.story, "seed {seed}");
        assert_eq!(first.to_text(), second.to_text(), "seed {seed}");
    }
}
