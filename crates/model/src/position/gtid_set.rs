//! Sets of MySQL GTIDs, kept as the server keeps them: per UUID and tag, sorted runs of numbers.
//!
//! All questions that would cost a round trip to a server (`gtid_subtract`, `gtid_subset`) are answered here, also
//! for tagged sets that an older server could not read.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use super::PositionOrder;
use super::gtid::{Gtid, GtidTag, MAX_GTID_NUMBER, ServerUuid};
use super::gtid_parse::{GtidError, parse_entry};
use super::interval::{Interval, IntervalList};

/// A set of transactions of any number of servers. Equal sets are equal values, however they were written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct GtidSet {
    /// Neither a map nor a list in here is ever empty.
    servers: BTreeMap<ServerUuid, BTreeMap<GtidTag, IntervalList>>,
}

/// A set holds more transactions than the caller wanted listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the set holds {count} transactions, more than the {limit} that may be listed")]
pub struct TooManyGtids {
    /// How many it holds.
    pub count: u64,
    /// How many were allowed.
    pub limit: u64,
}

type Runs = BTreeMap<(ServerUuid, GtidTag), Vec<Interval>>;

impl GtidSet {
    /// The empty set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads a set as the server does: any order, case and overlap, blanks and newlines anywhere between the parts,
    /// empty entries. Errors: the first entry that is not well formed.
    pub fn parse(text: &str) -> Result<Self, GtidError> {
        match Self::parse_lenient(text) {
            (set, None) => Ok(set),
            (_, Some(error)) => Err(error),
        }
    }

    /// Reads as far as the text is well formed: all entries before the first bad one, and what was wrong with it.
    pub fn parse_lenient(text: &str) -> (Self, Option<GtidError>) {
        let mut runs = Runs::new();
        for entry in text.split(',').filter(|entry| !entry.trim().is_empty()) {
            let mut found = Vec::new();
            if let Err(error) = parse_entry(entry, &mut |run| found.push(run)) {
                return (Self::from_runs(runs), Some(error));
            }
            for (uuid, tag, run) in found {
                runs.entry((uuid, tag)).or_default().push(run);
            }
        }
        (Self::from_runs(runs), None)
    }

    fn from_runs(runs: Runs) -> Self {
        let mut set = Self::new();
        for ((uuid, tag), runs) in runs {
            set.put(uuid, tag, IntervalList::from_unsorted(runs));
        }
        set
    }

    /// True when it holds no transaction.
    pub fn is_empty(&self) -> bool {
        self.servers.is_empty()
    }

    /// How many transactions it holds.
    pub fn count(&self) -> u64 {
        self.lists().fold(0, |sum: u64, (_, _, list)| sum.saturating_add(list.count()))
    }

    /// The servers it holds transactions of, in order.
    pub fn uuids(&self) -> impl Iterator<Item = ServerUuid> {
        self.servers.keys().copied()
    }

    /// Its runs of numbers, by UUID, then tag, then number.
    pub fn intervals(&self) -> impl Iterator<Item = (ServerUuid, &GtidTag, Interval)> {
        self.lists().flat_map(|(uuid, tag, list)| list.runs().iter().map(move |run| (uuid, tag, *run)))
    }

    /// Its transactions one by one, in order. May be very many: see [`GtidSet::list_at_most`].
    pub fn gtids(&self) -> impl Iterator<Item = Gtid> {
        self.intervals().flat_map(|(uuid, tag, run)| {
            (run.first..=run.last).map(move |number| Gtid { uuid, tag: tag.clone(), number })
        })
    }

    /// All its transactions, unless there are more than `limit`.
    pub fn list_at_most(&self, limit: u64) -> Result<Vec<Gtid>, TooManyGtids> {
        match self.count() {
            count if count > limit => Err(TooManyGtids { count, limit }),
            _ => Ok(self.gtids().collect()),
        }
    }

    /// True when it holds every transaction of `other`.
    pub fn contains(&self, other: &Self) -> bool {
        other
            .lists()
            .all(|(uuid, tag, wanted)| self.list(&uuid, tag).is_some_and(|list| list.contains_all(wanted)))
    }

    /// Adds one transaction. A number outside 1 to [`MAX_GTID_NUMBER`] is not one, and is not added.
    pub fn insert(&mut self, gtid: &Gtid) {
        self.insert_run(gtid.uuid, gtid.tag.clone(), Interval { first: gtid.number, last: gtid.number });
    }

    /// Adds a run of transactions; what lies outside 1 to [`MAX_GTID_NUMBER`] is left out.
    pub fn insert_run(&mut self, uuid: ServerUuid, tag: GtidTag, run: Interval) {
        let run = Interval { first: run.first.max(1), last: run.last.min(MAX_GTID_NUMBER) };
        if run.first <= run.last {
            self.servers.entry(uuid).or_default().entry(tag).or_default().insert(run);
        }
    }

    /// All transactions of both.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let mut sum = self.clone();
        for (uuid, tag, list) in other.lists() {
            let known = sum.servers.entry(uuid).or_default().entry(tag.clone()).or_default();
            *known = known.union(list);
        }
        sum
    }

    /// The transactions of this set that `other` lacks.
    #[must_use]
    pub fn subtract(&self, other: &Self) -> Self {
        let mut rest = Self::new();
        for (uuid, tag, list) in self.lists() {
            let left = other.list(&uuid, tag).map_or_else(|| list.clone(), |cut| list.subtract(cut));
            rest.put(uuid, tag.clone(), left);
        }
        rest
    }

    /// The transactions that both have.
    #[must_use]
    pub fn intersect(&self, other: &Self) -> Self {
        let mut common = Self::new();
        for (uuid, tag, list) in self.lists() {
            if let Some(theirs) = other.list(&uuid, tag) {
                common.put(uuid, tag.clone(), list.intersect(theirs));
            }
        }
        common
    }

    /// Keeps only the transactions of servers for which `keep` holds.
    pub fn retain_uuids(&mut self, mut keep: impl FnMut(&ServerUuid) -> bool) {
        self.servers.retain(|uuid, _| keep(uuid));
    }

    /// How this set stands to `other`.
    pub fn compare(&self, other: &Self) -> PositionOrder {
        PositionOrder::from_surplus(!other.contains(self), !self.contains(other))
    }

    /// The text as servers print it: like [`fmt::Display`], with a newline after each comma.
    pub fn to_server_text(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = self.write(&mut text, ",\n");
        text
    }

    fn list(&self, uuid: &ServerUuid, tag: &GtidTag) -> Option<&IntervalList> {
        self.servers.get(uuid)?.get(tag)
    }

    fn lists(&self) -> impl Iterator<Item = (ServerUuid, &GtidTag, &IntervalList)> {
        self.servers.iter().flat_map(|(uuid, tags)| tags.iter().map(move |(tag, list)| (*uuid, tag, list)))
    }

    fn put(&mut self, uuid: ServerUuid, tag: GtidTag, list: IntervalList) {
        if !list.is_empty() {
            self.servers.entry(uuid).or_default().insert(tag, list);
        }
    }

    fn write(&self, out: &mut dyn fmt::Write, separator: &str) -> fmt::Result {
        for (index, (uuid, tags)) in self.servers.iter().enumerate() {
            if index > 0 {
                out.write_str(separator)?;
            }
            write!(out, "{uuid}")?;
            for (tag, list) in tags {
                if let Some(tag) = tag.as_str() {
                    write!(out, ":{tag}")?;
                }
                for Interval { first, last } in list.runs() {
                    if first == last {
                        write!(out, ":{first}")?;
                    } else {
                        write!(out, ":{first}-{last}")?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// The normal form on one line: UUIDs sorted, untagged numbers before tagged ones, tags sorted, entries joined by `,`.
impl fmt::Display for GtidSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, ",")
    }
}

impl FromStr for GtidSet {
    type Err = GtidError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl FromIterator<Gtid> for GtidSet {
    fn from_iter<I: IntoIterator<Item = Gtid>>(gtids: I) -> Self {
        let mut runs = Runs::new();
        for gtid in gtids.into_iter().filter(|gtid| (1..=MAX_GTID_NUMBER).contains(&gtid.number)) {
            let run = Interval { first: gtid.number, last: gtid.number };
            runs.entry((gtid.uuid, gtid.tag)).or_default().push(run);
        }
        Self::from_runs(runs)
    }
}

#[cfg(test)]
#[path = "gtid_set_tests.rs"]
mod tests;
