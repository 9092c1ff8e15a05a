//! Explanations in both forms.

use decide::explain::{Explanation, Reason};
use model::{Evidence, Timestamp};
use registry::wire::{KeyView, to_json};
use serde_json::{Value, json};

use super::answer::{Failure, Reply};
use super::call::Call;

/// One server.
pub(super) async fn instance(call: &Call<'_>) -> Result<Reply, Failure> {
    let key = call.known().await?.key.clone();
    let found = call.engine.explain(&key).await?;
    Ok(Reply::bare(to_json(&view(&found)), lines(&found)))
}

/// Every server of a cluster that has replicas or a problem.
pub(super) async fn cluster(call: &Call<'_>) -> Result<Reply, Failure> {
    let name = call.cluster().await?;
    let found = call.engine.explain_cluster(&name).await?;
    let views: Vec<Value> = found.iter().map(view).collect();
    Ok(Reply::bare(to_json(&views), found.iter().flat_map(lines).collect()))
}

fn lines(found: &Explanation) -> Vec<String> {
    found.to_string().lines().map(str::to_owned).collect()
}

fn view(found: &Explanation) -> Value {
    json!({
        "Key": KeyView(&found.key),
        "ClusterName": found.cluster_name,
        "Analysis": found.code.as_str(),
        "StructureAnalysis": found.structure,
        "WillAct": found.will_act(),
        "WouldDo": found.would_do,
        "Seen": found.seen.iter().map(evidence).collect::<Vec<_>>(),
        "Cause": found.diagnosis.as_ref().map(|diagnosis| json!({
            "Name": diagnosis.cause.as_str(),
            "Text": diagnosis.cause.text(),
            "Evidence": diagnosis.evidence.iter().map(evidence).collect::<Vec<_>>(),
        })),
        "Because": found.because.iter().map(|condition| condition.text()).collect::<Vec<_>>(),
        "NearlyMatched": found.nearly.iter().map(|miss| json!({
            "Analysis": miss.code.as_str(),
            "Missing": miss.missing.text(),
        })).collect::<Vec<_>>(),
        "Reasons": found.reasons.iter().map(reason).collect::<Vec<_>>(),
    })
}

fn evidence(piece: &Evidence) -> Value {
    json!({ "Source": KeyView(&piece.source), "At": time(piece.at), "Text": piece.text })
}

fn reason(reason: &Reason) -> Value {
    json!({
        "Reason": reason.id.as_str(),
        "Key": reason.server.as_ref().map(KeyView),
        "Text": reason.to_string(),
        "Until": time(reason.until),
        "Change": reason.id.change(),
    })
}

/// `null` for a time that is not known.
fn time(at: Option<Timestamp>) -> Option<String> {
    at.map(Timestamp::to_iso_text)
}
