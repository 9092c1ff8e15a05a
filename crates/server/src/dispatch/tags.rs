//! Tags: what a server is marked with, and which servers bear marks.

use std::collections::BTreeSet;

use model::{Fleet, InstanceKey, Tag};
use registry::Param;
use registry::wire::KeysView;

use super::answer::{Failure, Reply};
use super::call::Call;

/// A wanted or unwanted tag, as a text asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct TagQuery {
    name: String,
    value: Option<String>,
    is_negated: bool,
}

impl TagQuery {
    /// Reads `name`, `name=value`, `~name`, `~name=value`; `!` stands for `~`.
    fn parse(text: &str) -> Result<Self, Failure> {
        let replaced = text.replace('!', "~");
        let trimmed = replaced.trim();
        let (is_negated, rest) = trimmed.strip_prefix('~').map_or((false, trimmed), |rest| (true, rest));
        let (name, value) = match rest.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (rest, None),
        };
        if name.is_empty() || name.contains('~') {
            return Err(Failure::input(format!("Unable to parse tag: {text}")));
        }
        Ok(Self { name: name.to_owned(), value, is_negated })
    }

    fn selects(&self, tags: &BTreeSet<Tag>) -> bool {
        let found = tags.iter().find(|tag| tag.name == self.name);
        match (self.is_negated, &self.value, found) {
            (false, None, found) => found.is_some(),
            (false, Some(value), found) => found.is_some_and(|tag| tag.value == *value),
            (true, None, found) => found.is_none(),
            (true, Some(value), found) => found.is_some_and(|tag| tag.value != *value),
        }
    }
}

pub(super) async fn tags(call: &Call<'_>) -> Result<Reply, Failure> {
    let key = call.figured_key().await?;
    let fleet = call.engine.fleet();
    let tags = fleet.tags.get(&key).into_iter().flatten();
    let texts: Vec<String> = tags.map(|tag| format!("{}={}", tag.name, tag.value)).collect();
    Ok(Reply::bare(call.json(&texts), texts))
}

pub(super) async fn tag_value(call: &Call<'_>) -> Result<Reply, Failure> {
    let query = given_tag(call)?;
    let key = call.figured_key().await?;
    let fleet = call.engine.fleet();
    let found = fleet.tags.get(&key).into_iter().flatten().find(|tag| tag.name == query.name);
    match found {
        Some(tag) => Ok(Reply::bare(call.json(&tag.value), vec![tag.value.clone()])),
        None if call.is_command() => Ok(Reply::bare("null".to_owned(), Vec::new())),
        None => Err(Failure::unknown(format!("tag {} not found for {key}", query.name))),
    }
}

fn given_tag(call: &Call<'_>) -> Result<TagQuery, Failure> {
    TagQuery::parse(call.args.text_or_empty(Param::Tag))
}

/// Gives a server a tag. What says that a tag is unwanted is dropped.
pub(super) async fn tag(call: &Call<'_>) -> Result<Reply, Failure> {
    let query = given_tag(call)?;
    let key = call.figured_key().await?;
    let tag = Tag { name: query.name, value: query.value.unwrap_or_default() };
    let message = format!("{key} tagged with {}={}", tag.name, tag.value);
    call.engine.put_tag(&key, tag).await?;
    Ok(Reply::about(message, &key))
}

pub(super) async fn untag(call: &Call<'_>) -> Result<Reply, Failure> {
    let query = given_tag(call)?;
    if query.is_negated {
        return Err(Failure::input("Untag: does not support negation"));
    }
    let key = call.figured_key().await?;
    remove(call, Some(&key), &query).await
}

pub(super) async fn untag_all(call: &Call<'_>) -> Result<Reply, Failure> {
    let query = given_tag(call)?;
    if query.is_negated {
        return Err(Failure::input("Untag: does not support negation"));
    }
    if query.value.is_none() {
        return Err(Failure::input(
            "Untag: either indicate an instance or a tag value. Will not delete on-valued tag across instances",
        ));
    }
    remove(call, None, &query).await
}

async fn remove(call: &Call<'_>, only: Option<&InstanceKey>, query: &TagQuery) -> Result<Reply, Failure> {
    let removed = call.engine.remove_tag(only, &query.name, query.value.as_deref()).await?;
    let message = format!("{} removed from {} instances", query.name, removed.len());
    let lines: Vec<String> = removed.iter().map(ToString::to_string).collect();
    Ok(Reply::envelope(message, call.json(&KeysView(&removed))).printing(lines))
}

pub(super) fn tagged(call: &Call<'_>) -> Result<Reply, Failure> {
    let text = call.args.text_or_empty(Param::Tag);
    let queries: Vec<TagQuery> = text.split(',').map(TagQuery::parse).collect::<Result<_, _>>()?;
    let keys = tagged_servers(&call.engine.fleet(), &queries);
    let mut lines: Vec<String> = keys.iter().map(ToString::to_string).collect();
    lines.sort();
    Ok(Reply::bare(call.json(&KeysView(&keys)), lines))
}

/// Servers that all queries select, by key. Servers that are known but bear no tag count for `~name`.
fn tagged_servers(fleet: &Fleet, queries: &[TagQuery]) -> Vec<InstanceKey> {
    let none = BTreeSet::new();
    let servers: BTreeSet<&InstanceKey> =
        fleet.iter().map(|instance| &instance.key).chain(fleet.tags.keys()).collect();
    servers
        .into_iter()
        .filter(|key| {
            let tags = fleet.tags.get(key).unwrap_or(&none);
            queries.iter().all(|query| query.selects(tags))
        })
        .cloned()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Instance;

    #[test]
    fn tag_texts() {
        for (text, name, value, is_negated) in [
            ("role", "role", None, false),
            (" role=a=b ", "role", Some("a=b"), false),
            ("~role", "role", None, true),
            ("!role=", "role", Some(""), true),
        ] {
            let wanted = TagQuery { name: name.to_owned(), value: value.map(str::to_owned), is_negated };
            assert_eq!(TagQuery::parse(text), Ok(wanted), "{text}");
        }
        for text in ["", "~", "=x", "~~role"] {
            let error = TagQuery::parse(text).unwrap_err();
            assert_eq!(error.message, format!("Unable to parse tag: {text}"));
        }
    }

    #[test]
    fn queries_are_intersected() {
        let mut fleet = Fleet::default();
        let key = |port| InstanceKey::new("db", port);
        let tag = |name: &str, value: &str| Tag { name: name.to_owned(), value: value.to_owned() };
        for port in 1..=4 {
            fleet.insert(Instance::unknown(key(port)));
        }
        fleet.tags.insert(key(1), [tag("role", "a"), tag("x", "")].into());
        fleet.tags.insert(key(2), [tag("role", "b")].into());
        fleet.tags.insert(key(3), [tag("x", "1")].into());
        let found = |text: &str| -> Vec<u16> {
            let queries: Vec<_> = text.split(',').map(|text| TagQuery::parse(text).unwrap()).collect();
            tagged_servers(&fleet, &queries).iter().map(InstanceKey::port).collect()
        };
        assert_eq!(found("role"), [1, 2]);
        assert_eq!(found("role=a"), [1]);
        assert_eq!(found("role,~x"), [2]);
        assert_eq!(found("~role"), [3, 4]);
        assert_eq!(found("~role=a"), [2]);
    }
}
