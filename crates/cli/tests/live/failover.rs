//! Primaries that die, hang, or only seem to: what the daemon does about them, on real servers under write load.

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use lab::{CutKind, Family, Lab, Party, Server, wait_until};
use serde_json::json;

use crate::world::{PATIENCE, World, wait_writes, write_load};

/// How soon a former primary that answers again is read-only.
const CLOSED_WITHIN: Duration = Duration::from_secs(6);

/// Longest a write load may see nothing acknowledged when the primary is killed. The product's own budget is smaller;
/// this is what a busy test machine must manage.
const KILL_GAP_MAX: Duration = Duration::from_secs(5);

/// The same when it hangs: receivers take it for alive until their network time-out of 4 s.
const HANG_GAP_MAX: Duration = Duration::from_secs(12);

pub(crate) async fn a_killed_primary_is_replaced(family: Family) -> Result<()> {
    let world = World::start(family, json!({})).await?;
    let writer = write_load(&world.lab)?;
    wait_writes(&writer, 200).await?;
    world.lab.server("a").kill9()?;
    let recovery = world.wait_recovered("a").await?;
    ensure!(recovery["IsSuccessful"] == json!(true), "{recovery}");
    let Some(promoted) = world.successor(&recovery) else { bail!("no successor: {recovery}") };
    wait_writes(&writer, 200).await?;
    let report = writer.stop().await;
    let gap = report.longest_gap().map(|gap| gap.length()).unwrap_or_default();
    ensure!(gap < KILL_GAP_MAX, "writes failed for {gap:?}");
    world.assert_is_primary(&promoted).await?;
    for other in ["b", "c", "d"].into_iter().filter(|name| *name != promoted) {
        world.assert_replicates(other, &promoted).await?;
    }
    assert_cluster_follows(&world, &promoted).await
}

/// The alias belongs to the new primary alone, although the dead one suggests it, too.
pub(crate) async fn a_cluster_alias_follows_the_primary(family: Family) -> Result<()> {
    let world = World::start(family, json!({ "DetectClusterAliasQuery": "select 'shop'" })).await?;
    world.lab.server("a").kill9()?;
    let recovery = world.wait_recovered("a").await?;
    let Some(promoted) = world.successor(&recovery) else { bail!("no successor: {recovery}") };
    let address = world.lab.address(&promoted);
    for _ in 0..3 {
        let clusters = world.ok("/api/clusters-info").await?;
        let named: Vec<&serde_json::Value> = clusters
            .as_array()
            .into_iter()
            .flatten()
            .filter(|cluster| cluster["ClusterAlias"] == json!("shop"))
            .map(|cluster| &cluster["ClusterName"])
            .collect();
        ensure!(named == [&json!(address)], "{clusters}");
        let primary = world.ok("/api/master/shop").await?;
        ensure!(primary["Key"]["Port"] == json!(world.lab.server(&promoted).port()), "{primary}");
        world.wait_rounds(2).await?;
    }
    Ok(())
}

/// With semi-synchronous replicas every row that the application was told is safe is on the promoted server.
pub(crate) async fn a_kill_loses_no_acknowledged_row(family: Family) -> Result<()> {
    assert_nothing_lost(family, |primary| primary.kill9()).await
}

/// As [`a_kill_loses_no_acknowledged_row`].
pub(crate) async fn a_hang_loses_no_acknowledged_row(family: Family) -> Result<()> {
    assert_nothing_lost(family, |primary| primary.hang()).await
}

async fn assert_nothing_lost(family: Family, fault: impl Fn(&Server) -> Result<()>) -> Result<()> {
    let lab = Lab::builder().family(family).shape("a(b,c,d)").semi_sync(true);
    let world = World::start_lab(lab, json!({})).await?;
    let writer = write_load(&world.lab)?;
    wait_writes(&writer, 500).await?;
    fault(world.lab.server("a"))?;
    let recovery = world.wait_recovered("a").await?;
    let Some(promoted) = world.successor(&recovery) else { bail!("no successor: {recovery}") };
    wait_writes(&writer, 200).await?;
    let report = writer.stop().await;
    let missing = report.missing_on(world.lab.server(&promoted)).await?;
    ensure!(missing.is_empty(), "{} of {} rows are lost", missing.len(), report.acknowledged.len());
    for other in ["b", "c", "d"].into_iter().filter(|name| *name != promoted) {
        world.assert_replicates(other, &promoted).await?;
    }
    Ok(())
}

/// The API shows the new cluster, the failed server is downtimed, and the steps tell the story.
async fn assert_cluster_follows(world: &World, promoted: &str) -> Result<()> {
    let name = world.lab.address(promoted);
    wait_until("the cluster has its new shape", PATIENCE, || async {
        let cluster = world.ok(&format!("/api/cluster/{name}")).await?;
        let members = cluster.as_array().map_or(0, Vec::len);
        if members == 3 { Ok(()) } else { bail!("{members} members: {cluster}") }
    })
    .await?;
    let failed = world.lab.server("a");
    let instance = world.ok(&format!("/api/instance/127.0.0.1/{}", failed.port())).await?;
    ensure!(
        instance["IsDowntimed"] == json!(true) && instance["DowntimeReason"] == json!("lost-in-recovery"),
        "{instance}"
    );
    let recovery = world.wait_recovered("a").await?;
    let uid = recovery["UID"].as_str().unwrap_or_default().to_owned();
    let steps = world.ok(&format!("/api/audit-recovery-steps/{uid}")).await?;
    ensure!(steps.as_array().is_some_and(|steps| steps.len() > 5), "{steps}");
    Ok(())
}

pub(crate) async fn a_hung_primary_is_replaced(family: Family) -> Result<()> {
    replace_hung(World::start(family, json!({})).await?).await
}

/// With a single replica nobody else can take over when its receiver does not stop in time.
pub(crate) async fn a_hung_primary_with_one_replica_is_replaced(family: Family) -> Result<()> {
    replace_hung(World::start_shape(family, "a(b)", json!({})).await?).await
}

async fn replace_hung(world: World) -> Result<()> {
    let writer = write_load(&world.lab)?;
    wait_writes(&writer, 200).await?;
    world.lab.server("a").hang()?;
    let recovery = world.wait_recovered("a").await?;
    ensure!(recovery["IsSuccessful"] == json!(true), "{recovery}");
    let Some(promoted) = world.successor(&recovery) else { bail!("no successor: {recovery}") };
    wait_writes(&writer, 200).await?;
    let gap = writer.stop().await.longest_gap().map(|gap| gap.length()).unwrap_or_default();
    ensure!(gap < HANG_GAP_MAX, "writes failed for {gap:?}");
    world.assert_is_primary(&promoted).await?;
    let former = world.lab.server("a");
    former.resume()?;
    assert_closed(former).await?;
    world.assert_is_primary(&promoted).await
}

async fn assert_closed(former: &Server) -> Result<()> {
    wait_until("the former primary is read-only", CLOSED_WITHIN, || async {
        let read_only = former.value("SELECT @@global.read_only").await?;
        ensure!(read_only != "0", "it accepts writes");
        Ok(())
    })
    .await
}

/// It died before it could be told; when it returns it is told, once, and by whichever process runs then.
pub(crate) async fn a_former_primary_that_returns_is_closed(family: Family) -> Result<()> {
    let mut world = World::start_shape(family, "a(b)", json!({ "AuditToBackendDB": true })).await?;
    world.lab.server("a").kill9()?;
    let recovery = world.wait_recovered("a").await?;
    world.crash_and_restart().await?;
    world.wait_rounds(1).await?;
    let former = world.lab.server("a");
    former.restart().await?;
    assert_closed(former).await?;
    let uid = recovery["UID"].as_str().unwrap_or_default().to_owned();
    let text = format!("{} answers again and is read-only now", former.address());
    wait_until("the record says so", PATIENCE, || async {
        let steps = world.ok(&format!("/api/audit-recovery-steps/{uid}")).await?.to_string();
        let audit = world.ok(&format!("/api/audit/instance/127.0.0.1/{}", former.port())).await?.to_string();
        ensure!(steps.contains(&text) && audit.contains(&text), "{steps} {audit}");
        Ok(())
    })
    .await?;
    former.execute("SET GLOBAL read_only=0").await?;
    world.wait_rounds(5).await?;
    ensure!(former.value("SELECT @@global.read_only").await? == "0", "what a person opens stays open");
    world.assert_is_primary("b").await
}

pub(crate) async fn a_primary_cut_off_only_from_the_daemon_stays(family: Family) -> Result<()> {
    let world = World::start(family, json!({})).await?;
    world.lab.cut(Party::Orchestrator, "a", CutKind::Drop)?;
    world.wait_analysis("a", "UnreachableMaster").await?;
    // The evidence lasts: several rounds must come to the same verdict.
    for _ in 0..5 {
        world.wait_rounds(1).await?;
        let found = world.analysis("a").await?;
        ensure!(found == "UnreachableMaster", "turned into {found}");
    }
    ensure!(world.recoveries().await?.is_empty(), "a reachable primary was failed over");
    world.lab.heal()?;
    world.wait_analysis("a", "NoProblem").await?;
    world.assert_replicates("b", "a").await
}

pub(crate) async fn a_second_failure_within_the_block_period_waits_for_a_person(
    family: Family,
) -> Result<()> {
    let world = World::start(family, json!({})).await?;
    world.lab.server("a").kill9()?;
    let first = world.wait_recovered("a").await?;
    let Some(promoted) = world.successor(&first) else { bail!("no successor: {first}") };
    for other in ["b", "c", "d"].into_iter().filter(|name| *name != promoted) {
        world.assert_replicates(other, &promoted).await?;
    }
    world.wait_analysis(&promoted, "NoProblem").await?;
    world.lab.server(&promoted).kill9()?;
    world.wait_analysis(&promoted, "DeadMaster").await?;
    wait_until("the second failover is blocked", PATIENCE, || async {
        let blocked = world.ok("/api/blocked-recoveries").await?;
        if blocked.as_array().is_some_and(|list| !list.is_empty()) { Ok(()) } else { bail!("{blocked}") }
    })
    .await?;
    ensure!(world.recoveries().await?.len() == 1, "the block period was not kept");
    world.ok("/api/ack-all-recoveries?comment=seen").await?;
    let second = world.wait_recovered(&promoted).await?;
    ensure!(second["IsSuccessful"] == json!(true), "{second}");
    Ok(())
}

pub(crate) async fn a_downtimed_primary_is_left_alone(family: Family) -> Result<()> {
    let world = World::start(family, json!({})).await?;
    let port = world.lab.server("a").port();
    world.ok(&format!("/api/begin-downtime/127.0.0.1/{port}/tester/maintenance/1h")).await?;
    world.lab.server("a").kill9()?;
    world.wait_analysis("a", "DeadMaster").await?;
    assert_nothing_happens(&world).await?;
    world.ok(&format!("/api/end-downtime/127.0.0.1/{port}")).await?;
    let recovery = world.wait_recovered("a").await?;
    ensure!(recovery["IsSuccessful"] == json!(true), "{recovery}");
    Ok(())
}

/// The service learns of it from the backend, before it does anything.
pub(crate) async fn a_downtime_by_command_counts_at_once(family: Family) -> Result<()> {
    let world = World::start(family, json!({})).await?;
    let a = world.lab.address("a");
    let words = ["-c", "begin-downtime", "-i", &a, "--duration", "1h", "--owner", "o", "--reason", "r"];
    world.command(&words, &format!("{a}\n")).await?;
    world.lab.server("a").kill9()?;
    world.wait_analysis("a", "DeadMaster").await?;
    assert_nothing_happens(&world).await?;
    let detections = world.ok("/api/audit-failure-detection").await?;
    ensure!(detections == json!([]), "{detections}");
    Ok(())
}

pub(crate) async fn nothing_is_recovered_while_recoveries_are_switched_off(family: Family) -> Result<()> {
    let world = World::start(family, json!({})).await?;
    world.ok("/api/disable-global-recoveries").await?;
    world.lab.server("a").kill9()?;
    world.wait_analysis("a", "DeadMaster").await?;
    assert_nothing_happens(&world).await?;
    let detections = world.ok("/api/audit-failure-detection").await?;
    ensure!(detections.as_array().is_some_and(|list| !list.is_empty()), "detection goes on: {detections}");
    world.ok("/api/enable-global-recoveries").await?;
    let recovery = world.wait_recovered("a").await?;
    ensure!(recovery["IsSuccessful"] == json!(true), "{recovery}");
    Ok(())
}

/// Several analysis rounds pass without a recovery.
async fn assert_nothing_happens(world: &World) -> Result<()> {
    world.wait_rounds(4).await?;
    let recoveries = world.recoveries().await?;
    ensure!(recoveries.is_empty(), "{recoveries:?}");
    Ok(())
}

pub(crate) async fn failing_hooks_stop_only_what_they_may_stop(family: Family) -> Result<()> {
    let log = tempfile::NamedTempFile::new()?;
    let file = log.path().display();
    let world = World::start(
        family,
        json!({
            "OnFailureDetectionProcesses": [format!("echo detect {{failureType}} >> {file}; exit 1")],
            "PreFailoverProcesses": [format!("echo pre $ORC_FAILED_PORT >> {file}")],
            "PostMasterFailoverProcesses": [format!("echo post-master {{successorPort}} >> {file}; exit 3")],
            "PostFailoverProcesses": [format!("echo post {{isSuccessful}} >> {file} &")],
        }),
    )
    .await?;
    world.lab.server("a").kill9()?;
    let recovery = world.wait_recovered("a").await?;
    ensure!(recovery["IsSuccessful"] == json!(true), "{recovery}");
    let port = world.lab.server("a").port();
    let successor = recovery["SuccessorKey"]["Port"].clone();
    wait_until("all hooks ran", PATIENCE, || async {
        let text = std::fs::read_to_string(log.path())?;
        let wanted = [
            "detect DeadMaster".to_owned(),
            format!("pre {port}"),
            format!("post-master {successor}"),
            "post true".to_owned(),
        ];
        match wanted.iter().find(|line| !text.lines().any(|found| found == line.as_str())) {
            None => Ok(()),
            Some(missing) => bail!("no line `{missing}` in:\n{text}"),
        }
    })
    .await
}

pub(crate) async fn a_failing_hook_before_the_failover_stops_it(family: Family) -> Result<()> {
    let world = World::start(family, json!({ "PreFailoverProcesses": ["exit 7"] })).await?;
    world.lab.server("a").kill9()?;
    let recovery = world.wait_recovered("a").await?;
    ensure!(recovery["IsSuccessful"] == json!(false), "{recovery}");
    for name in ["b", "c", "d"] {
        let read_only = world.lab.server(name).value("SELECT @@global.read_only").await?;
        ensure!(read_only != "0", "{name} was opened");
    }
    Ok(())
}

pub(crate) async fn half_a_transaction_holds_nobody_up(family: Family) -> Result<()> {
    crate::versions::half_a_transaction_holds_nobody_up(Lab::builder().family(family)).await
}
