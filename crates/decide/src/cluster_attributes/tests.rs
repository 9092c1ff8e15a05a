//! Placing servers read for the first time, or again, into fleets as known.

use model::{Detected, Fleet, Instance};

use super::*;
use crate::scenario::{Scenario, key};

/// Places one server of a drawn fleet as if it had just been read, and gives what was found.
fn placed(text: &str, name: &str) -> (Instance, Placement) {
    placed_with(&Scenario::parse(text).fleet, text, name, &Detected::default())
}

fn placed_with(fleet: &Fleet, text: &str, name: &str, detected: &Detected) -> (Instance, Placement) {
    let mut instance = Scenario::parse(text).instance(name).clone();
    let blank = Instance::unknown(instance.key.clone());
    instance.cluster_name = blank.cluster_name;
    instance.ancestry_uuid = "left over".to_owned();
    let placement = place(fleet, &mut instance, detected, &|cluster| {
        cluster.starts_with("shop").then(|| "by-pattern".to_owned())
    });
    (instance, placement)
}

fn where_is(text: &str, name: &str) -> (String, u32, bool) {
    let (instance, _) = placed(text, name);
    (instance.cluster_name, instance.depth, instance.is_co_primary)
}

fn at(cluster: &str, depth: u32, is_co_primary: bool) -> (String, u32, bool) {
    (cluster.to_owned(), depth, is_co_primary)
}

#[test]
fn a_replica_stands_below_its_source() {
    assert_eq!(where_is("p \n r <- p", "p"), at("p:3306", 0, false));
    assert_eq!(where_is("p \n r <- p", "r"), at("p:3306", 1, false));
    assert_eq!(where_is("p cluster=c depth=4 \n r <- p", "r"), at("c", 5, false));
    assert_eq!(where_is("p \n r <- p \n l <- r", "l"), at("p:3306", 2, false));
}

#[test]
fn an_unknown_source_makes_a_cluster_of_ones_own() {
    assert_eq!(where_is("r <- p", "r"), at("r:3306", 0, false));
    assert_eq!(where_is("p \n r <- //p", "r"), at("r:3306", 0, false));
    let (_, placement) = placed("r <- p", "r");
    assert_eq!(placement.reference, None);
    let mut scenario = Scenario::parse("p \n r <- p");
    scenario.fleet.update(&key("p"), |p| p.cluster_name.clear());
    let (instance, placement) = placed_with(&scenario.fleet, "p \n r <- p", "r", &Detected::default());
    assert_eq!((instance.cluster_name.as_str(), instance.depth), ("r:3306", 1));
    assert_eq!(placement.reference, Some(key("p")));
}

#[test]
fn group_secondaries_follow_the_group_primary() {
    let group = "p cluster=c depth=2 group=PRIMARY/ONLINE/p \n s group=SECONDARY/ONLINE/p";
    assert_eq!(where_is(group, "s"), at("c", 3, false));
    assert_eq!(where_is(group, "p"), at("p:3306", 0, false));
    let (secondary, placement) = placed(group, "s");
    assert!(secondary.ancestry_uuid.ends_with(",11111111-1111-1111-1111-111111111111"));
    assert_eq!(placement.reference, Some(key("p")));
}

#[test]
fn co_primaries() {
    let pair = "a <- b cluster=a:3306 depth=0 \n b <- a cluster=a:3306 depth=1";
    assert_eq!(where_is(pair, "a"), at("a:3306", 0, true));
    assert_eq!(where_is(pair, "b"), at("a:3306", 1, true));
    let (a, placement) = placed(pair, "a");
    assert!(!placement.has_renamed_cluster && a.is_co_primary);
    let foreign = "a <- b cluster=x \n b <- a cluster=x depth=1";
    let (b, placement) = placed(foreign, "b");
    assert_eq!((b.cluster_name.as_str(), placement.has_renamed_cluster), ("a:3306", true));
    assert_eq!(where_is(foreign, "a"), at("a:3306", 0, true));
    assert_eq!(where_is("a <- a", "a"), at("a:3306", 0, true), "its own source");
}

#[test]
fn ancestry() {
    let uuid = |number: u32| format!("00000000-0000-0000-0000-{number:012}");
    let (p, _) = placed("p", "p");
    assert_eq!(p.ancestry_uuid, uuid(1));
    let mut scenario = Scenario::parse("p \n r <- p");
    scenario.fleet.update(&key("p"), |p| p.ancestry_uuid = "top".to_owned());
    let (r, _) = placed_with(&scenario.fleet, "p \n r <- p", "r", &Detected::default());
    assert_eq!(r.ancestry_uuid, format!("top,{}", uuid(2)));
    let pair = "a <- b \n b <- a";
    let mut co = Scenario::parse(pair).instance("a").clone();
    co.replication.primary_uuid = "of-b".to_owned();
    place(&Scenario::parse(pair).fleet, &mut co, &Detected::default(), &|_| None);
    assert_eq!(co.ancestry_uuid, format!("of-b,{}", uuid(1)));
    let (mariadb, _) = placed("p family=mariadb \n r <- p family=mariadb", "r");
    assert_eq!(mariadb.ancestry_uuid, "");
}

fn alias_of(text: &str, name: &str, queried: &str, over: Option<(&str, &str)>) -> String {
    let mut scenario = Scenario::parse(text);
    if let Some((cluster, alias)) = over {
        scenario.fleet.cluster_alias_overrides.insert(cluster.to_owned(), alias.to_owned());
    }
    let detected = Detected { cluster_alias: Some(queried.to_owned()), ..Detected::default() };
    placed_with(&scenario.fleet, text, name, &detected).0.suggested_cluster_alias
}

#[test]
fn aliases_by_precedence() {
    let fleet = "p suggests=old \n r <- p";
    assert_eq!(alias_of(fleet, "p", "asked", None), "asked");
    assert_eq!(alias_of(fleet, "r", "asked", None), "old", "a replica inherits");
    assert_eq!(alias_of("p \n r <- p", "r", "asked", None), "asked", "nothing to inherit");
    assert_eq!(alias_of(fleet, "r", "asked", Some(("p:3306", "set"))), "set");
    assert_eq!(alias_of(fleet, "r", "asked", Some(("p:3306", ""))), "old");
    assert_eq!(alias_of(fleet, "r", "asked", Some(("q:3306", "set"))), "old");
    assert_eq!(alias_of("shop1", "shop1", "", None), "by-pattern");
    assert_eq!(alias_of("p", "p", "", None), "");
    assert_eq!(
        alias_of("shop1 \n r <- shop1 maxscale", "r", "asked", None),
        "",
        "binlog servers only inherit"
    );
    let pair = "a <- b suggests=old \n b <- a suggests=old";
    assert_eq!(alias_of(pair, "a", "new", None), "new", "a co-primary's own query counts");
    assert_eq!(alias_of(pair, "b", "new", None), "new");
    assert_eq!(alias_of(pair, "b", "", None), "old");
}

#[test]
fn domains_come_from_primaries_only() {
    let domain = |text: &str, name: &str, answer: &str| {
        let detected = Detected { cluster_domain: Some(answer.to_owned()), ..Detected::default() };
        placed_with(&Scenario::parse(text).fleet, text, name, &detected).1.cluster_domain
    };
    let fleet = "p \n r <- p";
    assert_eq!(domain(fleet, "p", "shop.example"), Some("shop.example".to_owned()));
    assert_eq!(domain(fleet, "r", "shop.example"), None);
    assert_eq!(domain(fleet, "p", ""), None);
    assert_eq!(domain("p maxscale", "p", "shop.example"), None);
}

#[test]
fn a_failed_query_leaves_the_classification_known_before() {
    let scenario = Scenario::parse("eu-p dc=known region=known alias=known");
    let from_name = |host: &str| host.split_once('-').map(|(region, _)| region.to_owned());
    let nothing = |_: &str| None;
    let classify_with = |previous: Option<&Instance>, detected: &Detected, alias_is_queried: bool| {
        let mut fresh = Instance::unknown(key("eu-p"));
        let sources = ClassSources {
            data_center: ClassSource { from_hostname: &from_name, is_queried: true },
            region: ClassSource { from_hostname: &from_name, is_queried: false },
            physical_environment: ClassSource { from_hostname: &nothing, is_queried: true },
            alias_is_queried,
        };
        classify(previous, &mut fresh, detected, &sources);
        [fresh.data_center, fresh.region, fresh.physical_environment, fresh.alias]
    };
    let classified =
        |previous: Option<&Instance>, detected: &Detected| classify_with(previous, detected, true);
    let known = Some(scenario.instance("eu-p"));
    assert_eq!(classify_with(known, &Detected::default(), false)[3], "", "nobody asks for it any more");
    assert_eq!(classified(known, &Detected::default()), ["known", "eu", "", "known"]);
    assert_eq!(classified(None, &Detected::default()), ["eu", "eu", "", ""]);
    let answer = |text: &str| Some(text.to_owned());
    let detected = Detected {
        data_center: answer("asked"),
        region: answer("asked"),
        physical_environment: answer(""),
        instance_alias: answer("asked"),
        ..Detected::default()
    };
    assert_eq!(classified(known, &detected), ["asked", "asked", "", "asked"]);
}

#[test]
fn aliases_of_all_clusters() {
    let aliases = |text: &str| {
        let scenario = Scenario::parse(text);
        let found = cluster_aliases(&scenario.fleet, scenario.now);
        found.into_iter().map(|(name, alias)| format!("{name}={alias}")).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(aliases("p \n q suggests=shop \n r <- q"), "p:3306=p:3306 q:3306=shop");
    assert_eq!(aliases("old suggests=shop down=2s replicas=9 \n new suggests=shop"), "new:3306=shop");
    assert_eq!(aliases("a suggests=shop \n b suggests=shop ro replicas=9"), "a:3306=shop");
    assert_eq!(aliases("a suggests=shop \n b suggests=shop replicas=1"), "b:3306=shop");
    assert_eq!(aliases("a suggests=shop \n b suggests=shop replicas=1 lost"), "a:3306=shop");
    assert_eq!(
        aliases("a lost \n r <- a suggests=shop replicas=9 \n b suggests=shop down=2s"),
        "b:3306=shop",
        "a replica left below a server that was given up is no cluster to go by"
    );
    assert_eq!(aliases("p suggests=new \n r <- p suggests=old ro"), "p:3306=new");
    assert_eq!(
        aliases("p suggests=new \n r <- p suggests=old ro \n q suggests=old replicas=1"),
        "p:3306=new q:3306=old"
    );
    assert_eq!(aliases("a suggests=shop lost"), "", "its suggestion is not empty, but does not count");
}
