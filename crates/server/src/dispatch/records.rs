//! Listings of what was detected, recovered, refused and done.

use model::{Detection, Recovery};
use ports::{AuditQuery, DetectionQuery, RecoveryQuery};
use registry::wire::{AuditView, BlockedView, ChangelogView, DetectionView, RecoveryView, StepView};
use registry::{ClusterText, Param};

use super::answer::{Failure, Reply};
use super::call::Call;

pub(super) async fn recoveries(call: &Call<'_>) -> Result<Reply, Failure> {
    let (cluster_name, cluster_alias) = match &call.args.cluster {
        Some(ClusterText::Alias(alias)) => (None, Some(alias.clone())),
        Some(ClusterText::Name(name) | ClusterText::Hint(name)) => (Some(name.clone()), None),
        None => (None, None),
    };
    let query = match (positive_id(call), call.args.text(Param::Uid)) {
        (Some(id), _) => RecoveryQuery::Id(id),
        (None, Some(uid)) => RecoveryQuery::Uid(uid.to_owned()),
        (None, None) => RecoveryQuery::Page {
            cluster_name,
            cluster_alias,
            unacknowledged: call.args.is_on(Param::Unacknowledged),
            page: call.args.page(),
        },
    };
    list_recoveries(call, query).await
}

/// A number that is no positive one is not an id; clients then get the first page.
fn positive_id(call: &Call<'_>) -> Option<i64> {
    call.args.text(Param::Id).and_then(|text| text.parse().ok()).filter(|id| *id > 0)
}

async fn list_recoveries(call: &Call<'_>, query: RecoveryQuery) -> Result<Reply, Failure> {
    let found = call.engine.store().recoveries(query, call.now).await?;
    let views: Vec<RecoveryView<'_>> = found.iter().map(|recovery| recovery_view(call, recovery)).collect();
    Ok(Reply::bare(call.json(&views), found.iter().map(recovery_line).collect()))
}

fn recovery_view<'a>(call: &Call<'_>, recovery: &'a Recovery) -> RecoveryView<'a> {
    let cluster = call.recorded_cluster(&recovery.case.cluster_name, &recovery.case.cluster_alias);
    RecoveryView::stored(recovery, cluster)
}

fn recovery_line(recovery: &Recovery) -> String {
    let successor = recovery.successor.as_ref().map(ToString::to_string).unwrap_or_default();
    let Recovery { id, case, start, .. } = recovery;
    format!("{id}\t{}\t{}\t{}\t{successor}", start.to_iso_text(), case.key, case.code)
}

fn literal_cluster(call: &Call<'_>) -> Result<String, Failure> {
    let cluster = call.args.cluster.as_ref().map(|cluster| cluster.text().to_owned());
    cluster.ok_or_else(|| Failure::input("Unable to determine cluster name by empty hint"))
}

pub(super) async fn active_of_cluster(call: &Call<'_>) -> Result<Reply, Failure> {
    list_recoveries(call, RecoveryQuery::ActiveOfCluster(literal_cluster(call)?)).await
}

pub(super) async fn recent_of_cluster(call: &Call<'_>) -> Result<Reply, Failure> {
    list_recoveries(call, RecoveryQuery::RecentOfCluster(literal_cluster(call)?)).await
}

pub(super) async fn recent_of_instance(call: &Call<'_>) -> Result<Reply, Failure> {
    let key = call.figured_key().await?;
    list_recoveries(call, RecoveryQuery::RecentWithSuccessor(key)).await
}

pub(super) async fn detections(call: &Call<'_>) -> Result<Reply, Failure> {
    let query = match positive_id(call) {
        Some(id) => DetectionQuery::Id(id),
        None => DetectionQuery::Page {
            cluster_alias: call.args.cluster.as_ref().map(|cluster| cluster.text().to_owned()),
            page: call.args.page(),
        },
    };
    let found = call.engine.store().detections(query).await?;
    let views: Vec<DetectionView<'_>> = found
        .iter()
        .map(|detection| {
            let cluster = call.recorded_cluster(&detection.case.cluster_name, &detection.case.cluster_alias);
            DetectionView::new(detection, cluster)
        })
        .collect();
    Ok(Reply::bare(call.json(&views), found.iter().map(detection_line).collect()))
}

fn detection_line(detection: &Detection) -> String {
    let Detection { id, case, start_active_period, .. } = detection;
    format!("{id}\t{}\t{}\t{}", start_active_period.to_iso_text(), case.key, case.code)
}

pub(super) async fn steps(call: &Call<'_>) -> Result<Reply, Failure> {
    let uid = call.args.text_or_empty(Param::Uid);
    let found = call.engine.store().recovery_steps(uid).await?;
    let views: Vec<StepView<'_>> = found.iter().map(StepView).collect();
    let lines = found.iter().map(|step| format!("{}\t{}", step.at.to_iso_text(), step.message)).collect();
    Ok(Reply::bare(call.json(&views), lines))
}

pub(super) async fn blocked(call: &Call<'_>) -> Result<Reply, Failure> {
    let cluster = call.args.cluster.as_ref().map(|cluster| cluster.text());
    let found = call.engine.store().blocked_recoveries(cluster).await?;
    let views: Vec<BlockedView<'_>> = found.iter().map(BlockedView).collect();
    let lines =
        found.iter().map(|row| format!("{}\t{}\t{}", row.key, row.code, row.blocking_recovery_id)).collect();
    Ok(Reply::bare(call.json(&views), lines))
}

pub(super) async fn changelog(call: &Call<'_>) -> Result<Reply, Failure> {
    let found = call.engine.store().analysis_changelog().await?;
    let views: Vec<ChangelogView<'_>> =
        found.iter().map(|row| ChangelogView { key: &row.key, changes: &row.changes }).collect();
    let lines = found
        .iter()
        .flat_map(|row| {
            row.changes.iter().map(|(at, code)| format!("{}\t{}\t{code}", at.to_iso_text(), row.key))
        })
        .collect();
    Ok(Reply::bare(call.json(&views), lines))
}

pub(super) async fn audit(call: &Call<'_>) -> Result<Reply, Failure> {
    let key = match &call.args.instance {
        Some(_) => Some(call.figured_key().await?),
        None => None,
    };
    let found = call.engine.store().audit(AuditQuery { key, page: call.args.page() }).await?;
    let views: Vec<AuditView<'_>> = found.iter().map(AuditView).collect();
    let lines = found
        .iter()
        .map(|row| {
            let key = row.key.as_ref().map(ToString::to_string).unwrap_or_default();
            format!("{}\t{}\t{key}\t{}", row.at.to_iso_text(), row.kind, row.message)
        })
        .collect();
    Ok(Reply::bare(call.json(&views), lines))
}
