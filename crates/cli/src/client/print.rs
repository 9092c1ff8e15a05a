//! How answers are printed.

use serde_json::Value;

use super::Failed;
use super::answer::Answer;

/// The ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Print {
    /// Nothing.
    Nothing,
    /// The server that the value is.
    Key,
    /// The server in a field of the value.
    KeyIn(&'static str),
    /// The server and its source: `key<source`.
    Pair,
    /// The server of each element.
    Keys,
    /// Elements are servers.
    KeyList,
    /// A field of the value as it is.
    Field(&'static str),
    /// A field of each element.
    Fields(&'static str),
    /// The text, or each text of a list.
    Text,
    /// JSON on one line.
    Json,
    /// A given word, whatever the answer.
    Word(&'static str),
    /// The server that the value is, if the message says `true`.
    KeyIfTrue,
    /// `Key:Value` of each element.
    KeyValues,
    /// Name and alias of each cluster, with a comma between.
    NameAndAlias,
    /// Server and promotion rule of each element, by text.
    Rules,
    /// The text, if it is not empty.
    TextIfAny,
}

/// The lines for an answer.
pub(super) fn printed(way: Print, answer: &Answer) -> Result<String, Failed> {
    let value = &answer.value;
    Ok(match way {
        Print::Nothing => String::new(),
        Print::Key => line(key(value)),
        Print::KeyIn(field) => line(key(&value[field])),
        Print::Pair => {
            let source = key(&value["MasterKey"]).unwrap_or_else(|| ":0".to_owned());
            line(key(&value["Key"]).map(|key| format!("{key}<{source}")))
        }
        Print::Keys => each(value, |element| key(&element["Key"])),
        // Some routes answer with one server where others list them.
        Print::KeyList if value.is_object() => line(key(value)),
        Print::KeyList => each(value, key),
        Print::Field(field) => format!("{}\n", text(&value[field])),
        Print::Fields(field) => each(value, |element| Some(text(&element[field]))),
        Print::Text if value.is_array() => each(value, |element| Some(text(element))),
        Print::Text => format!("{}\n", text(value)),
        Print::Json => format!("{}\n", one_line(value)),
        Print::Word(word) => format!("{word}\n"),
        Print::KeyIfTrue if answer.message.contains("true") => line(key(value)),
        Print::KeyIfTrue => String::new(),
        Print::NameAndAlias => {
            each(value, |one| Some(format!("{},{}", text(&one["ClusterName"]), text(&one["ClusterAlias"]))))
        }
        Print::Rules => {
            let rule = |one: &Value| Some(format!("{} {}", key(one)?, text(&one["PromotionRule"])));
            let mut lines: Vec<String> = value.as_array().into_iter().flatten().filter_map(rule).collect();
            lines.sort();
            lines.iter().map(|line| format!("{line}\n")).collect()
        }
        Print::TextIfAny => line(Some(text(value)).filter(|text| !text.is_empty())),
        Print::KeyValues => {
            each(value, |pair| Some(format!("{}:{}", text(&pair["Key"]), text(&pair["Value"]))))
        }
    })
}

fn line(text: Option<String>) -> String {
    text.map(|text| format!("{text}\n")).unwrap_or_default()
}

/// A line per element; nothing for `null`.
fn each(list: &Value, print: impl Fn(&Value) -> Option<String>) -> String {
    list.as_array().into_iter().flatten().filter_map(print).map(|text| format!("{text}\n")).collect()
}

/// `host:port`; `None` for what names no server.
pub(super) fn key(value: &Value) -> Option<String> {
    let host = value["Hostname"].as_str().filter(|host| !host.is_empty())?;
    let port = value["Port"].as_i64().filter(|port| *port != 0)?;
    Some(format!("{host}:{port}"))
}

/// A text as it is, anything else as JSON.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => one_line(other),
    }
}

/// JSON on one line with blanks between its parts.
pub(super) fn one_line(value: &Value) -> String {
    match value {
        Value::Array(list) if !list.is_empty() => {
            let parts: Vec<String> = list.iter().map(one_line).collect();
            format!("[ {} ]", parts.join(", "))
        }
        Value::Object(fields) if !fields.is_empty() => {
            let parts: Vec<String> =
                fields.iter().map(|(name, value)| format!("{}: {}", quoted(name), one_line(value))).collect();
            format!("{{ {} }}", parts.join(", "))
        }
        other => other.to_string(),
    }
}

fn quoted(text: &str) -> String {
    Value::String(text.to_owned()).to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn print_of(way: Print, value: Value) -> String {
        printed(way, &Answer { value, message: "true".to_owned() }).unwrap()
    }

    #[test]
    fn json_stands_on_one_line() {
        let value = json!({ "Code": "OK", "Details": [5, "a b"], "Empty": [] });
        assert_eq!(one_line(&value), r#"{ "Code": "OK", "Details": [ 5, "a b" ], "Empty": [] }"#);
    }

    #[test]
    fn servers_are_printed_in_every_shape() {
        let db = |port: u16| json!({ "Hostname": "db", "Port": port });
        let replica = json!({ "Key": db(2), "MasterKey": db(1) });
        assert_eq!(print_of(Print::Key, db(1)), "db:1\n");
        assert_eq!(print_of(Print::KeyIn("Key"), replica.clone()), "db:2\n");
        assert_eq!(print_of(Print::Pair, replica.clone()), "db:2<db:1\n");
        assert_eq!(print_of(Print::Keys, json!([replica])), "db:2\n");
        assert_eq!(print_of(Print::KeyList, json!([db(1), db(2)])), "db:1\ndb:2\n");
        assert_eq!(print_of(Print::KeyList, db(1)), "db:1\n");
        assert_eq!(print_of(Print::KeyList, Value::Null), "");
        assert_eq!(
            print_of(Print::KeyIn("MasterKey"), json!({ "MasterKey": { "Hostname": "", "Port": 0 } })),
            ""
        );
        assert_eq!(print_of(Print::KeyIfTrue, db(1)), "db:1\n");
    }
}
