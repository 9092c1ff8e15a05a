//! Prints the effective configuration as JSON, in the fixed order of keys, secrets hidden unless asked for.

use serde_json::{Map, Number, Value as Json};

use crate::key::Status;
use crate::keys;
use crate::settings::Settings;
use crate::value::Value;

/// What is printed in place of a secret that is not empty.
pub const HIDDEN: &str = "********";

/// Whether secrets are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secrets {
    /// [`HIDDEN`] stands in for them.
    Hidden,
    /// In clear text. Only for an operator who asks for it.
    Shown,
}

impl Settings {
    /// The effective configuration in the form of a file. Keys stand in a fixed order; objects are sorted by name. Keys
    /// that are our own addition appear only if they differ from their default, so that others can read the output.
    pub fn to_json(&self, secrets: Secrets) -> Json {
        let printed = keys::all().iter().filter(|key| {
            key.status != Status::Extension || *self.values().get(key.name) != key.default_value()
        });
        let members =
            printed.map(|key| (key.name.to_owned(), value_json(self.values().get(key.name), secrets)));
        Json::Object(members.collect())
    }

    /// The same as one line, with `<`, `>` and `&` written as `\u003c`, `\u003e` and `\u0026`: byte for byte what the
    /// original prints, secrets apart.
    pub fn to_json_line(&self, secrets: Secrets) -> String {
        let mut line = String::new();
        for c in self.to_json(secrets).to_string().chars() {
            match c {
                // These characters stand only inside texts, never in the structure.
                '<' => line.push_str("\\u003c"),
                '>' => line.push_str("\\u003e"),
                '&' => line.push_str("\\u0026"),
                '\u{2028}' => line.push_str("\\u2028"),
                '\u{2029}' => line.push_str("\\u2029"),
                c => line.push(c),
            }
        }
        line
    }
}

/// One value as JSON.
pub(crate) fn value_json(value: &Value, secrets: Secrets) -> Json {
    match value {
        Value::Flag(flag) => Json::Bool(*flag),
        Value::Integer(integer) => Json::from(*integer),
        Value::Number(number) => number_json(*number),
        Value::Text(text) => Json::from(text.as_str()),
        Value::Secret(secret) if secrets == Secrets::Shown || secret.is_empty() => {
            Json::from(secret.expose())
        }
        Value::Secret(_) => Json::from(HIDDEN),
        Value::List(list) => list.as_ref().map_or(Json::Null, |list| Json::from(list.as_slice())),
        Value::Map(None) => Json::Null,
        Value::Map(Some(entries)) => {
            let mut sorted: Vec<_> = entries.iter().collect();
            sorted.sort();
            let members = sorted.into_iter().map(|(name, text)| (name.clone(), Json::from(text.as_str())));
            Json::Object(members.collect::<Map<_, _>>())
        }
    }
}

/// A 32-bit number with as few digits as tell it apart: `1`, `1.5`, `1.1`.
fn number_json(number: f32) -> Json {
    let text = number.to_string();
    match text.parse::<i64>() {
        Ok(whole) => Json::from(whole),
        Err(_) => text.parse().ok().and_then(Number::from_f64).map_or(Json::Null, Json::Number),
    }
}

#[cfg(test)]
mod tests {
    use model::Secret;

    use super::*;

    #[test]
    fn numbers_have_no_needless_digits_and_secrets_stay_hidden() {
        for (number, wanted) in [(1.0, "1"), (1.5, "1.5"), (1.1, "1.1"), (300.0, "300")] {
            assert_eq!(number_json(number).to_string(), wanted);
        }
        let secret = Value::Secret(Secret::new("tiger"));
        assert_eq!(value_json(&secret, Secrets::Hidden), HIDDEN);
        assert_eq!(value_json(&secret, Secrets::Shown), "tiger");
        assert_eq!(value_json(&Value::Secret(Secret::default()), Secrets::Hidden), "");
        assert_eq!(value_json(&Value::List(None), Secrets::Hidden), Json::Null);
    }
}
