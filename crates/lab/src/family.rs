//! The two server families, and the words that a version of one of them speaks.

use anyhow::{Context, Result};

/// A server family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// MySQL 8.0.26 and newer; 5.6 when asked for.
    MySql,
    /// MariaDB 10.5 and newer.
    MariaDb,
}

impl Family {
    /// Both families, MySQL first.
    pub const ALL: [Family; 2] = [Family::MySql, Family::MariaDb];

    /// The name used in options and file names: `mysql` or `mariadb`.
    pub fn name(self) -> &'static str {
        match self {
            Family::MySql => "mysql",
            Family::MariaDb => "mariadb",
        }
    }
}

impl std::str::FromStr for Family {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        Family::ALL
            .into_iter()
            .find(|family| family.name() == text)
            .with_context(|| format!("unknown server family `{text}`: use `mysql` or `mariadb`"))
    }
}

impl std::fmt::Display for Family {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.name())
    }
}

/// What a server is told, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// MySQL 8.0.26 and newer.
    MySql,
    /// MySQL 5.6: `master` and `slave` in every word, one privilege for all that administrators do, empty data
    /// directories filled by a script.
    OldMySql,
    /// MariaDB 10.5 and newer.
    MariaDb,
}

impl Dialect {
    /// Of a version in digits and dots; `None`: the lab cannot handle it.
    pub(crate) fn of(family: Family, version: &str) -> Option<Self> {
        let mut parts = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
        let (major, minor) = (parts.next()?, parts.next().unwrap_or(0));
        match family {
            Family::MySql if major >= 8 => Some(Self::MySql),
            Family::MySql if (major, minor) == (5, 6) => Some(Self::OldMySql),
            Family::MySql => None,
            Family::MariaDb => ((major, minor) >= (10, 5)).then_some(Self::MariaDb),
        }
    }

    /// Whether servers of this kind are used where no version is asked for.
    pub(crate) fn is_usual(self) -> bool {
        match self {
            Self::MySql | Self::MariaDb => true,
            Self::OldMySql => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_follow_the_version() {
        assert_eq!(Dialect::of(Family::MySql, "9.7.4"), Some(Dialect::MySql));
        assert_eq!(Dialect::of(Family::MySql, "5.6.24"), Some(Dialect::OldMySql));
        assert_eq!(Dialect::of(Family::MySql, "5.7.44"), None);
        assert_eq!(Dialect::of(Family::MariaDb, "10.11.6"), Some(Dialect::MariaDb));
        assert_eq!(Dialect::of(Family::MariaDb, "10.4.30"), None);
    }
}
