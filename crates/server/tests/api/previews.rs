//! Plans that are shown before anything is done.

use axum::http::Method;
use serde_json::{Value, json};

use crate::world::{World, key};

async fn shown(world: &World, path: &str) -> Value {
    let answer = world.get(&format!("/api/{path}")).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    answer.json()
}

#[tokio::test]
async fn a_failover_is_shown_in_every_form_and_nothing_is_done() {
    let world = World::new().await;
    for (path, port) in [
        ("plan-failover/shop", 3307),
        ("plan-failover/db/3306", 3307),
        ("plan-failover/shop/db/3308", 3308),
        ("plan-failover/db/3306/db/3308", 3308),
    ] {
        let plan = shown(&world, path).await;
        let ports = (plan["Primary"]["Port"].as_u64(), plan["Promoted"]["Port"].as_u64());
        assert_eq!(ports, (Some(3306), Some(port)), "{path}: {plan}");
        let chosen = &plan["Ranking"][0];
        assert_eq!((&chosen["Key"]["Port"], &chosen["Lacks"]), (&json!(port), &json!(0)), "{plan}");
        let fates: Vec<&str> = plan["Replicas"].as_array().unwrap().iter().map(fate).collect();
        assert!(
            fates.contains(&"is promoted") && fates.contains(&"replicates from the new primary"),
            "{plan}"
        );
        assert_eq!(
            (&plan["Lost"], &plan["Lacking"], &plan["PossibleLoss"]),
            (&json!([]), &json!([]), &Value::Null)
        );
        let phases: Vec<&str> =
            plan["Plans"].as_array().unwrap().iter().filter_map(|phase| phase["Phase"].as_str()).collect();
        assert_eq!(phases, ["collect", "drain", "promote"]);
        let opening = steps(&plan).into_iter().find(|step| step["Action"] == "make writable").unwrap();
        assert_eq!(opening["Key"]["Port"], port, "{opening}");
        assert!(opening["DeadlineSeconds"].as_f64().is_some_and(|seconds| seconds > 0.0), "{opening}");
    }
    assert_eq!(shown(&world, "audit-recovery").await, json!([]));
    assert!(world.engine.fleet().get(&key(3307)).unwrap().read_only);
}

fn fate(replica: &Value) -> &str {
    replica["Fate"].as_str().unwrap_or_default()
}

fn steps(plan: &Value) -> Vec<&Value> {
    let phases = plan["Plans"].as_array().unwrap().iter();
    phases.flat_map(|phase| phase["Steps"].as_array().unwrap()).collect()
}

#[tokio::test]
async fn what_was_shown_is_what_is_done() {
    let world = World::new().await;
    world.change_and_read(&key(3307), |replica| replica.log_replica_updates = false).await;
    let plan = shown(&world, "plan-failover/shop").await;
    world.kill_primary().await;
    let done = world.call(Method::POST, "/api/recover/db/3306").await.json();
    assert_eq!(plan["Promoted"], done["Details"], "{plan} {done}");
}

#[tokio::test]
async fn a_failover_that_would_promote_nobody_says_why() {
    let world = World::new().await;
    for port in [3307, 3308] {
        let registered =
            world.call(Method::POST, &format!("/api/register-candidate/db/{port}/must_not")).await;
        assert_eq!(registered.status, 200, "{}", registered.body);
    }
    let refused = world.get("/api/plan-failover/shop").await;
    let message = refused.json()["Message"].as_str().unwrap_or_default().to_owned();
    assert_eq!(refused.status, 500);
    assert!(message.contains("db:3307") && message.contains("db:3308"), "{message}");
    let other = world.get("/api/plan-failover/shop/db/9999").await;
    assert_eq!((other.status, other.json()["Message"].as_str()), (500, Some("Instance not found")));
}

#[tokio::test]
async fn a_takeover_is_shown_in_every_form_and_nothing_is_done() {
    let world = World::new().await;
    for path in [
        "plan-takeover/shop",
        "plan-takeover/db/3306",
        "plan-takeover/shop/db/3307",
        "plan-takeover/db/3306/db/3307",
    ] {
        let plan = shown(&world, path).await;
        assert_eq!(
            (&plan["Primary"]["Port"], &plan["Promoted"]["Port"]),
            (&json!(3306), &json!(3307)),
            "{path}"
        );
        assert_eq!(plan["MovedBeforePause"][0]["Port"], 3308, "{plan}");
        let closing = steps(&plan).into_iter().find(|step| step["Action"] == "make read-only").unwrap();
        assert_eq!((&closing["Key"]["Port"], &closing["UndoneBy"]), (&json!(3306), &json!("make writable")));
    }
    assert_eq!(shown(&world, "audit-recovery").await, json!([]));
    assert!(!world.engine.fleet().get(&key(3306)).unwrap().read_only);
    let refused = world.get("/api/plan-takeover/shop/db/9999").await;
    assert_eq!(refused.status, 500, "{}", refused.body);
}
