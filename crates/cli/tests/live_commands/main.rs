//! Every command as on a SQLite file, with a backend on a real server: MySQL and MariaDB must give the same output.

/// The cases of a file as a list.
macro_rules! cases {
    ($($name:ident),* $(,)?) => {
        pub(crate) const CASES: &[(&str, fn())] = &[$((stringify!($name), $name as fn())),*];
    };
}

#[path = "../commands/agents.rs"]
mod agents;
#[path = "../commands/bookkeeping.rs"]
mod bookkeeping;
#[path = "../commands/changes.rs"]
mod changes;
#[path = "../commands/program.rs"]
mod program;
#[path = "../commands/questions.rs"]
mod questions;
#[path = "../commands/relocation.rs"]
mod relocation;

use std::time::Duration;

use lab::{Family, Lab};
use model::Secret;
use program::Prepared;
use store::{MaxPacket, MySqlBackend};

/// A server, and every prepared backend in a database of its own there.
fn start(family: Family) -> Lab {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let lab = runtime.block_on(Lab::builder().family(family).shape("a").start()).unwrap();
    program::use_server(MySqlBackend {
        host: "127.0.0.1".to_owned(),
        port: lab.server("a").port(),
        database: String::new(),
        user: lab::ROOT.name.to_owned(),
        password: Secret::new(lab::ROOT.password),
        connect_timeout: Duration::from_secs(2),
        read_timeout: Duration::from_secs(10),
        connections_max: Some(4),
        connection_lifetime: None,
        max_packet: MaxPacket::Standard,
        reject_read_only: false,
        tls: None,
    });
    lab
}

/// Runs all cases and names those that fail.
fn all_cases(family: Family) {
    let _lab = start(family);
    let lists = [questions::CASES, changes::CASES, bookkeeping::CASES, relocation::CASES, agents::CASES];
    let mut failed = Vec::new();
    for (name, case) in lists.concat() {
        if std::panic::catch_unwind(case).is_err() {
            failed.push(name);
        }
    }
    assert!(failed.is_empty(), "{failed:?}");
}

#[test]
fn commands_on_a_mysql_backend() {
    all_cases(Family::MySql);
}

#[test]
fn commands_on_a_mariadb_backend() {
    all_cases(Family::MariaDb);
}

/// Starts the program with a change of its configuration, and expects it to refuse.
fn refuses(program: &Prepared, more: &str, text: &str) {
    program.configure(more);
    for line in ["-c clusters", "-c begin-downtime -i db:3307 --reason x", "http"] {
        program.fails(line, &format!("cannot open the backend `{}` on 127.0.0.1:", program.database()));
        program.fails(line, "");
        let ended = program.run(line);
        assert!(ended.stderr.contains(text), "{line}: {}", ended.stderr);
    }
}

#[test]
fn a_server_that_refuses_or_is_gone_is_named_with_the_cure() {
    let lab = start(Family::MariaDb);
    let program = Prepared::new();
    refuses(
        &program,
        r#""MySQLOrchestratorPassword":"wrong""#,
        "the server refuses user `root`; check MySQLOrchestratorUser and MySQLOrchestratorPassword",
    );
    program.configure("");
    program.prints("-c tags -i db:3307", "keep=\nrole=billing\n");
    lab.server("a").kill9().unwrap();
    let gone =
        || program.run("-c clusters").stderr.contains("nobody listens there; start the database server");
    let deadline = std::time::Instant::now() + Duration::from_secs(10);
    while !gone() {
        assert!(std::time::Instant::now() < deadline, "the server is still there");
    }
    refuses(&program, "", "nobody listens there; start the database server, or check MySQLOrchestratorHost");
}
