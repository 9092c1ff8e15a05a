//! Where a server stands in a stream of transactions: file coordinates, MySQL GTID sets, MariaDB positions.
//!
//! [`Position`] unites the three, and [`Position::compare`] says which of two servers has more. Positions of
//! different kinds, or of different binary logs, are never guessed to be comparable.

mod coordinates;
mod gtid;
mod gtid_parse;
mod gtid_set;
mod interval;
mod mariadb;

pub use coordinates::{BinlogCoordinates, CoordinateError, CoordinateKind};
pub use gtid::{Gtid, GtidTag, MAX_GTID_NUMBER, ServerUuid};
pub use gtid_parse::GtidError;
pub use gtid_set::{GtidSet, TooManyGtids};
pub use interval::Interval;
pub use mariadb::{
    DomainDifference, MariaDbBinlogState, MariaDbError, MariaDbGap, MariaDbGtid, MariaDbOrder,
    MariaDbPosition,
};

use std::cmp::Ordering;
use std::fmt;

/// What a server has received or executed, in the terms its replication uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Position {
    /// A set of MySQL GTIDs.
    MySql(GtidSet),
    /// The last MariaDB GTID of each domain.
    MariaDb(MariaDbPosition),
    /// File and offset in the binary log of the primary. Only comparable between replicas of the same primary.
    File(BinlogCoordinates),
}

/// How one position stands to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PositionOrder {
    /// Both have the same transactions.
    Equal,
    /// The first has all of the second, and more.
    Ahead,
    /// The second has all of the first, and more.
    Behind,
    /// Each has transactions that the other lacks.
    Diverged,
    /// The two cannot be compared: different kinds, different logs, or nothing known about one.
    Unknown,
}

impl Position {
    /// How `self` stands to `other`.
    pub fn compare(&self, other: &Self) -> PositionOrder {
        match (self, other) {
            (Self::MySql(a), Self::MySql(b)) => a.compare(b),
            (Self::MariaDb(a), Self::MariaDb(b)) => a.compare(b).as_position_order(),
            (Self::File(a), Self::File(b)) => compare_files(a, b),
            (Self::MySql(_) | Self::MariaDb(_) | Self::File(_), _) => PositionOrder::Unknown,
        }
    }
}

impl PositionOrder {
    /// From what each side has beyond the other: the order of two sets.
    pub(crate) fn from_surplus(first_has_more: bool, second_has_more: bool) -> Self {
        match (first_has_more, second_has_more) {
            (false, false) => Self::Equal,
            (true, false) => Self::Ahead,
            (false, true) => Self::Behind,
            (true, true) => Self::Diverged,
        }
    }

    /// The same relation seen from the other side.
    pub fn reverse(self) -> Self {
        match self {
            Self::Ahead => Self::Behind,
            Self::Behind => Self::Ahead,
            Self::Equal | Self::Diverged | Self::Unknown => self,
        }
    }

    /// True when the first provably lacks nothing that the second has.
    pub fn is_at_or_after(self) -> bool {
        match self {
            Self::Equal | Self::Ahead => true,
            Self::Behind | Self::Diverged | Self::Unknown => false,
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MySql(set) => set.fmt(f),
            Self::MariaDb(position) => position.fmt(f),
            Self::File(coordinates) => coordinates.fmt(f),
        }
    }
}

fn compare_files(a: &BinlogCoordinates, b: &BinlogCoordinates) -> PositionOrder {
    if a.is_empty() || b.is_empty() || a.kind != b.kind || a.base_name() != b.base_name() {
        return PositionOrder::Unknown;
    }
    match a.cmp_place(b) {
        Ordering::Equal => PositionOrder::Equal,
        Ordering::Greater => PositionOrder::Ahead,
        Ordering::Less => PositionOrder::Behind,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const U: &str = "3e11fa47-71ca-11e1-9e33-c80aa9429562";

    fn mysql(intervals: &str) -> Position {
        Position::MySql(format!("{U}:{intervals}").parse().unwrap())
    }

    fn mariadb(text: &str) -> Position {
        Position::MariaDb(text.parse().unwrap())
    }

    fn file(text: &str) -> Position {
        Position::File(text.parse().unwrap())
    }

    #[test]
    fn each_kind_is_ordered() {
        use PositionOrder::{Ahead, Behind, Diverged, Equal, Unknown};
        let table = [
            (mysql("1-5"), mysql("1-5"), Equal),
            (mysql("1-6"), mysql("1-5"), Ahead),
            (mysql("1-4:6"), mysql("1-5"), Diverged),
            (mariadb("0-1-100,1-2-5"), mariadb("0-1-100,1-2-5"), Equal),
            (mariadb("0-1-100"), mariadb("0-1-101"), Behind),
            (mariadb("0-1-100,1-2-5"), mariadb("0-1-101,1-2-4"), Diverged),
            (file("bin.000002:4"), file("bin.000001:900"), Ahead),
            (file("bin.999999:4"), file("bin.1000000:4"), Behind),
            (file("bin.000002:4"), file("bin.000002:4"), Equal),
            (file("one.000002:4"), file("two.000001:4"), Unknown),
            (file("bin.000002:4"), Position::File(BinlogCoordinates::default()), Unknown),
            (mysql("1"), mariadb("0-1-1"), Unknown),
            (mysql("1"), file("bin.000001:4"), Unknown),
        ];
        for (a, b, order) in table {
            assert_eq!(a.compare(&b), order, "{a} and {b}");
            assert_eq!(b.compare(&a), order.reverse(), "{b} and {a}");
        }
    }

    #[test]
    fn relay_and_binary_coordinates_are_not_comparable() {
        let relay = BinlogCoordinates::new("bin.000001", 4, CoordinateKind::Relay);
        assert_eq!(file("bin.000001:4").compare(&Position::File(relay)), PositionOrder::Unknown);
    }

    #[test]
    fn only_proof_counts_as_at_or_after() {
        assert!(mysql("1-5").compare(&mysql("1-3")).is_at_or_after());
        assert!(!mysql("1-5").compare(&mysql("1-3:9")).is_at_or_after());
        assert!(!mysql("1-5").compare(&file("bin.000001:4")).is_at_or_after());
    }
}
