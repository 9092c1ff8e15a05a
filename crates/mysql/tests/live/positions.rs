//! Moving replicas and waiting for positions.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use lab::{Family, Lab, REPLICATION};
use model::{Action, BinlogCoordinates, Secret, SourcePosition, Threads};
use ports::{ErrorClass, Servers};

use crate::world::{World, in_time};

/// Account, GTID and heartbeat period survive a change of source.
pub(crate) async fn a_replica_changes_its_source_and_keeps_its_settings(family: Family) -> Result<()> {
    let builder = Lab::builder().family(family).shape("a(b,c)");
    let world = World::of(builder.heartbeat_period(Duration::from_secs(3))).await?;
    let before = world.read("c").await?;
    world.act("c", Action::StopReplication(Threads::Both)).await?;
    for _ in 0..2 {
        let change = Action::ChangeSource { source: world.key("b"), position: SourcePosition::Keep };
        world.act("c", change).await?;
        let c = world.read("c").await?;
        assert_eq!(c.primary_key, world.key("b"));
        assert_eq!(c.gtid_use(), before.gtid_use());
        assert_eq!(c.replication.tls, before.replication.tls);
        let period = c.replication.heartbeat.context("heartbeats are told")?.period;
        assert_eq!(period, Duration::from_secs(3));
    }
    world.act("c", Action::StartReplication(Threads::Both)).await?;
    world.insert("a", 1).await?;
    world.arrives("c", 1).await?;
    let source = Action::ChangeSource { source: world.key("a"), position: SourcePosition::Keep };
    let refused = world.act("c", source).await.expect_err("its threads run");
    assert_eq!(refused.class, ErrorClass::Server, "{refused}");
    Ok(())
}

/// The primary of yesterday follows the one of today.
pub(crate) async fn a_former_primary_becomes_a_replica(family: Family) -> Result<()> {
    let world = World::start(family, "a(b)").await?;
    world.insert("a", 1).await?;
    world.arrives("b", 1).await?;
    world.act("a", Action::SetReadOnly { on: true, with_super: true }).await?;
    world.act("b", Action::StopReplication(Threads::Both)).await?;
    world.act("b", Action::ResetReplication).await?;
    world.act("b", Action::SetReadOnly { on: false, with_super: true }).await?;
    let position = match family {
        Family::MySql => SourcePosition::OracleAutoPosition,
        Family::MariaDb => SourcePosition::MariaDbCurrentPos,
    };
    world.act("a", Action::ChangeSource { source: world.key("b"), position }).await?;
    let password = Secret::new(REPLICATION.password);
    let a = world.key("a");
    world.servers.set_replication_credentials(&a, REPLICATION.name, &password, in_time()).await?;
    world.act("a", Action::StartReplication(Threads::Both)).await?;
    world.insert("b", 2).await?;
    world.arrives("a", 2).await?;
    world.until("a", "replicates", |a| a.is_replicating()).await.map(drop)
}

/// Waits are quick when there is nothing to wait for, end early when the applier is stopped, and by their deadline.
pub(crate) async fn waits_end_when_done_when_stopped_and_when_late(family: Family) -> Result<()> {
    let world = World::start(family, "a(b)").await?;
    let b = world.lab.server("b");
    world.act("b", Action::WaitApplied).await?;
    let done = world.act("b", Action::WaitApplied).await?;
    assert!(done.elapsed < Duration::from_millis(200), "{:?}", done.elapsed);
    world.act("b", Action::StopReplication(Threads::Applier)).await?;
    world.insert("a", 1).await?;
    let position = async |name: &str| {
        let seen = world.read(name).await?;
        let gtid = if family == Family::MySql { seen.executed_gtid } else { seen.mariadb_gtid_position };
        anyhow::Ok((gtid, seen.self_coordinates))
    };
    let (gtid, coordinates) = position("a").await?;
    world.until("b", "has received the row", |b| b.replication.read.same_place(&coordinates)).await?;
    let waits =
        [Action::WaitApplied, Action::WaitExecutedGtid(gtid), Action::WaitExecutedCoordinates(coordinates)];
    for wait in &waits {
        let begin = Instant::now();
        let stopped = world.act("b", wait.clone()).await.expect_err("the applier is stopped");
        assert_eq!(stopped.class, ErrorClass::Server, "{stopped}");
        assert!(begin.elapsed() < Duration::from_secs(2), "{wait}: {:?}", begin.elapsed());
    }
    // The applier runs into a lock.
    let lock = b.execute("LOCK TABLES app.writes READ; SELECT SLEEP(3)");
    let late = async {
        world.act("b", Action::StartReplication(Threads::Applier)).await?;
        for wait in &waits {
            let begin = Instant::now();
            let limit = Duration::from_millis(400);
            let late = world.act_within("b", wait.clone(), limit).await.expect_err("the table is locked");
            let took = begin.elapsed();
            assert_eq!(late.class, ErrorClass::TimedOut, "{late}");
            assert!(took > limit / 2 && took < Duration::from_millis(900), "{wait}: {took:?}");
        }
        no_wait_is_left(b).await?;
        // This one waits through the rest of the lock.
        world.act("b", waits[0].clone()).await?;
        anyhow::Ok(())
    };
    let locked = async {
        // The lock is taken before the applier starts.
        lab::wait_until("the table is locked", Duration::from_secs(3), || async {
            let sleepers = a_sleeper(b).await?;
            anyhow::ensure!(sleepers == "1", "{sleepers} sleepers");
            Ok::<_, anyhow::Error>(())
        })
        .await?;
        late.await
    };
    let (held, waited) = tokio::join!(lock, locked);
    held?;
    waited?;
    for wait in waits {
        world.act("b", wait).await?;
    }
    assert!(world.has_row("b", 1).await?);
    Ok(())
}

/// A wait that came to its deadline does not go on in the server.
pub(crate) async fn no_wait_is_left(server: &lab::Server) -> Result<()> {
    lab::wait_until("no wait is left on the server", Duration::from_secs(1), || async {
        let waits = "SELECT COUNT(*) FROM information_schema.processlist \
                     WHERE info LIKE '%\\_wait%' AND id <> CONNECTION_ID()";
        let count = server.value(waits).await?;
        anyhow::ensure!(count == "0", "{count} are");
        Ok::<_, anyhow::Error>(())
    })
    .await
}

async fn a_sleeper(server: &lab::Server) -> Result<String> {
    server
        .value("SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE '%SELECT SLEEP(3)%' AND state LIKE 'User sleep'")
        .await
}

/// Without GTID the place is told with every change.
pub(crate) async fn replicas_without_gtid_move_by_file_and_position(family: Family) -> Result<()> {
    let world = World::of(Lab::builder().family(family).shape("a(b,c)").gtid(false)).await?;
    world.insert("a", 1).await?;
    for name in ["b", "c"] {
        world.arrives(name, 1).await?;
        world.act(name, Action::StopReplication(Threads::Both)).await?;
    }
    let (b, c) = (world.read("b").await?, world.read("c").await?);
    assert!(!c.uses_gtid());

    // Detaching and attaching keeps the place.
    world.act("c", Action::DetachSource).await?;
    let detached = world.read("c").await?;
    assert!(detached.is_replica() && detached.has_detached_source());
    assert!(detached.replication.exec.same_place(&c.replication.exec), "{:?}", detached.replication.exec);
    world.act("c", Action::ReattachSource).await?;
    assert!(world.read("c").await?.replication.exec.same_place(&c.replication.exec));

    // Both have executed everything, so c can go on at b's own end.
    let position = SourcePosition::File(b.self_coordinates.clone());
    world.act("c", Action::ChangeSource { source: world.key("b"), position }).await?;
    let moved = world.read("c").await?;
    assert_eq!(moved.primary_key, world.key("b"));
    assert!(moved.replication.exec.same_place(&b.self_coordinates), "{:?}", moved.replication.exec);
    for name in ["b", "c"] {
        world.act(name, Action::StartReplication(Threads::Both)).await?;
    }
    world.insert("a", 2).await?;
    world.arrives("c", 2).await?;
    world.act("c", Action::WaitApplied).await?;
    let reached: BinlogCoordinates = world.read("b").await?.self_coordinates;
    world.act("c", Action::WaitExecutedCoordinates(reached)).await?;
    Ok(())
}
