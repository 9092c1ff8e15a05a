//! Scenarios: who is chosen, who is lost, and what the plans then do.

mod plans;

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use model::{Instance, Plan};

use super::scenario::{key, world};
use super::*;
use crate::plan_checker::check_plan;

/// Candidate, catch-up and fates in short lines; for a refusal its reasons.
fn chosen(case: &FailoverCase) -> Vec<String> {
    let observed: Vec<Arc<Instance>> = case.replicas.clone();
    match choose(case, &observed) {
        Err(refusals) => refusals.reasons(),
        Ok(choice) => {
            check_phases(case, &choice);
            let mut lines = vec![format!("promote {}", choice.candidate.key.hostname())];
            if let Some(catch_up) = &choice.catch_up {
                let short = catch_up.until.replace("00000000-0000-0000-0000-0000000000", "");
                let short = short.trim_start_matches('0');
                lines.push(format!("after catching up from {} to {short}", catch_up.donor.key.hostname()));
            }
            for (key, fate) in choice.fates.iter().filter(|(_, fate)| **fate != Fate::Promote) {
                lines.push(
                    format!("{} {fate}", key.hostname()).replace(&super::scenario::uuid("0")[..34], ""),
                );
            }
            lines
        }
    }
}

/// Every phase passes the checker.
fn check_phases(case: &FailoverCase, choice: &Choice) {
    let mut context = check_context(case, choice);
    for plan in [collect_plan(case), drain_plan(case, choice), promote_plan(case, choice)] {
        let notes = check_plan(&plan, &mut context);
        // Without promotion nothing is opened and nobody waits for a fence.
        assert!(
            notes.is_empty(),
            "{plan}{}",
            notes.iter().fold(String::new(), |all, note| all + &format!("{note}\n"))
        );
    }
}

fn check(text: &str, expected: &[&str]) {
    assert_eq!(chosen(&world(text)), expected, "{text}");
}

/// `server: action <- steps it waits for` for each step.
fn steps(plan: &Plan) -> String {
    let mut text = String::new();
    for step in &plan.steps {
        let after: Vec<String> = step.after.iter().map(ToString::to_string).collect();
        let action = step.action.to_string().replace("00000000-0000-0000-0000-00000000000", "");
        write!(text, "{} {}: {action}", step.id, step.server.hostname()).unwrap();
        if !after.is_empty() {
            write!(text, " <- {}", after.join(",")).unwrap();
        }
        text.push('\n');
    }
    text
}

fn planned(case: &FailoverCase) -> Choice {
    choose(case, &case.replicas).expect("somebody can be promoted")
}

#[test]
fn no_replica_nobody_promoted() {
    check("p1", &["No replicas found for p1:3306"]);
}

#[test]
fn a_single_plain_replica_is_promoted() {
    check("p1\n r1 <- p1 use=file", &["promote r1"]);
    check("p1\n r1 <- p1 use=file log_bin=off", &["promote r1"]);
}

#[test]
fn the_best_of_several_plain_replicas_is_promoted_and_the_others_are_lost() {
    check(
        "p1
         r1 <- p1 use=file read=bin.000009:500 exec=bin.000009:500
         r2 <- p1 use=file read=bin.000010:100 exec=bin.000009:100",
        &["promote r2", "r1 is lost: Instances r1:3306, r2:3306 not GTID compatible or not using GTID"],
    );
}

#[test]
fn a_doubt_weighs_less_than_writes_that_were_acknowledged() {
    let replicas = "r1 <- p1 semi=1 gtid=1:1-98
         r2 <- p1 semi=1 gtid=1:1-99 log_updates=off";
    check(&format!("p1 gtid=1:1-90\n {replicas}"), &["promote r1", &lost_with_one_more("r2")]);
    let text = format!("p1 gtid=1:1-90 semi_wait=1\n {replicas}");
    assert_eq!(chosen(&world(&text))[0], "promote r2", "{text}");
}

fn lost_with_one_more(name: &str) -> String {
    format!("{name} is lost: it has 1 transactions that the new primary lacks: 01:99")
}

#[test]
fn what_was_received_counts_not_what_was_executed() {
    check(
        "p1 gtid=1:1-90
         r1 <- p1 gtid=1:1-99
         r2 <- p1 gtid=1:1-50 received=1:40-100",
        &["promote r2", "r1 replicates from the new primary"],
    );
    check(
        "p1 version=11.4.2-MariaDB gtid=0-1-90
         r1 <- p1 version=11.4.2-MariaDB gtid=0-1-99 received=0-1-99
         r2 <- p1 version=11.4.2-MariaDB gtid=0-1-50 received=0-1-100",
        &["promote r2", "r1 replicates from the new primary"],
    );
}

#[test]
fn of_equals_the_one_with_the_least_left_to_apply_is_promoted() {
    let mysql =
        "p1 gtid=1:1-99\n r1 <- p1 gtid=1:1-40 received=1:1-99\n r2 <- p1 gtid=1:1-90 received=1:1-99";
    let mariadb = "p1 version=10.11.6-MariaDB gtid=0-1-99,5-1-3
        r1 <- p1 version=10.11.6-MariaDB gtid=0-1-40,5-1-3 received=0-1-99
        r2 <- p1 version=10.11.6-MariaDB gtid=0-1-90,5-1-3 received=0-1-99";
    let plain = "p1 gtid_mode=OFF
        r1 <- p1 gtid_mode=OFF use=none read=bin.000002:90 exec=bin.000001:80
        r2 <- p1 gtid_mode=OFF use=none read=bin.000002:90 exec=bin.000002:10";
    for text in [mysql, mariadb, plain] {
        let ranking = planned(&world(text)).ranking;
        assert_eq!(ranking.lines[0].key, key("r2"), "{ranking}");
        assert_eq!(ranking.lines[1].standing, Standing::Outranked("least left to apply"), "{ranking}");
    }
}

#[test]
fn a_preferred_candidate_that_is_behind_catches_up() {
    check(
        "p1 gtid=1:1-90
         r1 <- p1 gtid=1:1-99 rule=prefer
         r2 <- p1 gtid=1:1-50 received=1:40-100",
        &["promote r1", "after catching up from r2 to 1:100", "r2 replicates from the new primary"],
    );
    check(
        "p1 version=11.4.2-MariaDB gtid=0-1-90
         r1 <- p1 version=11.4.2-MariaDB gtid=0-1-99 received=0-1-99 rule=prefer
         r2 <- p1 version=11.4.2-MariaDB gtid=0-1-100 received=0-1-100",
        &["promote r1", "after catching up from r2 to -1-100", "r2 replicates from the new primary"],
    );
}

#[test]
fn most_received_wins_over_the_rule_when_catching_up_is_impossible() {
    check(
        "p1
         r1 <- p1 use=file read=bin.000001:100 exec=bin.000001:100 rule=prefer
         r2 <- p1 use=file read=bin.000001:200 exec=bin.000001:200",
        &["promote r2", "r1 is lost: Instances r1:3306, r2:3306 not GTID compatible or not using GTID"],
    );
}

#[test]
fn a_server_preferably_not_promoted_is_spared() {
    check(
        "p1 gtid=1:1-90
         r1 <- p1 gtid=1:1-100 rule=prefer_not
         r2 <- p1 gtid=1:1-99",
        &["promote r2", "after catching up from r1 to 1:100", "r1 replicates from the new primary"],
    );
    check("p1\n r1 <- p1 rule=prefer_not", &["promote r1"]);
}

#[test]
fn candidates_in_the_place_of_the_failed_server_come_first() {
    check(
        "p1 dc=a gtid=1:1-9
         r1 <- p1 dc=b gtid=1:1-9 rule=must
         r2 <- p1 dc=a gtid=1:1-9 rule=prefer
         r3 <- p1 dc=a gtid=1:1-9",
        &["promote r2", "r1 replicates from the new primary", "r3 replicates from the new primary"],
    );
    check(
        "p1 dc=a gtid=1:1-9
         r1 <- p1 dc=b gtid=1:1-9
         r2 <- p1 dc=a gtid=1:1-9",
        &["promote r2", "r1 replicates from the new primary"],
    );
}

#[test]
fn banned_servers_are_never_chosen_but_give_what_they_have() {
    check(
        "p1 gtid=1:1-90
         r1 <- p1 gtid=1:1-100 rule=must_not
         r2 <- p1 gtid=1:1-99
         r3 <- p1 gtid=1:1-99 ignored=on",
        &[
            "promote r2",
            "after catching up from r1 to 1:100",
            "r1 replicates from the new primary",
            "r3 replicates from the new primary",
        ],
    );
    check(
        "p1\n r1 <- p1 rule=must_not\n r2 <- p1 ignored=on",
        &[
            "chooseCandidateReplica: no candidate replica found",
            "r1:3306 (must_not, received everything): rejected: its promotion rule is must_not",
            "r2:3306 (neutral, received everything): rejected: PromotionIgnoreHostnameFilters excludes it",
        ],
    );
}

#[test]
fn geography_is_a_veto_before_anything_moves() {
    let mut case = world(
        "p1 dc=a region=x gtid=1:1-9
         r1 <- p1 dc=b region=x gtid=1:1-9
         r2 <- p1 dc=a region=y gtid=1:1-8",
    );
    case.policy.prevent_cross_data_center = true;
    assert_eq!(chosen(&case)[..2], ["promote r2", "after catching up from r1 to 1:9"]);
    case.policy.prevent_cross_region = true;
    assert_eq!(
        chosen(&case)[1..],
        [
            "r1:3306 (neutral, received everything): rejected: RecoverDeadMaster: failed r1:3306 promotion; \
         PreventCrossDataCenterMasterFailover: will not promote server in b when failed server in a",
            "r2:3306 (neutral, lacks 1): rejected: RecoverDeadMaster: failed r2:3306 promotion; \
         PreventCrossRegionMasterFailover: will not promote server in y when failed server in x",
        ]
    );
}

#[test]
fn lag_and_applier_settings_are_vetoes() {
    let mut case = world("p1 gtid=1:1-9\n r1 <- p1 gtid=1:1-5 received=1:6-9 lag=600");
    case.policy.fail_on_lag = Duration::from_secs(600);
    case.policy.fail_if_applier_behind = true;
    assert_eq!(
        chosen(&case)[1..],
        ["r1:3306 (neutral, received everything): rejected: RecoverDeadMaster: failed promotion. \
         FailMasterPromotionOnLagMinutes is set to 10 (minutes) and promoted replica r1:3306 's lag is 600 (seconds); \
         RecoverDeadMaster: failed promotion. FailMasterPromotionIfSQLThreadNotUpToDate is set and promoted replica \
         r1:3306 's sql thread is not up to date (relay logs still unapplied). Aborting promotion",]
    );
    let mut case = world("p1 gtid=1:1-9\n r1 <- p1 gtid=1:1-5 received=1:6-9 lag=unknown");
    case.policy.fail_on_lag = Duration::from_secs(600);
    assert!(chosen(&case)[1].contains("its lag is not known"));
    let mut case = world("p1 gtid=1:1-9\n r1 <- p1 gtid=1:1-9 lag=unknown");
    case.policy.fail_on_lag = Duration::from_secs(600);
    assert_eq!(chosen(&case), ["promote r1"]);
}

#[test]
fn a_broken_applier_is_not_promoted_and_what_only_it_has_is_reported_missing() {
    let case = world(
        "p1 gtid=1:1-9
         r1 <- p1 gtid=1:1-5 received=1:6-12 sql=broken
         r2 <- p1 gtid=1:1-10",
    );
    assert_eq!(
        chosen(&case),
        ["promote r2", "r1 is lost: it has 2 transactions that the new primary lacks: 01:11-12",]
    );
    assert_eq!(planned(&case).lacking.len(), 1);
    check("p1 gtid=1:1-9\n r1 <- p1 gtid=1:1-5 sql=broken", &["promote r1"]);
}

#[test]
fn an_errant_replica_is_lost() {
    check(
        "p1 gtid=1:1-9
         r1 <- p1 gtid=1:1-9;11:1-2
         r2 <- p1 gtid=1:1-9
         r3 <- p1 gtid=1:1-9",
        &[
            "promote r2",
            "r1 is lost: it has transactions of its own: 11:1-2",
            "r3 replicates from the new primary",
        ],
    );
    check(
        "p1 version=11.4.2-MariaDB gtid=0-1-9
         r1 <- p1 version=11.4.2-MariaDB gtid=0-1-9,5-11-2 received=0-1-9
         r2 <- p1 version=11.4.2-MariaDB gtid=0-1-9 received=0-1-9",
        &["promote r2", "r1 is lost: it has transactions of its own: 5-11-2"],
    );
    // The only one that has a transaction of the primary is promoted nevertheless, and says so.
    let case = world("p1 gtid=1:1-9\n r1 <- p1 gtid=1:1-10;11:1\n r2 <- p1 gtid=1:1-9");
    assert_eq!(chosen(&case), ["promote r1", "r2 replicates from the new primary"]);
    assert!(planned(&case).notes[0].starts_with("r1:3306 has transactions of its own"));
}

#[test]
fn transactions_from_above_a_former_primary_are_not_errant() {
    // r1 was the primary before p1; its old transactions are everywhere.
    check(
        "p1 gtid=11:1-50;1:1-9\n r1 <- p1 gtid=11:1-50;1:1-10\n r2 <- p1 gtid=11:1-50;1:1-9",
        &["promote r1", "r2 replicates from the new primary"],
    );
}

#[test]
fn the_explicit_candidate_or_nobody() {
    let mut case =
        world("p1 gtid=1:1-9\n r1 <- p1 gtid=1:1-9 rule=must_not\n r2 <- p1 gtid=1:1-9 rule=prefer");
    case.explicit = Some(key("r1"));
    assert_eq!(chosen(&case), ["promote r1", "r2 replicates from the new primary"]);
    assert!(planned(&case).notes[0].contains("against its promotion rule"));
    case.explicit = Some(key("r9"));
    assert_eq!(chosen(&case)[0], "r9:3306 is to be promoted, but is no direct replica of p1:3306");
    let mut case = world("p1\n r1 <- p1 valid=no\n r2 <- p1");
    case.explicit = Some(key("r1"));
    assert_eq!(
        chosen(&case),
        [
            "r1:3306 is to be promoted, but cannot be",
            "r1:3306 (neutral, nothing known of what it received): rejected: it could not be read",
            "r2:3306 (neutral, received everything): rejected: only r1:3306 may be promoted",
        ]
    );
}

#[test]
fn unreadable_and_moved_replicas_are_left_alone_and_reported() {
    let case = world(
        "p1 gtid=1:1-9
         r1 <- p1 gtid=1:1-9
         r2 <- p1 valid=no gtid=1:1-9
         r3 <- s1 gtid=1:1-9
         r4 <- p1 gtid=1:1-9",
    );
    let observed: Vec<Arc<Instance>> = case.replicas.iter().filter(|r| r.key != key("r4")).cloned().collect();
    let choice = choose(&case, &observed).unwrap();
    assert_eq!(choice.fates[&key("r2")], Fate::Unreachable);
    assert_eq!(choice.fates[&key("r3")], Fate::Elsewhere(key("s1")));
    assert_eq!(choice.fates[&key("r4")], Fate::Unreachable);
    assert!(!steps(&collect_plan(&case)).contains("r2"));
}

#[test]
fn doubtful_servers_are_chosen_only_when_nobody_else_can_be() {
    check(
        "p1 gtid=1:1-9
         r1 <- p1 gtid=1:1-9 version=8.4.1 rule=prefer
         r2 <- p1 gtid=1:1-9
         r3 <- p1 gtid=1:1-9
         r4 <- p1 gtid=1:1-9 log_bin=off",
        &[
            "promote r2",
            "r1 replicates from the new primary",
            "r3 replicates from the new primary",
            "r4 replicates from the new primary",
        ],
    );
    let case = world("p1\n r1 <- p1 log_updates=off");
    assert_eq!(chosen(&case), ["promote r1"]);
}

#[test]
fn a_candidate_given_up_is_not_tried_again() {
    let mut case = world("p1 gtid=1:1-9\n r1 <- p1 gtid=1:1-9\n r2 <- p1 gtid=1:1-9");
    assert_eq!(chosen(&case)[0], "promote r1");
    case.given_up.insert(key("r1"), "its relay log was not applied in time".to_owned());
    assert_eq!(chosen(&case)[0], "promote r2");
}

#[test]
fn a_delayed_replica_is_last_and_is_waited_for() {
    let case = world(
        "p1 gtid=1:1-9
         r1 <- p1 gtid=1:1-5 received=1:6-9 delay=3600
         r2 <- p1 gtid=1:1-9",
    );
    assert_eq!(chosen(&case)[0], "promote r2");
    let case = world("p1 gtid=1:1-9\n r1 <- p1 gtid=1:1-5 received=1:6-9 delay=3600");
    let plan = drain_plan(&case, &planned(&case));
    assert_eq!(plan.steps[0].deadline, Duration::from_secs(3610));
    assert_eq!(steps(&plan), "1 r1: wait until 1:6-9 is executed\n2 p1: make read-only <- 1\n");
}

#[test]
fn purged_transactions_lose_a_replica_unless_its_relay_log_has_them() {
    let case = world(
        "p1 gtid=1:1-9
         r1 <- p1 gtid=1:1-9 purged=1:1-7 rule=prefer
         r2 <- p1 gtid=1:1-5
         r3 <- p1 gtid=1:1-5 received=1:6-8",
    );
    assert_eq!(
        chosen(&case),
        [
            "promote r1",
            "r2 is lost: Instance r1:3306 has purged GTID entries not found on r2:3306: 01:6-7",
            "r3 replicates from the new primary once it has applied what it received",
        ]
    );
    assert!(steps(&promote_plan(&case, &planned(&case))).contains("r3: wait until 1:6-8 is executed"));
}

#[test]
fn the_co_primary_takes_over() {
    let case = world(
        "p1 <- o1 gtid=1:1-9;51:1-5\n o1 <- p1 gtid=1:1-9;51:1-6\n r1 <- p1 gtid=1:1-10;51:1-5 rule=prefer above=51",
    );
    assert_eq!(chosen(&case)[..2], ["promote o1", "after catching up from r1 to 1:10"]);
    let mut free = case.clone();
    free.policy.must_promote_other_co_primary = false;
    assert_eq!(chosen(&free)[..2], ["promote r1", "after catching up from o1 to 51:6"]);
    assert!(steps(&drain_plan(&free, &planned(&free))).contains("o1: make read-only"));
    let mut gone = case;
    gone.replicas.retain(|r| r.key != key("o1"));
    assert_eq!(chosen(&gone)[0], "RecoverDeadCoMaster: could not read info for co-master o1:3306 of p1:3306");
}

#[test]
fn a_failed_intermediate_primary_with_replicas_of_replicas_leaves_those_alone() {
    let case = world("p1 gtid=1:1-9\n r1 <- p1 gtid=1:1-9\n s1 <- r1 gtid=1:1-9");
    let text = steps(&promote_plan(&case, &planned(&case)));
    assert!(!text.contains("s1"), "{text}");
}
