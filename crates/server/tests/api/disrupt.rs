//! Routes that change something, all of them; and the ways to another primary in each of their forms.

use axum::http::Method;
use futures_util::StreamExt;
use registry::{Effect, operations};

use crate::world::World;

/// A route with its parameters filled in, by their names.
fn filled(route: &str) -> String {
    let value = |name: &str| match name {
        "host" | "belowHost" | "designatedHost" | "candidateHost" | "siblingHost" => "db",
        "port" | "designatedPort" | "candidatePort" => "3307",
        "belowPort" | "siblingPort" => "3308",
        "clusterHint" | "clusterName" | "clusterAlias" => "shop",
        "process" | "id" | "maintenanceKey" => "7",
        "duration" => "1m",
        "seconds" => "1",
        "promotionRule" => "prefer",
        "logFile" => "bin.000001",
        "virtualname" | "virtualName" => "db-vip",
        _ => "x",
    };
    let segments = route.split('/').map(|segment| segment.strip_prefix(':').map_or(segment, value));
    segments.collect::<Vec<_>>().join("/")
}

#[tokio::test]
async fn every_changing_route_answers_in_an_envelope() {
    let changing = operations().iter().filter(|operation| operation.effect != Effect::Read);
    let paths =
        changing.flat_map(|operation| operation.routes).map(|route| format!("/api/{}", filled(route)));
    // Some wait for servers that never get anywhere, so all are asked at the same time.
    let count = futures_util::stream::iter(paths).map(check_envelope).buffer_unordered(32).count().await;
    assert!(count > 100, "{count} routes");
}

async fn check_envelope(path: String) {
    let world = World::new().await;
    let answer = world.call(Method::POST, &path).await;
    assert!([200, 500].contains(&answer.status), "{path}: {} {}", answer.status, answer.body);
    let json = answer.json();
    // A few answer with the bare value, as they always did.
    let message = json["Message"].as_str().unwrap_or_default();
    assert!(!message.contains("ended by a defect"), "{path}: {message}");
    if answer.status == 500 {
        assert_eq!(json["Code"], "ERROR", "{path}");
        assert!(!message.is_empty(), "{path}");
    }
}

/// What a takeover or failover answered: status, message, promoted port.
async fn promoted(world: &World, path: &str) -> (u16, String, u64) {
    let answer = world.call(Method::POST, &format!("/api/{path}")).await;
    let json = answer.json();
    let successor = &json["Details"]["SuccessorKey"];
    let port = successor["Port"].as_u64().or(json["Details"]["Port"].as_u64()).unwrap_or_default();
    (answer.status, json["Message"].as_str().unwrap_or_default().to_owned(), port)
}

#[tokio::test]
async fn a_dead_primary_is_recovered_from_in_every_form() {
    for (path, port) in [
        ("recover/db/3306", 3307),
        ("recover/db/3306/db/3308", 3308),
        ("recover-lite/db/3306", 3307),
        ("recover-lite/db/3306/db/3308", 3308),
    ] {
        let world = World::new().await;
        world.kill_primary().await;
        let wanted = (200, "Recovery executed on db:3306".to_owned(), port);
        assert_eq!(promoted(&world, path).await, wanted, "{path}");
    }
    for (path, port) in [
        ("force-master-failover/shop", 3307),
        ("force-master-failover/db/3306", 3307),
        ("force-master-takeover/shop/db/3308", 3308),
        ("force-master-takeover/db/3306/db/3308", 3308),
    ] {
        let world = World::new().await;
        world.kill_primary().await;
        let wanted = (200, "Master failed over".to_owned(), port);
        assert_eq!(promoted(&world, path).await, wanted, "{path}");
    }
}

#[tokio::test]
async fn a_living_primary_hands_over_in_every_form() {
    for (form, port) in [("shop/db/3308", 3308), ("db/3306/db/3308", 3308), ("shop", 3307), ("db/3306", 3307)]
    {
        for (command, chooses) in
            [("graceful-master-takeover", false), ("graceful-master-takeover-auto", true)]
        {
            let world = World::new().await;
            let path = format!("{command}/{form}");
            let (status, message, found) = promoted(&world, &path).await;
            if form.ends_with("3308") || chooses {
                let wanted = "graceful-master-takeover: successor promoted";
                assert_eq!((status, message.as_str(), found), (200, wanted, port), "{path}");
            } else {
                // Two replicas, and none was named.
                assert_eq!((status, found), (500, 0), "{path}: {message}");
            }
        }
    }
}

#[tokio::test]
async fn statements_are_ended_by_their_number() {
    let world = World::new().await;
    let answer = world.call(Method::POST, "/api/kill-query/db/3307/7").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.json()["Message"], "Query killed on : db:3307");
    for process in ["8", "x"] {
        assert_eq!(world.get(&format!("/api/kill-query/db/3307/{process}")).await.status, 500, "{process}");
    }
}

#[tokio::test]
async fn the_analysis_says_what_could_be_recovered() {
    let world = World::new().await;
    world.kill_primary().await;
    for path in ["", "/shop", "/db:3306", "/instance/db/3306"] {
        let found = world.get(&format!("/api/replication-analysis{path}")).await.json()["Details"].clone();
        let dead =
            found.as_array().unwrap().iter().find(|entry| entry["AnalyzedInstanceKey"]["Port"] == 3306);
        let dead = dead.unwrap_or_else(|| panic!("{path}: {found}"));
        assert_eq!(
            (dead["Analysis"].as_str(), dead["IsActionableRecovery"].as_bool()),
            (Some("DeadMaster"), Some(true))
        );
    }
    for path in ["/other", "/instance/db/3308"] {
        let found = world.get(&format!("/api/replication-analysis{path}")).await.json()["Details"].clone();
        assert_eq!(found.to_string(), "[]", "{path}");
    }
}
