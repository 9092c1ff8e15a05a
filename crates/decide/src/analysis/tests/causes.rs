//! The cause that the evidence names, with who saw what.

use model::{Cause, FailedWrite};

use crate::analysis::diagnose;
use crate::scenario::{Scenario, key};

/// `cause: source says; …`, or nothing.
fn of(scenario: &Scenario, name: &str) -> String {
    let diagnosis = diagnose(&scenario.fleet, scenario.instance(name), &scenario.policy, scenario.now);
    diagnosis.map_or_else(String::new, |found| {
        let seen: Vec<String> =
            found.evidence.iter().map(|e| format!("{} {}", e.source.hostname(), e.text)).collect();
        assert!(found.evidence.iter().all(|evidence| evidence.at.is_some()), "evidence has a time");
        format!("{}: {}", found.cause.as_str(), seen.join("; "))
    })
}

fn cause(text: &str) -> String {
    of(&Scenario::parse(text), "p1")
}

#[test]
fn a_failed_check_names_its_cause() {
    let cases = [
        ("refused", "process-gone: p1 the server refused the connection"),
        ("silent", "frozen: p1 the server accepted the connection but did not answer in time"),
        ("unanswered", "host-gone: p1 the server did not accept the connection in time"),
        ("denied", "account-refused: p1 the server refused the account"),
        ("limit", "connection-limit: p1 the server has no connection left"),
        ("full", "disk-full: p1 the server has no disk space left"),
        ("error", ""),
    ];
    for (failure, expected) in cases {
        assert_eq!(cause(&format!("p1 down=3s check={failure}")), expected);
        assert_eq!(cause(&format!("p1 check={failure}")), "", "a later check succeeded");
    }
}

#[test]
fn replicas_that_are_turned_away_name_the_connection_limit() {
    let text = "p1 \n r1 <- p1 io=connecting errno=1040 \n r2 <- p1 io=connecting errno=1203 \n r3 <- p1";
    let expected = "connection-limit: r1 its receiver was turned away (error 1040); r2 its receiver was turned away (error 1203)";
    assert_eq!(cause(text), expected);
    assert_eq!(cause("p1 \n r1 <- p1 errno=1040"), "", "it receives again");
    assert_eq!(cause("p1 \n r1 <- p1 io=connecting errno=2003"), "", "another error");
    assert_eq!(cause("p1 \n r1 <- p1 io=connecting errno=1040 down=9s"), "", "not readable");
    let both = "p1 down=3s check=limit \n r1 <- p1 io=connecting errno=1226";
    assert_eq!(
        cause(both),
        "connection-limit: p1 the server has no connection left; r1 its receiver was turned away (error 1226)"
    );
}

#[test]
fn a_hanging_check_is_a_frozen_server() {
    assert_eq!(cause("p1 hang=7s"), "frozen: p1 a check has begun and is not answered");
    assert_eq!(cause("p1 hang=6s"), "", "within poll and check time");
}

#[test]
fn trial_writes_tell_hanging_from_refused_and_full() {
    assert_eq!(cause("p1 writes=silent"), "commits-hang: p1 2 trial writes in a row did not return in time");
    assert_eq!(
        cause("p1 writes=full"),
        "disk-full: p1 2 trial writes in a row failed: the server has no disk space left"
    );
    assert_eq!(
        cause("p1 writes=error"),
        "writes-refused: p1 2 trial writes in a row failed: the server answered with an error"
    );
    let mut scenario = Scenario::parse("p1 writes=error");
    let write = scenario.fleet.failed_writes.get_mut(&key("p1")).unwrap();
    write.number = Some(1290);
    assert_eq!(of(&scenario, "p1"), "writes-refused: p1 2 trial writes in a row failed with error 1290");
    scenario.fleet.failed_writes.get_mut(&key("p1")).unwrap().failures = FailedWrite::PROOF - 1;
    assert_eq!(of(&scenario, "p1"), "", "one failure may be chance");
}

#[test]
fn an_applier_that_does_not_get_on_is_named() {
    let text = |words: &str| format!("p1 \n r1 <- p1 {words}");
    let of_replica = |words: &str| of(&Scenario::parse(&text(words)), "r1");
    assert_eq!(
        of_replica("stuck=11s"),
        "applier-stuck: r1 its applier runs, and applied nothing of what waits for it for 11 s"
    );
    assert_eq!(of_replica("stuck=10s"), "");
    assert_eq!(of_replica("stuck=11s sql=stopped"), "");
    assert_eq!(of_replica("sql=stopped sqlerrno=1114"), "disk-full: r1 its applier stopped with error 1114");
    assert_eq!(of_replica("sqlerrno=1114"), "", "it runs again");
    assert_eq!(of_replica("sql=stopped sqlerrno=1062"), "");
}

#[test]
fn the_first_cause_counts_and_every_cause_has_a_name_of_its_own() {
    assert_eq!(cause("p1 down=3s check=silent writes=full").split(':').next(), Some("disk-full"));
    let names: std::collections::BTreeSet<_> = Cause::ALL.iter().map(|cause| cause.as_str()).collect();
    let texts: std::collections::BTreeSet<_> = Cause::ALL.iter().map(|cause| cause.text()).collect();
    assert_eq!((names.len(), texts.len()), (Cause::ALL.len(), Cause::ALL.len()));
}
