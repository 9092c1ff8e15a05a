//! What must hold whatever the fleet.

use proptest::prelude::*;

use model::{Finding, Fleet};

use crate::analysis::{Hints, NoFilters, Scope, analyze};
use crate::scenario::{Scenario, key};

const HINTS: Hints = Hints { include_downtimed: true, include_no_problem: true };

fn state() -> impl Strategy<Value = String> {
    let check = prop::sample::select(vec!["", "", "down=2s", "down=9s partial", "hang=7s", "never"]);
    let threads = prop::sample::select(vec!["", "", "failing", "io=stopped", "sql=stopped", "io=connecting"]);
    let extra =
        prop::sample::select(vec!["", "", "", "lag=30", "delay=9", "downtime=60s", "nolog", "co", "ro"]);
    (check, threads, extra).prop_map(|(check, threads, extra)| format!("{check} {threads} {extra}"))
}

/// Lines of one cluster whose names end in `suffix`: a tree of up to eight servers.
fn cluster(suffix: &'static str) -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec((any::<prop::sample::Index>(), state()), 1..8).prop_map(move |servers| {
        let mut lines = Vec::new();
        for (number, (source, state)) in servers.iter().enumerate() {
            lines.push(if number == 0 {
                format!("s0{suffix} {state}")
            } else {
                format!("s{number}{suffix} <- s{}{suffix} {state}", source.index(number))
            });
        }
        lines
    })
}

fn findings(scenario: &Scenario, scope: Scope<'_>) -> Vec<Finding> {
    analyze(&scenario.fleet, scope, HINTS, &scenario.policy, &NoFilters, scenario.now)
}

proptest! {
    #[test]
    fn one_more_healthy_replica_never_makes_a_server_dead(lines in cluster("")) {
        let without = Scenario::parse(&lines.join("\n"));
        let with = Scenario::parse(&format!("{}\nnew <- s0", lines.join("\n")));
        let code = |scenario: &Scenario| {
            let all = findings(scenario, Scope::All);
            all.iter().find(|finding| finding.key == key("s0")).map(|finding| finding.code)
        };
        let (before, after) = (code(&without), code(&with));
        prop_assert!(!after.is_some_and(|code| code.as_str().starts_with("Dead")), "{before:?} -> {after:?}");
    }

    #[test]
    fn order_of_insertion_does_not_matter(lines in cluster(""), seed: u64) {
        let drawn = Scenario::parse(&lines.join("\n"));
        let mut instances: Vec<_> = drawn.fleet.iter().cloned().collect();
        let count = instances.len();
        for at in 0..count {
            let other = usize::try_from(seed.rotate_left(u32::try_from(at).unwrap() * 7) % count as u64).unwrap();
            instances.swap(at, other);
        }
        let mut fleet = Fleet::default();
        fleet.downtimes.clone_from(&drawn.fleet.downtimes);
        for instance in instances {
            fleet.insert(model::Instance::clone(&instance));
        }
        let shuffled = Scenario { fleet, ..drawn.clone() };
        prop_assert_eq!(findings(&drawn, Scope::All), findings(&shuffled, Scope::All));
    }

    #[test]
    fn clusters_do_not_influence_each_other(mine in cluster("a"), other in cluster("b")) {
        let alone = Scenario::parse(&mine.join("\n"));
        let together = Scenario::parse(&format!("{}\n{}", mine.join("\n"), other.join("\n")));
        let scope = Scope::Cluster("s0a:3306");
        let mut whole = findings(&together, Scope::All);
        whole.retain(|finding| finding.cluster.name == "s0a:3306");
        prop_assert_eq!(findings(&alone, Scope::All), findings(&together, scope));
        prop_assert_eq!(findings(&together, scope), whole);
    }

    #[test]
    fn a_server_gets_the_same_code_alone_and_in_a_round(lines in cluster("")) {
        let scenario = Scenario::parse(&lines.join("\n"));
        for finding in findings(&scenario, Scope::All) {
            let filters = &NoFilters;
            let alone =
                crate::analysis::analyze_instance(&scenario.fleet, &finding.key, &scenario.policy, filters, scenario.now);
            prop_assert_eq!(Some(finding), alone);
        }
    }
}
