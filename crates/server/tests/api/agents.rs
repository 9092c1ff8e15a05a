//! Agents: the listener at which they register, and the routes that ask and tell them. The agents are pretended.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request};
use model::{Agent, AgentCommand, AgentFacts, LogicalVolume, SnapshotMount};
use ports::{AgentError, AgentReport, Agents, AuditQuery, Deadline};
use serde_json::Value;
use server::http::AgentsApp;
use tower::ServiceExt;

use crate::world::{World, cluster};

/// Agents in memory.
#[derive(Default)]
pub(crate) struct PretendedAgents(Mutex<State>);

#[derive(Default)]
pub(crate) struct State {
    /// What the agent of each host tells; one of a host that is not here does not answer.
    pub(crate) facts: BTreeMap<String, AgentFacts>,
    /// What was asked, but for [`Agents::read`].
    pub(crate) told: Vec<String>,
    /// What is refused.
    pub(crate) refused: BTreeSet<String>,
    /// Bytes on the target at each look; the last one stays.
    pub(crate) copied: Vec<i64>,
    /// The transfer ends with the last look.
    pub(crate) ends: bool,
    /// It ends well.
    pub(crate) succeeds: bool,
}

impl PretendedAgents {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}

/// A host with one snapshot, and a MySQL server that does not run.
pub(crate) fn facts() -> AgentFacts {
    AgentFacts {
        local_snapshots: Some(vec!["db1".into()]),
        all_snapshots: Some(vec!["db1".into(), "far<1>".into()]),
        volumes: Some(vec![LogicalVolume {
            name: "snap".into(),
            group: "vg".into(),
            path: "/dev/vg/snap".into(),
            is_snapshot: true,
            snapshot_percent: 1.5,
        }]),
        mount: Some(SnapshotMount {
            path: "/mnt".into(),
            mysql_disk_usage: 1000,
            ..SnapshotMount::default()
        }),
        mysql_running: Some(false),
        mysql_port: Some(3307),
        mysql_disk_usage: Some(500),
        datadir_free: Some(700),
        error_log_tail: Some(vec!["[ERROR] <gone>".into()]),
    }
}

#[async_trait]
impl Agents for PretendedAgents {
    async fn read(&self, agent: &Agent, _: Deadline) -> AgentReport {
        match self.state().facts.get(&agent.hostname) {
            Some(facts) => AgentReport {
                facts: facts.clone(),
                answered: vec![AgentCommand::ShowMount],
                failures: Vec::new(),
            },
            None => AgentReport {
                failures: vec![refusal(agent, &AgentCommand::ShowMount)],
                ..AgentReport::default()
            },
        }
    }

    async fn call(&self, agent: &Agent, command: &AgentCommand, _: Deadline) -> Result<String, AgentError> {
        let mut state = self.state();
        let told = format!("{} {command}", agent.hostname);
        state.told.push(told.clone());
        let is_refused = state.refused.contains(&told);
        let facts = state.facts.get_mut(&agent.hostname).filter(|_| !is_refused);
        let facts = facts.ok_or_else(|| refusal(agent, command))?;
        let mut mount = |is_mounted| {
            if let Some(mount) = &mut facts.mount {
                mount.is_mounted = is_mounted;
            }
        };
        Ok(match command {
            AgentCommand::Mount { .. } => {
                mount(true);
                "null".into()
            }
            AgentCommand::Unmount => {
                mount(false);
                "null".into()
            }
            AgentCommand::EraseData => {
                facts.datadir_free =
                    facts.datadir_free.zip(facts.mysql_disk_usage).map(|(free, used)| free + used);
                "null".into()
            }
            AgentCommand::ShowMysqlDiskUsage => {
                let copied = state.copied[0];
                if state.copied.len() > 1 {
                    state.copied.remove(0);
                } else if state.ends {
                    state.copied.push(-1);
                }
                copied.to_string()
            }
            // -1 stands where the last look was.
            AgentCommand::IsCompleted { .. } => (state.copied.last() == Some(&-1)).to_string(),
            AgentCommand::HasSucceeded { .. } => state.succeeds.to_string(),
            AgentCommand::Custom { name } => format!("did \"{name}\""),
            _ => "null".into(),
        })
    }
}

fn refusal(agent: &Agent, command: &AgentCommand) -> AgentError {
    AgentError { hostname: agent.hostname.clone(), command: command.to_string(), message: "no".into() }
}

/// A world in which agents are served.
pub(crate) async fn served(agents: &Arc<PretendedAgents>, more: &str) -> World {
    let more = format!(r#""ServeAgentsHttp":true{more}"#);
    World::with_agents(&more, cluster(), agents.clone()).await
}

/// What the listener of agents answers: status, content type, body.
pub(crate) async fn submit(world: &World, method: Method, path: &str) -> (u16, String, String) {
    let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
    let response = AgentsApp::new(world.engine.clone()).router().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = String::from_utf8(to_bytes(body, usize::MAX).await.unwrap().into()).unwrap();
    let kind = parts.headers.get("content-type").map(|kind| kind.to_str().unwrap().to_owned());
    (parts.status.as_u16(), kind.unwrap_or_default(), body)
}

async fn answered(world: &World, path: &str) -> String {
    let (status, _, body) = submit(world, Method::GET, path).await;
    assert_eq!(status, 200, "{path}: {body}");
    body
}

#[tokio::test]
async fn agents_register_and_are_listed() {
    let world = served(&Arc::default(), "").await;
    assert_eq!(answered(&world, "/api/agents-hosts").await, "[]");
    assert_eq!(answered(&world, "/api/submit-agent/db2/3002/t0ken").await, "\"db2\"");
    assert_eq!(answered(&world, "/api/submit-agent/db1/3002/to%2Fken/").await, "\"db1\"");
    assert_eq!(answered(&world, "/api/agents-hosts").await, r#"["db1","db2"]"#);
    assert_eq!(answered(&world, "/api/agents-instances/").await, r#"["db1:0","db2:0"]"#);
    assert_eq!(answered(&world, "/api/agent-ping").await, "\"OK\"");
    let (_, kind, body) = submit(&world, Method::GET, "/api/agents-hosts?format=txt").await;
    assert_eq!((kind.as_str(), body.as_str()), ("text/plain; charset=utf-8", "db1\ndb2"));
    assert_eq!(world.store().agent("db1").await.unwrap().unwrap().token, model::Secret::new("to/ken"));

    assert_eq!(answered(&world, "/api/host-attribute/db1/rack/r7").await, "true");
    let found: Value =
        serde_json::from_str(&answered(&world, "/api/host-attribute/attr/rack/").await).unwrap();
    assert_eq!((&found[0]["Hostname"], &found[0]["AttributeValue"]), (&"db1".into(), &"r7".into()));
    assert_eq!(found[0]["ExpireTimestamp"], "");
    assert_eq!(answered(&world, "/api/host-attribute/attr/rack/?valueMatch=x").await, "[]");
}

#[tokio::test]
async fn the_listener_of_agents_refuses_what_is_wrong() {
    let world = served(&Arc::default(), r#","URLPrefix":"/orc""#).await;
    for path in ["/orc/api/submit-agent/db1/0/t", "/orc/api/submit-agent/db1/x/t"] {
        assert!(answered(&world, path).await.starts_with(r#"{"Code":"ERROR","Message":"Invalid port"#));
    }
    let long = format!("/orc/api/submit-agent/db1/3002/{}", "x".repeat(129));
    assert!(answered(&world, &long).await.contains("the token must be 1 to 128 characters"));
    for (method, path, status) in [
        (Method::GET, "/api/agent-ping", 404),
        (Method::GET, "/orc/api/clusters", 404),
        (Method::GET, "/orc/api/submit-agent/db1//t", 404),
        (Method::HEAD, "/orc/api/submit-agent/db1/3002/t", 405),
        (Method::DELETE, "/orc/api/agent-ping", 405),
        (Method::POST, "/orc/api/submit-agent/db1/3002/t", 200),
        (Method::HEAD, "/orc/api/agent-ping", 200),
    ] {
        assert_eq!(submit(&world, method.clone(), path).await.0, status, "{method} {path}");
    }
    let foreign = Request::get("/orc/api/submit-agent/evil/3002/t").header("sec-fetch-site", "cross-site");
    let app = AgentsApp::new(world.engine.clone()).router();
    assert_eq!(app.oneshot(foreign.body(Body::empty()).unwrap()).await.unwrap().status(), 403);
    assert_eq!(answered(&world, "/orc/api/agents-hosts").await, r#"["db1"]"#);
    let mutual = served(&Arc::default(), r#","AgentsUseMutualTLS":true,"AgentSSLValidOUs":["dba"]"#).await;
    assert_eq!(submit(&mutual, Method::GET, "/api/agent-ping").await.0, 401);
}

#[tokio::test]
async fn agents_tell_and_are_told_by_routes() {
    let agents = Arc::new(PretendedAgents::default());
    agents.state().facts.insert("db".into(), facts());
    let world = served(&agents, "").await;
    answered(&world, "/api/submit-agent/db/3002/t0ken").await;
    let listed = world.get("/api/agents").await.json();
    assert_eq!((&listed[0]["Hostname"], &listed[0]["Port"]), (&"db".into(), &3002.into()));
    assert_eq!((&listed[0]["Token"], &listed[0]["LogicalVolumes"]), (&"".into(), &Value::Null));
    let shown = world.get("/api/agent/db").await;
    let (_, live) = shown.body.split_once(r#""AvailableLocalSnapshots""#).unwrap();
    assert_eq!(
        live,
        concat!(
            r#":["db1"],"AvailableSnapshots":["db1","far\u003c1\u003e"],"#,
            r#""LogicalVolumes":[{"Name":"snap","GroupName":"vg","Path":"/dev/vg/snap","IsSnapshot":true,"SnapshotPercent":1.5}],"#,
            r#""MountPoint":{"Path":"/mnt","Device":"","LVPath":"","FileSystem":"","IsMounted":false,"DiskUsage":0,"MySQLDataPath":"","MySQLDiskUsage":1000},"#,
            r#""MySQLRunning":false,"MySQLDiskUsage":500,"MySQLPort":3307,"MySQLDatadirDiskFree":700,"MySQLErrorLogTail":["[ERROR] \u003cgone\u003e"]}"#
        )
    );
    for path in [
        "agent-umount/db",
        "agent-mount/db?lv=/dev/vg/a%20b",
        "agent-create-snapshot/db",
        "agent-removelv/db?lv=/dev/vg/snap",
        "agent-mysql-stop/db",
        "agent-mysql-start/db",
    ] {
        assert_eq!(world.get(&format!("/api/{path}")).await.json()["Hostname"], "db", "{path}");
    }
    assert_eq!(world.get("/api/agent-custom-command/db/say%20hi").await.body, r#""did \"say hi\"""#);
    let told = [
        "db umount",
        "db mountlv?lv=%2Fdev%2Fvg%2Fa%20b",
        "db create-snapshot",
        "db removelv?lv=%2Fdev%2Fvg%2Fsnap",
        "db mysql-stop",
        "db mysql-start",
        "db custom-commands/say%20hi",
    ];
    assert_eq!(agents.state().told, told);
    let audited = world.store().audit(AuditQuery::default()).await.unwrap();
    assert_eq!((&*audited[0].kind, &*audited[0].message), ("agent-command", "custom-commands/say%20hi"));

    agents.state().refused.insert("db umount".into());
    for (path, message) in [
        ("agent/nosuch", "Cannot get agent/token: nosuch"),
        ("agent-umount/db", "agent on db: umount: no"),
        ("agent-mount/db", "name the logical volume: ?lv=/dev/GROUP/VOLUME"),
        ("agent-seed/db/db", "Cannot seed db onto itself"),
    ] {
        let answer = world.get(&format!("/api/{path}")).await;
        assert_eq!((answer.status, &answer.json()["Message"]), (500, &message.into()), "{path}");
    }
    assert_eq!(world.get("/api/agent-seed-details/x").await.body, "[]");
    assert_eq!(world.get("/api/agent-abort-seed/77").await.body, "true");
}

#[tokio::test]
async fn agents_are_polled_and_their_servers_discovered() {
    let agents = Arc::new(PretendedAgents::default());
    agents.state().facts.insert("db".into(), facts());
    let world = served(&agents, "").await;
    assert_eq!(world.get("/api/instance/db/3307").await.json()["CountMySQLSnapshots"], 0);
    world.engine.supervisor().start_loop("agents", world.engine.clone().poll_agents_forever());
    answered(&world, "/api/submit-agent/db/3002/t0ken").await;
    answered(&world, "/api/submit-agent/silent/3002/t0ken").await;
    let wanted = r#"["db:3307","silent:0"]"#;
    for round in 0.. {
        let is_counted = world.get("/api/instance/db/3307").await.json()["CountMySQLSnapshots"] == 1;
        let is_discovered = world.engine.metrics().discoveries_attempt.get() > 0;
        if is_counted && is_discovered && answered(&world, "/api/agents-instances").await == wanted {
            break;
        }
        assert!(round < 500, "{}", answered(&world, "/api/agents-instances").await);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let silent = world.store().agent("silent").await.unwrap().unwrap();
    assert!(silent.checked.is_some(), "one that does not answer is not asked again and again");
    // A process that starts knows the counts from the backend.
    world.engine.load().await.unwrap();
    assert_eq!(world.get("/api/instance/db/3306").await.json()["CountMySQLSnapshots"], 1);
}

#[tokio::test]
async fn agents_that_are_gone_and_seeds_that_stand_still_are_given_up() {
    let world = served(&Arc::default(), "").await;
    let hours_ago = |hours: u64| world.engine.now() - Duration::from_secs(hours * 3600);
    let register = |hostname: &str, hours| model::Command::RegisterAgent {
        hostname: hostname.to_owned(),
        port: 3002,
        token: model::Secret::new("t"),
        at: hours_ago(hours),
    };
    let begin = |target: &str, hours| model::Command::BeginSeed {
        target: target.to_owned(),
        source: "db1".to_owned(),
        at: hours_ago(hours),
    };
    world.apply([register("gone", 7), register("there", 5), begin("db2", 2), begin("db3", 0)]).await;
    world.engine.supervisor().start_loop("agents", world.engine.clone().poll_agents_forever());
    for round in 0.. {
        let is_forgotten = answered(&world, "/api/agents-hosts").await == r#"["there"]"#;
        let active = world.get("/api/agent-active-seeds/db1").await.json();
        if is_forgotten && active.as_array().unwrap().len() == 1 {
            assert_eq!(active[0]["TargetHostname"], "db3");
            break;
        }
        assert!(round < 500, "{active}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
