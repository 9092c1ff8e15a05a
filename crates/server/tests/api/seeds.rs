//! Seeds: their steps, how they fail, and what they leave behind. The agents are pretended, time is simulated.

use std::sync::Arc;
use std::time::Duration;

use axum::http::Method;
use model::Seed;
use ports::SeedQuery;

use crate::agents::{PretendedAgents, State, facts, served, submit};
use crate::world::World;

/// Hosts `db1` with a snapshot of 1000 bytes and `db2`, onto which it fits once its 500 bytes are erased.
async fn hosts(change: impl FnOnce(&mut State)) -> (Arc<PretendedAgents>, World) {
    let agents = Arc::new(PretendedAgents::default());
    {
        let mut state = agents.state();
        state.facts.insert("db1".into(), facts());
        state.facts.insert("db2".into(), facts());
        state.copied = vec![0, 400, 1000];
        (state.ends, state.succeeds) = (true, true);
        change(&mut state);
    }
    let world = served(&agents, "").await;
    for host in ["db1", "db2"] {
        submit(&world, Method::GET, &format!("/api/submit-agent/{host}/3002/t")).await;
    }
    (agents, world)
}

async fn ended(world: &World, id: i64) -> Seed {
    for _ in 0..10_000 {
        let seed = world.store().seeds(SeedQuery::Id(id)).await.unwrap().remove(0);
        if seed.is_complete {
            return seed;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    panic!("seed {id} does not end");
}

/// Steps of a seed, oldest first, with errors.
async fn steps(world: &World, id: i64) -> Vec<String> {
    let states = world.store().seed_states(id).await.unwrap();
    let text = |state: model::SeedState| match state.error.is_empty() {
        true => state.action,
        false => format!("{}: {}", state.action, state.error),
    };
    states.into_iter().rev().map(text).collect()
}

#[tokio::test(start_paused = true)]
async fn a_seed_copies_the_snapshot_and_starts_the_server() {
    let (agents, world) = hosts(|_| {}).await;
    assert_eq!(world.get("/api/agent-seed/db2/db1").await.body, "1");
    assert!(ended(&world, 1).await.is_successful);
    assert_eq!(
        steps(&world, 1).await,
        [
            "getting target agent info for db2",
            "getting source agent info for db1",
            "Checking MySQL status on target db2",
            "Looking up available snapshots on source db1",
            "Checking mount point on source db1",
            "db1 Mounting logical volume: /dev/vg/snap",
            "MySQL data volume on source host db1 is 1000 bytes",
            "Checking free space on db2 before erasing",
            "Erasing MySQL data on db2",
            "Acquiring target host datadir free space on db2",
            "db2 will now receive data in background",
            "Waiting 2 seconds for db2 to start listening for incoming data",
            "db1 will now send data to db2 in background",
            "Copied 0/1000 bytes (0%)",
            "Copied 400/1000 bytes (40%)",
            "Copied 1000/1000 bytes (100%)",
            "Executing post-copy command on db2",
            "db1 Unmounting logical volume: /dev/vg/snap",
            "Starting MySQL on target: db2",
            "Submitting MySQL instance for discovery: db2",
            "Done",
        ]
    );
    let told: Vec<String> =
        agents.state().told.iter().filter(|told| !told.contains("mysql-du")).cloned().collect();
    assert_eq!(
        told,
        [
            "db1 mountlv?lv=%2Fdev%2Fvg%2Fsnap",
            "db2 delete-mysql-datadir",
            "db2 receive-mysql-seed-data/1",
            "db1 send-mysql-seed-data/db2/1",
            "db2 seed-command-completed/1",
            "db2 seed-command-completed/1",
            "db2 seed-command-completed/1",
            "db2 seed-command-succeeded/1",
            "db2 post-copy/?sourceHost=db1",
            "db1 umount",
            "db2 mysql-start",
        ]
    );
    let shown = world.get("/api/agent-recent-seeds/db1").await.json();
    assert_eq!((&shown[0]["SeedId"], &shown[0]["IsSuccessful"]), (&1.into(), &true.into()));
    assert_eq!(world.get("/api/agent-seed-states/1").await.json()[0]["Action"], "Done");
}

/// A change of the hosts, the last step with its error, and the last thing that was told.
type FailureCase = (fn(&mut State), &'static str, &'static str);

#[tokio::test(start_paused = true)]
async fn a_seed_that_fails_says_why_and_leaves_nothing_mounted() {
    let cases: [FailureCase; 9] = [
        (|s| drop(s.facts.remove("db2")), "getting target agent info for db2: agent on db2: mount: no", ""),
        (
            |s| s.facts.get_mut("db2").unwrap().mysql_running = Some(true),
            "Checking MySQL status on target db2: MySQL is running on target host db2; stop it first",
            "",
        ),
        (
            |s| s.facts.get_mut("db2").unwrap().mysql_running = None,
            "Checking MySQL status on target db2: the agent on target host db2 does not tell whether MySQL runs; nothing was changed",
            "",
        ),
        (
            |s| s.facts.get_mut("db1").unwrap().volumes = Some(Vec::new()),
            "Looking up available snapshots on source db1: no logical volume found on source host db1; create a snapshot there",
            "",
        ),
        (
            |s| s.facts.get_mut("db1").unwrap().mount.as_mut().unwrap().is_mounted = true,
            "Checking mount point on source db1: a volume is mounted on source host db1 already; unmount it first",
            "",
        ),
        (
            |s| s.facts.get_mut("db2").unwrap().datadir_free = Some(499),
            "Checking free space on db2 before erasing: not enough free space on target host db2: 1000 bytes needed, 999 available",
            "db1 umount",
        ),
        (
            |s| {
                s.refused.insert("db2 delete-mysql-datadir".into());
            },
            "Erasing MySQL data on db2: agent on db2: delete-mysql-datadir: no",
            "db1 umount",
        ),
        (
            |s| s.succeeds = false,
            "Copied 1000/1000 bytes (100%): the transfer of data to db2 ended and did not succeed",
            "db1 umount",
        ),
        (
            |s| s.ends = false,
            "Copied 1000/1000 bytes (100%): 10 iterations have passed without progress. Bailing out.",
            "db1 umount",
        ),
    ];
    for (change, step, told) in cases {
        let (agents, world) = hosts(change).await;
        assert_eq!(world.get("/api/agent-seed/db2/db1").await.body, "1");
        assert!(!ended(&world, 1).await.is_successful, "{step}");
        assert_eq!(steps(&world, 1).await.pop().unwrap(), step);
        let all = agents.state().told.clone();
        assert_eq!(all.last().map_or("", String::as_str), told, "{step}");
        let is_aborted = all.iter().filter(|told| told.contains("abort-seed/1")).count();
        assert_eq!(is_aborted, if step.starts_with("Copied") { 2 } else { 0 }, "{step}: {all:?}");
        if !all.iter().any(|told| told == "db2 receive-mysql-seed-data/1") && !step.starts_with("Erasing") {
            assert!(!all.iter().any(|told| told.contains("delete")), "{step}: {all:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_aborted_seed_goes_no_further() {
    // It never ends by itself: there is always something new.
    let (agents, world) = hosts(|state| {
        state.copied = (0..100_000).collect();
    })
    .await;
    assert_eq!(world.get("/api/agent-seed/db2/db1").await.body, "1");
    while steps(&world, 1).await.len() < 15 {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let second = world.get("/api/agent-seed/db2/db1").await;
    assert!(second.json()["Message"].as_str().unwrap().starts_with("a seed onto db2 is running"));
    assert_eq!(
        world.get("/api/agent-active-seeds/db1").await.json()[0]["EndTimestamp"],
        "1971-01-01T00:00:00Z"
    );
    assert_eq!(world.get("/api/agent-abort-seed/1").await.body, "true");
    for _ in 0..10_000 {
        // The backend takes real time, in which simulated time must not run away.
        if ended(&world, 1).await.is_complete
            && agents.state().told.last().is_some_and(|told| told == "db1 umount")
        {
            break;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let told = agents.state().told.clone();
    assert_eq!(told.last().map(String::as_str), Some("db1 umount"), "{told:?}");
    assert!(!told.iter().any(|told| told.contains("mysql-start")), "{told:?}");
    let seed = ended(&world, 1).await;
    assert!(seed.is_complete && !seed.is_successful);
    assert_eq!(world.get("/api/agent-active-seeds/db1").await.body, "[]");
}

#[tokio::test(start_paused = true)]
async fn a_seed_ends_with_the_process_that_began_it() {
    let (agents, world) = hosts(|state| {
        state.copied = (0..100_000).collect();
    })
    .await;
    assert_eq!(world.get("/api/agent-seed/db2/db1").await.body, "1");
    while steps(&world, 1).await.len() < 15 {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    world.engine.supervisor().shut_down(Duration::from_secs(10)).await;
    let seed = ended(&world, 1).await;
    assert!(!seed.is_successful);
    let last = steps(&world, 1).await.pop().unwrap();
    assert_eq!(last, "Giving the seed up: orchestrator ended before the seed did; begin it again");
    assert_eq!(agents.state().told.last().map(String::as_str), Some("db1 umount"));
}
