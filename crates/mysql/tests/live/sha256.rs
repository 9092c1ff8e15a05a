//! Accounts that use `sha256_password`, beyond the log-in that `accounts` tries with every plugin: bridged connections
//! behave like the driver's own.

use std::time::{Duration, Instant};

use anyhow::Result;
use lab::{Family, Lab, LabBuilder, Server, User};
use mysql::{MySqlOptions, MySqlServers, TlsMode, TlsOptions};
use ports::{ErrorClass, ProbeError, Servers};
use tokio::time::timeout;

use crate::accounts::has_rsa_key;
use crate::faults::until_established;
use crate::tls::{Certificates, install};
use crate::world::{SOON, World, account, probe_with};

const SHA: User = User { name: "sha", password: "tiger" };
const EMPTY: User = User { name: "sha_empty", password: "" };
const MODES: [TlsMode; 2] = [TlsMode::Never, TlsMode::Always];

/// Who can log in, and how: without an RSA key nobody who has a password, and without TLS that we speak.
async fn able(a: &Server) -> Result<(&'static [User], &'static [TlsMode])> {
    Ok(if has_rsa_key(a).await? { (&[SHA, EMPTY], &MODES) } else { (&[EMPTY], &MODES[..1]) })
}

async fn create(a: &Server, user: User) -> Result<()> {
    let (name, password) = (format!("'{}'@'%'", user.name), user.password);
    if a.execute(&format!("CREATE USER {name} IDENTIFIED WITH sha256_password BY '{password}'"))
        .await
        .is_err()
    {
        // Before 5.7.
        a.execute(&format!("CREATE USER {name} IDENTIFIED WITH sha256_password")).await?;
        if !password.is_empty() {
            a.execute(&format!("SET old_passwords=2; SET PASSWORD FOR {name} = PASSWORD('{password}')"))
                .await?;
        }
    }
    a.execute(&format!("GRANT PROCESS, REPLICATION CLIENT, REPLICATION SLAVE ON *.* TO {name}")).await
}

fn access(user: User, tls: TlsOptions) -> Result<MySqlServers> {
    Ok(MySqlServers::new(MySqlOptions { tls, ..account(user) })?)
}

fn careless(mode: TlsMode) -> TlsOptions {
    TlsOptions { mode, skip_verify: true, ..TlsOptions::default() }
}

async fn log_in(world: &World, user: User, mode: TlsMode) -> Result<(), ProbeError> {
    let access = access(user, careless(mode)).expect("no files are named");
    probe_with(&access, &world.key("a")).await.map(drop)
}

/// Nobody else could tell what the server does with this plugin.
async fn passwords_are_told_apart(builder: LabBuilder) -> Result<()> {
    let world = World::of(builder.shape("a")).await?;
    let a = world.lab.server("a");
    create(a, SHA).await?;
    create(a, EMPTY).await?;
    let (users, modes) = able(a).await?;
    for &mode in modes {
        for &user in users {
            log_in(&world, user, mode)
                .await
                .map_err(|error| anyhow::anyhow!("{user:?} {mode:?}: {error}"))?;
        }
        let long = "x".repeat(180).leak();
        for (name, password) in [(SHA.name, "lion"), (SHA.name, ""), (SHA.name, long), (EMPTY.name, "tiger")]
        {
            let denied = log_in(&world, User { name, password }, mode).await.expect_err("it is wrong");
            assert_eq!(
                (denied.class, denied.number),
                (ErrorClass::AccessDenied, Some(1045)),
                "{mode:?}: {denied}"
            );
        }
    }
    Ok(())
}

/// The watch depends on it: the end of the server comes through at once.
async fn a_killed_server_is_heard_at_once(builder: LabBuilder) -> Result<()> {
    let world = World::of(builder.shape("a")).await?;
    let (a, key) = (world.lab.server("a"), world.key("a"));
    create(a, SHA).await?;
    create(a, EMPTY).await?;
    let (users, modes) = able(a).await?;
    for &mode in modes {
        let servers = access(users[0], careless(mode))?;
        let mut watch = servers.watch(&key, &|| {});
        until_established(&mut watch, a).await?;
        assert!(timeout(Duration::from_secs(1), &mut watch).await.is_err(), "lost a living server");
        let begin = Instant::now();
        a.kill9()?;
        let lost = timeout(SOON, watch).await?;
        let heard = begin.elapsed();
        assert_eq!(lost.key, key);
        assert!(heard < Duration::from_millis(250), "{mode:?}: heard after {heard:?}");
        let gone = probe_with(&servers, &key).await.expect_err("nobody answers");
        // A dying process may lose its connections before the door that it listened at.
        assert!(matches!(gone.class, ErrorClass::Refused | ErrorClass::Connection), "{gone}");
        a.restart().await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn passwords_are_told_apart_by_mysql() -> Result<()> {
    // This plugin is also what the server greets with.
    let builder = Lab::builder().family(Family::MySql);
    passwords_are_told_apart(builder.server_option("--authentication-policy=sha256_password,,")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_is_heard_at_once_by_mysql() -> Result<()> {
    a_killed_server_is_heard_at_once(Lab::builder().family(Family::MySql)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn passwords_are_told_apart_by_mysql_5_6() -> Result<()> {
    match lab::of_version(Family::MySql, "5.6") {
        Some(builder) => {
            passwords_are_told_apart(builder.server_option("--default-authentication-plugin=sha256_password"))
                .await
        }
        None => Ok(()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_is_heard_at_once_by_mysql_5_6() -> Result<()> {
    match lab::of_version(Family::MySql, "5.6") {
        Some(builder) => a_killed_server_is_heard_at_once(builder).await,
        None => Ok(()),
    }
}

/// Ends the connections of the account, so that the next request makes one.
async fn disconnect(a: &Server) -> Result<()> {
    let query = format!("SELECT id FROM information_schema.processlist WHERE user = '{}'", SHA.name);
    for row in a.query(&query).await? {
        a.execute(&format!("KILL {}", row[0])).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_are_verified_and_shown_as_by_the_driver() -> Result<()> {
    let world = World::start(Family::MySql, "a").await?;
    let (a, key) = (world.lab.server("a"), world.key("a"));
    let certificates = Certificates::create(world.lab.folder("tls")?)?;
    let files = a.query("SELECT @@ssl_ca, @@ssl_cert, @@ssl_key").await?.remove(0);
    install(&world, &certificates).await?;
    create(a, SHA).await?;
    a.execute(&format!("ALTER USER '{}'@'%' REQUIRE X509", SHA.name)).await?;

    let trusting = TlsOptions { ca_file: Some(certificates.file("ca.pem")), ..TlsOptions::default() };
    let identified = TlsOptions {
        cert_file: Some(certificates.file("client.pem")),
        key_file: Some(certificates.file("client-key.pem")),
        ..trusting.clone()
    };
    // Without encryption first: refused for that alone.
    let servers = access(SHA, identified)?;
    probe_with(&servers, &key).await?;
    disconnect(a).await?;
    probe_with(&servers, &key).await?;

    let anonymous = access(SHA, TlsOptions { mode: TlsMode::Always, ..trusting })?;
    let refused = probe_with(&anonymous, &key).await.expect_err("no certificate was shown");
    assert_eq!((refused.class, refused.number), (ErrorClass::AccessDenied, Some(1045)), "{refused}");

    a.execute(&format!("ALTER USER '{}'@'%' REQUIRE SSL", SHA.name)).await?;
    probe_with(&anonymous, &key).await?;
    // The account is known to need the bridge, which now meets a certificate that it has no reason to trust.
    for (variable, file) in ["ssl_ca", "ssl_cert", "ssl_key"].iter().zip(files) {
        a.execute(&format!("SET GLOBAL {variable} = '{file}'")).await?;
    }
    a.execute("ALTER INSTANCE RELOAD TLS").await?;
    disconnect(a).await?;
    let refused = probe_with(&anonymous, &key).await.expect_err("nobody vouches for the server");
    assert_eq!((refused.class, refused.number), (ErrorClass::Connection, None), "{refused}");
    Ok(())
}

/// An account that was altered is let in by its new plugin, though the bridge was needed before.
#[tokio::test(flavor = "multi_thread")]
async fn an_altered_account_logs_in_without_the_bridge() -> Result<()> {
    let world = World::start(Family::MySql, "a").await?;
    let (a, key) = (world.lab.server("a"), world.key("a"));
    create(a, SHA).await?;
    for mode in MODES {
        let servers = access(SHA, careless(mode))?;
        for plugin in ["sha256_password", "caching_sha2_password", "sha256_password"] {
            let User { name, password } = SHA;
            a.execute(&format!("ALTER USER '{name}'@'%' IDENTIFIED WITH {plugin} BY '{password}'")).await?;
            disconnect(a).await?;
            let read = probe_with(&servers, &key).await;
            read.map_err(|error| anyhow::anyhow!("{mode:?} {plugin}: {error}"))?;
        }
    }
    Ok(())
}
