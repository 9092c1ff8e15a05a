//! Servers that die, hang, or close connections.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use lab::{Family, Server, wait_until};
use model::{Action, ReadProgress};
use ports::{Deadline, ErrorClass, LostConnection, ProbeRequest, Servers};
use tokio::time::timeout;

use crate::world::{SOON, World, probe_with};

/// A watch counts as established when the server runs its pending statement.
async fn watching_statement(server: &Server) -> Result<String> {
    wait_until("the watch is established", SOON, || async {
        let rows =
            server.query("SELECT id FROM information_schema.processlist WHERE info LIKE 'do sleep%'").await?;
        ensure!(rows.len() == 1, "{} watches", rows.len());
        Ok::<_, anyhow::Error>(rows[0][0].clone())
    })
    .await
}

/// The watch runs; fails if it ends instead.
pub(crate) async fn until_established(
    watch: &mut (impl Future<Output = LostConnection> + Unpin),
    server: &Server,
) -> Result<()> {
    tokio::select! {
        lost = watch => anyhow::bail!("lost a living server: {}", lost.reason),
        established = watching_statement(server) => established.map(drop),
    }
}

/// From `kill -9` to the return of the watch: milliseconds.
pub(crate) async fn a_killed_server_is_heard_at_once(family: Family) -> Result<()> {
    let world = World::start(family, "a").await?;
    let (a, key) = (world.lab.server("a"), world.key("a"));
    let mut watch = world.servers.watch(&key, &|| {});
    until_established(&mut watch, a).await?;
    // Several naps pass; the watch stays.
    assert!(timeout(Duration::from_secs(2), &mut watch).await.is_err(), "lost a living server");
    let begin = Instant::now();
    a.kill9()?;
    let lost = timeout(SOON, watch).await?;
    let heard = begin.elapsed();
    assert_eq!(lost.key, key);
    assert!(heard < Duration::from_millis(250), "heard after {heard:?}");
    Ok(())
}

/// A hung server: its answer is late first, and then it counts as hanging.
pub(crate) async fn a_hung_server_is_late_and_then_lost(family: Family) -> Result<()> {
    let world = World::start(family, "a").await?;
    let (a, key) = (world.lab.server("a"), world.key("a"));
    let late = AtomicUsize::new(0);
    let on_late = || {
        late.fetch_add(1, Ordering::Relaxed);
    };
    let mut watch = world.servers.watch(&key, &on_late);
    until_established(&mut watch, a).await?;
    let before = late.load(Ordering::Relaxed);
    a.hang()?;
    let lost = timeout(SOON, watch).await?;
    assert_eq!(late.load(Ordering::Relaxed), before + 1);
    assert!(lost.reason.contains("no answer"), "{}", lost.reason);
    a.resume()?;
    Ok(())
}

/// A killed statement is repeated; the server is well.
pub(crate) async fn a_killed_statement_is_no_lost_server(family: Family) -> Result<()> {
    let world = World::start(family, "a").await?;
    let a = world.lab.server("a");
    let key = world.key("a");
    let mut watch = world.servers.watch(&key, &|| {});
    for _ in 0..3 {
        tokio::select! {
            lost = &mut watch => anyhow::bail!("lost a living server: {}", lost.reason),
            id = watching_statement(a) => {
                let id = id?;
                // The nap may end just before the statement arrives: nothing is killed then.
                a.execute(&format!("KILL QUERY {id}")).await?;
            }
        }
        assert!(timeout(Duration::from_millis(400), &mut watch).await.is_err(), "lost a living server");
    }
    Ok(())
}

/// A hung server: the read ends with its deadline, and later reads work again.
pub(crate) async fn a_hung_server_costs_no_more_than_the_deadline(family: Family) -> Result<()> {
    let world = World::start(family, "a").await?;
    let a = world.lab.server("a");
    probe_with(&world.servers, &world.key("a")).await?;
    a.hang()?;
    // First over the kept connection, then without one.
    for _ in 0..3 {
        let begin = Instant::now();
        let deadline = Deadline::after(Duration::from_millis(400));
        let hung = world.servers.probe(&world.key("a"), &ProbeRequest::default(), deadline).await;
        let took = begin.elapsed();
        let hung = hung.expect_err("it hangs");
        assert_eq!((hung.class, hung.progress), (ErrorClass::TimedOut, ReadProgress::Nothing), "{hung}");
        assert!(took >= Duration::from_millis(390) && took < Duration::from_millis(900), "took {took:?}");
    }
    a.resume()?;
    world.until("a", "answers again", |_| true).await.map(drop)
}

/// What the server closed while nobody used it is replaced without a failure: by time, by hand, by a restart.
pub(crate) async fn closed_idle_connections_are_replaced(family: Family) -> Result<()> {
    let world = World::start(family, "a").await?;
    let a = world.lab.server("a");
    world.read("a").await?;
    world.act("a", model::Action::SetReadOnly { on: false, with_super: true }).await?;
    let ids = a.query("SELECT id FROM information_schema.processlist WHERE user = 'orchestrator'").await?;
    assert_eq!(ids.len(), 2, "one connection to read, one to act: {ids:?}");
    for row in ids {
        a.execute(&format!("KILL {}", row[0])).await?;
    }
    world.read("a").await?;
    world.act("a", model::Action::SetReadOnly { on: false, with_super: true }).await?;
    a.restart().await?;
    let seen = world.read("a").await?;
    assert!(seen.uptime < 60, "uptime {}", seen.uptime);
    world.act("a", model::Action::WaitApplied).await?;
    Ok(())
}

/// Nothing waits for the answer when the server goes on, and still it finds what was asked of it.
pub(crate) async fn a_server_that_hangs_finds_the_fence_when_it_goes_on(family: Family) -> Result<()> {
    let world = World::start(family, "a").await?;
    let (a, key) = (world.lab.server("a"), world.key("a"));
    let watch = world.servers.watch(&key, &|| {});
    let test = async {
        // Time for the spare connection.
        tokio::time::sleep(Duration::from_secs(1)).await;
        a.hang()?;
        let fence = Action::SetReadOnly { on: true, with_super: true };
        let deadline = Deadline::after(Duration::from_millis(300));
        let error = world.servers.act(&key, &fence, deadline).await.expect_err("it hangs");
        assert_eq!(error.class, ErrorClass::TimedOut, "{error}");
        tokio::time::sleep(Duration::from_secs(1)).await;
        a.resume()?;
        wait_until("it is read-only", Duration::from_secs(5), || async {
            let found = a.value("select @@global.read_only").await?;
            if found == "1" { Ok(()) } else { anyhow::bail!("read_only={found}") }
        })
        .await
    };
    let (_, outcome) = tokio::join!(watch, test);
    outcome
}
