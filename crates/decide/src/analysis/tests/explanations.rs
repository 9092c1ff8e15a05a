//! Explanations as people read them.

use super::filters::{AllAutomated, OnlyIntermediates};
use crate::analysis::{AnalysisFilters, explain_instance};
use crate::scenario::{Scenario, key};

#[track_caller]
fn check(text: &str, name: &str, filters: &dyn AnalysisFilters, expected: &str) {
    let scenario = Scenario::parse(text);
    let found =
        explain_instance(&scenario.fleet, &key(name), &scenario.policy, filters, scenario.now).unwrap();
    let wanted: Vec<&str> = expected.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let shown = found.to_string();
    let shown: Vec<&str> = shown.lines().map(str::trim).collect();
    assert_eq!(shown, wanted);
}

#[test]
fn an_unreachable_primary_that_somebody_still_hears() {
    check(
        "p1 down=12s \n r1 <- p1 io=connecting \n r2 <- p1 sql=stopped",
        "p1",
        &AllAutomated,
        "p1:3306 (cluster p1:3306): UnreachableMaster
         seen: p1:3306 is a primary, unreachable, last read 12.0 s ago
         seen: r1:3306 is connecting to it
         seen: r2:3306 receives from it, its applier is stopped
         because: is a primary
         because: is unreachable
         because: the last check read nothing
         because: some replica receives from it
         not DeadMasterWithoutReplicas: that needs: has no replica
         not DeadMaster: that needs: no replica receives from it
         not UnreachableMasterWithLaggingReplicas: that needs: every replica lags
         not AllMasterReplicasNotReplicating: that needs: is reachable
         no action: no recovery exists for this analysis",
    );
}

#[test]
fn a_dead_primary_that_may_be_replaced() {
    let scenario = Scenario::parse("p1 down=12s \n r1 <- p1 failing");
    let found =
        explain_instance(&scenario.fleet, &key("p1"), &scenario.policy, &AllAutomated, scenario.now).unwrap();
    assert_eq!(found.obstacles, []);
    assert_eq!(
        found.seen[1],
        "r1:3306 fails to connect to it (error 2003: error connecting to source 'repl@p1:3306')"
    );
}

#[test]
fn everything_that_stands_in_the_way() {
    let cases = [
        (
            "p1 down=2s maintenance \n r1 <- p1 io=stopped",
            "it is in maintenance by dba (work), so it is not analysed; end the maintenance",
        ),
        (
            "p1 down=2s downtime=60s \n r1 <- p1 io=stopped",
            "it is downtimed until 2027-01-15 08:01:00 (work); end the downtime",
        ),
        ("policy max_age=25s \n p1 age=30s", "it was not checked for too long; refresh it"),
        (
            "p1 \n r1 <- p1 down=2s downtime=9s",
            "all of its replicas are downtimed, which makes this uninteresting",
        ),
        ("p1 \n r1 <- p1 down=2s", "no recovery exists for this analysis"),
        (
            "p1 down=2s partial semi=1/0 still=11s \n r1 <- p1",
            "the recovery would change the server itself, which is unreachable",
        ),
        (
            "policy need_connect_failure \n p1 down=2s \n r1 <- p1 io=stopped",
            "no replica fails to connect or is connecting; replication may have been stopped by hand",
        ),
    ];
    for (text, expected) in cases {
        let scenario = Scenario::parse(text);
        let found =
            explain_instance(&scenario.fleet, &key("p1"), &scenario.policy, &AllAutomated, scenario.now);
        let shown: Vec<String> = found.unwrap().obstacles.iter().map(ToString::to_string).collect();
        assert!(shown.iter().any(|line| line == expected), "{text}: {shown:?}");
    }
}

#[test]
fn settings_that_stand_in_the_way() {
    let shown = |text: &str, name: &str| {
        let scenario = Scenario::parse(text);
        let found =
            explain_instance(&scenario.fleet, &key(name), &scenario.policy, &OnlyIntermediates, scenario.now)
                .unwrap();
        found.obstacles.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let cluster = "no entry of `RecoverMasterClusterFilters` or `RecoverIntermediateMasterClusterFilters` allows it for the cluster";
    assert_eq!(shown("p1 down=2s \n r1 <- p1 io=stopped", "p1"), [cluster]);
    assert_eq!(shown("x1 down=2s \n r1 <- x1 io=stopped", "x1").len(), 2);
    assert_eq!(
        shown("policy repair_read_only \n p9 ro \n r1 <- p9", "p9"),
        ["an operation in progress on the cluster explains it", cluster]
    );
    let intermediate = "p1 \n r <- p1 \n m <- p1 down=2s \n a <- m io=stopped \n b <- m io=stopped";
    assert_eq!(
        shown(intermediate, "m"),
        Vec::<String>::new(),
        "intermediate primaries have their own filter"
    );
}

#[test]
fn states_of_servers_and_replicas() {
    let cases = [
        (
            "p1 down=3s partial",
            "p1",
            "p1:3306 is a primary, unreachable, though the basic variables could be read, last read 3.0 s ago",
        ),
        ("p1 never", "p1", "p1:3306 is a primary, unreachable, never read"),
        ("p1", "p1", "p1:3306 is a primary, reachable, last read 1.0 s ago"),
        (
            "policy max_age=25s \n p1 age=30s",
            "p1",
            "p1:3306 is a primary, not checked for too long, last read 30.0 s ago",
        ),
        ("a <- b co \n b <- a co", "a", "a:3306 is a co-primary, reachable, last read 1.0 s ago"),
        ("p \n m <- p \n l <- m", "m", "m:3306 is an intermediate primary, reachable, last read 1.0 s ago"),
        ("p \n m <- p \n l <- m", "l", "l:3306 is a replica, reachable, last read 1.0 s ago"),
        ("g group=PRIMARY/ONLINE/g", "g", "g:3306 is a group member, reachable, last read 1.0 s ago"),
        ("p1 \n r1 <- p1 down=5s", "p1", "r1:3306 is unreadable, last read 5.0 s ago"),
        (
            "policy max_age=25s \n p1 \n r1 <- p1 age=30s",
            "p1",
            "r1:3306 was not checked for too long, last read 30.0 s ago; then it receives from it",
        ),
        (
            "p1 \n r1 <- p1 io=stopped sql=stopped",
            "p1",
            "r1:3306 has its receiver stopped, its applier is stopped",
        ),
        ("p1 \n r1 <- p1 io=stopped errno=1236", "p1", "r1:3306 has its receiver stopped (error 1236: )"),
    ];
    for (text, name, expected) in cases {
        let scenario = Scenario::parse(text);
        let found =
            explain_instance(&scenario.fleet, &key(name), &scenario.policy, &AllAutomated, scenario.now)
                .unwrap();
        assert!(found.seen.iter().any(|line| line == expected), "{text}: {:?}", found.seen);
    }
}

#[test]
fn structure_is_named_and_unknown_servers_have_no_explanation() {
    check(
        "p1 ro \n r1 <- p1",
        "p1",
        &AllAutomated,
        "p1:3306 (cluster p1:3306): NoProblem
         seen: p1:3306 is a primary, reachable, last read 1.0 s ago
         seen: r1:3306 receives from it
         structure: NoWriteableMasterStructureWarning
         not NoWriteableMasterStructureWarning: that needs: `RecoverNonWriteableMaster` is on
         not MasterSingleReplicaNotReplicating: that needs: no readable replica replicates
         not MasterSingleReplicaDead: that needs: no replica is readable",
    );
    let scenario = Scenario::parse("p1");
    assert_eq!(
        explain_instance(&scenario.fleet, &key("p2"), &scenario.policy, &AllAutomated, scenario.now),
        None
    );
}
