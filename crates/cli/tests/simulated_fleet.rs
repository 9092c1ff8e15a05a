//! A daemon over simulated servers: discovery, what is known of each, and the death of a primary.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use lab::fleet::{FleetPlan, Mode, SimulatedFleet};
use lab::{OrchestratorProcess, wait_until};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(60);
const SERVERS: usize = 50;

struct World {
    fleet: SimulatedFleet,
    daemon: OrchestratorProcess,
    _folder: tempfile::TempDir,
}

impl World {
    async fn start(plan: FleetPlan, seeds: &[usize], by_list: bool) -> Result<Self> {
        let fleet = SimulatedFleet::start(plan).await?;
        let folder = tempfile::tempdir()?;
        let config = json!({
            "MySQLTopologyUser": lab::ORCHESTRATOR.name,
            "MySQLTopologyPassword": lab::ORCHESTRATOR.password,
            "BackendDB": "sqlite",
            "SQLite3DataFile": folder.path().join("orchestrator.sqlite3"),
            "DefaultInstancePort": fleet.port(),
            "DiscoverySeeds": seeds.iter().map(|seed| fleet.address(*seed)).collect::<Vec<_>>(),
            "DiscoverByShowSlaveHosts": by_list,
            "InstancePollSeconds": 1,
        });
        let binary = std::path::Path::new(env!("CARGO_BIN_EXE_orchestrator"));
        let daemon = OrchestratorProcess::start(binary, &config, folder.path()).await?;
        Ok(Self { fleet, daemon, _folder: folder })
    }

    async fn get(&self, path: &str) -> Result<Value> {
        let response = self.daemon.get(path).await?;
        serde_json::from_str(&response.body).with_context(|| format!("{path}: {}", response.body))
    }

    /// All servers, once so many of them are known and valid.
    async fn wait_known(&self, wanted: usize) -> Result<Vec<Value>> {
        wait_until("all servers are known", PATIENCE, || async {
            let all = self.get("/api/all-instances").await?;
            let list = all.as_array().context("no list")?;
            let valid = list.iter().filter(|instance| instance["IsLastCheckValid"] == json!(true)).count();
            if valid == wanted { Ok(list.clone()) } else { bail!("{valid} of {wanted} are valid") }
        })
        .await
    }

    /// What the analysis says of a server.
    async fn analysis(&self, index: usize) -> Result<String> {
        let answer = self.get("/api/replication-analysis").await?;
        let list = answer["Details"].as_array().context("no list")?;
        let address = self.fleet.address(index);
        let about = list.iter().find(|entry| address_of(&entry["AnalyzedInstanceKey"]) == address);
        Ok(about
            .map_or(Value::Null, |entry| entry["Analysis"].clone())
            .as_str()
            .unwrap_or_default()
            .to_owned())
    }

    fn all_is_known(&self) -> Result<()> {
        let unknown = self.fleet.unknown_statements();
        ensure!(unknown.is_empty(), "the simulated servers do not know {unknown:?}");
        Ok(())
    }
}

fn address_of(key: &Value) -> String {
    format!("{}:{}", key["Hostname"].as_str().unwrap_or_default(), key["Port"])
}

/// What the daemon should know of a replica and of the primary, at any moment.
fn check_instance(fleet: &SimulatedFleet, index: usize, known: &Value) {
    let is_primary = index == 0;
    let primary = fleet.address(0);
    let expected = json!({
        "ServerID": index + 1,
        "Version": "10.11.19-MariaDB-0+deb12u1-log",
        "VersionComment": "Debian 12",
        "FlavorName": "MariaDB",
        "ReadOnly": !is_primary,
        "Binlog_format": "ROW",
        "LogBinEnabled": true,
        "LogSlaveUpdatesEnabled": true,
        "Slave_SQL_Running": !is_primary,
        "Slave_IO_Running": !is_primary,
        "UsingMariaDBGTID": !is_primary,
        "HasReplicationFilters": false,
        "HasReplicationCredentials": !is_primary,
        "LastIOError": "",
        "LastSQLError": "",
        "ClusterName": primary,
        "ReplicationDepth": i32::from(!is_primary),
        "IsCoMaster": false,
        "SemiSyncAvailable": true,
        "SemiSyncMasterEnabled": false,
        "SemiSyncMasterTimeout": 10_000,
        "IsUpToDate": true,
        "Problems": [],
    });
    for (name, value) in expected.as_object().expect("an object") {
        assert_eq!(known[name], *value, "{name} of {}", fleet.address(index));
    }
    assert_eq!(known["SelfBinlogCoordinates"]["LogFile"], json!("binlog.000001"));
    if is_primary {
        let mut replicas: Vec<String> =
            known["Replicas"].as_array().expect("a list").iter().map(address_of).collect();
        let mut wanted: Vec<String> = (1..SERVERS).map(|replica| fleet.address(replica)).collect();
        replicas.sort();
        wanted.sort();
        assert_eq!(replicas, wanted);
    } else {
        assert_eq!(address_of(&known["MasterKey"]), primary);
        assert_eq!(known["SecondsBehindMaster"], json!({"Int64": 0, "Valid": true}));
        assert_eq!(known["ReadBinlogCoordinates"], known["ExecBinlogCoordinates"]);
        assert_eq!(known["ExecBinlogCoordinates"], known["SelfBinlogCoordinates"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fleet_is_known_whole_from_one_seed() -> Result<()> {
    let plan = FleetPlan { servers: SERVERS, per_cluster: SERVERS, ..FleetPlan::default() };
    for by_list in [true, false] {
        // A replica as the seed: the others are found through its primary.
        let world = World::start(plan, &[7], by_list).await?;
        world.wait_known(SERVERS).await?;
        // Those that were read before their primary learn their cluster at the next poll.
        wait_until("all are in one cluster", PATIENCE, || async {
            let clusters = world.get("/api/clusters").await?;
            ensure!(clusters == json!([world.fleet.address(0)]), "{clusters}");
            Ok(())
        })
        .await?;
        let all = world.wait_known(SERVERS).await?;
        for known in &all {
            let index = world.fleet.find(&address_of(&known["Key"])).context("a server of nobody")?;
            check_instance(&world.fleet, index, known);
        }
        world.all_is_known()?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_simulated_primary_is_found_dead_and_well_again() -> Result<()> {
    let world = World::start(FleetPlan { servers: 15, ..FleetPlan::default() }, &[0, 5, 10], true).await?;
    world.wait_known(15).await?;
    for (mode, code) in [(Mode::Dead, "DeadMaster"), (Mode::Alive, ""), (Mode::Hung, "UnreachableMaster")] {
        world.fleet.set_mode(5, mode);
        wait_until(&format!("the second primary is {mode:?}"), PATIENCE, || async {
            let now = world.analysis(5).await?;
            ensure!(now == code, "it is `{now}`");
            Ok(())
        })
        .await?;
        ensure!(world.analysis(0).await?.is_empty(), "the first primary is well");
    }
    world.fleet.set_mode(5, Mode::Alive);
    world.wait_known(15).await?;
    world.all_is_known()
}
