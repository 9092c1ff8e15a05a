//! Accounts of every authentication plugin that the server has.
#![allow(clippy::print_stderr, reason = "a plugin that a server lacks is named in the output of a test run")]

use anyhow::Result;
use lab::{Family, User};
use mysql::MySqlServers;
use ports::ErrorClass;

use crate::world::{World, account, probe_with};

/// Plugin, library to load it from, and how an account is made with it; `PASSWORD` is replaced.
const PLUGINS: &[(&str, &str, &str)] = &[
    ("caching_sha2_password", "", "IDENTIFIED WITH caching_sha2_password BY 'PASSWORD'"),
    ("sha256_password", "", "IDENTIFIED WITH sha256_password BY 'PASSWORD'"),
    ("mysql_native_password", "mysql_native_password", "IDENTIFIED WITH mysql_native_password BY 'PASSWORD'"),
    ("mysql_native_password", "", "IDENTIFIED VIA mysql_native_password USING PASSWORD('PASSWORD')"),
    ("ed25519", "auth_ed25519", "IDENTIFIED VIA ed25519 USING PASSWORD('PASSWORD')"),
    ("parsec", "auth_parsec", "IDENTIFIED VIA parsec USING PASSWORD('PASSWORD')"),
];

/// Superseded by `caching_sha2_password` since MySQL 8.0, and not known to the driver.
const BEYOND_THE_DRIVER: &str = "sha256_password";

/// The plugins of this server with which an account could be made, each asked with the right and a wrong password.
async fn plugins(family: Family) -> Result<Vec<&'static str>> {
    let world = World::start(family, "a").await?;
    let (a, key) = (world.lab.server("a"), world.key("a"));
    let mut tested = Vec::new();
    for (number, (plugin, library, identified)) in PLUGINS.iter().enumerate() {
        if !library.is_empty() {
            // Servers that lack the library refuse; the account tells.
            let _ = a.execute(&format!("INSTALL SONAME '{library}'")).await;
        }
        let name: &'static str = ["one", "two", "three", "four", "five", "six"][number];
        let made = format!("CREATE USER '{name}'@'%' {}", identified.replace("'PASSWORD'", "'tiger'"));
        if let Err(error) = a.execute(&made).await {
            // No such plugin, or the syntax of the other family.
            let text = format!("{error:#}");
            anyhow::ensure!(text.contains("ERROR 1524") || text.contains("ERROR 1064"), "{plugin}: {text}");
            continue;
        }
        a.execute(&format!("GRANT PROCESS, REPLICATION CLIENT, REPLICATION SLAVE ON *.* TO '{name}'@'%'"))
            .await?;
        if family == Family::MariaDb {
            a.execute(&format!("GRANT SLAVE MONITOR ON *.* TO '{name}'@'%'")).await?;
        }
        let access = |password| MySqlServers::new(account(User { name, password }));
        if *plugin == BEYOND_THE_DRIVER {
            let refused = probe_with(&access("tiger")?, &key).await.expect_err("the driver does not know it");
            assert!(refused.message.contains(plugin), "the operator must see why: {refused}");
            continue;
        }
        // Twice: the second time the server may remember the account.
        for _ in 0..2 {
            probe_with(&access("tiger")?, &key)
                .await
                .map_err(|error| anyhow::anyhow!("{plugin}: {error}"))?;
        }
        let refused = probe_with(&access("lion")?, &key).await.expect_err("the password is wrong");
        assert_eq!(
            (refused.class, refused.number),
            (ErrorClass::AccessDenied, Some(1045)),
            "{plugin}: {refused}"
        );
        tested.push(*plugin);
    }
    Ok(tested)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_plugin_of_mysql_lets_the_right_password_in() -> Result<()> {
    let tested = plugins(Family::MySql).await?;
    assert!(tested.contains(&"caching_sha2_password"), "{tested:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_plugin_of_mariadb_lets_the_right_password_in() -> Result<()> {
    let tested = plugins(Family::MariaDb).await?;
    assert!(tested.contains(&"mysql_native_password"), "{tested:?}");
    Ok(())
}
