//! Finds the key somebody probably meant.

/// The candidate nearest to `written`, if it is near: about one slip per five letters, case not counted.
pub(crate) fn nearest<'a>(written: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    /// Longer names are no slips of the pen, and comparing them would cost time.
    const LENGTH_MAX: usize = 100;
    if written.len() > LENGTH_MAX {
        return None;
    }
    let wanted: Vec<char> = written.to_lowercase().chars().collect();
    let tolerated = (wanted.len() / 5).max(1);
    candidates
        .map(|name| (distance(&wanted, &name.to_lowercase().chars().collect::<Vec<_>>()), name))
        .filter(|(slips, _)| *slips <= tolerated)
        .min()
        .map(|(_, name)| name)
}

/// Least number of insertions, deletions and replacements that make one text the other.
fn distance(left: &[char], right: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.iter().enumerate() {
        let mut diagonal = i;
        let mut before = i + 1;
        for (cell, b) in row.iter_mut().skip(1).zip(right) {
            let best = (*cell + 1).min(before + 1).min(diagonal + usize::from(a != b));
            diagonal = *cell;
            *cell = best;
            before = best;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(left.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_recognised_and_strangers_are_not() {
        let names = || ["ReadOnly", "RaftBind", "RecoveryPeriodBlockSeconds"].into_iter();
        for (written, wanted) in [
            ("ReadOnl", Some("ReadOnly")),
            ("raft_bind", Some("RaftBind")),
            ("RecoverPeriodBlockSecond", Some("RecoveryPeriodBlockSeconds")),
            ("Colour", None),
            ("", None),
        ] {
            assert_eq!(nearest(written, names()), wanted, "{written}");
        }
        let chars = |text: &str| text.chars().collect::<Vec<_>>();
        assert_eq!(distance(&chars("kitten"), &chars("sitting")), 3);
        assert_eq!(distance(&chars(""), &chars("abc")), 3);
    }
}
