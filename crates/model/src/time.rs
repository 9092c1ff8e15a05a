//! Points in time as values, and their text forms.
//!
//! A [`Timestamp`] is handed to whoever needs to know the time; nobody in this crate asks a clock. All texts
//! are in UTC. The calendar is the proleptic Gregorian one, without leap seconds.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

const MICROS_PER_SECOND: i64 = 1_000_000;
const SECONDS_PER_DAY: i64 = 86_400;

/// A point in time: microseconds since 1970-01-01 00:00:00 UTC, negative before. Arithmetic saturates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp(i64);

/// A text that is not a date and time in one of the accepted forms.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a time: {0:?}; expected YYYY-MM-DD hh:mm:ss or YYYY-MM-DDThh:mm:ssZ, with up to nine decimals")]
pub struct TimestampError(pub String);

impl Timestamp {
    /// From microseconds since the epoch.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// From whole seconds since the epoch.
    pub const fn from_secs(seconds: i64) -> Self {
        Self(seconds.saturating_mul(MICROS_PER_SECOND))
    }

    /// Microseconds since the epoch.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down.
    pub const fn as_secs(self) -> i64 {
        self.0.div_euclid(MICROS_PER_SECOND)
    }

    /// Time passed from `earlier` to this; zero when `earlier` is later.
    pub fn saturating_since(self, earlier: Self) -> Duration {
        let micros = i128::from(self.0) - i128::from(earlier.0);
        Duration::from_micros(u64::try_from(micros).unwrap_or(0))
    }

    /// `YYYY-MM-DD hh:mm:ss`: the backend's form. Fractions are cut off.
    pub fn to_sql_text(self) -> String {
        self.format(' ', "", false)
    }

    /// `YYYY-MM-DDThh:mm:ssZ`. Fractions are cut off.
    pub fn to_iso_text(self) -> String {
        self.format('T', "Z", false)
    }

    /// `YYYY-MM-DDThh:mm:ss.ffffffZ`.
    pub fn to_iso_text_with_micros(self) -> String {
        self.format('T', "Z", true)
    }

    /// Reads `YYYY-MM-DD`, a blank or `T`, `hh:mm:ss`, up to nine decimals (cut to six), and nothing, `Z` or an
    /// offset `+hh:mm`. Errors: anything else, also days that do not exist, such as `0000-00-00`.
    pub fn parse(text: &str) -> Result<Self, TimestampError> {
        parse_bytes(text.as_bytes()).map(Self).ok_or_else(|| TimestampError(text.to_owned()))
    }

    fn format(self, separator: char, suffix: &str, with_micros: bool) -> String {
        let seconds = self.as_secs();
        let (year, month, day) = civil_from_days(seconds.div_euclid(SECONDS_PER_DAY));
        let of_day = seconds.rem_euclid(SECONDS_PER_DAY);
        let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
        let head = format!("{year:04}-{month:02}-{day:02}{separator}{hour:02}:{minute:02}:{second:02}");
        if with_micros {
            format!("{head}.{:06}{suffix}", self.0.rem_euclid(MICROS_PER_SECOND))
        } else {
            format!("{head}{suffix}")
        }
    }
}

/// Shows the ISO form with microseconds.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_iso_text_with_micros())
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, length: Duration) -> Self {
        Self(self.0.saturating_add(micros_of(length)))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;

    fn sub(self, length: Duration) -> Self {
        Self(self.0.saturating_sub(micros_of(length)))
    }
}

fn micros_of(length: Duration) -> i64 {
    i64::try_from(length.as_micros()).unwrap_or(i64::MAX)
}

/// Days since the epoch of a date. Years are counted from March, so that the leap day comes last.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Year, month and day of a number of days since the epoch.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

/// Microseconds since the epoch of a date-time text, or nothing when it is not one.
fn parse_bytes(bytes: &[u8]) -> Option<i64> {
    let (head, tail) = bytes.split_at_checked(19)?;
    let is_shaped = head[4] == b'-'
        && head[7] == b'-'
        && matches!(head[10], b' ' | b'T')
        && head[13] == b':'
        && head[16] == b':';
    if !is_shaped {
        return None;
    }
    let (year, month, day) = (number(&head[..4])?, number(&head[5..7])?, number(&head[8..10])?);
    let (hour, minute, second) = (number(&head[11..13])?, number(&head[14..16])?, number(&head[17..19])?);
    let days = days_from_civil(year, month, day);
    let is_date = (1..=12).contains(&month) && civil_from_days(days) == (year, month, day);
    if !is_date || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let (micros, zone) = parse_fraction(tail)?;
    let seconds = days * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second - offset_seconds(zone)?;
    Some(seconds * MICROS_PER_SECOND + micros)
}

/// Splits `.fff` off what follows the seconds; gives microseconds and the rest.
fn parse_fraction(tail: &[u8]) -> Option<(i64, &[u8])> {
    let Some((b'.', rest)) = tail.split_first() else { return Some((0, tail)) };
    let length = rest.iter().position(|b| !b.is_ascii_digit()).unwrap_or(rest.len());
    let (digits, zone) = rest.split_at(length);
    if !(1..=9).contains(&length) {
        return None;
    }
    let nanos = number(digits)? * 10_i64.pow(9 - u32::try_from(length).ok()?);
    Some((nanos / 1000, zone))
}

/// Seconds east of UTC of `""`, `Z` or `+hh:mm`.
fn offset_seconds(zone: &[u8]) -> Option<i64> {
    match zone {
        b"" | b"Z" => Some(0),
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let (hours, minutes) = (number(&[*h1, *h2])?, number(&[*m1, *m2])?);
            let east = hours * 3600 + minutes * 60;
            (hours < 24 && minutes < 60).then_some(if *sign == b'-' { -east } else { east })
        }
        _ => None,
    }
}

/// A number of at most nine digits.
fn number(digits: &[u8]) -> Option<i64> {
    digits
        .iter()
        .try_fold(0_i64, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + i64::from(byte - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_dates() {
        let table = [
            (0, "1970-01-01 00:00:00"),
            (951_782_400, "2000-02-29 00:00:00"),
            (1_709_210_096, "2024-02-29 12:34:56"),
            (4_107_542_400, "2100-03-01 00:00:00"),
            (-1, "1969-12-31 23:59:59"),
            (-62_167_219_200, "0000-01-01 00:00:00"),
            (253_402_300_799, "9999-12-31 23:59:59"),
        ];
        for (seconds, text) in table {
            assert_eq!(Timestamp::from_secs(seconds).to_sql_text(), text);
            assert_eq!(Timestamp::parse(text), Ok(Timestamp::from_secs(seconds)), "{text}");
        }
    }

    #[test]
    fn all_forms_are_read() {
        let whole = Timestamp::from_secs(1_709_210_096);
        assert_eq!(whole.to_iso_text(), "2024-02-29T12:34:56Z");
        for text in [
            "2024-02-29T12:34:56Z",
            "2024-02-29 12:34:56",
            "2024-02-29T13:34:56+01:00",
            "2024-02-29T12:04:56-00:30",
        ] {
            assert_eq!(Timestamp::parse(text), Ok(whole), "{text}");
        }
        let fine = whole + Duration::from_micros(7_500);
        assert_eq!(fine.to_string(), "2024-02-29T12:34:56.007500Z");
        for text in ["2024-02-29 12:34:56.0075", "2024-02-29T12:34:56.007500999Z"] {
            assert_eq!(Timestamp::parse(text), Ok(fine), "{text}");
        }
    }

    #[test]
    fn impossible_times_are_refused() {
        let texts = [
            "",
            "2024-02-30 00:00:00",
            "2023-02-29 00:00:00",
            "0000-00-00 00:00:00",
            "2024-13-01 00:00:00",
            "2024-01-01 24:00:00",
            "2024-01-01 00:60:00",
            "2024-01-01 00:00:60",
            "2024-01-01",
            "2024-01-01 00:00:00.",
            "2024-01-01 00:00:00.1234567890",
            "2024-01-01 00:00:00 UTC",
            "2024-01-01 00:00:00+1:00",
            "2024/01/01 00:00:00",
        ];
        for text in texts {
            assert!(Timestamp::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn arithmetic_saturates() {
        let (low, high) = (Timestamp::from_micros(i64::MIN), Timestamp::from_micros(i64::MAX));
        assert_eq!(high + Duration::MAX, high);
        assert_eq!(low - Duration::MAX, low);
        assert_eq!(low.saturating_since(high), Duration::ZERO);
        assert_eq!(high.saturating_since(low), Duration::from_micros(u64::MAX));
        assert_eq!(Timestamp::from_secs(9) - Duration::from_millis(500), Timestamp::from_micros(8_500_000));
        assert_eq!(Timestamp::from_micros(-1).as_secs(), -1);
    }

    proptest! {
        #[test]
        fn texts_round_trip(micros in -62_167_219_200_000_000_i64..253_402_300_800_000_000) {
            let at = Timestamp::from_micros(micros);
            prop_assert_eq!(Timestamp::parse(&at.to_iso_text_with_micros()), Ok(at));
            prop_assert_eq!(Timestamp::parse(&at.to_iso_text_with_micros()), Ok(at));
            prop_assert_eq!(Timestamp::parse(&at.to_sql_text()), Ok(Timestamp::from_secs(at.as_secs())));
            prop_assert_eq!(Timestamp::parse(&at.to_iso_text()), Ok(Timestamp::from_secs(at.as_secs())));
        }

        #[test]
        fn every_instant_has_a_text(micros: i64) {
            prop_assert!(!Timestamp::from_micros(micros).to_string().is_empty());
        }

        #[test]
        fn any_text_is_read_without_panic(text in "(.*|[0-9T:. Z+-]{19,32})") {
            let _ = Timestamp::parse(&text);
        }
    }
}
