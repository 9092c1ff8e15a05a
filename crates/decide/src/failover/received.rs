//! What a replica holds: everything it received, whether applied or not, and what of that its primary never had.
//!
//! MySQL with GTID: executed and retrieved sets united. MariaDB with GTID: the higher of current and receiver position
//! in each domain. Without: the coordinates read from the primary. Servers of different kinds are compared by those coordinates
//! too, as all of them read the same binary log.

use std::cmp::Ordering;
use std::fmt;

use model::{BinlogCoordinates, GtidSet, GtidUse, Instance, MariaDbPosition};

use crate::errant::{Lineage, errant_transactions};

/// A place in the stream of transactions, of one of the three kinds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    /// MySQL GTID.
    Oracle(GtidSet),
    /// MariaDB GTID.
    MariaDb(MariaDbPosition),
    /// No GTID in use; see [`Holdings::read`].
    File,
}

impl fmt::Display for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Oracle(set) => write!(f, "{set}"),
            Self::MariaDb(position) => write!(f, "{position}"),
            Self::File => Ok(()),
        }
    }
}

/// What one replica holds.
#[derive(Clone, Debug)]
pub(crate) struct Holdings {
    /// All transactions: executed, or waiting in the relay log.
    pub(crate) all: Stream,
    /// Of those, the ones that came from the primary.
    pub(crate) clean: Stream,
    /// Of those, the ones that its primary never had; as text, empty when there are none.
    pub(crate) errant: String,
    /// Received coordinates in the primary's binary log.
    pub(crate) read: BinlogCoordinates,
    /// How much of it waits in the relay log: transactions, or bytes where only coordinates tell.
    pub(crate) pending: u64,
    /// What the receiver brought, for waiting until it is applied; empty when not told.
    pub(crate) retrieved: String,
}

/// Transactions that one server has and another lacks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Surplus {
    /// Came from the primary; empty text when none.
    pub(crate) from_primary: String,
    /// Number of those; `None` when they cannot be counted.
    pub(crate) count: Option<u64>,
    /// Committed on the server itself; empty text when none.
    pub(crate) errant: String,
}

impl Holdings {
    /// Of a replica, given what was last read of its primary.
    pub(crate) fn of(replica: &Instance, primary: Option<&Instance>) -> Self {
        let read = replica.replication.read.clone();
        let retrieved = replica.replication.retrieved_gtid.clone();
        let (all, clean, errant, pending) = match replica.gtid_use() {
            GtidUse::Oracle => oracle(replica, primary),
            GtidUse::MariaDb => mariadb(replica, primary),
            // A MySQL server knows what it has by GTID, even if its channel finds its place by coordinates.
            GtidUse::None if replica.supports_oracle_gtid && !replica.executed_gtid.trim().is_empty() => {
                oracle(replica, primary)
            }
            GtidUse::None => (Stream::File, Stream::File, String::new(), pending_bytes(replica)),
        };
        Self { all, clean, errant, read, pending, retrieved }
    }

    /// Some of it waits in the relay log.
    pub(crate) fn is_pending(&self) -> bool {
        self.pending > 0
    }

    /// What it will hold once it has everything of `other` too.
    pub(crate) fn with(&self, other: &Self) -> Self {
        let mut sum = self.clone();
        sum.all = union(&self.all, &other.all);
        sum.clean = union(&self.clean, &other.clean);
        if self.read.is_before(&other.read) {
            sum.read = other.read.clone();
        }
        sum
    }

    /// Which transactions `self` has beyond `other`.
    pub(crate) fn surplus_over(&self, other: &Self) -> Surplus {
        match (&self.all, &other.all) {
            (Stream::Oracle(mine), Stream::Oracle(theirs)) => {
                let extra = mine.subtract(theirs);
                let clean = match &self.clean {
                    Stream::Oracle(clean) => extra.intersect(clean),
                    Stream::MariaDb(_) | Stream::File => GtidSet::new(),
                };
                let errant = extra.subtract(&clean);
                Surplus {
                    count: Some(clean.count()),
                    from_primary: clean.to_string(),
                    errant: errant.to_string(),
                }
            }
            (Stream::MariaDb(mine), Stream::MariaDb(theirs)) => mariadb_surplus(mine, theirs, &self.errant),
            _ if other.read.is_before(&self.read) => {
                Surplus { from_primary: format!("up to {}", self.read), count: None, errant: String::new() }
            }
            _ => Surplus::default(),
        }
    }
}

fn union(a: &Stream, b: &Stream) -> Stream {
    match (a, b) {
        (Stream::Oracle(a), Stream::Oracle(b)) => Stream::Oracle(a.union(b)),
        (Stream::MariaDb(a), Stream::MariaDb(b)) => {
            let mut sum = a.clone();
            b.gtids().for_each(|gtid| sum.advance_to(gtid));
            Stream::MariaDb(sum)
        }
        _ => a.clone(),
    }
}

type Parts = (Stream, Stream, String, u64);

/// Bytes of the source's binary log that were received and not applied, not less than 1 when there are any. A file counts
/// as one GiB, the largest that servers make by default.
fn pending_bytes(replica: &Instance) -> u64 {
    if replica.is_applier_up_to_date() {
        return 0;
    }
    let (read, exec) = (&replica.replication.read, &replica.replication.exec);
    let files = u64::try_from(exec.file_distance(read).unwrap_or(1)).unwrap_or(0);
    files.saturating_mul(1 << 30).saturating_add(read.pos).saturating_sub(exec.pos).max(1)
}

fn oracle(replica: &Instance, primary: Option<&Instance>) -> Parts {
    let (executed, _) = GtidSet::parse_lenient(&replica.executed_gtid);
    let (retrieved, _) = GtidSet::parse_lenient(&replica.replication.retrieved_gtid);
    let all = executed.union(&retrieved);
    let errant = match primary.map(|primary| GtidSet::parse_lenient(&primary.executed_gtid).0) {
        Some(known) if !known.is_empty() => {
            let is_co_primary = primary.is_some_and(|primary| primary.primary_key == replica.key);
            let uuid = primary.map_or("", |primary| primary.server_uuid.as_str());
            let ancestry = primary.map_or("", |primary| primary.ancestry_uuid.as_str());
            errant_transactions(
                &all,
                &known,
                &Lineage::from_texts(&replica.server_uuid, uuid, ancestry, is_co_primary),
            )
        }
        // The primary's set was never read: what was found when the replica was read is the best there is.
        Some(_) | None => GtidSet::parse_lenient(&replica.gtid_errant).0.intersect(&all),
    };
    let clean = all.subtract(&errant);
    // Without auto-position only the coordinates tell what waits in the relay log for sure.
    let pending = match retrieved.subtract(&executed).count() {
        0 if replica.gtid_use() == GtidUse::None => pending_bytes(replica),
        transactions => transactions,
    };
    (Stream::Oracle(all), Stream::Oracle(clean), errant.to_string(), pending)
}

fn position(text: &str) -> MariaDbPosition {
    MariaDbPosition::parse(text).unwrap_or_default()
}

/// A domain is errant when its last transaction was not committed by the primary and the primary had not got as far.
/// A MariaDB position only tells the last transaction of a domain, so errant ones before that cannot be seen.
fn mariadb(replica: &Instance, primary: Option<&Instance>) -> Parts {
    let current = position(&replica.mariadb_gtid_position);
    let received = position(&replica.replication.retrieved_gtid);
    let known = primary.map(|primary| (position(&primary.mariadb_gtid_position), primary.server_id));
    let mut clean = received.clone();
    let mut errant = Vec::new();
    for gtid in current.gtids() {
        let is_errant = match &known {
            Some((at, primary_id)) if !at.is_empty() => {
                gtid.server == replica.server_id
                    && gtid.server != *primary_id
                    && at.in_domain(gtid.domain).is_none_or(|last| {
                        last.sequence < gtid.sequence
                            || (last.sequence == gtid.sequence && last.server != gtid.server)
                    })
            }
            Some(_) | None => false,
        };
        if is_errant {
            errant.push(gtid.to_string());
        } else {
            clean.advance_to(gtid);
        }
    }
    let all = union(&Stream::MariaDb(current.clone()), &Stream::MariaDb(received.clone()));
    (all, Stream::MariaDb(clean), errant.join(","), transactions_between(&current, &received))
}

/// Transactions from one position to another, in the domains of the latter: local domains do not count.
fn transactions_between(current: &MariaDbPosition, received: &MariaDbPosition) -> u64 {
    received
        .gtids()
        .map(|gtid| {
            gtid.sequence.saturating_sub(current.in_domain(gtid.domain).map_or(0, |last| last.sequence))
        })
        .fold(0, u64::saturating_add)
}

fn mariadb_surplus(mine: &MariaDbPosition, theirs: &MariaDbPosition, errant: &str) -> Surplus {
    let (mut from_primary, mut own, mut count) = (Vec::new(), Vec::new(), 0_u64);
    for gtid in mine.gtids() {
        let last = theirs.in_domain(gtid.domain);
        let is_extra = last.is_none_or(|last| {
            last.sequence < gtid.sequence || (last.sequence == gtid.sequence && last.server != gtid.server)
        });
        if !is_extra {
            continue;
        }
        let text = gtid.to_string();
        if errant.split(',').any(|one| one == text) {
            own.push(text);
        } else {
            count += gtid.sequence.saturating_sub(last.map_or(0, |last| last.sequence)).max(1);
            from_primary.push(text);
        }
    }
    Surplus { from_primary: from_primary.join(","), count: Some(count), errant: own.join(",") }
}

/// Everything that the reachable replicas received, to measure each of them by.
pub(crate) enum Yardstick {
    /// All use the same kind of GTID.
    Gtid(Stream),
    /// The distinct places in the primary's binary log, in order.
    Places(Vec<BinlogCoordinates>),
}

impl Yardstick {
    /// Of these servers, whatever their order.
    pub(crate) fn of(servers: &[&Holdings]) -> Self {
        let is_oracle = servers.iter().all(|held| matches!(held.clean, Stream::Oracle(_)));
        let is_mariadb = servers.iter().all(|held| matches!(held.clean, Stream::MariaDb(_)));
        match servers.split_first() {
            Some((first, others)) if is_oracle || is_mariadb => {
                Self::Gtid(others.iter().fold(first.clean.clone(), |sum, held| union(&sum, &held.clean)))
            }
            Some(_) | None => {
                let mut places: Vec<BinlogCoordinates> =
                    servers.iter().map(|held| held.read.clone()).filter(|read| !read.is_empty()).collect();
                places.sort_by(BinlogCoordinates::cmp_place);
                places.dedup_by(|a, b| a.cmp_place(b) == Ordering::Equal);
                Self::Places(places)
            }
        }
    }

    /// How far a server is from having everything: a number of transactions, or of more advanced places.
    /// `u64::MAX` when nothing is known of it.
    pub(crate) fn shortfall(&self, held: &Holdings) -> u64 {
        match (self, &held.clean) {
            (Self::Gtid(Stream::Oracle(all)), Stream::Oracle(held)) => all.subtract(held).count(),
            (Self::Gtid(Stream::MariaDb(all)), Stream::MariaDb(held)) => transactions_between(held, all),
            (Self::Gtid(_), _) => u64::MAX,
            (Self::Places(_), _) if held.read.is_empty() => u64::MAX,
            (Self::Places(places), _) => places
                .iter()
                .filter(|place| held.read.is_before(place))
                .count()
                .try_into()
                .unwrap_or(u64::MAX),
        }
    }
}
