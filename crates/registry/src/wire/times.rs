//! Times of the backend as text. What a plain column holds looks as the kind of backend shows it; what is computed from
//! columns looks the same on all.

use std::cell::Cell;

use model::Timestamp;

/// How times from plain columns are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ColumnTimes {
    /// `YYYY-MM-DDThh:mm:ssZ`: SQLite.
    #[default]
    Iso,
    /// `YYYY-MM-DD hh:mm:ss`: MySQL and MariaDB.
    Sql,
}

thread_local! {
    /// Of the value that is being written on this thread. Serializers of single fields are given no context.
    static STYLE: Cell<ColumnTimes> = const { Cell::new(ColumnTimes::Iso) };
}

/// Puts the former style back, also when writing panics.
struct Restored(ColumnTimes);

impl Drop for Restored {
    fn drop(&mut self) {
        STYLE.set(self.0);
    }
}

/// Writes something with times in this style.
pub(super) fn in_style<T>(style: ColumnTimes, write: impl FnOnce() -> T) -> T {
    let _former = Restored(STYLE.replace(style));
    write()
}

/// A time read from a plain column; empty when there is none.
pub(crate) fn column_time(at: Option<Timestamp>) -> String {
    column_time_in(STYLE.get(), at)
}

/// As [`column_time`], in this style.
pub(crate) fn column_time_in(style: ColumnTimes, at: Option<Timestamp>) -> String {
    let text = |at: Timestamp| match style {
        ColumnTimes::Iso => at.to_iso_text(),
        ColumnTimes::Sql => at.to_sql_text(),
    };
    at.map(text).unwrap_or_default()
}

/// A time read through an expression: `YYYY-MM-DD hh:mm:ss`, empty when there is none.
pub(crate) fn expression_time(at: Option<Timestamp>) -> String {
    at.map(Timestamp::to_sql_text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_style_holds_for_one_value() {
        let at = Some(Timestamp::from_secs(0));
        let inner = in_style(ColumnTimes::Sql, || {
            assert_eq!(in_style(ColumnTimes::Iso, || column_time(at)), "1970-01-01T00:00:00Z");
            column_time(at)
        });
        assert_eq!(inner, "1970-01-01 00:00:00");
        assert_eq!(column_time(at), "1970-01-01T00:00:00Z");
        assert_eq!(expression_time(at), "1970-01-01 00:00:00");
        assert_eq!(column_time(None) + &expression_time(None), "");
    }
}
