//! Result sets, read by column name without regard to case.
//!
//! Absent columns and NULL both read as `None`; [`Record::has`] tells them apart where that matters.

use std::borrow::Cow;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use mysql_async::{Column, Value};

/// One result set of the text protocol.
#[derive(Debug)]
pub(crate) struct Table {
    columns: Arc<[Column]>,
    rows: Vec<Vec<Value>>,
    /// Behind the column found last. Columns are mostly asked for in their order, and there may be sixty.
    cursor: AtomicUsize,
}

impl Table {
    pub(crate) fn new(columns: Arc<[Column]>, rows: Vec<Vec<Value>>) -> Self {
        Self { columns, rows, cursor: AtomicUsize::new(0) }
    }

    pub(crate) fn records(&self) -> impl Iterator<Item = Record<'_>> {
        self.rows.iter().map(|values| Record { columns: &self.columns, values, cursor: &self.cursor })
    }

    pub(crate) fn first(&self) -> Option<Record<'_>> {
        self.records().next()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The single text a query of one row and one column answers; `Err` says why the shape is wrong.
    pub(crate) fn scalar(&self) -> Result<Option<Cow<'_, str>>, String> {
        match (self.columns.len(), self.rows.first()) {
            (1, Some(row)) => Ok(row.first().and_then(text_of)),
            (1, None) => Err("the query answered no row".to_owned()),
            (count, _) => Err(format!("the query answered {count} columns instead of one")),
        }
    }

    /// The value of a name in a `name, value` listing such as `SHOW VARIABLES`.
    pub(crate) fn named(&self, name: &str) -> Option<Cow<'_, str>> {
        let row = self.rows.iter().find(|row| {
            matches!(row.first(), Some(Value::Bytes(found)) if found.eq_ignore_ascii_case(name.as_bytes()))
        })?;
        row.get(1).and_then(text_of)
    }
}

/// One row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record<'a> {
    columns: &'a [Column],
    values: &'a [Value],
    cursor: &'a AtomicUsize,
}

impl<'a> Record<'a> {
    fn value(&self, names: &[&str]) -> Option<&'a Value> {
        let begin = self.cursor.load(Ordering::Relaxed).min(self.columns.len());
        let is_asked = |column: &Column| {
            let found = column.name_ref();
            names.iter().any(|name| found.eq_ignore_ascii_case(name.as_bytes()))
        };
        let (before, behind) = self.columns.split_at(begin);
        let at = match behind.iter().position(is_asked) {
            Some(at) => begin + at,
            None => before.iter().position(is_asked)?,
        };
        self.cursor.store(at + 1, Ordering::Relaxed);
        self.values.get(at)
    }

    /// The column exists, whatever its value.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.value(&[name]).is_some()
    }

    /// Text of the column that has one of these names: a server has one of them. `None`: no such column, or NULL.
    pub(crate) fn text(&self, names: &[&str]) -> Option<Cow<'a, str>> {
        self.value(names).and_then(text_of)
    }

    /// As owned text; empty for no such column and NULL.
    pub(crate) fn owned(&self, names: &[&str]) -> String {
        self.text(names).map(Cow::into_owned).unwrap_or_default()
    }

    /// As a number; `None` also when the text is not one.
    pub(crate) fn number<T: FromStr>(&self, names: &[&str]) -> Option<T> {
        self.text(names).and_then(|text| text.trim().parse().ok())
    }

    /// By position, from 0.
    pub(crate) fn at(&self, position: usize) -> Option<Cow<'a, str>> {
        self.values.get(position).and_then(text_of)
    }
}

/// Any spelling of "true" that servers use. Settings that became enumerations count as on unless they say off.
pub(crate) fn is_on(text: &str) -> bool {
    !(text.is_empty() || text == "0" || text.eq_ignore_ascii_case("OFF") || text.eq_ignore_ascii_case("NO"))
}

fn text_of(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::NULL => None,
        Value::Bytes(bytes) => Some(String::from_utf8_lossy(bytes)),
        other => Some(Cow::Owned(other.as_sql(true).trim_matches('\'').to_owned())),
    }
}

#[cfg(test)]
pub(crate) mod fixtures {
    //! Tables written down in tests.

    use mysql_async::consts::ColumnType;

    use super::*;

    /// A table of these columns; `None` is NULL.
    pub(crate) fn table(columns: &[&str], rows: &[&[Option<&str>]]) -> Table {
        let columns: Vec<Column> = columns
            .iter()
            .map(|name| Column::new(ColumnType::MYSQL_TYPE_VAR_STRING).with_name(name.as_bytes()))
            .collect();
        let cell = |text: &Option<&str>| text.map_or(Value::NULL, |t| Value::Bytes(t.as_bytes().to_vec()));
        Table::new(columns.into(), rows.iter().map(|row| row.iter().map(cell).collect()).collect())
    }

    /// One row from the vertical form that command line clients print: `name: value` lines; `NULL` is NULL.
    pub(crate) fn vertical(text: &str) -> Table {
        let pairs: Vec<(&str, &str)> = text
            .lines()
            .filter_map(|line| line.trim().split_once(':').map(|(name, value)| (name.trim(), value.trim())))
            .collect();
        let columns: Vec<&str> = pairs.iter().map(|(name, _)| *name).collect();
        let values: Vec<Option<&str>> = pairs.iter().map(|(_, v)| (*v != "NULL").then_some(*v)).collect();
        table(&columns, &[&values])
    }
}

#[cfg(test)]
mod tests {
    use super::fixtures::table;
    use super::*;

    #[test]
    fn columns_are_found_in_any_case_and_null_is_not_text() {
        let read = table(&["Get_Source_public_key", "Lag"], &[&[Some("1"), None]]);
        let row = read.first().unwrap();
        assert_eq!(row.text(&["Get_source_public_key"]).as_deref(), Some("1"));
        assert_eq!(row.number::<u32>(&["nosuch", "get_source_public_key"]), Some(1));
        assert!(row.has("lag") && row.text(&["lag"]).is_none());
        assert!(!row.has("nosuch"));
    }

    #[test]
    fn columns_are_found_in_any_order() {
        let read = table(&["a", "b", "c"], &[&[Some("1"), Some("2"), Some("3")]]);
        let row = read.first().unwrap();
        for (name, value) in [("c", "3"), ("a", "1"), ("a", "1"), ("b", "2"), ("a", "1"), ("c", "3")] {
            assert_eq!(row.text(&["nosuch", name]).as_deref(), Some(value));
        }
    }

    #[test]
    fn a_scalar_needs_one_row_of_one_column() {
        assert_eq!(table(&["a"], &[&[Some("x")]]).scalar().unwrap().as_deref(), Some("x"));
        assert_eq!(table(&["a"], &[&[None]]).scalar().unwrap(), None);
        assert!(table(&["a"], &[]).scalar().is_err());
        assert!(table(&["a", "b"], &[&[None, None]]).scalar().is_err());
    }

    #[test]
    fn enumerations_count_as_on_unless_off() {
        for on in ["1", "ON", "NO_LOCK", "Yes"] {
            assert!(is_on(on), "{on}");
        }
        for off in ["", "0", "OFF", "No"] {
            assert!(!is_on(off), "{off}");
        }
    }
}
