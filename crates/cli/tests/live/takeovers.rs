//! What a planned takeover answers, tells hooks, and leaves behind.

use std::time::Duration;

use anyhow::{Result, ensure};
use lab::{Family, Lab, Writer, WriterOptions};
use serde_json::{Value, json};

use super::world::{World, wait_writes};

/// A config in which hooks write what they are told.
fn hooks(file: &std::path::Path) -> Value {
    let file = file.display();
    let line = |name: &str| {
        format!(
            "echo {name} $ORC_COUNT_REPLICAS {{replicaHosts}} {{countReplicas}} $ORC_SUCCESSOR_PORT >> {file}"
        )
    };
    json!({
        "PreGracefulTakeoverProcesses": [line("pre-graceful")],
        "OnFailureDetectionProcesses": [line("detected")],
        "PreFailoverProcesses": [line("pre")],
        "PostMasterFailoverProcesses": [line("post-master")],
        "PostGracefulTakeoverProcesses": [line("post-graceful")],
    })
}

/// The former primary is known in its new place, and set aside, when the answer arrives.
async fn assert_shown(world: &World, primary: &str, former: &str) -> Result<()> {
    let members = world.ok(&format!("/api/cluster/{}", world.lab.address(primary))).await?;
    let members = members.as_array().cloned().unwrap_or_default();
    ensure!(members.len() == world.lab.servers().count(), "{members:?}");
    let port = json!(world.lab.server(former).port());
    let below = members.iter().find(|member| member["Key"]["Port"] == port);
    ensure!(
        below.is_some_and(|member| {
            member["MasterKey"]["Port"] == json!(world.lab.server(primary).port())
                && member["DowntimeReason"] == json!("lost-in-recovery")
        }),
        "{below:?}"
    );
    let text = world.ok(&format!("/api/topology/{}", world.lab.address(primary))).await?["Details"].clone();
    let line = text.as_str().unwrap_or_default().lines().find(|line| line.contains(&port.to_string()));
    ensure!(line.is_some_and(|line| line.contains(",downtimed]")), "{text}");
    let promoted = world.ok(&format!("/api/instance/127.0.0.1/{}", world.lab.server(primary).port())).await?;
    ensure!(promoted["IsDowntimed"] == json!(false), "{promoted}");
    Ok(())
}

pub(crate) async fn answers_show_what_was_done(family: Family) -> Result<()> {
    let (user, password) = (lab::REPLICATION.name, lab::REPLICATION.password);
    let query = format!("select '{user}', '{password}'");
    let world =
        World::start_shape(family, "a(b(d),c)", json!({ "ReplicationCredentialsQuery": query })).await?;
    for (primary, former, route) in
        [("b", "a", "graceful-master-takeover"), ("a", "b", "graceful-master-takeover-auto")]
    {
        if former == "b" {
            // The first one left it stopped.
            world.ok(&world.route("start-replica", &["a"])).await?;
            world.assert_replicates("a", "b").await?;
        }
        let answer = world.ok(&world.route(route, &[former, primary])).await?;
        assert_shown(&world, primary, former).await?;
        ensure!(answer["Details"]["ParticipatingInstanceKeys"] == json!([]), "{answer}");
        let port = world.lab.server(primary).port();
        let moved = json!([{ "Hostname": "127.0.0.1", "Port": port }]);
        ensure!(answer["Details"]["AnalysisEntry"]["CountReplicas"] == json!(1), "{answer}");
        ensure!(answer["Details"]["AnalysisEntry"]["Replicas"] == moved, "{answer}");
    }
    world.assert_replicates("b", "a").await?;
    world.assert_replicates("c", "a").await?;
    world.assert_replicates("d", "a").await
}

/// What is shown is what is done afterwards, and showing it does nothing.
pub(crate) async fn plans_are_shown_before_they_run(family: Family) -> Result<()> {
    let (user, password) = (lab::REPLICATION.name, lab::REPLICATION.password);
    let query = format!("select '{user}', '{password}'");
    let world = World::start(family, json!({ "ReplicationCredentialsQuery": query })).await?;
    let a = world.lab.address("a");
    let takeover = world.ok(&world.route("plan-takeover", &["a", "c"])).await?;
    let failover = world.ok(&world.route("plan-failover", &["a"])).await?;
    let shown = world.printed(&["-c", "plan-failover", "-i", &a]).await?;
    ensure!(shown.starts_with(&format!("If {a} failed now, ")), "{shown}");
    ensure!(shown.contains("drain:") && shown.contains("make writable"), "{shown}");
    world.assert_settled(&[("b", "a"), ("c", "a"), ("d", "a")]).await?;
    ensure!(world.ok("/api/audit-recovery").await? == json!([]), "a plan is on record");
    let done = world.ok(&world.route("graceful-master-takeover-auto", &["a", "c"])).await?;
    ensure!(takeover["Promoted"] == done["Details"]["SuccessorKey"], "{takeover} {done}");
    world.assert_settled(&[("b", "c"), ("a", "c"), ("d", "c")]).await?;
    let back = world.ok(&world.route("plan-takeover", &["c", "a"])).await?;
    ensure!(back["Promoted"] == failover["Primary"], "{back} {failover}");
    Ok(())
}

pub(crate) async fn siblings_move_before_the_hooks(family: Family) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("hooks");
    let world = World::start(family, hooks(&file)).await?;
    world.ok(&world.route("graceful-master-takeover", &["a", "b"])).await?;
    // Whoever asks as soon as it is done sees a cluster in which everybody replicates but the former primary, which this kind
    // of takeover leaves stopped.
    let (former, promoted) = (world.lab.server("a").port(), world.lab.server("b").port());
    let all = world.get("/api/all-instances").await?;
    let siblings = all
        .as_array()
        .into_iter()
        .flatten()
        .filter(|server| server["Key"]["Port"] != former && server["Key"]["Port"] != promoted);
    for server in siblings {
        let threads = [&server["ReplicationIOThreadState"], &server["ReplicationSQLThreadState"]];
        ensure!(threads == [1, 1], "{server}");
    }
    let told = format!("1 127.0.0.1:{promoted} 1");
    let wanted = format!(
        "pre-graceful {told} {promoted}\ndetected {told}\npre {told}\npost-master {told} {promoted}\n\
         post-graceful {told} {promoted}\n"
    );
    let found = std::fs::read_to_string(&file)?;
    let found: String = found.lines().map(|line| format!("{}\n", line.trim_end())).collect();
    ensure!(found == wanted, "{found}");
    Ok(())
}

pub(crate) async fn unknown_successors_are_refused(family: Family) -> Result<()> {
    let world = World::start_shape(family, "a(b)", json!({})).await?;
    let (primary, port) = (world.lab.address("a"), world.lab.server("a").port());
    let message = |answer: Value| answer["Message"].as_str().unwrap_or_default().to_owned();
    let graceful =
        world.get(&format!("/api/graceful-master-takeover/127.0.0.1/{port}/127.0.0.1/999")).await?;
    ensure!(
        message(graceful.clone())
            == format!(
                "GracefulMasterTakeover: indicated designated instance 127.0.0.1:999 must be directly replicating \
                 from the master {primary}"
            ),
        "{graceful}"
    );
    let forced = world.get(&format!("/api/force-master-takeover/127.0.0.1/{port}/127.0.0.1/999")).await?;
    ensure!(message(forced.clone()) == "Instance not found", "{forced}");
    world.assert_is_primary("a").await
}

/// Both servers acknowledge by priority. The former primary must do so as soon as it replicates, or nothing can be written.
pub(crate) async fn a_semi_sync_pair_changes_places(family: Family) -> Result<()> {
    let (user, password) = (lab::REPLICATION.name, lab::REPLICATION.password);
    let lab = Lab::builder().family(family).shape("a(b)").semi_sync(true);
    let settings = json!({
        "ReplicationCredentialsQuery": format!("select '{user}', '{password}'"),
        "DetectSemiSyncEnforcedQuery": "select 1",
    });
    let world = World::start_lab(lab.semi_sync_timeout(Duration::from_secs(3600)), settings).await?;
    world.ok(&world.route("graceful-master-takeover-auto", &["a", "b"])).await?;
    world.assert_replicates("a", "b").await?;
    let writer = Writer::start(&world.lab.addresses(), WriterOptions::default())?;
    wait_writes(&writer, 20).await?;
    writer.stop().await;

    // Starting says what a replica is to do, whatever it did before.
    world.ok(&world.route("stop-replica", &["a"])).await?;
    world.ok(&world.route("disable-semi-sync-replica", &["a"])).await?;
    world.ok(&world.route("start-replica", &["a"])).await?;
    let seen = world.ok(&format!("/api/instance/127.0.0.1/{}", world.lab.server("a").port())).await?;
    ensure!(seen["SemiSyncReplicaEnabled"] == json!(true), "{seen}");
    Ok(())
}
