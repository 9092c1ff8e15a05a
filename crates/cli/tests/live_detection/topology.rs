//! Who is dead, who is not, and who takes over.

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use lab::{CutKind, Family, Party, wait_until};
use serde_json::json;

use crate::timing::{Evidence, Verdicts};
use crate::world::{PATIENCE, World, wait_writes, write_load};

/// Statements of both families.
fn words(family: Family) -> (&'static str, &'static str) {
    match family {
        Family::MySql => ("REPLICA", "SOURCE"),
        Family::MariaDb => ("SLAVE", "MASTER"),
    }
}

/// For some seconds the verdict stays what it is, and no recovery begins.
pub(crate) async fn assert_stays(world: &World, name: &str, code: &str) -> Result<()> {
    for _second in 0..5 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let found = world.analysis(name).await?;
        if found != code {
            bail!("{name} turned from {code} into {found}: {}", explained(world, name).await?);
        }
    }
    ensure!(world.recoveries().await?.is_empty(), "something was recovered");
    Ok(())
}

pub(crate) async fn stopped_appliers_are_no_death(family: Family) -> Result<()> {
    let world = World::start(family, json!({})).await?;
    let writer = write_load(&world.lab)?;
    wait_writes(&writer, 100).await?;
    let (replica, _) = words(family);
    let verdicts = Verdicts::follow(&world).await?;
    for name in ["b", "c", "d"] {
        world.lab.server(name).execute(&format!("STOP {replica} SQL_THREAD")).await?;
    }
    let broken = "AllMasterReplicasNotReplicating";
    verdicts.assert_prompt(&world, "a", &[broken], Evidence::polled()).await?;
    // Out of the daemon's sight, the primary is known to live by whoever receives from it.
    world.lab.cut(Party::Orchestrator, "a", CutKind::Drop)?;
    verdicts.assert_prompt(&world, "a", &["UnreachableMaster"], Evidence::silence()).await?;
    assert_stays(&world, "a", "UnreachableMaster").await?;
    verdicts.assert_registered_only(&world, &[]).await?;
    let told = explained(&world, "a").await?;
    ensure!(told["Reasons"][0]["Reason"] == json!("replicas-receive"), "{told}");
    world.lab.heal()?;
    wait_writes(&writer, 100).await?;
    writer.stop().await;
    Ok(())
}

/// The explanation of a server.
pub(crate) async fn explained(world: &World, name: &str) -> Result<serde_json::Value> {
    world.ok(&format!("/api/explain/127.0.0.1/{}", world.lab.server(name).port())).await
}

pub(crate) async fn a_killed_primary_is_known_to_be_dead_at_once(family: Family) -> Result<()> {
    let world = World::start(family, json!({})).await?;
    let writer = write_load(&world.lab)?;
    wait_writes(&writer, 100).await?;
    let verdicts = Verdicts::follow(&world).await?;
    let evidence = Evidence::now();
    world.lab.server("a").kill9()?;
    verdicts.assert_prompt(&world, "a", &["DeadMaster"], evidence).await?;
    let recovery = world.wait_recovered("a").await?;
    ensure!(recovery["IsSuccessful"] == json!(true), "{recovery}");
    verdicts.assert_registered_only(&world, &[("a", "DeadMaster")]).await?;
    wait_writes(&writer, 100).await?;
    writer.stop().await;
    Ok(())
}

pub(crate) async fn a_primary_cut_off_from_the_daemon_alone_stays(family: Family) -> Result<()> {
    let world = World::start(family, json!({})).await?;
    let writer = write_load(&world.lab)?;
    wait_writes(&writer, 100).await?;
    let verdicts = Verdicts::follow(&world).await?;
    let evidence = Evidence::silence();
    world.lab.cut(Party::Orchestrator, "a", CutKind::Drop)?;
    verdicts.assert_prompt(&world, "a", &["UnreachableMaster"], evidence).await?;
    assert_stays(&world, "a", "UnreachableMaster").await?;
    verdicts.assert_registered_only(&world, &[]).await?;
    wait_writes(&writer, 100).await?;
    world.lab.heal()?;
    world.wait_analysis("a", "NoProblem").await?;
    writer.stop().await;
    Ok(())
}

pub(crate) async fn a_primary_cut_off_from_everyone_is_replaced(family: Family) -> Result<()> {
    let world = World::start(family, json!({})).await?;
    let writer = write_load(&world.lab)?;
    wait_writes(&writer, 100).await?;
    let verdicts = Verdicts::follow(&world).await?;
    let evidence = Evidence::silence();
    world.lab.cut(Party::Everyone, "a", CutKind::Drop)?;
    verdicts.assert_prompt(&world, "a", &["DeadMaster"], evidence).await?;
    let recovery = world.wait_recovered("a").await?;
    ensure!(recovery["IsSuccessful"] == json!(true), "{recovery}");
    verdicts.assert_registered_only(&world, &[("a", "DeadMaster")]).await?;
    let Some(promoted) = world.successor(&recovery) else { bail!("no successor: {recovery}") };
    wait_writes(&writer, 100).await?;
    writer.stop().await;
    world.assert_is_primary(&promoted).await
}

pub(crate) async fn replicas_of_a_killed_intermediate_primary_are_moved(family: Family) -> Result<()> {
    let extra = json!({ "RecoverIntermediateMasterClusterFilters": ["*"] });
    let world = World::start_shape(family, "a(b(d,e),c)", extra).await?;
    let writer = write_load(&world.lab)?;
    wait_writes(&writer, 100).await?;
    // Its replicas may notice before it is found unreadable itself.
    let codes = ["DeadIntermediateMaster", "AllIntermediateMasterReplicasFailingToConnectOrDead"];
    let verdicts = Verdicts::follow(&world).await?;
    let evidence = Evidence::now();
    world.lab.server("b").kill9()?;
    verdicts.assert_prompt(&world, "b", &codes, evidence).await?;
    let recovery = world.wait_recovered("b").await?;
    ensure!(recovery["IsSuccessful"] == json!(true), "{recovery}");
    let code = recovery["AnalysisEntry"]["Analysis"].as_str().unwrap_or_default();
    ensure!(codes.contains(&code), "{recovery}");
    verdicts.assert_registered_only(&world, &codes.map(|code| ("b", code))).await?;
    for moved in ["d", "e"] {
        world.assert_replicates(moved, "c").await?;
    }
    ensure!(world.analysis("a").await? == "NoProblem", "the primary is not concerned");
    wait_writes(&writer, 100).await?;
    writer.stop().await;
    Ok(())
}

pub(crate) async fn a_killed_co_primary_is_replaced_by_the_other(family: Family) -> Result<()> {
    let world = World::start(family, json!({})).await?;
    let (replica, source) = words(family);
    let (a, b) = (world.lab.server("a"), world.lab.server("b"));
    let position = match family {
        Family::MySql => "SOURCE_AUTO_POSITION=1, GET_SOURCE_PUBLIC_KEY=1",
        Family::MariaDb => "MASTER_USE_GTID=slave_pos",
    };
    let change = match family {
        Family::MySql => "CHANGE REPLICATION SOURCE TO",
        Family::MariaDb => "CHANGE MASTER TO",
    };
    if family == Family::MariaDb {
        let reached = a.value("SELECT @@global.gtid_binlog_pos").await?;
        a.execute(&format!("SET GLOBAL gtid_slave_pos='{reached}'")).await?;
    }
    a.execute(&format!(
        "{change} {source}_HOST='127.0.0.1', {source}_PORT={}, {source}_USER='{}', {source}_PASSWORD='{}', {source}_CONNECT_RETRY=1, {position}",
        b.port(),
        lab::REPLICATION.name,
        lab::REPLICATION.password,
    ))
    .await?;
    a.execute(&format!("START {replica}")).await?;
    world.assert_replicates("a", "b").await?;
    wait_until("both are known as co-primaries", PATIENCE, || async {
        for server in [a, b] {
            let instance = world.ok(&format!("/api/instance/127.0.0.1/{}", server.port())).await?;
            if instance["IsCoMaster"] != json!(true) {
                bail!("{instance}");
            }
        }
        Ok(())
    })
    .await?;
    let writer = write_load(&world.lab)?;
    wait_writes(&writer, 100).await?;
    let verdicts = Verdicts::follow(&world).await?;
    let evidence = Evidence::now();
    a.kill9()?;
    verdicts.assert_prompt(&world, "a", &["DeadCoMaster"], evidence).await?;
    let recovery = world.wait_recovered("a").await?;
    ensure!(recovery["IsSuccessful"] == json!(true), "{recovery}");
    ensure!(recovery["AnalysisEntry"]["Analysis"] == json!("DeadCoMaster"), "{recovery}");
    verdicts.assert_registered_only(&world, &[("a", "DeadCoMaster")]).await?;
    ensure!(world.successor(&recovery).as_deref() == Some("b"), "{recovery}");
    wait_writes(&writer, 100).await?;
    writer.stop().await;
    for other in ["c", "d"] {
        world.assert_replicates(other, "b").await?;
    }
    Ok(())
}

pub(crate) async fn replicas_that_all_break_at_once_are_no_reason_for_a_failover(
    family: Family,
) -> Result<()> {
    let world = World::start(family, json!({})).await?;
    let writer = write_load(&world.lab)?;
    wait_writes(&writer, 100).await?;
    let verdicts = Verdicts::follow(&world).await?;
    for name in ["b", "c", "d"] {
        world.lab.server(name).kill9()?;
    }
    verdicts.assert_prompt(&world, "a", &["AllMasterReplicasDead"], Evidence::polled()).await?;
    assert_stays(&world, "a", "AllMasterReplicasDead").await?;
    verdicts.assert_registered_only(&world, &[]).await?;
    wait_writes(&writer, 100).await?;
    writer.stop().await;
    Ok(())
}
