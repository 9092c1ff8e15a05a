//! JSON text as clients know it: compact, with `<`, `>` and `&` escaped inside strings.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::Formatter;

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

/// Compact JSON text of a value.
pub fn to_json<T: Serialize + ?Sized>(value: &T) -> String {
    let mut text = Vec::with_capacity(256);
    let mut serializer = serde_json::Serializer::with_formatter(&mut text, EscapeHtml);
    // Writing to memory cannot fail, and no type here refuses to be written.
    if let Err(error) = value.serialize(&mut serializer) {
        replace_by_error(&mut text, &error);
    }
    String::from_utf8(text).unwrap_or_default()
}

/// Replaces a text that broke off by a JSON string that says so.
fn replace_by_error(text: &mut Vec<u8>, error: &serde_json::Error) {
    text.clear();
    text.extend_from_slice(serde_json::Value::String(error.to_string()).to_string().as_bytes());
}

/// Compact output that can stand in a HTML page: `<`, `>`, `&` and the two Unicode line ends are escaped.
struct EscapeHtml;

impl Formatter for EscapeHtml {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let bytes = fragment.as_bytes();
        let mut written = 0;
        for (at, byte) in bytes.iter().enumerate() {
            let (escape, length) = match byte {
                b'<' => ("\\u003c", 1),
                b'>' => ("\\u003e", 1),
                b'&' => ("\\u0026", 1),
                0xe2 if bytes[at..].starts_with(&[0xe2, 0x80, 0xa8]) => ("\\u2028", 3),
                0xe2 if bytes[at..].starts_with(&[0xe2, 0x80, 0xa9]) => ("\\u2029", 3),
                _ => continue,
            };
            writer.write_all(&bytes[written..at])?;
            writer.write_all(escape.as_bytes())?;
            written = at + length;
        }
        writer.write_all(&bytes[written..])
    }
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
