//! Runs of consecutive numbers, and the algebra of lists of them.
//!
//! A [`IntervalList`] is always sorted, its runs do not touch each other and none is empty, so every operation is
//! one pass over both lists.

/// A run of consecutive transaction numbers, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Interval {
    /// First number.
    pub first: u64,
    /// Last number; not below `first`.
    pub last: u64,
}

impl Interval {
    /// How many numbers it holds.
    pub fn count(self) -> u64 {
        (self.last - self.first).saturating_add(1)
    }
}

/// Sorted, disjoint, non-adjacent runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct IntervalList(Vec<Interval>);

impl IntervalList {
    /// From runs in any order, overlapping or not.
    pub(super) fn from_unsorted(mut runs: Vec<Interval>) -> Self {
        runs.retain(|run| run.first <= run.last);
        runs.sort_unstable();
        let mut merged: Vec<Interval> = Vec::with_capacity(runs.len());
        for run in runs {
            match merged.last_mut() {
                Some(end) if run.first <= end.last.saturating_add(1) => end.last = end.last.max(run.last),
                _ => merged.push(run),
            }
        }
        Self(merged)
    }

    pub(super) fn runs(&self) -> &[Interval] {
        &self.0
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn count(&self) -> u64 {
        self.0.iter().fold(0, |sum: u64, run| sum.saturating_add(run.count()))
    }

    /// True when one of our runs holds all of `wanted`: runs that touch are merged, so one must do.
    fn covers(&self, wanted: Interval) -> bool {
        let index = self.0.partition_point(|run| run.last < wanted.last);
        self.0.get(index).is_some_and(|run| run.first <= wanted.first)
    }

    pub(super) fn contains_all(&self, other: &Self) -> bool {
        other.0.iter().all(|wanted| self.covers(*wanted))
    }

    pub(super) fn insert(&mut self, run: Interval) {
        if run.first > run.last || self.covers(run) {
            return;
        }
        // The runs from `start` to `end` overlap or touch the new one and become one with it.
        let start = self.0.partition_point(|old| old.last.saturating_add(1) < run.first);
        let end = self.0.partition_point(|old| old.first <= run.last.saturating_add(1));
        let merged = self.0[start..end]
            .iter()
            .fold(run, |sum, old| Interval { first: sum.first.min(old.first), last: sum.last.max(old.last) });
        self.0.splice(start..end, [merged]);
    }

    pub(super) fn union(&self, other: &Self) -> Self {
        Self::from_unsorted(self.0.iter().chain(&other.0).copied().collect())
    }

    pub(super) fn subtract(&self, other: &Self) -> Self {
        let mut rest = Vec::new();
        let mut cuts = other.0.iter().copied().peekable();
        for run in &self.0 {
            while cuts.next_if(|cut| cut.last < run.first).is_some() {}
            let mut first = run.first;
            let mut is_used_up = false;
            while let Some(cut) = cuts.peek().copied().filter(|cut| cut.first <= run.last) {
                if first < cut.first {
                    rest.push(Interval { first, last: cut.first - 1 });
                }
                if cut.last >= run.last {
                    is_used_up = true;
                    break;
                }
                first = cut.last + 1;
                cuts.next();
            }
            if !is_used_up {
                rest.push(Interval { first, last: run.last });
            }
        }
        Self(rest)
    }

    pub(super) fn intersect(&self, other: &Self) -> Self {
        let mut common = Vec::new();
        let (mut ours, mut theirs) = (self.0.as_slice(), other.0.as_slice());
        while let (Some((a, after_a)), Some((b, after_b))) = (ours.split_first(), theirs.split_first()) {
            let both = Interval { first: a.first.max(b.first), last: a.last.min(b.last) };
            if both.first <= both.last {
                common.push(both);
            }
            if a.last < b.last {
                ours = after_a;
            } else {
                theirs = after_b;
            }
        }
        Self(common)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn list(runs: &[(u64, u64)]) -> IntervalList {
        IntervalList::from_unsorted(
            runs.iter().map(|(first, last)| Interval { first: *first, last: *last }).collect(),
        )
    }

    fn numbers(list: &IntervalList) -> BTreeSet<u64> {
        list.0.iter().flat_map(|run| run.first..=run.last).collect()
    }

    fn is_normal(list: &IntervalList) -> bool {
        list.0.iter().all(|run| run.first <= run.last)
            && list.0.windows(2).all(|p| p[0].last + 1 < p[1].first)
    }

    #[test]
    fn touching_runs_become_one() {
        assert_eq!(list(&[(4, 6), (1, 3), (9, 9), (8, 8), (5, 5), (3, 2)]).0, list(&[(1, 6), (8, 9)]).0);
        assert_eq!(list(&[(1, u64::MAX)]).count(), u64::MAX);
        assert_eq!(list(&[(0, u64::MAX)]).count(), u64::MAX);
    }

    proptest! {
        #[test]
        fn algebra_equals_that_of_plain_sets(
            a in proptest::collection::vec((1_u64..60, 0_u64..6), 0..10),
            b in proptest::collection::vec((1_u64..60, 0_u64..6), 0..10),
            extra in (1_u64..60, 0_u64..20),
        ) {
            let [a, b] = [a, b].map(|runs| list(&runs.iter().map(|(f, n)| (*f, f + n)).collect::<Vec<_>>()));
            let (x, y) = (numbers(&a), numbers(&b));
            prop_assert_eq!(numbers(&a.union(&b)), &x | &y);
            prop_assert_eq!(numbers(&a.subtract(&b)), &x - &y);
            prop_assert_eq!(numbers(&a.intersect(&b)), &x & &y);
            prop_assert_eq!(a.contains_all(&b), x.is_superset(&y));
            prop_assert_eq!(a.count(), x.len() as u64);
            let holds = |n| a.covers(Interval { first: n, last: n });
            prop_assert!((0..70).all(|n| holds(n) == x.contains(&n)));
            let mut grown = a.clone();
            grown.insert(Interval { first: extra.0, last: extra.0 + extra.1 });
            prop_assert_eq!(numbers(&grown), &x | &(extra.0..=extra.0 + extra.1).collect());
            for result in [&a.union(&b), &a.subtract(&b), &a.intersect(&b), &grown] {
                prop_assert!(is_normal(result), "{:?}", result);
            }
        }
    }
}
