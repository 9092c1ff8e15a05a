//! JSON text as clients know it: compact, with `<`, `>` and `&` escaped inside strings.

use serde::Serialize;

use super::times::{ColumnTimes, in_style};

/// The answer of most operations: `{"Code","Message","Details"}`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Envelope<'a, T: Serialize> {
    /// `OK` or `ERROR`.
    pub code: &'static str,
    /// Text for people.
    pub message: &'a str,
    /// What the operation tells, or `null`.
    pub details: T,
}

/// The text of an envelope around details that are JSON text already.
pub fn envelope(is_ok: bool, message: &str, details_json: &str) -> String {
    let code = if is_ok { "OK" } else { "ERROR" };
    format!(r#"{{"Code":"{code}","Message":{},"Details":{details_json}}}"#, to_json(message))
}

/// Compact JSON text of a value that can stand in a HTML page: `<`, `>`, `&` and the two Unicode line ends are escaped.
pub fn to_json<T: Serialize + ?Sized>(value: &T) -> String {
    // Writing to memory cannot fail, and no type here refuses to be written.
    let text = serde_json::to_string(value)
        .unwrap_or_else(|error| serde_json::Value::String(error.to_string()).to_string());
    escape_html(text)
}

/// As [`to_json`], with times from plain columns in this style.
pub fn to_json_with<T: Serialize + ?Sized>(value: &T, times: ColumnTimes) -> String {
    in_style(times, || to_json(value))
}

/// Escapes what has a meaning in HTML. In JSON such characters stand in strings only, so nothing else needs to be known
/// of the text; most texts have none of them.
pub(super) fn escape_html(text: String) -> String {
    let bytes = text.as_bytes();
    // The line ends, U+2028 and U+2029, begin with this byte.
    const LINE_END: u8 = 0xe2;
    if memchr::memchr3(b'<', b'>', b'&', bytes).is_none() && memchr::memchr(LINE_END, bytes).is_none() {
        return text;
    }
    let mut escaped = String::with_capacity(text.len() + text.len() / 8);
    let mut rest = text.as_str();
    while let Some(at) = rest.find(['<', '>', '&', '\u{2028}', '\u{2029}']) {
        let (before, from) = rest.split_at(at);
        escaped.push_str(before);
        let mut after = from.chars();
        if let Some(character) = after.next() {
            escaped.push_str(&format!("\\u{:04x}", u32::from(character)));
        }
        rest = after.as_str();
    }
    escaped.push_str(rest);
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_with_a_meaning_in_html_are_escaped() {
        assert_eq!(to_json("a<b>&\u{2028}\u{2029}é…\n\"\\"), r#""a\u003cb\u003e\u0026\u2028\u2029é…\n\"\\""#);
    }

    #[test]
    fn an_envelope_has_three_fields_in_order() {
        assert_eq!(envelope(true, "a & b", "[1]"), r#"{"Code":"OK","Message":"a \u0026 b","Details":[1]}"#);
        let typed = Envelope { code: "ERROR", message: "x", details: () };
        assert_eq!(to_json(&typed), envelope(false, "x", "null"));
    }
}
