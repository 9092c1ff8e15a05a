//! Arrows between crates point inwards. An edge that is not in the table needs a decision, not a line here.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::metadata::{field, members};

/// Each crate, and the crates of this workspace that it may depend on. Tests (dev-dependencies) may use any.
const MAY_KNOW: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("decide", &["model"]),
    ("ports", &["model"]),
    ("settings", &["model"]),
    ("bridge", &[]),
    ("mysql", &["model", "ports", "bridge"]),
    ("store", &["model", "ports", "bridge"]),
    ("consensus", &["model", "ports"]),
    ("publish", &["model", "ports"]),
    ("agents", &["model", "ports"]),
    ("engine", &["model", "decide", "ports", "settings"]),
    ("registry", &["model"]),
    ("server", &["model", "decide", "ports", "settings", "engine", "registry"]),
    (
        "cli",
        &[
            "model",
            "decide",
            "ports",
            "settings",
            "mysql",
            "store",
            "consensus",
            "publish",
            "agents",
            "engine",
            "registry",
            "server",
        ],
    ),
    ("lab", &["model", "ports", "settings", "decide", "engine"]),
];

/// The crates that hold no I/O, async or serialisation, and all that they may use from elsewhere.
const PURE: &[(&str, &[&str])] = &[("model", &["thiserror"]), ("decide", &["thiserror"])];

/// Names of the dependencies of a package, but for those of its tests.
fn dependencies(package: &Value, wanted: impl Fn(&Value) -> bool) -> BTreeSet<&str> {
    let all = package["dependencies"].as_array().expect("a package lists dependencies");
    all.iter()
        .filter(|one| field(one, "kind") != "dev" && wanted(one))
        .map(|one| field(one, "name"))
        .collect()
}

fn row<'a>(table: &[(&str, &'a [&'a str])], name: &str) -> Option<BTreeSet<&'a str>> {
    table.iter().find(|(crate_name, _)| *crate_name == name).map(|(_, known)| known.iter().copied().collect())
}

#[test]
fn arrows_between_crates_point_inwards() {
    let mut wrong = Vec::new();
    for package in members() {
        let name = field(&package, "name");
        let Some(allowed) = row(MAY_KNOW, name) else {
            wrong.push(format!("{name} has no row in the table of allowed edges"));
            continue;
        };
        let internal = dependencies(&package, |dependency| dependency["path"].is_string());
        wrong.extend(internal.difference(&allowed).map(|other| format!("{name} must not know {other}")));
    }
    assert!(
        wrong.is_empty(),
        "move what both need into model, or the call into the engine:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn every_row_of_the_table_is_a_crate() {
    let members = members();
    let names: BTreeSet<_> = members.iter().map(|package| field(package, "name")).collect();
    let gone: Vec<_> = MAY_KNOW.iter().map(|(name, _)| *name).filter(|name| !names.contains(name)).collect();
    assert!(gone.is_empty(), "rows without a crate: {gone:?}");
}

#[test]
fn the_core_stays_pure() {
    let mut wrong = Vec::new();
    for package in members() {
        let name = field(&package, "name");
        let Some(allowed) = row(PURE, name) else { continue };
        let external = dependencies(&package, |dependency| dependency["path"].is_null());
        wrong.extend(external.difference(&allowed).map(|other| format!("{name} must not use {other}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
