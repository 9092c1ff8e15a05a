//! The service as a process: it starts, answers, reloads and ends.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::program::Prepared;

pub(crate) struct Service {
    child: Child,
    pub(crate) address: String,
    log: std::sync::mpsc::Receiver<String>,
}

impl Service {
    pub(crate) fn start(program: &Prepared) -> Self {
        Self::start_with(program, "")
    }

    /// With more flags.
    pub(crate) fn start_with(program: &Prepared, flags: &str) -> Self {
        let mut service = Self::spawn(program, &format!("http -discovery=false {flags}"));
        let line = service.wait_for("serving");
        let (_, address) = line.split_once("http://").unwrap();
        service.address = address.trim_end_matches('"').to_owned();
        service
    }

    /// A process with these words, that need not serve HTTP.
    fn spawn(program: &Prepared, line: &str) -> Self {
        let mut child = program.command(line).stderr(Stdio::piped()).spawn().unwrap();
        let stderr = child.stderr.take().unwrap();
        let (sender, log) = std::sync::mpsc::sync_channel(1000);
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let _ = sender.try_send(line);
            }
        });
        Self { child, address: String::new(), log }
    }

    pub(crate) fn wait_for(&self, text: &str) -> String {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let line = self.log.recv_timeout(left).unwrap_or_else(|error| panic!("{text}: {error}"));
            if line.contains(text) {
                return line;
            }
        }
    }

    pub(crate) fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: orc\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// SIGHUP and SIGTERM no longer end the process by themselves.
    fn wait_until_signals_are_caught(&self) {
        let deadline = Instant::now() + Duration::from_secs(20);
        let wanted = 1 | 1 << 14;
        loop {
            let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
            let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
            if u64::from_str_radix(caught.trim(), 16).unwrap() & wanted == wanted {
                return;
            }
            assert!(Instant::now() < deadline, "caught are {caught}");
            std::thread::yield_now();
        }
    }

    fn signal(&self, name: &str) {
        let done =
            Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status().unwrap();
        assert!(done.success());
    }

    fn wait(&mut self) -> Option<i32> {
        let deadline = Instant::now() + Duration::from_secs(20);
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("the service did not end");
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_service_answers_reloads_and_ends_when_told() {
    let program = Prepared::new();
    let mut service = Service::start(&program);
    let answer = service.get("/api/clusters");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.ends_with("[\"db:3306\",\"other:3306\"]"), "{answer}");
    assert!(service.get("/api/nosuch").starts_with("HTTP/1.1 404 Not Found\r\n"));

    program.configure(r#""WebMessage":"hello""#);
    service.signal("HUP");
    service.wait_for("configuration reloaded");
    assert!(service.get("/api/v2/session").contains(r#""WebMessage":"hello""#));

    program.configure(r#""InstancePollSeconds":"five""#);
    service.signal("HUP");
    service.wait_for("was not reloaded");
    assert!(
        service.get("/api/lb-check").ends_with("\"OK\""),
        "a broken configuration must not end the service"
    );

    program.configure("");
    service.signal("TERM");
    assert_eq!(service.wait(), Some(0));
    let audit = program.run("-c clusters").code;
    assert_eq!(audit, Some(0));
}

/// On SQLite; where it costs more to look, a service looks every second.
#[test]
fn the_service_knows_at_once_what_a_command_wrote() {
    let program = Prepared::new();
    let service = Service::start(&program);
    for number in 1..=5 {
        program.prints(&format!("-c tag -i db:3306 --tag round={number}"), "db:3306\n");
        let tags = service.get("/api/tags/db/3306");
        assert!(tags.ends_with(&format!("[\"round={number}\"]")), "{number}: {tags}");
    }
}

#[test]
fn a_second_service_on_the_same_address_ends_at_once() {
    let program = Prepared::new();
    let service = Service::start(&program);
    program.configure(&format!(r#""ListenAddress":"{}""#, service.address));
    let ended = program.run("http -discovery=false");
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains(&format!("listen tcp {}: ", service.address)), "{}", ended.stderr);
}

#[test]
fn the_configuration_is_read_again_over_http() {
    let program = Prepared::new();
    let service = Service::start(&program);
    program.configure(r#""WebMessage":"good day""#);
    let answer = service.get("/api/reload-configuration");
    assert!(answer.ends_with(r#"{"Code":"OK","Message":"Config reloaded","Details":""}"#), "{answer}");
    assert!(service.get("/api/v2/session").contains(r#""WebMessage":"good day""#));
    program.configure(r#""InstancePollSeconds":"five""#);
    let answer = service.get("/api/reload-configuration");
    assert!(answer.contains(r#""Code":"ERROR""#) && answer.contains("InstancePollSeconds"), "{answer}");
    assert!(
        service.get("/api/v2/session").contains(r#""WebMessage":"good day""#),
        "the old configuration stays"
    );
}

#[test]
fn a_backend_of_one_node_has_nobody_else_to_elect() {
    let program = Prepared::new();
    program.prints("-c reelect", "Set re-elections\n");
    let service = Service::start_with(&program, "-grab-election");
    assert!(service.get("/api/leader-check").ends_with("\"OK\""));
    assert!(service.get("/api/health").contains("\"IsActiveNode\":true"));
}

#[test]
fn signals_while_it_starts_do_no_harm() {
    let program = Prepared::new();
    let mut service = Service::spawn(&program, "http -verbose");
    service.wait_until_signals_are_caught();
    service.signal("HUP");
    service.signal("TERM");
    assert_eq!(service.wait(), Some(0));
}

#[test]
fn what_runs_without_http_ends_when_told() {
    let program = Prepared::new();
    let mut service = Service::spawn(&program, "-c continuous -verbose");
    let deadline = Instant::now() + Duration::from_secs(20);
    while program.run("-c active-nodes").stdout.lines().count() < 2 {
        assert!(Instant::now() < deadline, "it never registered");
    }
    service.signal("TERM");
    assert_eq!(service.wait(), Some(0));
}
