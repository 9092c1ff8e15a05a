//! Scenarios of planned takeovers.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use model::{Action, Instance, Plan, PromotionRule, ThreadState};

use super::*;
use crate::failover::scenario::{key, policy, servers};
use crate::plan_checker::check_plan;

/// The first server hands over to one of the others; all replicate well unless a line says otherwise.
fn world(text: &str) -> TakeoverCase {
    let servers = servers(text);
    let mut case = TakeoverCase {
        primary: Arc::clone(&servers[0].0),
        replicas: Vec::new(),
        designated: None,
        auto: false,
        rules: BTreeMap::new(),
        ignored: BTreeSet::new(),
        downtimed: BTreeSet::new(),
        wait_max: Duration::from_secs(20),
        policy: policy(),
    };
    for (server, words) in &servers[1..] {
        let mut server = Instance::clone(server);
        if !words.iter().any(|word| word.starts_with("io=")) {
            server.replication.io_thread = ThreadState::Running;
        }
        for word in words {
            match word.split_once('=') {
                Some(("rule", rule)) => {
                    case.rules.insert(server.key.clone(), PromotionRule::from_stored(rule).unwrap());
                }
                Some(("ignored", _)) => {
                    case.ignored.insert(server.key.clone());
                }
                Some(("downtimed", _)) => {
                    case.downtimed.insert(server.key.clone());
                }
                _ => {}
            }
        }
        case.replicas.push(Arc::new(server));
    }
    case
}

fn world_to(text: &str, designated: &str) -> TakeoverCase {
    TakeoverCase { designated: Some(key(designated)), ..world(text) }
}

fn refused(case: &TakeoverCase) -> String {
    prepare(case).expect_err("the takeover is refused").to_string()
}

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

fn checked(case: &TakeoverCase) -> Vec<String> {
    let (_, plans) = preview(case).unwrap();
    assert_eq!(plans.len(), 5);
    let mut context = check_context(case);
    for plan in &plans {
        let notes = check_plan(plan, &mut context);
        assert!(notes.is_empty(), "{plan}{notes:?}");
    }
    plans.iter().map(steps).collect()
}

#[test]
fn a_takeover_from_end_to_end() {
    let mut case = world_to("p1 gtid=1:1-9\n r1 <- p1 gtid=1:1-9\n r2 <- p1 gtid=1:1-8", "r1");
    case.auto = true;
    assert_eq!(
        checked(&case),
        [
            "1 r2: stop replication\n2 r2: replicate from r1:3306 <- 1\n3 r2: start replication <- 2\n",
            "1 r1: wait until 1:1-9 is executed\n",
            "1 p1: make read-only\n2 p1: read again <- 1\n",
            "1 r1: wait until 1:1-9 is executed\n2 r1: stop replication <- 1\n3 r1: read again <- 2\n4 p1: read again <- 1\n",
            "1 r1: forget the source\n2 r1: make writable <- 1\n3 r1: read again <- 2\n\
             4 p1: replicate from r1:3306 <- 2\n5 p1: start replication <- 4\n",
        ]
    );
}

#[test]
fn plain_replication_waits_for_coordinates_and_needs_a_single_replica() {
    let case = world("p1 self=log.000007:99\n r1 <- p1 use=file");
    let text = checked(&case);
    assert!(text[3].starts_with("1 r1: wait until log.000007:99 is executed\n"), "{}", text[3]);
    assert!(!text[4].contains("start replication"));
    let case = world_to("p1\n r1 <- p1 use=file\n r2 <- p1 use=file", "r1");
    assert_eq!(
        refused(&case),
        "Desginated instance r1:3306 cannot take over all of its siblings. Error: \
         r2:3306: Instances r2:3306, r1:3306 not GTID compatible or not using GTID"
    );
}

#[test]
fn mariadb_siblings_move_when_the_target_has_everything() {
    let case = world_to(
        "p1 version=11.4.2-MariaDB gtid=0-1-9
         r1 <- p1 version=11.4.2-MariaDB gtid=0-1-9
         r2 <- p1 version=11.4.2-MariaDB gtid=0-1-9",
        "r1",
    );
    let text = checked(&case);
    assert_eq!(text[0], "");
    assert!(text[3].starts_with("1 r1: wait until 0-1-9 is executed\n"));
    assert!(text[4].contains("r2: replicate from r1:3306"));
}

#[test]
fn semi_sync_replicas_that_the_primary_needs_stay_until_the_pause() {
    let case = world_to(
        "p1 gtid=1:1-9 semi_wait=2
         r1 <- p1 gtid=1:1-9 semi=1
         r2 <- p1 gtid=1:1-9 semi=1
         r3 <- p1 gtid=1:1-9 semi=1",
        "r1",
    );
    let takeover = prepare(&case).unwrap();
    let names =
        |servers: &[Arc<Instance>]| servers.iter().map(|s| s.key.hostname().to_owned()).collect::<Vec<_>>();
    assert_eq!(
        (names(&takeover.early), names(&takeover.late)),
        (vec!["r3".to_owned()], vec!["r2".to_owned()])
    );
    checked(&case);
}

#[test]
fn the_texts_of_refusals() {
    assert_eq!(
        single_primary("c1", &[]).unwrap_err().to_string(),
        "Cannot deduce cluster master for c1. Found 0 potential masters"
    );
    assert_eq!(single_primary("c1", &[key("p1")]).unwrap(), key("p1"));
    assert_eq!(refused(&world("p1")), "Master p1:3306 doesn't seem to have replicas");
    assert_eq!(
        refused(&world_to("p1\n r1 <- p1", "r9")),
        "GracefulMasterTakeover: indicated designated instance r9:3306 must be directly replicating from the master p1:3306"
    );
    assert_eq!(
        refused(&world("p1\n r1 <- p1\n r2 <- p1")),
        "GracefulMasterTakeover: target instance not indicated, auto=false, and master p1:3306 has 2 replicas. \
         orchestrator cannot choose where to failover to. Aborting"
    );
    assert_eq!(
        refused(&world("p1\n r1 <- p1 rule=must_not")),
        "GracefulMasterTakeover: designated instance r1:3306 cannot be promoted due to promotion rule or it is \
         explicitly ignored in PromotionIgnoreHostnameFilters configuration"
    );
    assert_eq!(
        refused(&world("p1\n r1 <- p1 behind=21")),
        "Desginated instance r1:3306 seems to be lagging too much for this operation. Aborting."
    );
    assert!(refused(&world("p1\n r1 <- s1")).starts_with("Sanity check failure. "));
}

#[test]
fn all_obstacles_are_reported_together() {
    let text = refused(&world("p1\n r1 <- p1 rule=must_not behind=60 sql=stopped log_bin=off delay=20"));
    for part in [
        "cannot be promoted due to promotion rule",
        "is not replicating",
        "lagging",
        "no binary log",
        "delayed",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn a_far_target_is_refused_before_anything_changes() {
    let mut case = world("p1 dc=a\n r1 <- p1 dc=b");
    case.policy.prevent_cross_data_center = true;
    assert!(refused(&case).contains("will not promote server in b when failed server in a"));
}

#[test]
fn auto_chooses_by_rule_then_place_then_lag() {
    let chosen = |text: &str| {
        let mut case = world(text);
        case.auto = true;
        prepare(&case).map(|takeover| takeover.target.key.clone()).map_err(|obstacles| obstacles.to_string())
    };
    assert_eq!(chosen("p1\n r1 <- p1\n r2 <- p1 rule=prefer"), Ok(key("r2")));
    assert_eq!(chosen("p1 dc=a\n r1 <- p1 dc=b\n r2 <- p1 dc=a lag=3"), Ok(key("r2")));
    assert_eq!(chosen("p1\n r1 <- p1 lag=3\n r2 <- p1 lag=1"), Ok(key("r2")));
    assert_eq!(chosen("p1\n r1 <- p1\n r2 <- p1"), Ok(key("r1")));
    let none = chosen("p1\n r1 <- p1 rule=must_not\n r2 <- p1 sql=stopped").unwrap_err();
    assert!(
        none.starts_with("GracefulMasterTakeover: no target instance indicated, failed to auto-detect"),
        "{none}"
    );
    assert!(none.contains("r2:3306: instance is not replicating"), "{none}");
}

#[test]
fn downtimed_siblings_may_be_left_behind() {
    let text = "p1\n r1 <- p1\n r2 <- p1 use=file downtimed=on\n r3 <- p1 valid=no downtimed=on";
    let takeover = prepare(&world_to(text, "r1")).unwrap();
    assert_eq!(takeover.left_behind.len(), 2);
    assert!(
        refused(&world_to("p1\n r1 <- p1\n r2 <- p1 valid=no", "r1")).contains("r2:3306: could not be read")
    );
}

#[test]
fn the_target_is_not_opened_when_the_primary_moved_or_something_is_missing() {
    let case = world_to("p1 gtid=1:1-9 super=off\n r1 <- p1 gtid=1:1-9", "r1");
    let takeover = prepare(&case).unwrap();
    let mut paused = Instance::clone(&case.primary);
    paused.read_only = true;
    let mut target = Instance::clone(&takeover.target);
    target.replication.io_thread = ThreadState::Stopped;
    target.replication.sql_thread = ThreadState::Stopped;
    assert!(promote_plan(&case, &takeover, &paused, &paused, &target).is_ok());
    let mut moved = paused.clone();
    moved.executed_gtid = moved.executed_gtid.replace("1-9", "1-10");
    moved.read_only = false;
    let error = promote_plan(&case, &takeover, &paused, &moved, &target).unwrap_err().to_string();
    assert!(
        error.contains("p1:3306 is not read-only, it lacks 00000000-0000-0000-0000-000000000001:10"),
        "{error}"
    );
    let error = promote_plan(&case, &takeover, &paused, &paused, &takeover.target).unwrap_err().to_string();
    assert!(error.contains("it still replicates"), "{error}");
    let plain = world("p1 self=log.000001:9\n r1 <- p1 use=file");
    let takeover = prepare(&plain).unwrap();
    let mut primary = paused;
    primary.self_coordinates = model::BinlogCoordinates::binary("log.000001", 10);
    target.replication.oracle_gtid = false;
    let before =
        Instance { self_coordinates: model::BinlogCoordinates::binary("log.000001", 9), ..primary.clone() };
    let error = promote_plan(&plain, &takeover, &before, &primary, &target).unwrap_err().to_string();
    assert!(error.contains("it lacks what was written after log.000001:9"), "{error}");
}

#[test]
fn the_primary_is_never_left_read_only() {
    let case = world_to("p1\n r1 <- p1", "r1");
    let takeover = prepare(&case).unwrap();
    let pause = pause_plan(&case);
    assert!(matches!(pause.steps[0].compensation, Some(Action::SetReadOnly { on: false, .. })));
    let restore = restore_plan(&case, &takeover);
    assert_eq!(steps(&restore), "1 p1: make writable\n2 r1: start replication\n");
    let mut context = check_context(&case);
    for plan in [siblings_plan(&case, &takeover), pause, drain_plan(&case, &takeover, &case.primary), restore]
    {
        let notes = check_plan(&plan, &mut context);
        assert!(notes.is_empty(), "{notes:?}");
    }
}

#[test]
fn the_former_primary_becomes_a_replica_the_way_the_target_was() {
    let position = |text: &str| {
        let case = world(text);
        let (_, plans) = preview(&case).unwrap();
        let change = plans[4].steps.iter().find(|step| step.server == key("p1")).unwrap();
        format!("{:?}", change.action)
    };
    assert!(position("p1\n r1 <- p1").contains("OracleAutoPosition"));
    assert!(
        position("p1 version=10.11.2-MariaDB\n r1 <- p1 version=10.11.2-MariaDB")
            .contains("MariaDbCurrentPos")
    );
    assert!(position("p1\n r1 <- p1 use=file self=own.000003:7").contains("own.000003"));
}

#[test]
fn a_damaged_takeover_is_noticed() {
    use crate::plan_checker::CheckRule;
    let case = world_to("p1\n r1 <- p1", "r1");
    let rules = |damage: fn(&mut [Plan])| -> Vec<CheckRule> {
        let (_, mut plans) = preview(&case).unwrap();
        damage(&mut plans);
        let mut context = check_context(&case);
        plans.iter().flat_map(|plan| check_plan(plan, &mut context)).map(|note| note.rule).collect()
    };
    assert!(rules(|_| {}).is_empty());
    // The primary stays writable; it would stay read-only; nobody is sure that it is read-only; nothing is drained.
    assert!(rules(|plans| plans[2].steps.clear()).contains(&CheckRule::ReadOnlyBefore));
    assert_eq!(rules(|plans| plans[2].steps[0].compensation = None), [CheckRule::Undo]);
    let unsure = rules(|plans| plans[2].steps[0].on_failure = model::OnFailure::Note);
    assert!(unsure.contains(&CheckRule::ReadOnlyBefore));
    assert!(rules(|plans| plans[3].steps.clear()).contains(&CheckRule::StoppedBefore));
    // Closing the primary beside opening the target is too late.
    let late = rules(|plans| {
        let close = plans[2].steps.remove(0);
        plans[2].steps.clear();
        let id = plans[4].push(&close.server, close.action.clone(), &[], close.deadline, "");
        plans[4].last_mut().unwrap().compensation = close.compensation;
        assert!(plans[4].step(id).is_some());
    });
    assert!(late.contains(&CheckRule::ReadOnlyBefore));
}
