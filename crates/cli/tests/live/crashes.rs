//! The daemon dies in the middle of a recovery or takeover; the next process undoes or finishes it.

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use lab::{Family, Server, wait_until};
use serde_json::{Value, json};

use crate::world::{PATIENCE, World};

/// How long an applier is held up. Longer than the daemon takes to get into the middle of its work.
const HELD_UP: Duration = Duration::from_secs(8);

/// A change of the table that an applier cannot make while somebody reads it.
const CHANGE: &str = "ALTER TABLE app.writes COMMENT = 'changed'";

/// Reads the table, slowly.
async fn hold_up_applier(replica: &Server) -> Result<()> {
    replica.execute(&format!("SELECT sleep({}) FROM app.writes WHERE id = 1", HELD_UP.as_secs())).await
}

async fn is_held_up(replica: &Server) -> Result<()> {
    let holders = "SELECT count(*) FROM information_schema.processlist WHERE info LIKE 'SELECT sleep(%'";
    wait_until("the table is read", PATIENCE, || async {
        ensure!(replica.value(holders).await? == "1", "not yet");
        Ok(())
    })
    .await
}

/// The applier has begun the change and waits.
async fn is_waiting(replica: &Server) -> Result<()> {
    let waits = "SELECT count(*) FROM information_schema.processlist WHERE state LIKE 'Waiting for table metadata lock'";
    wait_until("the applier waits", PATIENCE, || async {
        ensure!(replica.value(waits).await? != "0", "not yet");
        Ok(())
    })
    .await
}

/// A row that all servers have.
async fn insert_row(world: &World) -> Result<()> {
    world.lab.server("a").execute("INSERT INTO app.writes (id) VALUES (1)").await?;
    for replica in world.lab.servers() {
        wait_until("the row is everywhere", PATIENCE, || async {
            let found = replica.value("SELECT count(*) FROM app.writes WHERE id = 1").await?;
            ensure!(found == "1", "{found}");
            Ok(())
        })
        .await?;
    }
    Ok(())
}

async fn no_recovery_is_open(world: &World) -> Result<()> {
    wait_until("every recovery is closed", PATIENCE, || async {
        let all = world.recoveries().await?;
        let open = all.iter().filter(|one| one["RecoveryEndTimestamp"] == json!("")).count();
        ensure!(open == 0, "{open} are open");
        Ok(())
    })
    .await
}

async fn later_success(world: &World) -> Result<Value> {
    wait_until("a later recovery succeeded", PATIENCE, || async {
        let all = world.recoveries().await?;
        match all.iter().find(|recovery| recovery["IsSuccessful"] == json!(true)) {
            Some(recovery) => Ok(recovery.clone()),
            None => bail!("{all:?}"),
        }
    })
    .await
}

async fn assert_recovered(world: &World, replicas: &[&str]) -> Result<String> {
    let recovery = later_success(world).await?;
    let Some(promoted) = world.successor(&recovery) else { bail!("no successor: {recovery}") };
    world.assert_is_primary(&promoted).await?;
    for other in replicas.iter().filter(|name| **name != promoted) {
        world.assert_replicates(other, &promoted).await?;
    }
    no_recovery_is_open(world).await?;
    Ok(promoted)
}

/// It dies while a hook before the failover runs: nothing was changed yet.
pub(crate) async fn a_daemon_that_dies_in_a_hook_is_succeeded(family: Family) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (begun, go) = (folder.path().join("begun"), folder.path().join("go"));
    let hook = format!("touch {}; while [ ! -e {} ]; do sleep 0.1; done", begun.display(), go.display());
    let mut world = World::start(family, json!({ "PreFailoverProcesses": [hook] })).await?;
    world.lab.server("a").kill9()?;
    wait_until("the hook runs", PATIENCE, || async {
        if begun.exists() { Ok(()) } else { bail!("not yet") }
    })
    .await?;
    world.crash_and_restart().await?;
    std::fs::write(&go, "")?;
    assert_recovered(&world, &["b", "c", "d"]).await.map(drop)
}

/// It dies while the chosen replica applies what it received: receivers are stopped by then, and nothing is promoted.
pub(crate) async fn a_daemon_that_dies_while_draining_is_succeeded(family: Family) -> Result<()> {
    let mut world = World::start_shape(family, "a(b)", json!({})).await?;
    insert_row(&world).await?;
    let replica = world.lab.server("b");
    let prepare = async {
        is_held_up(replica).await?;
        let primary = world.lab.server("a");
        primary.execute(CHANGE).await?;
        is_waiting(replica).await?;
        primary.kill9()?;
        wait_until("its receiver is stopped", PATIENCE, || async {
            let status = replica.replica_status().await?.unwrap_or_default();
            let io = ["Replica_IO_Running", "Slave_IO_Running"].iter().find_map(|name| status.get(*name));
            ensure!(io.is_some_and(|state| state == "No"), "{io:?}");
            Ok(())
        })
        .await
    };
    // What is given up here goes on reading for a while.
    tokio::select! {
        held = hold_up_applier(replica) => bail!("the applier was not held up long enough: {held:?}"),
        prepared = prepare => prepared?,
    }
    world.crash_and_restart().await?;
    let promoted = assert_recovered(&world, &["b"]).await?;
    ensure!(promoted == "b", "{promoted} was promoted");
    let comment = "SELECT table_comment FROM information_schema.tables WHERE table_schema = 'app' AND table_name = 'writes'";
    let left = world.lab.server("b").value(comment).await?;
    ensure!(left == "changed", "what was received was not applied");
    Ok(())
}

/// It dies while the primary is read-only for a takeover: the primary accepts writes again.
pub(crate) async fn a_daemon_that_dies_in_a_takeover_opens_the_primary(family: Family) -> Result<()> {
    let mut world = World::start_shape(family, "a(b)", json!({})).await?;
    insert_row(&world).await?;
    let (primary, replica) = (world.lab.server("a"), world.lab.server("b"));
    let route = world.route("graceful-master-takeover", &["a"]);
    let prepare = async {
        is_held_up(replica).await?;
        primary.execute(CHANGE).await?;
        is_waiting(replica).await?;
        // The answer never comes: the daemon dies first.
        tokio::select! {
            answer = world.get(&route) => bail!("it was not held up: {answer:?}"),
            paused = wait_until("the primary is read-only", PATIENCE, || async {
                ensure!(primary.value("SELECT @@global.read_only").await? == "1", "not yet");
                Ok(())
            }) => paused,
        }
    };
    // What is given up here goes on reading for a while.
    tokio::select! {
        held = hold_up_applier(replica) => bail!("the applier was not held up long enough: {held:?}"),
        prepared = prepare => prepared?,
    }
    world.crash_and_restart().await?;
    world.assert_is_primary("a").await?;
    world.assert_replicates("b", "a").await?;
    no_recovery_is_open(&world).await
}
