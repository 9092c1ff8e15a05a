//! What is left out, and in which order the rest is reported.

use model::AnalysisCode;

use super::check_all;
use super::filters::TestFilters;
use crate::analysis::{AnalysisFilters, Hints, NoFilters, Scope, analyze, analyze_instance, analyze_round};
use crate::scenario::{Scenario, key};

fn keys_of(
    scenario: &Scenario,
    scope: Scope<'_>,
    hints: Hints,
    filters: &dyn AnalysisFilters,
) -> Vec<String> {
    analyze(&scenario.fleet, scope, hints, &scenario.policy, filters, scenario.now)
        .iter()
        .map(|finding| finding.key.hostname().to_owned())
        .collect()
}

const EVERYTHING: Hints = Hints { include_downtimed: true, include_no_problem: true };

#[test]
fn order_is_primaries_then_cluster_heads_then_most_replicas_then_key() {
    let scenario = Scenario::parse(
        "p1 \n m <- p1 \n l1 <- m \n l2 <- m
         n <- p1 \n l3 <- n
         head <- elsewhere cluster=head:3306 \n l6 <- head
         p2 \n r1 <- p2 \n r2 <- p2 \n r3 <- p2
         a <- //gone cluster=p2:3306 \n l4 <- a
         b <- //gone cluster=p2:3306 \n l5 <- b",
    );
    let keys = keys_of(&scenario, Scope::All, EVERYTHING, &NoFilters);
    assert_eq!(keys, ["p2", "p1", "a", "b", "head", "m", "n"]);
}

#[test]
fn one_cluster() {
    let scenario = Scenario::parse("p1 down=2s \n r1 <- p1 io=stopped \n p2 down=2s \n r2 <- p2 io=stopped");
    assert_eq!(keys_of(&scenario, Scope::Cluster("p2:3306"), Hints::default(), &NoFilters), ["p2"]);
    assert_eq!(keys_of(&scenario, Scope::All, Hints::default(), &NoFilters), ["p1", "p2"]);
    assert!(keys_of(&scenario, Scope::Cluster("p2"), EVERYTHING, &NoFilters).is_empty());
}

#[test]
fn healthy_leaves_are_left_out_even_when_asked_for() {
    let mut scenario =
        Scenario::parse("p1 \n r1 <- p1 \n r2 <- p1 failing \n r3 <- p1 down=2s \n r4 <- p1 never");
    assert_eq!(keys_of(&scenario, Scope::All, EVERYTHING, &NoFilters), ["p1", "r2", "r3"]);
    scenario.policy.reduce_count = false;
    assert_eq!(keys_of(&scenario, Scope::All, EVERYTHING, &NoFilters), ["p1", "r1", "r2", "r3", "r4"]);
}

#[test]
fn servers_without_problem_are_left_out() {
    let scenario = Scenario::parse("p1 \n r1 <- p1 \n p2 ro \n r2 <- p2 \n p3 down=2s");
    assert_eq!(keys_of(&scenario, Scope::All, Hints::default(), &NoFilters), ["p2", "p3"]);
    let hints = Hints { include_no_problem: true, ..Hints::default() };
    assert_eq!(keys_of(&scenario, Scope::All, hints, &NoFilters), ["p1", "p2", "p3"]);
}

#[test]
fn maintenance_takes_a_server_out_of_analysis_but_not_as_a_replica() {
    check_all(&[
        (
            "as server",
            "p1 down=2s maintenance \n r1 <- p1 failing",
            "r1: FirstTierReplicaFailingToConnectToMaster",
        ),
        ("as replica", "p1 down=2s \n r1 <- p1 maintenance", "p1: UnreachableMaster"),
    ]);
    let scenario = Scenario::parse("p1 down=2s maintenance");
    let finding = analyze_instance(&scenario.fleet, &key("p1"), &scenario.policy, &NoFilters, scenario.now);
    assert_eq!(finding, None);
}

#[test]
fn ignored_hosts_are_not_reported_at_all() {
    let scenario = Scenario::parse("x1 down=2s \n r1 <- x1 io=stopped \n p1 down=2s \n r2 <- p1 io=stopped");
    assert_eq!(keys_of(&scenario, Scope::All, EVERYTHING, &TestFilters), ["p1"]);
    let finding = analyze_instance(&scenario.fleet, &key("x1"), &scenario.policy, &TestFilters, scenario.now);
    assert_eq!(finding, None);
}

#[test]
fn downtimed_servers_are_shown_on_request() {
    let scenario =
        Scenario::parse("p1 down=2s downtime=60s \n r1 <- p1 io=stopped \n p2 down=2s downtime=0s");
    assert_eq!(keys_of(&scenario, Scope::All, Hints::default(), &NoFilters), ["p2"]);
    let hints = Hints { include_downtimed: true, ..Hints::default() };
    let findings = analyze(&scenario.fleet, Scope::All, hints, &scenario.policy, &NoFilters, scenario.now);
    let [p1, p2] = &findings[..] else { panic!("{findings:?}") };
    assert!(p1.is_downtimed && p1.skippable_due_to_downtime && !p1.is_replicas_downtimed);
    assert_eq!(p1.downtime_remaining_seconds, -60);
    assert_eq!(p1.downtime_end, "2027-01-15 08:01:00");
    assert!(!p2.is_downtimed && !p2.skippable_due_to_downtime, "downtime ends at its end, not after");
    assert_eq!((p2.downtime_end.as_str(), p2.downtime_remaining_seconds), ("2027-01-15 08:00:00", 0));
}

#[test]
fn problems_of_replicas_that_are_all_downtimed() {
    let quiet = " (replicas downtimed)";
    let case = |code: &str| format!("p1: {code}{quiet}");
    check_all(&[
        (
            "not replicating",
            "p1 \n r1 <- p1 io=stopped downtime=9s \n r2 <- p1 io=stopped downtime=9s",
            &case("AllMasterReplicasNotReplicating"),
        ),
        (
            "not replicating or dead",
            "p1 \n r1 <- p1 io=stopped downtime=9s \n r2 <- p1 down=2s downtime=9s",
            &case("AllMasterReplicasNotReplicatingOrDead"),
        ),
        ("dead", "p1 \n r1 <- p1 down=2s downtime=9s", &case("MasterSingleReplicaDead")),
        (
            "one is not downtimed",
            "p1 \n r1 <- p1 io=stopped downtime=9s \n r2 <- p1 io=stopped",
            "p1: AllMasterReplicasNotReplicating",
        ),
        (
            "a code that stays interesting",
            "p1 \n r1 <- p1 io=stopped downtime=9s",
            "p1: MasterSingleReplicaNotReplicating",
        ),
        (
            "a dead primary stays interesting",
            "p1 down=2s \n r1 <- p1 io=stopped downtime=9s",
            "p1: DeadMaster",
        ),
        (
            "a dead intermediate primary too",
            "p1 \n m <- p1 down=2s \n r <- p1 \n a <- m io=stopped downtime=9s \n b <- m io=stopped downtime=9s",
            "m: DeadIntermediateMaster",
        ),
        (
            "but not with unreadable replicas",
            "p1 \n m <- p1 down=2s \n r <- p1 \n a <- m io=stopped downtime=9s \n b <- m down=2s downtime=9s",
            &format!("m: DeadIntermediateMasterAndSomeReplicas{quiet}"),
        ),
        (
            "nor with one replica",
            "p1 \n m <- p1 down=2s \n r <- p1 \n a <- m io=stopped downtime=9s",
            &format!("m: DeadIntermediateMasterWithSingleReplica{quiet}"),
        ),
        (
            "no problem is no problem",
            "p1 ro \n r1 <- p1 downtime=9s",
            "p1: NoProblem, NoWriteableMasterStructureWarning",
        ),
    ]);
    let scenario = Scenario::parse("p1 \n r1 <- p1 down=2s downtime=9s");
    assert!(keys_of(&scenario, Scope::All, Hints::default(), &NoFilters).is_empty());
}

#[test]
fn verdicts_for_the_changelog_ignore_filters() {
    let scenario =
        Scenario::parse("x1 down=2s downtime=9s \n r1 <- x1 io=stopped \n p1 \n r2 <- p1 \n p2 down=2s");
    let round = analyze_round(
        &scenario.fleet,
        Scope::All,
        Hints::default(),
        &scenario.policy,
        &TestFilters,
        scenario.now,
    );
    assert_eq!(round.findings.len(), 1, "only p2 is reported");
    let expected = [(key("p1"), AnalysisCode::NoProblem), (key("x1"), AnalysisCode::DeadMaster)];
    assert_eq!(round.verdicts, expected, "servers without replicas have no history");
}

#[test]
fn a_finding_tells_where_the_server_stands() {
    let mut scenario = Scenario::parse(
        "p1 down=2s dc=lon region=eu pos=binlog.000007:42 \n r2 <- p1 io=stopped \n r1 <- p1 io=stopped",
    );
    let name = "p1:3306".to_owned();
    let finding = |scenario: &Scenario| {
        analyze_instance(&scenario.fleet, &key("p1"), &scenario.policy, &TestFilters, scenario.now).unwrap()
    };
    let plain = finding(&scenario);
    assert_eq!((plain.cluster.name.as_str(), plain.cluster.alias.as_str()), ("p1:3306", "p1:3306"));
    assert_eq!(plain.cluster.domain, "p1:3306");
    assert!(plain.cluster.automated_primary_recovery && !plain.cluster.automated_intermediate_recovery);
    scenario.fleet.cluster_aliases.insert(name.clone(), "shop".to_owned());
    scenario.fleet.cluster_domains.insert(name, "shop.example".to_owned());
    let named = finding(&scenario);
    assert_eq!((named.cluster.alias.as_str(), named.cluster.domain.as_str()), ("shop", "shop.example"));
    assert_eq!(named.replicas, [key("r1"), key("r2")]);
    assert_eq!((named.data_center.as_str(), named.region.as_str()), ("lon", "eu"));
    assert_eq!(named.coordinates.to_string(), "binlog.000007:42");
    assert_eq!(named.description, "The primary is unreachable, and none of its replicas receives from it");
    assert!(named.is_actionable && named.primary_key.is_none());
    let (filters, now) = (&TestFilters, scenario.now);
    let healthy = analyze_instance(&scenario.fleet, &key("r1"), &scenario.policy, filters, now).unwrap();
    assert_eq!((healthy.code, healthy.description.as_str()), (AnalysisCode::NoProblem, ""));
    assert!(!healthy.is_actionable);
    assert_eq!(analyze_instance(&scenario.fleet, &key("r9"), &scenario.policy, filters, now), None);
}

#[test]
fn an_operation_in_progress_explains_what_it_causes() {
    let scenario = Scenario::parse("policy repair_read_only \n p9 ro \n r1 <- p9 \n p8 ro \n r2 <- p8");
    let findings =
        analyze(&scenario.fleet, Scope::All, Hints::default(), &scenario.policy, &TestFilters, scenario.now);
    let shown: Vec<_> =
        findings.iter().map(|finding| (finding.key.hostname(), finding.is_actionable)).collect();
    assert_eq!(shown, [("p8", true), ("p9", false)]);
}
