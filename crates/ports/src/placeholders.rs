//! Replacing placeholders in the text of a hook.

/// Replaces every placeholder of `pairs` in `text` by its value, in one pass from left to right.
///
/// Values are inserted as they are, unquoted, as hooks written for the original expect; they are never looked into
/// again, so a server whose name contains `{failedHost}` or a shell's braces is not expanded twice. Of placeholders that
/// start at the same place the longest counts; of equal ones the first. What is no known placeholder stays.
///
/// Differs: the original replaced one placeholder after the other, so that values were expanded too.
pub(crate) fn substitute(text: &str, pairs: &[(String, String)]) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let found = pairs
            .iter()
            .filter(|(placeholder, _)| !placeholder.is_empty() && rest.starts_with(placeholder.as_str()))
            .reduce(|best, other| if other.0.len() > best.0.len() { other } else { best });
        let taken = match found {
            Some((placeholder, value)) => {
                result.push_str(value);
                placeholder.len()
            }
            None => {
                result.push(next);
                next.len_utf8()
            }
        };
        rest = &rest[taken..];
    }
    result
}

#[cfg(test)]
mod tests {
    use super::substitute;

    #[track_caller]
    fn check(text: &str, pairs: &[(&str, &str)], wanted: &str) {
        let pairs: Vec<_> =
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        assert_eq!(substitute(text, &pairs), wanted);
    }

    #[test]
    fn every_occurrence_is_replaced() {
        check("{a}{a} {b}", &[("{a}", "1"), ("{b}", "2")], "11 2");
    }

    #[test]
    fn unknown_and_unfinished_placeholders_stay() {
        check("{successorHost} {a {{a}} ${a} äö{a}", &[("{a}", "1")], "{successorHost} {a {1} $1 äö1");
    }

    #[test]
    fn values_are_not_expanded_again() {
        check("{a}-{b}", &[("{a}", "{b}"), ("{b}", "{a}")], "{b}-{a}");
        check("{a}b}", &[("{a}", "{"), ("{b}", "x")], "{b}");
    }

    #[test]
    fn the_longest_placeholder_counts() {
        check("$hostname $host", &[("$host", "h"), ("$hostname", "n")], "n h");
    }

    #[test]
    fn nothing_to_replace_leaves_the_text() {
        check("", &[("{a}", "1")], "");
        check("echo {a}", &[], "echo {a}");
        check("echo", &[("", "1")], "echo");
    }
}
