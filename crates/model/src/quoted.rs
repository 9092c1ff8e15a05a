//! The quoted form in which replication errors are stored and shown: a double-quoted text of plain ASCII.
//!
//! Scripts and dashboards see this form in the backend and in JSON, so its escapes are fixed: `\a \b \f \n \r \t \v`,
//! `\\`, `\"`, `\xNN` for other control characters, `\uNNNN` and `\UNNNNNNNN` for everything outside ASCII.

use std::borrow::Cow;
use std::fmt::Write;

/// Quotes a text. The empty text stays empty: no error is not a quoted nothing.
///
/// ```
/// assert_eq!(model::quote("can't connect to \"db1\"\n"), r#""can't connect to \"db1\"\n""#);
/// assert_eq!(model::quote(""), "");
/// ```
pub fn quote(text: &str) -> Cow<'_, str> {
    if text.is_empty() {
        return Cow::Borrowed("");
    }
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        push_escaped(&mut quoted, character);
    }
    quoted.push('"');
    Cow::Owned(quoted)
}

/// Inverse of [`quote`]. A text without surrounding quotes is returned as it is; an unknown escape keeps its letter;
/// bytes that are no UTF-8 become replacement characters.
pub fn unquote(quoted: &str) -> Cow<'_, str> {
    let Some(inner) = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return Cow::Borrowed(quoted);
    };
    if !inner.contains('\\') {
        return Cow::Borrowed(inner);
    }
    let mut bytes = Vec::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(at) = rest.find('\\') {
        bytes.extend_from_slice(&rest.as_bytes()[..at]);
        rest = unescape(&rest[at + 1..], &mut bytes);
    }
    bytes.extend_from_slice(rest.as_bytes());
    Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
}

fn push_escaped(quoted: &mut String, character: char) {
    let escaped = match character {
        '"' => "\\\"",
        '\\' => "\\\\",
        '\u{7}' => "\\a",
        '\u{8}' => "\\b",
        '\u{c}' => "\\f",
        '\n' => "\\n",
        '\r' => "\\r",
        '\t' => "\\t",
        '\u{b}' => "\\v",
        ' '..='~' => return quoted.push(character),
        _ => {
            let code = u32::from(character);
            // Writing to a String cannot fail.
            let _ = match code {
                0..0x80 => write!(quoted, "\\x{code:02x}"),
                0x80..0x1_0000 => write!(quoted, "\\u{code:04x}"),
                _ => write!(quoted, "\\U{code:08x}"),
            };
            return;
        }
    };
    quoted.push_str(escaped);
}

/// Reads one escape after its backslash into `bytes`; returns what follows it.
fn unescape<'a>(rest: &'a str, bytes: &mut Vec<u8>) -> &'a str {
    let mut characters = rest.chars();
    let Some(letter) = characters.next() else { return rest };
    let after = characters.as_str();
    let digits = match letter {
        'x' => 2,
        'u' => 4,
        'U' => 8,
        _ => 0,
    };
    let code =
        (digits > 0).then(|| after.get(..digits)).flatten().and_then(|hex| u32::from_str_radix(hex, 16).ok());
    if let Some(code) = code {
        match (letter, u8::try_from(code)) {
            ('x', Ok(byte)) => bytes.push(byte),
            _ => {
                let character = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
                bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
        return &after[digits..];
    }
    let plain = match letter {
        'a' => '\u{7}',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\u{b}',
        other => other,
    };
    bytes.extend_from_slice(plain.encode_utf8(&mut [0; 4]).as_bytes());
    after
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn escapes_are_the_known_ones() {
        let table = [
            ("plain", "\"plain\""),
            ("a\tb\\c", "\"a\\tb\\\\c\""),
            ("\u{1}\u{7f}", "\"\\x01\\x7f\""),
            ("é€", "\"\\u00e9\\u20ac\""),
            ("😀", "\"\\U0001f600\""),
        ];
        for (plain, quoted) in table {
            assert_eq!(quote(plain), quoted);
            assert_eq!(unquote(quoted), plain);
        }
    }

    #[test]
    fn texts_that_nobody_quoted_are_kept() {
        assert_eq!(unquote("connecting failed"), "connecting failed");
        assert_eq!(unquote("\"half"), "\"half");
        assert_eq!(unquote("\"odd \\q \\x4\""), "odd q x4");
        assert_eq!(unquote("\"\\xff\""), "\u{fffd}");
    }

    proptest! {
        #[test]
        fn any_text_round_trips(text in ".*") {
            let quoted = quote(&text).into_owned();
            prop_assert!(quoted.is_ascii());
            prop_assert_eq!(unquote(&quoted), text);
        }

        #[test]
        fn any_text_is_unquoted_without_panic(text in ".*") {
            let _ = unquote(&text);
            let _ = unquote(&format!("\"{text}\""));
        }
    }
}
