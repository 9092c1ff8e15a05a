//! The reference page and the sample file, made from the key table.

use std::fmt::Write as _;

use serde_json::{Map, Value as Json};

use crate::key::{Key, Status, Unit};
use crate::keys;
use crate::output::{Secrets, value_json};

const INTRODUCTION: &str = include_str!("reference.md");

/// The page `docs/configuration.md`.
pub fn reference_page() -> String {
    let mut page = INTRODUCTION.to_owned();
    for group in keys::groups() {
        let Some(first) = group.first() else { continue };
        let _ = writeln!(page, "\n## {}\n", first.group);
        page.push_str("| Key | Type | Default | Reload | Meaning |\n|---|---|---|---|---|\n");
        for key in group {
            page.push_str(&row(key));
        }
    }
    page.push_str("\n## Names of older versions\n\nPassed over in silence: ");
    let names: Vec<_> = keys::RETIRED.iter().map(|name| format!("`{name}`")).collect();
    let _ = writeln!(page, "{}.", names.join(", "));
    page
}

/// The file `docs/orchestrator.conf.sample.json`: a starting point with the keys most installations set.
pub fn sample_file() -> String {
    let sampled = keys::groups().flatten().filter_map(|key| Some((key.name, key.sample?)));
    let members: Map<String, Json> =
        sampled.map(|(name, value)| (name.to_owned(), value_json(&value.value(), Secrets::Shown))).collect();
    let mut file = serde_json::to_string_pretty(&Json::Object(members)).unwrap_or_default();
    file.push('\n');
    file
}

fn row(key: &Key) -> String {
    let unit = match key.unit() {
        Unit::None => String::new(),
        unit => format!(" {unit}"),
    };
    let reload = if key.reloadable { "yes" } else { "restart" };
    let mut meaning = key.doc().replace('|', "\\|");
    if let Some(instead) = key.no_effect {
        meaning.insert_str(0, &format!("*No effect in this version: {instead}.* "));
    }
    match key.status {
        Status::Active => {}
        Status::Deprecated(_) => meaning.insert_str(0, "*Deprecated.* "),
        Status::Ignored => meaning.insert_str(0, "*No effect.* "),
        Status::Extension => meaning.insert_str(0, "*Not known to the original.* "),
    }
    if key.expanded {
        meaning.push_str(" `${…}` is replaced.");
    }
    if key.is_secret() {
        meaning.push_str(" Never shown.");
    }
    if let Some(bounds) = bounds(key) {
        let _ = write!(meaning, " {bounds}.");
    }
    format!(
        "| `{}` | {} | `{}`{unit} | {reload} | {meaning} |\n",
        key.name,
        key.json_type().to_string().replace(">=", "≥ "),
        key.default_json()
    )
}

fn bounds(key: &Key) -> Option<String> {
    match (key.spec.min, key.spec.max) {
        (i64::MIN, i64::MAX) => None,
        (min, i64::MAX) => Some(format!("At least {min}")),
        (i64::MIN, max) => Some(format!("At most {max}")),
        (min, max) => Some(format!("From {min} to {max}")),
    }
}
