//! Codes of co-primaries. In these pairs `a` leads, `b` replicates from it and back.

use super::check_all;

#[test]
fn unreachable_co_primary() {
    let pair = |a: &str, rest: &str| format!("a <- b co {a} \n b <- a co {rest}");
    // The other side is reachable, but its only replica is not.
    let other = "b: AllCoMasterReplicasNotReplicating";
    check_all(&[
        (
            "the other fails to connect",
            &pair("down=2s rw", "failing"),
            &format!("a: DeadCoMaster \n {other}"),
        ),
        ("the other is stopped", &pair("down=2s", "io=stopped"), &format!("a: DeadCoMaster \n {other}")),
        ("reachable", &pair("", "io=stopped"), "a: AllCoMasterReplicasNotReplicating"),
        ("the other still receives", &pair("down=2s", ""), &format!("a: UnreachableCoMaster \n {other}")),
        (
            "the other only receives",
            &pair("down=2s", "sql=stopped"),
            &format!("a: UnreachableCoMaster \n {other}"),
        ),
        (
            "one more replica is unreadable",
            &pair("down=2s", "io=stopped \n c <- a down=2s"),
            &format!("a: DeadCoMasterAndSomeReplicas \n {other}"),
        ),
        (
            "the other is unreadable",
            &pair("down=2s", "down=2s io=stopped"),
            "a: DeadMasterAndReplicas \n b: DeadMasterAndReplicas",
        ),
    ]);
}

#[test]
fn partly_read_co_primary() {
    let other = "b: AllCoMasterReplicasNotReplicating";
    check_all(&[
        ("nobody has trouble", "a <- b co down=2s partial \n b <- a co", other),
        (
            "one cannot connect",
            "a <- b co down=2s partial \n b <- a co \n c <- a io=connecting sql=running errno=2003",
            "a: UnreachableCoMaster \n b: AllCoMasterReplicasNotReplicating \n c: FirstTierReplicaFailingToConnectToMaster",
        ),
        (
            "all lag",
            "a <- b co down=2s partial \n b <- a co lag=11",
            &format!("a: UnreachableMasterWithLaggingReplicas \n {other}"),
        ),
        ("all lag, and delayed", "a <- b co down=2s partial \n b <- a co lag=11 delay=9", other),
        ("reasonable lag", "a <- b co down=2s partial \n b <- a co lag=10", other),
        (
            "lag does not matter when nothing was read",
            "a <- b co down=2s \n b <- a co lag=11",
            &format!("a: UnreachableCoMaster \n {other}"),
        ),
        (
            "dead all the same",
            "a <- b co down=2s partial \n b <- a co io=stopped",
            &format!("a: DeadCoMaster \n {other}"),
        ),
    ]);
}

#[test]
fn reachable_co_primary() {
    check_all(&[
        ("both well", "a <- b co \n b <- a co", ""),
        (
            "no replica replicates",
            "a <- b co \n b <- a co sql=stopped",
            "a: AllCoMasterReplicasNotReplicating",
        ),
        ("one of two replicates", "a <- b co \n b <- a co sql=stopped \n c <- a", ""),
        (
            "no replica readable",
            "a <- b co \n b <- a co down=2s",
            "a: AllCoMasterReplicasNotReplicating \n b: UnreachableCoMaster",
        ),
    ]);
}

#[test]
fn a_replica_flagged_as_co_primary_makes_its_source_one() {
    check_all(&[
        (
            "reset on one side: codes of a primary come first",
            "a down=2s \n b <- a co io=stopped",
            "a: DeadMaster",
        ),
        (
            "an intermediate primary becomes a co-primary",
            "p \n a <- p down=2s \n b <- a co io=stopped",
            "p: MasterSingleReplicaDead \n a: DeadCoMaster",
        ),
    ]);
}
