//! Everything a client can get wrong.

use axum::body::Body;
use axum::http::{Method, Request};

use crate::world::World;

fn error(message: &str) -> String {
    format!(r#"{{"Code":"ERROR","Message":"{message}","Details":null}}"#)
}

#[tokio::test]
async fn unknown_servers_and_clusters_and_bad_input_are_named() {
    let world = World::new().await;
    for (path, message) in [
        ("instance/nosuch/3306", "Cannot read instance: nosuch:3306"),
        ("instance/db/33o6", "Invalid port: 33o6"),
        ("instance/db/70000", "Invalid port: 70000"),
        ("cluster/nosuch", "Unable to determine cluster name. clusterHint=nosuch"),
        ("topology/nosuch", "Unable to determine cluster name. clusterHint=nosuch"),
        ("cluster-info/alias/nosuch", "No cluster found for alias nosuch"),
        ("tag-value/db/3306/role", "tag role not found for db:3306"),
        ("tag-value/db/3306", "Unable to parse tag: "),
        ("tagged", "Unable to parse tag: "),
        ("ack-all-recoveries", "No acknowledge comment given"),
        ("ack-recovery/instance/db/3306?comment=%20", "No acknowledge comment given"),
        ("ack-recovery/x?comment=done", "Invalid recovery id: x"),
        ("register-candidate/db/3307/must", "CandidatePromotionRule: must not supported yet"),
        ("register-candidate/db/3307/maybe", "Invalid CandidatePromotionRule: maybe"),
        ("begin-downtime/db/3307/ops/disk/xx", "Cannot parse simple time: xx"),
        ("forget/nosuch/3306", "ForgetInstance(): instance nosuch:3306 not found"),
    ] {
        let answer = world.get(&format!("/api/{path}")).await;
        assert_eq!((answer.status, answer.body), (500, error(message)), "{path}");
    }
    let answer = world.get("/api/can-replicate-from/db/3306/db/3306").await;
    assert_eq!(answer.status, 500);
    assert_eq!(
        answer.body,
        error("instance cannot replicate from itself: db:3306"),
        "one reason, no details"
    );
    let answer = world.get("/api/discover/db/9").await;
    assert_eq!(answer.status, 500);
    assert!(answer.json()["Message"].as_str().unwrap().contains("connection refused"), "{}", answer.body);
    let answer = world.get("/api/recover/db/3306").await;
    assert_eq!(answer.status, 500);
    assert_eq!(answer.json()["Message"], "Recovery not attempted");
    assert_eq!(answer.json()["Details"], serde_json::json!({ "Hostname": "db", "Port": 3306 }));
    assert!(answer.json()["Reasons"][0].is_string(), "{}", answer.body);
}

#[tokio::test]
async fn paths_that_mean_nothing_are_not_found_in_json() {
    let world = World::new().await;
    for path in
        ["/api/nosuch", "/api/", "/api", "/nosuch", "/api/instance/db", "/api//clusters", "/api/clusters//"]
    {
        let answer = world.get(path).await;
        assert_eq!(
            (answer.status, answer.body),
            (404, error(&format!("404 page not found: {path}"))),
            "{path}"
        );
    }
    assert_eq!(world.get("/api/clusters/").await.status, 200, "one trailing slash is accepted");
}

#[tokio::test]
async fn wrong_methods_find_nothing_and_change_nothing() {
    let world = World::new().await;
    for (method, path) in [
        (Method::POST, "/api/clusters"),
        (Method::DELETE, "/api/clusters"),
        (Method::PUT, "/api/end-downtime/db/3307"),
    ] {
        let answer = world.call(method.clone(), path).await;
        let expected = (404, error(&format!("404 page not found: {path}")));
        assert_eq!((answer.status, answer.body), expected, "{method} {path}");
    }
    let answer = world.call(Method::HEAD, "/api/begin-downtime/db/3307/ops/disk").await;
    assert_eq!(answer.status, 405);
    assert_eq!(answer.headers["allow"], "GET, POST");
    assert!(world.engine.fleet().downtimes.is_empty(), "a refused HEAD changed something");
    assert_eq!(world.call(Method::HEAD, "/api/clusters").await.status, 200);
}

async fn post(world: &World, body: impl Into<Body>) -> (u16, String) {
    let request = Request::post("/api/ack-all-recoveries").body(body.into()).unwrap();
    let answer = world.send(request).await;
    (answer.status, answer.json()["Message"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn bodies_are_read_or_refused() {
    let world = World::new().await;
    assert_eq!(post(&world, r#"{"comment":"done"}"#).await, (200, "Acknowledged all recoveries".to_owned()));
    let (status, message) = post(&world, r#"{"comment":"#).await;
    assert_eq!(status, 400);
    assert!(message.starts_with("cannot read the body: EOF while parsing"), "{message}");
    assert_eq!(
        post(&world, "[1]").await,
        (400, "cannot read the body: expected a JSON object of parameters".to_owned())
    );
    let (status, message) = post(&world, r#"{"comment":["x"]}"#).await;
    assert_eq!(
        (status, message.as_str()),
        (400, "cannot read the body: comment must be a text, number or boolean")
    );
    assert_eq!(post(&world, vec![0xff_u8, 0xfe]).await.0, 400);
    let large = format!(r#"{{"comment":"{}"}}"#, "x".repeat(70_000));
    assert_eq!(post(&world, large).await, (413, "the body is larger than 65536 bytes".to_owned()));
    let form = Request::post("/api/ack-all-recoveries")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from("comment=all+done"))
        .unwrap();
    assert_eq!(world.send(form).await.json()["Details"], "all done");
}

#[tokio::test]
async fn a_body_that_never_ends_is_given_up() {
    let world = World::new().await;
    tokio::time::pause();
    let endless = Body::from_stream(futures_util::stream::pending::<Result<Vec<u8>, std::io::Error>>());
    assert_eq!(post(&world, endless).await, (408, "the body did not arrive within 10 seconds".to_owned()));
}
