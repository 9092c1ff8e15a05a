//! Codes of an intermediate primary `m` below `p`. A second replica `r` keeps `p` itself without problem.

use super::check_analysis;

#[track_caller]
fn check(m: &str, replicas: &str, expected: &str) {
    check_analysis(&format!("p \n r <- p \n m <- p {m} \n {replicas}"), expected);
}

#[test]
fn unreachable_with_one_replica() {
    check("down=2s", "l1 <- m failing", "m: DeadIntermediateMasterWithSingleReplicaFailingToConnect");
    check("down=2s", "l1 <- m io=stopped", "m: DeadIntermediateMasterWithSingleReplica");
    check("down=2s", "l1 <- m io=connecting", "m: DeadIntermediateMasterWithSingleReplica");
    check("down=2s", "l1 <- m", "m: UnreachableIntermediateMaster");
    check("down=2s", "l1 <- m sql=stopped", "m: UnreachableIntermediateMaster");
    check("down=2s", "l1 <- m down=2s", "m: DeadIntermediateMasterAndReplicas");
    check("", "l1 <- m failing", "m: AllIntermediateMasterReplicasNotReplicating");
}

#[test]
fn unreachable_with_several_replicas() {
    check("down=2s", "l1 <- m failing \n l2 <- m failing", "m: DeadIntermediateMaster");
    check("down=2s", "l1 <- m io=stopped \n l2 <- m io=stopped", "m: DeadIntermediateMaster");
    check("down=2s", "l1 <- m io=stopped \n l2 <- m", "m: UnreachableIntermediateMaster");
    check("down=2s", "l1 <- m io=stopped \n l2 <- m sql=stopped", "m: UnreachableIntermediateMaster");
    check("down=2s", "l1 <- m io=stopped \n l2 <- m down=2s", "m: DeadIntermediateMasterAndSomeReplicas");
    check("down=2s", "l1 <- m \n l2 <- m down=2s", "m: UnreachableIntermediateMaster");
    check("down=2s", "l1 <- m down=2s \n l2 <- m down=2s", "m: DeadIntermediateMasterAndReplicas");
    check("down=2s", "", "");
}

#[test]
fn unreachable_while_replicas_receive() {
    check("down=2s", "l1 <- m lag=11", "m: UnreachableIntermediateMasterWithLaggingReplicas");
    check("down=2s partial", "l1 <- m lag=11", "m: UnreachableIntermediateMasterWithLaggingReplicas");
    check("down=2s", "l1 <- m lag=10", "m: UnreachableIntermediateMaster");
    check("down=2s", "l1 <- m lag=11 delay=1", "m: UnreachableIntermediateMaster");
    check("down=2s partial", "l1 <- m", "");
    check("down=2s partial", "l1 <- m io=stopped", "m: DeadIntermediateMasterWithSingleReplica");
    check("down=2s", "l1 <- m io=stopped lag=11 \n l2 <- m io=stopped lag=11", "m: DeadIntermediateMaster");
}

#[test]
fn reachable_with_broken_replicas() {
    check("", "l1 <- m failing \n l2 <- m failing", "m: AllIntermediateMasterReplicasFailingToConnectOrDead");
    check("", "l1 <- m failing \n l2 <- m down=2s", "m: AllIntermediateMasterReplicasFailingToConnectOrDead");
    check("", "l1 <- m failing \n l2 <- m io=stopped", "m: AllIntermediateMasterReplicasNotReplicating");
    check("", "l1 <- m io=stopped \n l2 <- m io=stopped", "m: AllIntermediateMasterReplicasNotReplicating");
    check("", "l1 <- m io=stopped \n l2 <- m down=2s", "m: AllIntermediateMasterReplicasNotReplicating");
    check("", "l1 <- m io=stopped \n l2 <- m", "");
    check("", "l1 <- m down=2s \n l2 <- m down=2s", "m: AllIntermediateMasterReplicasDead");
    check("", "l1 <- m down=2s", "m: AllIntermediateMasterReplicasDead");
    check("", "l1 <- m down=2s downtime=60s", "");
    check("", "l1 <- m", "");
}

#[test]
fn older_codes_come_before_newer_ones() {
    check("failing", "l1 <- m down=2s", "m: FirstTierReplicaFailingToConnectToMaster");
}
