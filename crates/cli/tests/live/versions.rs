//! The daemon over servers of older and newer versions than the tests otherwise use.

use anyhow::{Result, bail, ensure};
use lab::{LabBuilder, Writer, WriterOptions, wait_until};
use serde_json::json;

use crate::world::{PATIENCE, World, wait_writes};

/// A primary that is killed under write load, then a planned takeover between the two that are left.
pub(crate) async fn the_primary_is_replaced_by_fault_and_by_plan(builder: LabBuilder) -> Result<()> {
    let world = start(builder.shape("a(b,c)")).await?;
    let promoted = replace_killed(&world, "a").await?;
    let other = if promoted == "b" { "c" } else { "b" };
    world.assert_replicates(other, &promoted).await?;
    take_over(&world, &promoted, other).await
}

/// The other way about, where replicas find their place by file and position.
pub(crate) async fn the_primary_is_replaced_by_file_and_position(builder: LabBuilder) -> Result<()> {
    let world = start(builder.shape("a(b)").gtid(false)).await?;
    take_over(&world, "a", "b").await?;
    world.ok("/api/ack-all-recoveries?comment=seen").await?;
    world.ok(&format!("/api/end-downtime/127.0.0.1/{}", world.lab.server("a").port())).await?;
    let promoted = replace_killed(&world, "b").await?;
    ensure!(promoted == "a", "{promoted}");
    Ok(())
}

/// The primary dies while it sends a large transaction: nobody has the end of it, so nobody waits for it.
pub(crate) async fn half_a_transaction_holds_nobody_up(builder: LabBuilder) -> Result<()> {
    const ROWS: usize = 160;
    let world = start(builder.shape("a(b,c)")).await?;
    let (primary, replica) = (world.lab.server("a"), world.lab.server("b"));
    primary.execute("create table app.large (id int auto_increment primary key, body longblob)").await?;
    world.assert_replicates("b", "a").await?;
    let received = || async {
        let Some(status) = replica.replica_status().await? else { bail!("no replica") };
        Ok(status["Relay_Log_Space"].parse::<u64>()?)
    };
    let before = received().await?;
    let rows = vec!["(repeat('x', 500000))"; ROWS].join(",");
    let insert = format!("insert into app.large (body) values {rows}");
    // The application may have its answer already: the transaction is on the way then all the same.
    let (_, killed) = tokio::join!(primary.execute(&insert), async {
        wait_until("a part of the transaction is received", PATIENCE, || async {
            let now = received().await?;
            ensure!(now > before + 10_000_000, "{before} bytes before, {now} now");
            Ok(())
        })
        .await?;
        primary.kill9()
    });
    killed?;
    let recovery = world.wait_recovered("a").await?;
    ensure!(recovery["IsSuccessful"] == json!(true), "{recovery}");
    let Some(promoted) = world.successor(&recovery) else { bail!("no successor: {recovery}") };
    let writer = start_writer(&world, 1)?;
    wait_writes(&writer, 50).await?;
    writer.stop().await;
    let other = if promoted == "b" { "c" } else { "b" };
    world.assert_replicates(other, &promoted).await?;
    let count = "select count(*) from app.large";
    let rows = world.lab.server(&promoted).value(count).await?;
    wait_until("both have the same rows", PATIENCE, || async {
        let seen = world.lab.server(other).value(count).await?;
        ensure!(seen == rows, "{seen} of {rows}");
        Ok(())
    })
    .await
}

async fn start(builder: LabBuilder) -> Result<World> {
    let credentials = format!("select '{}', '{}'", lab::REPLICATION.name, lab::REPLICATION.password);
    World::start_lab(builder, json!({ "ReplicationCredentialsQuery": credentials })).await
}

/// Kills the primary; the name of the promoted server.
async fn replace_killed(world: &World, primary: &str) -> Result<String> {
    let writer = start_writer(world, 1)?;
    wait_writes(&writer, 50).await?;
    world.lab.server(primary).kill9()?;
    let recovery = world.wait_recovered(primary).await?;
    ensure!(recovery["IsSuccessful"] == json!(true), "{recovery}");
    let Some(promoted) = world.successor(&recovery) else { bail!("no successor: {recovery}") };
    wait_writes(&writer, 50).await?;
    writer.stop().await;
    world.assert_is_primary(&promoted).await?;
    Ok(promoted)
}

async fn take_over(world: &World, from: &str, to: &str) -> Result<()> {
    world.ok("/api/ack-all-recoveries?comment=seen").await?;
    world.wait_analysis(from, "NoProblem").await?;
    let writer = start_writer(world, 1_000_000)?;
    wait_writes(&writer, 50).await?;
    let answer = world.ok(&world.route("graceful-master-takeover", &[from, to])).await?;
    ensure!(answer["Code"] == json!("OK"), "{answer}");
    wait_writes(&writer, 50).await?;
    let report = writer.stop().await;
    let missing = report.missing_on(world.lab.server(to)).await?;
    ensure!(missing.is_empty(), "{} of {} rows are lost", missing.len(), report.acknowledged.len());
    world.assert_is_primary(to).await?;
    let read_only = world.lab.server(from).value("SELECT @@global.read_only").await?;
    ensure!(read_only != "0", "{from} accepts writes");
    world.ok(&world.route("start-replica", &[from])).await?;
    world.assert_replicates(from, to).await
}

/// An application whose rows have ids of their own.
fn start_writer(world: &World, first_id: u64) -> Result<Writer> {
    Writer::start(&world.lab.addresses(), WriterOptions { first_id, ..WriterOptions::default() })
}
