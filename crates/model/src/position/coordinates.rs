//! A place in a binary log or relay log: file name and byte offset.
//!
//! Log files carry a running number after the last dot. Numbers are compared as numbers, because servers pad
//! them to six digits only: `bin.1000000` follows `bin.999999`.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// Digits to which servers pad the number of a log file.
const PADDED_DIGITS: usize = 6;

/// Which log of a server is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CoordinateKind {
    /// Binary log.
    #[default]
    Binary,
    /// Relay log of a replica.
    Relay,
}

/// File and offset in a log. The default, with an empty file name, means "not known".
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct BinlogCoordinates {
    /// Name of the log file without directory; empty when not known.
    pub file: String,
    /// Offset in bytes.
    pub pos: u64,
    /// Which log.
    pub kind: CoordinateKind,
}

/// Why coordinates, or their neighbours, cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CoordinateError {
    /// There is no colon between file and position.
    #[error("ParseBinlogCoordinates: Cannot parse BinlogCoordinates from {0}. Expected format is file:pos")]
    Unreadable(String),
    /// The position is not a number from 0 to 2^63-1.
    #[error("ParseBinlogCoordinates: invalid pos: {0}")]
    InvalidPosition(String),
    /// The number of the file is missing, or too small to have a file before it.
    #[error("Log file number is zero, cannot detect previous file")]
    NoPrevious,
    /// The name of the file ends in no number, or in the largest one.
    #[error("Log file {0} has no number that can be counted up, cannot detect next file")]
    NoNext(String),
}

impl BinlogCoordinates {
    /// Coordinates of these parts.
    pub fn new(file: impl Into<String>, pos: u64, kind: CoordinateKind) -> Self {
        Self { file: file.into(), pos, kind }
    }

    /// Coordinates in a binary log.
    pub fn binary(file: impl Into<String>, pos: u64) -> Self {
        Self::new(file, pos, CoordinateKind::Binary)
    }

    /// Coordinates in a relay log.
    pub fn relay(file: impl Into<String>, pos: u64) -> Self {
        Self::new(file, pos, CoordinateKind::Relay)
    }

    /// Reads `file:pos`, split at the first colon, as coordinates in a binary log.
    pub fn parse(text: &str) -> Result<Self, CoordinateError> {
        let (file, pos) = text.split_once(':').ok_or_else(|| CoordinateError::Unreadable(text.to_owned()))?;
        let pos = pos.parse::<u64>().ok().filter(|pos| i64::try_from(*pos).is_ok());
        let pos = pos.ok_or_else(|| CoordinateError::InvalidPosition(text[file.len() + 1..].to_owned()))?;
        Ok(Self::binary(file, pos))
    }

    /// True when no file is named: the coordinates are not known.
    pub fn is_empty(&self) -> bool {
        self.file.is_empty()
    }

    /// Compares the places, whichever log they are in: name without number, number, offset.
    pub fn cmp_place(&self, other: &Self) -> Ordering {
        file_rank(&self.file).cmp(&file_rank(&other.file)).then(self.pos.cmp(&other.pos))
    }

    /// True when this place comes before the other, whichever log they are in.
    pub fn is_before(&self, other: &Self) -> bool {
        self.cmp_place(other) == Ordering::Less
    }

    /// True when this place comes before the other or is the same, whichever log they are in.
    pub fn is_before_or_at(&self, other: &Self) -> bool {
        self.cmp_place(other) != Ordering::Greater
    }

    /// True when both name the same file and offset, whichever log they are in.
    pub fn same_place(&self, other: &Self) -> bool {
        self.file == other.file && self.pos == other.pos
    }

    /// File name without its number: `bin` of `bin.000012`; the whole name when it has no number.
    pub fn base_name(&self) -> &str {
        split_number(&self.file).0
    }

    /// The number of the file, and with how many digits it is written. None when the name ends in no number.
    pub fn file_number(&self) -> Option<(u64, usize)> {
        let digits = split_number(&self.file).1?;
        Some((digits.parse().ok()?, digits.len()))
    }

    /// How many files `other` is ahead of this one; negative when behind. None when a name has no number.
    pub fn file_distance(&self, other: &Self) -> Option<i64> {
        let (from, to) = (self.file_number()?.0, other.file_number()?.0);
        i64::try_from(i128::from(to) - i128::from(from)).ok()
    }

    /// Start of the following file, by counting. Errors: no number, or none above it.
    pub fn next_file(&self) -> Result<Self, CoordinateError> {
        let next = self.file_number().and_then(|(number, digits)| Some((number.checked_add(1)?, digits)));
        let (number, digits) = next.ok_or_else(|| CoordinateError::NoNext(self.file.clone()))?;
        Ok(self.renumbered(number, digits))
    }

    /// Start of the file before this one, by counting. Errors: no number, or number 0.
    pub fn previous_file(&self) -> Result<Self, CoordinateError> {
        self.previous_file_by(1)
    }

    /// Start of the file `count` files before this one, by counting. Errors: there are not so many numbers.
    pub fn previous_file_by(&self, count: u64) -> Result<Self, CoordinateError> {
        let (number, digits) =
            self.file_number().filter(|(number, _)| *number > 0).ok_or(CoordinateError::NoPrevious)?;
        let earlier = number.checked_sub(count).ok_or(CoordinateError::NoPrevious)?;
        Ok(self.renumbered(earlier, digits))
    }

    /// These coordinates in a form that no server finds: `//file:pos` as the file name.
    pub fn detached(&self) -> Self {
        Self { file: format!("//{}:{}", self.file, self.pos), ..self.clone() }
    }

    /// The coordinates hidden in a detached file name, if this is one. The mark is found anywhere in the name.
    pub fn reattached(&self) -> Option<Self> {
        self.file.match_indices('/').find_map(|(at, _)| {
            let rest = self.file[at..].strip_prefix("//")?;
            let (file, after) = rest.split_once(':')?;
            if file.is_empty() || file.contains('/') {
                return None;
            }
            let end = after.bytes().position(|b| !b.is_ascii_digit()).unwrap_or(after.len());
            Some(Self::new(file, after[..end].parse().ok()?, self.kind))
        })
    }

    /// True when the file name carries a detached position.
    pub fn is_detached(&self) -> bool {
        self.reattached().is_some()
    }

    /// The start of the file with this number, written like ours, which has `digits` digits.
    fn renumbered(&self, number: u64, digits: usize) -> Self {
        let (base, written) = split_number(&self.file);
        // A number without leading zeros that outgrew the padding has lost it: 1000000 comes after 999999.
        let is_padded = written.is_some_and(|text| text.starts_with('0'));
        let width = if is_padded { digits } else { digits.min(PADDED_DIGITS) };
        Self { file: format!("{base}.{number:0width$}"), pos: 0, kind: self.kind }
    }
}

/// Order of places first; what still differs (kind, spelling) decides last, so that equal means identical.
impl Ord for BinlogCoordinates {
    fn cmp(&self, other: &Self) -> Ordering {
        self.cmp_place(other).then(self.kind.cmp(&other.kind))
    }
}

impl PartialOrd for BinlogCoordinates {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for BinlogCoordinates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.pos)
    }
}

impl FromStr for BinlogCoordinates {
    type Err = CoordinateError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

/// A log file name as base name and digits after the last dot, if it ends so.
fn split_number(file: &str) -> (&str, Option<&str>) {
    match file.rsplit_once('.') {
        Some((base, digits)) if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => {
            (base, Some(digits))
        }
        _ => (file, None),
    }
}

/// What files are ordered by. Digits of any length are a number: fewer significant digits come first.
fn file_rank(file: &str) -> (&str, Option<(usize, &str)>, &str) {
    let (base, digits) = split_number(file);
    let number = digits.map(|digits| {
        let significant = digits.trim_start_matches('0');
        (significant.len(), significant)
    });
    (base, number, file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> BinlogCoordinates {
        text.parse().unwrap()
    }

    #[test]
    fn texts_are_read_and_refused() {
        assert_eq!(at("mysql-bin.000017:4723"), BinlogCoordinates::binary("mysql-bin.000017", 4723));
        assert_eq!(at("mysql-bin.000017:4723").to_string(), "mysql-bin.000017:4723");
        let refusal = |text: &str| BinlogCoordinates::parse(text).unwrap_err().to_string();
        assert_eq!(
            refusal("bin.1"),
            "ParseBinlogCoordinates: Cannot parse BinlogCoordinates from bin.1. Expected format is file:pos"
        );
        for (text, pos) in
            [("f:x", "x"), ("f:", ""), ("f:-1", "-1"), ("f:9223372036854775808", "9223372036854775808")]
        {
            assert_eq!(refusal(text), format!("ParseBinlogCoordinates: invalid pos: {pos}"));
        }
    }

    #[test]
    fn order_counts_file_numbers() {
        let sorted = [
            "bin.000001:5",
            "bin.000002:4",
            "bin.000002:10",
            "bin.999999:7",
            "bin.1000000:4",
            "bin.99999999999999999999999:4",
            "log:1",
        ];
        for pair in sorted.windows(2) {
            assert!(at(pair[0]).is_before(&at(pair[1])) && at(pair[0]) < at(pair[1]), "{pair:?}");
            assert!(!at(pair[1]).is_before_or_at(&at(pair[0])), "{pair:?}");
        }
        let relay = BinlogCoordinates::relay("bin.000001", 5);
        assert!(relay != at("bin.000001:5") && relay.is_before_or_at(&at("bin.000001:5")));
        assert!(!relay.is_before(&at("bin.000001:5")));
    }

    #[test]
    fn neighbouring_files() {
        let table = [
            ("bin.000010:7", "bin.000009", "bin.000011"),
            ("bin.1000000:7", "bin.999999", "bin.1000001"),
            ("bin.999999:7", "bin.999998", "bin.1000000"),
            ("a.b.100:7", "a.b.099", "a.b.101"),
            ("bin.0001000000:7", "bin.0000999999", "bin.0001000001"),
        ];
        for (text, previous, next) in table {
            assert_eq!(at(text).previous_file(), Ok(BinlogCoordinates::binary(previous, 0)), "{text}");
            assert_eq!(at(text).next_file(), Ok(BinlogCoordinates::binary(next, 0)), "{text}");
        }
        for text in ["bin.000000:1", "bin.abc:1", "bin:1"] {
            assert_eq!(at(text).previous_file(), Err(CoordinateError::NoPrevious), "{text}");
        }
        for text in ["bin.abc:1", "bin:1", "bin.18446744073709551615:1"] {
            assert!(at(text).next_file().is_err(), "{text}");
        }
        assert_eq!(at("bin.000005:1").previous_file_by(3), Ok(BinlogCoordinates::binary("bin.000002", 0)));
        assert_eq!(at("bin.000005:1").previous_file_by(6), Err(CoordinateError::NoPrevious));
        assert_eq!(at("bin.000005:1").file_distance(&at("bin.000003:9")), Some(-2));
        assert_eq!(at("bin.000005:1").file_number(), Some((5, 6)));
    }

    #[test]
    fn detached_form() {
        let here = at("bin.000005:77");
        assert_eq!(here.detached().to_string(), "//bin.000005:77:77");
        assert_eq!(here.detached().reattached(), Some(here.clone()));
        assert!(here.detached().is_detached() && !here.is_detached());
        for (file, found) in [
            ("x///bin.1:5z", Some("bin.1:5")),
            ("//a/b:5", None),
            ("//:5", None),
            ("//a:", None),
            ("/a:5", None),
        ] {
            let hidden = BinlogCoordinates::binary(file, 1).reattached().map(|c| c.to_string());
            assert_eq!(hidden.as_deref(), found, "{file}");
        }
    }

    proptest! {
        #[test]
        fn round_trip(file in "[^:]{0,20}", pos in 0..=i64::MAX as u64) {
            let here = BinlogCoordinates::binary(file, pos);
            prop_assert_eq!(at(&here.to_string()), here);
        }

        #[test]
        fn no_text_makes_it_panic(text in "(.*|[/a:.0-9]{0,24})") {
            let here = BinlogCoordinates::parse(&text).unwrap_or_else(|_| BinlogCoordinates::binary(text, 4));
            let _ = (here.next_file(), here.previous_file(), here.reattached(), here.file_distance(&here));
        }

        #[test]
        fn order_is_total(texts in proptest::collection::vec("[ab]{0,1}\\.?[01]{0,3}", 3)) {
            let [a, b, c] = [0, 1, 2].map(|i: usize| BinlogCoordinates::binary(texts[i].clone(), 4));
            prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
            prop_assert_eq!(a.cmp(&b) == Ordering::Equal, a == b);
            prop_assert!(!(a <= b && b <= c) || a <= c);
        }

        #[test]
        fn next_comes_after_and_previous_comes_back(number in 0_u64..2_000_000) {
            let here = BinlogCoordinates::binary(format!("bin.{number:06}"), 0);
            let next = here.next_file().unwrap();
            prop_assert!(here.is_before(&next));
            prop_assert_eq!(next.previous_file(), Ok(here));
        }
    }
}
