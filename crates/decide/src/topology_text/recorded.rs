//! Every topology that the original printed of two real fleets, MySQL 9.7 and MariaDB 10.11, through takeovers, moves and
//! the death of the primary: the same text, byte for byte.
//!
//! `recorded.txt` holds a block for each: `= FAMILY MOMENT STYLE`, the servers by port with what sets them apart, `-`, and
//! what was printed. Blanks at the ends of lines belong to the text.

use super::tests::printed;
use super::*;
use crate::scenario::Scenario;

const RECORDED: &str = include_str!("recorded.txt");

/// `10232 <- 10231 word` in the language of scenarios, with what all servers of a family have in common.
fn server(family: &str, line: &str) -> String {
    let port = line.split(' ').next().unwrap_or_default();
    let common = match family {
        "mysql" => "version=9.7.4-2",
        _ => "family=mariadb version=10.11.19-MariaDB-0+deb12u1-log format=MIXED",
    };
    let (names, facts) = match line.split_once(" <- ") {
        None => (format!("127.0.0.1:{port}"), line.strip_prefix(port).unwrap_or_default()),
        Some((_, rest)) => {
            let (source, facts) = rest.split_once(' ').unwrap_or((rest, ""));
            (format!("127.0.0.1:{port} <- 127.0.0.1:{source}"), facts)
        }
    };
    // The family last: it turns the GTID facts before it into its own.
    format!("{names} alias=db{port} {facts} {common}")
}

#[test]
fn every_recorded_topology_is_printed_as_it_was() {
    let mut count = 0;
    for block in RECORDED.split("= ").filter(|block| !block.is_empty()) {
        let (head, rest) = block.split_once('\n').unwrap();
        let (servers, wanted) = rest.split_once("\n-\n").unwrap();
        let [family, _moment, style] = head.split(' ').collect::<Vec<_>>()[..] else { panic!("{head}") };
        let style = match style {
            "plain" => TopologyStyle::Plain,
            "tabulated" => TopologyStyle::Tabulated,
            "tags" => TopologyStyle::Tags,
            other => panic!("{other}"),
        };
        let text: Vec<String> = servers.lines().map(|line| server(family, line)).collect();
        let primary = servers.split([' ', '\n']).next().unwrap();
        let shown = printed(&Scenario::parse(&text.join("\n")), &format!("127.0.0.1:{primary}"), style);
        assert_eq!(shown, wanted.trim_end_matches('\n'), "{head}");
        count += 1;
    }
    assert_eq!(count, 27);
}
