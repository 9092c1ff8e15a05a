//! Each rule by a pair of servers that breaks it, and by what softens it.

use super::*;
use crate::failover::scenario::{instance, replication_policy};

fn check(replica: &str, source: &str, expected: &[&str]) {
    check_with(replica, source, &replication_policy(), expected);
}

fn check_with(replica: &str, source: &str, policy: &ReplicationPolicy, expected: &[&str]) {
    let result = can_replicate_from(&instance(replica), &instance(source), policy);
    let texts: Vec<String> = match result {
        Ok(warnings) => warnings.iter().map(|warning| format!("warning: {warning}")).collect(),
        Err(reasons) => reasons.iter().map(ToString::to_string).collect(),
    };
    assert_eq!(texts, expected, "{replica} | {source}");
}

#[test]
fn each_rule_has_its_text() {
    check("r1 <- p1", "p1", &[]);
    check("r1 <- p1", "p1 log_bin=off", &["instance does not have binary logs enabled: p1:3306"]);
    check(
        "r1 <- p1",
        "r2 <- p1 log_updates=off",
        &["instance does not have log_slave_updates enabled: r2:3306"],
    );
    check(
        "r1 <- p1 version=5.7.44",
        "p1",
        &["instance r1:3306 has version 5.7.44, which is lower than 8.0.36 on p1:3306 "],
    );
    check(
        "r1 <- p1 format=STATEMENT",
        "p1",
        &["Cannot replicate from ROW binlog format on p1:3306 to STATEMENT on r1:3306"],
    );
    check("r1 <- p1 format=INHERIT", "p1", &[]);
    check("r1 <- p1 id=7", "p1 id=7", &["Identical server id: p1:3306, r1:3306 both have 7"]);
    check(
        "r1 <- p1",
        "p1 delay=30",
        &["p1:3306 has higher SQL_Delay (30 seconds) than r1:3306 does (0 seconds)"],
    );
    check("r1 <- p1", "p1 delay=20", &[]);
    check(
        "r1 <- p1 gtid_mode=ON",
        "p1 gtid_mode=OFF",
        &["gtid_mode ON on r1:3306 cannot read the binary log of gtid_mode OFF on p1:3306"],
    );
    check(
        "r1 <- p1 version=11.4.2-MariaDB",
        "p1",
        &["r1:3306 (MariaDB) cannot replicate from p1:3306 (MySQL)"],
    );
    check("r1 <- p1 version=11.4.2-MariaDB", "p1 version=5.7.44", &[]);
    check("r1 <- p1", "r2 <- r1", &["r2:3306 is a descendant of r1:3306: replication would go in a circle"]);
}

#[test]
fn all_reasons_are_reported_in_rule_order() {
    check(
        "p1 version=5.7.44",
        "p1 log_bin=off",
        &[
            "instance cannot replicate from itself: p1:3306",
            "instance does not have binary logs enabled: p1:3306",
            "instance p1:3306 has version 5.7.44, which is lower than 8.0.36 on p1:3306 ",
            "Identical server id: p1:3306, p1:3306 both have 1",
            "Identical server UUID: p1:3306, p1:3306 both have 00000000-0000-0000-0000-000000000001",
        ],
    );
}

#[test]
fn settings_soften_or_add_rules() {
    let mut policy = replication_policy();
    policy.lower_replica_version_allowed = true;
    check_with(
        "r1 <- p1 version=5.7.44",
        "p1",
        &policy,
        &["warning: instance r1:3306 has version 5.7.44, which is lower than 8.0.36 on p1:3306; \
         LowerReplicaVersionAllowed is set"],
    );
    policy.verify_filters = true;
    check_with("r1 <- p1", "r2 <- p1 filters=on", &policy, &["r2:3306 has replication filters"]);
    check_with("r1 <- p1 filters=on", "r2 <- p1 filters=on", &policy, &[]);
    check("r1 <- p1", "r2 <- p1 filters=on", &[]);
}

#[test]
fn warnings_do_not_refuse() {
    check(
        "r1 <- p1 version=9.1.0",
        "p1",
        &["warning: replicating from 8.0.36 to 9.1.0 skips a release series, which is not supported"],
    );
    check("r1 <- p1 version=8.4.1", "p1", &[]);
    check(
        "r1 <- p1 version=8.0.30",
        "p1",
        &["warning: the source has a newer patch level (8.0.36) than the replica (8.0.30)"],
    );
}

#[test]
fn binlog_servers_are_exempt_from_version_and_identity() {
    check("r1 <- p1", "m1 version=24.02.1-maxscale", &[]);
    check("m1 <- p1 version=2.5.0-maxscale id=1", "p1", &[]);
}

#[test]
fn gtid_place_needs_the_same_kind_and_unpurged_logs() {
    let texts = |replica: &str, source: &str| -> Vec<String> {
        gtid_obstacles(&instance(replica), &instance(source)).iter().map(ToString::to_string).collect()
    };
    assert!(texts("r1 <- p1 gtid=1:1-10", "r2 <- p1 gtid=1:1-10 purged=1:1-10").is_empty());
    assert_eq!(
        texts("r1 <- p1 gtid=1:1-9", "r2 <- p1 gtid=1:1-10 purged=1:1-10"),
        [
            "Instance r2:3306 has purged GTID entries not found on r1:3306: 00000000-0000-0000-0000-000000000001:10",
        ]
    );
    assert_eq!(
        texts("r1 <- p1 use=file", "r2 <- p1"),
        ["Instances r1:3306, r2:3306 not GTID compatible or not using GTID",]
    );
}
