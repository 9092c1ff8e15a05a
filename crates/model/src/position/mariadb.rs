//! MariaDB global transaction identifiers: `domain-server-sequence`.
//!
//! Within a domain the sequence only grows, so a place in the stream is the last GTID of each domain
//! ([`MariaDbPosition`]). A server's own history is told by its binary log state ([`MariaDbBinlogState`]), which
//! also remembers the last GTID of every server that ever wrote in a domain.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use super::PositionOrder;

/// One MariaDB transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MariaDbGtid {
    /// Replication domain: an independent stream.
    pub domain: u32,
    /// `server_id` of the server on which it was committed first.
    pub server: u32,
    /// Number within the domain.
    pub sequence: u64,
}

/// A place in the stream of a server: the last transaction of each domain, such as `0-1-100,1-2-5`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct MariaDbPosition {
    by_domain: BTreeMap<u32, MariaDbGtid>,
}

/// `@@gtid_binlog_state`: for each domain the last transaction of each server, the most recent one last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct MariaDbBinlogState {
    by_domain: BTreeMap<u32, Vec<MariaDbGtid>>,
}

/// Why a text is not a MariaDB position.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MariaDbError {
    /// An entry is not three numbers with hyphens between them, or a number is too large.
    #[error("not a MariaDB GTID: {0:?}; expected domain-server-sequence")]
    Unreadable(String),
    /// A position names a domain twice.
    #[error("domain {0} is named twice in a MariaDB position")]
    DuplicateDomain(u32),
}

/// How two positions differ in one domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DomainDifference {
    /// The domain.
    pub domain: u32,
    /// Last transaction of the first position, if it has any in this domain.
    pub first: Option<MariaDbGtid>,
    /// Last transaction of the second position, if it has any in this domain.
    pub second: Option<MariaDbGtid>,
}

/// How one position stands to another, with the domains that make the difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MariaDbOrder {
    /// Same place in every domain.
    Equal,
    /// The first is ahead in these domains and behind in none.
    Ahead(Vec<DomainDifference>),
    /// The first is behind in these domains and ahead in none.
    Behind(Vec<DomainDifference>),
    /// Ahead in some and behind in others, or the same number from different servers in one.
    Diverged(Vec<DomainDifference>),
}

/// A transaction from which a replica wants to go on, and which is not in a server's binary log state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MariaDbGap {
    /// The server has nothing of this domain. It accepts such a replica, as the domain may have another source.
    UnknownDomain(MariaDbGtid),
    /// The server has the domain, but nothing of the server that committed this transaction.
    UnknownServer(MariaDbGtid),
    /// The server has only earlier transactions of that server.
    Missing {
        /// What the replica has.
        wanted: MariaDbGtid,
        /// Highest number the server has of the same domain and server.
        known: u64,
    },
}

impl MariaDbPosition {
    /// Reads `domain-server-sequence` entries separated by commas; blanks around entries are skipped. Errors: an
    /// unreadable entry, or a domain named twice (which the server refuses too).
    pub fn parse(text: &str) -> Result<Self, MariaDbError> {
        let mut position = Self::default();
        for gtid in entries(text) {
            let gtid = gtid?;
            if position.by_domain.insert(gtid.domain, gtid).is_some() {
                return Err(MariaDbError::DuplicateDomain(gtid.domain));
            }
        }
        Ok(position)
    }

    /// True when it names no transaction: the start of everything.
    pub fn is_empty(&self) -> bool {
        self.by_domain.is_empty()
    }

    /// The last transaction in a domain.
    pub fn in_domain(&self, domain: u32) -> Option<MariaDbGtid> {
        self.by_domain.get(&domain).copied()
    }

    /// The last transactions, by domain.
    pub fn gtids(&self) -> impl Iterator<Item = MariaDbGtid> {
        self.by_domain.values().copied()
    }

    /// Moves on to a transaction: it becomes the last of its domain unless that is already further.
    pub fn advance_to(&mut self, gtid: MariaDbGtid) {
        let last = self.by_domain.entry(gtid.domain).or_insert(gtid);
        if last.sequence < gtid.sequence {
            *last = gtid;
        }
    }

    /// True when in every domain of `other` this position is at the same transaction or has a higher number.
    pub fn is_at_or_after(&self, other: &Self) -> bool {
        self.compare(other).as_position_order().is_at_or_after()
    }

    /// How this position stands to `other`, domain by domain. A domain that one side lacks is behind on that side.
    pub fn compare(&self, other: &Self) -> MariaDbOrder {
        let (mut ahead, mut behind, mut forked) = (Vec::new(), Vec::new(), Vec::new());
        let mut domains: Vec<u32> = self.by_domain.keys().chain(other.by_domain.keys()).copied().collect();
        domains.sort_unstable();
        domains.dedup();
        for domain in domains {
            let difference =
                DomainDifference { domain, first: self.in_domain(domain), second: other.in_domain(domain) };
            match (difference.first, difference.second) {
                (first, second) if first == second => {}
                (Some(first), Some(second)) if first.sequence == second.sequence => forked.push(difference),
                // Nothing in a domain comes before any sequence number, also before 0.
                (first, second) if first.map(|g| g.sequence) > second.map(|g| g.sequence) => {
                    ahead.push(difference)
                }
                _ => behind.push(difference),
            }
        }
        match (ahead.is_empty(), behind.is_empty(), forked.is_empty()) {
            (true, true, true) => MariaDbOrder::Equal,
            (false, true, true) => MariaDbOrder::Ahead(ahead),
            (true, false, true) => MariaDbOrder::Behind(behind),
            _ => {
                let mut all = [ahead, behind, forked].concat();
                all.sort_unstable_by_key(|difference| difference.domain);
                MariaDbOrder::Diverged(all)
            }
        }
    }
}

impl MariaDbBinlogState {
    /// Reads the comma-separated state. A server named twice in a domain counts with its highest number.
    pub fn parse(text: &str) -> Result<Self, MariaDbError> {
        let mut state = Self::default();
        for gtid in entries(text) {
            state.record(gtid?);
        }
        Ok(state)
    }

    /// True when nothing was ever written to the binary log.
    pub fn is_empty(&self) -> bool {
        self.by_domain.is_empty()
    }

    /// Adds a transaction as the most recent of its domain.
    pub fn record(&mut self, gtid: MariaDbGtid) {
        let list = self.by_domain.entry(gtid.domain).or_default();
        let earlier = list.iter().position(|old| old.server == gtid.server).map(|index| list.remove(index));
        let sequence = earlier.map_or(gtid.sequence, |old| old.sequence.max(gtid.sequence));
        list.push(MariaDbGtid { sequence, ..gtid });
    }

    /// All entries: by domain, within a domain the most recent one last.
    pub fn gtids(&self) -> impl Iterator<Item = MariaDbGtid> {
        self.by_domain.values().flatten().copied()
    }

    /// The most recent transaction of each domain: what the server shows as `@@gtid_binlog_pos`.
    pub fn position(&self) -> MariaDbPosition {
        let last = self.by_domain.iter().filter_map(|(domain, list)| Some((*domain, *list.last()?)));
        MariaDbPosition { by_domain: last.collect() }
    }

    /// Which transactions of a replica's position are not in this state, domain by domain.
    ///
    /// A server with this state refuses the replica for every gap but [`MariaDbGap::UnknownDomain`]. What it has
    /// purged since is not seen here.
    pub fn gaps(&self, replica: &MariaDbPosition) -> Vec<MariaDbGap> {
        replica.gtids().filter_map(|gtid| self.gap(gtid)).collect()
    }

    /// True when every transaction of the position is in this state.
    pub fn covers(&self, position: &MariaDbPosition) -> bool {
        position.gtids().all(|gtid| self.gap(gtid).is_none())
    }

    fn gap(&self, wanted: MariaDbGtid) -> Option<MariaDbGap> {
        let Some(list) = self.by_domain.get(&wanted.domain) else {
            return Some(MariaDbGap::UnknownDomain(wanted));
        };
        match list.iter().find(|known| known.server == wanted.server) {
            None => Some(MariaDbGap::UnknownServer(wanted)),
            Some(known) if known.sequence < wanted.sequence => {
                Some(MariaDbGap::Missing { wanted, known: known.sequence })
            }
            Some(_) => None,
        }
    }
}

impl MariaDbOrder {
    /// Without the reasons.
    pub fn as_position_order(&self) -> PositionOrder {
        match self {
            Self::Equal => PositionOrder::Equal,
            Self::Ahead(_) => PositionOrder::Ahead,
            Self::Behind(_) => PositionOrder::Behind,
            Self::Diverged(_) => PositionOrder::Diverged,
        }
    }

    /// The domains in which the two differ; none when equal.
    pub fn differences(&self) -> &[DomainDifference] {
        match self {
            Self::Equal => &[],
            Self::Ahead(domains) | Self::Behind(domains) | Self::Diverged(domains) => domains,
        }
    }
}

impl MariaDbGap {
    /// The transaction that the replica has.
    pub fn wanted(&self) -> MariaDbGtid {
        match self {
            Self::UnknownDomain(gtid) | Self::UnknownServer(gtid) => *gtid,
            Self::Missing { wanted, .. } => *wanted,
        }
    }

    /// True when a server with such a gap refuses the replica.
    pub fn is_refused(&self) -> bool {
        match self {
            Self::UnknownDomain(_) => false,
            Self::UnknownServer(_) | Self::Missing { .. } => true,
        }
    }
}

impl fmt::Display for MariaDbGtid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", self.domain, self.server, self.sequence)
    }
}

impl fmt::Display for MariaDbPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_joined(f, self.gtids())
    }
}

impl fmt::Display for MariaDbBinlogState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_joined(f, self.gtids())
    }
}

impl fmt::Display for DomainDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown =
            |gtid: Option<MariaDbGtid>| gtid.map_or_else(|| "nothing".to_owned(), |gtid| gtid.to_string());
        write!(f, "domain {}: {} against {}", self.domain, shown(self.first), shown(self.second))
    }
}

impl FromStr for MariaDbGtid {
    type Err = MariaDbError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unreadable = || MariaDbError::Unreadable(text.to_owned());
        let mut parts = text.trim().split('-');
        let mut next =
            || parts.next().filter(|part| part.bytes().all(|b| b.is_ascii_digit())).ok_or_else(unreadable);
        let (domain, server, sequence) = (next()?, next()?, next()?);
        if parts.next().is_some() {
            return Err(unreadable());
        }
        Ok(Self {
            domain: domain.parse().map_err(|_| unreadable())?,
            server: server.parse().map_err(|_| unreadable())?,
            sequence: sequence.parse().map_err(|_| unreadable())?,
        })
    }
}

impl FromStr for MariaDbPosition {
    type Err = MariaDbError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl FromStr for MariaDbBinlogState {
    type Err = MariaDbError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

fn entries(text: &str) -> impl Iterator<Item = Result<MariaDbGtid, MariaDbError>> {
    text.split(',').filter(|entry| !entry.trim().is_empty()).map(str::parse)
}

fn write_joined(f: &mut fmt::Formatter<'_>, gtids: impl Iterator<Item = MariaDbGtid>) -> fmt::Result {
    for (index, gtid) in gtids.enumerate() {
        let comma = if index > 0 { "," } else { "" };
        write!(f, "{comma}{gtid}")?;
    }
    Ok(())
}

#[cfg(test)]
#[path = "mariadb_tests.rs"]
mod tests;
