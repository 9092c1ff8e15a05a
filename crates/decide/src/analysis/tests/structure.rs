//! Structure codes. Each is appended to the verdict, in order.

use super::check_all;

#[test]
fn replicas_that_could_not_feed_others() {
    let code = "p1: NoProblem, NoLoggingReplicasStructureWarning";
    check_all(&[
        ("none logs", "p1 \n r1 <- p1 nolog \n r2 <- p1 noupdates", code),
        ("one logs", "p1 \n r1 <- p1 nolog \n r2 <- p1", ""),
        ("a single replica", "p1 \n r1 <- p1 nolog", ""),
        ("below an intermediate primary", "p1 \n m <- p1 \n l1 <- m nolog \n l2 <- m nolog", ""),
    ]);
}

#[test]
fn positions_without_common_kind() {
    let code = "p1: NoProblem, NoFailoverSupportStructureWarning";
    check_all(&[
        ("no GTID", "p1 mode=OFF \n r1 <- p1 mode=OFF gtid=off \n r2 <- p1 mode=OFF gtid=off", code),
        ("one without", "p1 \n r1 <- p1 gtid=off \n r2 <- p1", code),
        ("all with", "p1 \n r1 <- p1 \n r2 <- p1", ""),
        ("MariaDB", "p1 family=mariadb \n r1 <- p1 family=mariadb \n r2 <- p1 family=mariadb", ""),
        ("binlog servers", "p1 \n r1 <- p1 gtid=off maxscale \n r2 <- p1 gtid=off maxscale", ""),
        ("Pseudo-GTID", "p1 pseudo \n r1 <- p1 gtid=off \n r2 <- p1 gtid=off", ""),
        ("a single replica", "p1 \n r1 <- p1 gtid=off", ""),
        (
            "unreadable replicas do not vouch",
            "p1 \n r1 <- p1 down=2s \n r2 <- p1 down=2s",
            "p1: AllMasterReplicasDead, NoFailoverSupportStructureWarning",
        ),
        ("below an intermediate primary", "p1 \n m <- p1 \n l1 <- m gtid=off \n l2 <- m gtid=off", ""),
    ]);
}

#[test]
fn mixed_binary_log_formats() {
    let case = |a: &str, b: &str| format!("p1 \n r1 <- p1 format={a} \n r2 <- p1 format={b}");
    check_all(&[
        (
            "statement and mixed",
            &case("STATEMENT", "MIXED"),
            "p1: NoProblem, StatementAndMixedLoggingReplicasStructureWarning",
        ),
        (
            "statement and row",
            &case("STATEMENT", "ROW"),
            "p1: NoProblem, StatementAndRowLoggingReplicasStructureWarning",
        ),
        ("mixed and row", &case("MIXED", "ROW"), "p1: NoProblem, MixedAndRowLoggingReplicasStructureWarning"),
        ("the same", &case("MIXED", "MIXED"), ""),
        ("statements everywhere", &case("STATEMENT", "STATEMENT"), ""),
        ("the other does not log", "p1 \n r1 <- p1 format=MIXED \n r2 <- p1 format=ROW noupdates", ""),
        (
            "all three",
            &format!("{} \n r3 <- p1", case("MIXED", "STATEMENT")),
            "p1: NoProblem, StatementAndMixedLoggingReplicasStructureWarning, StatementAndRowLoggingReplicasStructureWarning, MixedAndRowLoggingReplicasStructureWarning",
        ),
        (
            "below an intermediate primary",
            "p1 \n m <- p1 \n l1 <- m format=STATEMENT \n l2 <- m format=MIXED \n l3 <- m",
            "",
        ),
    ]);
}

#[test]
fn several_major_versions() {
    let code = "p1: NoProblem, MultipleMajorVersionsLoggingReplicasStructureWarning";
    check_all(&[
        ("two series", "p1 \n r1 <- p1 version=8.4.2 \n r2 <- p1 version=8.0.36", code),
        ("one series", "p1 \n r1 <- p1 version=8.0.11 \n r2 <- p1 version=8.0.36", ""),
        ("the other does not log", "p1 \n r1 <- p1 version=8.4.2 nolog \n r2 <- p1 version=8.0.36", ""),
        ("unreadable versions", "p1 \n r1 <- p1 version=8 \n r2 <- p1 version=9", ""),
        ("a version of two parts", "p1 \n r1 <- p1 version=8.0 \n r2 <- p1 version=8.0.36", ""),
        ("the primary's own does not count", "p1 version=5.7.44 \n r1 <- p1", ""),
        ("below an intermediate primary", "p1 \n m <- p1 \n l1 <- m version=8.4.2 \n l2 <- m", ""),
    ]);
}

#[test]
fn different_gtid_modes() {
    let code = "p1: NoProblem, DifferentGTIDModesStructureWarning";
    check_all(&[
        ("one replica lags behind a change", "p1 \n r1 <- p1 mode=ON_PERMISSIVE \n r2 <- p1", code),
        ("a smaller text", "p1 \n r1 <- p1 mode=OFF \n r2 <- p1", code),
        ("all alike", "p1 mode=OFF \n r1 <- p1 mode=OFF", ""),
        ("an unreadable replica counts", "p1 \n r1 <- p1 mode=OFF down=2s \n r2 <- p1", code),
        (
            "below an intermediate primary",
            "p1 \n m <- p1 \n l1 <- m mode=OFF",
            "m: NoProblem, DifferentGTIDModesStructureWarning",
        ),
        ("MariaDB has no such mode", "p1 family=mariadb \n r1 <- p1 family=mariadb", ""),
        ("no replica, no difference", "policy no_reduce \n p1 mode=ON", ""),
    ]);
}

#[test]
fn errant_transactions() {
    let code = "p1: NoProblem, ErrantGTIDStructureWarning";
    check_all(&[
        ("reported on the source", "p1 \n r1 <- p1 errant=u:1 \n r2 <- p1", code),
        ("a downtimed replica's do not count", "p1 \n r1 <- p1 errant=u:1 downtime=60s \n r2 <- p1", ""),
        ("downtime over", "p1 \n r1 <- p1 errant=u:1 downtime=0s \n r2 <- p1", code),
        ("another replica's do", "p1 \n r1 <- p1 errant=u:1 downtime=60s \n r2 <- p1 errant=u:2", code),
        (
            "below an intermediate primary",
            "p1 \n m <- p1 \n l1 <- m errant=u:1",
            "m: NoProblem, ErrantGTIDStructureWarning",
        ),
    ]);
}

#[test]
fn read_only_and_semi_sync_fallen_back() {
    let fallen = "p1: NoProblem, NotEnoughValidSemiSyncReplicasStructureWarning";
    check_all(&[
        ("read-only", "p1 ro \n r1 <- p1", "p1: NoProblem, NoWriteableMasterStructureWarning"),
        ("read-only replica of a pair", "a <- b co rw \n b <- a co ro", ""),
        ("fell back", "p1 semi=1/0 fallen \n r1 <- p1", fallen),
        ("fell back with enough clients", "p1 semi=1/1 fallen \n r1 <- p1", ""),
        ("switched off", "p1 semi=1/0 fallen disabled \n r1 <- p1", ""),
        ("a replica", "p1 \n m <- p1 semi=1/0 fallen \n l <- m", ""),
        (
            "leaves too, when all are shown",
            "policy no_reduce \n p1 ro",
            "p1: NoProblem, NoWriteableMasterStructureWarning",
        ),
        (
            "group members too",
            "g group=PRIMARY/ONLINE/g ro \n r <- g",
            "g: NoProblem, NoWriteableMasterStructureWarning",
        ),
        ("a secondary is no primary", "g group=SECONDARY/ONLINE/h ro \n r <- g", ""),
    ]);
}
