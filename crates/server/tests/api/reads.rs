//! Every route that only reads: status, and the shape of its answer.

use registry::{Effect, operations};
use serde_json::Value;

use crate::world::World;

const INSTANCE: &str = include_str!("../../../registry/tests/shapes/instance.txt");

/// Names of an instance's fields, in order.
fn instance_fields() -> Vec<&'static str> {
    INSTANCE.lines().filter_map(|line| line.split(' ').next()).collect()
}

fn names(value: &Value) -> Vec<&str> {
    value.as_object().map(|object| object.keys().map(String::as_str).collect()).unwrap_or_default()
}

/// A short word for what a value is.
fn shape(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Bool(_) => "bool".into(),
        Value::Number(_) => "number".into(),
        Value::String(_) => "string".into(),
        Value::Array(list) => match list.first() {
            None => "[]".into(),
            Some(first) => format!("[{}]", shape(first)),
        },
        Value::Object(_) => match names(value).as_slice() {
            ["Code", "Message", "Details"] => {
                format!("{} {}", value["Code"].as_str().unwrap(), shape(&value["Details"]))
            }
            ["Hostname", "Port"] => "key".into(),
            ["ClusterName", "ClusterAlias", "ClusterDomain", "CountInstances", ..] => "cluster".into(),
            fields if fields == instance_fields() => "instance".into(),
            ["AuditId", "AuditTimestamp", "AuditType", "AuditInstanceKey", "Message"] => "audit".into(),
            ["Healthy", ..] => "health".into(),
            _ => "object".into(),
        },
    }
}

/// Route, path, status, shape.
const ROUTES: &[(&str, &str, u16, &str)] = &[
    (
        "can-replicate-from-gtid/:host/:port/:belowHost/:belowPort",
        "can-replicate-from-gtid/db/3307/db/3308",
        200,
        "OK key",
    ),
    ("master-equivalent/:host/:port/:logFile/:logPos", "master-equivalent/db/3306/bin.1/4", 200, "OK []"),
    ("restart-replica-statements/:host/:port", "restart-slave-statements/db/3307?q=x", 200, "OK [string]"),
    ("locate-gtid-errant/:host/:port", "locate-gtid-errant/db/3307", 500, "ERROR null"),
    ("last-pseudo-gtid/:host/:port", "last-pseudo-gtid/db/3307", 500, "ERROR null"),
    ("cluster-pool-instances/:clusterName", "cluster-pool-instances/db:3306", 200, "OK object"),
    ("cluster-pool-instances/:clusterName/:pool", "cluster-pool-instances/db:3306/web", 200, "OK object"),
    ("heuristic-cluster-pool-instances/:clusterHint", "heuristic-cluster-pool-instances/shop/", 200, "OK []"),
    (
        "heuristic-cluster-pool-instances/:clusterHint/:pool",
        "heuristic-cluster-pool-instances/shop/web",
        200,
        "OK []",
    ),
    ("heuristic-cluster-pool-lag/:clusterAlias", "heuristic-cluster-pool-lag/shop", 500, "ERROR null"),
    (
        "heuristic-cluster-pool-lag/:clusterAlias/:pool",
        "heuristic-cluster-pool-lag/shop/web",
        500,
        "ERROR null",
    ),
    ("resolve/:host/:port", "resolve/127.0.0.1/1", 500, "ERROR null"),
    ("hostname-resolve-cache", "hostname-resolve-cache", 200, "OK object"),
    (
        "can-replicate-from/:host/:port/:belowHost/:belowPort",
        "can-replicate-from/db/3307/db/3308",
        200,
        "OK key",
    ),
    ("search/:searchString", "search/3307", 200, "[instance]"),
    ("search", "search?s=8.0", 200, "[instance]"),
    ("clusters", "clusters", 200, "[string]"),
    ("clusters-info", "clusters-info", 200, "[cluster]"),
    ("masters", "masters", 200, "[instance]"),
    ("topology/:clusterHint", "topology/shop", 200, "OK string"),
    ("topology/:host/:port", "topology/db/3307", 200, "OK string"),
    ("topology-tabulated/:clusterHint", "topology-tabulated/db:3306", 200, "OK string"),
    ("topology-tabulated/:host/:port", "topology-tabulated/db/3306", 200, "OK string"),
    ("topology-tags/:clusterHint", "topology-tags/shop", 200, "OK string"),
    ("topology-tags/:host/:port", "topology-tags/db/3308", 200, "OK string"),
    ("all-instances", "all-instances", 200, "[instance]"),
    ("instance/:host/:port", "instance/db/3307", 200, "instance"),
    ("cluster-info/:clusterHint", "cluster-info/db:3308", 200, "cluster"),
    ("cluster-info/alias/:clusterAlias", "cluster-info/alias/shop", 200, "cluster"),
    ("master/:clusterHint", "master/shop", 200, "instance"),
    ("cluster/:clusterHint", "cluster/shop", 200, "[instance]"),
    ("cluster/alias/:clusterAlias", "cluster/alias/shop", 200, "[instance]"),
    ("cluster/instance/:host/:port", "cluster/instance/db/3307", 200, "[instance]"),
    ("cluster-osc-replicas/:clusterHint", "cluster-osc-replicas/shop", 200, "[instance]"),
    ("cluster-osc-slaves/:clusterHint", "cluster-osc-slaves/shop", 200, "[instance]"),
    ("instance-replicas/:host/:port", "instance-replicas/db/3306", 200, "[instance]"),
    ("downtimed", "downtimed", 200, "[]"),
    ("downtimed/:clusterHint", "downtimed/shop", 200, "[]"),
    ("problems", "problems", 200, "[]"),
    ("problems/:clusterName", "problems/db:3306", 200, "[]"),
    ("tags/:host/:port", "tags/db/3307", 200, "[string]"),
    ("tag-value/:host/:port", "tag-value/db/3307?tag=role", 200, "string"),
    ("tag-value/:host/:port/:tagName", "tag-value/db/3307/role", 200, "string"),
    ("tagged", "tagged?tag=role%3Dbilling", 200, "[key]"),
    ("in-maintenance/:host/:port", "in-maintenance/db/3307", 200, "OK string"),
    ("maintenance", "maintenance", 200, "[]"),
    ("bulk-instances", "bulk-instances", 200, "[key]"),
    ("bulk-promotion-rules", "bulk-promotion-rules", 200, "[]"),
    ("replication-analysis", "replication-analysis", 200, "OK []"),
    ("replication-analysis/:clusterName", "replication-analysis/shop", 200, "OK []"),
    ("replication-analysis/instance/:host/:port", "replication-analysis/instance/db/3306", 200, "OK []"),
    ("replication-analysis-changelog", "replication-analysis-changelog", 200, "[]"),
    ("automated-recovery-filters", "automated-recovery-filters", 200, "OK object"),
    ("check-global-recoveries", "check-global-recoveries", 200, "OK string"),
    ("audit-recovery", "audit-recovery?unacknowledged=true", 200, "[]"),
    ("audit-recovery/:page", "audit-recovery/-1", 200, "[]"),
    ("audit-recovery/id/:id", "audit-recovery/id/1", 200, "[]"),
    ("audit-recovery/uid/:uid", "audit-recovery/uid/1:ab", 200, "[]"),
    ("audit-recovery/cluster/:clusterName", "audit-recovery/cluster/db:3306", 200, "[]"),
    ("audit-recovery/cluster/:clusterName/:page", "audit-recovery/cluster/db:3306/1", 200, "[]"),
    ("audit-recovery/alias/:clusterAlias", "audit-recovery/alias/shop", 200, "[]"),
    ("audit-recovery/alias/:clusterAlias/:page", "audit-recovery/alias/shop/x", 200, "[]"),
    ("audit-recovery-steps/:uid", "audit-recovery-steps/1:ab", 200, "[]"),
    ("active-cluster-recovery/:clusterName", "active-cluster-recovery/db:3306", 200, "[]"),
    ("recently-active-cluster-recovery/:clusterName", "recently-active-cluster-recovery/db:3306", 200, "[]"),
    ("recently-active-instance-recovery/:host/:port", "recently-active-instance-recovery/db/3306", 200, "[]"),
    ("audit-failure-detection", "audit-failure-detection", 200, "[]"),
    ("audit-failure-detection/:page", "audit-failure-detection/0", 200, "[]"),
    ("audit-failure-detection/id/:id", "audit-failure-detection/id/x", 200, "[]"),
    ("audit-failure-detection/alias/:clusterAlias", "audit-failure-detection/alias/shop", 200, "[]"),
    ("audit-failure-detection/alias/:clusterAlias/:page", "audit-failure-detection/alias/shop/0", 200, "[]"),
    ("blocked-recoveries", "blocked-recoveries", 200, "[]"),
    ("blocked-recoveries/cluster/:clusterName", "blocked-recoveries/cluster/db:3306", 200, "[]"),
    ("audit", "audit", 200, "[]"),
    ("audit/:page", "audit/0", 200, "[]"),
    ("audit/instance/:host/:port", "audit/instance/db/3306", 200, "[]"),
    ("audit/instance/:host/:port/:page", "audit/instance/db/3306/0", 200, "[]"),
    ("health", "health", 200, "OK health"),
    ("health", "status", 200, "OK health"),
    ("lb-check", "lb-check", 200, "string"),
    ("lb-check", "_ping", 200, "string"),
    ("leader-check", "leader-check", 200, "string"),
    ("leader-check/:errorStatusCode", "leader-check/503", 200, "string"),
    ("leader-check", "routed-leader-check", 200, "string"),
    ("raft-peers", "raft-peers", 500, "ERROR null"),
    ("raft-state", "raft-state", 500, "ERROR null"),
    ("raft-leader", "raft-leader", 500, "ERROR null"),
    ("raft-health", "raft-health", 500, "ERROR null"),
    ("raft-status", "raft-status", 500, "ERROR null"),
    ("headers", "headers", 200, "object"),
    ("discovery-metrics-raw/:seconds", "discovery-metrics-raw/60", 200, "[object]"),
    ("discovery-metrics-aggregated/:seconds", "discovery-metrics-aggregated/60", 200, "object"),
    ("discovery-queue-metrics-raw/:seconds", "discovery-queue-metrics-raw/60", 200, "[]"),
    ("discovery-queue-metrics-raw/:queue/:seconds", "discovery-queue-metrics-raw/DEFAULT/60", 200, "[]"),
    ("discovery-queue-metrics-aggregated/:seconds", "discovery-queue-metrics-aggregated/60", 200, "object"),
    (
        "discovery-queue-metrics-aggregated/:queue/:seconds",
        "discovery-queue-metrics-aggregated/DEFAULT/60",
        200,
        "object",
    ),
    ("explain/:host/:port", "explain/db/3306", 200, "object"),
    ("explain-cluster/:clusterHint", "explain-cluster/shop", 200, "[object]"),
    ("plan-failover/:clusterHint", "plan-failover/shop", 200, "object"),
    ("plan-failover/:host/:port", "plan-failover/db/3306", 200, "object"),
    (
        "plan-failover/:clusterHint/:designatedHost/:designatedPort",
        "plan-failover/shop/db/3307",
        200,
        "object",
    ),
    (
        "plan-failover/:host/:port/:designatedHost/:designatedPort",
        "plan-failover/db/3306/db/3307",
        200,
        "object",
    ),
    ("plan-takeover/:clusterHint", "plan-takeover/shop", 200, "object"),
    ("plan-takeover/:host/:port", "plan-takeover/db/3306", 200, "object"),
    (
        "plan-takeover/:clusterHint/:designatedHost/:designatedPort",
        "plan-takeover/shop/db/3307",
        200,
        "object",
    ),
    (
        "plan-takeover/:host/:port/:designatedHost/:designatedPort",
        "plan-takeover/db/3306/db/3307",
        200,
        "object",
    ),
    ("backend-query-metrics-raw/:seconds", "backend-query-metrics-raw/0", 200, "[]"),
    ("backend-query-metrics-aggregated/:seconds", "backend-query-metrics-aggregated/60", 200, "object"),
    ("write-buffer-metrics-raw/:seconds", "write-buffer-metrics-raw/60", 200, "[]"),
    ("write-buffer-metrics-aggregated/:seconds", "write-buffer-metrics-aggregated/60", 200, "object"),
];

#[tokio::test]
async fn every_reading_route_answers_in_its_shape() {
    let world = World::new().await;
    for (_, path, status, wanted) in ROUTES {
        let answer = world.get(&format!("/api/{path}")).await;
        assert_eq!(
            (answer.status, shape(&answer.json()).as_str()),
            (*status, *wanted),
            "{path}: {}",
            answer.body
        );
        assert_eq!(answer.headers["content-type"], "application/json; charset=UTF-8", "{path}");
    }
    for operation in operations().iter().filter(|operation| operation.effect == Effect::Read) {
        for route in operation.routes {
            assert!(ROUTES.iter().any(|(tested, ..)| tested == route), "{route} is not tested");
        }
    }
}

#[tokio::test]
async fn answers_tell_what_the_fleet_holds() {
    let world = World::new().await;
    for (path, wanted) in [
        ("clusters", r#"["db:3306"]"#),
        (
            "clusters-info",
            r#"[{"ClusterName":"db:3306","ClusterAlias":"shop","ClusterDomain":"","CountInstances":3,"HeuristicLag":0,"HasAutomatedMasterRecovery":true,"HasAutomatedIntermediateMasterRecovery":false}]"#,
        ),
        (
            "topology/shop",
            r#"{"Code":"OK","Message":"Topology for cluster db:3306","Details":"db:3306   [0s,ok,8.0.36,rw,ROW,\u003e\u003e,GTID]\n+ db:3307 [0s,ok,8.0.36,ro,ROW,\u003e\u003e,GTID]\n+ db:3308 [0s,ok,8.0.36,ro,ROW,\u003e\u003e,GTID]"}"#,
        ),
        ("tags/db/3307", r#"["role=billing"]"#),
        ("tag-value/db/3307/role", r#""billing""#),
        ("tagged?tag=role", r#"[{"Hostname":"db","Port":3307}]"#),
        (
            "can-replicate-from/db/3307/db/3308",
            r#"{"Code":"OK","Message":"true","Details":{"Hostname":"db","Port":3308}}"#,
        ),
        (
            "check-global-recoveries",
            r#"{"Code":"OK","Message":"Global recoveries enabled","Details":"enabled"}"#,
        ),
        (
            "automated-recovery-filters",
            r#"{"Code":"OK","Message":"Automated recovery configuration details","Details":{"RecoverIntermediateMasterClusterFilters":[],"RecoverMasterClusterFilters":["*"],"RecoveryIgnoreHostnameFilters":[]}}"#,
        ),
        ("lb-check", r#""OK""#),
        (
            "raft-peers",
            r#"{"Code":"ERROR","Message":"raft-nodes: not running with raft setup","Details":null}"#,
        ),
        ("in-maintenance/db/3307", r#"{"Code":"OK","Message":"false","Details":""}"#),
    ] {
        assert_eq!(world.get(&format!("/api/{path}")).await.body, wanted, "{path}");
    }
}

#[tokio::test]
async fn a_part_of_a_host_name_is_enough_when_one_server_matches() {
    let world = World::new().await;
    let found = world.get("/api/instance/d/3307").await.json();
    assert_eq!(found["Key"]["Hostname"], "db");
    assert_eq!(world.get("/api/instance/%25/3307").await.status, 500, "nothing is a wildcard");
}
