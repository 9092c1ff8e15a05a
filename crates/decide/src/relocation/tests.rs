//! Scenarios of relocation.

use std::time::Duration;

use model::{Fleet, Instance, Timestamp};

use super::*;
use crate::failover::scenario::{key, replication_policy, servers};
use crate::plan_checker::{CheckContext, check_plan};

const NOW: Timestamp = Timestamp::from_secs(101);

fn fleet(text: &str) -> Fleet {
    let mut fleet = Fleet::default();
    for (server, _) in servers(text) {
        fleet.insert(Instance::clone(&server));
    }
    fleet
}

fn policy() -> RelocationPolicy {
    RelocationPolicy {
        replication: replication_policy(),
        recent: Duration::from_secs(25),
        concurrent_moves: 5,
    }
}

fn steps(fleet: &Fleet, relocation: &Relocation) -> Vec<String> {
    let mut context = CheckContext::new(fleet.iter().cloned());
    let notes = check_plan(&relocation.plan, &mut context);
    assert!(notes.is_empty(), "{notes:?}");
    relocation.plan.steps.iter().map(|step| format!("{}: {}", step.server.hostname(), step.action)).collect()
}

fn refused(text: &str, instance: &str, below: &str) -> String {
    relocate(&fleet(text), &key(instance), &key(below), &policy(), NOW).unwrap_err().to_string()
}

#[test]
fn a_gtid_replica_moves_and_can_go_back() {
    let fleet = fleet("p1\n r1 <- p1\n r2 <- p1");
    let relocation = relocate(&fleet, &key("r1"), &key("r2"), &policy(), NOW).unwrap();
    assert_eq!(
        steps(&fleet, &relocation),
        ["r1: stop replication", "r1: replicate from r2:3306", "r1: start replication",]
    );
    assert_eq!(relocation.moves[&key("r1")], Method::Gtid);
    assert!(relocation.plan.steps.iter().all(|step| step.compensation.is_some()));
    let moved = move_below_gtid(&fleet, &key("r1"), &key("r2"), &policy(), NOW).unwrap();
    assert_eq!(steps(&fleet, &moved), steps(&fleet, &relocation));
}

#[test]
fn a_replica_that_is_there_already_is_repointed() {
    let fleet = fleet("p1\n r1 <- p1 use=file");
    let relocation = relocate(&fleet, &key("r1"), &key("p1"), &policy(), NOW).unwrap();
    assert_eq!(relocation.moves[&key("r1")], Method::Repoint);
    let again = repoint(&fleet, &key("r1"), None, &policy()).unwrap();
    assert_eq!(steps(&fleet, &again), steps(&fleet, &relocation));
}

#[test]
fn refusals_have_the_known_texts() {
    assert_eq!(refused("p1\n r1 <- p1", "r9", "p1"), "Error reading r9:3306");
    assert_eq!(
        refused("p1\n r1 <- p1\n r2 <- r1", "r1", "r2"),
        "relocate: r2:3306 is a descendant of r1:3306"
    );
    assert_eq!(refused("p1\n r1 <- p1", "r1", "r1"), "relocate: r1:3306 is a descendant of r1:3306");
    let circle = "p1 version=11.4.2-MariaDB
        r1 <- p1 version=11.4.2-MariaDB
        r2 <- r1 version=11.4.2-MariaDB
        r3 <- r2 version=11.4.2-MariaDB";
    assert_eq!(refused(circle, "r1", "r3"), "relocate: r3:3306 is a descendant of r1:3306");
    assert_eq!(
        refused("p1\n r1 <- p1\n r2 <- p1 log_bin=off", "r1", "r2"),
        "r1:3306 cannot replicate from r2:3306. Reason: instance does not have binary logs enabled: r2:3306"
    );
    assert_eq!(
        refused("p1\n r1 <- p1 use=file\n r2 <- p1", "r1", "r2"),
        "Relocating r1:3306 below r2:3306 turns to be too complex; please do it manually"
    );
    assert_eq!(refused("p1\n r1 <- p1 valid=no\n r2 <- p1", "r1", "r2"), "r1:3306: last check invalid");
    let late = Timestamp::from_secs(500);
    let error =
        relocate(&fleet("p1\n r1 <- p1\n r2 <- p1"), &key("r1"), &key("r2"), &policy(), late).unwrap_err();
    assert_eq!(error.to_string(), "r1:3306: not recently checked");
    assert_eq!(
        refused("p1\n r1 <- p1 group=SECONDARY\n r2 <- p1", "r1", "r2"),
        "relocate: r1:3306 is a secondary replication group member, hence, it cannot be relocated"
    );
    let error = repoint(&fleet("p1\n r1 <- p1"), &key("p1"), None, &policy()).unwrap_err();
    assert_eq!(error.to_string(), "instance is not a replica: p1:3306");
    let error =
        repoint(&fleet("p1\n p2\n r1 <- p1 use=file"), &key("r1"), Some(&key("p2")), &policy()).unwrap_err();
    assert_eq!(error.to_string(), "Instances r1:3306, p2:3306 not GTID compatible or not using GTID");
    let below = fleet("p1\n r1 <- p1\n r2 <- r1\n r3 <- r2");
    let error = repoint(&below, &key("r1"), Some(&key("r3")), &policy()).unwrap_err();
    assert_eq!(error.to_string(), "repoint: r3:3306 is a descendant of r1:3306");
}

#[test]
fn replicas_move_together_and_each_stands_for_itself() {
    let fleet = fleet("p1\n r1 <- p1\n r2 <- p1\n r3 <- p1 use=file\n r4 <- p1");
    let relocation = relocate_replicas(&fleet, &key("p1"), &key("r1"), None, &policy(), NOW).unwrap();
    assert_eq!(relocation.moves.keys().cloned().collect::<Vec<_>>(), [key("r2"), key("r4")]);
    assert_eq!(relocation.refused.len(), 1);
    assert_eq!(steps(&fleet, &relocation).len(), 6);
    assert!(relocation.plan.steps.iter().all(|step| step.on_failure == OnFailure::LoseServer));
    let only = BTreeSet::from([key("r4")]);
    let relocation = relocate_replicas(&fleet, &key("p1"), &key("r1"), Some(&only), &policy(), NOW).unwrap();
    assert_eq!(relocation.moves.len(), 1);
    let relocation = relocate_replicas(&fleet, &key("r4"), &key("p1"), None, &policy(), NOW).unwrap();
    assert!(relocation.plan.steps.is_empty());
    let only = BTreeSet::from([key("r3")]);
    let error = relocate_replicas(&fleet, &key("p1"), &key("r1"), Some(&only), &policy(), NOW).unwrap_err();
    assert_eq!(
        error.to_string(),
        "Relocating 1 replicas of p1:3306 below r1:3306 turns to be too complex; please do it manually. Additional \
         Errors: Error(s): ; Relocating r3:3306 below r1:3306 turns to be too complex; please do it manually"
    );
}
