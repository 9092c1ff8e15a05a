//! Credentials files: `user` and `password` from the section `[client]` of a file in the style of git's configuration.
//!
//! Names ignore case; the last value wins; `#` and `;` begin a comment outside double quotes; inside them `\"`, `\\`,
//! `\n`, `\t` are escapes; a backslash at the end of a line continues it. Other sections and variables are passed over,
//! so an ordinary client option file can be used. A variable that is absent leaves the value of the configuration.

use model::Secret;

use crate::report::Position;

/// What a credentials file gives.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Credentials {
    pub(crate) user: Option<String>,
    pub(crate) password: Option<Secret>,
}

/// Why a credentials file is refused. The text never holds a value.
#[derive(Debug, PartialEq)]
pub(crate) struct Refused {
    pub(crate) at: Position,
    pub(crate) what: &'static str,
}

/// Reads a credentials file. The first error ends it.
pub(crate) fn parse(text: &str) -> Result<Credentials, Refused> {
    let mut credentials = Credentials::default();
    let mut section: Option<String> = None;
    let mut lines = text.strip_prefix('\u{feff}').unwrap_or(text).lines().zip(1..);
    while let Some((line, number)) = lines.next() {
        let refuse = |what| Refused { at: Position { line: number, column: 1 }, what };
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(rest) = line.strip_prefix('[') {
            let (name, _) = rest.split_once(']').ok_or_else(|| refuse("a section lacks its \"]\""))?;
            section = Some(name.trim().to_ascii_lowercase());
            continue;
        }
        let mut whole = line.to_owned();
        while ends_in_continuation(&whole) {
            whole.pop();
            whole.push_str(lines.next().map(|(next, _)| next).unwrap_or_default());
        }
        match &section {
            None => return Err(refuse("a variable stands before the first section; begin with [client]")),
            Some(name) if name != "client" => continue,
            Some(_) => {}
        }
        let (name, value) = match whole.split_once('=') {
            Some((name, value)) => (name.trim().to_ascii_lowercase(), Some(value)),
            None => (whole.split(['#', ';']).next().unwrap_or_default().trim().to_ascii_lowercase(), None),
        };
        if name != "user" && name != "password" {
            continue;
        }
        let value = value.ok_or_else(|| refuse("\"=\" and a value are missing"))?;
        let value = unquote(value).map_err(refuse)?;
        if name == "user" {
            credentials.user = Some(value);
        } else {
            credentials.password = Some(Secret::new(value));
        }
    }
    Ok(credentials)
}

fn ends_in_continuation(line: &str) -> bool {
    line.chars().rev().take_while(|c| *c == '\\').count() % 2 == 1
}

/// Joins quoted and plain pieces; blanks around the whole are dropped, blanks inside quotes stay.
fn unquote(raw: &str) -> Result<String, &'static str> {
    let mut value = String::new();
    let mut kept = 0;
    let mut quoted = false;
    let mut chars = raw.trim_start().chars();
    while let Some(c) = chars.next() {
        match (c, quoted) {
            ('"', _) => quoted = !quoted,
            ('\\', true) => value.push(match chars.next() {
                Some(c @ ('"' | '\\')) => c,
                Some('n') => '\n',
                Some('t') => '\t',
                _ => return Err("unknown escape; inside quotes \\\" \\\\ \\n \\t exist"),
            }),
            ('\\', false) => match chars.next() {
                Some('"') => value.push('"'),
                _ => return Err("a backslash outside double quotes; put the whole value in double quotes"),
            },
            ('#' | ';', false) => break,
            (c, _) => value.push(c),
        }
        if quoted || !c.is_whitespace() {
            kept = value.len();
        }
    }
    if quoted {
        return Err("a double quote is not closed");
    }
    value.truncate(kept);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(text: &str) -> String {
        match parse(text) {
            Ok(Credentials { user, password }) => {
                format!("{user:?} {:?}", password.as_ref().map(Secret::expose))
            }
            Err(refused) => format!("{}: {}", refused.at.line, refused.what),
        }
    }

    #[test]
    fn user_and_password_are_read() {
        for (text, wanted) in [
            ("", "None None"),
            ("\u{feff}[client]\nuser=a\npassword=b\n", r#"Some("a") Some("b")"#),
            ("[Client]\n  USER = a b  # note\n Password = \"x#;y\" ; note\n", r#"Some("a b") Some("x#;y")"#),
            ("[client]\nuser=a\nuser=b\n[client]\nuser=c", r#"Some("c") None"#),
            ("[client]\npassword = \" a\\\"\\\\\\n\\t \"z\n", "None Some(\" a\\\"\\\\\\n\\t z\")"),
            ("[client]\npassword=\n", r#"None Some("")"#),
            ("[client]\npassword='x'\n", r#"None Some("'x'")"#),
            ("[client]\npassword=a\\\"b\n", r#"None Some("a\"b")"#),
            ("[client]\nuser=ab\\\ncd\n", r#"Some("abcd") None"#),
            ("[client \"x\"]\nuser=a\n[mysqld]\nskip-name-resolve\nuser=mysql\n", "None None"),
            ("[client]\nhost=h\nssl-ca=/x\ncompress\nuser=a\n", r#"Some("a") None"#),
            ("# c\n; c\n[client]\nuser = \"${U}\"", r#"Some("${U}") None"#),
        ] {
            assert_eq!(show(text), wanted, "{text:?}");
        }
    }

    #[test]
    fn broken_files_are_refused_with_their_line() {
        for (text, wanted) in [
            ("user=a", "1: a variable stands before the first section; begin with [client]"),
            ("\n[client\n", "2: a section lacks its \"]\""),
            ("[client]\nuser\n", "2: \"=\" and a value are missing"),
            ("[client]\npassword=\"a\n", "2: a double quote is not closed"),
            ("[client]\npassword=\"a\\x\"\n", "2: unknown escape; inside quotes \\\" \\\\ \\n \\t exist"),
            (
                "[client]\npassword=a\\b\n",
                "2: a backslash outside double quotes; put the whole value in double quotes",
            ),
        ] {
            assert_eq!(show(text), wanted, "{text:?}");
        }
    }
}
