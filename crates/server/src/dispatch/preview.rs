//! Plans of failovers and planned takeovers, shown without being carried out.

use decide::failover::{Choice, Ranked};
use engine::{FailoverPreview, TakeoverPreview, TakeoverRequest};
use model::{InstanceKey, OnFailure, Plan, Step};
use registry::wire::{KeyView, to_json};
use serde_json::{Value, json};

use super::answer::{Failure, Reply};
use super::call::Call;

/// The failover of a cluster, as if its primary failed now.
pub(super) async fn failover(call: &Call<'_>) -> Result<Reply, Failure> {
    let cluster_name = call.cluster().await?;
    let designated = call.exact_destination().await?;
    Ok(failover_reply(&call.engine.preview_cluster_failover(&cluster_name, designated.as_ref()).await?))
}

/// The failover of one server.
pub(super) fn recovery(
    call: &Call<'_>,
    failed: &InstanceKey,
    candidate: Option<InstanceKey>,
) -> Result<Reply, Failure> {
    Ok(failover_reply(&call.engine.preview_failover(failed, candidate)?))
}

/// A planned takeover. With `auto` the replica is chosen when none is given, and the former primary replicates afterwards.
pub(super) async fn takeover(call: &Call<'_>, auto: bool) -> Result<Reply, Failure> {
    let cluster_name = call.cluster().await?;
    let designated = call.exact_destination().await?;
    let request = TakeoverRequest { cluster_name, designated, auto };
    let found = call.engine.preview_takeover(&request).await?;
    Ok(Reply::bare(to_json(&takeover_view(&found)), takeover_lines(&found)))
}

fn failover_reply(found: &FailoverPreview) -> Reply {
    let title = format!("If {} failed now, {} would be promoted:", found.failed, found.choice.candidate.key);
    let text = found.choice.to_string();
    let lines = std::iter::once(title)
        .chain(text.lines().map(str::to_owned))
        .chain(plan_lines(&found.plans))
        .collect();
    Reply::bare(to_json(&failover_view(found)), lines)
}

fn takeover_lines(found: &TakeoverPreview) -> Vec<String> {
    let TakeoverPreview { primary, takeover, plans } = found;
    let target = &takeover.target.key;
    let mut lines = vec![format!("{target} would take over from {primary}:")];
    let moved = takeover.early.iter().map(|sibling| (sibling, "before writes pause"));
    let moved = moved.chain(takeover.late.iter().map(|sibling| (sibling, "when it has everything")));
    lines.extend(moved.map(|(sibling, when)| format!("{} is re-pointed to it {when}", sibling.key)));
    lines.extend(takeover.left_behind.iter().map(|(key, why)| format!("{key} stays where it is: {why}")));
    lines.extend(takeover.notes.iter().map(|note| format!("note: {note}")));
    lines.extend(plan_lines(plans));
    lines
}

fn plan_lines(plans: &[Plan]) -> impl Iterator<Item = String> {
    let shown = plans.iter().filter(|plan| !plan.steps.is_empty());
    shown.flat_map(|plan| plan.to_string().lines().map(str::to_owned).collect::<Vec<_>>())
}

fn failover_view(found: &FailoverPreview) -> Value {
    let FailoverPreview { failed, choice, plans } = found;
    let Choice { candidate, catch_up, fates, lacking, possible_loss, ranking, notes, .. } = choice;
    json!({
        "Primary": KeyView(failed),
        "Promoted": KeyView(&candidate.key),
        "Ranking": ranking.lines.iter().map(ranked).collect::<Vec<_>>(),
        "CatchUpFrom": catch_up.as_ref().map(|catch_up| KeyView(&catch_up.donor.key)),
        "Replicas": fates
            .iter()
            .map(|(key, fate)| json!({ "Key": KeyView(key), "Fate": fate.to_string() }))
            .collect::<Vec<_>>(),
        "Lost": choice.lost().map(|(key, _)| KeyView(key)).collect::<Vec<_>>(),
        "Lacking": lacking
            .iter()
            .map(|lacking| {
                json!({
                    "Transactions": lacking.transactions,
                    "Count": lacking.count,
                    "On": KeyView(&lacking.on),
                })
            })
            .collect::<Vec<_>>(),
        "PossibleLoss": possible_loss.as_ref().map(ToString::to_string),
        "Notes": notes,
        "Plans": plans.iter().map(plan_view).collect::<Vec<_>>(),
    })
}

fn ranked(line: &Ranked) -> Value {
    json!({
        "Key": KeyView(&line.key),
        "PromotionRule": line.rule.to_string(),
        "Lacks": line.shortfall,
        "CatchUpFrom": line.catch_up_from.as_ref().map(KeyView),
        "Verdict": line.to_string(),
    })
}

fn takeover_view(found: &TakeoverPreview) -> Value {
    let TakeoverPreview { primary, takeover, plans } = found;
    let keys = |servers: &[std::sync::Arc<model::Instance>]| -> Vec<Value> {
        servers.iter().map(|server| json!(KeyView(&server.key))).collect()
    };
    json!({
        "Primary": KeyView(primary),
        "Promoted": KeyView(&takeover.target.key),
        "MovedBeforePause": keys(&takeover.early),
        "MovedInPause": keys(&takeover.late),
        "LeftBehind": takeover
            .left_behind
            .iter()
            .map(|(key, why)| json!({ "Key": KeyView(key), "Reason": why }))
            .collect::<Vec<_>>(),
        "Notes": takeover.notes,
        "Plans": plans.iter().map(plan_view).collect::<Vec<_>>(),
    })
}

fn plan_view(plan: &Plan) -> Value {
    json!({ "Phase": plan.name, "Steps": plan.steps.iter().map(step_view).collect::<Vec<_>>() })
}

fn step_view(step: &Step) -> Value {
    json!({
        "Step": step.id.0,
        "Key": KeyView(&step.server),
        "Action": step.action.to_string(),
        "After": step.after.iter().map(|id| id.0).collect::<Vec<_>>(),
        "Reason": step.reason,
        "DeadlineSeconds": step.deadline.as_secs_f64(),
        "OnFailure": match step.on_failure {
            OnFailure::Abort => "undo",
            OnFailure::Note => "go on",
            OnFailure::LoseServer => "lose the server",
        },
        "UndoneBy": step.compensation.as_ref().map(ToString::to_string),
    })
}
