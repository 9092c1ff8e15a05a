//! What can be wrong with a server or its database, and what the error says.

use std::time::{Duration, Instant};

use lab::{Family, wait_until};
use model::Secret;
use ports::{Store, StoreError};
use store::{MySqlBackend, MySqlBackendTls, MySqlStore, OpenOptions};

use crate::on_servers::Server;
use crate::support::{Place, options};

async fn refusal(backend: MySqlBackend, options: &OpenOptions) -> String {
    match MySqlStore::open(backend, options).await {
        Ok(_) => panic!("it was opened"),
        Err(error @ StoreError::Open { .. }) => error.to_string(),
        Err(other) => panic!("another kind of error: {other}"),
    }
}

#[track_caller]
fn assert_says(error: &str, words: &str) {
    assert!(error.contains(words), "{error:?} does not say {words:?}");
}

async fn refusals(family: Family) {
    let server = Server::start(family).await;
    let backend = server.backend();
    let error = refusal(MySqlBackend { password: Secret::new("wrong"), ..backend.clone() }, &options()).await;
    assert_says(&error, "cannot open the backend `orchestrator` on 127.0.0.1:");
    assert_says(
        &error,
        "the server refuses user `root`; check MySQLOrchestratorUser and MySQLOrchestratorPassword",
    );

    let app = MySqlBackend {
        user: lab::APP.name.to_owned(),
        password: Secret::new(lab::APP.password),
        ..backend.clone()
    };
    assert_says(&refusal(app, &options()).await, "user `app` lacks rights");

    // MySQL has made a certificate for itself, which nobody trusts; MariaDB has none.
    let untrusted = MySqlBackend { tls: Some(MySqlBackendTls::default()), ..backend.clone() };
    let error = refusal(untrusted, &options()).await;
    let words = if family == Family::MySql { "encryption failed" } else { "the server offers no encryption" };
    assert_says(&error, words);

    assert_eq!(
        server.database(None).rows("show databases like 'orchestrator'"),
        [""; 0],
        "a refusal has created the database"
    );

    let store = MySqlStore::open(backend.clone(), &options()).await.unwrap();
    assert_eq!(store.backend(), format!("127.0.0.1:{}", backend.port));
    let other = OpenOptions { refuse_other_version: true, version: "4.0".to_owned(), ..options() };
    let text = "PanicIfDifferentDatabaseDeploy is set. Configured version 4.0 is not the version found in the database";
    assert_says(&refusal(backend.clone(), &other).await, text);
    let database = server.database(Some("orchestrator"));
    database
        .sql("insert into orchestrator_schema_migration values (900, 'unheard of', '2030-01-01 00:00:00')");
    assert_says(
        &refusal(backend.clone(), &options()).await,
        "its schema (number 900) was made by a newer version",
    );
    assert_says(&refusal(backend.clone(), &options()).await, "use another MySQLOrchestratorDatabase");
    database.sql("delete from orchestrator_schema_migration where number = 900");

    database.sql("drop table audit");
    drop(MySqlStore::open(backend.clone(), &options()).await.unwrap());
    let is_there = "select count(*) from information_schema.tables
                    where table_schema = database() and table_name = 'audit'";
    assert_eq!(database.rows(is_there), ["0"], "a known version was deployed again");
    let again = OpenOptions { redeploy: true, ..options() };
    drop(MySqlStore::open(backend.clone(), &again).await.unwrap());
    assert_eq!(database.rows(is_there), ["1"]);

    server.lab.server("a").kill9().unwrap();
    let words = "nobody listens there; start the database server";
    wait_until("the server is gone", Duration::from_secs(5), || async {
        let error = refusal(backend.clone(), &options()).await;
        anyhow::ensure!(error.contains(words), "{error}");
        Ok(())
    })
    .await
    .unwrap();
    let error = store.load_fleet().await.unwrap_err().to_string();
    assert_says(&error, "backend loading of the fleet failed: ");
    server.lab.server("a").restart().await.unwrap();
    store.load_fleet().await.unwrap();

    store.reconfigure(MySqlBackend {
        password: Secret::new("wrong"),
        database: "other".to_owned(),
        ..backend.clone()
    });
    let error = store.load_fleet().await.unwrap_err().to_string();
    assert_says(&error, "Access denied for user 'root'");
    store.reconfigure(MySqlBackend { database: "other".to_owned(), ..backend });
    store.load_fleet().await.expect("the database stays the same");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mysql_refusals_name_cause_and_cure() {
    refusals(Family::MySql).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mariadb_refusals_name_cause_and_cure() {
    refusals(Family::MariaDb).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn skipping_the_update_checks_and_changes_nothing() {
    let server = Server::start(Family::MariaDb).await;
    let skip = OpenOptions { skip_update: true, ..options() };
    let store = MySqlStore::open(server.backend(), &skip).await.unwrap();
    let error = store.load_fleet().await.unwrap_err().to_string();
    assert!(error.starts_with("backend loading of the fleet failed: Table"), "{error}");
    assert_eq!(server.database(Some("orchestrator")).rows("show tables"), [""; 0]);
}

/// Certificates of a test: an own authority is the only one trusted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_are_encrypted_when_asked_for() {
    let server = Server::start(Family::MySql).await;
    let tls = MySqlBackendTls { skip_verify: true, ..MySqlBackendTls::default() };
    let backend = MySqlBackend { tls: Some(tls), ..server.backend() };
    let store = MySqlStore::open(backend, &options()).await.unwrap();
    store.load_fleet().await.unwrap();
    let ciphers = "select count(distinct processlist_id) > 0 from performance_schema.threads
                   where connection_type = 'SSL/TLS'";
    assert_eq!(server.database(None).rows(ciphers), ["1"]);
}

/// The driver alone cannot log in as such an account.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_with_sha256_password_holds_the_backend() {
    let server = Server::start(Family::MySql).await;
    server.database(None).sql(
        "create user 'sha'@'%' identified with sha256_password by 'tiger';
         grant all privileges on orchestrator.* to 'sha'@'%'",
    );
    let encrypted = MySqlBackendTls { skip_verify: true, ..MySqlBackendTls::default() };
    for tls in [None, Some(encrypted)] {
        let backend = MySqlBackend {
            user: "sha".to_owned(),
            password: Secret::new("tiger"),
            tls: tls.clone(),
            ..server.backend()
        };
        let store = MySqlStore::open(backend.clone(), &options()).await.unwrap();
        store.load_fleet().await.unwrap();
        let logged_in = format!(
            "select distinct processlist_user, connection_type from performance_schema.threads
             where processlist_user = 'sha' and connection_type = '{}'",
            if tls.is_some() { "SSL/TLS" } else { "TCP/IP" },
        );
        assert_eq!(server.database(None).rows(&logged_in).len(), 1, "{tls:?}");
        let wrong = MySqlBackend { password: Secret::new("lion"), ..backend };
        assert_says(&refusal(wrong, &options()).await, "the server refuses user `sha`");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_hangs_does_not_hang_us() {
    let server = Server::start(Family::MariaDb).await;
    let backend = MySqlBackend {
        connect_timeout: Duration::from_secs(1),
        read_timeout: Duration::from_secs(1),
        ..server.backend()
    };
    let store = MySqlStore::open(backend.clone(), &options()).await.unwrap();
    server.lab.server("a").hang().unwrap();
    let start = Instant::now();
    let error = store.load_fleet().await.unwrap_err().to_string();
    assert_says(&error, "no answer within 1s");
    assert_says(&refusal(backend, &options()).await, "the server does not answer; check that it runs");
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    server.lab.server("a").resume().unwrap();
    store.load_fleet().await.unwrap();
}
