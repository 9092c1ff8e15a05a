//! The web pages: which paths are pages, the files that make them, what operators add, and what they ask first.
//!
//! Whether the application was built before this program is not known here; what must hold either way is asked, and what
//! holds of a built one is asked when it was.

use axum::body::Body;
use axum::http::{Method, Request};
use flate2::read::GzDecoder;

use crate::world::{Answer, World};

const PAGES: &[&str] = &[
    "home",
    "about",
    "keep-calm",
    "faq",
    "status",
    "clusters",
    "clusters-analysis",
    "cluster/db:3306",
    "cluster/nosuch",
    "cluster/a%2Fb",
    "cluster/alias/shop",
    "cluster/instance/db/3306",
    "cluster-pools/db:3306",
    "search/db",
    "search?s=db",
    "discover",
    "audit",
    "audit/3",
    "audit/x",
    "audit/instance/db/3306",
    "audit/instance/db/3306/1",
    "audit-recovery",
    "audit-recovery/2",
    "audit-recovery/id/1",
    "audit-recovery/uid/ab:1",
    "audit-recovery-steps/ab:1",
    "audit-recovery/cluster/db:3306",
    "audit-recovery/cluster/db:3306/1",
    "audit-recovery/alias/shop",
    "audit-recovery/alias/shop/1",
    "audit-failure-detection",
    "audit-failure-detection/1",
    "audit-failure-detection/id/1",
    "audit-failure-detection/alias/shop",
    "audit-failure-detection/alias/shop/1",
    "agents",
    "agent/db",
    "seeds",
    "seed-details/1",
];

const POLICY: &str = "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                      object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

fn with_slash(page: &str) -> String {
    match page.split_once('?') {
        Some((path, query)) => format!("{path}/?{query}"),
        None => format!("{page}/"),
    }
}

/// The first address that is loaded from a folder, as the page has it.
fn address<'p>(page: &'p str, folder: &str) -> Option<&'p str> {
    page.split('"').find(|text| text.contains(&format!("/{folder}/app-")) && text.starts_with("../"))
}

fn location(answer: &Answer) -> &str {
    assert_eq!(answer.status, 302);
    answer.headers["location"].to_str().unwrap()
}

#[tokio::test]
async fn every_page_is_served_with_and_without_prefix_and_slash() {
    for prefix in ["", "/orc"] {
        let world = World::with_settings(&format!(r#""URLPrefix":"{prefix}""#)).await;
        for page in PAGES {
            for path in [format!("{prefix}/web/{page}"), format!("{prefix}/web/{}", with_slash(page))] {
                let answer = world.get(&path).await;
                assert_eq!(answer.status, 200, "{path}");
                assert_eq!(answer.headers["content-type"], "text/html; charset=UTF-8", "{path}");
                assert_eq!(answer.headers["content-security-policy"], POLICY, "{path}");
                assert_eq!(answer.headers["referrer-policy"], "same-origin", "{path}");
                assert_eq!(answer.headers["x-content-type-options"], "nosniff", "{path}");
                assert_eq!(answer.headers["cache-control"], "no-cache", "{path}");
                assert!(
                    !answer.body.contains("=\"/") && !answer.body.contains("=\"./"),
                    "{path}: {}",
                    answer.body
                );
            }
        }
    }
}

#[tokio::test]
async fn the_first_page_is_found_from_above_by_relative_addresses() {
    let world = World::new().await;
    assert_eq!(location(&world.get("/").await), "web/clusters");
    assert_eq!(location(&world.get("/web").await), "./web/clusters");
    assert_eq!(location(&world.get("/web/").await), "../web/clusters");
    let world = World::with_settings(r#""URLPrefix":"/deep/orc""#).await;
    assert_eq!(location(&world.get("/deep/orc").await), "orc/web/clusters");
    assert_eq!(location(&world.get("/deep/orc/").await), "web/clusters");
    assert_eq!(location(&world.get("/deep/orc/web/").await), "../web/clusters");
    for path in ["/", "/web/clusters", "/deep", "/deep/orcweb/clusters"] {
        assert_eq!(world.get(path).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn other_paths_below_web_are_pages_that_say_so() {
    let world = World::new().await;
    for path in
        ["/web/nosuch", "/web/cluster", "/web/cluster/a/b/c", "/web//clusters", "/web/audit/instance/db"]
    {
        let answer = world.get(path).await;
        assert_eq!(
            (answer.status, &answer.headers["content-security-policy"]),
            (404, &POLICY.parse().unwrap()),
            "{path}"
        );
    }
    for path in ["/js/nosuch.js", "/index.html", "/css/../js/custom.js", "/images/", "/js/"] {
        let answer = world.get(path).await;
        assert_eq!((answer.status, answer.json()["Code"].as_str()), (404, Some("ERROR")), "{path}");
    }
}

#[tokio::test]
async fn pages_and_files_can_only_be_read() {
    let world = World::new().await;
    for path in ["/web/clusters", "/web/nosuch", "/", "/js/custom.js", "/api/v2/session"] {
        for method in [Method::POST, Method::PUT, Method::DELETE] {
            let answer = world.call(method.clone(), path).await;
            assert_eq!(
                (answer.status, &answer.headers["allow"]),
                (405, &"GET, HEAD".parse().unwrap()),
                "{method} {path}"
            );
        }
    }
    assert_eq!(world.call(Method::HEAD, "/web/clusters").await.status, 200);
}

#[tokio::test]
async fn files_are_kept_by_browsers_as_their_names_tell_their_content() {
    let world = World::with_settings(r#""URLPrefix":"/orc""#).await;
    let page = world.get("/orc/web/cluster/shop").await.body;
    let Some(script) = address(&page, "js") else {
        assert!(page.contains("script/build"), "{page}");
        return;
    };
    let style = address(&page, "css").expect("a script without style");
    for (file, kind) in [(script, "text/javascript; charset=utf-8"), (style, "text/css; charset=utf-8")] {
        let path = format!("/orc/{}", file.strip_prefix("../../").expect("the way from this page"));
        let answer = world.get(&path).await;
        assert_eq!((answer.status, &answer.headers["content-type"]), (200, &kind.parse().unwrap()), "{path}");
        assert_eq!(answer.headers["cache-control"], "private, max-age=31536000, immutable");
        assert!(!answer.headers.contains_key("content-encoding"));
        let request = Request::get(&path).header("accept-encoding", "gzip").body(Body::empty()).unwrap();
        let (headers, packed) = world.send_raw(request).await;
        assert_eq!(
            (&headers["content-encoding"], &headers["vary"]),
            (&"gzip".parse().unwrap(), &"Accept-Encoding".parse().unwrap())
        );
        let mut unpacked = String::new();
        std::io::Read::read_to_string(&mut GzDecoder::new(packed.as_slice()), &mut unpacked).unwrap();
        assert_eq!(unpacked, answer.body, "{path}");
        assert!(packed.len() < 300_000, "{path} has {} bytes", packed.len());
    }
    assert!(
        !page.contains("<script>") && !page.contains("<style"),
        "nothing stands in the page itself: {page}"
    );
}

#[tokio::test]
async fn operators_add_a_script_and_a_style() {
    let folder = tempfile::tempdir().unwrap();
    let more = format!(r#""WebCustomFolder":{}"#, serde_json::to_string(folder.path()).unwrap());
    let world = World::with_settings(&more).await;
    for (path, kind) in
        [("/js/custom.js", "text/javascript; charset=utf-8"), ("/css/custom.css", "text/css; charset=utf-8")]
    {
        let answer = world.get(path).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, ""), "{path}");
        assert_eq!(answer.headers["content-type"], kind);
        assert_eq!(answer.headers["cache-control"], "no-cache");
    }
    assert_eq!(world.get("/api/v2/session").await.json()["IsCustomized"], false);
    std::fs::create_dir(folder.path().join("js")).unwrap();
    std::fs::write(folder.path().join("js/custom.js"), "hello()").unwrap();
    std::fs::write(folder.path().join("js/secret.js"), "no").unwrap();
    assert_eq!(world.get("/js/custom.js").await.body, "hello()", "without a restart");
    assert_eq!(world.get("/api/v2/session").await.json()["IsCustomized"], true);
    assert_eq!(world.get("/js/secret.js").await.status, 404, "nothing else of the folder is served");
}

#[tokio::test]
async fn the_session_tells_what_a_user_may_do_and_why_not() {
    let world = World::with_settings(
        r#""WebMessage":"<b>maintenance & more</b>","RemoveTextFromHostnameDisplay":".example.com","ServeAgentsHttp":true"#,
    )
    .await;
    let session = world.get("/api/v2/session").await;
    assert_eq!(session.headers["cache-control"], "no-store");
    assert!(!session.body.contains("<b>"), "{}", session.body);
    let session = session.json();
    assert_eq!(session["AuthorizedForAction"], true);
    assert_eq!(session["ReadOnlyReason"], "");
    assert_eq!(session["UserId"], "");
    assert_eq!(session["WebMessage"], "<b>maintenance & more</b>");
    assert_eq!(session["RemoveTextFromHostnameDisplay"], ".example.com");
    assert_eq!(session["ServeAgentsHttp"], true);
    assert_eq!((&session["Hostname"], &session["Version"]), (&"orc1".into(), &"1.2.3".into()));

    let world = World::with_settings(r#""ReadOnly":true"#).await;
    let session = world.get("/api/v2/session").await.json();
    assert_eq!(session["AuthorizedForAction"], false);
    assert!(session["ReadOnlyReason"].as_str().unwrap().contains("ReadOnly"));
}

#[tokio::test]
async fn the_session_knows_the_user() {
    let world = World::with_settings(r#""AuthenticationMethod":"proxy","PowerAuthUsers":["ann"]"#).await;
    for (user, may_act) in [("ann", true), ("bob", false)] {
        let request =
            Request::get("/api/v2/session").header("x-forwarded-user", user).body(Body::empty()).unwrap();
        let session = world.send(request).await.json();
        assert_eq!((&session["UserId"], &session["AuthorizedForAction"]), (&user.into(), &may_act.into()));
    }
    let world = World::with_settings(
        r#""AuthenticationMethod":"multi","HTTPAuthUser":"ops","HTTPAuthPassword":"tiger""#,
    )
    .await;
    assert_eq!(world.get("/web/clusters").await.status, 401);
    assert_eq!(world.get("/js/custom.js").await.status, 401);
    assert_eq!(world.get("/api/v2/session").await.status, 401);
    // readonly:x
    let request = Request::get("/api/v2/session").header("authorization", "Basic cmVhZG9ubHk6eA==");
    let session = world.send(request.body(Body::empty()).unwrap()).await.json();
    assert_eq!((&session["UserId"], &session["AuthorizedForAction"]), (&"readonly".into(), &false.into()));
}
