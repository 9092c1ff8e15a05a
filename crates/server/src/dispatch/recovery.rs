//! Analysis, recoveries and their acknowledgement.

use decide::analysis::{Hints, Scope, analyze};
use decide::clusters::cluster_by_alias;
use engine::OperationError;
use model::{AcknowledgeScope, AnalysisCode, Finding, InstanceKey};
use registry::wire::{AnalysisView, KeyView};
use registry::{Param, RecoveryOperation as Op};
use tracing::info;

use super::answer::{Failure, Reply};
use super::call::Call;
use super::takeover::{self, Way};
use super::{preview, records};

pub(super) async fn run(call: &Call<'_>, operation: Op) -> Result<Reply, Failure> {
    match operation {
        Op::Recover => recover(call, call.args.is_on(Param::SkipHooks)).await,
        Op::RecoverLite => recover(call, true).await,
        Op::ForceFailover => takeover::run(call, Way::ForceFailover).await,
        Op::ForceTakeover => takeover::run(call, Way::ForceTakeover).await,
        Op::GracefulTakeover => takeover::run(call, Way::Graceful { auto: false }).await,
        Op::GracefulTakeoverAuto => takeover::run(call, Way::Graceful { auto: true }).await,
        Op::PlanFailover => preview::failover(call).await,
        Op::PlanTakeover => preview::takeover(call, true).await,
        Op::Analysis => analysis(call).await,
        Op::Explain => super::explanation::instance(call).await,
        Op::ExplainCluster => super::explanation::cluster(call).await,
        Op::Changelog => records::changelog(call).await,
        Op::AckAll => {
            let comment = comment(call)?;
            acknowledge(call, AcknowledgeScope::All, "Acknowledged all recoveries", call.json(comment)).await
        }
        Op::AckCluster => ack_cluster(call).await,
        Op::AckInstance => ack_instance(call).await,
        Op::AckRecovery => ack_recovery(call).await,
        Op::AutomationFilters => Ok(automation_filters(call)),
        Op::DisableRecoveries => switch(call, true).await,
        Op::EnableRecoveries => switch(call, false).await,
        Op::CheckRecoveries => check_recoveries(call).await,
        Op::AuditRecovery => records::recoveries(call).await,
        Op::RecoverySteps => records::steps(call).await,
        Op::ActiveClusterRecovery => records::active_of_cluster(call).await,
        Op::RecentClusterRecovery => records::recent_of_cluster(call).await,
        Op::RecentInstanceRecovery => records::recent_of_instance(call).await,
        Op::AuditDetection => records::detections(call).await,
        Op::BlockedRecoveries => records::blocked(call).await,
        Op::Audit => records::audit(call).await,
    }
}

async fn recover(call: &Call<'_>, skip_hooks: bool) -> Result<Reply, Failure> {
    let key = call.figured_key().await?;
    let candidate = call.exact_destination().await?;
    if call.engine.identity().noop {
        return dry_run(call, &key, candidate);
    }
    let recovery = match call.engine.recover(&key, candidate, skip_hooks).await {
        Ok(recovery) => recovery,
        // A command that finds nothing to recover has done its work.
        Err(OperationError::NotAttempted(reasons)) if call.is_command() => {
            info!(instance = %key, reasons = reasons.join("; "), "recovery not attempted");
            return Ok(Reply::envelope("Recovery not attempted", call.json(&KeyView(&key))));
        }
        Err(OperationError::NotAttempted(reasons)) => {
            return Err(Failure::refused("Recovery not attempted").about_because(&key, &reasons));
        }
        Err(error) => return Err(Failure::from(error).about(&key)),
    };
    match recovery.successor {
        Some(successor) => {
            let details = call.json(&KeyView(&successor));
            Ok(Reply::envelope(format!("Recovery executed on {key}"), details)
                .printing([successor.to_string()]))
        }
        None => {
            if !call.is_command() {
                let failure = Failure::refused("Recovery attempted but no instance promoted");
                return Err(failure.about_because(&key, &recovery.errors));
            }
            let text = "Recovery attempted yet no replica promoted";
            let errors = recovery.errors.join("; ");
            let message = if errors.is_empty() { text.to_owned() } else { format!("{text}: {errors}") };
            Err(Failure::refused(message).about(&key))
        }
    }
}

/// What a recovery of a primary would do is shown; of other servers it is not known without doing it.
fn dry_run(call: &Call<'_>, key: &InstanceKey, candidate: Option<InstanceKey>) -> Result<Reply, Failure> {
    let leads = {
        let fleet = call.engine.fleet();
        fleet.get(key).is_some_and(|server| server.depth == 0 || server.is_co_primary)
    };
    if call.is_command() && leads {
        return preview::recovery(call, key, candidate);
    }
    Err(Failure::refused(format!(
        "noop: aborting recover operation on {key}; signalling error but nothing went wrong."
    )))
}

async fn analysis(call: &Call<'_>) -> Result<Reply, Failure> {
    let only_instance = match &call.args.instance {
        Some(_) => Some(call.figured_key().await?),
        None => None,
    };
    let given_cluster = match &call.args.cluster {
        Some(_) if call.is_command() && only_instance.is_none() => Some(call.cluster().await?),
        given => given.as_ref().map(|given| given.text().to_owned()),
    };
    let hints = Hints { include_downtimed: !call.is_command(), include_no_problem: false };
    let policy = engine::policies::analysis_policy(&call.settings);
    let mut findings = {
        let fleet = call.engine.fleet();
        let cluster = given_cluster.map(|given| cluster_by_alias(&fleet, &given).unwrap_or(given));
        let scope = cluster.as_deref().map_or(Scope::All, Scope::Cluster);
        analyze(&fleet, scope, hints, &policy, &call.filters(), call.now)
    };
    if let Some(key) = only_instance {
        findings.retain(|finding| finding.key == key);
    }
    let node = call.engine.node();
    let views: Vec<AnalysisView<'_>> = findings
        .iter()
        .map(|finding| AnalysisView { finding, node: Some(node), shows_actionable: true })
        .collect();
    let lines = findings.iter().map(analysis_line);
    Ok(Reply::envelope("Analysis", call.json(&views)).printing(lines))
}

fn analysis_line(finding: &Finding) -> String {
    let code = Some(finding.code).filter(|code| *code != AnalysisCode::NoProblem).map(AnalysisCode::as_str);
    let codes: Vec<&str> =
        code.into_iter().chain(finding.structure.iter().map(|code| code.as_str())).collect();
    format!("{} (cluster {}): {}", finding.key, finding.cluster.name, codes.join(", "))
}

fn comment<'a>(call: &'a Call<'_>) -> Result<&'a str, Failure> {
    call.args.text(Param::Comment).filter(|text| !text.trim().is_empty()).ok_or_else(|| {
        Failure::input(if call.is_command() {
            "--reason option required (comment your ack)"
        } else {
            "No acknowledge comment given"
        })
    })
}

async fn acknowledge(
    call: &Call<'_>,
    scope: AcknowledgeScope,
    message: &str,
    details: String,
) -> Result<Reply, Failure> {
    let comment = comment(call)?;
    let user = call.args.user.as_deref().filter(|user| !user.is_empty());
    let owner = user.or(call.args.text(Param::Owner)).unwrap_or(&call.engine.identity().maintenance_owner);
    let count = call.engine.acknowledge(scope, owner, comment).await?;
    Ok(Reply::envelope(message, details).printing([format!("{count} recoveries acknowledged")]))
}

async fn ack_cluster(call: &Call<'_>) -> Result<Reply, Failure> {
    comment(call)?;
    let name = call.cluster().await?;
    let alias = call.alias_of(&call.engine.fleet(), &name);
    let details = call.json(&name);
    acknowledge(call, AcknowledgeScope::Cluster { name, alias }, "Acknowledged cluster recoveries", details)
        .await
}

async fn ack_instance(call: &Call<'_>) -> Result<Reply, Failure> {
    comment(call)?;
    let key = call.figured_key().await?;
    let details = call.json(&KeyView(&key));
    acknowledge(call, AcknowledgeScope::Instance(key), "Acknowledged instance recoveries", details).await
}

async fn ack_recovery(call: &Call<'_>) -> Result<Reply, Failure> {
    comment(call)?;
    let (scope, text) = match (call.args.text(Param::Uid), call.args.text(Param::Id)) {
        (Some(uid), _) => (AcknowledgeScope::Uid(uid.to_owned()), uid),
        (None, Some(text)) => {
            let id = text.parse().map_err(|_| Failure::input(format!("Invalid recovery id: {text}")))?;
            (AcknowledgeScope::Id(id), text)
        }
        (None, None) => return Err(Failure::input("Invalid recovery id: ")),
    };
    acknowledge(call, scope, "Acknowledged recovery", call.json(text)).await
}

/// The filters as written in the configuration, by name.
fn automation_filters(call: &Call<'_>) -> Reply {
    let all = call.settings.to_json(settings::Secrets::Hidden);
    let mut shown = serde_json::Map::new();
    for key in [
        "RecoverIntermediateMasterClusterFilters",
        "RecoverMasterClusterFilters",
        "RecoveryIgnoreHostnameFilters",
    ] {
        let value = all.get(key).filter(|value| value.is_array()).cloned();
        shown.insert(key.to_owned(), value.unwrap_or_else(|| serde_json::Value::Array(Vec::new())));
    }
    Reply::envelope("Automated recovery configuration details", call.json(&shown))
}

async fn switch(call: &Call<'_>, disabled: bool) -> Result<Reply, Failure> {
    call.engine.disable_recoveries(disabled).await?;
    let (message, word, line) = if disabled {
        ("Globally disabled recoveries", "disabled", "OK: Orchestrator recoveries DISABLED globally")
    } else {
        ("Globally enabled recoveries", "enabled", "OK: Orchestrator recoveries ENABLED globally")
    };
    Ok(Reply::envelope(message, call.json(word)).printing([line.to_owned()]))
}

async fn check_recoveries(call: &Call<'_>) -> Result<Reply, Failure> {
    let is_disabled = call.engine.recoveries_disabled().await?;
    let word = if is_disabled { "disabled" } else { "enabled" };
    let line = format!("OK: Global recoveries disabled: {is_disabled}");
    Ok(Reply::envelope(format!("Global recoveries {word}"), call.json(word)).printing([line]))
}
