//! Runs a command of the table; those that are more than one question and one way to print are here.

use serde_json::Value;

use super::Failed;
use super::answer::{self, Answer};
use super::api::Api;
use super::options::Options;
use super::print::{Print, key, one_line, printed, text};
use super::table::{Row, Way, path_of};

/// Runs a command and returns what it prints.
pub(super) async fn run(row: &Row, options: &Options, api: &Api) -> Result<String, Failed> {
    match row.way {
        Way::Ask(path, print) => printed(print, &ask(api, &path_of(path, options), row.is_read).await?),
        Way::WhichApi => Ok(format!("{}\n", api.base())),
        Way::Raw => raw(api, &options.path).await,
        Way::BrokenReplicas(path) => filtered(row, options, api, path, is_broken).await,
        Way::RunningReplicas(path) => filtered(row, options, api, path, runs).await,
        Way::IfThreads(path, wanted) => {
            let answer = ask(api, &path_of(path, options), true).await?;
            let state = |name: &str| answer.value[name].as_i64();
            let is_so = state("ReplicationSQLThreadState") == Some(wanted)
                && state("ReplicationIOThreadState") == Some(wanted);
            if is_so { printed(Print::KeyIn("Key"), &answer) } else { Ok(String::new()) }
        }
        Way::Find => find(options, api).await,
        Way::DominantDataCenter => dominant(api).await,
        Way::Analysis => analysis(api).await,
        Way::AsyncDiscover(path) => {
            ask(api, &path_of(path, options), false).await?;
            Ok(format!(
                "{}\n",
                super::table::address(&options.instance, &options.default_port).replace('/', ":")
            ))
        }
        Way::Repoint => repoint(options, api).await,
        Way::LeaderHostname => {
            require_raft(api).await?;
            printed(Print::Field("Hostname"), &ask(api, "status", true).await?)
        }
        Way::Raft(path, print) => {
            require_raft(api).await?;
            printed(print, &ask(api, &path_of(path, options), row.is_read).await?)
        }
    }
}

async fn ask(api: &Api, path: &str, is_read: bool) -> Result<Answer, Failed> {
    let response = api.get(path, is_read).await?;
    answer::read(api, path, &response)
}

async fn require_raft(api: &Api) -> Result<(), Failed> {
    let state = ask(api, "raft-state", true).await?;
    if text(&state.value).contains("Leader") {
        Ok(())
    } else {
        Err(Failed::new("Cannot determine raft state"))
    }
}

/// The whole body, also of a failure.
async fn raw(api: &Api, path: &str) -> Result<String, Failed> {
    let response = api.get(path, true).await?;
    let Ok(body) = serde_json::from_str::<Value>(&response.body) else {
        return answer::read(api, path, &response).map(|_| String::new());
    };
    let stdout = format!("{}\n", one_line(&body));
    let failed = body.get("Code").and_then(Value::as_str).is_some_and(|code| code.contains("ERROR"));
    if failed { Err(Failed { stdout, stderr: String::new() }) } else { Ok(stdout) }
}

fn is_on(element: &Value, field: &str) -> bool {
    element[field].as_bool().unwrap_or(false)
}

fn runs(element: &Value) -> bool {
    is_on(element, "ReplicationSQLThreadRuning") && is_on(element, "ReplicationIOThreadRuning")
}

fn is_broken(element: &Value) -> bool {
    let has = |field: &str| element[field].as_str().is_some_and(|text| !text.is_empty());
    !runs(element) && (has("LastSQLError") || has("LastIOError"))
}

async fn filtered(
    row: &Row,
    options: &Options,
    api: &Api,
    path: &str,
    keep: fn(&Value) -> bool,
) -> Result<String, Failed> {
    let mut answer = ask(api, &path_of(path, options), row.is_read).await?;
    if let Some(list) = answer.value.as_array_mut() {
        list.retain(keep);
    }
    printed(Print::Keys, &answer)
}

async fn find(options: &Options, api: &Api) -> Result<String, Failed> {
    let given = if options.pattern.is_empty() { &options.instance } else { &options.pattern };
    let regex = regex::Regex::new(given)
        .map_err(|error| Failed::new(format!("{given:?} is no regular expression: {error}")))?;
    let answer = ask(api, "all-instances", true).await?;
    let keys = answer.value.as_array().into_iter().flatten().filter_map(|element| key(&element["Key"]));
    Ok(keys.filter(|key| regex.is_match(key)).map(|key| format!("{key}\n")).collect())
}

/// The data center with most primaries; of several the last by text.
async fn dominant(api: &Api) -> Result<String, Failed> {
    let answer = ask(api, "masters", true).await?;
    let mut counts: std::collections::BTreeMap<String, usize> = std::collections::BTreeMap::new();
    for primary in answer.value.as_array().into_iter().flatten() {
        let name = text(&primary["DataCenter"]);
        let word = name.split_whitespace().next().unwrap_or_default().to_owned();
        *counts.entry(word).or_default() += 1;
    }
    let best = counts.iter().max_by_key(|(name, count)| (**count, (*name).clone()));
    Ok(best.map(|(name, _)| format!("{name}\n")).unwrap_or_default())
}

async fn analysis(api: &Api) -> Result<String, Failed> {
    let answer = ask(api, "replication-analysis", true).await?;
    let mut lines = String::new();
    for entry in answer.value.as_array().into_iter().flatten() {
        let code = Some(text(&entry["Analysis"])).filter(|code| code != "NoProblem");
        let structure = entry["StructureAnalysis"].as_array().into_iter().flatten().map(text);
        let codes: Vec<String> = code.into_iter().chain(structure).collect();
        let key = key(&entry["AnalyzedInstanceKey"]).unwrap_or_default();
        let cluster = text(&entry["ClusterDetails"]["ClusterName"]);
        lines.push_str(&format!("{key} (cluster {cluster}): {}\n", codes.join(", ")));
    }
    Ok(lines)
}

/// Without a destination the source stays; servers of the original have no route for that.
async fn repoint(options: &Options, api: &Api) -> Result<String, Failed> {
    let mut options = options.clone();
    if options.destination.is_empty() {
        let known = ask(api, &path_of("instance/{I}", &options), true).await?;
        options.destination = key(&known.value["MasterKey"])
            .ok_or_else(|| Failed::new(format!("{} replicates from nobody", options.instance)))?;
    }
    printed(Print::Pair, &ask(api, &path_of("repoint/{I}/{D}", &options), false).await?)
}
