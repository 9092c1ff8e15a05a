//! Leaves that cannot connect, binlog servers, and members of replication groups.

use super::check_all;

#[test]
fn first_tier_replica_that_fails_to_connect() {
    let code = "r1: FirstTierReplicaFailingToConnectToMaster";
    check_all(&[
        ("while another replicates", "p1 \n r1 <- p1 failing \n r2 <- p1", code),
        ("second tier", "p1 \n r1 <- p1 \n r2 <- r1 \n l <- r1 failing", ""),
        ("just connecting", "p1 \n r1 <- p1 io=connecting \n r2 <- p1", ""),
        ("applier stopped as well", "p1 \n r1 <- p1 failing sql=stopped \n r2 <- p1", ""),
        (
            "an error of another kind",
            "p1 \n r1 <- p1 io=stopped errno=1236 error=error_connecting_to_source \n r2 <- p1",
            "",
        ),
    ]);
}

#[test]
fn binlog_server_that_fails_to_connect() {
    let code = "b: BinlogServerFailingToConnectToMaster";
    check_all(&[
        ("first tier", "p1 \n b <- p1 nolog maxscale mode=ON failing \n r2 <- p1", code),
        ("any tier", "p1 \n r2 <- p1 \n r3 <- r2 \n b <- r2 maxscale failing depth=7", code),
        ("it connects", "p1 \n b <- p1 nolog maxscale \n r2 <- p1", ""),
        ("an ordinary replica elsewhere", "p1 \n r2 <- p1 \n r3 <- r2 \n b <- r2 failing", ""),
    ]);
}

#[test]
fn group_member_with_replicas() {
    let group = "g1 group=PRIMARY/ONLINE/g1";
    let code = "g1: DeadReplicationGroupMemberWithReplicas";
    let case = |g1: &str, replica: &str| format!("{group} {g1} \n {replica}");
    check_all(&[
        ("unreachable, nobody receives", &case("down=2s", "r1 <- g1 io=stopped"), code),
        ("unreachable, replica unreadable", &case("down=2s", "r1 <- g1 down=2s"), code),
        ("reachable", &case("", "r1 <- g1 io=stopped"), ""),
        ("unreachable, one receives", &case("down=2s", "r1 <- g1 sql=stopped"), ""),
        ("unreachable, no replica", &case("down=2s", ""), ""),
        ("a secondary", "g1 group=SECONDARY/ONLINE/g2 down=2s \n r1 <- g1 io=stopped", code),
        (
            "an expelled member is still one",
            "g1 group=SECONDARY/ERROR/g2 down=2s \n r1 <- g1 io=stopped",
            code,
        ),
        (
            "a member that left is a plain server",
            "g1 group=PRIMARY/OFFLINE/g1 down=2s \n r1 <- g1 io=stopped",
            "g1: DeadMaster",
        ),
    ]);
}

#[test]
fn writes_that_fail_on_a_readable_primary() {
    let code = "p1: MasterWritesFailing";
    check_all(&[
        ("they hang", "p1 writes=silent \n r1 <- p1", code),
        ("they are refused", "p1 writes=error \n r1 <- p1", code),
        ("it answers in part", "p1 down=3s partial writes=silent \n r1 <- p1", code),
        ("nobody tried or all is well", "p1 \n r1 <- p1", ""),
        ("a replica", "p1 \n r1 <- p1 writes=silent \n r2 <- r1", ""),
        ("unreachable: that weighs more", "p1 down=3s writes=silent \n r1 <- p1", "p1: UnreachableMaster"),
        (
            "other codes weigh more",
            "p1 writes=full \n r1 <- p1 io=stopped",
            "p1: MasterSingleReplicaNotReplicating",
        ),
    ]);
}
