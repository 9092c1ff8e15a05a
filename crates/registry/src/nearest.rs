//! Suggestions for mistyped commands.

use crate::operation::operations;

/// Up to three commands that look like `name`, best first. Synonyms count, but the real name is returned.
pub fn nearest_commands(name: &str) -> Vec<&'static str> {
    let limit = (name.chars().count() / 3).max(2);
    let mut found: Vec<(usize, &'static str)> = operations()
        .iter()
        .filter(|operation| operation.is_command)
        .filter_map(|operation| {
            let names = std::iter::once(operation.name).chain(operation.synonyms.iter().copied());
            let best =
                names.map(|known| if known.contains(name) { 1 } else { distance(name, known) }).min()?;
            (best <= limit && !name.is_empty()).then_some((best, operation.name))
        })
        .collect();
    found.sort_unstable();
    found.into_iter().map(|(_, name)| name).take(3).collect()
}

/// Number of letters to insert, delete or replace to turn one text into the other.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, letter) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, other) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != *other);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_suggested_and_far_ones_are_not() {
        assert_eq!(nearest_commands("topolgy").first(), Some(&"topology"));
        assert_eq!(nearest_commands("disover"), ["discover"]);
        assert!(nearest_commands("downtime").contains(&"begin-downtime"));
        assert!(nearest_commands("xyzzyxyzzy").is_empty());
        assert!(nearest_commands("").is_empty());
    }
}
