//! Decodes the text of one file on top of what earlier files gave.
//!
//! Names match exactly or without regard to case; a repeated name counts again, the last one wins. `null` leaves scalars
//! alone and empties lists and objects. Lists are replaced, objects merged. Wrong types are errors; unknown names are
//! warned about once, except `#` (a customary comment) and the names of older versions.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use model::Secret;

use crate::json::{Json, Member, Node, parse};
use crate::key::{JsonType, Key, Status};
use crate::keys;
use crate::nearest::nearest;
use crate::report::{ConfigError, Origin, Report};
use crate::value::{Value, Values};

/// The raw configuration: every key as the files give it, before anything is derived.
#[derive(Debug, Clone)]
pub(crate) struct AsRead {
    pub(crate) values: Values,
    /// Where each key that a file gives was last given. Keys at their default are absent.
    pub(crate) origins: BTreeMap<&'static str, Origin>,
    warned: BTreeSet<String>,
}

impl AsRead {
    /// Nothing read yet.
    pub(crate) fn new() -> Self {
        Self { values: Values::defaults(), origins: BTreeMap::new(), warned: BTreeSet::new() }
    }

    /// Takes over what `text` gives. Everything wrong with it is reported; what is right is taken over even so.
    pub(crate) fn merge(&mut self, file: &Path, text: &str, report: &mut Report) {
        let document = match parse(text) {
            Ok(document) => document,
            Err(error) => {
                let what = format!("not valid JSON: {}", error.what);
                report.undecodable(Origin::at(file, error.at), what, "");
                return;
            }
        };
        if let Some(rest) = document.rest {
            report.warn(Some(Origin::at(file, rest)), None, "what follows the first value is ignored");
        }
        match document.root.value {
            Json::Null => {}
            Json::Object(members) => {
                for member in &members {
                    self.member(file, member, report);
                }
            }
            _ => {
                let at = Origin::at(file, document.root.at);
                report.undecodable(at, "a JSON object was expected", "put it in {}");
            }
        }
    }

    /// Warns about keys given with a value other than their default that are old names or have no effect.
    pub(crate) fn warn_about_status(&self, report: &mut Report) {
        for (name, origin) in &self.origins {
            let Some(key) = keys::find(name) else { continue };
            if *self.values.get(name) == key.default_value() {
                continue;
            }
            if let Some(instead) = key.no_effect {
                let text = format!("has no effect in this version: {instead}");
                report.warn(Some(origin.clone()), Some(name), text);
                continue;
            }
            let text = match key.status {
                Status::Active | Status::Extension => continue,
                Status::Deprecated(new_name) => format!("this is the old name of {new_name}; use that"),
                Status::Ignored => "this key has no effect".to_owned(),
            };
            report.warn(Some(origin.clone()), Some(name), text);
        }
    }

    fn member(&mut self, file: &Path, member: &Member, report: &mut Report) {
        let Some(key) = keys::find(&member.name) else {
            self.unknown(file, member, report);
            return;
        };
        let origin = Origin::at(file, member.at);
        let refuse = |report: &mut Report, what: String| {
            let value = if key.is_secret() { None } else { Some(shown(&member.value)) };
            let (key, cure) = (Some(key.name.to_owned()), cure(key));
            let origin = Some(origin.clone());
            report.error(ConfigError { origin, key, value, what, cure, is_undecodable: true });
        };
        match decode(key, &member.value.value) {
            Ok(None) => return,
            Ok(Some(value)) => self.take(key, value),
            Err(what) => {
                refuse(report, what);
                return;
            }
        }
        self.origins.insert(key.name, origin);
    }

    fn take(&mut self, key: &'static Key, value: Value) {
        let merged = match (self.values.get(key.name), value) {
            (Value::Map(Some(before)), Value::Map(Some(more))) => {
                let mut entries = before.clone();
                for (name, text) in more {
                    match entries.iter_mut().find(|(known, _)| *known == name) {
                        Some(entry) => entry.1 = text,
                        None => entries.push((name, text)),
                    }
                }
                Value::Map(Some(entries))
            }
            (_, value) => value,
        };
        self.values.set(key.name, merged);
    }

    fn unknown(&mut self, file: &Path, member: &Member, report: &mut Report) {
        let name = member.name.as_str();
        let retired = keys::RETIRED.iter().any(|retired| retired.eq_ignore_ascii_case(name));
        if name == "#" || retired || !self.warned.insert(name.to_owned()) {
            return;
        }
        let text = match nearest(name, keys::all().iter().map(|key| key.name)) {
            Some(meant) => format!("unknown key, ignored; did you mean {meant}?"),
            None => "unknown key, ignored".to_owned(),
        };
        report.warn(Some(Origin::at(file, member.at)), Some(name), text);
    }
}

/// The value for a key: `None` if nothing changes, an error if the type is wrong.
fn decode(key: &Key, json: &Json) -> Result<Option<Value>, String> {
    let mismatch = || Err(format!("the type must be {}, but it is {}", key.json_type(), type_of(json)));
    Ok(Some(match (key.json_type(), json) {
        (JsonType::List, Json::Null) => Value::List(None),
        (JsonType::Map, Json::Null) => Value::Map(None),
        (_, Json::Null) => return Ok(None),
        (JsonType::Boolean, Json::Flag(flag)) => Value::Flag(*flag),
        (JsonType::Integer, Json::Number(text)) => Value::Integer(integer(text, i64::MIN, i64::MAX)?),
        (JsonType::Integer32, Json::Number(text)) => {
            Value::Integer(integer(text, i64::from(i32::MIN), i64::from(i32::MAX))?)
        }
        (JsonType::Unsigned, Json::Number(text)) => Value::Integer(integer(text, 0, i64::MAX)?),
        (JsonType::Number, Json::Number(text)) => match text.parse::<f32>() {
            Ok(number) if number.is_finite() => Value::Number(number),
            _ => return Err("the number is out of range".to_owned()),
        },
        (JsonType::Text, Json::Text(text)) if key.is_secret() => Value::Secret(Secret::new(text.clone())),
        (JsonType::Text, Json::Text(text)) => Value::Text(text.clone()),
        (JsonType::List, Json::List(elements)) => {
            Value::List(Some(elements.iter().map(element).collect::<Result<_, _>>()?))
        }
        (JsonType::Map, Json::Object(members)) => {
            let mut entries: Vec<(String, String)> = Vec::new();
            for member in members {
                let text = element(&member.value)?;
                entries.retain(|(known, _)| *known != member.name);
                entries.push((member.name.clone(), text));
            }
            Value::Map(Some(entries))
        }
        _ => return mismatch(),
    }))
}

fn element(node: &Node) -> Result<String, String> {
    match &node.value {
        Json::Text(text) => Ok(text.clone()),
        Json::Null => Ok(String::new()),
        other => {
            Err(format!("each element must be a string, but at line {} is {}", node.at.line, type_of(other)))
        }
    }
}

fn integer(text: &str, min: i64, max: i64) -> Result<i64, String> {
    if text.contains(['.', 'e', 'E']) {
        return Err("a whole number without \".\" and \"e\" was expected".to_owned());
    }
    match text.parse::<i64>() {
        Ok(number) if (min..=max).contains(&number) => Ok(number),
        _ if min == 0 && text.starts_with('-') => Err("the number must not be negative".to_owned()),
        _ => Err("the number is out of range".to_owned()),
    }
}

fn type_of(json: &Json) -> &'static str {
    match json {
        Json::Null => "null",
        Json::Flag(_) => "a boolean",
        Json::Number(_) => "a number",
        Json::Text(_) => "a string",
        Json::List(_) => "an array",
        Json::Object(_) => "an object",
    }
}

fn shown(node: &Node) -> String {
    const SHOWN_MAX: usize = 60;
    match &node.value {
        Json::Null => "null".to_owned(),
        Json::Flag(flag) => flag.to_string(),
        Json::Number(text) => text.chars().take(SHOWN_MAX).collect(),
        Json::Text(text) => format!("{:?}", text.chars().take(SHOWN_MAX).collect::<String>()),
        Json::List(_) => "[…]".to_owned(),
        Json::Object(_) => "{…}".to_owned(),
    }
}

fn cure(key: &Key) -> String {
    match key.json_type() {
        JsonType::Boolean => "write true or false, without quotes".to_owned(),
        JsonType::Text if key.is_secret() => "write a text in double quotes".to_owned(),
        JsonType::List => "write [\"…\", \"…\"]".to_owned(),
        JsonType::Map => "write {\"…\": \"…\"}".to_owned(),
        _ => format!("write it like the default, {}", key.default_json()),
    }
}
