//! The configuration is read again while the daemon runs.

use anyhow::{Result, bail, ensure};
use lab::{Family, wait_until};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::world::{PATIENCE, World};

const CHANGED: &str = "a password set while the daemon ran";

/// The account's password is changed on the servers and its connections are closed: nothing can be read until the
/// daemon has read its configuration again. No primary is taken for dead meanwhile.
pub(crate) async fn a_changed_password_is_taken_over(family: Family) -> Result<()> {
    let mut world = World::start(family, json!({})).await?;
    let user = lab::ORCHESTRATOR.name;
    let change = format!("ALTER USER '{user}'@'%' IDENTIFIED BY '{CHANGED}'");
    world.lab.server("a").execute(&change).await?;
    let hash = format!("SELECT authentication_string FROM mysql.user WHERE user = '{user}'");
    let changed = world.lab.server("a").value(&hash).await?;
    for replica in ["b", "c", "d"] {
        wait_until(&format!("{replica} has the new password"), PATIENCE, || async {
            ensure!(world.lab.server(replica).value(&hash).await? == changed, "not yet");
            Ok(())
        })
        .await?;
    }
    for server in world.lab.servers() {
        let sessions =
            format!("SELECT group_concat(id) FROM information_schema.processlist WHERE user = '{user}'");
        for id in server.value(&sessions).await?.split(',').filter(|id| id.parse::<u64>().is_ok()) {
            // It may have ended by itself.
            let _ = server.execute(&format!("KILL {id}")).await;
        }
    }
    let readable = || async {
        let all = world.ok("/api/all-instances").await?;
        let list = all.as_array().cloned().unwrap_or_default();
        Ok::<usize, anyhow::Error>(list.iter().filter(|one| one["IsLastCheckValid"] == json!(true)).count())
    };
    wait_until("no server can be read", PATIENCE, || async {
        match readable().await? {
            0 => Ok(()),
            some => bail!("{some} can"),
        }
    })
    .await?;

    let path = world.daemon.config_path().to_owned();
    let mut config: Value = serde_json::from_slice(&std::fs::read(&path)?)?;
    config["MySQLTopologyPassword"] = json!(CHANGED);
    std::fs::write(&path, config.to_string())?;
    world.daemon.signal(Signal::HUP)?;
    world.wait_all_known().await?;
    world.ok(&world.route("stop-replica", &["b"])).await?;
    world.ok(&world.route("start-replica", &["b"])).await?;
    world.assert_replicates("b", "a").await?;
    let recoveries = world.recoveries().await?;
    ensure!(recoveries.is_empty(), "{recoveries:?}");
    Ok(())
}
