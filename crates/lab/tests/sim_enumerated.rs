//! Every step of the recovery of a dead primary, broken in every way, one at a time: enumerated, not sampled.

use lab::sim::{Degraded, Outcome, SimFamily, StepFault, run_step};

/// States in which a recovery with one broken step may leave servers. The failed primary itself is always "lost".
const LISTED: &[Degraded] = &[
    Degraded::LostInRecovery,
    Degraded::LeftBelowFailed,
    Degraded::StoppedToKeepRelayLog,
    Degraded::NoPrimary,
];

fn check(family: SimFamily, is_coming_back: bool) {
    let whole = run_step(family, is_coming_back, None);
    assert_eq!((whole.promotions, &whole.violations[..]), (1, &[][..]), "{}", whole.to_text());
    assert!(whole.steps >= 20, "a recovery has more steps than {}", whole.steps);
    let mut broken = Vec::new();
    for step in 1..=whole.steps {
        for fault in StepFault::ALL {
            let outcome = run_step(family, is_coming_back, Some((step, fault)));
            if !is_acceptable(&outcome) {
                broken.push(format!("step {step}, {fault:?}\n{}", outcome.to_text()));
            }
        }
    }
    let titles: Vec<&str> = broken.iter().filter_map(|text| text.lines().next()).collect();
    assert!(broken.is_empty(), "{} ends are not acceptable: {titles:#?}\n{}", broken.len(), broken[0]);
}

/// The goal, the start, or a listed degraded state; and every invariant holds.
fn is_acceptable(outcome: &Outcome) -> bool {
    let is_listed = outcome.degraded.iter().all(|state| LISTED.contains(state));
    outcome.violations.is_empty()
        && is_listed
        && (outcome.promotions > 0 || outcome.is_start_state || !outcome.degraded.is_empty())
}

#[test]
fn mysql_primary_that_stays_dead() {
    check(SimFamily::MySql, false);
}

#[test]
fn mysql_primary_that_comes_back() {
    check(SimFamily::MySql, true);
}

#[test]
fn mariadb_primary_that_stays_dead() {
    check(SimFamily::MariaDb, false);
}

#[test]
fn mariadb_primary_that_comes_back() {
    check(SimFamily::MariaDb, true);
}
