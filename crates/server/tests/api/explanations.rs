//! Explanations: the reasons that only records and this process know.

use crate::world::World;

#[tokio::test]
async fn a_server_is_explained_with_source_time_reason_and_change() {
    let world = World::new().await;
    let told = world.get("/api/explain/db/3306").await.json();
    assert_eq!(told["Analysis"], "NoProblem");
    assert_eq!(told["WillAct"], false);
    let seen = &told["Seen"][1];
    assert_eq!(seen["Source"]["Port"], 3307);
    assert!(seen["At"].as_str().is_some_and(|at| at.ends_with('Z')), "{told}");
    let reason = &told["Reasons"][0];
    assert_eq!(reason["Reason"], "reachable");
    assert_eq!(reason["Until"], serde_json::Value::Null);
    assert!(reason["Change"].as_str().is_some_and(|change| !change.is_empty()));
    assert!(told["NearlyMatched"].as_array().is_some_and(|missed| !missed.is_empty()), "{told}");
    let cluster = world.get("/api/explain-cluster/shop").await.json();
    assert_eq!(cluster.as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn what_is_not_known_is_not_explained() {
    let world = World::new().await;
    let answer = world.get("/api/explain/nosuch/3306").await;
    assert_eq!(answer.status, 500);
    assert_eq!(answer.json()["Message"], "Cannot read instance: nosuch:3306");
}
