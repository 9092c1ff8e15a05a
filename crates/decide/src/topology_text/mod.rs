//! A cluster as text: a tree of servers, one a line, with their state.
//!
//! The text is read by people and by scripts, so tokens, marks and columns are fixed. Every member appears exactly once,
//! whatever the state of the cluster: trees first, then pairs of co-primaries, then rings.

mod state;
mod tree;

#[cfg(test)]
mod recorded;
#[cfg(test)]
mod tests;

use std::fmt::Write;
use std::time::Duration;

use model::{Fleet, InstanceKey, Timestamp};

pub use state::{StateTokens, state_text, state_tokens};
use tree::{Entry, tree_of};

/// Form of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TopologyStyle {
    /// `host:port [state]`, brackets aligned.
    Plain,
    /// Columns separated by `|`.
    Tabulated,
    /// As [`Self::Plain`], followed by the tags in brackets.
    Tags,
    /// `host:port`, nothing else: all that is known of the past.
    Names,
}

/// Settings that the state of a server depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TopologyTextPolicy {
    /// `InstancePollSeconds`.
    pub poll: Duration,
    /// `ReasonableMaintenanceReplicationLagSeconds`.
    pub reasonable_maintenance_lag_seconds: i64,
}

/// The tree of a cluster (exact name), lines joined by newlines, without one at the end; empty for an unknown cluster.
pub fn topology_text(
    fleet: &Fleet,
    cluster_name: &str,
    style: TopologyStyle,
    policy: &TopologyTextPolicy,
    now: Timestamp,
) -> String {
    let lines: Vec<Line> = tree_of(fleet, cluster_name)
        .iter()
        .map(|entry| Line {
            head: head(entry, policy, now),
            tokens: state_tokens(fleet, entry.instance, policy, now),
            tags: tags_text(fleet, &entry.instance.key),
        })
        .collect();
    match style {
        TopologyStyle::Plain => aligned(&lines, false),
        TopologyStyle::Tags => aligned(&lines, true),
        TopologyStyle::Tabulated => tabulated(&lines),
        TopologyStyle::Names => lines.into_iter().map(|line| line.head).collect::<Vec<_>>().join("\n"),
    }
}

/// One server before alignment.
struct Line {
    head: String,
    tokens: StateTokens,
    tags: String,
}

/// Indent, mark, key and alias.
fn head(entry: &Entry<'_>, policy: &TopologyTextPolicy, now: Timestamp) -> String {
    let instance = entry.instance;
    let mut text = String::new();
    if let Some(levels) = entry.depth.checked_sub(1) {
        let mark = if tree::is_group_secondary(instance) {
            '‡'
        } else if instance.is_replicating()
            && instance.is_last_check_valid()
            && state::is_recent(instance, policy, now)
        {
            '+'
        } else {
            '-'
        };
        let _ = write!(text, "{:indent$}{mark} ", "", indent = 2 * levels);
    }
    let _ = write!(text, "{}", instance.key);
    if !instance.alias.is_empty() {
        let _ = write!(text, " ({})", instance.alias);
    }
    text
}

fn tags_text(fleet: &Fleet, key: &InstanceKey) -> String {
    let tags = fleet.tags.get(key).into_iter().flatten();
    let shown: Vec<String> = tags
        .map(
            |tag| if tag.value.is_empty() { tag.name.clone() } else { format!("{}={}", tag.name, tag.value) },
        )
        .collect();
    shown.join(",")
}

// Differs: widths are counted in characters; the reference counts bytes, and so shifts the lines of group secondaries.
fn width(text: &str) -> usize {
    text.chars().count()
}

fn aligned(lines: &[Line], with_tags: bool) -> String {
    let column = lines.iter().map(|line| width(&line.head)).max().unwrap_or(0);
    let texts: Vec<String> = lines
        .iter()
        .map(|line| {
            let tags = if with_tags { format!(" [{}]", line.tags) } else { String::new() };
            format!("{:column$} {}{tags}", line.head, state_text(&line.tokens))
        })
        .collect();
    texts.join("\n")
}

/// Head and the six tokens, each column as wide as its widest cell; the second to the right, the others to the left.
fn tabulated(lines: &[Line]) -> String {
    let rows: Vec<[&str; 7]> = lines
        .iter()
        .map(|line| {
            let [lag, status, version, writable, binlog, extras] = &line.tokens.0;
            [line.head.as_str(), lag, status, version, writable, binlog, extras]
        })
        .collect();
    let mut widths = [0; 7];
    for row in &rows {
        for (widest, cell) in widths.iter_mut().zip(row) {
            *widest = width(cell).max(*widest);
        }
    }
    let texts: Vec<String> = rows
        .iter()
        .map(|row| {
            let cells: Vec<String> = row
                .iter()
                .zip(widths)
                .enumerate()
                .map(
                    |(column, (cell, wide))| {
                        if column == 1 { format!("{cell:>wide$}") } else { format!("{cell:wide$}") }
                    },
                )
                .collect();
            cells.join("|")
        })
        .collect();
    texts.join("\n")
}
