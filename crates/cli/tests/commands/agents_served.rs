//! The service with agents: one registers by HTTP, is polled, told what to do, and seeds another. Both are
//! `lab::ScriptedAgent`s.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use lab::ScriptedAgent;
use serde_json::Value;

use crate::program::Prepared;
use crate::service::Service;

const TOKEN: &str = "5ecre7";
const AGENTS: &str = r#""ServeAgentsHttp":true,"AgentsServerPort":"127.0.0.1:0","SeedWaitSecondsBeforeSend":0,
    "MySQLHostnameResolveMethod":"none","HostnameResolveMethod":"none""#;

fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: orc\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn json(service: &Service, path: &str) -> Value {
    let answer = service.get(path);
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answer}"))
}

/// The service, and the address of its agents listener.
fn start(program: &Prepared) -> (Service, String) {
    program.configure(AGENTS);
    let service = Service::start(program);
    let line = service.wait_for("waiting for agents");
    let (_, address) = line.split_once("http://").unwrap();
    (service, address.trim_end_matches('"').to_owned())
}

fn wait(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn an_agent_registers_is_polled_and_obeys() {
    let program = Prepared::new();
    let agent = ScriptedAgent::start(TOKEN).unwrap();
    agent.answer("custom-commands/uptime", 200, "up");
    let (service, address) = start(&program);
    let submit = format!("/api/submit-agent/127.0.0.1/{}/{TOKEN}", agent.port());
    assert!(get(&address, &submit).ends_with("\r\n\r\n\"127.0.0.1\""));
    wait("the agent is polled", || {
        get(&address, "/api/agents-instances?format=txt").ends_with("\n127.0.0.1:3306")
    });
    let shown = json(&service, "/api/agent/127.0.0.1");
    assert_eq!((&shown["MySQLPort"], &shown["MySQLDiskUsage"]), (&3306.into(), &1000.into()), "{shown}");
    assert_eq!(json(&service, "/api/agent-custom-command/127.0.0.1/uptime"), "up");
    assert_eq!(json(&service, "/api/agent-mount/127.0.0.1?lv=/dev/vg/snap")["Token"], "");
    assert!(agent.asked().contains(&"mountlv?lv=%2Fdev%2Fvg%2Fsnap".to_owned()), "{:?}", agent.asked());
    program.prints("-c custom-command --hostname 127.0.0.1 --pattern uptime", "up\n");
    agent.answer("umount", 500, r#"{"Code":"ERROR","Message":"umount: target is busy"}"#);
    let refused = json(&service, "/api/agent-umount/127.0.0.1");
    let message = refused["Message"].as_str().unwrap();
    assert!(message.ends_with("umount: target is busy") && !message.contains(TOKEN), "{message}");
}

#[test]
fn a_seed_runs_to_its_end() {
    let program = Prepared::new();
    let (source, target) = (ScriptedAgent::start(TOKEN).unwrap(), ScriptedAgent::start(TOKEN).unwrap());
    let (service, address) = start(&program);
    for (host, agent) in [("127.0.0.1", &source), ("localhost", &target)] {
        get(&address, &format!("/api/submit-agent/{host}/{}/{TOKEN}", agent.port()));
    }
    let id = json(&service, "/api/agent-seed/localhost/127.0.0.1");
    let details = format!("/api/agent-seed-details/{id}");
    wait("the seed ends", || json(&service, &details)[0]["IsComplete"] == true);
    let states = json(&service, &format!("/api/agent-seed-states/{id}"));
    assert_eq!(json(&service, &details)[0]["IsSuccessful"], true, "{states}");
    assert_eq!(states[0]["Action"], "Done");
    assert!(source.asked().contains(&format!("send-mysql-seed-data/localhost/{id}")), "{:?}", source.asked());
    assert!(target.asked().contains(&"delete-mysql-datadir".to_owned()), "{:?}", target.asked());
    assert!(target.asked().contains(&"post-copy/?sourceHost=127.0.0.1".to_owned()), "{:?}", target.asked());
}

#[test]
fn a_listener_that_should_be_safe_is_not_served_unsafe() {
    let program = Prepared::new();
    for (more, text) in [
        (r#","AgentsUseSSL":true"#, "AgentsUseSSL needs AgentSSLPrivateKeyFile and AgentSSLCertFile"),
        (
            r#","AgentsUseMutualTLS":true,"AgentSSLValidOUs":["x"]"#,
            "AgentsUseMutualTLS is set, and AgentsUseSSL is not",
        ),
    ] {
        program.configure(&format!("{AGENTS}{more}"));
        let ended = program.run("http -discovery=false");
        assert_eq!(ended.code, Some(1), "{}", ended.stderr);
        assert!(ended.stderr.contains(text), "{}", ended.stderr);
    }
}
