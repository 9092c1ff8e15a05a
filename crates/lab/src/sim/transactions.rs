//! Transactions, sets of them, and how both families of servers write such sets.
//!
//! A transaction has the identifier that servers compare (origin and sequence number) and a unique number that only the
//! simulator knows. The two differ exactly when a server that lost its tail hands out an identifier a second time.

use std::collections::BTreeMap;

/// One write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Transaction {
    /// Unique in a run.
    pub(super) number: u32,
    /// Server that committed it first.
    pub(super) origin: usize,
    /// Sequence number as in a GTID.
    pub(super) sequence: u64,
    /// When it was committed, ms.
    pub(super) at: u64,
}

/// A set of transactions.
#[derive(Clone, Debug, Default)]
pub(super) struct TransactionSet {
    runs: BTreeMap<usize, Vec<(u64, u64)>>,
    numbers: Vec<u64>,
}

impl TransactionSet {
    /// Adds a transaction; false when one with the same identifier was there.
    pub(super) fn insert(&mut self, transaction: &Transaction) -> bool {
        if self.has_identifier(transaction) {
            return false;
        }
        let runs = self.runs.entry(transaction.origin).or_default();
        let sequence = transaction.sequence;
        match runs.iter_mut().rev().find(|run| run.1 + 1 == sequence) {
            Some(run) => run.1 = sequence,
            None => {
                runs.push((sequence, sequence));
                runs.sort_unstable();
            }
        }
        let word = (transaction.number / 64) as usize;
        if self.numbers.len() <= word {
            self.numbers.resize(word + 1, 0);
        }
        self.numbers[word] |= 1 << (transaction.number % 64);
        true
    }

    /// A transaction of the same identifier is in it.
    pub(super) fn has_identifier(&self, transaction: &Transaction) -> bool {
        let Some(runs) = self.runs.get(&transaction.origin) else { return false };
        runs.iter().any(|run| run.0 <= transaction.sequence && transaction.sequence <= run.1)
    }

    /// Exactly this transaction is in it.
    pub(super) fn has_number(&self, number: u32) -> bool {
        self.numbers.get((number / 64) as usize).is_some_and(|word| word & (1 << (number % 64)) != 0)
    }

    /// Highest sequence number of an origin; 0 when there is none.
    pub(super) fn last_of(&self, origin: usize) -> u64 {
        self.runs.get(&origin).and_then(|runs| runs.last()).map_or(0, |run| run.1)
    }

    /// Numbers in `self` and not in `other`, ascending.
    pub(super) fn beyond(&self, other: &Self) -> Vec<u32> {
        let mut found = Vec::new();
        for (at, word) in self.numbers.iter().enumerate() {
            let mut rest = word & !other.numbers.get(at).copied().unwrap_or(0);
            while rest != 0 {
                found.push(u32::try_from(at).unwrap_or(u32::MAX / 64) * 64 + rest.trailing_zeros());
                rest &= rest - 1;
            }
        }
        found
    }

    /// Transactions committed by others than that server are in it, and not all of them are in the other set.
    pub(super) fn has_foreign_beyond(&self, other: &Self, own: usize) -> bool {
        let is_within = |origin: &usize, run: &(u64, u64)| {
            other.runs.get(origin).is_some_and(|runs| runs.iter().any(|it| it.0 <= run.0 && run.1 <= it.1))
        };
        let mut foreign = self.runs.iter().filter(|(origin, _)| **origin != own);
        foreign.any(|(origin, runs)| runs.iter().any(|run| !is_within(origin, run)))
    }

    /// `uuid:1-5:7,uuid:1`, as MySQL prints it.
    pub(super) fn to_mysql_text(&self) -> String {
        self.to_text_without(usize::MAX)
    }

    /// As [`Self::to_mysql_text`], without what that server committed.
    pub(super) fn to_text_without(&self, own: usize) -> String {
        let mut texts = Vec::new();
        for (origin, runs) in self.runs.iter().filter(|(origin, _)| **origin != own) {
            let mut text = server_uuid(*origin);
            for (first, last) in runs {
                text.push_str(&if first == last { format!(":{first}") } else { format!(":{first}-{last}") });
            }
            texts.push(text);
        }
        texts.join(",\n")
    }
}

/// `@@server_uuid` of a MySQL server by its number in the run.
pub(super) fn server_uuid(server: usize) -> String {
    format!("0000000{}-aaaa-11f0-8888-0000000000{:02x}", server % 10, server)
}

/// `@@server_id` of a server by its number in the run.
pub(super) fn server_id(server: usize) -> u32 {
    u32::try_from(server).unwrap_or(u32::MAX - 1) + 1
}

/// A place in the one replication domain of MariaDB: origin and sequence number; `None` before the first transaction.
pub(super) type DomainPosition = Option<(usize, u64)>;

/// `0-1-100`, as MariaDB prints it; empty before the first transaction.
pub(super) fn domain_text(position: DomainPosition) -> String {
    position.map_or(String::new(), |(origin, sequence)| format!("0-{}-{sequence}", server_id(origin)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(sequences: &[(u32, u64)]) -> TransactionSet {
        let mut set = TransactionSet::default();
        for (number, sequence) in sequences {
            set.insert(&Transaction { number: *number, origin: 1, sequence: *sequence, at: 0 });
        }
        set
    }

    #[test]
    fn a_reused_identifier_is_not_taken_twice() {
        let mut set = of(&[(0, 1), (1, 2), (3, 5)]);
        assert!(!set.insert(&Transaction { number: 9, origin: 1, sequence: 2, at: 0 }));
        assert_eq!(set.to_mysql_text(), "00000001-aaaa-11f0-8888-000000000001:1-2:5");
        assert!(set.has_number(3) && !set.has_number(9));
    }

    #[test]
    fn what_others_committed_is_told_apart() {
        let mut set = of(&[(0, 1), (1, 2)]);
        set.insert(&Transaction { number: 2, origin: 7, sequence: 1, at: 0 });
        assert_eq!(set.to_text_without(1), "00000007-aaaa-11f0-8888-000000000007:1");
        assert!(set.has_foreign_beyond(&of(&[(0, 1)]), 1) && !set.has_foreign_beyond(&set, 1));
        assert!(!of(&[(0, 1), (1, 2)]).has_foreign_beyond(&of(&[]), 1));
    }

    #[test]
    fn what_is_beyond_is_listed_in_order() {
        assert_eq!(of(&[(0, 1), (70, 2), (3, 5)]).beyond(&of(&[(0, 1)])), [3, 70]);
    }
}
