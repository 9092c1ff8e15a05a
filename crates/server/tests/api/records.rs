//! Lists of what was recorded: one row each, with the fields that clients of the original read.

use std::time::Duration;

use model::{AnalysisCode, AuditRecord, Case, Command, NodeIdentity, Timestamp};
use serde_json::Value;

use crate::world::{World, key};

const RECOVERY: &str = include_str!("../../../registry/tests/shapes/recovery.txt");
const STEP: &[&str] = &["Id", "RecoveryUID", "AuditAt", "Message"];
const BLOCKED: &[&str] =
    &["FailedInstanceKey", "ClusterName", "Analysis", "LastBlockedTimestamp", "BlockingRecoveryId"];
const MAINTENANCE: &[&str] =
    &["MaintenanceId", "Key", "BeginTimestamp", "SecondsElapsed", "IsActive", "Owner", "Reason"];
const AUDIT: &[&str] = &["AuditId", "AuditTimestamp", "AuditType", "AuditInstanceKey", "Message"];
const CHANGELOG: &[&str] = &["AnalyzedInstanceKey", "Changelog"];
const CANDIDATE: &[&str] =
    &["Hostname", "Port", "PromotionRule", "LastSuggestedString", "PromotionRuleExpiry"];

fn recovery_fields() -> Vec<&'static str> {
    RECOVERY.lines().filter_map(|line| line.split(' ').next()).collect()
}

fn case() -> Case {
    Case {
        key: key(3306),
        code: AnalysisCode::DeadMaster,
        cluster_name: "db:3306".into(),
        cluster_alias: "shop".into(),
        count_replicas: 2,
        replicas: vec![key(3307), key(3308)],
    }
}

/// A failover of the cluster to port 3307, just ended and blocking the next, with all that is noted around it.
fn history(now: Timestamp) -> Vec<Command> {
    let node = NodeIdentity { hostname: "orc1".into(), token: "ab".repeat(32) };
    let uid = "1:ab".to_owned();
    vec![
        Command::RegisterDetection { case: case(), is_actionable: true, node: node.clone(), at: now },
        Command::RegisterRecovery { uid: uid.clone(), case: case(), node: node.clone(), at: now },
        Command::WriteRecoveryStep { uid: uid.clone(), at: now, message: "chosen: db:3307".into() },
        Command::ResolveRecovery {
            uid,
            is_successful: true,
            successor: Some(key(3307)),
            successor_alias: "shop-b".into(),
            lost_replicas: vec![key(3308)],
            participating: vec![key(3307)],
            errors: vec!["db:3308 is behind".into()],
            at: now,
        },
        Command::WriteBlockedRecovery { case: case(), blocking_recovery_id: 1, at: now },
        Command::WriteAnalysis { key: key(3306), analysis: "DeadMaster".into(), at: now },
        Command::WriteAudit(AuditRecord {
            id: 0,
            at: now,
            kind: "recover-dead-master".into(),
            key: Some(key(3306)),
            cluster_name: "db:3306".into(),
            message: "promoted: db:3307".into(),
        }),
        Command::BeginMaintenance {
            key: key(3308),
            owner: "ann".into(),
            reason: "disk".into(),
            begin: now,
            end: now + Duration::from_secs(600),
            explicitly_bounded: true,
            node,
        },
    ]
}

#[tokio::test]
async fn every_list_of_records_has_its_fields_and_finds_its_row() {
    let world = World::new().await;
    world.apply(history(world.engine.now())).await;
    world.get("/api/register-candidate/db/3307/prefer").await;
    world.engine.load().await.unwrap();
    let recovery = recovery_fields();
    for (path, fields) in [
        ("audit-recovery", &recovery[..]),
        ("audit-recovery?unacknowledged=true", &recovery),
        ("audit-recovery/0", &recovery),
        ("audit-recovery/id/1", &recovery),
        ("audit-recovery/uid/1:ab", &recovery),
        ("audit-recovery/cluster/db:3306", &recovery),
        ("audit-recovery/cluster/db:3306/0", &recovery),
        ("audit-recovery/alias/shop", &recovery),
        ("audit-recovery/alias/shop/0", &recovery),
        ("recently-active-cluster-recovery/db:3306", &recovery),
        ("recently-active-instance-recovery/db/3307", &recovery),
        ("audit-failure-detection", &recovery),
        ("audit-failure-detection/0", &recovery),
        ("audit-failure-detection/id/1", &recovery),
        ("audit-failure-detection/alias/shop", &recovery),
        ("audit-failure-detection/alias/shop/0", &recovery),
        ("audit-recovery-steps/1:ab", STEP),
        ("blocked-recoveries", BLOCKED),
        ("blocked-recoveries/cluster/db:3306", BLOCKED),
        ("maintenance", MAINTENANCE),
        ("audit", AUDIT),
        ("audit/0", AUDIT),
        ("audit/instance/db/3306", AUDIT),
        ("audit/instance/db/3306/0", AUDIT),
        ("replication-analysis-changelog", CHANGELOG),
        ("bulk-promotion-rules", CANDIDATE),
    ] {
        let rows = world.get(&format!("/api/{path}")).await.json();
        let row = rows.get(0).unwrap_or_else(|| panic!("{path} is empty: {rows}"));
        let found: Vec<&str> = row.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(found, fields, "{path}");
    }
    for path in [
        "audit-recovery/1",
        "audit-recovery/id/2",
        "audit-recovery/uid/2:ab",
        "audit-recovery/cluster/db:3307",
        "audit-recovery/alias/other",
        "active-cluster-recovery/db:3307",
        "recently-active-instance-recovery/db/3308",
        "audit-failure-detection/1",
        "audit-failure-detection/id/2",
        "audit-failure-detection/alias/other",
        "audit-recovery-steps/2:ab",
        "blocked-recoveries/cluster/db:3307",
        "audit/1",
        "audit/instance/db/3308",
    ] {
        assert_eq!(world.get(&format!("/api/{path}")).await.body, "[]", "{path}");
    }
}

#[tokio::test]
async fn records_tell_what_happened() {
    let world = World::new().await;
    world.apply(history(world.engine.now())).await;
    let first = async |path: &str| world.get(&format!("/api/{path}")).await.json()[0].clone();
    let recovery = first("audit-recovery").await;
    for (field, value) in [
        ("UID", Value::from("1:ab")),
        ("IsSuccessful", true.into()),
        ("SuccessorAlias", "shop-b".into()),
        ("ProcessingNodeHostname", "orc1".into()),
        ("AllErrors", vec!["db:3308 is behind"].into()),
        ("Acknowledged", false.into()),
    ] {
        assert_eq!(recovery[field], value, "{field}");
    }
    assert_eq!(recovery["SuccessorKey"]["Port"], 3307);
    assert_eq!(recovery["LostReplicas"][0]["Port"], 3308);
    assert_eq!(recovery["AnalysisEntry"]["Analysis"], "DeadMaster");
    assert_eq!(recovery["AnalysisEntry"]["ClusterDetails"]["ClusterAlias"], "shop");
    let detection = first("audit-failure-detection").await;
    assert_eq!(detection["AnalysisEntry"]["CountReplicas"], 2);
    assert_eq!(detection["RelatedRecoveryId"], 1);
    assert_eq!(first("audit-recovery-steps/1:ab").await["Message"], "chosen: db:3307");
    assert_eq!(first("blocked-recoveries").await["BlockingRecoveryId"], 1);
    let changes = first("replication-analysis-changelog").await["Changelog"].to_string();
    assert!(changes.contains(";DeadMaster,"), "{changes}");
}

#[tokio::test]
async fn a_recovery_that_has_not_ended_is_the_active_one_of_its_cluster() {
    let world = World::new().await;
    let mut history = history(world.engine.now());
    history.retain(|command| !matches!(command, Command::ResolveRecovery { .. }));
    world.apply(history).await;
    let rows = world.get("/api/active-cluster-recovery/db:3306").await.json();
    let found: Vec<&str> = rows[0].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(found, recovery_fields());
    assert_eq!(rows[0]["RecoveryEndTimestamp"], "");
    assert_eq!(world.get("/api/active-cluster-recovery/db:3307").await.body, "[]");
}
