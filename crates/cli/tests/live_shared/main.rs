//! Two daemons on one MySQL or MariaDB backend: one acts, the other follows and takes over.

mod notes;

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use lab::{CutKind, Family, Lab, OrchestratorProcess, Party, wait_until};
use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::notes::Notes;

const PATIENCE: Duration = Duration::from_secs(40);
/// A node's time is over after five seconds; the other one looks each second.
const TAKEOVER_MAX: Duration = Duration::from_secs(8);

/// A cluster `a(b,c)`, the backend `m`, and what a daemon needs to know of them.
struct World {
    lab: Lab,
    folder: TempDir,
    config: Value,
}

impl World {
    async fn start(family: Family) -> Result<Self> {
        let lab = Lab::builder()
            .family(family)
            .shape("a(b,c),m")
            .replica_net_timeout(4)
            .heartbeat_period(Duration::from_secs(1))
            .start()
            .await?;
        let config = json!({
            "MySQLTopologyUser": lab::ORCHESTRATOR.name,
            "MySQLTopologyPassword": lab::ORCHESTRATOR.password,
            "BackendDB": "mysql",
            "MySQLOrchestratorHost": "127.0.0.1",
            "MySQLOrchestratorPort": lab.server("m").port(),
            "MySQLOrchestratorDatabase": "orchestrator",
            "MySQLOrchestratorUser": lab::ROOT.name,
            "MySQLOrchestratorPassword": lab::ROOT.password,
            "MySQLOrchestratorReadTimeoutSeconds": 3,
            "DiscoverySeeds": [lab.address("a")],
            "DiscoverByShowSlaveHosts": true,
            "MySQLHostnameResolveMethod": "none",
            "HostnameResolveMethod": "none",
            "InstancePollSeconds": 1,
            "RecoverMasterClusterFilters": ["*"],
        });
        Ok(Self { lab, folder: tempfile::tempdir()?, config })
    }

    async fn daemon(&self, name: &str) -> Result<OrchestratorProcess> {
        let binary = env!("CARGO_BIN_EXE_orchestrator").as_ref();
        OrchestratorProcess::start(binary, &self.config, &self.folder.path().join(name)).await
    }

    /// Waits until the daemon lists so many servers with a valid check.
    async fn wait_known(&self, daemon: &OrchestratorProcess, wanted: usize) -> Result<()> {
        wait_until("the servers are known and valid", PATIENCE, || async {
            let all: Value = serde_json::from_str(&daemon.get("/api/all-instances").await?.body)?;
            let list = all.as_array().context("no list")?;
            let valid = list.iter().filter(|one| one["IsLastCheckValid"] == json!(true)).count();
            if valid == wanted { Ok(()) } else { bail!("{valid} of {wanted}: {all}") }
        })
        .await
    }
}

async fn is_active(daemon: &OrchestratorProcess) -> Result<bool> {
    Ok(daemon.get("/api/leader-check").await?.status == 200)
}

/// Waits until one of the daemons is active; at no time may both be.
async fn wait_active(
    what: &str,
    active: &OrchestratorProcess,
    passive: Option<&OrchestratorProcess>,
) -> Result<()> {
    let start = Instant::now();
    loop {
        let is_done = is_active(active).await?;
        if let Some(passive) = passive {
            ensure!(!(is_active(passive).await? && is_active(active).await?), "{what}: both are active");
        }
        if is_done {
            return Ok(());
        }
        ensure!(start.elapsed() < TAKEOVER_MAX, "{what}: not active within {TAKEOVER_MAX:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn shared_backend(family: Family) -> Result<()> {
    let world = World::start(family).await?;
    let mut one = world.daemon("one").await?;
    wait_active("the first daemon", &one, None).await?;
    let two = world.daemon("two").await?;
    world.wait_known(&one, 3).await?;
    // The passive one reads no servers, but knows what the active one wrote.
    world.wait_known(&two, 3).await?;
    ensure!(is_active(&one).await? && !is_active(&two).await?, "not exactly one active");
    both_name_the_active(&one, &two).await?;
    a_passive_node_does_what_it_is_told(&world, &two).await?;

    let notes = Notes::about(&world.lab.address("b"));
    notes.through(&one);
    notes.through(&two);
    one.kill9()?;
    wait_active("after a kill", &two, None).await?;
    world.lab.server("a").kill9()?;
    wait_until("the primary was replaced by the daemon that took over", PATIENCE, || async {
        let all: Value = serde_json::from_str(&two.get("/api/audit-recovery").await?.body)?;
        let first = all.as_array().and_then(|list| list.first()).context("no recovery")?;
        if first["IsSuccessful"] == json!(true) { Ok(()) } else { bail!("{first}") }
    })
    .await?;

    let one = world.daemon("one").await?;
    notes.through(&one);
    ensure!(!is_active(&one).await?, "the second of two is active");
    world.lab.cut(Party::Orchestrator, "m", CutKind::Drop)?;
    wait_until("nobody acts without the backend", TAKEOVER_MAX, || async {
        ensure!(!is_active(&one).await? && !is_active(&two).await?);
        Ok(())
    })
    .await?;
    world.lab.heal()?;
    wait_until("one of them acts again", PATIENCE, || async {
        ensure!(is_active(&one).await? != is_active(&two).await?);
        Ok(())
    })
    .await?;
    notes.are_all_kept(world.lab.server("m")).await
}

/// Each of two daemons tells which of them is active, and that both are there.
async fn both_name_the_active(active: &OrchestratorProcess, passive: &OrchestratorProcess) -> Result<()> {
    let health = async |daemon: &OrchestratorProcess| -> Result<Value> {
        Ok(serde_json::from_str::<Value>(&daemon.get("/api/health").await?.body)?["Details"].clone())
    };
    let (first, second) = (health(active).await?, health(passive).await?);
    for (details, is_active) in [(&first, true), (&second, false)] {
        ensure!(
            details["Healthy"] == json!(true) && details["IsActiveNode"] == json!(is_active),
            "{details}"
        );
        ensure!(details["ActiveNode"]["Token"] == first["Token"], "{details}");
        ensure!(details["ActiveNode"]["LastSeenActive"] != json!(""), "{details}");
        ensure!(details["AvailableNodes"].as_array().is_some_and(|nodes| nodes.len() == 2), "{details}");
    }
    ensure!(first["Token"] != second["Token"]);
    Ok(())
}

/// Nodes that share a backend do what people ask for, whichever of them is active.
async fn a_passive_node_does_what_it_is_told(world: &World, passive: &OrchestratorProcess) -> Result<()> {
    let port = world.lab.server("b").port();
    for (command, runs) in [("stop-replica", false), ("start-replica", true)] {
        let answer = passive.get(&format!("/api/{command}/127.0.0.1/{port}")).await?;
        ensure!(answer.status == 200, "{command}: {answer:?}");
        let instance: Value = serde_json::from_str(&answer.body)?;
        ensure!(instance["Details"]["ReplicationSQLThreadRuning"] == json!(runs), "{command}: {instance}");
    }
    ensure!(!is_active(passive).await?, "it became active by that");
    // As the backend shows it: a blank between date and time.
    let instance: Value =
        serde_json::from_str(&passive.get(&format!("/api/instance/127.0.0.1/{port}")).await?.body)?;
    let seen = instance["LastSeenTimestamp"].as_str().unwrap_or_default();
    ensure!(seen.len() == 19 && seen.as_bytes()[10] == b' ', "{instance}");
    Ok(())
}

/// What runs without HTTP shares the backend by turns like any other, and `-grab-election` does not wait for its turn.
async fn without_http(family: Family) -> Result<()> {
    let world = World::start(family).await?;
    let mut config = world.config.clone();
    config["ListenAddress"] = json!("127.0.0.1:0");
    let file = world.folder.path().join("continuous.json");
    std::fs::write(&file, config.to_string())?;
    let program = |words: &[&str]| {
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_orchestrator"));
        command.arg("-config").arg(&file).args(words).kill_on_drop(true).stderr(std::process::Stdio::null());
        command
    };
    let active_token = async |daemon: &OrchestratorProcess| -> Result<String> {
        let health: Value = serde_json::from_str(&daemon.get("/api/health").await?.body)?;
        Ok(health["Details"]["ActiveNode"]["Token"].as_str().unwrap_or_default().to_owned())
    };
    let mut silent = program(&["-c", "continuous"]).spawn()?;
    wait_until("it is registered", PATIENCE, || async {
        let listed = program(&["-c", "active-nodes"]).output().await?;
        ensure!(String::from_utf8_lossy(&listed.stdout).lines().count() >= 2);
        Ok(())
    })
    .await?;
    // Registered is not elected yet.
    wait_until("it is elected", PATIENCE, || async {
        let elected = "select count(*) from orchestrator.active_node where token <> ''";
        ensure!(world.lab.server("m").value(elected).await? == "1");
        Ok(())
    })
    .await?;
    let mut daemon = world.daemon("served").await?;
    ensure!(!active_token(&daemon).await?.is_empty() && !is_active(&daemon).await?, "two act at once");
    let output = program(&["-c", "reelect"]).output().await?;
    ensure!(output.stdout == b"Set re-elections\n", "{output:?}");
    wait_until("somebody is elected", PATIENCE, || async {
        ensure!(!active_token(&daemon).await?.is_empty());
        Ok(())
    })
    .await?;
    silent.kill().await?;
    wait_active("when the other one is gone", &daemon, None).await?;

    let mut grabbing = program(&["http", "-grab-election", "-discovery=false"]).spawn()?;
    wait_until("the new process took over at its start", TAKEOVER_MAX, || async {
        ensure!(!is_active(&daemon).await?);
        Ok(())
    })
    .await?;
    grabbing.kill().await?;

    // A service that discovers nothing stands for no election, even alone.
    daemon.terminate().await?;
    let backend = world.lab.server("m");
    let begin = backend.value("select utc_timestamp()").await?;
    let _idle = program(&["http", "-discovery=false"]).spawn()?;
    let lasting = format!(
        "select count(*) from orchestrator.node_health where first_seen_active >= '{begin}'
         and timestampdiff(second, first_seen_active, last_seen_active) >= 3"
    );
    wait_until("it has been there for some turns", PATIENCE, || async {
        ensure!(backend.value(&lasting).await? == "1");
        Ok(())
    })
    .await?;
    let elected = format!(
        "select count(*) from orchestrator.active_node where last_seen_active > '{begin}' + interval 1 second"
    );
    ensure!(backend.value(&elected).await? == "0", "it was elected");
    Ok(())
}

async fn hung_daemon(family: Family) -> Result<()> {
    let world = World::start(family).await?;
    let mut one = world.daemon("one").await?;
    wait_active("the first daemon", &one, None).await?;
    let mut two = world.daemon("two").await?;
    let notes = Notes::about(&world.lab.address("b"));
    notes.through(&one);
    notes.through(&two);
    one.signal(Signal::STOP)?;
    wait_active("after a stop", &two, None).await?;
    one.signal(Signal::CONT)?;
    ensure!(!is_active(&one).await?, "a daemon that slept through its time is active");
    // A forced election, then an orderly end, which nobody has to wait for.
    let answer = one.get("/api/grab-election").await?;
    ensure!(answer.status == 200, "{answer:?}");
    wait_active("after a forced election", &one, Some(&two)).await?;
    one.terminate().await?;
    let start = Instant::now();
    wait_active("after an orderly end", &two, None).await?;
    ensure!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
    two.terminate().await?;
    notes.are_all_kept(world.lab.server("m")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn mysql_is_shared_by_two_daemons() -> Result<()> {
    shared_backend(Family::MySql).await
}

#[tokio::test(flavor = "multi_thread")]
async fn mariadb_is_shared_by_two_daemons() -> Result<()> {
    shared_backend(Family::MariaDb).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_runs_without_http_takes_its_turn() -> Result<()> {
    without_http(Family::MariaDb).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_hung_does_not_act_on() -> Result<()> {
    hung_daemon(Family::MariaDb).await
}
