//! Every configuration key is read by the program, or its row says that it has no effect.

use std::collections::BTreeMap;

use crate::tidy::texts;

/// A row of the key table, as far as this test looks.
struct Row {
    key: String,
    group: String,
    field: String,
    /// It is read under its field: not an old name, and not marked as without effect.
    claims_use: bool,
    is_marked: bool,
}

/// `order Name => field: …;` below `"Title" Group {`.
fn rows(text: &str) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut group = String::new();
    for statement in text.split(";\n") {
        for line in statement.lines().map(str::trim) {
            if line.starts_with('"') && line.ends_with('{') {
                group = line.trim_end_matches('{').split_whitespace().last().unwrap_or_default().to_owned();
            }
        }
        let code: Vec<&str> =
            statement.lines().map(str::trim).filter(|line| !line.starts_with("//")).collect();
        let code = code.join(" ");
        let Some((head, tail)) = code.split_once(" => ") else { continue };
        let (Some(key), Some((field, _))) = (head.split_whitespace().last(), tail.split_once(':')) else {
            continue;
        };
        let is_marked = tail.contains("no_effect(") || tail.contains(", ignored");
        rows.push(Row {
            key: key.to_owned(),
            group: group.clone(),
            field: field.to_owned(),
            claims_use: !is_marked && !tail.contains("deprecated("),
            is_marked,
        });
    }
    rows
}

/// `PseudoGtid` as the field of the settings: `pseudo_gtid`.
fn field_of(group: &str) -> String {
    let mut name = String::new();
    for c in group.chars() {
        if c.is_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.extend(c.to_lowercase());
    }
    name
}

#[test]
fn every_key_is_read_or_says_that_it_is_not() {
    let table: Vec<Row> = texts("crates/settings/src/keys").iter().flat_map(|(_, text)| rows(text)).collect();
    assert!(table.len() > 200, "{} rows found", table.len());
    let sources: Vec<(String, String)> = texts("crates")
        .into_iter()
        .filter(|(path, _)| path.contains("/src/") && path.ends_with(".rs"))
        .filter(|(path, _)| !path.starts_with("crates/settings/src/keys") && !path.starts_with("crates/lab"))
        .collect();
    let mut shared: BTreeMap<&str, usize> = BTreeMap::new();
    for row in &table {
        *shared.entry(&row.field).or_default() += 1;
    }
    let reads = |row: &Row, also_by_name: bool| {
        let access = format!(".{}", row.field);
        let is_access = |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_' || c == '(');
        sources.iter().any(|(path, text)| {
            let by_field = text.split(&access).skip(1).any(is_access);
            // A field name of several groups counts where the group is named, too.
            let of_group = shared[row.field.as_str()] == 1
                || text.contains(&field_of(&row.group))
                || text.contains(&row.group);
            // What is read before the fields exist is read by the name of the key.
            let by_name = also_by_name
                && path.starts_with("crates/settings/")
                && !path.ends_with("check.rs")
                && text.contains(&format!("\"{}\"", row.key));
            (by_field && of_group) || by_name
        })
    };
    let unread: Vec<&str> =
        table.iter().filter(|row| row.claims_use && !reads(row, true)).map(|row| row.key.as_str()).collect();
    assert!(unread.is_empty(), "use these, or mark them with `no_effect`: {unread:?}");
    let marked: Vec<&str> = table
        .iter()
        // A rule that only keeps the value within its limits gives it no effect.
        .filter(|row| row.is_marked && shared[row.field.as_str()] == 1 && reads(row, false))
        .map(|row| row.key.as_str())
        .filter(|key| !key.contains("PseudoGTID") && !key.starts_with("Raft"))
        .collect();
    assert!(marked.is_empty(), "these are read, so they have an effect: {marked:?}");
}
