//! Lists of filters over hosts, texts and clusters, compiled once.
//!
//! An entry that is no valid expression selects nothing, as in the original, and is warned about. An empty one would be
//! found in every text, which is never what was meant: it is refused, but for cluster filters, where it selects nothing.

use std::net::IpAddr;

use regex::Regex;

use crate::patterns::compile;
use crate::report::Complaint;

/// Filters over servers. An entry that is an IP address equals the host name exactly, whatever the port; any other is a
/// regular expression searched in `host:port`.
#[derive(Debug, Clone, Default)]
pub struct HostFilters(Vec<HostFilter>);

#[derive(Debug, Clone)]
enum HostFilter {
    Address(String),
    Expression(Regex),
}

impl HostFilters {
    pub(crate) fn compile(entries: &[String], notes: &mut Vec<String>) -> Result<Self, Vec<Complaint>> {
        compile_all(entries, notes, |entry| match entry.parse::<IpAddr>() {
            Ok(_) => Ok(HostFilter::Address(entry.to_owned())),
            Err(_) => compile(entry).map(HostFilter::Expression),
        })
        .map(Self)
    }

    /// Whether any filter selects the server.
    pub fn matches(&self, host: &str, port: u16) -> bool {
        let endpoint = format!("{host}:{port}");
        self.0.iter().any(|filter| match filter {
            HostFilter::Address(address) => address == host,
            HostFilter::Expression(regex) => regex.is_match(&endpoint),
        })
    }

    /// Whether there is no filter, so that nothing is selected.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Regular expressions searched in one text: a replication user, or a host name without port.
#[derive(Debug, Clone, Default)]
pub struct TextFilters(Vec<Regex>);

impl TextFilters {
    pub(crate) fn compile(entries: &[String], notes: &mut Vec<String>) -> Result<Self, Vec<Complaint>> {
        compile_all(entries, notes, compile).map(Self)
    }

    /// The expressions, in file order.
    pub fn expressions(&self) -> &[Regex] {
        &self.0
    }

    /// Whether any expression is found in the text.
    pub fn matches(&self, text: &str) -> bool {
        self.0.iter().any(|regex| regex.is_match(text))
    }

    /// Whether there is no filter, so that nothing is selected.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Filters over clusters, by name and alias.
#[derive(Debug, Clone, Default)]
pub struct ClusterFilters(Vec<ClusterFilter>);

/// One cluster filter. It selects a cluster if its text equals the name or the alias, or by its form: `alias=X` equals
/// the alias; `alias~=R` is an expression found in the alias; `*` selects all; anything else is an expression found in
/// the *name*.
#[derive(Debug, Clone)]
pub struct ClusterFilter {
    text: String,
    form: ClusterForm,
}

#[derive(Debug, Clone)]
enum ClusterForm {
    Every,
    Alias(String),
    AliasExpression(Regex),
    NameExpression(Regex),
}

impl ClusterFilters {
    pub(crate) fn compile(entries: &[String], notes: &mut Vec<String>) -> Self {
        let mut filters = Vec::new();
        for entry in entries {
            match ClusterFilter::compile(entry) {
                _ if entry.is_empty() => notes.push("an empty entry selects nothing".to_owned()),
                Ok(filter) => filters.push(filter),
                Err(complaint) => notes.push(format!("{}; it selects nothing", complaint.what)),
            }
        }
        Self(filters)
    }

    /// Whether any filter selects the cluster. Without an alias pass the cluster's name as alias.
    pub fn matches(&self, name: &str, alias: &str) -> bool {
        self.0.iter().any(|filter| filter.matches(name, alias))
    }

    /// The filters in file order, to tell which one selects what.
    pub fn iter(&self) -> impl Iterator<Item = &ClusterFilter> {
        self.0.iter()
    }

    /// Whether there is no filter, so that nothing is selected.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl ClusterFilter {
    fn compile(entry: &str) -> Result<Self, Complaint> {
        let form = if let Some(alias) = entry.strip_prefix("alias=") {
            ClusterForm::Alias(alias.to_owned())
        } else if let Some(pattern) = entry.strip_prefix("alias~=") {
            ClusterForm::AliasExpression(compile(pattern)?)
        } else if entry == "*" {
            ClusterForm::Every
        } else {
            ClusterForm::NameExpression(compile(entry)?)
        };
        Ok(Self { text: entry.to_owned(), form })
    }

    /// Whether this filter selects the cluster.
    pub fn matches(&self, name: &str, alias: &str) -> bool {
        self.text == name
            || self.text == alias
            || match &self.form {
                ClusterForm::Every => true,
                ClusterForm::Alias(wanted) => wanted == alias,
                ClusterForm::AliasExpression(regex) => regex.is_match(alias),
                ClusterForm::NameExpression(regex) => regex.is_match(name),
            }
    }

    /// The filter as written.
    pub fn text(&self) -> &str {
        &self.text
    }
}

fn compile_all<F>(
    entries: &[String],
    notes: &mut Vec<String>,
    compile_one: impl Fn(&str) -> Result<F, Complaint>,
) -> Result<Vec<F>, Vec<Complaint>> {
    let (mut filters, mut complaints) = (Vec::new(), Vec::new());
    for (index, entry) in entries.iter().enumerate() {
        if entry.is_empty() {
            let what = format!("entry {} is empty and would select everything", index + 1);
            complaints.push(Complaint::new(what, "remove the entry"));
            continue;
        }
        match compile_one(entry) {
            Ok(filter) => filters.push(filter),
            Err(complaint) => notes.push(format!("{}; it selects nothing", complaint.what)),
        }
    }
    if complaints.is_empty() { Ok(filters) } else { Err(complaints) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(entries: &[&str]) -> Vec<String> {
        entries.iter().map(|entry| (*entry).to_owned()).collect()
    }

    #[test]
    fn host_filters_compare_addresses_exactly_and_search_expressions_in_host_and_port() {
        for (filter, host, port, wanted) in [
            ("10.0.0.1", "10.0.0.1", 3306, true),
            ("10.0.0.1", "10.0.0.11", 3306, false),
            ("::1", "::1", 3306, true),
            ("10.0.0.", "10.0.0.11", 3306, true),
            ("^db[0-9]+[.]lan:3306$", "db7.lan", 3306, true),
            ("^db[0-9]+[.]lan:3306$", "db7.lan", 3307, false),
            ("b7", "db7.lan", 1, true),
            (":33", "db7.lan", 3306, true),
        ] {
            let filters = HostFilters::compile(&strings(&[filter]), &mut Vec::new()).unwrap();
            assert_eq!(filters.matches(host, port), wanted, "{filter} on {host}:{port}");
        }
        assert!(!HostFilters::default().matches("db", 1));
    }

    #[test]
    fn an_empty_entry_is_refused_and_an_invalid_one_selects_nothing() {
        let mut notes = Vec::new();
        let complaints = HostFilters::compile(&strings(&["ok", "(", "", "["]), &mut notes).unwrap_err();
        let whats: Vec<_> = complaints.iter().map(|c| c.what.as_str()).collect();
        assert_eq!(whats, ["entry 3 is empty and would select everything"]);
        assert_eq!(notes.len(), 2, "{notes:?}");
        assert!(notes[0].starts_with("\"(\" is not a valid regular expression"), "{notes:?}");
        let every = TextFilters::compile(&strings(&["*", "b"]), &mut notes).unwrap();
        assert!(every.matches("abc") && !every.matches("ac") && notes.len() == 3);
    }

    #[test]
    fn cluster_filters_follow_their_form() {
        let (name, alias) = ("db-a.lan:3306", "shop");
        for (filter, wanted) in [
            ("db-a.lan:3306", true),
            ("db-a", true),
            ("^lan", false),
            ("shop", true),
            ("sho", false),
            ("alias=shop", true),
            ("alias=sho", false),
            ("alias~=^sh", true),
            ("alias~=db", false),
            ("*", true),
            (".*", true),
        ] {
            let filters = ClusterFilters::compile(&strings(&[filter]), &mut Vec::new());
            assert_eq!(filters.matches(name, alias), wanted, "{filter}");
        }
        assert!(!ClusterFilters::default().matches(name, alias));
        let mut notes = Vec::new();
        assert!(ClusterFilters::compile(&strings(&["alias~=(", "", "["]), &mut notes).is_empty());
        assert_eq!(notes.len(), 3, "{notes:?}");
    }
}
