//! A group of MySQL servers with a replica below one of its members.

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use lab::{Family, Group, Lab, wait_until};
use serde_json::json;

use crate::timing::{Evidence, Verdicts};
use crate::topology::assert_stays;
use crate::world::{PATIENCE, World, wait_writes, write_load};

/// The group `a`, `b`, `c`, whose primary is `a`, with the replica `d` below `b`.
async fn start() -> Result<(World, Group)> {
    let lab = Lab::builder()
        .family(Family::MySql)
        .shape("a,b,c,d")
        .replica_net_timeout(4)
        .heartbeat_period(Duration::from_secs(1))
        .start()
        .await?;
    let group = Group::form(&[lab.server("a"), lab.server("b"), lab.server("c")]).await?;
    group.attach(lab.server("d"), lab.server("b")).await?;
    let world = World::over(lab, json!({ "RecoverIntermediateMasterClusterFilters": ["*"] })).await?;
    world.wait_ready().await?;
    Ok((world, group))
}

/// Waits until the daemon knows a primary of the group among these; gives its name.
async fn wait_primary<'n>(world: &World, among: &[&'n str]) -> Result<&'n str> {
    wait_until("the primary of the group is known", PATIENCE, || async {
        for name in among {
            let path = format!("/api/instance/127.0.0.1/{}", world.lab.server(name).port());
            if world.ok(&path).await?["ReplicationGroupMemberRole"] == json!("PRIMARY") {
                return Ok(*name);
            }
        }
        bail!("none of {among:?}")
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_replica_of_a_killed_member_is_moved() -> Result<()> {
    let (world, _group) = start().await?;
    ensure!(wait_primary(&world, &["a", "b", "c"]).await? == "a", "another primary");
    let writer = write_load(&world.lab)?;
    wait_writes(&writer, 100).await?;
    world.wait_analysis("b", "NoProblem").await?;
    let verdicts = Verdicts::follow(&world).await?;
    let evidence = Evidence::now();
    world.lab.server("b").kill9()?;
    let code = "DeadReplicationGroupMemberWithReplicas";
    verdicts.assert_prompt(&world, "b", &[code], evidence).await?;
    let recovery = world.wait_recovered("b").await?;
    ensure!(recovery["IsSuccessful"] == json!(true), "{recovery}");
    verdicts.assert_registered_only(&world, &[("b", code)]).await?;
    let Some(successor) = world.successor(&recovery) else { bail!("no successor: {recovery}") };
    ensure!(["a", "c"].contains(&successor.as_str()), "moved below {successor}");
    world.assert_replicates("d", &successor).await?;
    // The group goes on by itself, once it has expelled the member.
    wait_writes(&writer, 100).await?;
    writer.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_primary_of_a_group_is_replaced_by_the_group_alone() -> Result<()> {
    let (world, _group) = start().await?;
    ensure!(wait_primary(&world, &["a", "b", "c"]).await? == "a", "another primary");
    let writer = write_load(&world.lab)?;
    wait_writes(&writer, 100).await?;
    world.lab.server("a").kill9()?;
    wait_writes(&writer, 100).await?;
    let primary = wait_primary(&world, &["b", "c"]).await?;
    assert_stays(&world, "a", "NoProblem").await?;
    ensure!(world.analysis(primary).await? == "NoProblem", "{primary} is not concerned");
    world.assert_replicates("d", "b").await?;
    writer.stop().await;
    Ok(())
}
