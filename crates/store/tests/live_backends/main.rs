//! The backend on real servers: every case that runs on SQLite, and what only a server can show.

mod on_servers;
use on_servers::cases;

mod lease;
mod opening;
mod original_schema;
mod timing;

#[path = "../store/agents.rs"]
mod agents;
#[path = "../store/commands.rs"]
mod commands;
#[path = "../store/detections.rs"]
mod detections;
#[path = "../store/expiry.rs"]
mod expiry;
#[path = "../store/original_file.rs"]
mod original_file;
#[path = "../store/recoveries.rs"]
mod recoveries;
#[path = "../store/sharing.rs"]
mod sharing;
#[path = "../store/support.rs"]
mod support;

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use lab::Family;

use on_servers::Server;

/// Runs every case on one server of the family. The server is what takes time, so they share it, one after the other.
async fn every_case(family: Family) {
    let server = Server::start(family).await;
    let files = [
        ("agents", agents::CASES),
        ("commands", commands::CASES),
        ("detections", detections::CASES),
        ("expiry", expiry::CASES),
        ("original", original_file::CASES),
        ("recoveries", recoveries::CASES),
        ("sharing", sharing::CASES),
    ];
    let mut failed = Vec::new();
    for (file, (name, case)) in
        files.iter().flat_map(|(file, cases)| cases.iter().map(move |case| (file, case)))
    {
        if AssertUnwindSafe(case(&server)).catch_unwind().await.is_err() {
            failed.push(format!("{file}::{name}"));
        }
    }
    assert!(failed.is_empty(), "failed on {family}, see above: {failed:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mysql_answers_as_sqlite_does() {
    every_case(Family::MySql).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mariadb_answers_as_sqlite_does() {
    every_case(Family::MariaDb).await;
}
