//! Answers that were taken from a real server, with placeholders where servers differ.

use super::facts::{FACTS, Fact, View};
use super::packets::{Columns, Reply, put_value};

const REPLICATION: &str = include_str!("answers/replication_status.txt");
const VARIABLES: &str = include_str!("answers/variables.txt");
const STATUS: &str = include_str!("answers/status.txt");

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Text(String),
    Fact(Fact),
}

/// One value: texts and placeholders in turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cell {
    Null,
    Of(Vec<Piece>),
}

impl Cell {
    /// `{name}` is a placeholder; the word `NULL` alone is NULL. Panics on an unknown placeholder: the texts are our own.
    pub(super) fn parse(text: &str) -> Self {
        if text == "NULL" {
            return Self::Null;
        }
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, inside)) = rest.split_once('{') {
            let (name, after) = inside.split_once('}').expect("a placeholder is closed");
            let known = FACTS.iter().find(|(known, _)| *known == name);
            let (_, fact) = known.unwrap_or_else(|| panic!("no placeholder {{{name}}}"));
            if !before.is_empty() {
                pieces.push(Piece::Text(before.to_owned()));
            }
            pieces.push(Piece::Fact(*fact));
            rest = after;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        Self::Of(pieces)
    }

    /// A switch as `SELECT @@name` shows it: a number.
    fn as_number(&self) -> Self {
        let Self::Of(pieces) = self else { return Self::Null };
        match pieces.as_slice() {
            [Piece::Text(text)] if text == "ON" => Self::parse("1"),
            [Piece::Text(text)] if text == "OFF" => Self::parse("0"),
            [Piece::Fact(Fact::ReadOnly)] => Self::Of(vec![Piece::Fact(Fact::ReadOnlyNumber)]),
            _ => self.clone(),
        }
    }

    fn put(&self, bytes: &mut Vec<u8>, view: View<'_>, scratch: &mut String) {
        let Self::Of(pieces) = self else { return put_value(bytes, None) };
        if let [Piece::Text(text)] = pieces.as_slice() {
            return put_value(bytes, Some(text));
        }
        scratch.clear();
        let mut is_known = true;
        for piece in pieces {
            match piece {
                Piece::Text(text) => scratch.push_str(text),
                Piece::Fact(fact) => is_known &= view.write(*fact, scratch),
            }
        }
        put_value(bytes, is_known.then_some(scratch.as_str()));
    }
}

/// A result set whose rows are filled in for a server.
#[derive(Debug)]
pub(super) struct Table {
    columns: Columns,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    pub(super) fn new<'a>(columns: impl IntoIterator<Item = &'a str>, rows: Vec<Vec<Cell>>) -> Self {
        Self { columns: Columns::new(columns), rows }
    }

    /// Adds the result set, with its rows once for each of the views.
    pub(super) fn put<'a>(
        &self,
        reply: &mut Reply,
        views: impl IntoIterator<Item = View<'a>>,
        is_followed: bool,
    ) {
        reply.columns(&self.columns);
        let mut scratch = String::new();
        for view in views {
            for row in &self.rows {
                reply.packet(|bytes| row.iter().for_each(|cell| cell.put(bytes, view, &mut scratch)));
            }
        }
        reply.end(is_followed);
    }
}

/// A name and its value.
type Line = (String, Cell);

/// The answers that were taken down.
#[derive(Debug)]
pub(super) struct Templates {
    replication: Vec<Line>,
    pub(super) variables: Listing,
    pub(super) status: Listing,
}

impl Templates {
    pub(super) fn load() -> Self {
        Self {
            replication: lines(REPLICATION),
            variables: Listing(lines(VARIABLES)),
            status: Listing(lines(STATUS)),
        }
    }

    /// `SHOW ALL SLAVES STATUS` of a replica.
    pub(super) fn replication(&self) -> Table {
        let row = self.replication.iter().map(|(_, cell)| cell.clone()).collect();
        Table::new(self.replication.iter().map(|(name, _)| name.as_str()), vec![row])
    }
}

/// Names with values, as of `SHOW VARIABLES`.
#[derive(Debug)]
pub(super) struct Listing(Vec<Line>);

impl Listing {
    /// The lines whose name is wanted.
    pub(super) fn show(&self, is_wanted: impl Fn(&str) -> bool) -> Table {
        let wanted = self.0.iter().filter(|(name, _)| is_wanted(name));
        let rows = wanted.map(|(name, cell)| vec![Cell::parse(name), cell.clone()]).collect();
        Table::new(["Variable_name", "Value"], rows)
    }

    /// One value as `SELECT @@name` shows it.
    pub(super) fn select(&self, name: &str) -> Option<Cell> {
        let (_, cell) = self.0.iter().find(|(known, _)| known.eq_ignore_ascii_case(name))?;
        Some(cell.as_number())
    }
}

/// `name: value` lines, as clients print rows vertically.
fn lines(text: &str) -> Vec<Line> {
    let pairs = text.lines().filter_map(|line| line.split_once(':'));
    pairs.map(|(name, value)| (name.trim().to_owned(), Cell::parse(value.trim()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_read_with_their_placeholders() {
        let templates = Templates::load();
        assert_eq!(templates.replication.len(), 62);
        assert_eq!(templates.variables.select("READ_ONLY"), Some(Cell::parse("{read only number}")));
        assert_eq!(templates.variables.select("log_bin"), Some(Cell::parse("1")));
        assert_eq!(templates.variables.select("super_read_only"), None);
        let relay = Cell::Of(vec![Piece::Text("relay.".to_owned()), Piece::Fact(Fact::FileNumber)]);
        assert_eq!(Cell::parse("relay.{file number}"), relay);
    }
}
