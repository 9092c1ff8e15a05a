//! Each action does what its name says, and may be repeated.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use lab::{Family, Lab, REPLICATION};
use model::{Action, Secret, SourcePosition, ThreadState, Threads};
use mysql::{MySqlOptions, MySqlServers, Queries};
use ports::{ErrorClass, Servers};

use crate::world::{World, in_time, options};

pub(crate) async fn threads_stop_and_start_and_may_do_so_twice(family: Family) -> Result<()> {
    let world = World::start(family, "a(b)").await?;
    for (threads, receiver, applier) in [
        (Threads::Receiver, ThreadState::Stopped, ThreadState::Running),
        (Threads::Applier, ThreadState::Running, ThreadState::Stopped),
        (Threads::Both, ThreadState::Stopped, ThreadState::Stopped),
    ] {
        for _ in 0..2 {
            let done = world.act("b", Action::StopReplication(threads)).await?;
            assert_eq!(done.statements.len(), 1, "{:?}", done.statements);
            let b = world.read("b").await?;
            assert_eq!(
                (b.replication.io_thread, b.replication.sql_thread),
                (receiver, applier),
                "{threads:?}"
            );
        }
        for _ in 0..2 {
            world.act("b", Action::StartReplication(threads)).await?;
        }
        world.until("b", "replicates", |b| b.is_replicating()).await?;
    }
    // A primary has nothing to stop, and nothing to start.
    world.act("a", Action::StopReplication(Threads::Both)).await?;
    let refused = world.act("a", Action::StartReplication(Threads::Both)).await.expect_err("no replica");
    assert_eq!(refused.number, Some(1200), "{refused}");
    Ok(())
}

/// A receiver that reconnects to a hung source keeps what it received and did not apply yet.
pub(crate) async fn a_reconnecting_receiver_loses_nothing(family: Family) -> Result<()> {
    let world = World::start(family, "a(b)").await?;
    let a = world.lab.server("a");
    world.act("b", Action::StopReplication(Threads::Both)).await?;
    world.act("b", Action::SetDelay(600)).await?;
    world.act("b", Action::StartReplication(Threads::Both)).await?;
    world.until("b", "replicates", |b| b.is_replicating()).await?;
    a.execute("create database later").await?;
    let received = a.value(received_by(family)).await?;
    world.until("b", "received it", |b| b.replication.retrieved_gtid.ends_with(&received)).await?;

    let done = world.act("b", Action::ReconnectReceiver).await?;
    assert_eq!(done.statements.len(), 1, "{:?}", done.statements);
    let b = world.until("b", "was taken back", |b| b.is_replicating()).await?;
    assert!(b.replication.retrieved_gtid.ends_with(&received), "{:?}", b.replication);

    a.hang()?;
    world.act("b", Action::ReconnectReceiver).await?;
    let b = world.read("b").await?;
    assert_eq!(b.replication.io_thread, ThreadState::Other);
    assert!(b.replication.retrieved_gtid.ends_with(&received), "{:?}", b.replication);
    world.act("b", Action::StopReplication(Threads::Both)).await?;
    world.act("b", Action::ReconnectReceiver).await?;
    assert_eq!(
        world.read("b").await?.replication.io_thread,
        ThreadState::Other,
        "one that is stopped starts"
    );
    a.resume()
}

/// The end of what a primary wrote.
fn received_by(family: Family) -> &'static str {
    match family {
        Family::MySql => "select substring_index(replace(@@gtid_executed, '\\n', ''), '-', -1)",
        Family::MariaDb => "select @@gtid_binlog_pos",
    }
}

pub(crate) async fn a_server_becomes_read_only_and_writable(family: Family) -> Result<()> {
    let world = World::start(family, "a").await?;
    let has_super = family == Family::MySql;
    for (on, with_super, seen_super) in [
        (true, false, false),
        (true, true, true),
        (true, true, true),
        (false, true, false),
        (false, false, false),
    ] {
        world.act("a", Action::SetReadOnly { on, with_super }).await?;
        let a = world.read("a").await?;
        assert_eq!(a.read_only, on);
        assert_eq!(a.super_read_only, has_super.then_some(seen_super), "on={on} with_super={with_super}");
    }
    Ok(())
}

/// A session that holds a table for writing keeps the server from becoming read-only; the action ends in time and the
/// server is as it was.
pub(crate) async fn read_only_gives_up_behind_a_lock(family: Family) -> Result<()> {
    let world = World::start(family, "a").await?;
    let a = world.lab.server("a");
    // One request, so one session: it holds the lock while it sleeps.
    let holder = a.execute("LOCK TABLES app.writes WRITE; SELECT SLEEP(4)");
    let attempt = async {
        lab::wait_until("the table is locked", Duration::from_secs(4), || async {
            let count = a
                .value("SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE '%SELECT SLEEP(4)%' AND state LIKE 'User sleep'")
                .await?;
            anyhow::ensure!(count == "1", "{count} sleepers");
            Ok::<_, anyhow::Error>(())
        })
        .await?;
        let begin = Instant::now();
        let action = Action::SetReadOnly { on: true, with_super: true };
        let late = world.act_within("a", action, Duration::from_millis(1500)).await;
        anyhow::Ok((late, begin.elapsed()))
    };
    let (held, attempted) = tokio::join!(holder, attempt);
    held?;
    let (late, took) = attempted?;
    let late = late.expect_err("the lock is held");
    assert_eq!(late.class, ErrorClass::TimedOut, "{late}");
    assert!(took < Duration::from_millis(2500), "took {took:?}");
    world.until("a", "is writable", |a| !a.read_only && a.super_read_only != Some(true)).await?;
    Ok(())
}

pub(crate) async fn a_replica_is_detached_and_attached_again(family: Family) -> Result<()> {
    let world = World::start(family, "a(b)").await?;
    world.act("b", Action::StopReplication(Threads::Both)).await?;
    for _ in 0..2 {
        world.act("b", Action::DetachSource).await?;
        let b = world.read("b").await?;
        assert_eq!(b.primary_key, world.key("a").detached());
        assert!(b.uses_gtid() && b.is_replica() && b.has_detached_source());
    }
    world.insert("a", 1).await?;
    for _ in 0..2 {
        world.act("b", Action::ReattachSource).await?;
        assert_eq!(world.read("b").await?.primary_key, world.key("a"));
    }
    world.act("b", Action::StartReplication(Threads::Both)).await?;
    world.arrives("b", 1).await
}

pub(crate) async fn a_replica_is_reset_and_set_up_again(family: Family) -> Result<()> {
    let world = World::start(family, "a(b)").await?;
    world.act("b", Action::StopReplication(Threads::Both)).await?;
    for _ in 0..2 {
        world.act("b", Action::ResetReplication).await?;
        let b = world.read("b").await?;
        assert!(!b.is_replica() && b.primary_key.is_none(), "{:?}", b.primary_key);
        assert_eq!(b.replication.io_thread, ThreadState::Absent);
    }
    world.insert("a", 1).await?;
    let position = match family {
        Family::MySql => SourcePosition::OracleAutoPosition,
        Family::MariaDb => SourcePosition::MariaDbSlavePos,
    };
    for _ in 0..2 {
        world.act("b", Action::ChangeSource { source: world.key("a"), position: position.clone() }).await?;
    }
    let password = Secret::new(REPLICATION.password);
    let b = world.key("b");
    world.servers.set_replication_credentials(&b, REPLICATION.name, &password, in_time()).await?;
    world.act("b", Action::StartReplication(Threads::Both)).await?;
    world.arrives("b", 1).await
}

pub(crate) async fn semi_sync_sides_are_switched(family: Family) -> Result<()> {
    let world = World::of(Lab::builder().family(family).shape("a(b)").semi_sync(true)).await?;
    for on in [false, false, true, true] {
        world.act("b", Action::SetSemiSyncReplica(on)).await?;
        assert_eq!(world.read("b").await?.semi_sync.replica_enabled, on);
        // The receiver reconnects, so that the source knows.
        let clients = u32::from(on);
        world.until("a", "counts its semi-sync replicas", |a| a.semi_sync.primary_clients == clients).await?;
    }
    for on in [false, false, true, true] {
        world.act("a", Action::SetSemiSyncPrimary(on)).await?;
        assert_eq!(world.read("a").await?.semi_sync.primary_enabled, on);
    }
    Ok(())
}

pub(crate) async fn a_dry_run_changes_nothing(family: Family) -> Result<()> {
    let world = World::start(family, "a(b)").await?;
    let dry = MySqlServers::new(MySqlOptions { noop: true, ..options() })?;
    for action in [
        Action::StopReplication(Threads::Both),
        Action::SetReadOnly { on: false, with_super: true },
        Action::DetachSource,
        Action::ResetReplication,
    ] {
        let refused = dry.act(&world.key("b"), &action, in_time()).await.expect_err("it is a dry run");
        assert_eq!(refused.class, ErrorClass::Rejected);
        assert!(refused.message.starts_with("noop: aborting "), "{refused}");
    }
    let seen = dry.act(&world.key("b"), &Action::Probe, in_time()).await?;
    let b = seen.observation.context("a read brings an observation")?.instance;
    assert!(b.is_replicating() && b.read_only);
    dry.act(&world.key("b"), &Action::WaitApplied, in_time()).await?;
    Ok(())
}

pub(crate) async fn credentials_come_from_the_query_or_the_server(family: Family) -> Result<()> {
    let world = World::start(family, "a(b)").await?;
    let found = world.servers.replication_credentials(&world.key("b"), in_time()).await?;
    let expected = (REPLICATION.name.to_owned(), Secret::new(REPLICATION.password));
    assert_eq!(found, (family == Family::MySql).then(|| expected.clone()));
    assert_eq!(world.servers.replication_credentials(&world.key("a"), in_time()).await?, None);

    let replication_credentials = "select 'other', 'secret' ;".to_owned();
    let queries = Queries { replication_credentials, ..Queries::default() };
    let asking = MySqlServers::new(MySqlOptions { queries, ..options() })?;
    let found = asking.replication_credentials(&world.key("a"), in_time()).await?;
    assert_eq!(found, Some(("other".to_owned(), Secret::new("secret"))));
    Ok(())
}
