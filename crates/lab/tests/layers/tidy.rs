//! Small things that reviews would have to find again and again.

use std::path::{Path, PathBuf};

use crate::metadata::root;

/// A source file longer than this holds more than one idea.
const MOST_LINES: usize = 700;

/// Marks of unfinished work. Put together here so that this file has none itself.
const UNFINISHED: &[&str] =
    &[concat!("todo", "!("), concat!("unimplemented", "!("), concat!("#[", "ignore"), concat!("FIX", "ME")];

/// Texts that mean something on one machine only.
const MACHINE_PATHS: &[&str] = &[concat!("/wo", "rk/"), concat!("../", "shared"), concat!("/root", "/")];

/// Folders that hold what is made or fetched, not written.
const NOT_OURS: &[&str] = &["target", "node_modules", "dist", ".git", ".cache"];

/// Files below a folder, in the order of their paths.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for entry in entries {
        let path = entry.expect("a folder can be listed").path();
        // In a second working tree of git, `.git` is a file.
        if NOT_OURS.iter().any(|name| path.ends_with(name)) {
            continue;
        }
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Every text file below `part` of the repository, with its path relative to the root.
pub(crate) fn texts(part: &str) -> Vec<(String, String)> {
    let root = root();
    let relative = |path: &Path| path.strip_prefix(&root).unwrap_or(path).display().to_string();
    let read = |path: PathBuf| Some((relative(&path), std::fs::read_to_string(path).ok()?));
    files(&root.join(part)).into_iter().filter_map(read).collect()
}

fn rust_files() -> Vec<(String, String)> {
    texts("crates").into_iter().filter(|(path, _)| path.ends_with(".rs")).collect()
}

/// `path:line: mark` wherever one of the marks stands.
fn places(texts: &[(String, String)], marks: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for (path, text) in texts {
        for (number, line) in text.lines().enumerate() {
            let marks = marks.iter().filter(|mark| line.contains(**mark));
            found.extend(marks.map(|mark| format!("{path}:{}: {mark}", number + 1)));
        }
    }
    found
}

#[test]
fn source_files_are_short() {
    let long: Vec<_> = rust_files()
        .iter()
        .map(|(path, text)| (path.clone(), text.lines().count()))
        .filter(|(_, lines)| *lines > MOST_LINES)
        .collect();
    assert!(long.is_empty(), "split these, each file holds one idea: {long:?}");
}

#[test]
fn source_files_say_what_they_are_for() {
    let silent: Vec<_> = rust_files()
        .into_iter()
        .filter(|(_, text)| !text.starts_with("//! "))
        .map(|(path, _)| path)
        .collect();
    assert!(silent.is_empty(), "begin these with a `//!` header: {silent:?}");
}

#[test]
fn nothing_is_left_unfinished() {
    let found = places(&rust_files(), UNFINISHED);
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn no_file_knows_the_machine_it_was_written_on() {
    let found = places(&texts("."), MACHINE_PATHS);
    assert!(found.is_empty(), "{}", found.join("\n"));
}
