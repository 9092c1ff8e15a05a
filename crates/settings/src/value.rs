//! Values as a file gives them, before they become the typed fields of `Settings`.
//!
//! Units and sentinels are untouched here: `0`, `-1` and the difference between `[]` and `null` survive, so that the
//! effective configuration can be printed exactly as it would be written.

use std::collections::BTreeMap;

use model::Secret;

/// One value in the form of the file.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Flag(bool),
    Integer(i64),
    Number(f32),
    Text(String),
    Secret(Secret),
    /// `None` is the empty list written as `null`.
    List(Option<Vec<String>>),
    /// In file order, names unique; `None` is the empty object written as `null`.
    Map(Option<Vec<(String, String)>>),
}

impl Value {
    /// The value as it may be shown in a message: shortened, never a secret.
    pub(crate) fn shown(&self) -> Option<String> {
        const SHOWN_MAX: usize = 120;
        if matches!(self, Self::Secret(_)) {
            return None;
        }
        let text = crate::output::value_json(self, crate::output::Secrets::Hidden).to_string();
        match text.char_indices().nth(SHOWN_MAX) {
            Some((end, _)) => Some(format!("{}…", text.get(..end).unwrap_or_default())),
            None => Some(text),
        }
    }
}

/// A value for every declared key.
///
/// The typed getters panic when asked for an undeclared key or with the wrong type: keys are literals of this crate, and
/// every getter call runs on every load, so a slip cannot survive the first test.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Values(BTreeMap<&'static str, Value>);

impl Values {
    /// Every key at its default.
    pub(crate) fn defaults() -> Self {
        Self(crate::keys::all().iter().map(|key| (key.name, key.default_value())).collect())
    }

    pub(crate) fn get(&self, name: &str) -> &Value {
        self.0.get(name).unwrap_or_else(|| panic!("key {name} is not declared"))
    }

    pub(crate) fn set(&mut self, name: &'static str, value: Value) {
        self.0.insert(name, value);
    }

    pub(crate) fn flag(&self, name: &str) -> bool {
        match self.get(name) {
            Value::Flag(flag) => *flag,
            other => panic!("{name} is not a boolean but {other:?}"),
        }
    }

    pub(crate) fn integer(&self, name: &str) -> i64 {
        match self.get(name) {
            Value::Integer(integer) => *integer,
            other => panic!("{name} is not an integer but {other:?}"),
        }
    }

    pub(crate) fn text(&self, name: &str) -> &str {
        match self.get(name) {
            Value::Text(text) => text,
            Value::Secret(secret) => secret.expose(),
            other => panic!("{name} is not a text but {other:?}"),
        }
    }

    pub(crate) fn list(&self, name: &str) -> &[String] {
        match self.get(name) {
            Value::List(list) => list.as_deref().unwrap_or_default(),
            other => panic!("{name} is not a list but {other:?}"),
        }
    }
}
