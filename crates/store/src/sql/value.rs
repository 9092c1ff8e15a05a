//! Values on their way into a statement.

use std::borrow::Cow;

use model::Timestamp;
use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};

/// A value to be stored or compared with.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    /// NULL.
    Null,
    /// Number, flag.
    Int(i64),
    /// Text.
    Text(Cow<'a, str>),
    /// A time, whole seconds.
    Time(Timestamp),
    /// The absence of a time in a column that must not be NULL.
    NoTime,
}

/// What a MySQL `TIMESTAMP` can hold: from the first second of 1970 (exclusive) to this one.
const LAST_TIMESTAMP: i64 = i32::MAX as i64;

impl Value<'_> {
    /// For MySQL: times are clamped to what its type can hold instead of becoming no time at all.
    pub(crate) fn to_mysql(&self) -> mysql_async::Value {
        match self {
            Self::Null => mysql_async::Value::NULL,
            Self::Int(number) => mysql_async::Value::Int(*number),
            Self::Text(text) => mysql_async::Value::Bytes(text.as_bytes().to_vec()),
            Self::Time(at) => {
                let held = Timestamp::from_secs(at.as_secs().clamp(1, LAST_TIMESTAMP));
                mysql_async::Value::Bytes(held.to_sql_text().into_bytes())
            }
            Self::NoTime => mysql_async::Value::Bytes(b"1971-01-01 00:00:00".to_vec()),
        }
    }
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Null => ToSqlOutput::Borrowed(ValueRef::Null),
            Self::Int(number) => ToSqlOutput::Borrowed(ValueRef::Integer(*number)),
            Self::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Self::Time(at) => ToSqlOutput::Owned(at.to_sql_text().into()),
            Self::NoTime => ToSqlOutput::Borrowed(ValueRef::Text(b"")),
        })
    }
}

/// Can be a parameter.
pub(crate) trait ToValue {
    /// As value, borrowed where it is a text.
    fn to_value(&self) -> Value<'_>;
}

impl ToValue for Value<'_> {
    fn to_value(&self) -> Value<'_> {
        match self {
            Self::Text(text) => Value::Text(Cow::Borrowed(text)),
            Self::Null => Value::Null,
            Self::Int(number) => Value::Int(*number),
            Self::Time(at) => Value::Time(*at),
            Self::NoTime => Value::NoTime,
        }
    }
}

impl ToValue for str {
    fn to_value(&self) -> Value<'_> {
        Value::Text(Cow::Borrowed(self))
    }
}

impl ToValue for String {
    fn to_value(&self) -> Value<'_> {
        Value::Text(Cow::Borrowed(self))
    }
}

macro_rules! numbers {
    ($($number:ty),*) => {$(
        impl ToValue for $number {
            fn to_value(&self) -> Value<'_> {
                Value::Int(i64::from(*self))
            }
        }
    )*};
}

numbers!(bool, u16, u32, i32, i64);

/// Numbers above the largest the backend can hold are stored as that one.
impl ToValue for u64 {
    fn to_value(&self) -> Value<'_> {
        Value::Int(i64::try_from(*self).unwrap_or(i64::MAX))
    }
}

impl<T: ToValue> ToValue for Option<T> {
    fn to_value(&self) -> Value<'_> {
        self.as_ref().map_or(Value::Null, ToValue::to_value)
    }
}

impl<T: ToValue + ?Sized> ToValue for &T {
    fn to_value(&self) -> Value<'_> {
        (**self).to_value()
    }
}

/// Parameters of a statement, in order.
pub(crate) trait Params {
    /// How many.
    fn count(&self) -> usize;
    /// One of them, from 0.
    fn value(&self, index: usize) -> Value<'_>;
}

impl Params for &[&dyn ToValue] {
    fn count(&self) -> usize {
        self.len()
    }

    fn value(&self, index: usize) -> Value<'_> {
        self[index].to_value()
    }
}

impl<const N: usize> Params for &[&dyn ToValue; N] {
    fn count(&self) -> usize {
        N
    }

    fn value(&self, index: usize) -> Value<'_> {
        self[index].to_value()
    }
}

impl Params for &[Value<'_>] {
    fn count(&self) -> usize {
        self.len()
    }

    fn value(&self, index: usize) -> Value<'_> {
        self[index].to_value()
    }
}

// One implementation for no parameters, so that `[]` needs no type.
impl Params for [&dyn ToValue; 0] {
    fn count(&self) -> usize {
        0
    }

    fn value(&self, index: usize) -> Value<'_> {
        unreachable!("there is no parameter {index}")
    }
}

macro_rules! arrays {
    ($($length:literal),*) => {$(
        impl<T: ToValue> Params for [T; $length] {
            fn count(&self) -> usize {
                $length
            }

            fn value(&self, index: usize) -> Value<'_> {
                self[index].to_value()
            }
        }
    )*};
}

arrays!(1, 2, 3, 4, 5, 6, 7, 8);

/// Parameters of different types.
macro_rules! params {
    ($($value:expr),* $(,)?) => {
        &[$(&$value as &dyn $crate::sql::ToValue),*]
    };
}
pub(crate) use params;
