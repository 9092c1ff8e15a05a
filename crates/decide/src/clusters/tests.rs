//! Selections and look-ups on drawn fleets.

use std::time::Duration;

use model::{Instance, InstanceKey};

use super::*;
use crate::analysis::NoFilters;
use crate::scenario::{Scenario, key};

const POLICY: ProblemPolicy = ProblemPolicy { poll: Duration::from_secs(5), reasonable_lag_seconds: 10 };

fn names<'a>(instances: impl IntoIterator<Item = &'a std::sync::Arc<Instance>>) -> Vec<String> {
    instances.into_iter().map(|instance| instance.key.hostname().to_owned()).collect()
}

fn no_alias(_name: &str) -> Option<String> {
    None
}

fn pattern_alias(name: &str) -> Option<String> {
    name.strip_prefix("p2").map(|_| "second".to_owned())
}

#[test]
fn clusters_and_their_details() {
    let mut scenario = Scenario::parse("p2 \n p1 \n r1 <- p1");
    let fleet = &mut scenario.fleet;
    fleet.cluster_aliases.insert("p1:3306".to_owned(), "shop".to_owned());
    fleet.cluster_aliases.insert("p2:3306".to_owned(), "p2:3306".to_owned());
    fleet.cluster_domains.insert("p1:3306".to_owned(), "shop.example".to_owned());
    assert_eq!(cluster_names(fleet), ["p1:3306", "p2:3306"]);
    let infos = clusters_info(fleet, &pattern_alias, &NoFilters);
    let shown: Vec<_> = infos
        .iter()
        .map(|info| (info.name.as_str(), info.alias.as_str(), info.domain.as_str(), info.count_instances))
        .collect();
    assert_eq!(shown, [("p1:3306", "shop", "shop.example", 2), ("p2:3306", "second", "", 1)]);
    assert_eq!(cluster_info(fleet, "p1:3306", &no_alias, &NoFilters).as_ref(), Ok(&infos[0]));
    let missing = cluster_info(fleet, "p9:3306", &no_alias, &NoFilters).unwrap_err();
    assert_eq!(missing.to_string(), "No cluster info found for p9:3306");
    assert_eq!(effective_alias(fleet, "p2:3306", &no_alias), "p2:3306");
    fleet.cluster_aliases.insert("p2:3306".to_owned(), String::new());
    assert_eq!(effective_alias(fleet, "p2:3306", &pattern_alias), "second");
}

#[test]
fn a_hint_is_a_name_an_alias_or_a_member() {
    let mut scenario =
        Scenario::parse("p1 \n r1 <- p1 \n shop <- p1 \n p2:3307 cluster=other \n lost \n db10 \n db20");
    scenario.fleet.cluster_aliases.insert("p1:3306".to_owned(), "shop".to_owned());
    scenario.fleet.update(&key("lost"), |lost| lost.cluster_name.clear());
    let resolve = |hint: &str| {
        resolve_cluster_hint(&scenario.fleet, hint, 3306, &no_alias).map_err(|error| error.to_string())
    };
    let ok = |name: &str| Ok(name.to_owned());
    assert_eq!(resolve("p1:3306"), ok("p1:3306"));
    assert_eq!(resolve("shop"), ok("p1:3306"), "an alias comes before a server of that name");
    assert_eq!(resolve("r1"), ok("p1:3306"));
    assert_eq!(resolve("p2:3307"), ok("other"));
    assert_eq!(resolve("db1"), ok("db10:3306"), "the only one that contains it");
    assert_eq!(resolve("DB2"), ok("db20:3306"));
    let unknown = |hint: &str| Err(format!("Unable to determine cluster name. clusterHint={hint}"));
    for hint in ["db", "p2", "10.0.0.", "nosuch", "a:b:c", "d%10", "p1:99999"] {
        assert_eq!(resolve(hint), unknown(hint));
    }
    assert_eq!(resolve("").unwrap_err(), "Unable to determine cluster name by empty hint");
    assert_eq!(
        resolve("lost").unwrap_err(),
        "Unable to determine cluster name for lost:3306, empty cluster name. clusterHint=lost"
    );
    let by_pattern = resolve_cluster_hint(&scenario.fleet, "ten", 3306, &|name| {
        (name == "db10:3306").then(|| "ten".to_owned())
    });
    assert_eq!(by_pattern, Ok("db10:3306".to_owned()));
}

#[test]
fn clusters_by_alias_only() {
    let mut scenario = Scenario::parse("p1");
    scenario.fleet.cluster_aliases.insert("p1:3306".to_owned(), "shop".to_owned());
    assert_eq!(cluster_by_alias(&scenario.fleet, "shop"), Ok("p1:3306".to_owned()));
    assert_eq!(cluster_by_alias(&scenario.fleet, "p1:3306"), Ok("p1:3306".to_owned()));
    let missing = cluster_by_alias(&scenario.fleet, "p1").unwrap_err();
    assert_eq!(missing.to_string(), "No cluster found for alias p1");
}

#[test]
fn an_exact_key_comes_before_a_similar_one() {
    let scenario = Scenario::parse("db1 \n xdb1x:3307 \n 10.0.0.11");
    let find =
        |name: &str| find_instance(&scenario.fleet, &key(name)).map(|instance| instance.key.to_string());
    assert_eq!(find("db1"), Some("db1:3306".to_owned()));
    assert_eq!(find("db1:3307"), Some("xdb1x:3307".to_owned()));
    assert_eq!(find("db1:3308"), None);
    assert_eq!(find("10.0.0.1"), None, "addresses are never taken in part");
    assert_eq!(find_instance_fuzzy(&scenario.fleet, &InstanceKey::new("", 3306)), None);
}

#[test]
fn who_leads_a_cluster() {
    let scenario = Scenario::parse(
        "b <- a co ro cluster=pair depth=0 \n a <- b co rw cluster=pair depth=1 \n c <- a cluster=pair depth=2
         p1 \n r1 <- p1 \n p2 ro",
    );
    let fleet = &scenario.fleet;
    assert_eq!(names(&cluster_primaries(fleet, "pair")), ["a", "b"]);
    assert_eq!(names(&cluster_primary(fleet, "pair")), ["a"]);
    assert_eq!(names(&writable_primaries(fleet, "pair")), ["a"]);
    assert_eq!(names(&cluster_primary(fleet, "p2:3306")), ["p2"]);
    assert!(writable_primaries(fleet, "p2:3306").is_empty());
    assert_eq!(cluster_primary(fleet, "nosuch"), None);
    assert_eq!(names(&all_clusters_primaries(fleet)), ["p1", "a"]);
    let both = Scenario::parse("b <- a co rw \n a <- b co rw");
    assert_eq!(names(&writable_primaries(&both.fleet, "a:3306")), ["a", "b"], "by depth");
}

#[test]
fn searching() {
    let mut scenario = Scenario::parse(
        "p1 suggests=Shop \n z <- p1 version=9.7.4 replicas=2 \n r1 <- p1 \n m:3310 <- p1 family=mariadb replicas=1",
    );
    scenario.fleet.update(&key("z"), |z| z.server_id = 777);
    let found = |text: &str| names(&search(&scenario.fleet, text, true));
    assert_eq!(found(""), ["p1", "z", "m", "r1"], "by depth, most replicas, cluster, key");
    assert_eq!(found("  P1 "), found(""), "the cluster name contains it");
    assert_eq!(found("shop"), ["p1"]);
    assert!(names(&search(&scenario.fleet, "shop", false)).is_empty(), "by letter case");
    assert_eq!(names(&search(&scenario.fleet, "Shop", false)), ["p1"]);
    assert_eq!(found("9.7"), ["z"]);
    assert_eq!(found("maria"), ["m"]);
    assert_eq!(found("debian"), ["m"]);
    assert_eq!(found("community"), ["p1", "z", "r1"]);
    assert_eq!(found("3310"), ["m"]);
    assert_eq!(found("777"), ["z"]);
    assert!(found("77").is_empty(), "a server id is matched whole");
    assert_eq!(found("r1:33"), ["r1"]);
    assert!(found("%").is_empty());
    assert_eq!(names(&find(&scenario.fleet, &|text| text.ends_with(":3306"))), ["p1", "z", "r1"]);
}

#[test]
fn operators_statements() {
    let scenario = Scenario::parse(
        "p1 downtime=60s \n r1 <- p1 lost \n r2 <- p1 downtime=0s \n q1 \n q2 <- q1 downtime=9s rule=prefer
         q3 <- q1 rule=prefer_not \n q4 <- q1 rule=must down=2s",
    );
    let (fleet, now) = (&scenario.fleet, scenario.now);
    assert_eq!(names(&downtimed(fleet, None, now)), ["p1", "r1", "q2"]);
    assert_eq!(names(&downtimed(fleet, Some("q1:3306"), now)), ["q2"]);
    assert_eq!(names(&lost_in_recovery(fleet, None, now)), ["r1"]);
    assert!(lost_in_recovery(fleet, Some("q1:3306"), now).is_empty());
    assert_eq!(names(&candidates(fleet, "q1:3306")), ["q2", "q4"]);
    assert_eq!(names(&unseen(fleet)), ["q4"]);
}

#[test]
fn replicas_for_migrations() {
    let scenario = Scenario::parse(
        "p1 \n a <- p1 replicas=1 \n b <- p1 \n c <- p1 format=MIXED \n d <- p1 nolog \n e <- p1 noupdates
         f <- p1 down=2s \n g <- p1 maxscale",
    );
    assert_eq!(names(&migration_replicas(&scenario.fleet, "p1:3306")), ["b", "a"]);
}

#[test]
fn lag_of_a_cluster() {
    let scenario = Scenario::parse(
        "p1 lag=99
         a1 <- p1 dc=a lag=1 \n a2 <- p1 dc=a lag=2 replicas=1 \n a3 <- p1 dc=a lag=3
         b1 <- p1 dc=b lag=4 replicas=3 \n b2 <- p1 dc=b down=2s lag=90 \n b3 <- p1 dc=b maxscale lag=91
         c1 <- b1 lag=5 \n c2 <- b1 lag=6 \n c3 <- b1 lag=null \n d1 <- c1 lag=7 \n d2 <- c1 lag=8 \n d3 <- c1 lag=null",
    );
    let nobody = |_: &InstanceKey| false;
    let control = lag_control_replicas(&scenario.fleet, "p1:3306", &nobody);
    assert_eq!(names(&control), ["b1", "a2", "a3", "c2", "c1", "d2", "d1"]);
    assert_eq!(heuristic_lag_seconds(&scenario.fleet, "p1:3306", &nobody), Ok(8));
    let third_tier = |key: &InstanceKey| key.hostname().starts_with('d');
    assert_eq!(heuristic_lag_seconds(&scenario.fleet, "p1:3306", &third_tier), Ok(6));
    let error = heuristic_lag_seconds(&scenario.fleet, "nosuch", &nobody).unwrap_err();
    assert_eq!(error.to_string(), "No instances found in GetInstancesMaxLag");
    let unknown = Scenario::parse("p1 \n r1 <- p1 lag=null");
    assert_eq!(heuristic_lag_seconds(&unknown.fleet, "p1:3306", &nobody), Ok(0));
}

#[test]
fn problems_of_one_server() {
    let problems = |facts: &str| {
        let scenario = Scenario::parse(&format!("p1 \n s {facts}"));
        let found = problems_of(scenario.instance("s"), &POLICY, scenario.now);
        found.into_iter().map(Problem::as_str).collect::<Vec<_>>().join(" ")
    };
    let cases = [
        ("", ""),
        ("<- p1", ""),
        ("down=2s", "last_check_invalid"),
        ("never", "last_check_invalid"),
        ("age=25s", ""),
        ("age=26s", "not_recently_checked"),
        ("down=30s age=26s", "not_recently_checked"),
        ("<- p1 io=stopped lag=99", "not_replicating"),
        ("<- p1 sql=connecting", "not_replicating"),
        ("<- p1 io=absent sql=absent", ""),
        ("<- p1 lag=10", ""),
        ("<- p1 lag=11", "replication_lag"),
        ("<- p1 lag=60 delay=60", ""),
        ("<- p1 lag=49 delay=60", "replication_lag"),
        ("<- p1 lag=null", ""),
        ("<- p1 errant=u:1 io=stopped", "not_replicating errant_gtid"),
        ("group=SECONDARY/ONLINE/g", ""),
        ("group=SECONDARY/RECOVERING/g down=2s", "last_check_invalid group_replication_member_not_online"),
    ];
    for (facts, expected) in cases {
        assert_eq!(problems(facts), expected, "{facts}");
    }
}

#[test]
fn servers_with_problems() {
    let is_listed = |facts: &str| {
        let scenario = Scenario::parse(&format!("p1 \n s {facts}"));
        let nobody = |_: &InstanceKey| false;
        !problem_instances(&scenario.fleet, None, &POLICY, &nobody, scenario.now).is_empty()
    };
    for facts in [
        "down=2s",
        "never",
        "age=26s",
        "<- p1 io=stopped",
        "<- p1 sql=connecting",
        "<- p1 io=absent sql=stopped",
        "<- p1 behind=11",
        "<- p1 lag=11",
        "<- p1 behind=0 delay=11",
        "<- p1 errant=u:1",
        "group=PRIMARY/ERROR/s",
    ] {
        assert!(is_listed(facts), "{facts}");
    }
    for facts in [
        "",
        "<- p1",
        "age=25s",
        "<- p1 io=absent sql=absent",
        "<- p1 behind=10 lag=10",
        "<- p1 behind=60 lag=60 delay=60",
        "<- p1 behind=null lag=null",
        "group=PRIMARY/ONLINE/s",
        "down=2s downtime=9s",
    ] {
        assert!(!is_listed(facts), "{facts}");
    }
    let scenario = Scenario::parse("p1 down=2s \n x1 down=2s \n p2 down=2s");
    let ignores = |key: &InstanceKey| key.hostname().starts_with('x');
    let listed =
        |cluster| names(&problem_instances(&scenario.fleet, cluster, &POLICY, &ignores, scenario.now));
    assert_eq!(listed(None), ["p1", "p2"]);
    assert_eq!(listed(Some("p2:3306")), ["p2"]);
    assert!(listed(Some("p%")).is_empty());
}
