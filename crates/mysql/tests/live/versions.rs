//! Older and newer servers than the tests otherwise use: what a read tells is what SQL tells, and each action does what
//! its name says in that version's words.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use lab::{Family, LabBuilder, REPLICATION, Server};
use model::{Action, BinlogCoordinates, Instance, Secret, SourcePosition, ThreadState, Threads};
use ports::{ErrorClass, Servers};

use crate::positions::no_wait_is_left;
use crate::world::{World, in_time};

/// Not the default of any version.
const HEARTBEAT: Duration = Duration::from_secs(1);

async fn start(builder: LabBuilder) -> Result<World> {
    World::of(builder.shape("a(b,c)").heartbeat_period(HEARTBEAT)).await
}

async fn row(server: &Server, statement: &str) -> Result<BTreeMap<String, String>> {
    server.records(statement).await?.into_iter().next().with_context(|| format!("`{statement}` gave no row"))
}

/// Every field that the families have in common, for a primary and a replica.
pub(crate) async fn a_read_tells_what_the_server_tells(builder: LabBuilder) -> Result<()> {
    let family = builder.chosen_family();
    let world = start(builder).await?;
    for name in ["a", "b"] {
        let server = world.lab.server(name);
        let seen = world.observe(name).await?;
        assert_eq!((seen.incomplete, seen.own_name.as_str()), (Vec::<String>::new(), "127.0.0.1"));
        let seen = seen.instance;
        assert_eq!(seen.server_id, server.server_id());
        assert_eq!(seen.version.text, server.value("SELECT @@version").await?);
        assert_eq!(seen.version_comment, server.value("SELECT @@version_comment").await?);
        assert_eq!(seen.binlog_format, server.value("SELECT @@binlog_format").await?);
        assert!(seen.log_bin && seen.log_replica_updates);
        assert_eq!((seen.read_only, seen.is_replica()), (name != "a", name != "a"));
        let log = row(server, "SHOW MASTER STATUS").await?;
        assert_eq!(seen.self_coordinates.file, log["File"]);
        assert_eq!(seen.self_coordinates.pos.to_string(), log["Position"]);
        let uptime: u64 = row(server, "SHOW GLOBAL STATUS LIKE 'Uptime'").await?["Value"].parse()?;
        assert!(uptime - seen.uptime <= 2, "{} of {uptime}", seen.uptime);
        if family == Family::MySql {
            assert_eq!(seen.server_uuid, server.value("SELECT @@server_uuid").await?);
            assert_eq!(seen.executed_gtid, server.value("SELECT @@global.gtid_executed").await?);
            assert_eq!((seen.gtid_mode.as_str(), seen.super_read_only), ("ON", None));
        } else {
            assert_eq!(seen.mariadb_gtid_position, server.value("SELECT @@gtid_current_pos").await?);
        }
    }
    let mut replicas = [world.key("b"), world.key("c")];
    replicas.sort();
    let primary = world.until("a", "knows its replicas", |a| a.replicas == replicas).await?;
    assert!(primary.is_primary() && primary.replication.io_thread == ThreadState::Absent);
    let replica = world.until("b", "has had a heartbeat", |b| {
        b.replication.heartbeat.is_some_and(|heartbeat| heartbeat.received > 0)
    });
    let replica = replica.await?;
    let status = world.lab.server("b").replica_status().await?.context("b is a replica")?;
    assert_replication(&world, &replica, &status);
    let is_kept = family == Family::MySql;
    assert_eq!(replica.credentials_available, is_kept);
    let found = world.servers.replication_credentials(&world.key("b"), in_time()).await?;
    assert_eq!(found, is_kept.then(|| (REPLICATION.name.to_owned(), Secret::new(REPLICATION.password))));
    Ok(())
}

fn assert_replication(world: &World, replica: &Instance, status: &BTreeMap<String, String>) {
    let facts = &replica.replication;
    assert_eq!(replica.primary_key, world.key("a"));
    assert!(replica.is_replicating() && replica.uses_gtid() && replica.is_applier_up_to_date());
    assert_eq!((facts.seconds_behind, replica.lag_seconds, facts.sql_delay), (Some(0), Some(0), 0));
    let place = |at: &BinlogCoordinates| (at.file.clone(), at.pos.to_string());
    let told = |file: &str, pos: &str| (status[file].clone(), status[pos].clone());
    assert_eq!(place(&facts.read), told("Master_Log_File", "Read_Master_Log_Pos"));
    assert_eq!(place(&facts.exec), told("Relay_Master_Log_File", "Exec_Master_Log_Pos"));
    assert_eq!(place(&facts.relay), told("Relay_Log_File", "Relay_Log_Pos"));
    let retrieved = status.get("Retrieved_Gtid_Set").or_else(|| status.get("Gtid_IO_Pos"));
    assert_eq!(Some(&facts.retrieved_gtid), retrieved);
    assert_eq!(facts.tls.allowed, status["Master_SSL_Allowed"] == "Yes");
    assert_eq!(facts.tls.verify_server_cert, Some(status["Master_SSL_Verify_Server_Cert"] == "Yes"));
    assert!(facts.has_credentials && !facts.has_filters && facts.last_io_errno == 0);
    let heartbeat = facts.heartbeat.as_ref();
    assert_eq!(heartbeat.map(|heartbeat| heartbeat.period), Some(HEARTBEAT));
    let age = heartbeat.and_then(|heartbeat| heartbeat.age);
    assert!(age.is_some_and(|age| age < Duration::from_secs(5)), "{age:?}");
}

/// What a failover under GTID does to a replica.
pub(crate) async fn a_replica_is_stopped_waited_for_and_moved(builder: LabBuilder) -> Result<()> {
    let family = builder.chosen_family();
    let world = start(builder).await?;
    world.act("b", Action::StopReplication(Threads::Applier)).await?;
    world.insert("a", 1).await?;
    let wanted = world.read("a").await?;
    let gtid = if family == Family::MySql { &wanted.executed_gtid } else { &wanted.mariadb_gtid_position };
    world
        .until("b", "has received the row", |b| b.replication.read.same_place(&wanted.self_coordinates))
        .await?;
    let waits = [
        Action::WaitApplied,
        Action::WaitExecutedGtid(gtid.clone()),
        Action::WaitExecutedCoordinates(wanted.self_coordinates.clone()),
    ];
    for wait in &waits {
        let refused = world.act("b", wait.clone()).await.expect_err("the applier is stopped");
        assert_eq!(refused.class, ErrorClass::Server, "{refused}");
    }
    assert_waits_end_in_time(&world, &waits).await?;

    world.act("c", Action::StopReplication(Threads::Both)).await?;
    world.act("c", Action::SetDelay(1)).await?;
    let change = Action::ChangeSource { source: world.key("b"), position: SourcePosition::Keep };
    world.act("c", change).await?;
    world.act("c", Action::StartReplication(Threads::Both)).await?;
    world.act("c", Action::SetDelay(0)).await?;
    let c = world.until("c", "replicates", Instance::is_replicating).await?;
    assert_eq!((&c.primary_key, c.replication.sql_delay, c.uses_gtid()), (&world.key("b"), 0, true));
    assert_eq!(c.replication.heartbeat.context("heartbeats are told")?.period, HEARTBEAT);
    world.arrives("c", 1).await?;

    world.act("b", Action::StopReplication(Threads::Both)).await?;
    world.act("b", Action::ResetReplication).await?;
    world.act("b", Action::SetReadOnly { on: false, with_super: true }).await?;
    let b = world.read("b").await?;
    assert!(b.is_primary() && !b.read_only && b.super_read_only.is_none());
    world.insert("b", 2).await?;
    world.arrives("c", 2).await
}

/// With a table locked the applier waits: no wait lasts longer than its deadline, nor goes on in the server.
async fn assert_waits_end_in_time(world: &World, waits: &[Action]) -> Result<()> {
    let mut locked = world.lab.server("b").session().await?;
    locked.query("LOCK TABLES app.writes READ").await?;
    world.act("b", Action::StartReplication(Threads::Applier)).await?;
    for wait in waits {
        let begin = Instant::now();
        let limit = Duration::from_millis(400);
        let late = world.act_within("b", wait.clone(), limit).await.expect_err("the table is locked");
        assert_eq!(late.class, ErrorClass::TimedOut, "{late}");
        assert!(begin.elapsed() < Duration::from_millis(1000), "{wait}: {:?}", begin.elapsed());
    }
    no_wait_is_left(world.lab.server("b")).await?;
    locked.query("UNLOCK TABLES").await?;
    for wait in waits {
        world.act("b", wait.clone()).await?;
    }
    assert!(world.has_row("b", 1).await?);
    Ok(())
}

/// A failover waits eight seconds for receivers to stop, those that reconnect to a hung source in vain included.
pub(crate) async fn a_receiver_that_reconnects_in_vain_is_soon_stopped(builder: LabBuilder) -> Result<()> {
    let world = start(builder).await?;
    let (a, b) = (world.lab.server("a"), world.lab.server("b"));
    let time_out = "SELECT @@global.slave_net_timeout";
    let before = b.value(time_out).await?;
    a.hang()?;
    world.act("b", Action::ReconnectReceiver).await?;
    assert_eq!(b.value(time_out).await?, before);
    assert_eq!(world.read("b").await?.replication.io_thread, ThreadState::Other);
    let stopped = world.act("b", Action::StopReplication(Threads::Receiver)).await?;
    assert!(stopped.elapsed < Duration::from_secs(7), "{:?}", stopped.elapsed);
    a.resume()?;
    world.act("b", Action::StartReplication(Threads::Receiver)).await?;
    world.until("b", "replicates", Instance::is_replicating).await.map(drop)
}

/// Without GTID the place is told with every change, and a replica can be brought to a place.
pub(crate) async fn a_replica_by_file_and_position_is_moved(builder: LabBuilder) -> Result<()> {
    let world = start(builder.gtid(false)).await?;
    for name in ["b", "c"] {
        world.act(name, Action::WaitApplied).await?;
        world.act(name, Action::StopReplication(Threads::Both)).await?;
    }
    world.insert("a", 1).await?;
    let target = world.read("a").await?.self_coordinates;
    world.insert("a", 2).await?;
    world.act("c", Action::ReplicateUntil(target.clone())).await?;
    world.act("b", Action::ReplicateUntil(target.clone())).await?;
    assert!(world.has_row("c", 1).await? && !world.has_row("c", 2).await?);
    let (b, c) = (world.read("b").await?, world.read("c").await?);
    assert!(!c.uses_gtid() && c.replication.exec.same_place(&target), "{:?}", c.replication.exec);

    let position = SourcePosition::File(b.self_coordinates.clone());
    world.act("c", Action::ChangeSource { source: world.key("b"), position }).await?;
    let c = world.read("c").await?;
    assert!(c.replication.exec.same_place(&b.self_coordinates), "{:?}", c.replication.exec);
    assert_eq!(c.replication.heartbeat.context("heartbeats are told")?.period, HEARTBEAT);
    for name in ["b", "c"] {
        world.act(name, Action::StartReplication(Threads::Both)).await?;
    }
    world.arrives("c", 2).await
}
