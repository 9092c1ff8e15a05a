//! `ARCHITECTURE.md` names types, functions and files: every one of them exists under that name.

use std::collections::BTreeSet;
use std::path::Path;

use crate::metadata::root;

/// Words in code quotes that are no name of ours.
const OTHER_WORDS: &[&str] = &["UPDATE"];

#[test]
fn every_name_in_the_map_exists() {
    let root = root();
    let map = std::fs::read_to_string(root.join("ARCHITECTURE.md")).expect("the map can be read");
    let mut sources = String::new();
    read_sources(&root.join("crates"), &mut sources);
    let defined = definitions(&sources);
    let mut missing = Vec::new();
    for quoted in map.split('`').skip(1).step_by(2) {
        let is_path = quoted.contains('/') || quoted.contains(".rs") || quoted.ends_with(".md");
        let exists = if is_path {
            path_exists(&root, quoted)
        } else {
            quoted
                .split("::")
                .all(|part| !is_name(part) || defined.contains(part) || OTHER_WORDS.contains(&part))
        };
        if !exists && !quoted.contains(' ') {
            missing.push(quoted);
        }
    }
    assert!(missing.is_empty(), "ARCHITECTURE.md names what does not exist: {missing:?}");
}

/// What stands behind one of these words is a definition.
const DEFINING: &[&str] =
    &["fn", "struct", "enum", "trait", "type", "mod", "const", "static", "macro_rules!", "name", "feature"];

/// Names that the sources define: items, variants of enums, crates, and operations that macros declare.
fn definitions(sources: &str) -> BTreeSet<&str> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let name = |text: &'_ str| text.len() - text.trim_start_matches(is_part).len();
    let mut defined = BTreeSet::new();
    for line in sources.lines().map(str::trim_start).filter(|line| !line.starts_with("//")) {
        let words: Vec<&str> = line.split_whitespace().collect();
        for pair in words.windows(2) {
            if DEFINING.contains(&pair[0]) {
                defined.insert(&pair[1][..name(pair[1])]);
            }
        }
        // A variant stands at the beginning of its line: `Name,`, `Name(…`, `Name {`.
        let first = &line[..name(line)];
        if first.starts_with(char::is_uppercase) && line[first.len()..].starts_with([',', '(', ' ', '\n']) {
            defined.insert(first);
        }
        if let Some(crate_name) = line.strip_prefix("name = \"").and_then(|rest| rest.split('"').next()) {
            defined.insert(crate_name);
        }
    }
    defined
}

fn is_name(part: &str) -> bool {
    !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || c == '_')
}

/// A path from the root, from `crates`, or `CRATE/rest` for `crates/CRATE/src/rest`.
fn path_exists(root: &Path, quoted: &str) -> bool {
    let direct = [root.join(quoted), root.join("crates").join(quoted)];
    let inside =
        quoted.split_once('/').map(|(name, rest)| root.join("crates").join(name).join("src").join(rest));
    // Below a heading that names the crate a path may start inside it.
    let in_engine = root.join("crates/engine/src").join(quoted);
    direct.iter().chain(inside.as_ref()).chain([&in_engine]).any(|path| path.exists())
}

fn read_sources(folder: &Path, into: &mut String) {
    for entry in std::fs::read_dir(folder).expect("a folder can be listed") {
        let path = entry.expect("an entry can be read").path();
        if path.is_dir() {
            read_sources(&path, into);
        } else if path.extension().is_some_and(|ending| ending == "rs" || ending == "toml") {
            into.push_str(&std::fs::read_to_string(&path).unwrap_or_default());
        }
    }
}
