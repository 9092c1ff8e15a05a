//! What is not part of the API, but for the web pages: metrics, prefix and status path.

use axum::body::Body;
use axum::http::Request;

use crate::world::World;

#[tokio::test]
async fn metrics_are_served_in_both_forms() {
    let world = World::new().await;
    assert_eq!(world.get("/api/discover/db/3307").await.status, 200);
    assert_eq!(world.get("/api/discover/db/9").await.status, 500);
    let text = world.get("/metrics").await.body;
    for line in [
        "# TYPE orchestrator_discoveries_total counter",
        "orchestrator_discoveries_total 2",
        "orchestrator_discovery_failures_total 1",
        "orchestrator_instances 3",
        "orchestrator_clusters 1",
        "orchestrator_is_active 1",
        "orchestrator_recoveries_total{kind=\"dead_master\",outcome=\"start\"} 0",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} in:\n{text}");
    }
    let flat = world.get("/debug/metrics").await.json();
    assert_eq!(flat["discoveries.attempt"], 2);
    assert_eq!(flat["discoveries.fail"], 1);
    assert_eq!(flat["recover.dead_master.start"], 0);
    assert!(flat["cmdline"].is_array() && flat["memstats"].is_object());
    assert_eq!(world.get("/debug/pprof").await.status, 404);
}

#[tokio::test]
async fn a_prefix_stands_before_every_path() {
    let world = World::with_settings(r#""URLPrefix":"orc/","StatusEndpoint":"/alive""#).await;
    assert_eq!(world.get("/orc/api/clusters").await.status, 200);
    assert_eq!(world.get("/orc/metrics").await.status, 200);
    for path in ["/api/clusters", "/orcapi/clusters", "/metrics"] {
        assert_eq!(world.get(path).await.status, 404, "{path}");
    }
    for path in ["/alive", "/orc/alive", "/orc/api/status"] {
        let answer = world.get(path).await;
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.json()["Message"], "Application node is healthy");
    }
}

#[tokio::test]
async fn health_tells_this_node() {
    let world = World::new().await;
    let details = world.get("/api/health").await.json()["Details"].clone();
    assert_eq!(details["Healthy"], true);
    assert_eq!(details["Hostname"], "orc1");
    assert_eq!(details["IsActiveNode"], true);
    assert_eq!(details["ActiveNode"]["Hostname"], "orc1");
    assert_eq!(details["AvailableNodes"][0]["DBBackend"], ":memory:");
    assert_eq!(details["AvailableNodes"][0]["AppVersion"], "1.2.3");
    assert_eq!(details["RaftHealthyMembers"], serde_json::Value::Null);
}

#[tokio::test]
async fn figures_are_sent_to_graphite_periodically() {
    use tokio::io::AsyncReadExt;
    let graphite = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let settings = format!(
        r#""ListenAddress":"127.0.0.1:0","GraphiteAddr":"{}","GraphitePath":"test.{{hostname}}","GraphitePollSeconds":1"#,
        graphite.local_addr().unwrap()
    );
    let world = World::with_settings(&settings).await;
    let listener = server::http::Listener::bind(&world.engine.settings()).await.unwrap();
    let stop = tokio_util::sync::CancellationToken::new();
    let app = server::http::App::new(world.engine.clone());
    world.engine.supervisor().start_loop("server", server::http::serve(listener, app, stop.clone()));
    for _ in 0..2 {
        let (mut stream, _) = graphite.accept().await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        assert!(text.starts_with("test.orc1."), "{text}");
        assert!(
            text.lines().any(|line| line.starts_with("test.orc1.discoveries.attempt.count 0 ")),
            "{text}"
        );
        assert!(text.lines().all(|line| line.split(' ').count() == 3), "{text}");
    }
    stop.cancel();
    world.engine.shut_down().await;
}

#[tokio::test]
async fn large_answers_are_compressed_for_those_who_ask() {
    let world = World::new().await;
    let ask = async |path: &str, coding: &str| {
        let request = Request::get(path).header("accept-encoding", coding).body(Body::empty()).unwrap();
        world.send_raw(request).await
    };
    let (headers, plain) = ask("/api/all-instances", "identity").await;
    assert!(!headers.contains_key("content-encoding"));
    let (headers, small) = ask("/api/all-instances", "deflate, gzip").await;
    assert_eq!(
        (&headers["content-encoding"], &headers["vary"]),
        (&"gzip".parse().unwrap(), &"Accept-Encoding".parse().unwrap())
    );
    assert!(small.len() < plain.len() / 3, "{} of {}", small.len(), plain.len());
    let mut unpacked = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(small.as_slice()), &mut unpacked).unwrap();
    // The age of what is known is told in seconds, and one may have passed.
    assert_eq!(unpacked.len(), plain.len());
    let (headers, body) = ask("/api/clusters", "gzip").await;
    assert!(!headers.contains_key("content-encoding") && body == br#"["db:3306"]"#, "not worth it");
}
