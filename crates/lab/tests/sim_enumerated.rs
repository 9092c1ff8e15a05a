//! Every step of the recovery of a dead primary, broken in every way, one at a time: enumerated, not sampled.
//!
//! A step is an action on a server, a read of one, a hook, or a durable write about the recovery.

use lab::sim::{Degraded, Outcome, SimFamily, StepCase, StepFault, run_step};

/// States in which a recovery with one broken step may leave servers. The failed primary itself is always "lost".
const LISTED: &[Degraded] = &[Degraded::LostInRecovery, Degraded::StoppedToKeepRelayLog, Degraded::NoPrimary];

fn check(family: SimFamily, case: StepCase) {
    let whole = run_step(family, case, None);
    let promotions = usize::from(case.promotes());
    assert_eq!((whole.promotions, &whole.violations[..]), (promotions, &[][..]), "{}", whole.to_text());
    assert!(whole.steps >= 20, "a recovery has more steps than {}", whole.steps);
    let mut broken = Vec::new();
    for step in 1..=whole.steps {
        for fault in StepFault::ALL {
            let outcome = run_step(family, case, Some((step, fault)));
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
    check(SimFamily::MySql, StepCase::StaysDead);
}

#[test]
fn mysql_primary_that_comes_back() {
    check(SimFamily::MySql, StepCase::ComesBack);
}

#[test]
fn mysql_candidate_that_catches_up() {
    check(SimFamily::MySql, StepCase::CatchesUp);
}

#[test]
fn mysql_replica_left_behind() {
    check(SimFamily::MySql, StepCase::LeavesBehind);
}

#[test]
fn mysql_nobody_to_promote() {
    check(SimFamily::MySql, StepCase::GivesBack);
}

#[test]
fn mysql_primary_that_is_back_in_time() {
    check(SimFamily::MySql, StepCase::StaysPrimary);
}

#[test]
fn mariadb_primary_that_stays_dead() {
    check(SimFamily::MariaDb, StepCase::StaysDead);
}

#[test]
fn mariadb_primary_that_comes_back() {
    check(SimFamily::MariaDb, StepCase::ComesBack);
}

#[test]
fn mariadb_candidate_that_catches_up() {
    check(SimFamily::MariaDb, StepCase::CatchesUp);
}

#[test]
fn mariadb_replica_left_behind() {
    check(SimFamily::MariaDb, StepCase::LeavesBehind);
}

#[test]
fn mariadb_nobody_to_promote() {
    check(SimFamily::MariaDb, StepCase::GivesBack);
}

#[test]
fn mariadb_primary_that_is_back_in_time() {
    check(SimFamily::MariaDb, StepCase::StaysPrimary);
}
