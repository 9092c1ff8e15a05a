//! Stored values, on their way in and out.
//!
//! Reading is forgiving, because files of the original hold what its driver and its operators once wrote: NULL and what
//! is no number count as 0, empty or absent; a time that cannot be read counts as absent and is logged. Errors while
//! fetching rows are never forgiven.

use std::borrow::Cow;
use std::collections::BTreeSet;

use model::{InstanceKey, Timestamp};
use rusqlite::types::ValueRef;

use crate::sql::{self, Row, Value};

/// A stored value that was read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cell<'a> {
    /// NULL.
    Null,
    /// Whole number.
    Int(i64),
    /// Other number.
    Real(f64),
    /// Text or bytes.
    Bytes(&'a [u8]),
    /// A time: year, month, day, hour, minute, second.
    Date(u16, [u8; 5]),
}

impl<'a> Cell<'a> {
    /// The value of a column, by name.
    pub(crate) fn of(row: &'a Row<'_>, column: &str) -> sql::Result<Self> {
        row.cell(column)
    }

    /// As SQLite gives it.
    pub(crate) fn from_sqlite(value: ValueRef<'a>) -> Self {
        match value {
            ValueRef::Null => Self::Null,
            ValueRef::Integer(number) => Self::Int(number),
            ValueRef::Real(number) => Self::Real(number),
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Self::Bytes(bytes),
        }
    }

    /// As MySQL gives it. Numbers above the largest of a model are read as that one. The type for spans of time is not
    /// in the schema.
    pub(crate) fn from_mysql(value: &'a mysql_async::Value) -> Self {
        use mysql_async::Value as Given;
        match value {
            Given::NULL | Given::Time(..) => Self::Null,
            Given::Int(number) => Self::Int(*number),
            Given::UInt(number) => Self::Int(i64::try_from(*number).unwrap_or(i64::MAX)),
            Given::Float(number) => Self::Real(f64::from(*number)),
            Given::Double(number) => Self::Real(*number),
            Given::Bytes(bytes) => Self::Bytes(bytes),
            Given::Date(year, month, day, hour, minute, second, _) => {
                Self::Date(*year, [*month, *day, *hour, *minute, *second])
            }
        }
    }

    /// NULL.
    pub(crate) fn is_null(self) -> bool {
        matches!(self, Self::Null)
    }

    /// As text; numbers are printed.
    pub(crate) fn text(self) -> Cow<'a, str> {
        match self {
            Self::Null => Cow::Borrowed(""),
            Self::Int(number) => Cow::Owned(number.to_string()),
            Self::Real(number) => Cow::Owned(number.to_string()),
            Self::Bytes(bytes) => String::from_utf8_lossy(bytes),
            Self::Date(year, [month, day, hour, minute, second]) => {
                Cow::Owned(format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}"))
            }
        }
    }

    /// As owned text.
    pub(crate) fn string(self) -> String {
        self.text().into_owned()
    }

    /// As whole number.
    pub(crate) fn int(self) -> i64 {
        match self {
            Self::Int(number) => number,
            Self::Null | Self::Date(..) => 0,
            Self::Real(_) | Self::Bytes(_) => self.text().trim().parse().unwrap_or(0),
        }
    }

    /// As whole number of a smaller type; 0 when it does not fit.
    pub(crate) fn number<T: TryFrom<i64> + Default>(self) -> T {
        T::try_from(self.int()).unwrap_or_default()
    }

    /// As whole number unless NULL.
    pub(crate) fn optional<T: TryFrom<i64> + Default>(self) -> Option<T> {
        (!self.is_null()).then(|| self.number())
    }

    /// As truth: any number but 0.
    pub(crate) fn flag(self) -> bool {
        self.int() != 0
    }

    /// As truth unless NULL.
    pub(crate) fn optional_flag(self) -> Option<bool> {
        (!self.is_null()).then(|| self.flag())
    }

    /// As time, in any of the forms the original's driver wrote. The first day of 1971, in whatever time zone, stands
    /// for no time.
    pub(crate) fn time(self) -> Option<Timestamp> {
        let text = self.text();
        if text.is_empty() || text.starts_with("0000-00-00") {
            return None;
        }
        Timestamp::parse(&text)
            .inspect_err(|error| tracing::warn!(%error, "a stored time cannot be read and counts as absent"))
            .ok()
            .filter(|at| !NEVER.contains(&at.as_secs()))
    }

    /// As a comma list of `host:port`, sorted. What is no key is left out.
    pub(crate) fn keys(self) -> Vec<InstanceKey> {
        let text = self.text();
        let keys: BTreeSet<_> = text.split(',').filter_map(|item| parse_key(item.trim())).collect();
        keys.into_iter().collect()
    }
}

/// The key in two columns.
pub(crate) fn key_of(row: &Row<'_>, host: &str, port: &str) -> sql::Result<InstanceKey> {
    Ok(InstanceKey::new(Cell::of(row, host)?.text(), Cell::of(row, port)?.number()))
}

/// The key in `hostname` and `port`.
pub(crate) fn key(row: &Row<'_>) -> sql::Result<InstanceKey> {
    key_of(row, "hostname", "port")
}

/// Comma list of `host:port`, sorted.
pub(crate) fn key_list(keys: &[InstanceKey]) -> String {
    let sorted: BTreeSet<_> = keys.iter().collect();
    let texts: Vec<_> = sorted.into_iter().map(ToString::to_string).collect();
    texts.join(",")
}

/// A time as parameter: whole seconds, UTC.
pub(crate) fn sql_time(at: Timestamp) -> Value<'static> {
    Value::Time(at)
}

/// A day around the first second of 1971, which the original writes where it knows no time.
const NEVER: std::ops::Range<i64> = 365 * DAY - DAY / 2..366 * DAY;
const DAY: i64 = 24 * 3600;

/// The last colon separates the port, so IPv6 addresses need no brackets here.
fn parse_key(text: &str) -> Option<InstanceKey> {
    let (host, port) = text.rsplit_once(':')?;
    (!host.is_empty()).then_some(InstanceKey::new(host, port.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_lists_round_trip_and_skip_what_is_no_key() {
        let keys = [InstanceKey::new("db2", 2), InstanceKey::new("::1", 3306), InstanceKey::new("db2", 2)];
        assert_eq!(key_list(&keys), "::1:3306,db2:2");
        let read = |text: &str| Cell::Bytes(text.as_bytes()).keys();
        assert_eq!(read("db2:2,::1:3306"), [InstanceKey::new("::1", 3306), InstanceKey::new("db2", 2)]);
        assert_eq!(read("junk,,db1:x, db1:1"), [InstanceKey::new("db1", 1)]);
        assert!(read("").is_empty());
    }

    #[test]
    fn odd_cells_count_as_absent() {
        assert_eq!(Cell::Bytes(b"x12").int(), 0);
        assert_eq!(Cell::Bytes(b" 12 ").int(), 12);
        assert_eq!(Cell::Int(70_000).number::<u16>(), 0);
        for text in ["", "0000-00-00 00:00:00", "tomorrow"] {
            assert_eq!(Cell::Bytes(text.as_bytes()).time(), None);
        }
        assert_eq!(Cell::Null.optional::<u32>(), None);
    }

    #[test]
    fn times_are_read_in_every_form_the_original_wrote() {
        for text in ["2026-01-31 10:00:00", "2026-01-31T10:00:00Z", "2026-01-31 10:00:00+00:00"] {
            assert_eq!(
                Cell::Bytes(text.as_bytes()).time(),
                Some(Timestamp::from_secs(1_769_853_600)),
                "{text}"
            );
        }
    }
}
