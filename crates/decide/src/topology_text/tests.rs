//! Trees as printed, byte for byte; those that the original was seen to print are in `recorded`.

use std::time::Duration;

use super::*;
use crate::scenario::{Scenario, key};

const POLICY: TopologyTextPolicy =
    TopologyTextPolicy { poll: Duration::from_secs(5), reasonable_maintenance_lag_seconds: 20 };

pub(super) fn printed(scenario: &Scenario, cluster: &str, style: TopologyStyle) -> String {
    topology_text(&scenario.fleet, cluster, style, &POLICY, scenario.now)
}

#[track_caller]
fn check(text: &str, cluster: &str, style: TopologyStyle, expected: &[&str]) {
    assert_eq!(printed(&Scenario::parse(text), cluster, style), expected.join("\n"), "\n{text}");
}

#[test]
fn several_states_side_by_side() {
    let fleet = "shop-db1 semi=1/1
         shop-db2 <- shop-db1 alias=paris-spare semi_replica tag=keep tag=role:reports
         shop-db3 <- shop-db1 io=stopped mode=OFF gtid=off
         shop-db4 <- shop-db2 lag=25 behind=25 nolog errant=u:1";
    check(
        fleet,
        "shop-db1:3306",
        TopologyStyle::Plain,
        &[
            "shop-db1:3306                 [0s,ok,8.0.36,rw,ROW,>>,GTID,semi:master]",
            "+ shop-db2:3306 (paris-spare) [0s,ok,8.0.36,ro,ROW,>>,GTID,semi:replica]",
            "  + shop-db4:3306             [25s,lag,8.0.36,ro,nobinlog,GTID:errant]",
            "- shop-db3:3306               [null,nonreplicating,8.0.36,ro,ROW,>>]",
        ],
    );
    check(
        fleet,
        "shop-db1:3306",
        TopologyStyle::Tabulated,
        &[
            "shop-db1:3306                |  0s|ok            |8.0.36|rw|ROW     |>>,GTID,semi:master ",
            "+ shop-db2:3306 (paris-spare)|  0s|ok            |8.0.36|ro|ROW     |>>,GTID,semi:replica",
            "  + shop-db4:3306            | 25s|lag           |8.0.36|ro|nobinlog|GTID:errant         ",
            "- shop-db3:3306              |null|nonreplicating|8.0.36|ro|ROW     |>>                  ",
        ],
    );
    let tags = printed(&Scenario::parse(fleet), "shop-db1:3306", TopologyStyle::Tags);
    assert_eq!(
        tags.lines().nth(1),
        Some("+ shop-db2:3306 (paris-spare) [0s,ok,8.0.36,ro,ROW,>>,GTID,semi:replica] [keep,role=reports]")
    );
}

#[test]
fn states_of_one_server() {
    let state = |facts: &str| {
        let mut scenario = Scenario::parse(&format!("p1 \n s {facts}"));
        if facts.contains("pos=//") {
            let coordinates = scenario.instance("s").self_coordinates.clone();
            scenario.fleet.update(&key("s"), |s| s.replication.exec = coordinates);
        }
        state_text(&state_tokens(&scenario.fleet, scenario.instance("s"), &POLICY, scenario.now))
    };
    let cases = [
        ("down=2s", "[unknown,invalid,8.0.36,rw,ROW,>>,GTID]"),
        ("age=25s", "[0s,ok,8.0.36,rw,ROW,>>,GTID]"),
        ("age=26s", "[unknown,unchecked,8.0.36,rw,ROW,>>,GTID]"),
        ("<- p1 sql=stopped", "[null,nonreplicating,8.0.36,ro,ROW,>>,GTID]"),
        ("<- p1 behind=null", "[null,ok,8.0.36,ro,ROW,>>,GTID]"),
        ("<- p1 lag=null", "[0s,ok,8.0.36,ro,ROW,>>,GTID]"),
        ("<- p1 behind=20 lag=99", "[99s,ok,8.0.36,ro,ROW,>>,GTID]"),
        ("<- p1 behind=21", "[0s,lag,8.0.36,ro,ROW,>>,GTID]"),
        ("<- p1 behind=60 delay=60", "[0s,ok,8.0.36,ro,ROW,>>,GTID]"),
        ("<- //p1", "[0s,ok,8.0.36,ro,ROW,>>,GTID]"),
        ("mode=OFF noupdates pseudo", "[0s,ok,8.0.36,rw,ROW,P-GTID]"),
        ("mode=OFF errant=u:1", "[0s,ok,8.0.36,rw,ROW,>>]"),
        ("nolog", "[0s,ok,8.0.36,rw,nobinlog,GTID]"),
        ("downtime=0s", "[0s,ok,8.0.36,rw,ROW,>>,GTID]"),
    ];
    for (facts, expected) in cases {
        assert_eq!(state(facts), expected, "{facts}");
    }
}

#[test]
fn a_detached_position_shows() {
    let mut scenario = Scenario::parse("p1 \n r1 <- p1");
    let detached = model::BinlogCoordinates::binary("//binlog.000001:4", 4);
    scenario.fleet.update(&key("r1"), |r1| r1.replication.exec = detached);
    let tokens = state_tokens(&scenario.fleet, scenario.instance("r1"), &POLICY, scenario.now);
    assert_eq!(tokens.0[0], "detached");
}

/// Heads only: what stands before the bracket.
#[track_caller]
fn check_tree(text: &str, cluster: &str, expected: &[&str]) {
    let shown = printed(&Scenario::parse(text), cluster, TopologyStyle::Plain).replace(":3306", "");
    let heads: Vec<&str> =
        shown.lines().map(|line| line.split(" [").next().unwrap_or_default().trim_end()).collect();
    assert_eq!(heads, expected, "\n{text}");
}

#[test]
fn marks() {
    check_tree(
        "p \n a <- p \n b <- p io=stopped \n c <- p down=2s \n d <- p age=26s",
        "p:3306",
        &["p", "+ a", "- b", "- c", "- d"],
    );
}

#[test]
fn groups() {
    let group = "g1 group=PRIMARY/ONLINE/g1 \n g2 group=SECONDARY/ONLINE/g1 cluster=g1:3306 \n r <- g2 cluster=g1:3306";
    check_tree(group, "g1:3306", &["g1", "‡ g2", "  + r"]);
    let aligned = printed(&Scenario::parse(group), "g1:3306", TopologyStyle::Plain);
    let columns: Vec<_> = aligned.lines().map(|line| line.chars().position(|c| c == '[')).collect();
    assert_eq!(columns, [Some(11); 3], "a mark of several bytes is one column wide");
    check_tree(
        "p \n g1 <- p group=PRIMARY/ONLINE/g1 \n g2 group=SECONDARY/ONLINE/g1 cluster=p:3306",
        "p:3306",
        &["p", "+ g1", "  ‡ g2"],
    );
}

#[test]
fn co_primaries() {
    check_tree("a <- b co \n b <- a co \n c <- b \n d <- a", "a:3306", &["+ a", "  + d", "+ b", "  + c"]);
}

#[test]
fn every_root_is_printed() {
    check_tree(
        "p cluster=c \n r <- p cluster=c \n q cluster=c \n s <- q cluster=c \n t <- elsewhere cluster=c",
        "c",
        &["p", "+ r", "q", "+ s", "t"],
    );
}

#[test]
fn rings_are_printed_once() {
    check_tree("a <- c \n b <- a \n c <- b \n d <- b", "a:3306", &["a", "+ b", "  + c", "  + d"]);
    check_tree("a <- a", "a:3306", &["a"]);
    check_tree(
        "a cluster=c \n e <- a cluster=c \n b <- d cluster=c \n d <- b cluster=c",
        "c",
        &["a", "+ e", "b", "+ d"],
    );
}

#[test]
fn a_flag_left_over_does_not_hide_servers() {
    check_tree("p \n a <- p \n b <- a co \n c <- b", "p:3306", &["p", "+ a", "+ b", "  + c"]);
}

#[test]
fn long_chains_and_unknown_clusters() {
    let chain: String = (1..300).map(|n| format!("s{n} <- s{} cluster=c depth=1\n", n - 1)).collect();
    let scenario = Scenario::parse(&format!("s0 cluster=c depth=0\n{chain}"));
    assert_eq!(printed(&scenario, "c", TopologyStyle::Plain).lines().count(), 300);
    assert_eq!(printed(&scenario, "nosuch", TopologyStyle::Plain), "");
    assert_eq!(printed(&scenario, "nosuch", TopologyStyle::Tabulated), "");
}
