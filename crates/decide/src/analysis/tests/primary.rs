//! Codes of a primary.

use super::check_all;

#[test]
fn unreachable_without_replicas() {
    check_all(&[
        ("alone and gone", "p1 down=12s", "p1: DeadMasterWithoutReplicas"),
        ("alone and well", "p1", ""),
        ("never read: may be a typing error", "p1 never", ""),
        (
            "a replica without replicas is no primary",
            "p1 \n r1 <- p1 down=12s",
            "p1: MasterSingleReplicaDead",
        ),
        ("hangs just within its time", "p1 hang=6s", ""),
        ("hangs a second longer", "p1 hang=7s", "p1: DeadMasterWithoutReplicas"),
    ]);
}

#[test]
fn unreachable_and_nobody_receives() {
    check_all(&[
        (
            "one replica fails to connect",
            "p1 down=2s \n r1 <- p1 failing",
            "p1: DeadMaster \n r1: FirstTierReplicaFailingToConnectToMaster",
        ),
        (
            "stopped receivers count as well",
            "p1 down=2s \n r1 <- p1 io=stopped \n r2 <- p1 io=connecting",
            "p1: DeadMaster",
        ),
        (
            "reachable",
            "p1 \n r1 <- p1 io=stopped \n r2 <- p1 io=connecting",
            "p1: AllMasterReplicasNotReplicating",
        ),
        (
            "one replica is unreadable",
            "p1 down=2s \n r1 <- p1 io=stopped \n r2 <- p1 down=2s",
            "p1: DeadMasterAndSomeReplicas",
        ),
        (
            "all replicas are unreadable",
            "p1 down=2s \n r1 <- p1 down=2s \n r2 <- p1 down=2s",
            "p1: DeadMasterAndReplicas, NoFailoverSupportStructureWarning",
        ),
        ("a failure only of the primary", "p1 down=2s \n r1 <- p1", "p1: UnreachableMaster"),
        (
            "a replica whose source is detached is a primary",
            "m <- //gone rw down=2s \n r1 <- m io=stopped",
            "m: DeadMaster",
        ),
        (
            "a partly read primary is dead all the same",
            "p1 down=2s partial \n r1 <- p1 io=stopped",
            "p1: DeadMaster",
        ),
    ]);
}

#[test]
fn unreachable_with_unreadable_replicas() {
    check_all(&[
        ("another one receives", "p1 down=2s \n r1 <- p1 \n r2 <- p1 down=2s", "p1: UnreachableMaster"),
        (
            "what an unreadable replica last said does not count",
            "p1 down=2s \n r1 <- p1 io=running down=3s",
            "p1: DeadMasterAndReplicas",
        ),
        ("replicas that hang are still readable", "p1 down=2s \n r1 <- p1 hang=60s", "p1: UnreachableMaster"),
    ]);
}

#[test]
fn a_receiving_replica_is_proof_of_life() {
    check_all(&[
        (
            "applier stopped",
            "p1 down=12s \n r1 <- p1 io=connecting \n r2 <- p1 sql=stopped",
            "p1: UnreachableMaster",
        ),
        (
            "all appliers stopped",
            "p1 down=12s \n r1 <- p1 sql=stopped lag=null \n r2 <- p1 sql=stopped lag=null",
            "p1: UnreachableMaster",
        ),
        ("the receiver alone stopped", "p1 down=12s \n r1 <- p1 io=stopped", "p1: DeadMaster"),
        (
            "about a reachable primary both threads are asked",
            "p1 \n r1 <- p1 sql=stopped",
            "p1: MasterSingleReplicaNotReplicating",
        ),
    ]);
}

#[test]
fn unreachable_while_all_replicas_lag() {
    let code = "p1: UnreachableMasterWithLaggingReplicas";
    check_all(&[
        ("all lag", "p1 down=12s \n r1 <- p1 lag=11 \n r2 <- p1 lag=30", code),
        ("just reasonable", "p1 down=12s \n r1 <- p1 lag=10 \n r2 <- p1 lag=30", "p1: UnreachableMaster"),
        ("unknown lag is no lag", "p1 down=12s \n r1 <- p1 lag=null", "p1: UnreachableMaster"),
        ("all delayed by configuration", "p1 down=12s \n r1 <- p1 lag=11 delay=5", "p1: UnreachableMaster"),
        ("one is not delayed", "p1 down=12s \n r1 <- p1 lag=11 delay=5 \n r2 <- p1 lag=11", code),
        ("partly read", "p1 down=12s partial \n r1 <- p1 lag=11", code),
        ("nobody receives", "p1 down=12s \n r1 <- p1 lag=11 io=stopped", "p1: DeadMaster"),
        (
            "an unreadable replica's lag counts as last known",
            "p1 down=12s \n r1 <- p1 lag=11 \n r2 <- p1 down=12s lag=0",
            "p1: UnreachableMaster",
        ),
    ]);
}

#[test]
fn partly_read_while_replicas_receive() {
    let first_tier = "r2: FirstTierReplicaFailingToConnectToMaster";
    check_all(&[
        ("nobody has trouble", "p1 down=12s partial \n r1 <- p1", ""),
        (
            "one cannot connect",
            "p1 down=12s partial \n r1 <- p1 \n r2 <- p1 failing",
            &format!("p1: UnreachableMaster \n {first_tier}"),
        ),
        (
            "nobody receives any more",
            "p1 down=12s partial \n r2 <- p1 failing",
            &format!("p1: DeadMaster \n {first_tier}"),
        ),
    ]);
}

#[test]
fn reachable_with_broken_replicas() {
    check_all(&[
        ("the only replica stopped", "p1 \n r1 <- p1 io=stopped", "p1: MasterSingleReplicaNotReplicating"),
        ("the only replica replicates", "p1 \n r1 <- p1", ""),
        ("the only replica is unreadable", "p1 \n r1 <- p1 down=2s", "p1: MasterSingleReplicaDead"),
        (
            "two stopped",
            "p1 \n r1 <- p1 io=stopped \n r2 <- p1 sql=stopped",
            "p1: AllMasterReplicasNotReplicating",
        ),
        ("one of two stopped", "p1 \n r1 <- p1 io=stopped \n r2 <- p1", ""),
        (
            "one stopped, one unreadable",
            "p1 \n r1 <- p1 io=stopped \n r2 <- p1 down=2s",
            "p1: AllMasterReplicasNotReplicatingOrDead",
        ),
        ("one replicates, one unreadable", "p1 \n r1 <- p1 \n r2 <- p1 down=2s", ""),
        (
            "two unreadable",
            "p1 \n r1 <- p1 down=2s \n r2 <- p1 down=2s",
            "p1: AllMasterReplicasDead, NoFailoverSupportStructureWarning",
        ),
    ]);
}

#[test]
fn read_only_primary() {
    let structure = "p1: NoProblem, NoWriteableMasterStructureWarning";
    let both = "p1: NoWriteableMasterStructureWarning, NoWriteableMasterStructureWarning";
    check_all(&[
        ("not to be repaired", "p1 ro \n r1 <- p1", structure),
        ("to be repaired", "policy repair_read_only \n p1 ro \n r1 <- p1", both),
        ("writable", "policy repair_read_only \n p1 \n r1 <- p1", ""),
        (
            "nobody replicates",
            "policy repair_read_only \n p1 ro \n r1 <- p1 sql=stopped",
            "p1: MasterSingleReplicaNotReplicating, NoWriteableMasterStructureWarning",
        ),
        (
            "unreachable",
            "policy repair_read_only \n p1 ro down=2s \n r1 <- p1",
            "p1: UnreachableMaster, NoWriteableMasterStructureWarning",
        ),
        (
            "a read-only replica is as it should be",
            "policy repair_read_only \n p1 \n r1 <- p1 ro \n r2 <- r1",
            "",
        ),
    ]);
}

#[test]
fn replication_stopped_by_hand_everywhere() {
    check_all(&[
        ("taken for a death by default", "p1 down=2s \n r1 <- p1 io=stopped sql=stopped", "p1: DeadMaster"),
        (
            "withheld when a connection failure is asked for",
            "policy need_connect_failure \n p1 down=2s \n r1 <- p1 io=stopped",
            "p1: DeadMaster (withheld)",
        ),
        (
            "one is connecting",
            "policy need_connect_failure \n p1 down=2s \n r1 <- p1 io=stopped \n r2 <- p1 io=connecting",
            "p1: DeadMaster",
        ),
        (
            "one failed to connect",
            "policy need_connect_failure \n p1 down=2s \n r1 <- p1 io=stopped errno=2003 \n r2 <- p1 io=stopped",
            "p1: DeadMaster \n r1: FirstTierReplicaFailingToConnectToMaster",
        ),
    ]);
}
