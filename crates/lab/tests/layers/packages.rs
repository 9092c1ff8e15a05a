//! What comes in from elsewhere, held against `deny.toml`: licences, sources, banned crates and double versions.
//!
//! `cargo deny check` reads the same file and knows more; this works on a machine that has only cargo.

use std::collections::BTreeMap;

use crate::metadata::{all_packages, field, root};

/// The entries of a list in `deny.toml`: for tables their `crate`, else the text itself.
///
/// Reads only what that file needs: the list begins with `NAME = [` and ends with `]`, each on a line of its own.
fn list(name: &str) -> Vec<String> {
    let text = std::fs::read_to_string(root().join("deny.toml")).expect("deny.toml can be read");
    let begin = format!("{name} = [");
    let lines: Vec<_> =
        text.lines().skip_while(|line| *line != begin).skip(1).take_while(|line| *line != "]").collect();
    assert!(!lines.is_empty(), "deny.toml has no list `{name}`");
    lines.iter().filter_map(|line| line.split('"').nth(1)).map(str::to_owned).collect()
}

/// An SPDX expression holds if the licences in `allowed` are enough. The old `A/B` means `A OR B`.
fn is_allowed(expression: &str, allowed: &[String]) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let mut words: Vec<_> = spaced.split_whitespace().rev().collect();
    any_of(&mut words, allowed) && words.is_empty()
}

fn any_of(words: &mut Vec<&str>, allowed: &[String]) -> bool {
    let mut holds = all_of(words, allowed);
    while words.pop_if(|word| *word == "OR").is_some() {
        holds |= all_of(words, allowed);
    }
    holds
}

fn all_of(words: &mut Vec<&str>, allowed: &[String]) -> bool {
    let mut holds = one(words, allowed);
    while words.pop_if(|word| *word == "AND").is_some() {
        holds &= one(words, allowed);
    }
    holds
}

fn one(words: &mut Vec<&str>, allowed: &[String]) -> bool {
    match words.pop() {
        Some("(") => any_of(words, allowed) && words.pop() == Some(")"),
        Some(licence) => {
            let licence = match words.pop_if(|word| *word == "WITH").and_then(|_| words.pop()) {
                Some(exception) => format!("{licence} WITH {exception}"),
                None => licence.to_owned(),
            };
            allowed.contains(&licence)
        }
        None => false,
    }
}

#[test]
fn licence_expressions_are_understood() {
    let allowed = ["MIT".to_owned(), "ISC".to_owned(), "Apache-2.0 WITH LLVM-exception".to_owned()];
    for good in
        ["MIT", "GPL-3.0 OR MIT", "GPL-3.0/MIT", "MIT AND (GPL-3.0 OR ISC)", "Apache-2.0 WITH LLVM-exception"]
    {
        assert!(is_allowed(good, &allowed), "{good}");
    }
    for bad in ["", "GPL-3.0", "MIT AND GPL-3.0", "(MIT OR ISC) AND GPL-3.0", "Apache-2.0", "MIT ISC", "(MIT"]
    {
        assert!(!is_allowed(bad, &allowed), "{bad}");
    }
}

#[test]
fn every_licence_is_allowed() {
    let allowed = list("allow");
    let packages = all_packages();
    let wrong: Vec<_> = packages
        .iter()
        .filter(|package| !is_allowed(field(package, "license"), &allowed))
        .map(|package| format!("{}: {:?}", field(package, "name"), field(package, "license")))
        .collect();
    assert!(wrong.is_empty(), "licences that deny.toml does not allow:\n{}", wrong.join("\n"));
}

#[test]
fn packages_come_from_the_registry_and_none_is_banned() {
    let banned = list("deny");
    let mut wrong = Vec::new();
    for package in all_packages() {
        let (name, source) = (field(&package, "name"), field(&package, "source"));
        if banned.iter().any(|one| one == name) {
            wrong.push(format!("{name} is banned in deny.toml"));
        }
        if !source.is_empty() && !source.starts_with("registry+") {
            wrong.push(format!("{name} comes from {source}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn nothing_is_built_in_two_versions_but_what_is_listed() {
    let skipped = list("skip");
    let is_skipped = |name: &str, version: &str| {
        skipped.iter().filter_map(|entry| entry.split_once('@')).any(|(crate_name, prefix)| {
            crate_name == name && version.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('.'))
        })
    };
    let mut versions = BTreeMap::<String, Vec<String>>::new();
    for package in all_packages() {
        let (name, version) = (field(&package, "name"), field(&package, "version"));
        if !is_skipped(name, version) {
            versions.entry(name.to_owned()).or_default().push(version.to_owned());
        }
    }
    versions.retain(|_, found| found.len() > 1);
    assert!(
        versions.is_empty(),
        "use one version, or list the others under `skip` in deny.toml: {versions:?}"
    );
}
