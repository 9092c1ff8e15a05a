//! What is sent, what is understood, and what is told of failures.

use std::time::{Duration, Instant};

use agents::{AgentOptions, HttpAgents};
use lab::ScriptedAgent;
use model::AgentCommand;
use ports::{Agents, Deadline};

use crate::{agent, soon};

const TOKEN: &str = "0a1b2c3d4e";

fn client() -> HttpAgents {
    HttpAgents::new(AgentOptions::default())
}

#[tokio::test]
async fn everything_an_agent_tells_is_read_in_order() {
    let scripted = ScriptedAgent::start(TOKEN).unwrap();
    let report = client().read(&agent(scripted.port(), TOKEN), soon()).await;
    assert_eq!(report.failures, []);
    assert_eq!(
        scripted.asked(),
        [
            "available-snapshots-local",
            "available-snapshots",
            "lvs-snapshots",
            "mount",
            "mysql-status",
            "mysql-port",
            "mysql-du",
            "mysql-datadir-available-space",
            "mysql-error-log-tail",
        ]
    );
    let facts = report.facts;
    assert_eq!(facts.all_snapshots, Some(vec!["db1".to_owned(), "db2".to_owned()]));
    let volumes = facts.volumes.unwrap();
    assert_eq!(
        (&*volumes[0].path, volumes[0].is_snapshot, volumes[0].snapshot_percent),
        ("/dev/vg/snap", true, 1.5)
    );
    assert_eq!(facts.mount.unwrap().path, "/mnt/snap");
    assert_eq!((facts.mysql_running, facts.mysql_port), (Some(false), Some(3306)));
    assert_eq!((facts.mysql_disk_usage, facts.datadir_free), (Some(1000), Some(5000)));
}

#[tokio::test]
async fn what_cannot_be_understood_is_a_gap_and_no_end() {
    let scripted = ScriptedAgent::start(TOKEN).unwrap();
    scripted.answer("lvs-snapshots", 200, "null");
    scripted.answer("mount", 200, r#"{"IsMounted":null,"Unknown":1}"#);
    scripted.answer("mysql-port", 200, r#""no number""#);
    scripted.answer("mysql-du", 200, "null");
    // A body of a failure is none of an answer, whatever it looks like.
    scripted.answer("mysql-status", 500, "true");
    let report = client().read(&agent(scripted.port(), TOKEN), soon()).await;
    let failed: Vec<&str> = report.failures.iter().map(|failure| &*failure.command).collect();
    assert_eq!(failed, ["mysql-status", "mysql-port", "mysql-du"]);
    assert_eq!(report.facts.volumes, Some(Vec::new()));
    assert_eq!((report.facts.mysql_running, report.facts.mysql_port), (None, None));
    assert_eq!(report.facts.mount, Some(model::SnapshotMount::default()));
    assert_eq!(report.facts.datadir_free, Some(5000));
}

#[tokio::test]
async fn values_arrive_escaped_and_the_body_as_it_is() {
    let scripted = ScriptedAgent::start(TOKEN).unwrap();
    scripted.answer("custom-commands/say%20it%2Floud", 200, "plain text\nof two lines");
    let agent = agent(scripted.port(), TOKEN);
    let custom = AgentCommand::Custom { name: "say it/loud".into() };
    assert_eq!(client().call(&agent, &custom, soon()).await.unwrap(), "plain text\nof two lines");
    let mount = AgentCommand::Mount { volume: "/dev/vg/a&b".into() };
    client().call(&agent, &mount, soon()).await.unwrap();
    assert_eq!(scripted.asked(), ["custom-commands/say%20it%2Floud", "mountlv?lv=%2Fdev%2Fvg%2Fa%26b"]);
    let climbing = AgentCommand::Custom { name: "..".into() };
    let refused = client().call(&agent, &climbing, soon()).await.unwrap_err();
    assert!(refused.to_string().contains("cannot stand in a URL"), "{refused}");
}

#[tokio::test]
async fn no_failure_tells_the_token() {
    let scripted = ScriptedAgent::start("another").unwrap();
    let refused = agent(scripted.port(), "s3cret/+&");
    let error = client().call(&refused, &AgentCommand::Unmount, soon()).await.unwrap_err().to_string();
    assert!(error.contains("status 401") && error.contains("Invalid token: ***"), "{error}");
    assert!(!error.contains("s3cret"), "{error}");
    let nobody = agent(lab::PortLease::take().unwrap().port(), TOKEN);
    let error = client().call(&nobody, &AgentCommand::Unmount, soon()).await.unwrap_err().to_string();
    assert!(error.starts_with("agent on 127.0.0.1: umount: "), "{error}");
    assert!(!error.contains(TOKEN), "{error}");
}

#[tokio::test]
async fn an_agent_that_hangs_is_given_up() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let agent = agent(silent.local_addr().unwrap().port(), TOKEN);
    let began = Instant::now();
    let deadline = Deadline::after(Duration::from_millis(300));
    let error = client().call(&agent, &AgentCommand::StartMysql, deadline).await.unwrap_err();
    assert_eq!(error.message, "no answer in time");
    let report = client().read(&agent, Deadline::after(Duration::from_millis(300))).await;
    assert_eq!((report.answered.len(), report.failures.len()), (0, 9));
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}
