//! What can be wrong with the backend when the program starts, and that nothing is changed by trying.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::program::{Ended, Prepared, ended};
use crate::service::Service;

/// A command that reads, one that changes, and the service.
const LINES: [&str; 3] = ["-c clusters", "-c begin-downtime -i db:3307 --reason x", "http"];

fn file(program: &Prepared) -> std::path::PathBuf {
    program.file("orchestrator.db")
}

/// Every way to start ends with the cure, prints nothing, and leaves the file as it was.
fn refuses(program: &Prepared, text: &str) {
    let before = std::fs::read(file(program)).ok();
    for line in LINES {
        program.fails(line, &format!("cannot open the backend {}: ", file(program).display()));
        let ended = program.run(line);
        assert!(ended.stderr.contains(text), "{line}: {}", ended.stderr);
        assert!(std::fs::read(file(program)).ok() == before, "{line} has changed the file");
    }
}

/// Takes what is in the write-ahead log into the file, so that the file is the whole backend.
fn settle(program: &Prepared) -> std::path::PathBuf {
    let file = file(program);
    rusqlite::Connection::open(&file).unwrap().execute_batch("pragma journal_mode = delete").unwrap();
    file
}

#[test]
fn a_damaged_file_is_left_alone() {
    let program = Prepared::new();
    let path = settle(&program);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[100..2000].fill(0xee);
    std::fs::write(&path, &bytes).unwrap();
    refuses(
        &program,
        "the file is damaged; restore it from a backup, or move it away to start with a new one",
    );
    std::fs::write(&path, "I am a letter. ".repeat(100)).unwrap();
    refuses(&program, "it is not a SQLite database; check SQLite3DataFile");
}

#[test]
fn a_newer_schema_is_left_alone() {
    let program = Prepared::new();
    let path = settle(&program);
    let sql = "insert into orchestrator_schema_migration values (900, 'unheard of', '2030-01-01 00:00:00')";
    rusqlite::Connection::open(path).unwrap().execute_batch(sql).unwrap();
    refuses(&program, "its schema (number 900) was made by a newer version");
}

#[test]
fn a_missing_directory_is_named() {
    let program = Prepared::new();
    let absent = program.file("absent/orchestrator.db");
    let text = format!(r#"{{"BackendDB":"sqlite","SQLite3DataFile":"{}"}}"#, absent.display());
    std::fs::write(program.file("orchestrator.conf.json"), text).unwrap();
    for line in LINES {
        program.fails(line, "cannot open the backend ");
        let ended = program.run(line);
        assert!(ended.stderr.contains("absent does not exist; create it or change SQLite3DataFile"));
    }
    assert!(!absent.parent().unwrap().exists());
}

/// Runs as a user without rights: as somebody else where this is root.
fn without_rights(program: &Prepared, line: &str) -> Ended {
    let mut command = program.command(line);
    if rustix::process::getuid().is_root() {
        command.uid(65_534).gid(65_534);
    }
    ended(command.output().unwrap())
}

fn allow(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_file_without_rights_is_named_with_the_cure() {
    let program = Prepared::new();
    let path = settle(&program);
    let folder = path.parent().unwrap();
    allow(&program.file("orchestrator.conf.json"), 0o644);
    let before = std::fs::read(&path).unwrap();
    for (folder_mode, file_mode, text) in [
        (0o555, 0o000, "the file cannot be opened; check the rights of the file and its directory"),
        (
            0o555,
            0o444,
            "it can be read but not written; give the user this program runs as the right to write",
        ),
    ] {
        allow(&path, file_mode);
        allow(folder, folder_mode);
        for line in LINES {
            let ended = without_rights(&program, line);
            assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{line}: {}", ended.stderr);
            assert!(ended.stderr.contains(text), "{line}: {}", ended.stderr);
        }
        allow(folder, 0o755);
        allow(&path, 0o644);
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }
    program.prints("-c clusters", "db:3306\nother:3306\n");
}

#[test]
fn a_file_that_somebody_locks_is_waited_for_and_named() {
    let program = Prepared::new();
    let lock = rusqlite::Connection::open(settle(&program)).unwrap();
    lock.execute_batch("begin exclusive").unwrap();
    let start = Instant::now();
    let ended = program.run("-c clusters");
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{}", ended.stderr);
    assert!(ended.stderr.contains("another process keeps it locked; find it with"), "{}", ended.stderr);
    assert!(start.elapsed() > Duration::from_secs(4), "it gave up at once");
    lock.execute_batch("commit").unwrap();
    program.prints("-c clusters", "db:3306\nother:3306\n");
}

#[test]
fn a_backend_lost_while_the_service_runs_makes_it_unhealthy_and_nothing_worse() {
    let program = Prepared::new();
    let service = Service::start(&program);
    assert!(service.get("/api/health").starts_with("HTTP/1.1 200 OK\r\n"));
    let lock = rusqlite::Connection::open(file(&program)).unwrap();
    lock.execute_batch("begin immediate").unwrap();
    // Past the second for which a registration counts.
    std::thread::sleep(Duration::from_millis(1_200));
    let answer = service.get("/api/health");
    assert!(answer.starts_with("HTTP/1.1 500 "), "{answer}");
    assert!(answer.contains(r#""Message":"Application node is unhealthy "#), "{answer}");
    assert!(answer.contains(r#""Healthy":false"#), "{answer}");
    assert!(service.get("/api/clusters").ends_with("[\"db:3306\",\"other:3306\"]"), "reading goes on");
    lock.execute_batch("rollback").unwrap();
    assert!(service.get("/api/health").starts_with("HTTP/1.1 200 OK\r\n"), "it is well again at once");
}
