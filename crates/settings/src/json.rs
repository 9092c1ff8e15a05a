//! Reads JSON into a tree that remembers where every name and value stands.
//!
//! Why not a library: configuration files need things that strict decoders do not give at once: repeated names kept in
//! order (the last one wins), the line and column of every name for messages, comments and trailing commas tolerated,
//! text behind the first value ignored. Nesting is limited, so hostile input cannot exhaust the stack.

use crate::report::Position;

/// Deepest nesting of arrays and objects accepted. No setting needs more than two levels.
const NESTING_MAX: usize = 64;

/// A value and the place where it starts.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub(crate) at: Position,
    pub(crate) value: Json,
}

/// A JSON value. Numbers keep their spelling, because integers must be told from `5.0` and `1e3`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Json {
    Null,
    Flag(bool),
    Number(String),
    Text(String),
    List(Vec<Node>),
    Object(Vec<Member>),
}

/// One `name: value` of an object, in file order; names may repeat.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Member {
    pub(crate) at: Position,
    pub(crate) name: String,
    pub(crate) value: Node,
}

/// The first value of a file, and where further text begins, if any.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) root: Node,
    pub(crate) rest: Option<Position>,
}

/// Why a text is not JSON, and where.
#[derive(Debug, PartialEq)]
pub(crate) struct SyntaxError {
    pub(crate) at: Position,
    pub(crate) what: String,
}

/// Reads the first value of `text`. A byte order mark, `//` comments and trailing commas are tolerated.
pub(crate) fn parse(text: &str) -> Result<Document, SyntaxError> {
    let mut reader = Reader { text, at: 0, line: 1, column: 1 };
    reader.take('\u{feff}');
    reader.column = 1;
    reader.skip_blank();
    if reader.peek().is_none() {
        return reader.fail("the file is empty (EOF); a JSON object was expected, at least {}");
    }
    let root = reader.value(0)?;
    reader.skip_blank();
    let rest = reader.peek().map(|_| reader.position());
    Ok(Document { root, rest })
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    line: u32,
    column: u32,
}

impl Reader<'_> {
    fn position(&self) -> Position {
        Position { line: self.line, column: self.column }
    }

    fn fail<T>(&self, what: impl Into<String>) -> Result<T, SyntaxError> {
        Err(SyntaxError { at: self.position(), what: what.into() })
    }

    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        if c == '\n' {
            self.line = self.line.saturating_add(1);
            self.column = 1;
        } else {
            self.column = self.column.saturating_add(1);
        }
        Some(c)
    }

    fn take(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        if found {
            self.next();
        }
        found
    }

    fn skip_blank(&mut self) {
        loop {
            while matches!(self.peek(), Some(' ' | '\t' | '\n' | '\r')) {
                self.next();
            }
            if !self.rest().starts_with("//") {
                return;
            }
            while !matches!(self.peek(), None | Some('\n')) {
                self.next();
            }
        }
    }

    fn value(&mut self, depth: usize) -> Result<Node, SyntaxError> {
        let at = self.position();
        let value = match self.peek() {
            Some('{' | '[') if depth >= NESTING_MAX => return self.fail("nested too deeply"),
            Some('{') => self.object(depth)?,
            Some('[') => self.list(depth)?,
            Some('"') => Json::Text(self.string()?),
            Some('-' | '0'..='9') => Json::Number(self.number()?),
            _ => self.word()?,
        };
        Ok(Node { at, value })
    }

    fn word(&mut self) -> Result<Json, SyntaxError> {
        for (word, value) in [("true", Json::Flag(true)), ("false", Json::Flag(false)), ("null", Json::Null)]
        {
            if self.rest().starts_with(word) {
                for _ in 0..word.len() {
                    self.next();
                }
                return Ok(value);
            }
        }
        match self.peek() {
            Some(c) => self.fail(format!("unexpected {c:?}; a value was expected")),
            None => self.fail("the file ends where a value was expected"),
        }
    }

    fn object(&mut self, depth: usize) -> Result<Json, SyntaxError> {
        self.next();
        let mut members = Vec::new();
        loop {
            self.skip_blank();
            if self.take('}') {
                return Ok(Json::Object(members));
            }
            let at = self.position();
            if self.peek() != Some('"') {
                return self.unexpected("a name in double quotes or \"}\"");
            }
            let name = self.string()?;
            self.skip_blank();
            if !self.take(':') {
                return self.unexpected(&format!("\":\" behind {name:?}"));
            }
            self.skip_blank();
            let value = self.value(depth + 1)?;
            members.push(Member { at, name, value });
            self.skip_blank();
            if !self.take(',') && self.peek() != Some('}') {
                return self.unexpected("\",\" or \"}\"");
            }
        }
    }

    fn list(&mut self, depth: usize) -> Result<Json, SyntaxError> {
        self.next();
        let mut elements = Vec::new();
        loop {
            self.skip_blank();
            if self.take(']') {
                return Ok(Json::List(elements));
            }
            elements.push(self.value(depth + 1)?);
            self.skip_blank();
            if !self.take(',') && self.peek() != Some(']') {
                return self.unexpected("\",\" or \"]\"");
            }
        }
    }

    fn unexpected<T>(&self, wanted: &str) -> Result<T, SyntaxError> {
        match self.peek() {
            Some(c) => self.fail(format!("unexpected {c:?}; {wanted} was expected")),
            None => self.fail(format!("the file ends where {wanted} was expected")),
        }
    }

    fn string(&mut self) -> Result<String, SyntaxError> {
        self.next();
        let mut text = String::new();
        loop {
            match self.peek() {
                None => return self.fail("the file ends inside a text; the closing quote is missing"),
                Some(c) if c < ' ' => {
                    return self
                        .fail("a text must not contain line ends or control characters; write \\n, \\t");
                }
                _ => {}
            }
            match self.next() {
                Some('"') => return Ok(text),
                Some('\\') => text.push(self.escape()?),
                Some(c) => text.push(c),
                None => {}
            }
        }
    }

    fn escape(&mut self) -> Result<char, SyntaxError> {
        Ok(match self.next() {
            Some(c @ ('"' | '\\' | '/')) => c,
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('u') => return self.unicode_escape(),
            _ => return self.fail("unknown escape; \\\" \\\\ \\/ \\b \\f \\n \\r \\t and \\uXXXX exist"),
        })
    }

    /// Half a surrogate pair without its partner becomes U+FFFD, as in the decoder that existing files were made for.
    fn unicode_escape(&mut self) -> Result<char, SyntaxError> {
        let first = self.four_digits()?;
        if (0xD800..0xDC00).contains(&first) && self.rest().starts_with("\\u") {
            let (at, line, column) = (self.at, self.line, self.column);
            self.next();
            self.next();
            let second = self.four_digits()?;
            if (0xDC00..0xE000).contains(&second) {
                let code = 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
                return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            (self.at, self.line, self.column) = (at, line, column);
        }
        Ok(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn four_digits(&mut self) -> Result<u32, SyntaxError> {
        let mut code = 0;
        for _ in 0..4 {
            match self.peek().and_then(|c| c.to_digit(16)) {
                Some(digit) => code = code * 16 + digit,
                None => return self.fail("\\u needs four hexadecimal digits"),
            }
            self.next();
        }
        Ok(code)
    }

    fn number(&mut self) -> Result<String, SyntaxError> {
        let start = self.at;
        self.take('-');
        if !self.take('0') {
            self.digits()?;
        }
        if self.take('.') {
            self.digits()?;
        }
        if self.take('e') || self.take('E') {
            let _signed = self.take('+') || self.take('-');
            self.digits()?;
        }
        if matches!(self.peek(), Some('0'..='9')) {
            return self.fail("a number must not start with 0");
        }
        Ok(self.text.get(start..self.at).unwrap_or_default().to_owned())
    }

    fn digits(&mut self) -> Result<(), SyntaxError> {
        if !matches!(self.peek(), Some('0'..='9')) {
            return self.unexpected("a digit");
        }
        while matches!(self.peek(), Some('0'..='9')) {
            self.next();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(text: &str) -> String {
        match parse(text) {
            Ok(document) => render(&document.root.value),
            Err(error) => format!("{}:{} {}", error.at.line, error.at.column, error.what),
        }
    }

    fn render(value: &Json) -> String {
        match value {
            Json::Null => "null".into(),
            Json::Flag(flag) => flag.to_string(),
            Json::Number(number) => number.clone(),
            Json::Text(text) => format!("{text:?}"),
            Json::List(list) => {
                format!("[{}]", list.iter().map(|n| render(&n.value)).collect::<Vec<_>>().join(","))
            }
            Json::Object(members) => {
                let text: Vec<_> =
                    members.iter().map(|m| format!("{}={}", m.name, render(&m.value.value))).collect();
                format!("{{{}}}", text.join(","))
            }
        }
    }

    #[test]
    fn values_comments_trailing_commas_and_repeats_are_read() {
        for (text, wanted) in [
            ("{}", "{}"),
            ("null trailing", "null"),
            ("\u{feff}{\"a\":1}", "{a=1}"),
            ("{\"a\": [1, -2.5e+3, true,], // note\n \"a\": null,}", "{a=[1,-2.5e+3,true],a=null}"),
            (r#"{"a":"x\"\\\/\n\u00e9\ud83d\ude00\ud800z"}"#, "{a=\"x\\\"\\\\/\\né😀\u{fffd}z\"}"),
            (r#"["\ud800\u0041"]"#, "[\"\u{fffd}A\"]"),
        ] {
            assert_eq!(shape(text), wanted, "{text}");
        }
    }

    #[test]
    fn syntax_errors_name_line_and_column() {
        for (text, wanted) in [
            ("", "1:1 the file is empty (EOF); a JSON object was expected, at least {}"),
            ("{\n  \"a\" 1}", "2:7 unexpected '1'; \":\" behind \"a\" was expected"),
            ("{\"a\":1 \"b\":2}", "1:8 unexpected '\"'; \",\" or \"}\" was expected"),
            ("{\"a\":", "1:6 the file ends where a value was expected"),
            ("{\"a\":01}", "1:7 a number must not start with 0"),
            ("{a:1}", "1:2 unexpected 'a'; a name in double quotes or \"}\" was expected"),
            ("[\"x", "1:4 the file ends inside a text; the closing quote is missing"),
            ("[,]", "1:2 unexpected ','; a value was expected"),
        ] {
            assert_eq!(shape(text), wanted, "{text}");
        }
        let deep = "[".repeat(100_000);
        assert!(shape(&deep).contains("nested too deeply"));
    }
}
