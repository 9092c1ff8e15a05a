//! Primaries that wait for acknowledgements nobody gives, and those that get too many.

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use lab::{Family, Lab, Server, wait_until};
use serde_json::json;

use crate::timing::{Evidence, Verdicts};
use crate::world::{PATIENCE, World, wait_writes, write_load};

/// For how long a lock must last to be believed.
const BELIEVED_AFTER: u64 = 2;

/// Every replica has a priority, and a lock is believed soon.
fn settings(switch: &str) -> serde_json::Value {
    json!({
        switch: true,
        "DetectSemiSyncEnforcedQuery": "select 1",
        "ReasonableLockedSemiSyncMasterSeconds": BELIEVED_AFTER,
    })
}

async fn start(family: Family, switch: &str) -> Result<World> {
    let lab = Lab::builder().family(family).shape("a(b,c)").semi_sync(true);
    World::start_lab(lab.semi_sync_timeout(Duration::from_secs(3600)), settings(switch)).await
}

fn variable(family: Family) -> &'static str {
    match family {
        Family::MySql => "rpl_semi_sync_replica_enabled",
        Family::MariaDb => "rpl_semi_sync_slave_enabled",
    }
}

async fn acknowledges(family: Family, server: &Server) -> Result<bool> {
    let value = server.value(&format!("SELECT @@global.{}", variable(family))).await?;
    Ok(value == "1")
}

pub(crate) async fn a_locked_primary_is_unlocked(family: Family) -> Result<()> {
    let world = start(family, "RecoverLockedSemiSyncMaster").await?;
    let writer = write_load(&world.lab)?;
    wait_writes(&writer, 50).await?;
    let word = if family == Family::MySql { "REPLICA" } else { "SLAVE" };
    let verdicts = Verdicts::follow(&world).await?;
    for name in ["b", "c"] {
        let server = world.lab.server(name);
        server.execute(&format!("SET GLOBAL {}=0", variable(family))).await?;
        server.execute(&format!("STOP {word} IO_THREAD")).await?;
        server.execute(&format!("START {word} IO_THREAD")).await?;
    }
    // A primary may count a client until its next heartbeat to it fails.
    wait_until("the primary knows that nobody acknowledges", PATIENCE, || async {
        let clients =
            world.lab.server("a").query("SHOW GLOBAL STATUS LIKE 'Rpl\\_semi\\_sync\\_%\\_clients'").await?;
        if clients.iter().all(|row| row[1] == "0") { Ok(()) } else { bail!("{clients:?}") }
    })
    .await?;
    let evidence = Evidence::lasting(Duration::from_secs(BELIEVED_AFTER));
    verdicts.assert_prompt(&world, "a", &["LockedSemiSyncMaster"], evidence).await?;
    wait_until("the repair has begun", PATIENCE, || async {
        let told = crate::topology::explained(&world, "a").await?;
        if world.recoveries().await?.is_empty() { bail!("{told}") } else { Ok(()) }
    })
    .await?;
    verdicts.assert_registered_only(&world, &[("a", "LockedSemiSyncMaster")]).await?;
    let recovery = world.wait_recovered("a").await?;
    ensure!(recovery["AnalysisEntry"]["Analysis"] == json!("LockedSemiSyncMaster"), "{recovery}");
    ensure!(recovery["IsSuccessful"] == json!(true), "{recovery}");
    ensure!(world.successor(&recovery).as_deref() == Some("a"), "{recovery}");
    wait_writes(&writer, 50).await?;
    let (b, c) = (world.lab.server("b"), world.lab.server("c"));
    ensure!(acknowledges(family, b).await? != acknowledges(family, c).await?, "one is enough");
    world.wait_analysis("a", "NoProblem").await?;
    // The repair stands in nobody's way, least of all in that of a failover.
    let record = world.recoveries().await?.remove(0);
    ensure!(record["IsActive"] == json!(false) && record["Acknowledged"] == json!(true), "{record}");
    for name in ["b", "c"] {
        world.assert_replicates(name, "a").await?;
    }
    wait_writes(&writer, 50).await?;
    writer.stop().await;
    Ok(())
}

pub(crate) async fn surplus_acknowledgements_are_switched_off(family: Family) -> Result<()> {
    let world = start(family, "EnforceExactSemiSyncReplicas").await?;
    let writer = write_load(&world.lab)?;
    let recovery = world.wait_recovered("a").await?;
    let code = json!("MasterWithTooManySemiSyncReplicas");
    ensure!(recovery["AnalysisEntry"]["Analysis"] == code, "{recovery}");
    ensure!(recovery["IsSuccessful"] == json!(true), "{recovery}");
    let (b, c) = (world.lab.server("b"), world.lab.server("c"));
    let first = if b.address() < c.address() { b } else { c };
    wait_until("only the first by name acknowledges", PATIENCE, || async {
        let found = (acknowledges(family, b).await?, acknowledges(family, c).await?);
        let wanted = (first.name() == "b", first.name() == "c");
        if found == wanted { Ok(()) } else { bail!("{found:?}") }
    })
    .await?;
    wait_writes(&writer, 50).await?;
    writer.stop().await;
    world.wait_analysis("a", "NoProblem").await
}
