//! What must hold for every failover, whatever the replicas hold.

use std::sync::Arc;

use model::{GtidSet, Instance};
use proptest::prelude::*;

use super::scenario::world;
use super::*;
use crate::plan_checker::check_plan;

/// The rest of the line of one replica.
fn mysql_replica() -> impl Strategy<Value = String> {
    let rule = prop::sample::select(vec!["must", "prefer", "neutral", "prefer_not", "must_not"]);
    let sql = prop::sample::select(vec!["running", "running", "running", "stopped", "broken"]);
    (5_u32..15, 0_u32..6, rule, sql, 0_u32..8, 0_u32..12, any::<bool>()).prop_map(
        |(executed, received, rule, sql, flags, errant, is_preferred_place)| {
            let mut line = format!("gtid=1:1-{executed}");
            if errant == 0 {
                line += ";99:1";
            }
            if received > 0 {
                line += &format!(" received=1:{}-{}", executed + 1, executed + received);
            }
            line += &format!(" rule={rule} sql={sql} dc={}", if is_preferred_place { "a" } else { "b" });
            if flags == 0 {
                line += " log_updates=off";
            } else if flags == 1 {
                line += " valid=no";
            } else if flags == 2 {
                line += " version=8.4.0";
            }
            line
        },
    )
}

fn case_of(lines: &[String]) -> FailoverCase {
    let mut text = "p1 dc=a gtid=1:1-10\n".to_owned();
    for (at, line) in lines.iter().enumerate() {
        // An errant transaction of the replica itself carries its own number.
        text += &format!("r{} <- p1 {}\n", at + 1, line.replace("99:1", &format!("{}:1", at + 11)));
    }
    world(&text)
}

fn mariadb_case(lines: &[(u64, u64, bool)]) -> FailoverCase {
    let mut text = "p1 version=11.4.2-MariaDB gtid=0-1-10\n".to_owned();
    for (at, (applied, waiting, is_preferred)) in lines.iter().enumerate() {
        text += &format!(
            "r{} <- p1 version=11.4.2-MariaDB gtid=0-1-{applied} received=0-1-{} rule={}\n",
            at + 1,
            applied + waiting,
            if *is_preferred { "prefer" } else { "neutral" },
        );
    }
    world(&text)
}

fn all_of(server: &Instance) -> GtidSet {
    let read = |text: &str| GtidSet::parse(text).unwrap();
    read(&server.executed_gtid).union(&read(&server.replication.retrieved_gtid))
}

/// What the candidate holds after the drain phase, by the plan alone.
fn after_drain(choice: &Choice) -> GtidSet {
    let mut held = GtidSet::parse(&choice.candidate.executed_gtid).unwrap();
    if let DrainTarget::Gtid(set) = &choice.drain {
        held = held.union(&GtidSet::parse(set).unwrap());
    }
    match &choice.catch_up {
        Some(catch_up) => held.union(&GtidSet::parse(&catch_up.until).unwrap()),
        None => held,
    }
}

proptest! {
    #[test]
    fn nothing_received_is_lost_unless_the_choice_says_so(lines in prop::collection::vec(mysql_replica(), 1..6)) {
        let case = case_of(&lines);
        let Ok(choice) = choose(&case, &case.replicas) else { return Ok(()) };
        let held = after_drain(&choice);
        for replica in case.replicas.iter().filter(|replica| replica.is_last_check_valid()) {
            let mut from_primary = all_of(replica);
            from_primary.retain_uuids(|uuid| uuid.to_string() == super::scenario::uuid("1"));
            let missing = from_primary.subtract(&held);
            let admitted = choice.lacking.iter().find(|lacking| lacking.on == replica.key);
            let admitted = admitted.map_or_else(GtidSet::new, |lacking| lacking.transactions.parse().unwrap());
            prop_assert_eq!(&missing, &admitted, "{} lacks what only {} has\n{}", choice.candidate.key, replica.key, choice);
            // Nobody follows a primary that lacks what it has.
            if matches!(choice.fates[&replica.key], Fate::Repoint { .. }) {
                prop_assert!(held.contains(&all_of(replica)), "{}", choice);
            }
        }
    }

    #[test]
    fn the_ranking_is_total_and_does_not_depend_on_the_order_of_the_input(
        lines in prop::collection::vec(mysql_replica(), 1..6),
        turn in 0_usize..6,
    ) {
        let case = case_of(&lines);
        let mut turned: Vec<Arc<Instance>> = case.replicas.clone();
        turned.rotate_left(turn % lines.len());
        turned.reverse();
        let mut other = case.clone();
        other.replicas = turned.clone();
        match (choose(&case, &case.replicas), choose(&other, &turned)) {
            (Ok(a), Ok(b)) => {
                prop_assert_eq!(a.to_string(), b.to_string());
                prop_assert_eq!(a.ranking.lines.len(), lines.len());
                prop_assert_eq!(promote_plan(&case, &a), promote_plan(&other, &b));
            }
            (Err(a), Err(b)) => prop_assert_eq!(a, b),
            (a, b) => prop_assert!(false, "{:?} {:?}", a.is_ok(), b.is_ok()),
        }
    }

    #[test]
    fn every_plan_passes_the_checker(lines in prop::collection::vec(mysql_replica(), 1..6), lanes in 0_u32..4) {
        let mut case = case_of(&lines);
        case.policy.concurrent_moves = lanes;
        let Ok(choice) = choose(&case, &case.replicas) else { return Ok(()) };
        let mut context = check_context(&case, &choice);
        for plan in [collect_plan(&case), drain_plan(&case, &choice), promote_plan(&case, &choice)] {
            let notes = check_plan(&plan, &mut context);
            prop_assert!(notes.is_empty(), "{plan}{notes:?}");
        }
    }

    #[test]
    fn mariadb_loses_nothing_and_passes_the_checker(
        lines in prop::collection::vec((5_u64..15, 0_u64..6, any::<bool>()), 1..6),
    ) {
        let case = mariadb_case(&lines);
        let choice = choose(&case, &case.replicas).unwrap();
        let most = lines.iter().map(|(applied, waiting, _)| applied + waiting).max().unwrap();
        let reached = |text: &str| text.rsplit('-').next().and_then(|last| last.parse::<u64>().ok()).unwrap_or(0);
        let own = reached(&choice.candidate.mariadb_gtid_position);
        let drained = match &choice.drain { DrainTarget::Gtid(set) => reached(set), _ => 0 };
        let caught_up = choice.catch_up.as_ref().map_or(0, |catch_up| reached(&catch_up.until));
        prop_assert_eq!(own.max(drained).max(caught_up), most, "{}", choice);
        prop_assert!(choice.lacking.is_empty() && choice.lost().next().is_none());
        let mut context = check_context(&case, &choice);
        for plan in [collect_plan(&case), drain_plan(&case, &choice), promote_plan(&case, &choice)] {
            let notes = check_plan(&plan, &mut context);
            prop_assert!(notes.is_empty(), "{plan}{notes:?}");
        }
    }
}
