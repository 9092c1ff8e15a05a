//! From a request path to an operation and its arguments.
//!
//! A path is split at `/` before it is decoded, so an encoded slash may stand inside a value. One trailing slash is
//! accepted. Of several routes that fit, the one declared first wins, with literal segments before parameters.

use std::collections::HashMap;

use crate::args::Args;
use crate::operation::{Operation, operations};

/// A route that fits.
#[derive(Clone, Debug)]
pub struct Matched {
    /// The operation.
    pub operation: &'static Operation,
    /// Arguments from the path.
    pub args: Args,
}

/// All routes, by first segment.
#[derive(Debug)]
pub struct RouteTable {
    by_first: HashMap<&'static str, Vec<Route>>,
}

#[derive(Clone, Debug)]
struct Route {
    operation: &'static Operation,
    rest: Vec<Segment>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Segment {
    Literal(&'static str),
    Parameter(&'static str),
}

impl Default for RouteTable {
    fn default() -> Self {
        Self::new()
    }
}

impl RouteTable {
    /// The routes of all operations. Routes that begin with an operation's name exist under its synonyms, too.
    pub fn new() -> Self {
        let mut by_first: HashMap<&'static str, Vec<Route>> = HashMap::new();
        for operation in operations() {
            for path in operation.routes {
                let mut segments = path.split('/');
                let first = segments.next().unwrap_or_default();
                let route = Route { operation, rest: segments.map(Segment::read).collect() };
                if first == operation.name {
                    for synonym in operation.synonyms {
                        by_first.entry(synonym).or_default().push(route.clone());
                    }
                }
                by_first.entry(first).or_default().push(route);
            }
        }
        for routes in by_first.values_mut() {
            routes.sort_by_key(|route| {
                route.rest.iter().filter(|s| matches!(s, Segment::Parameter(_))).count()
            });
        }
        Self { by_first }
    }

    /// The operation a path below `/api/` means.
    pub fn find(&self, path: &str) -> Option<Matched> {
        let path = path.strip_suffix('/').unwrap_or(path);
        let segments: Vec<String> = path.split('/').map(percent_decoded).collect::<Option<_>>()?;
        let (first, rest) = segments.split_first()?;
        if rest.iter().any(String::is_empty) {
            return None;
        }
        let route = self.by_first.get(first.as_str())?.iter().find(|route| route.fits(rest))?;
        let mut args = Args::default();
        for (segment, value) in route.rest.iter().zip(rest) {
            if let Segment::Parameter(name) = segment {
                args.set_path(name, value);
            }
        }
        Some(Matched { operation: route.operation, args })
    }

    /// Number of routes, synonyms included.
    pub fn len(&self) -> usize {
        self.by_first.values().map(Vec::len).sum()
    }

    /// There is no route.
    pub fn is_empty(&self) -> bool {
        self.by_first.is_empty()
    }
}

impl Segment {
    fn read(text: &'static str) -> Self {
        text.strip_prefix(':').map_or(Self::Literal(text), Self::Parameter)
    }
}

impl Route {
    fn fits(&self, given: &[String]) -> bool {
        self.rest.len() == given.len()
            && self.rest.iter().zip(given).all(|(segment, value)| match segment {
                Segment::Literal(text) => text == value,
                Segment::Parameter(_) => true,
            })
    }
}

/// Text with `%XX` replaced; `None` for a broken escape or bytes that are no text.
pub fn percent_decoded(text: &str) -> Option<String> {
    if !text.contains('%') {
        return Some(text.to_owned());
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let high = char::from(rest.next()?).to_digit(16)?;
        let low = char::from(rest.next()?).to_digit(16)?;
        bytes.push(u8::try_from(high * 16 + low).ok()?);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::args::{ClusterText, KeyText, Param, path_param};

    fn parts(host: &str, port: &str) -> Option<KeyText> {
        Some(KeyText::Parts { host: host.to_owned(), port: port.to_owned() })
    }

    #[test]
    fn paths_find_their_operation_and_arguments() {
        let table = RouteTable::new();
        let found = table.find("begin-downtime/db1/3306/ops/disk%2Ffan%20full/30m").unwrap();
        assert_eq!(found.operation.name, "begin-downtime");
        assert_eq!(found.args.instance, parts("db1", "3306"));
        assert_eq!(found.args.text(Param::Reason), Some("disk/fan full"));
        assert_eq!(found.args.text(Param::Duration), Some("30m"));
        let found = table.find("cluster/alias/shop/").unwrap();
        assert_eq!(found.args.cluster, Some(ClusterText::Alias("shop".to_owned())));
        let found = table.find("cluster/db1:3306").unwrap();
        assert_eq!(found.args.cluster, Some(ClusterText::Hint("db1:3306".to_owned())));
        let found = table.find("recover/db1/1/db2/2").unwrap();
        assert_eq!((found.args.instance, found.args.destination), (parts("db1", "1"), parts("db2", "2")));
        assert_eq!(table.find("start-slave/h/1").unwrap().operation.name, "start-replica");
        assert_eq!(table.find("audit-recovery/id/7").unwrap().args.text(Param::Id), Some("7"));
    }

    #[test]
    fn other_paths_find_nothing() {
        let table = RouteTable::new();
        for path in [
            "",
            "/",
            "nosuch",
            "instance/db1",
            "instance/db1/3306//",
            "instance//3306",
            "Instance/a/1",
            "instance/%zz/1",
        ] {
            assert!(table.find(path).is_none(), "{path}");
        }
    }

    #[test]
    fn names_and_routes_are_unique_and_parameters_known() {
        let known = [
            "host",
            "port",
            "belowHost",
            "belowPort",
            "candidateHost",
            "candidatePort",
            "designatedHost",
            "designatedPort",
            "siblingHost",
            "siblingPort",
            "clusterHint",
            "clusterAlias",
            "clusterName",
            "tagValue",
        ];
        let (mut names, mut shapes) = (BTreeSet::new(), BTreeSet::new());
        for operation in operations() {
            for name in std::iter::once(&operation.name).chain(operation.synonyms) {
                assert!(names.insert(*name), "{name} is declared twice");
            }
            assert!(
                operation.is_command || !operation.routes.is_empty(),
                "{} is unreachable",
                operation.name
            );
            assert!(
                !operation.summary.is_empty()
                    && !operation.help.is_empty()
                    && operation.help != operation.summary
            );
            for route in operation.routes {
                let shape: Vec<&str> =
                    route.split('/').map(|s| if s.starts_with(':') { ":" } else { s }).collect();
                assert!(shapes.insert(shape.join("/")), "{route} is declared twice");
                for parameter in route.split('/').filter_map(|s| s.strip_prefix(':')) {
                    assert!(
                        known.contains(&parameter) || path_param(parameter).is_some(),
                        "{parameter} in {route}"
                    );
                }
            }
        }
    }
}
