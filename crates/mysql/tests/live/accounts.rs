//! Accounts of every authentication plugin that the server has, with and without TLS.
#![allow(clippy::print_stderr, reason = "what a server has and lacks is named in the output of a test run")]

use anyhow::{Result, ensure};
use lab::{Family, Lab, LabBuilder, Server, User};
use mysql::{MySqlOptions, MySqlServers, TlsMode, TlsOptions};
use ports::{ErrorClass, ProbeError};

use crate::world::{World, account, probe_with};

/// How an account comes into being: `NAME` is replaced.
struct Plugin {
    /// Names it in the output.
    name: &'static str,
    /// Library to load it from, if it is not built in.
    library: &'static str,
    create: &'static str,
    can: Can,
}

/// What becomes of a log-in with the right password.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Can {
    LogIn,
    /// So it does if the server has an RSA key; else the server refuses.
    LogInByKey,
    /// The driver does not know it: refused with this name in the text.
    NotBeDone(&'static str),
    /// Not over a network: the server refuses.
    LogInLocally,
}

const fn plugin(name: &'static str, library: &'static str, create: &'static str, can: Can) -> Plugin {
    Plugin { name, library, create, can }
}

const PLUGINS: &[Plugin] = &[
    plugin(
        "caching_sha2_password",
        "",
        "CREATE USER NAME IDENTIFIED WITH caching_sha2_password BY 'tiger'",
        Can::LogIn,
    ),
    plugin("sha256_password", "", "CREATE USER NAME IDENTIFIED WITH sha256_password BY 'tiger'", Can::LogIn),
    plugin(
        "sha256_password",
        "",
        "CREATE USER NAME IDENTIFIED WITH sha256_password; SET old_passwords=2; SET PASSWORD FOR NAME = PASSWORD('tiger')",
        Can::LogInByKey,
    ),
    plugin(
        "mysql_native_password",
        "mysql_native_password",
        "CREATE USER NAME IDENTIFIED WITH mysql_native_password BY 'tiger'",
        Can::LogInByKey,
    ),
    plugin(
        "mysql_native_password",
        "",
        "CREATE USER NAME IDENTIFIED WITH mysql_native_password; SET old_passwords=0; SET PASSWORD FOR NAME = PASSWORD('tiger')",
        Can::LogIn,
    ),
    plugin(
        "ed25519",
        "auth_ed25519",
        "CREATE USER NAME IDENTIFIED VIA ed25519 USING PASSWORD('tiger')",
        Can::LogIn,
    ),
    plugin(
        "parsec",
        "auth_parsec",
        "CREATE USER NAME IDENTIFIED VIA parsec USING PASSWORD('tiger')",
        Can::LogIn,
    ),
    plugin("unix_socket", "", "CREATE USER NAME IDENTIFIED VIA unix_socket", Can::LogInLocally),
    plugin(
        "unix_socket or mysql_native_password",
        "",
        "CREATE USER NAME IDENTIFIED VIA unix_socket OR mysql_native_password USING PASSWORD('tiger')",
        Can::LogIn,
    ),
    plugin(
        "pam",
        "auth_pam",
        "CREATE USER NAME IDENTIFIED VIA pam USING 'mariadb'",
        Can::NotBeDone("dialog"),
    ),
];

/// Two accounts a plugin: what the server remembers of a log-in must not help the other way of connecting.
const NAMES: [[&str; 2]; 10] = [
    ["plain_0", "tls_0"],
    ["plain_1", "tls_1"],
    ["plain_2", "tls_2"],
    ["plain_3", "tls_3"],
    ["plain_4", "tls_4"],
    ["plain_5", "tls_5"],
    ["plain_6", "tls_6"],
    ["plain_7", "tls_7"],
    ["plain_8", "tls_8"],
    ["plain_9", "tls_9"],
];

/// The plugins of a server with which an account could be made, each asked with the right and a wrong password.
async fn tested_plugins(builder: LabBuilder) -> Result<Vec<&'static str>> {
    let family = builder.chosen_family();
    let world = World::of(builder.shape("a")).await?;
    let a = world.lab.server("a");
    let tls = a.records("SHOW VARIABLES LIKE 'have_ssl'").await?;
    // Newer MySQL has no such variable: it always can.
    let has_tls = tls.first().is_none_or(|row| row["Value"] == "YES");
    let mut tested = Vec::new();
    for (plugin, names) in PLUGINS.iter().zip(NAMES) {
        if !plugin.library.is_empty() {
            // Servers that lack the library refuse; the account tells.
            let _ = a.execute(&format!("INSTALL SONAME '{}'", plugin.library)).await;
        }
        if !create(&world, family, plugin, names).await? {
            continue;
        }
        try_log_in(&world, plugin, names[0], TlsMode::Never).await?;
        if has_tls {
            try_log_in(&world, plugin, names[1], TlsMode::Always).await?;
        }
        tested.push(plugin.name);
    }
    let with = if has_tls { "without and with TLS" } else { "without TLS" };
    eprintln!("{family} {}, {with}: {tested:?}", world.lab.binaries().version());
    Ok(tested)
}

/// Makes both accounts; whether the server has the plugin.
async fn create(world: &World, family: Family, plugin: &Plugin, names: [&str; 2]) -> Result<bool> {
    let a = world.lab.server("a");
    for name in names {
        let account = format!("'{name}'@'%'");
        if let Err(error) = a.execute(&plugin.create.replace("NAME", &account)).await {
            // No such plugin, the syntax of the other family, or variables of another time.
            let text = format!("{error:#}");
            let is_lacking =
                ["ERROR 1524", "ERROR 1064", "ERROR 1193"].iter().any(|known| text.contains(known));
            ensure!(is_lacking, "{}: {text}", plugin.name);
            return Ok(false);
        }
        a.execute(&format!("GRANT PROCESS, REPLICATION CLIENT, REPLICATION SLAVE ON *.* TO {account}"))
            .await?;
        if family == Family::MariaDb {
            a.execute(&format!("GRANT SLAVE MONITOR ON *.* TO {account}")).await?;
        }
    }
    Ok(true)
}

/// Servers built with yaSSL have none, and no TLS newer than 1.1: nobody can tell them the password of `sha256_password`.
pub(crate) async fn has_rsa_key(server: &Server) -> Result<bool> {
    Ok(!server.records("SHOW STATUS LIKE 'Rsa_public_key'").await?.is_empty())
}

async fn try_log_in(world: &World, plugin: &Plugin, name: &'static str, mode: TlsMode) -> Result<()> {
    let what = format!("{} {mode:?}", plugin.name);
    let log_in = async |password| {
        let tls = TlsOptions { mode, skip_verify: true, ..TlsOptions::default() };
        let access = MySqlServers::new(MySqlOptions { tls, ..account(User { name, password }) });
        anyhow::Ok(probe_with(&access?, &world.key("a")).await)
    };
    let is_denied = |refused: &ProbeError, number| {
        assert_eq!((refused.class, refused.number), (ErrorClass::AccessDenied, number), "{what}: {refused}");
    };
    let has_key = has_rsa_key(world.lab.server("a")).await?;
    match plugin.can {
        Can::LogInByKey if !has_key => {
            is_denied(&log_in("tiger").await?.expect_err("there is no way to tell it"), Some(1045));
        }
        Can::LogIn | Can::LogInByKey => {
            // Twice: the second time the server may remember the account.
            for _ in 0..2 {
                log_in("tiger").await?.map_err(|error| anyhow::anyhow!("{what}: {error}"))?;
            }
            is_denied(&log_in("lion").await?.expect_err("the password is wrong"), Some(1045));
        }
        Can::NotBeDone(asked) => {
            let refused = log_in("tiger").await?.expect_err("the driver does not know it");
            is_denied(&refused, None);
            for part in [asked, name, "ALTER USER", "caching_sha2_password"] {
                assert!(refused.message.contains(part), "the operator must see why: {refused}");
            }
        }
        Can::LogInLocally => {
            is_denied(&log_in("tiger").await?.expect_err("this is no socket"), Some(1698));
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_plugin_of_mysql_lets_the_right_password_in() -> Result<()> {
    let tested = tested_plugins(Lab::builder().family(Family::MySql)).await?;
    assert!(tested.contains(&"caching_sha2_password"), "{tested:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_plugin_of_mariadb_lets_the_right_password_in() -> Result<()> {
    let tested = tested_plugins(Lab::builder().family(Family::MariaDb)).await?;
    assert!(tested.contains(&"mysql_native_password"), "{tested:?}");
    Ok(())
}

/// On other versions; those fetched by `script/setup` bring their plugins along.
pub(crate) async fn every_plugin_lets_the_right_password_in(builder: LabBuilder) -> Result<()> {
    let family = builder.chosen_family();
    let tested = tested_plugins(builder).await?;
    assert!(tested.contains(&"mysql_native_password"), "{tested:?}");
    let other = if family == Family::MySql { "sha256_password" } else { "ed25519" };
    assert!(tested.contains(&other), "{tested:?}");
    Ok(())
}
