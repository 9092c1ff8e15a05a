//! What routes tell about the node, and those of parts that do not exist here.

use axum::body::Body;
use axum::http::{Method, Request};

use crate::world::World;

#[tokio::test]
async fn the_node_is_healthy_active_and_listed() {
    let world = World::new().await;
    let health = world.get("/api/health").await.json();
    assert_eq!(health["Message"], "Application node is healthy");
    let details = &health["Details"];
    assert_eq!((details["Healthy"].as_bool(), details["IsActiveNode"].as_bool()), (Some(true), Some(true)));
    assert_eq!(details["ActiveNode"]["Hostname"], "orc1");
    assert_eq!(details["ActiveNode"]["Token"], details["Token"]);
    let available = details["AvailableNodes"].as_array().unwrap();
    assert_eq!(available.len(), 1, "{details}");
    for (field, value) in [("Hostname", "orc1"), ("AppVersion", "1.2.3"), ("DBBackend", ":memory:")] {
        assert_eq!(available[0][field], value, "{field}");
    }
    assert!(!available[0]["LastSeenActive"].as_str().unwrap().is_empty());
}

#[tokio::test]
async fn headers_are_shown_as_they_arrived() {
    let world = World::new().await;
    let request = Request::get("/api/headers")
        .header("x-forwarded-user", "ann")
        .header("ACCEPT-encoding", "identity")
        .header("x-two", "1")
        .header("x-two", "2")
        .header("host", "orc:3000");
    let answer = world.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(
        answer.body,
        r#"{"Accept-Encoding":["identity"],"X-Forwarded-User":["ann"],"X-Two":["1","2"]}"#
    );
}

#[tokio::test]
async fn parts_that_are_not_here_say_so_as_ever() {
    let world = World::new().await;
    for (path, message) in [
        ("raft-add-peer/orc2:10008", "raft-add-peer: not running with raft setup"),
        ("raft-remove-peer/orc2", "raft-remove-peer: not running with raft setup"),
        ("raft-yield/orc2", "raft-yield: not running with raft setup"),
        ("raft-yield-hint/orc", "raft-yield-hint: not running with raft setup"),
        ("raft-snapshot", "raft-leader: not running with raft setup"),
        ("raft-follower-health-report/abcd1234/orc2/orc2", "raft-state: not running with raft setup"),
        ("reload-cluster-alias", "This API call has been retired"),
        ("agents", "Agents not served"),
        ("seeds", "Agents not served"),
        ("agent/db", "Agents not served"),
        ("agent-umount/db", "Agents not served"),
        ("agent-mount/db?lv=x", "Agents not served"),
        ("agent-create-snapshot/db", "Agents not served"),
        ("agent-removelv/db?lv=x", "Agents not served"),
        ("agent-mysql-stop/db", "Agents not served"),
        ("agent-mysql-start/db", "Agents not served"),
        ("agent-seed/db/db2", "Agents not served"),
        ("agent-active-seeds/db", "Agents not served"),
        ("agent-recent-seeds/db", "Agents not served"),
        ("agent-seed-details/1", "Agents not served"),
        ("agent-seed-states/1", "Agents not served"),
        ("agent-abort-seed/1", "Agents not served"),
        ("agent-custom-command/db/x", "Agents not served"),
    ] {
        let answer = world.get(&format!("/api/{path}")).await;
        let wanted = format!(r#"{{"Code":"ERROR","Message":"{message}","Details":null}}"#);
        assert_eq!((answer.status, answer.body), (500, wanted), "{path}");
    }
    // Refused before anything else: who may not write learns nothing.
    let read_only = World::with_settings(r#""ReadOnly":true"#).await;
    for path in ["raft-yield/orc2", "agents", "reelect", "reload-cluster-alias"] {
        assert_eq!(read_only.get(&format!("/api/{path}")).await.json()["Message"], "Unauthorized", "{path}");
    }
}

#[tokio::test]
async fn elections_can_be_asked_for() {
    let world = World::new().await;
    for (path, message) in [("grab-election", "Node elected as leader"), ("reelect", "Set re-elections")] {
        let answer = world.call(Method::POST, &format!("/api/{path}")).await;
        assert_eq!(answer.body, format!(r#"{{"Code":"OK","Message":"{message}","Details":null}}"#));
    }
}

#[tokio::test]
async fn what_was_measured_is_told() {
    let world = World::new().await;
    assert_eq!(world.get("/api/refresh/db/3307").await.status, 200);
    assert_eq!(world.get("/api/discover/nosuch/3306").await.status, 500);
    let raw = world.get("/api/discovery-metrics-raw/60").await.json();
    let reads: Vec<(&str, bool)> = raw
        .as_array()
        .unwrap()
        .iter()
        .map(|read| (read["Hostname"].as_str().unwrap(), read["Err"].is_null()))
        .collect();
    assert_eq!(reads, [("db", true), ("nosuch", false)]);
    let statistics = world.get("/api/discovery-metrics-aggregated/60").await.json();
    for (field, value) in [
        ("CountDistinctInstanceKeys", 2),
        ("CountDistinctOkInstanceKeys", 1),
        ("CountDistinctFailedInstanceKeys", 1),
        ("FailedDiscoveries", 1),
        ("SuccessfulDiscoveries", 2),
        ("OkDiscoveries", 1),
    ] {
        assert_eq!(statistics[field], value, "{field}");
    }
    assert!(statistics["MaxTotalSeconds"].as_f64().unwrap() > 0.0);
    assert_eq!(world.get("/api/end-downtime/db/3307").await.status, 200);
    let writes = world.get("/api/backend-query-metrics-aggregated/60").await.json();
    assert!(writes["Count"].as_u64().unwrap() > 0 && writes["MaxLatencySeconds"].as_f64().unwrap() > 0.0);
    world.engine.flush_writes().await.unwrap();
    let flushes = world.get("/api/write-buffer-metrics-aggregated/60").await.json();
    assert_eq!(flushes["InstanceWriteBufferSize"], 100);
    assert!(flushes["CountInstances"].as_u64().unwrap() > 0, "{flushes}");
    for (path, message) in [
        ("discovery-metrics-raw/x", "Invalid value provided for seconds"),
        ("discovery-metrics-raw/0", "Invalid value provided for seconds"),
        ("discovery-queue-metrics-raw/x", "Unable to generate discovery queue raw metrics"),
        ("discovery-queue-metrics-aggregated/x", "Unable to generate discovery queue aggregated metrics"),
        (
            "discovery-queue-metrics-raw/OTHER/60",
            "Unable to generate discovery queue aggregated metrics for unknown queue",
        ),
        ("backend-query-metrics-raw/x", "Unable to generate raw backend query metrics"),
        ("backend-query-metrics-aggregated/x", "Unable to aggregated generate backend query metrics"),
        ("write-buffer-metrics-raw/x", "Unable to generate raw instance write buffer metrics"),
        ("write-buffer-metrics-aggregated/x", "Unable to aggregated instance write buffer metrics"),
    ] {
        let answer = world.get(&format!("/api/{path}")).await;
        assert_eq!((answer.status, answer.json()["Message"].as_str()), (500, Some(message)), "{path}");
    }
    assert_eq!(world.get("/api/discovery-metrics-aggregated/x").await.json()["SuccessfulDiscoveries"], 0);
    assert_eq!(world.get("/api/discovery-queue-metrics-raw/-5").await.body, "[]", "negative is none");
}

#[tokio::test]
async fn topologies_of_the_past_are_shown_by_their_moment() {
    let world = World::new().await;
    assert_eq!(world.get("/api/topology/shop?pattern=%25").await.json()["Details"], "");
    assert_eq!(world.call(Method::POST, "/api/snapshot-topologies").await.status, 200);
    let past = "db:3306\n- db:3307\n- db:3308";
    for path in ["topology/shop?pattern=%25", "topology-tags/shop?pattern=_%25"] {
        assert_eq!(world.get(&format!("/api/{path}")).await.json()["Details"], past, "{path}");
    }
    assert_eq!(world.get("/api/topology/shop?pattern=x").await.json()["Details"], "");
}
