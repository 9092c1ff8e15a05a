//! A scripted agent: an HTTP server that answers the way an agent of the original's family does, and notes what it was
//! asked. It mounts nothing and copies nothing; no real agent takes part in any test.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What it answers unless told otherwise: a host with one snapshot that is not mounted, and a stopped MySQL server.
const ANSWERS: &[(&str, &str)] = &[
    ("available-snapshots-local", r#"["db1"]"#),
    ("available-snapshots", r#"["db1","db2"]"#),
    (
        "lvs-snapshots",
        r#"[{"Name":"snap","GroupName":"vg","Path":"/dev/vg/snap","IsSnapshot":true,"SnapshotPercent":1.5}]"#,
    ),
    (
        "mount",
        r#"{"Path":"/mnt/snap","Device":"","LVPath":"","FileSystem":"","IsMounted":false,"DiskUsage":0,"MySQLDataPath":"","MySQLDiskUsage":0}"#,
    ),
    ("mysql-status", "false"),
    ("mysql-port", "3306"),
    ("mysql-du", "1000"),
    ("mysql-datadir-available-space", "5000"),
    ("mysql-error-log-tail", r#"["[Note] started","[ERROR] <stopped>"]"#),
];

/// What `mount` answers once a volume is mounted.
const MOUNTED: &str = r#"{"Path":"/mnt/snap","Device":"/dev/dm-1","LVPath":"/dev/vg/snap","FileSystem":"ext4","IsMounted":true,"DiskUsage":2000,"MySQLDataPath":"/mnt/snap/mysql","MySQLDiskUsage":1000}"#;

/// A scripted agent on a free port of 127.0.0.1. It ends when it is dropped.
pub struct ScriptedAgent {
    port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    token: String,
    is_ended: AtomicBool,
    script: Mutex<Script>,
}

#[derive(Default)]
struct Script {
    answers: BTreeMap<String, (u16, String)>,
    asked: Vec<String>,
}

impl ScriptedAgent {
    /// An agent that wants this token.
    ///
    /// # Errors
    /// There is no free port.
    pub fn start(token: &str) -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let answers =
            ANSWERS.iter().map(|(command, body)| ((*command).to_owned(), (200, (*body).to_owned())));
        let script = Script { answers: answers.collect(), asked: Vec::new() };
        let shared = Arc::new(Shared {
            token: token.to_owned(),
            is_ended: AtomicBool::new(false),
            script: Mutex::new(script),
        });
        let serving = shared.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if serving.is_ended.load(Ordering::Relaxed) {
                    break;
                }
                let shared = serving.clone();
                // Who hangs up early is no failure of this side.
                std::thread::spawn(move || drop(shared.answer(stream)));
            }
        });
        Ok(Self { port, shared })
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Lets it answer a command (the path, without query) with this status and body.
    pub fn answer(&self, command: &str, status: u16, body: &str) {
        self.shared.script().answers.insert(command.to_owned(), (status, body.to_owned()));
    }

    /// What it was asked so far: path and query, without the token.
    pub fn asked(&self) -> Vec<String> {
        self.shared.script().asked.clone()
    }
}

impl Drop for ScriptedAgent {
    fn drop(&mut self) {
        self.shared.is_ended.store(true, Ordering::Relaxed);
        // Wakes the thread that waits for connections.
        drop(TcpStream::connect(("127.0.0.1", self.port)));
    }
}

impl Shared {
    fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers one request and closes the connection.
    fn answer(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let mut lines = BufReader::new(stream.try_clone()?).lines();
        let request = lines.next().transpose()?.unwrap_or_default();
        let mut header = String::new();
        for line in lines {
            let line = line?;
            if let Some((name, value)) = line.split_once(": ")
                && name.eq_ignore_ascii_case("x-orchestrator-agent-token")
            {
                header = value.to_owned();
            }
            if line.is_empty() {
                break;
            }
        }
        let target = request.split(' ').nth(1).unwrap_or_default();
        let (status, body) = self.respond(target, &header);
        let length = body.len();
        write!(
            stream,
            "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
        )
    }

    fn respond(&self, target: &str, header: &str) -> (u16, String) {
        let Some((command, token)) = target.strip_prefix("/api/").and_then(|rest| rest.split_once("token="))
        else {
            return (404, "404 page not found".to_owned());
        };
        let command = command.trim_end_matches(['?', '&']);
        if token != self.token || header != self.token {
            // As careless as some are: the message repeats what was given.
            let refusal = format!(r#"{{"Code":"ERROR","Message":"Invalid token: {token}","Details":null}}"#);
            return (401, refusal);
        }
        let mut script = self.script();
        script.asked.push(command.to_owned());
        let name = command.split('?').next().unwrap_or_default();
        if let Some(answer) = script.answers.get(name) {
            return answer.clone();
        }
        match name {
            "mountlv" => drop(script.answers.insert("mount".to_owned(), (200, MOUNTED.to_owned()))),
            "umount" => {
                let unmounted = MOUNTED.replace("\"IsMounted\":true", "\"IsMounted\":false");
                script.answers.insert("mount".to_owned(), (200, unmounted));
            }
            _ => {}
        }
        let is_question = name.starts_with("seed-command-");
        (200, if is_question { "true".to_owned() } else { r#""ok""#.to_owned() })
    }
}
