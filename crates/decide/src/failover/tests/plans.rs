//! What the plans do once it is known who is promoted, and what the ranking and the checker say about it.

use super::*;

#[test]
fn five_replicas_end_to_end() {
    let case = world(
        "p1 gtid=1:1-9
         r1 <- p1 gtid=1:1-9
         r2 <- p1 gtid=1:1-5 received=1:6-10
         r3 <- p1 gtid=1:1-9;13:1
         r4 <- p1 valid=no
         r5 <- p1 gtid=1:1-9",
    );
    let (choice, plans) = preview(&case).unwrap();
    assert_eq!(choice.candidate.key, key("r2"));
    let text: Vec<String> = plans.iter().map(steps).collect();
    assert_eq!(
        text[0],
        "1 r1: stop receiving\n2 r2: stop receiving\n3 r3: stop receiving\n4 r5: stop receiving\n"
    );
    assert_eq!(text[1], "1 r2: wait until 1:6-10 is executed\n2 p1: make read-only\n");
    assert_eq!(
        text[2],
        "1 r2: stop replication
2 r2: forget the source <- 1
3 r2: make writable <- 2
4 r2: read again <- 3
5 r1: stop replication
6 r1: replicate from r2:3306 <- 5
7 r1: start replication <- 6
8 r5: stop replication
9 r5: replicate from r2:3306 <- 8
10 r5: start replication <- 9
11 r3: stop replication <- 3
12 r3: detach from the source <- 11
"
    );
}

/// The primary died while it sent transaction 10.
#[test]
fn half_a_transaction_is_dropped_before_its_holder_is_stopped() {
    let part = "read=bin.000001:900 exec=bin.000001:400 io=stopped";
    let case = world(&format!(
        "p1 gtid=1:1-9
         r1 <- p1 gtid=1:1-9 {part}
         r2 <- p1 gtid=1:1-9;13:1 {part}
         r3 <- p1 gtid=1:1-9 {part}"
    ));
    let choice = planned(&case);
    check_phases(&case, &choice);
    let text = steps(&promote_plan(&case, &choice));
    let drop = "drop what is left of an unfinished transaction, by receiving from";
    // Not from r2, whose own transaction would come along.
    assert!(
        text.starts_with(&format!("1 r1: {drop} r3:3306 for a moment\n2 r1: stop replication <- 1\n")),
        "{text}"
    );
    assert!(
        text.contains(&format!("6 r3: {drop} r1:3306 for a moment\n7 r3: stop replication <- 6\n")),
        "{text}"
    );
    let alone = world(&format!("p1 gtid=1:1-9\n r1 <- p1 gtid=1:1-9 {part}"));
    let plan = promote_plan(&alone, &planned(&alone));
    assert!(steps(&plan).starts_with("1 r1: drop what is left of an unfinished transaction\n2 r1: stop"));
    assert!(plan.steps[1].deadline > Duration::from_secs(60), "an applier gives up by itself after a minute");
}

#[test]
fn semi_sync_is_on_before_the_first_write() {
    let case = world("p1\n r1 <- p1 semi=2\n r2 <- p1");
    let mut case = case;
    case.explicit = Some(key("r1"));
    let text = steps(&promote_plan(&case, &planned(&case)));
    assert!(
        text.contains("3 r1: switch semi-sync primary side on <- 2\n4 r1: make writable <- 3\n"),
        "{text}"
    );
    let case = world("p1\n r1 <- p1 semi=2");
    assert!(planned(&case).notes[0].contains("no replica can acknowledge"));
}

#[test]
fn without_promotion_the_candidate_stays_as_it_is() {
    let mut case = world("p1 gtid=1:1-9\n r1 <- p1 gtid=1:1-9\n r2 <- p1 gtid=1:1-9");
    case.policy.apply_promotion = false;
    let choice = planned(&case);
    check_phases(&case, &choice);
    let text = steps(&drain_plan(&case, &choice)) + &steps(&promote_plan(&case, &choice));
    assert!(!text.contains("read-only") && !text.contains("writable") && !text.contains("forget"), "{text}");
    case.policy.detach_promoted_source = true;
    assert!(steps(&promote_plan(&case, &choice)).contains("2 r1: detach from the source <- 1"));
}

#[test]
fn moves_are_limited_by_lanes() {
    let mut case = world("p1\n r1 <- p1\n r2 <- p1\n r3 <- p1\n r4 <- p1");
    case.policy.concurrent_moves = 2;
    let plan = promote_plan(&case, &planned(&case));
    let first_of = |name: &str| plan.steps.iter().find(|s| s.server == key(name)).unwrap();
    assert!(first_of("r2").after.is_empty() && first_of("r3").after.is_empty());
    assert_eq!(plan.step(first_of("r4").after[0]).unwrap().server, key("r2"));
    case.policy.concurrent_moves = 0;
    check_phases(&case, &planned(&case));
}

#[test]
fn mariadb_receivers_are_not_restarted_before_the_relay_log_is_applied() {
    let case = world(
        "p1 version=11.4.2-MariaDB gtid=0-1-9
         r1 <- p1 version=11.4.2-MariaDB gtid=0-1-5 received=0-1-9 rule=must_not",
    );
    assert!(collect_plan(&case).steps.iter().all(|step| step.compensation.is_none()));
    assert_eq!(
        steps(&release_plan(&case, &case.replicas)),
        "1 r1: wait until 0-1-9 is executed\n2 r1: start receiving <- 1\n"
    );
    let mysql = world("p1 gtid=1:1-9\n r1 <- p1 gtid=1:1-5 received=1:6-9");
    assert!(collect_plan(&mysql).steps.iter().all(|step| step.compensation.is_some()));
    assert_eq!(steps(&release_plan(&mysql, &mysql.replicas)), "1 r1: start receiving\n");
}

#[test]
fn a_stopped_applier_is_started_to_drain() {
    let case = world("p1 gtid=1:1-9\n r1 <- p1 gtid=1:1-5 received=1:6-9 sql=stopped");
    assert_eq!(
        steps(&drain_plan(&case, &planned(&case))),
        "1 r1: start applying\n2 r1: wait until 1:6-9 is executed <- 1\n3 p1: make read-only\n"
    );
}

#[test]
fn the_ranking_explains_itself() {
    let case = world(
        "p1 gtid=1:1-9
         r1 <- p1 gtid=1:1-9 rule=prefer
         r2 <- p1 gtid=1:1-9
         r3 <- p1 gtid=1:1-8 log_bin=off
         r4 <- p1 gtid=1:1-9 rule=must_not",
    );
    assert_eq!(
        planned(&case).ranking.to_string(),
        "1. r1:3306 (prefer, received everything): chosen
2. r2:3306 (neutral, received everything): not chosen, decided by: promotion rule
3. r3:3306 (neutral, lacks 1, can catch up from r1:3306): only if nobody else can be promoted: it writes no binary log
4. r4:3306 (must_not, received everything): rejected: its promotion rule is must_not
"
    );
}

#[test]
fn the_checker_judges_by_what_was_read_after_collecting() {
    let before = world("p1 gtid=1:1-9\n r1 <- p1 gtid=1:1-5 received=1:6-9");
    let after = world("p1 gtid=1:1-9\n r1 <- p1 gtid=1:1-9 received=1:6-9");
    let later = world("p1 gtid=1:1-9\n r1 <- p1 gtid=1:1-9 received=1:6-12");
    let rules = |first: &FailoverCase, then: &FailoverCase, drain: bool| {
        let choice = planned(then);
        let mut context = CheckContext::new(first.replicas.iter().cloned());
        context.failed = Some(first.failed.clone());
        let mut notes = check_plan(&collect_plan(first), &mut context);
        context.observe(then.replicas.iter().cloned());
        let mut drained = drain_plan(then, &choice);
        drained.steps.retain(|step| drain || step.action.is_change());
        notes.extend(check_plan(&drained, &mut context));
        notes.extend(check_plan(&promote_plan(then, &choice), &mut context));
        notes.len()
    };
    assert_eq!(rules(&before, &after, true), 0);
    assert_eq!(rules(&after, &later, true), 0);
    assert_ne!(rules(&after, &later, false), 0);
}
