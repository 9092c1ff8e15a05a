//! Names, order and types of every field clients of the API know, compared with lists of them.

use std::time::Duration;

use model::{
    AnalysisCode, AuditRecord, BinlogCoordinates, BlockedRecovery, Case, ClusterDetails, Detection, Downtime,
    Fleet, Instance, InstanceKey, Maintenance, NodeIdentity, Recovery, RecoveryStep, RegroupMode,
    ServerVersion, StructureCode, ThreadState, Timestamp,
};
use registry::wire::{self, to_json};
use serde_json::Value;

const POLL: Duration = Duration::from_secs(5);

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_secs(1_790_000_000 + seconds)
}

fn key(port: u16) -> InstanceKey {
    InstanceKey::new("db", port)
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).expect("valid JSON")
}

fn names(value: &Value) -> Vec<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

fn shape(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "list",
        Value::Object(_) => match names(value).as_slice() {
            ["Hostname", "Port"] => "key",
            ["LogFile", "LogPos", "Type"] => "place",
            ["Int64", "Valid"] => "nullable int",
            ["Bool", "Valid"] => "nullable bool",
            _ => "object",
        },
    }
}

fn shapes(text: &str) -> String {
    let value = parsed(text);
    value.as_object().expect("an object").iter().map(|(name, v)| format!("{name} {}\n", shape(v))).collect()
}

fn replica() -> Instance {
    let mut instance = Instance::unknown(key(3307));
    instance.version = ServerVersion::new("8.0.36", "MySQL Community Server - GPL");
    instance.primary_key = key(3306);
    instance.replication.read = BinlogCoordinates::binary("bin.000001", 158);
    instance.replication.relay = BinlogCoordinates::relay("relay.000002", 363);
    instance.replication.io_thread = ThreadState::Other;
    instance.replication.sql_thread = ThreadState::Running;
    instance.replication.last_io_error = "can't \"connect\" <x>".to_owned();
    instance.replication.seconds_behind = Some(3);
    instance.lag_seconds = Some(3);
    instance.last_checked = Some(at(0));
    instance.last_seen = Some(at(0));
    instance.last_discovery_latency = Duration::from_micros(1500);
    instance
}

#[test]
fn an_instance_has_all_its_fields_in_order() {
    let fleet = Fleet::default();
    let mut primary = Instance::unknown(key(3306));
    primary.last_checked = Some(at(0));
    primary.last_seen = Some(at(0));
    let text =
        wire::InstanceView::new(&fleet, &primary, Vec::new(), POLL, at(1)).json(wire::ColumnTimes::Iso);
    assert_eq!(shapes(&text), include_str!("shapes/instance.txt"));
}

#[test]
fn derived_fields_of_an_instance_follow_from_facts_downtime_and_time() {
    let mut fleet = Fleet::default();
    let downtime = Downtime {
        key: key(3307),
        owner: "ops".to_owned(),
        reason: "disk".to_owned(),
        begin: at(-60),
        end: Some(at(60)),
    };
    fleet.downtimes.insert(key(3307), downtime);
    let instance = replica();
    let value = parsed(
        &wire::InstanceView::new(&fleet, &instance, vec!["not_replicating"], POLL, at(4))
            .json(wire::ColumnTimes::Iso),
    );
    for (field, wanted) in [
        ("FlavorName", "\"MySQL\""),
        ("MasterKey", r#"{"Hostname":"db","Port":3306}"#),
        ("ReplicationIOThreadState", "2"),
        ("ReplicationIOThreadRuning", "false"),
        ("Slave_SQL_Running", "true"),
        ("RelaylogCoordinates", r#"{"LogFile":"relay.000002","LogPos":363,"Type":1}"#),
        ("LastIOError", r#""\"can't \\\"connect\\\" <x>\"""#),
        ("SlaveLagSeconds", r#"{"Int64":3,"Valid":true}"#),
        ("LastSeenTimestamp", "\"2026-09-21T14:13:20Z\""),
        ("SecondsSinceLastSeen", r#"{"Int64":4,"Valid":true}"#),
        ("IsUpToDate", "true"),
        ("IsDowntimed", "true"),
        ("DowntimeOwner", "\"ops\""),
        ("DowntimeEndTimestamp", "\"2026-09-21 14:14:20\""),
        ("ElapsedDowntime", "64000000000"),
        ("PromotionRule", "\"neutral\""),
        ("Problems", "[\"not_replicating\"]"),
        ("LastDiscoveryLatency", "1500000"),
        ("QSP", "{}"),
    ] {
        assert_eq!(value[field].to_string(), wanted, "{field}");
    }
    let text = wire::InstanceView::new(&fleet, &instance, vec!["not_replicating"], POLL, at(4))
        .json(wire::ColumnTimes::Iso);
    assert!(text.contains(r#"\u003cx\u003e"#), "{text}");
}

fn case() -> Case {
    Case {
        key: key(3306),
        code: AnalysisCode::DeadMaster,
        cluster_name: "db:3306".to_owned(),
        cluster_alias: "shop".to_owned(),
        count_replicas: 1,
        replicas: vec![key(3307)],
    }
}

fn cluster() -> ClusterDetails {
    ClusterDetails { name: "db:3306".to_owned(), alias: "shop".to_owned(), ..ClusterDetails::default() }
}

fn recovery() -> Recovery {
    Recovery {
        id: 7,
        uid: "1:ab".to_owned(),
        case: case(),
        in_active_period: true,
        start: at(0),
        end: Some(at(1)),
        node: NodeIdentity { hostname: "n".to_owned(), token: "t".to_owned() },
        is_successful: true,
        successor: Some(key(3307)),
        successor_alias: String::new(),
        successor_coordinates: None,
        lost_replicas: Vec::new(),
        participating: Vec::new(),
        errors: Vec::new(),
        acknowledged: false,
        acknowledged_at: None,
        acknowledged_by: String::new(),
        acknowledge_comment: String::new(),
        last_detection_id: 3,
        kind: None,
        mode: RegroupMode::NotPrimary,
    }
}

#[test]
fn a_recovery_has_all_its_fields_in_order() {
    let recovery = recovery();
    let text = to_json(&wire::RecoveryView::stored(&recovery, cluster()));
    assert_eq!(shapes(&text), include_str!("shapes/recovery.txt"));
    let value = parsed(&text);
    assert_eq!(shapes(&value["AnalysisEntry"].to_string()), include_str!("shapes/analysis.txt"));
    for (field, wanted) in [
        ("SuccessorKey", r#"{"Hostname":"db","Port":3307}"#),
        ("AllErrors", "[\"\"]"),
        ("RecoveryStartTimestamp", "\"2026-09-21T14:13:20Z\""),
        ("RecoveryEndTimestamp", "\"2026-09-21 14:13:21\""),
        ("AcknowledgedAt", "\"\""),
        ("RecoveryType", "\"NotMasterRecovery\""),
    ] {
        assert_eq!(value[field].to_string(), wanted, "{field}");
    }
    assert_eq!(value["AnalysisEntry"]["SlaveHosts"], value["AnalysisEntry"]["Replicas"]);
    assert_eq!(value["AnalysisEntry"]["ClusterDetails"]["ClusterDomain"], "");
}

#[test]
fn a_live_recovery_tells_its_finding_with_the_node_and_no_times() {
    let mut recovery = recovery();
    recovery.successor = None;
    let mut finding = model::Finding::of_case(&case(), cluster());
    finding.is_actionable = true;
    finding.command_hint = "graceful-master-takeover".to_owned();
    let value = parsed(&to_json(&wire::RecoveryView::live(&recovery, finding)));
    for (field, wanted) in [
        ("Id", "7"),
        ("SuccessorKey", "null"),
        ("IsActive", "false"),
        ("AllErrors", "[]"),
        ("RecoveryStartTimestamp", "\"\""),
        ("RecoveryEndTimestamp", "\"\""),
        ("ProcessingNodeHostname", "\"\""),
        ("LastDetectionId", "0"),
    ] {
        assert_eq!(value[field].to_string(), wanted, "{field}");
    }
    assert_eq!(value["AnalysisEntry"]["IsActionableRecovery"], true);
    assert_eq!(value["AnalysisEntry"]["CommandHint"], "graceful-master-takeover");
    assert_eq!(value["AnalysisEntry"]["ProcessingNodeHostname"], "n");
    assert_eq!(value["AnalysisEntry"]["ProcessingNodeToken"], "t");
}

#[test]
fn a_detection_has_the_shape_of_a_recovery_with_nulls() {
    let detection = Detection {
        id: 4,
        case: case(),
        in_active_period: true,
        start_active_period: at(0),
        node: NodeIdentity::default(),
        is_actionable: true,
        related_recovery_id: 7,
    };
    let text = to_json(&wire::DetectionView::new(&detection, cluster()));
    let value = parsed(&text);
    let recovered = recovery();
    let stored = parsed(&to_json(&wire::RecoveryView::stored(&recovered, cluster())));
    assert_eq!(names(&value), names(&stored));
    for (field, wanted) in [
        ("UID", "\"\""),
        ("SuccessorKey", "null"),
        ("AllErrors", "null"),
        ("LostReplicas", "[]"),
        ("RecoveryEndTimestamp", "\"\""),
        ("RelatedRecoveryId", "7"),
        ("RecoveryType", "\"\""),
    ] {
        assert_eq!(value[field].to_string(), wanted, "{field}");
    }
    assert_eq!(value["AnalysisEntry"]["StartActivePeriod"], "2026-09-21T14:13:20Z");
}

#[test]
fn an_analysis_tells_its_node_and_never_that_it_is_actionable() {
    let mut finding = model::Finding::of_case(&case(), cluster());
    finding.is_actionable = true;
    let node = NodeIdentity { hostname: "n".to_owned(), token: "t".to_owned() };
    let view = wire::AnalysisView { finding: &finding, node: Some(&node), shows_actionable: false };
    let value = parsed(&to_json(&view));
    assert_eq!(value["ProcessingNodeHostname"], "n");
    assert_eq!(value["IsActionableRecovery"], false);
    assert_eq!(value["StructureAnalysis"], Value::Null);
    finding.structure = vec![StructureCode::NoFailoverSupportStructureWarning];
    let view = wire::AnalysisView { finding: &finding, node: Some(&node), shows_actionable: false };
    assert_eq!(parsed(&to_json(&view))["StructureAnalysis"][0], "NoFailoverSupportStructureWarning");
}

#[test]
fn small_records_have_their_text() {
    let step = RecoveryStep { id: 1, recovery_uid: "u".to_owned(), at: at(0), message: "m".to_owned() };
    assert_eq!(
        to_json(&wire::StepView(&step)),
        r#"{"Id":1,"RecoveryUID":"u","AuditAt":"2026-09-21T14:13:20Z","Message":"m"}"#
    );
    let blocked = BlockedRecovery {
        key: key(1),
        cluster_name: "c".to_owned(),
        code: AnalysisCode::DeadMaster,
        last_blocked: at(0),
        blocking_recovery_id: 2,
    };
    assert_eq!(
        to_json(&wire::BlockedView(&blocked)),
        r#"{"FailedInstanceKey":{"Hostname":"db","Port":1},"ClusterName":"c","Analysis":"DeadMaster","LastBlockedTimestamp":"2026-09-21T14:13:20Z","BlockingRecoveryId":2}"#
    );
    let audit = AuditRecord {
        id: 5,
        at: at(0),
        kind: "forget".to_owned(),
        key: None,
        cluster_name: String::new(),
        message: String::new(),
    };
    assert_eq!(
        to_json(&wire::AuditView(&audit)),
        r#"{"AuditId":5,"AuditTimestamp":"2026-09-21T14:13:20Z","AuditType":"forget","AuditInstanceKey":{"Hostname":"","Port":0},"Message":""}"#
    );
    let maintenance = Maintenance {
        id: 1,
        key: key(1),
        owner: "o".to_owned(),
        reason: "r".to_owned(),
        begin: at(0),
        end: None,
    };
    assert_eq!(
        to_json(&wire::MaintenanceView(&maintenance, at(9))),
        r#"{"MaintenanceId":1,"Key":{"Hostname":"db","Port":1},"BeginTimestamp":"2026-09-21T14:13:20Z","SecondsElapsed":9,"IsActive":true,"Owner":"o","Reason":"r"}"#
    );
    assert_eq!(
        to_json(&wire::ClusterView(&cluster())),
        r#"{"ClusterName":"db:3306","ClusterAlias":"shop","ClusterDomain":"","CountInstances":0,"HeuristicLag":0,"HasAutomatedMasterRecovery":false,"HasAutomatedIntermediateMasterRecovery":false}"#
    );
    let changes = [(at(0), "DeadMaster".to_owned())];
    assert_eq!(
        to_json(&wire::ChangelogView { key: &key(1), changes: &changes }),
        r#"{"AnalyzedInstanceKey":{"Hostname":"db","Port":1},"Changelog":["2026-09-21T14:13:20Z;DeadMaster,"]}"#
    );
}

#[test]
fn health_has_all_its_fields_in_order() {
    let node = NodeIdentity { hostname: "n".to_owned(), token: "t".to_owned() };
    let active = wire::NodeView {
        node: &node,
        version: "",
        first_seen: Some(at(0)),
        last_seen: Some(at(1)),
        backend: "",
    };
    let view = wire::HealthView {
        is_healthy: true,
        node: &node,
        is_active: true,
        active,
        error: None,
        available: &[active],
    };
    let value = parsed(&to_json(&view));
    assert_eq!(
        names(&value),
        [
            "Healthy",
            "Hostname",
            "Token",
            "IsActiveNode",
            "ActiveNode",
            "Error",
            "AvailableNodes",
            "RaftLeader",
            "IsRaftLeader",
            "RaftLeaderURI",
            "RaftAdvertise",
            "RaftHealthyMembers",
        ]
    );
    assert_eq!(
        value["ActiveNode"].to_string(),
        r#"{"Hostname":"n","Token":"t","AppVersion":"","FirstSeenActive":"2026-09-21T14:13:20Z","LastSeenActive":"2026-09-21T14:13:21Z","ExtraInfo":"","Command":"","DBBackend":"","LastReported":"0001-01-01T00:00:00Z"}"#
    );
}
