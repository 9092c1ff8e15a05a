//! A cluster as a tree of text: now, or at recorded moments.

use std::collections::BTreeMap;

use decide::topology_text::{TopologyStyle, topology_text};
use model::{Fleet, Instance, Timestamp};
use ports::{SnapshotRow, TextSearch};
use registry::Param;

use super::answer::{Failure, Reply};
use super::call::Call;

pub(super) async fn topology(call: &Call<'_>, style: TopologyStyle) -> Result<Reply, Failure> {
    let name = call.cluster().await?;
    let text = match call.args.text(Param::Pattern) {
        None => topology_text(&call.engine.fleet(), &name, style, &call.topology_policy(), call.now),
        Some(pattern) => recorded(call, &name, pattern).await?,
    };
    Ok(Reply::envelope(format!("Topology for cluster {name}"), call.json(&text)).printing_block(text))
}

/// The tree at each recorded moment whose number of seconds matches as the backend compares, oldest first. Where there are several, each has a
/// line with its moment above it.
async fn recorded(call: &Call<'_>, name: &str, pattern: &str) -> Result<String, Failure> {
    let expression = match call.engine.store().text_search() {
        TextSearch::AnyCase => pattern.to_owned(),
        TextSearch::ExactCase => like(pattern),
    };
    let regex = regex::Regex::new(&expression)
        .map_err(|error| Failure::input(format!("{pattern:?} is no regular expression: {error}")))?;
    let mut moments = BTreeMap::<Timestamp, Fleet>::new();
    for row in call.engine.store().snapshots(name).await? {
        if regex.is_match(&row.at.as_secs().to_string()) {
            moments.entry(row.at).or_default().insert(stood(name, &row));
        }
    }
    let is_only = moments.len() == 1;
    let trees = moments.iter().map(|(at, fleet)| {
        let tree = topology_text(fleet, name, TopologyStyle::Names, &call.topology_policy(), call.now);
        if is_only { tree } else { format!("{}:\n{tree}", at.as_secs()) }
    });
    Ok(trees.collect::<Vec<_>>().join("\n"))
}

/// A pattern of `like` as regular expression: `%` stands for any text, `_` for any character.
fn like(pattern: &str) -> String {
    let parts = pattern.chars().map(|c| match c {
        '%' => ".*".to_owned(),
        '_' => ".".to_owned(),
        c => regex::escape(c.encode_utf8(&mut [0; 4])),
    });
    format!("(?s)^{}$", parts.collect::<String>())
}

/// All that is known of a server in the past. Two that replicated from each other are printed side by side, as a ring.
fn stood(cluster_name: &str, row: &SnapshotRow) -> Instance {
    let mut instance = Instance::unknown(row.key.clone());
    instance.primary_key = row.primary_key.clone();
    instance.cluster_name = cluster_name.to_owned();
    instance
}
