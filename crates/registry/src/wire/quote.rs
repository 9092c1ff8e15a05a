//! The quoted form in which error texts of servers appear in the API.

use std::fmt::Write;

/// A text in double quotes with everything but printable ASCII escaped; an empty text stays empty.
pub(crate) fn quoted(text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{b}' => out.push_str("\\v"),
            ' '..='~' => out.push(c),
            _ => escape_code(&mut out, u32::from(c)),
        }
    }
    out.push('"');
    out
}

fn escape_code(out: &mut String, code: u32) {
    // Writing to a String cannot fail.
    let _ = match code {
        0..0x80 => write!(out, "\\x{code:02x}"),
        0x80..0x1_0000 => write!(out, "\\u{code:04x}"),
        _ => write!(out, "\\U{code:08x}"),
    };
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn texts_are_quoted_as_clients_know_them() {
        for (text, wanted) in [
            ("", ""),
            ("Can't connect (111)", "\"Can't connect (111)\""),
            ("a \"b\" \\ \n\t", r#""a \"b\" \\ \n\t""#),
            ("é\u{1}€😀\u{7f}", r#""\u00e9\x01\u20ac\U0001f600\x7f""#),
        ] {
            assert_eq!(quoted(text), wanted);
        }
    }
}
