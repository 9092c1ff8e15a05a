//! Server software: flavor and version numbers.
//!
//! Numbers are compared as numbers (`10.6` is older than `10.11`), never as text. What a server can do is
//! decided by flavor first, because MariaDB and MySQL number their versions independently.

use std::cmp::Ordering;
use std::fmt;

/// The family of server software.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Flavor {
    /// Oracle MySQL, and everything that calls itself nothing else.
    MySql,
    /// MariaDB.
    MariaDb,
    /// Percona Server for MySQL.
    Percona,
    /// A MaxScale binlog server.
    MaxScale,
    /// No version text was read yet.
    #[default]
    Unknown,
}

impl Flavor {
    /// The name shown to users and used at the wire: `MySQL`, `MariaDB`, `Percona`, `MaxScale` or `unknown`.
    pub fn name(self) -> &'static str {
        match self {
            Self::MySql => "MySQL",
            Self::MariaDb => "MariaDB",
            Self::Percona => "Percona",
            Self::MaxScale => "MaxScale",
            Self::Unknown => "unknown",
        }
    }

    /// True for servers with the GTID sets, statements and words of Oracle MySQL.
    pub fn is_mysql_like(self) -> bool {
        match self {
            Self::MySql | Self::Percona => true,
            Self::MariaDb | Self::MaxScale | Self::Unknown => false,
        }
    }
}

impl fmt::Display for Flavor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Version of one server, as it reported it and as numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ServerVersion {
    /// `@@global.version`, for example `10.11.6-MariaDB-log`; empty when never read.
    pub text: String,
    /// Major, minor and patch number; what is missing or not a number is 0.
    pub numbers: (u32, u32, u32),
    /// Family of the software.
    pub flavor: Flavor,
}

impl ServerVersion {
    /// From `@@global.version` and `@@global.version_comment`. Never fails: unreadable parts become 0.
    ///
    /// The marks are searched as written, `MariaDB` and `maxscale` in the version, `Percona` in the comment,
    /// and in this order: MariaDB, Percona, MaxScale. No mark means Oracle MySQL.
    pub fn new(text: &str, comment: &str) -> Self {
        let flavor = if text.is_empty() {
            Flavor::Unknown
        } else if text.contains("MariaDB") {
            Flavor::MariaDb
        } else if comment.contains("Percona") {
            Flavor::Percona
        } else if text.contains("maxscale") {
            Flavor::MaxScale
        } else {
            Flavor::MySql
        };
        // Old clients forced MariaDB to announce itself as `5.5.5-10.6.12-MariaDB` in places.
        let counted = match (flavor, text.strip_prefix("5.5.5-")) {
            (Flavor::MariaDb, Some(rest)) => rest,
            _ => text,
        };
        let mut parts = counted.split('.').map(leading_number).chain(std::iter::repeat(0));
        let numbers = (parts.next().unwrap_or(0), parts.next().unwrap_or(0), parts.next().unwrap_or(0));
        Self { text: text.to_owned(), numbers, flavor }
    }

    /// The first two dot-separated parts of the version text, such as `8.0`; `0.0` when there are fewer.
    pub fn major_version(&self) -> &str {
        let mut dots = self.text.match_indices('.').map(|(at, _)| at);
        match (dots.next(), dots.next()) {
            (None, _) => "0.0",
            (Some(_), None) => &self.text,
            (Some(_), Some(second)) => &self.text[..second],
        }
    }

    /// True when the version is this one or a later one. Says nothing about flavor.
    pub fn at_least(&self, major: u32, minor: u32, patch: u32) -> bool {
        self.numbers >= (major, minor, patch)
    }

    /// Compares major and minor number only, whatever the flavors and patch levels.
    pub fn cmp_major(&self, other: &Self) -> Ordering {
        (self.numbers.0, self.numbers.1).cmp(&(other.numbers.0, other.numbers.1))
    }

    /// True when this server is of an older series than `other`, so that it may fail to read its binary log.
    pub fn is_smaller_major_than(&self, other: &Self) -> bool {
        self.cmp_major(other) == Ordering::Less
    }

    /// True for MariaDB.
    pub fn is_mariadb(&self) -> bool {
        self.flavor == Flavor::MariaDb
    }

    /// True for a server that only relays binary logs (MaxScale), whatever else its version says.
    pub fn is_binlog_server(&self) -> bool {
        self.text.contains("maxscale")
    }

    /// True for MySQL NDB Cluster, which writes `-ndb-` or, since 8.0, `-cluster` into its version.
    pub fn is_ndb(&self) -> bool {
        self.text.contains("-ndb-") || self.text.contains("-cluster")
    }

    /// MySQL or Percona of at least this version: the usual test for a MySQL feature.
    pub fn is_mysql_at_least(&self, major: u32, minor: u32, patch: u32) -> bool {
        self.flavor.is_mysql_like() && self.at_least(major, minor, patch)
    }

    /// MariaDB of at least this version: the usual test for a MariaDB feature.
    pub fn is_mariadb_at_least(&self, major: u32, minor: u32, patch: u32) -> bool {
        self.is_mariadb() && self.at_least(major, minor, patch)
    }
}

impl fmt::Display for ServerVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The number a part starts with; 0 when it starts with something else or is too large.
fn leading_number(part: &str) -> u32 {
    let end = part.bytes().position(|b| !b.is_ascii_digit()).unwrap_or(part.len());
    part[..end].parse().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn real_versions() {
        let table = [
            ("9.7.0", "(Debian)", Flavor::MySql, (9, 7, 0), "9.7"),
            ("8.0.36", "MySQL Community Server - GPL", Flavor::MySql, (8, 0, 36), "8.0"),
            ("5.7.44-log", "MySQL Community Server (GPL)", Flavor::MySql, (5, 7, 44), "5.7"),
            ("8.0.35-27", "Percona Server (GPL), Release 27", Flavor::Percona, (8, 0, 35), "8.0"),
            ("10.11.6-MariaDB-0+deb12u1-log", "Debian 12", Flavor::MariaDb, (10, 11, 6), "10.11"),
            ("5.5.5-10.6.12-MariaDB", "", Flavor::MariaDb, (10, 6, 12), "5.5"),
            ("2.1.0-maxscale", "", Flavor::MaxScale, (2, 1, 0), "2.1"),
            ("", "", Flavor::Unknown, (0, 0, 0), "0.0"),
            ("8", "", Flavor::MySql, (8, 0, 0), "0.0"),
            ("x.y", "", Flavor::MySql, (0, 0, 0), "x.y"),
        ];
        for (text, comment, flavor, numbers, major) in table {
            let version = ServerVersion::new(text, comment);
            assert_eq!((version.flavor, version.numbers), (flavor, numbers), "{text}");
            assert_eq!(version.major_version(), major, "{text}");
        }
    }

    #[test]
    fn numbers_are_compared_as_numbers() {
        let of = |text| ServerVersion::new(text, "");
        assert!(of("8.0.9").at_least(8, 0, 4) && !of("8.0.9").at_least(8, 0, 14));
        assert!(of("10.6.1-MariaDB").is_smaller_major_than(&of("10.11.1-MariaDB")));
        assert!(!of("8.0.36").is_smaller_major_than(&of("8.0.40")));
        assert!(of("8.4.0").is_mysql_at_least(8, 2, 0) && !of("10.11.6-MariaDB").is_mysql_at_least(8, 2, 0));
        assert!(
            of("10.11.6-MariaDB").is_mariadb_at_least(10, 5, 1)
                && !of("11.0.1").is_mariadb_at_least(10, 5, 1)
        );
    }

    #[test]
    fn special_servers() {
        for text in ["5.7.25-ndb-7.6.9", "8.0.34-cluster"] {
            assert!(ServerVersion::new(text, "").is_ndb(), "{text}");
        }
        assert!(ServerVersion::new("2.1.0-maxscale", "").is_binlog_server());
        assert!(!ServerVersion::new("8.0.34", "").is_ndb());
    }

    proptest! {
        #[test]
        fn any_text_is_accepted(text in ".*", comment in ".*") {
            let version = ServerVersion::new(&text, &comment);
            prop_assert_eq!(&version.text, &text);
            let _ = version.major_version();
        }
    }
}
