//! Agents, seeds and attributes of hosts.

use model::{Agent, Command, CommandOutcome, Secret};
use ports::SeedQuery;

use crate::cases;
use crate::support::{Bench, Ground, at};

fn register(hostname: &str, port: u16, token: &str, second: i64) -> Command {
    Command::RegisterAgent { hostname: hostname.into(), port, token: Secret::new(token), at: at(second) }
}

async fn agents_register_are_polled_and_forgotten(ground: &dyn Ground) {
    let bench = Bench::new(ground).await;
    bench.apply(register("db2", 3002, "t2", 0)).await;
    bench.apply(register("db1", 3002, "t1", 0)).await;
    let seen = |mysql_port, snapshots, second| Command::NoteAgentSeen {
        hostname: "db1".into(),
        mysql_port,
        snapshots,
        at: at(second),
    };
    bench.apply(seen(Some(3306), Some(2), 5)).await;
    bench.apply(seen(None, None, 6)).await;
    // A new address and token; what polls found stays.
    bench.apply(register("db1", 3003, "t3", 60)).await;
    let found = bench.store.agent("db1").await.unwrap().unwrap();
    let expected = Agent {
        hostname: "db1".into(),
        port: 3003,
        token: Secret::new("t3"),
        submitted: Some(at(60)),
        checked: None,
        mysql_port: Some(3306),
        snapshots: 2,
    };
    assert_eq!(found, expected);
    assert_eq!(bench.store.agent("db9").await.unwrap(), None);
    let hosts = |agents: Vec<Agent>| agents.into_iter().map(|agent| agent.hostname).collect::<Vec<_>>();
    assert_eq!(hosts(bench.store.agents().await.unwrap()), ["db1", "db2"]);
    assert_eq!(
        bench.rows("select hostname, last_seen from host_agent order by 1"),
        ["db1|2026-01-31 10:00:06", "db2|NULL"]
    );
    assert_eq!(
        bench.apply(Command::ForgetAgents { submitted_before: at(59) }).await,
        CommandOutcome::Count(1)
    );
    assert_eq!(hosts(bench.store.agents().await.unwrap()), ["db1"]);
}

async fn an_agent_is_polled_by_one_node_at_a_time(ground: &dyn Ground) {
    let bench = Bench::new(ground).await;
    bench.apply(register("db1", 3002, "t", 0)).await;
    let claim = |since, second| Command::ClaimAgentPoll {
        hostname: "db1".into(),
        unless_since: at(since),
        at: at(second),
    };
    assert_eq!(bench.apply(claim(0, 60)).await, CommandOutcome::Existed(true), "never polled");
    assert_eq!(bench.apply(claim(0, 61)).await, CommandOutcome::Existed(false), "another node was first");
    assert_eq!(bench.apply(claim(60, 120)).await, CommandOutcome::Existed(true), "due again");
    assert_eq!(bench.store.agent("db1").await.unwrap().unwrap().checked, Some(at(120)));
}

async fn begin(bench: &Bench, target: &str, source: &str, second: i64) -> Option<i64> {
    let command = Command::BeginSeed { target: target.into(), source: source.into(), at: at(second) };
    match bench.apply(command).await {
        CommandOutcome::Inserted(id) => id,
        other => panic!("{other:?}"),
    }
}

async fn step(bench: &Bench, seed: i64, action: &str, second: i64) -> Option<i64> {
    let command = Command::AddSeedState { seed, action: action.into(), at: at(second) };
    match bench.apply(command).await {
        CommandOutcome::Inserted(id) => id,
        other => panic!("{other:?}"),
    }
}

async fn numbers(bench: &Bench, query: SeedQuery) -> Vec<i64> {
    bench.store.seeds(query).await.unwrap().iter().map(|seed| seed.id).collect()
}

async fn seeds_have_steps_until_they_end(ground: &dyn Ground) {
    let bench = Bench::new(ground).await;
    let seed = begin(&bench, "db2", "db1", 0).await.unwrap();
    assert_eq!(begin(&bench, "db2", "db3", 1).await, None, "one seed onto a host at a time");
    let first = step(&bench, seed, "look", 1).await.unwrap();
    let second = step(&bench, seed, "erase", 2).await.unwrap();
    bench.apply(Command::FailSeedState { state: second, error: "no disk".into() }).await;
    let states = bench.store.seed_states(seed).await.unwrap();
    let shown: Vec<_> =
        states.iter().map(|state| (state.id, state.at, &*state.action, &*state.error)).collect();
    assert_eq!(shown, [(second, Some(at(2)), "erase", "no disk"), (first, Some(at(1)), "look", "")]);
    assert_eq!(numbers(&bench, SeedQuery::ActiveOf("db1".into())).await, [seed]);
    assert_eq!(bench.store.seeds(SeedQuery::Id(seed)).await.unwrap()[0].end, None);

    let end = |is_successful| Command::EndSeed { seed, is_successful, at: at(9) };
    assert_eq!(bench.apply(end(false)).await, CommandOutcome::Existed(true));
    assert_eq!(bench.apply(end(true)).await, CommandOutcome::Existed(false), "an end is an end");
    assert_eq!(step(&bench, seed, "go on", 10).await, None);
    let ended = bench.store.seeds(SeedQuery::Id(seed)).await.unwrap().remove(0);
    assert_eq!((ended.end, ended.is_complete, ended.is_successful), (Some(at(9)), true, false));
    assert_eq!(numbers(&bench, SeedQuery::ActiveOf("db1".into())).await, [0; 0]);
    assert_eq!(numbers(&bench, SeedQuery::EndedOf("db2".into())).await, [seed]);
    let next = begin(&bench, "db2", "db3", 11).await.unwrap();
    assert_eq!(numbers(&bench, SeedQuery::Recent).await, [next, seed]);
    assert_eq!(numbers(&bench, SeedQuery::EndedOf("db3".into())).await, [0; 0]);
    assert_eq!(numbers(&bench, SeedQuery::Id(0)).await, [0; 0]);
}

async fn seeds_without_progress_fail(ground: &dyn Ground) {
    let bench = Bench::new(ground).await;
    let stuck = begin(&bench, "db2", "db1", 0).await.unwrap();
    let moving = begin(&bench, "db3", "db1", 0).await.unwrap();
    let new = begin(&bench, "db4", "db1", 100).await.unwrap();
    step(&bench, stuck, "look", 1).await;
    step(&bench, moving, "look", 1).await;
    step(&bench, moving, "copy", 60).await;
    let fail = Command::FailStaleSeeds { since: at(60), at: at(120) };
    assert_eq!(bench.apply(fail).await, CommandOutcome::Count(1));
    assert_eq!(numbers(&bench, SeedQuery::ActiveOf("db1".into())).await, [new, moving]);
    let failed = bench.store.seeds(SeedQuery::Id(stuck)).await.unwrap().remove(0);
    assert_eq!((failed.end, failed.is_successful), (Some(at(120)), false));
}

async fn attributes_are_found_by_name_and_pattern(ground: &dyn Ground) {
    let bench = Bench::new(ground).await;
    for (hostname, name, value) in [("db2", "rack", "r7"), ("db1", "rack", "r1"), ("db1", "os", "r1")] {
        let (hostname, name, value) = (hostname.into(), name.into(), value.into());
        bench.apply(Command::SetAttribute { hostname, name, value, at: at(0) }).await;
    }
    let hosts = async |pattern| {
        let found = bench.store.host_attributes("rack", pattern).await.unwrap();
        found.into_iter().map(|one| format!("{}={}", one.hostname, one.value)).collect::<Vec<_>>()
    };
    assert_eq!(hosts(None).await, ["db1=r1", "db2=r7"]);
    assert_eq!(hosts(Some("r7")).await, ["db2=r7"]);
    assert_eq!(hosts(Some("nosuch")).await, [""; 0]);
}

cases! {
    agents_register_are_polled_and_forgotten,
    an_agent_is_polled_by_one_node_at_a_time,
    seeds_have_steps_until_they_end,
    seeds_without_progress_fail,
    attributes_are_found_by_name_and_pattern,
}
