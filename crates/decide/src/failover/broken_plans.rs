//! Good plans, each broken in one way: the checker must notice, or its rule guards nothing.

use std::time::Duration;

use model::{Action, OnFailure, Plan, SourcePosition, StepId};

use super::scenario::{key, world};
use super::*;
use crate::plan_checker::{CheckRule, Severity, check_plan};

const WORLD: &str = "p1 gtid=1:1-9
    r1 <- p1 gtid=1:1-5 received=1:6-10
    r2 <- p1 gtid=1:1-9
    r3 <- p1 gtid=1:1-9;13:1
    r4 <- p1 gtid=1:1-9 use=file";

/// Rules broken by the phases of a failover after `damage`. The phases are: 0 collect, 1 drain, 2 promote.
fn broken(phase: usize, damage: impl FnOnce(&mut Plan)) -> Vec<CheckRule> {
    let case = world(WORLD);
    let (choice, mut plans) = preview(&case).unwrap();
    assert_eq!(choice.candidate.key, key("r1"));
    damage(&mut plans[phase]);
    let mut context = check_context(&case, &choice);
    let mut rules: Vec<CheckRule> = plans
        .iter()
        .flat_map(|plan| check_plan(plan, &mut context))
        .filter(|note| note.severity == Severity::Error)
        .map(|note| note.rule)
        .collect();
    rules.dedup();
    rules
}

fn find(plan: &Plan, server: &str, wanted: fn(&Action) -> bool) -> usize {
    plan.steps
        .iter()
        .position(|step| step.server == key(server) && wanted(&step.action))
        .expect("the step is there")
}

/// Takes a step out and lets those after it wait for what it waited for.
fn remove(plan: &mut Plan, at: usize) {
    let gone = plan.steps.remove(at);
    for step in &mut plan.steps {
        if step.after.contains(&gone.id) {
            step.after.retain(|id| *id != gone.id);
            step.after.extend(&gone.after);
        }
    }
}

#[test]
fn the_undamaged_plans_are_good() {
    assert!(broken(0, |_| {}).is_empty());
}

#[test]
fn missing_steps_are_noticed() {
    let is_stop = |action: &Action| matches!(action, Action::StopReplication(_));
    let is_wait = |action: &Action| matches!(action, Action::WaitExecutedGtid(_));
    let is_fence = |action: &Action| matches!(action, Action::SetReadOnly { on: true, .. });
    let is_detach = |action: &Action| matches!(action, Action::DetachSource);
    let without = |phase: usize, server: &'static str, wanted: fn(&Action) -> bool| {
        broken(phase, |plan| {
            let at = find(plan, server, wanted);
            remove(plan, at);
        })
    };
    assert_eq!(without(1, "r1", is_wait), [CheckRule::DrainedBefore]);
    assert_eq!(without(1, "p1", is_fence), [CheckRule::ReadOnlyBefore]);
    assert!(without(2, "r1", is_stop).contains(&CheckRule::StoppedBefore));
    assert_eq!(without(2, "r2", is_stop), [CheckRule::StoppedBefore]);
    assert_eq!(without(2, "r3", is_stop), [CheckRule::StoppedBefore]);
    assert_eq!(without(2, "r3", is_detach), [CheckRule::LostDetached]);
}

#[test]
fn a_wait_that_may_fail_proves_nothing() {
    assert_eq!(broken(1, |plan| plan.steps[0].on_failure = OnFailure::Note), [CheckRule::DrainedBefore]);
}

#[test]
fn the_failed_server_is_neither_opened_nor_followed() {
    let rules = broken(2, |plan| {
        let open = Action::SetReadOnly { on: false, with_super: false };
        plan.push(&key("p1"), open, &[StepId(3)], Duration::from_secs(1), "");
    });
    assert!(rules.contains(&CheckRule::NotTheFailed) && rules.contains(&CheckRule::OneWriter), "{rules:?}");
    let rules = broken(2, |plan| {
        let at = find(plan, "r2", |action| matches!(action, Action::ChangeSource { .. }));
        plan.steps[at].action = Action::ChangeSource { source: key("p1"), position: SourcePosition::Keep };
    });
    assert_eq!(rules, [CheckRule::NotTheFailed]);
}

#[test]
fn two_servers_are_never_opened() {
    let rules = broken(2, |plan| {
        let open = Action::SetReadOnly { on: false, with_super: false };
        let last = plan.steps.iter().rev().find(|step| step.server == key("r2")).unwrap().id;
        plan.push(&key("r2"), open, &[last], Duration::from_secs(1), "");
    });
    assert!(rules.contains(&CheckRule::OneWriter), "{rules:?}");
}

#[test]
fn the_new_primary_follows_nobody() {
    let rules = broken(2, |plan| {
        let start = Action::StartReplication(model::Threads::Both);
        plan.push(&key("r1"), start, &[StepId(4)], Duration::from_secs(1), "");
    });
    assert_eq!(rules, [CheckRule::NoCircle]);
    let rules = broken(2, |plan| {
        let at = find(plan, "r2", |action| matches!(action, Action::ChangeSource { .. }));
        plan.steps[at].action = Action::ChangeSource { source: key("r2"), position: SourcePosition::Keep };
    });
    assert_eq!(rules, [CheckRule::NoCircle]);
}

#[test]
fn order_and_time_are_checked() {
    assert_eq!(broken(2, |plan| plan.steps[0].deadline = Duration::ZERO), [CheckRule::Deadline]);
    assert_eq!(broken(2, |plan| plan.steps[3].after.push(StepId(99))), [CheckRule::Order]);
    assert!(broken(2, |plan| plan.steps[0].after.push(StepId(2))).contains(&CheckRule::Order));
    assert!(broken(2, |plan| plan.steps[1].id = StepId(1)).contains(&CheckRule::Order));
    assert!(broken(2, |plan| plan.steps[3].after.clear()).contains(&CheckRule::OneAtATime));
}

#[test]
fn the_relay_log_of_a_mariadb_replica_is_kept_until_it_is_applied() {
    let case = world(
        "p1 version=11.4.2-MariaDB gtid=0-1-9
         r1 <- p1 version=11.4.2-MariaDB gtid=0-1-5 received=0-1-9",
    );
    let choice = choose(&case, &case.replicas).unwrap();
    let mut plan = release_plan(&case, &case.replicas);
    assert!(check_plan(&plan, &mut check_context(&case, &choice)).is_empty());
    remove(&mut plan, 0);
    let notes = check_plan(&plan, &mut check_context(&case, &choice));
    assert_eq!(notes.iter().map(|note| note.rule).collect::<Vec<_>>(), [CheckRule::DrainedBefore]);
    assert!(
        notes[0].to_string().starts_with("error: step 2: DrainedBefore: starting the receiver of r1:3306")
    );
}
