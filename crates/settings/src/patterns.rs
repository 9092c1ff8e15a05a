//! Single regular expressions: compiled once at load, refused loudly when invalid.
//!
//! Searches are unanchored and Unicode-aware. There is no look-around and there are no back-references, as in the
//! syntax existing files were written for.

use regex::Regex;

use crate::report::Complaint;

/// Compiles one expression.
pub(crate) fn compile(pattern: &str) -> Result<Regex, Complaint> {
    Regex::new(pattern).map_err(|error| {
        let reason = error.to_string();
        let reason = reason.lines().next_back().unwrap_or_default().trim_start_matches("error: ").to_owned();
        Complaint::new(
            format!("{pattern:?} is not a valid regular expression ({reason})"),
            "correct the expression, or put a backslash before characters that are meant literally",
        )
    })
}

/// An expression of which the first group is the answer, like `[.]([^.]+)[.]lan$` for the data center in a host name.
#[derive(Debug, Clone)]
pub struct FirstGroup(Regex);

impl FirstGroup {
    pub(crate) fn compile(pattern: &str) -> Result<Self, Complaint> {
        let regex = compile(pattern)?;
        if regex.captures_len() < 2 {
            let what = "the expression has no group, so there is nothing it could yield";
            return Err(Complaint::new(what, "put the wanted part in parentheses"));
        }
        Ok(Self(regex))
    }

    /// What the first group matched in `host`: `None` if the expression is not found; empty if it is found without
    /// the group taking part.
    pub fn find<'h>(&self, host: &'h str) -> Option<&'h str> {
        let found = self.0.captures(host)?;
        Some(found.get(1).map_or("", |group| group.as_str()))
    }
}

/// Rules that give clusters an alias by their name, in file order; the first match wins.
///
/// Rules with an empty alias never match: an entry cannot be removed by a later file, but it can be emptied.
#[derive(Debug, Clone, Default)]
pub struct AliasRules(Vec<(Regex, String)>);

impl AliasRules {
    pub(crate) fn compile(entries: &[(String, String)]) -> Result<Self, Vec<Complaint>> {
        let (mut rules, mut complaints) = (Vec::new(), Vec::new());
        for (pattern, alias) in entries.iter().filter(|(_, alias)| !alias.is_empty()) {
            match compile(pattern) {
                Ok(regex) => rules.push((regex, alias.clone())),
                Err(complaint) => complaints.push(complaint),
            }
        }
        if complaints.is_empty() { Ok(Self(rules)) } else { Err(complaints) }
    }

    /// The alias for a cluster name; the expressions are searched in it, unanchored.
    pub fn alias_of(&self, cluster_name: &str) -> Option<&str> {
        self.0.iter().find(|(regex, _)| regex.is_match(cluster_name)).map(|(_, alias)| alias.as_str())
    }

    /// Whether there is no rule.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_group_is_the_answer_and_a_pattern_without_group_is_refused() {
        let pattern = FirstGroup::compile("[.](?:x|([^.]+))[.]lan").unwrap();
        assert_eq!(pattern.find("db1.north.lan"), Some("north"));
        assert_eq!(pattern.find("db1.x.lan"), Some(""));
        assert_eq!(pattern.find("db1.lan"), None);
        assert!(FirstGroup::compile("north").unwrap_err().what.contains("no group"));
        assert!(FirstGroup::compile("(north").unwrap_err().what.contains("\"(north\""));
    }

    #[test]
    fn the_first_alias_rule_in_file_order_wins_and_emptied_rules_are_skipped() {
        let entries = [("^db-a", ""), ("db-a", "first"), ("db", "second"), ("[", "")];
        let rules = AliasRules::compile(&entries.map(|(p, a)| (p.to_owned(), a.to_owned()))).unwrap();
        assert_eq!(rules.alias_of("db-a.lan:3306"), Some("first"));
        assert_eq!(rules.alias_of("db-b.lan:3306"), Some("second"));
        assert_eq!(rules.alias_of("web:3306"), None);
        assert!(AliasRules::compile(&[("[".to_owned(), "x".to_owned())]).is_err());
    }
}
