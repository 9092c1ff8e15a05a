//! How single facts are read from instances.

use std::time::Duration;

use model::Facts;

use crate::analysis::{analyze_instance, facts, fails_to_connect, is_primary, is_reachable};
use crate::scenario::{Scenario, key};

fn facts_of(text: &str, name: &str) -> Facts {
    let scenario = Scenario::parse(text);
    facts(&scenario.fleet, scenario.instance(name), &scenario.policy, scenario.now)
}

#[test]
fn counts_of_replicas() {
    let facts = facts_of(
        "p1
         r1 <- p1 lag=11 delay=3 semi_replica downtime=60s
         r2 <- p1 io=connecting down=3s delay=1 lag=12 semi_replica
         r3 <- p1 sql=stopped
         r4 <- p1 failing family=mariadb
         r5 <- p1 io=stopped maxscale gtid=off
         l1 <- r1",
        "p1",
    );
    let counts = [
        facts.replicas,
        facts.valid_replicas,
        facts.replicating,
        facts.receiving,
        facts.replicas_failing_to_connect,
        facts.replicas_connecting,
    ];
    assert_eq!(counts, [5, 4, 1, 2, 1, 1]);
    let counts = [
        facts.downtimed_replicas,
        facts.delayed_replicas,
        facts.lagging_replicas,
        facts.semi_sync_replicas,
        facts.valid_oracle_gtid,
        facts.valid_mariadb_gtid,
        facts.valid_binlog_servers,
    ];
    assert_eq!(counts, [1, 2, 2, 2, 2, 1, 1]);
}

#[test]
fn counts_of_logging_replicas() {
    let facts = facts_of(
        "p1 \n r1 <- p1 format=STATEMENT \n r2 <- p1 format=MIXED down=2s \n r3 <- p1 \n r4 <- p1 nolog \n r5 <- p1 version=5.7.44",
        "p1",
    );
    let counts = [
        facts.logging_replicas,
        facts.logging_statement,
        facts.logging_mixed,
        facts.logging_row,
        facts.logging_major_versions,
    ];
    assert_eq!(counts, [4, 1, 1, 2, 2]);
}

#[test]
fn texts_are_compared_as_texts() {
    let facts = facts_of(
        "p1 mode=OFF \n r1 <- p1 mode=ON errant=a:1 \n r2 <- p1 mode=OFF_PERMISSIVE errant=b:1 \n r3 <- p1 errant=z:1 downtime=9s",
        "p1",
    );
    assert_eq!(
        [
            &facts.gtid_mode,
            &facts.min_replica_gtid_mode,
            &facts.max_replica_gtid_mode,
            &facts.max_replica_errant
        ],
        ["OFF", "OFF_PERMISSIVE", "ON", "b:1"]
    );
    let mixed = facts_of("p1 \n r1 <- p1 family=mariadb \n r2 <- p1", "p1");
    assert_eq!([&mixed.min_replica_gtid_mode, &mixed.max_replica_gtid_mode], ["", "ON"]);
}

#[test]
fn semi_sync_and_own_values() {
    let facts = facts_of("p1 semi=2/1 sessions=3 still=11s ro pseudo region=eu \n r1 <- p1 depth=4", "p1");
    assert!(facts.semi_sync_enabled && facts.semi_sync_active && facts.stale_coordinates);
    assert!(facts.read_only && facts.pseudo_gtid && facts.check_partial && facts.check_valid);
    assert_eq!((facts.semi_sync_wait_count, facts.semi_sync_clients), (2, 1));
    assert_eq!(facts.semi_sync_wait_sessions, Some(3));
    for (sessions, stands_still) in [(1, true), (0, false)] {
        let moved = format!("p1 semi=2/1 still=11s pos=binlog.000001:9 sessions={sessions} \n r1 <- p1");
        assert_eq!(facts_of(&moved, "p1").stale_coordinates, stands_still, "{sessions} sessions wait");
    }
    assert_eq!(facts_of("p1 \n r1 <- p1 depth=4 maxscale", "r1").depth, 4);
    assert!(facts_of("p1 \n r1 <- p1 maxscale", "r1").is_binlog_server);
}

#[test]
fn who_is_a_primary() {
    let is_primary = |text| is_primary(Scenario::parse(text).instance("s"));
    assert!(is_primary("s") && is_primary("s <- _") && is_primary("s <- //p") && is_primary("s <- p:0"));
    assert!(!is_primary("s <- p"));
    assert!(is_primary("s group=PRIMARY/ONLINE/s") && !is_primary("s group=SECONDARY/ONLINE/g"));
    assert!(!is_primary("s <- p group=PRIMARY/ONLINE/s"));
}

#[test]
fn replicas_are_found_by_the_name_the_server_resolves_to() {
    let mut scenario = Scenario::parse("p1 down=2s \n r1 <- db1 io=stopped");
    let verdict = |scenario: &Scenario| {
        let filters = crate::analysis::NoFilters;
        let finding = analyze_instance(&scenario.fleet, &key("p1"), &scenario.policy, &filters, scenario.now);
        finding.map(|finding| (finding.code.as_str(), finding.replicas)).unwrap()
    };
    assert_eq!(verdict(&scenario), ("DeadMasterWithoutReplicas", vec![]));
    scenario.fleet.resolved.insert("p1".to_owned(), "db1".to_owned());
    assert_eq!(verdict(&scenario), ("DeadMaster", vec![key("r1")]));
}

#[test]
fn failing_to_connect_is_judged_by_number() {
    let fails = |facts: &str| fails_to_connect(Scenario::parse(&format!("r1 <- p1 {facts}")).instance("r1"));
    for number in
        [2003, 2000, 2999, 1040, 1045, 1053, 1129, 1130, 1158, 1159, 1160, 1161, 1203, 1226, 3032, 3159]
    {
        assert!(fails(&format!("io=stopped errno={number}")), "{number}");
        assert!(fails(&format!("io=connecting errno={number} error=any_text")), "{number}");
    }
    for number in [1236, 1593, 1595, 13114, 13117, 1999, 3000, 1157, 1162] {
        assert!(!fails(&format!("io=stopped errno={number} error=error_connecting_to_source")), "{number}");
    }
    assert!(!fails("io=running errno=2003") && !fails("io=stopped sql=stopped errno=2003"));
}

#[test]
fn failing_to_connect_is_judged_by_text_where_no_number_is_known() {
    let fails = |text: &str| {
        fails_to_connect(Scenario::parse(&format!("r1 <- p1 io=stopped error={text}")).instance("r1"))
    };
    assert!(
        fails("error_connecting_to_master_'repl@p1'") && fails("\"Error_reconnecting_to_source_'repl@p1'\"")
    );
    assert!(
        !fails("connecting_to_master")
            && !fails("error_reading_from_master")
            && !fails("errorconnecting_to_master")
    );
    assert!(!fails("connecting_to_master_gave_error_1"));
    let scenario = Scenario::parse("r1 <- p1 io=connecting");
    assert!(!fails_to_connect(scenario.instance("r1")));
}

#[test]
fn reachability_of_the_server_itself() {
    let is_reachable = |text: &str| {
        let scenario = Scenario::parse(text);
        is_reachable(scenario.instance("p1"), &scenario.policy, scenario.now)
    };
    assert!(is_reachable("p1") && !is_reachable("p1 down=2s") && !is_reachable("p1 never"));
    assert!(is_reachable("p1 hang=6s") && !is_reachable("p1 hang=7s"));
    assert!(is_reachable("p1 age=9000s"), "stored times are believed without a limit");
    assert!(
        is_reachable("policy max_age=25s \n p1 age=25s") && !is_reachable("policy max_age=25s \n p1 age=26s")
    );
    let mut scenario = Scenario::parse("p1");
    scenario.fleet.update(&key("p1"), |p1| p1.last_attempted_check = None);
    let p1 = scenario.instance("p1");
    assert!(super::super::is_reachable(p1, &scenario.policy, scenario.now), "no attempt is on record");
}

#[test]
fn an_age_limit_makes_old_knowledge_unknown() {
    super::check_all(&[
        ("nobody tried: no verdict", "policy max_age=25s \n p1 age=26s \n r1 <- p1 io=stopped", ""),
        ("no limit", "p1 age=26s \n r1 <- p1 io=stopped", "p1: MasterSingleReplicaNotReplicating"),
        (
            "nobody tried anything: the program slept",
            "policy max_age=25s \n p1 age=99s \n r1 <- p1 age=99s",
            "",
        ),
        (
            "nothing speaks against what an old replica was last seen to do",
            "policy max_age=25s \n p1 down=30s \n r1 <- p1 age=26s \n r2 <- p1 io=stopped",
            "p1: UnreachableMaster",
        ),
        (
            "an old replica that did not receive does not vouch",
            "policy max_age=25s \n p1 down=30s \n r1 <- p1 age=26s io=stopped",
            "p1: DeadMasterAndReplicas",
        ),
        (
            "nor one that was tried and does not answer",
            "policy max_age=25s \n p1 down=30s \n r1 <- p1 hang=60s",
            "p1: DeadMasterAndReplicas",
        ),
        ("just in time", "policy max_age=25s \n p1 down=30s \n r1 <- p1 age=25s", "p1: UnreachableMaster"),
        (
            "attempts hang, so it is unreachable",
            "policy max_age=25s \n p1 hang=60s \n r1 <- p1 io=stopped",
            "p1: DeadMaster",
        ),
        (
            "read-only repair needs a fresh check",
            "policy max_age=25s repair_read_only \n p1 ro age=26s \n r1 <- p1",
            "p1: NoProblem, NoWriteableMasterStructureWarning",
        ),
    ]);
}

#[test]
fn the_daemon_limit_is_a_few_polls() {
    let poll = Duration::from_secs(5);
    assert_eq!(model::AnalysisPolicy::freshness_limit(poll), Duration::from_secs(25));
}
