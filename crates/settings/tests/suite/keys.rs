//! The key table against the list of keys that existing files may hold.

use std::collections::BTreeSet;

use settings::{Status, keys};

use crate::common::quiet;

#[test]
fn every_known_key_is_declared_with_its_type_and_default_in_order_of_printing() {
    let known: Vec<&str> =
        include_str!("../fixtures/keys.txt").lines().filter(|l| !l.starts_with('#')).collect();
    assert_eq!(known.len(), 201);
    let declared: Vec<String> = keys()
        .iter()
        .filter(|key| key.status != Status::Extension)
        .map(|key| format!("{} | {} | {}", key.name, key.json_type(), key.default_json()))
        .collect();
    for (known, declared) in known.iter().zip(&declared) {
        assert_eq!(known, declared);
    }
    assert_eq!(known.len(), declared.len());
}

#[test]
fn rows_are_numbered_without_gaps_and_documented() {
    let mut names = BTreeSet::new();
    for (index, key) in keys().iter().enumerate() {
        assert_eq!(usize::from(key.order), index + 1, "{}", key.name);
        assert!(names.insert(key.name.to_ascii_lowercase()), "{} is declared twice", key.name);
        assert!(key.doc().ends_with('.'), "{}: a doc line is a sentence: {}", key.name, key.doc());
        if let Status::Deprecated(new_name) = key.status {
            assert!(keys().iter().any(|key| key.name == new_name), "{} points to nothing", key.name);
        }
    }
}

#[test]
fn whatever_holds_a_password_or_token_is_a_secret() {
    for key in keys() {
        let looks_secret = ["Password", "Token", "Secret"].iter().any(|end| key.name.ends_with(end));
        assert_eq!(key.is_secret(), looks_secret, "{}", key.name);
    }
}

#[test]
fn a_key_that_does_nothing_here_is_warned_about_only_when_it_is_changed() {
    let of = |members: &str| quiet(members).complaints();
    assert_eq!(
        of(r#""PseudoGTIDPattern": "drop view""#)
            .lines()
            .map(|line| line.split_once(": ").unwrap().1)
            .collect::<Vec<_>>(),
        ["PseudoGTIDPattern: has no effect in this version: Pseudo-GTID is not supported; use GTID"]
    );
    for key in keys().iter().filter(|key| key.no_effect.is_some() && !key.is_secret()) {
        assert_eq!(
            of(&format!("\"{}\": {}", key.name, key.default_json())),
            "",
            "{} at its default",
            key.name
        );
        assert!(settings::reference_page().contains(key.no_effect.unwrap()), "{}", key.name);
    }
}
