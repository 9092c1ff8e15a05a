//! Routes that change something, asked by GET as ever and by POST.

use axum::http::Method;

use crate::world::{World, key};

const KEY: &str = r#"{"Hostname":"db","Port":3307}"#;

#[tokio::test]
async fn downtime_begins_shows_and_ends() {
    let world = World::new().await;
    let answer = world.get("/api/begin-downtime/db/3307/ops/disk%2Ffan/30m").await;
    assert_eq!(
        answer.body,
        format!(r#"{{"Code":"OK","Message":"Downtime begun: db:3307","Details":{KEY}}}"#)
    );
    let downtimed = world.get("/api/downtimed").await.json();
    assert_eq!(downtimed[0]["Key"]["Port"], 3307);
    assert_eq!(downtimed[0]["DowntimeReason"], "disk/fan");
    assert_eq!(downtimed[0]["DowntimeOwner"], "ops");
    let audit = world.get("/api/audit/instance/db/3307").await.json();
    assert_eq!(audit[0]["AuditType"], "begin-downtime");
    let answer = world.call(Method::POST, "/api/end-downtime/db/3307").await;
    assert_eq!(
        answer.body,
        format!(r#"{{"Code":"OK","Message":"Downtime ended: db:3307","Details":{KEY}}}"#)
    );
    assert_eq!(world.get("/api/downtimed").await.body, "[]");
    assert_eq!(world.get("/api/end-downtime/db/3307").await.status, 200, "ending what has ended is no error");
}

#[tokio::test]
async fn servers_are_changed_and_shown_as_read_afterwards() {
    let world = World::new().await;
    for (path, message, field, value) in [
        ("set-writeable/db/3307", "Server set as writeable", "ReadOnly", "false"),
        ("set-read-only/db/3307", "Server set as read-only", "ReadOnly", "true"),
        ("stop-replica/db/3307", "Replica stopped: db:3307", "ReplicationSQLThreadState", "0"),
        ("start-slave/db/3307", "Replica started: db:3307", "ReplicationSQLThreadState", "1"),
        ("restart-replica/db/3307", "Replica restarted: db:3307", "ReplicationIOThreadState", "1"),
    ] {
        let answer = world.call(Method::POST, &format!("/api/{path}")).await.json();
        assert_eq!(answer["Message"], message, "{path}: {answer}");
        assert_eq!(answer["Details"][field].to_string(), value, "{path}");
    }
    let answer = world.get("/api/stop-replica/db/3306").await;
    assert_eq!(answer.status, 500);
    assert_eq!(answer.json()["Message"], "instance is not a replica: db:3306");
}

#[tokio::test]
async fn servers_are_discovered_refreshed_registered_and_forgotten() {
    let world = World::new().await;
    let answer = world.get("/api/discover/db/3307").await.json();
    assert_eq!(
        (answer["Message"].as_str(), answer["Details"]["Key"]["Port"].as_u64()),
        (Some("Instance discovered: db:3307"), Some(3307))
    );
    let answer = world.get("/api/async-discover/db/3307").await.json();
    assert_eq!(answer["Message"], "Asynchronous discovery initiated for Instance: db:3307");
    assert_eq!(answer["Details"]["Key"].to_string(), KEY);
    let answer = world.get("/api/refresh/db/3307").await.body;
    assert_eq!(answer, format!(r#"{{"Code":"OK","Message":"Instance refreshed: db:3307","Details":{KEY}}}"#));
    let answer = world.get("/api/register-candidate/db/3307/prefer").await.body;
    assert_eq!(answer, format!(r#"{{"Code":"OK","Message":"Registered candidate","Details":{KEY}}}"#));
    let rules = world.get("/api/bulk-promotion-rules").await.json();
    let names: Vec<&String> = rules[0].as_object().unwrap().keys().collect();
    assert_eq!(names, ["Hostname", "Port", "PromotionRule", "LastSuggestedString", "PromotionRuleExpiry"]);
    assert_eq!(world.get("/api/instance/db/3307").await.json()["IsCandidate"], true);
    let answer = world.get("/api/forget/db/3307").await.body;
    assert_eq!(answer, format!(r#"{{"Code":"OK","Message":"Instance forgotten: db:3307","Details":{KEY}}}"#));
    assert!(world.engine.fleet().get(&key(3307)).is_none());
    let answer = world.get("/api/forget-cluster/shop").await.body;
    assert_eq!(answer, r#"{"Code":"OK","Message":"Cluster forgotten: db:3306","Details":null}"#);
    assert_eq!(world.get("/api/all-instances").await.body, "[]");
}

#[tokio::test]
async fn a_part_of_a_name_is_not_enough_to_forget() {
    let world = World::new().await;
    assert_eq!(world.get("/api/forget/d/3307").await.status, 500);
    assert!(world.engine.fleet().get(&key(3307)).is_some());
}

#[tokio::test]
async fn recoveries_are_switched_and_acknowledged() {
    let world = World::new().await;
    for (path, body) in [
        (
            "disable-global-recoveries",
            r#"{"Code":"OK","Message":"Globally disabled recoveries","Details":"disabled"}"#,
        ),
        (
            "check-global-recoveries",
            r#"{"Code":"OK","Message":"Global recoveries disabled","Details":"disabled"}"#,
        ),
        (
            "enable-global-recoveries",
            r#"{"Code":"OK","Message":"Globally enabled recoveries","Details":"enabled"}"#,
        ),
        (
            "ack-all-recoveries?comment=all%20done%0A",
            r#"{"Code":"OK","Message":"Acknowledged all recoveries","Details":"all done"}"#,
        ),
        (
            "ack-recovery/cluster/shop?comment=x",
            r#"{"Code":"OK","Message":"Acknowledged cluster recoveries","Details":"db:3306"}"#,
        ),
        (
            "ack-recovery/cluster/alias/shop?comment=x",
            r#"{"Code":"OK","Message":"Acknowledged cluster recoveries","Details":"db:3306"}"#,
        ),
        (
            "ack-recovery/instance/db/3307?comment=x",
            r#"{"Code":"OK","Message":"Acknowledged instance recoveries","Details":{"Hostname":"db","Port":3307}}"#,
        ),
        ("ack-recovery/7?comment=x", r#"{"Code":"OK","Message":"Acknowledged recovery","Details":"7"}"#),
        (
            "ack-recovery/uid/1:ab?comment=x",
            r#"{"Code":"OK","Message":"Acknowledged recovery","Details":"1:ab"}"#,
        ),
    ] {
        let answer = world.get(&format!("/api/{path}")).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, body), "{path}");
    }
}

#[tokio::test]
async fn binlog_servers_are_regrouped_below_the_one_that_received_most() {
    let mut servers = crate::world::cluster();
    for (server, received) in servers.iter_mut().skip(1).zip([200, 300]) {
        server.version = model::ServerVersion::new("2.1.0-maxscale", "");
        server.replication.oracle_gtid = false;
        server.supports_oracle_gtid = false;
        server.replication.read = model::BinlogCoordinates::binary("bin.000001", received);
        server.replication.exec = server.replication.read.clone();
    }
    let world = World::with_servers("", servers).await;
    let answer = world.call(Method::POST, "/api/regroup-slaves-bls/db/3306").await;
    assert_eq!(
        answer.body,
        r#"{"Code":"OK","Message":"promoted binlog server: db:3308","Details":{"Hostname":"db","Port":3308}}"#
    );
    let moved = world.get("/api/refresh/db/3307").await;
    assert_eq!(moved.status, 200, "{}", moved.body);
    let moved = world.get("/api/instance/db/3307").await.json();
    assert_eq!(moved["MasterKey"]["Port"], 3308);
    let answer = world.call(Method::POST, "/api/regroup-replicas-bls/db/3307").await;
    assert_eq!(answer.json()["Message"], "No binlog servers found below db:3307");
}
