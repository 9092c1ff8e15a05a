//! Who may do what.

use axum::body::Body;
use axum::http::Request;

use crate::world::{Answer, World};

const UNAUTHORIZED: &str = r#"{"Code":"ERROR","Message":"Unauthorized","Details":null}"#;
const CHANGE: &str = "/api/end-downtime/db/3307";
const READ: &str = "/api/clusters";

async fn with(world: &World, path: &str, header: (&str, &str)) -> Answer {
    world.send(Request::get(path).header(header.0, header.1).body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn basic_authentication_guards_everything() {
    let world = World::with_settings(
        r#""AuthenticationMethod":"basic","HTTPAuthUser":"ops","HTTPAuthPassword":"tiger""#,
    )
    .await;
    // ops:tiger, ops:lion, readonly:x
    let (right, wrong, reader) = ("Basic b3BzOnRpZ2Vy", "Basic b3BzOmxpb24=", "Basic cmVhZG9ubHk6eA==");
    for path in [READ, CHANGE, "/", "/metrics"] {
        let answer = world.get(path).await;
        assert_eq!(
            (answer.status, answer.json()["Message"].as_str()),
            (401, Some("Not Authorized")),
            "{path}"
        );
        assert_eq!(answer.headers["www-authenticate"], "Basic realm=\"Authorization Required\"");
    }
    for header in [wrong, reader, "Basic ???", "Bearer x", "Basic"] {
        assert_eq!(with(&world, READ, ("authorization", header)).await.status, 401, "{header}");
    }
    assert_eq!(with(&world, CHANGE, ("authorization", right)).await.status, 200);
}

#[tokio::test]
async fn multi_authentication_lets_the_reader_read() {
    let world = World::with_settings(
        r#""AuthenticationMethod":"multi","HTTPAuthUser":"ops","HTTPAuthPassword":"tiger""#,
    )
    .await;
    let reader = ("authorization", "Basic cmVhZG9ubHk6eA==");
    assert_eq!(with(&world, READ, reader).await.status, 200);
    let answer = with(&world, CHANGE, reader).await;
    assert_eq!((answer.status, answer.body.as_str()), (500, UNAUTHORIZED));
    assert_eq!(with(&world, CHANGE, ("authorization", "Basic b3BzOnRpZ2Vy")).await.status, 200);
    assert_eq!(world.get(READ).await.status, 401);
}

#[tokio::test]
async fn behind_a_proxy_power_users_change_and_others_read() {
    let world = World::with_settings(r#""AuthenticationMethod":"proxy","PowerAuthUsers":["ann"]"#).await;
    assert_eq!(world.get(READ).await.status, 200);
    assert_eq!(world.get(CHANGE).await.body, UNAUTHORIZED);
    assert_eq!(with(&world, CHANGE, ("x-forwarded-user", "bob")).await.body, UNAUTHORIZED);
    assert_eq!(with(&world, CHANGE, ("X-Forwarded-User", "ann")).await.status, 200);
}

#[tokio::test]
async fn a_proxy_that_names_nobody_gives_nobody_power() {
    let world = World::with_settings(r#""AuthenticationMethod":"proxy","PowerAuthUsers":["*"]"#).await;
    assert_eq!(world.get(CHANGE).await.body, UNAUTHORIZED);
    assert_eq!(with(&world, CHANGE, ("x-forwarded-user", "anybody")).await.status, 200);
}

#[tokio::test]
async fn read_only_and_oauth_refuse_every_change() {
    for settings in
        [r#""ReadOnly":true"#, r#""AuthenticationMethod":"oauth""#, r#""AuthenticationMethod":"token""#]
    {
        let world = World::with_settings(settings).await;
        assert_eq!(world.get(READ).await.status, 200, "{settings}");
        assert_eq!(world.get(CHANGE).await.body, UNAUTHORIZED, "{settings}");
    }
}

#[tokio::test]
async fn the_acknowledging_user_is_the_authenticated_one() {
    let world = World::with_settings(r#""AuthenticationMethod":"proxy","PowerAuthUsers":["ann"]"#).await;
    let answer = with(&world, "/api/ack-all-recoveries?comment=done", ("x-forwarded-user", "ann")).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}

#[tokio::test]
async fn pages_of_other_sites_cannot_change_anything() {
    let world = World::new().await;
    for header in
        [("sec-fetch-site", "cross-site"), ("sec-fetch-site", "same-site"), ("origin", "http://evil.example")]
    {
        let request = Request::get(CHANGE).header("host", "orc:3000").header(header.0, header.1);
        let answer = world.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, 403, "{header:?}");
        assert_eq!(with(&world, READ, header).await.status, 200, "{header:?}");
    }
}

#[tokio::test]
async fn messages_carry_the_identity_of_the_node_when_asked() {
    let world =
        World::with_settings(r#""PrependMessagesWithOrcIdentity":"custom","CustomOrcIdentity":"west""#).await;
    let answer = world.get("/api/check-global-recoveries").await.json();
    assert_eq!(answer["Message"], "Orchestrator west says: Global recoveries enabled");
    let answer = world.get("/api/cluster/nosuch").await.json();
    assert!(answer["Message"].as_str().unwrap().starts_with("Orchestrator west says: Unable"));
}

#[tokio::test]
async fn a_redeemed_token_allows_changes_until_it_lapses() {
    let world = World::with_settings(r#""AuthenticationMethod":"token","URLPrefix":"/orc""#).await;
    let public = world.engine.issue_token("ann").await.unwrap();
    let page = format!("/orc/web/access-token?publicToken={public}");
    let change = "/orc/api/end-downtime/db/3307";
    assert_eq!(world.call(axum::http::Method::HEAD, &page).await.status, 405, "looking redeems nothing");
    let answer = world.get(&page).await;
    assert_eq!((answer.status, answer.headers["location"].to_str().unwrap()), (302, "../"));
    let cookie = answer.headers["set-cookie"].to_str().unwrap().to_owned();
    assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Strict"), "{cookie}");
    let value = cookie.split(';').next().unwrap();
    assert!(value.starts_with(&format!("access-token={public}:")), "{value}");

    let answer = with(&world, change, ("cookie", value)).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let wrong = format!("access-token={public}:{}", "0".repeat(64));
    for header in [("cookie", wrong.as_str()), ("cookie", "access-token=x"), ("x-none", "")] {
        assert_eq!(with(&world, change, header).await.body, UNAUTHORIZED, "{header:?}");
    }
    let again = world.get(&page).await;
    assert_eq!(again.status, 200, "clients know failures of this page by their body");
    assert_eq!(
        again.body,
        format!(r#"{{"Code":"ERROR","Message":"Cannot acquire token {public}","Details":null}}"#)
    );
    assert_eq!(world.get("/orc/web/access-token").await.json()["Code"], "ERROR");

    let read_only = World::with_settings(r#""AuthenticationMethod":"token","ReadOnly":true"#).await;
    assert_eq!(with(&read_only, CHANGE, ("cookie", value)).await.body, UNAUTHORIZED);
}

#[tokio::test]
async fn a_token_that_has_lapsed_allows_nothing() {
    let world = World::with_settings(r#""AuthenticationMethod":"token","AccessTokenExpiryMinutes":0"#).await;
    let public = world.engine.issue_token("ann").await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    let answer = world.get(&format!("/web/access-token?publicToken={public}")).await;
    assert_eq!(answer.json()["Message"], format!("Cannot acquire token {public}"));
}
