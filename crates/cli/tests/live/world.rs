//! Real servers with a real daemon over them, and the questions tests ask.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use lab::{Family, Lab, LabBuilder, OrchestratorProcess, Writer, WriterOptions, wait_until};
use serde_json::{Value, json};

/// How long the daemon may take for anything a test waits for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(40);

/// Servers, daemon and the folder it works in.
pub(crate) struct World {
    pub(crate) lab: Lab,
    pub(crate) daemon: OrchestratorProcess,
    config: Value,
    folder: tempfile::TempDir,
}

impl World {
    /// Four servers, `b`, `c` and `d` below `a`, and a daemon that knows them and is past its start-up grace.
    pub(crate) async fn start(family: Family, extra: Value) -> Result<Self> {
        Self::start_shape(family, "a(b,c,d)", extra).await
    }

    /// As [`Self::start`] with another shape.
    pub(crate) async fn start_shape(family: Family, shape: &str, extra: Value) -> Result<Self> {
        Self::start_lab(Lab::builder().family(family).shape(shape), extra).await
    }

    /// As [`Self::start_shape`], with replicas that find their place by file and position.
    pub(crate) async fn start_without_gtid(family: Family, shape: &str) -> Result<Self> {
        Self::start_lab(Lab::builder().family(family).shape(shape).gtid(false), json!({})).await
    }

    pub(crate) async fn start_lab(lab: LabBuilder, extra: Value) -> Result<Self> {
        let world = Self::start_known(lab, extra).await?;
        world.wait_ready().await?;
        Ok(world)
    }

    /// With a daemon that knows the servers, and may still be in its start-up grace.
    pub(crate) async fn start_known(lab: LabBuilder, extra: Value) -> Result<Self> {
        let lab = lab.replica_net_timeout(4).heartbeat_period(Duration::from_secs(1)).start().await?;
        Self::over(lab, extra).await
    }

    /// A daemon over servers that run, and that it knows then; it may still be in its start-up grace.
    pub(crate) async fn over(lab: Lab, extra: Value) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let config = config(&lab, &folder, extra);
        let daemon = start_daemon(&config, &folder).await?;
        let world = Self { lab, daemon, config, folder };
        world.wait_all_known().await?;
        Ok(world)
    }

    /// Ends the daemon with SIGKILL and starts it again on the same backend.
    pub(crate) async fn crash_and_restart(&mut self) -> Result<()> {
        self.daemon.kill9()?;
        self.daemon = start_daemon(&self.config, &self.folder).await?;
        Ok(())
    }

    /// Runs a command on the daemon's backend; it must succeed and print exactly this.
    pub(crate) async fn command(&self, words: &[&str], stdout: &str) -> Result<()> {
        let printed = self.printed(words).await?;
        ensure!(printed == stdout, "{words:?} printed {printed:?}");
        Ok(())
    }

    /// What the same program prints as a command.
    pub(crate) async fn printed(&self, words: &[&str]) -> Result<String> {
        let ended = tokio::process::Command::new(env!("CARGO_BIN_EXE_orchestrator"))
            .arg("-config")
            .arg(self.daemon.config_path())
            .args(words)
            .output()
            .await?;
        let printed = String::from_utf8_lossy(&ended.stdout).into_owned();
        ensure!(
            ended.status.success(),
            "{words:?} printed {printed:?}: {}",
            String::from_utf8_lossy(&ended.stderr)
        );
        Ok(printed)
    }

    /// JSON of a route.
    pub(crate) async fn get(&self, path: &str) -> Result<Value> {
        let response = self.daemon.get(path).await?;
        serde_json::from_str(&response.body).with_context(|| format!("{path}: {}", response.body))
    }

    /// JSON of a route that must answer 200.
    pub(crate) async fn ok(&self, path: &str) -> Result<Value> {
        let response = self.daemon.get(path).await?;
        if response.status != 200 {
            bail!("{path} answered {}: {}", response.status, response.body);
        }
        Ok(serde_json::from_str(&response.body)?)
    }

    pub(crate) async fn wait_all_known(&self) -> Result<()> {
        let wanted = self.lab.servers().count();
        wait_until("all servers are known and valid", PATIENCE, || async {
            let all = self.get("/api/all-instances").await?;
            let valid = all.as_array().map_or(0, |list| {
                list.iter().filter(|instance| instance["IsLastCheckValid"] == json!(true)).count()
            });
            if valid == wanted { Ok(()) } else { bail!("{valid} of {wanted}: {all}") }
        })
        .await
    }

    /// The start-up grace has passed: three poll intervals.
    pub(crate) async fn wait_ready(&self) -> Result<()> {
        wait_until("the start-up grace has passed", PATIENCE, || async {
            let health = self.get("/api/health").await?;
            if self.rounds().await? > 0.0 { Ok(()) } else { bail!("{health}") }
        })
        .await
    }

    /// Rounds of analysis so far.
    async fn rounds(&self) -> Result<f64> {
        let metrics = self.daemon.get("/metrics").await?;
        Ok(metric(&metrics.body, "orchestrator_analysis_rounds_total").unwrap_or(0.0))
    }

    /// That many rounds of analysis begin and end from now on.
    pub(crate) async fn wait_rounds(&self, more: u32) -> Result<()> {
        // The one under way may have begun before.
        let wanted = self.rounds().await? + f64::from(more) + 1.0;
        wait_until("rounds of analysis pass", PATIENCE, || async {
            let rounds = self.rounds().await?;
            if rounds >= wanted { Ok(()) } else { bail!("{rounds} of {wanted}") }
        })
        .await
    }

    /// The code the daemon reports for a server; `NoProblem` when it reports none.
    pub(crate) async fn analysis(&self, name: &str) -> Result<String> {
        let server = self.lab.server(name);
        let answer = self.get("/api/replication-analysis").await?;
        let list = answer["Details"].as_array().cloned().unwrap_or_default();
        let entry = list.iter().find(|entry| entry["AnalyzedInstanceKey"]["Port"] == json!(server.port()));
        Ok(entry.and_then(|entry| entry["Analysis"].as_str()).unwrap_or("NoProblem").to_owned())
    }

    pub(crate) async fn wait_analysis(&self, name: &str, wanted: &str) -> Result<()> {
        wait_until(&format!("{name} is {wanted}"), PATIENCE, || async {
            let found = self.analysis(name).await?;
            if found == wanted { Ok(()) } else { bail!("{found}") }
        })
        .await
    }

    /// Recoveries, newest first.
    pub(crate) async fn recoveries(&self) -> Result<Vec<Value>> {
        Ok(self.ok("/api/audit-recovery").await?.as_array().cloned().unwrap_or_default())
    }

    /// Waits until a recovery of this server has ended, and returns it.
    pub(crate) async fn wait_recovered(&self, failed: &str) -> Result<Value> {
        let port = json!(self.lab.server(failed).port());
        wait_until(&format!("a recovery of {failed} ended"), PATIENCE, || async {
            let all = self.recoveries().await?;
            all.into_iter()
                .find(|recovery| {
                    recovery["AnalysisEntry"]["AnalyzedInstanceKey"]["Port"] == port
                        && recovery["RecoveryEndTimestamp"] != json!("")
                })
                .context("none yet")
        })
        .await
    }

    /// Name of the server a recovery promoted.
    pub(crate) fn successor(&self, recovery: &Value) -> Option<String> {
        let port = recovery["SuccessorKey"]["Port"].as_u64()?;
        self.lab
            .servers()
            .find(|server| u64::from(server.port()) == port)
            .map(|server| server.name().to_owned())
    }

    /// The server is writable and replicates from nobody, asked directly.
    pub(crate) async fn assert_is_primary(&self, name: &str) -> Result<()> {
        let server = self.lab.server(name);
        wait_until(&format!("{name} is a writable primary"), PATIENCE, || async {
            let read_only = server.value("SELECT @@global.read_only").await?;
            let status = server.replica_status().await?;
            if read_only == "0" && status.is_none() {
                Ok(())
            } else {
                bail!("read_only={read_only} {status:?}")
            }
        })
        .await
    }

    /// The replica replicates from the source with both threads, asked directly.
    pub(crate) async fn assert_replicates(&self, replica: &str, source: &str) -> Result<()> {
        let port = self.lab.server(source).port().to_string();
        let server = self.lab.server(replica);
        wait_until(&format!("{replica} replicates from {source}"), PATIENCE, || async {
            let Some(status) = server.replica_status().await? else { bail!("no replica") };
            let field = |names: [&str; 2]| {
                names.iter().find_map(|name| status.get(*name)).cloned().unwrap_or_default()
            };
            let found = (
                field(["Source_Port", "Master_Port"]),
                field(["Replica_IO_Running", "Slave_IO_Running"]),
                field(["Replica_SQL_Running", "Slave_SQL_Running"]),
            );
            let wanted = (port.clone(), "Yes".to_owned(), "Yes".to_owned());
            if found == wanted { Ok(()) } else { bail!("{found:?}") }
        })
        .await
    }
}

fn config(lab: &Lab, folder: &tempfile::TempDir, extra: Value) -> Value {
    let mut config = json!({
        "MySQLTopologyUser": lab::ORCHESTRATOR.name,
        "MySQLTopologyPassword": lab::ORCHESTRATOR.password,
        "BackendDB": "sqlite",
        "SQLite3DataFile": folder.path().join("orchestrator.sqlite3"),
        "DiscoverySeeds": [lab.addresses().first()],
        "DiscoverByShowSlaveHosts": true,
        "MySQLHostnameResolveMethod": "none",
        "HostnameResolveMethod": "none",
        "InstancePollSeconds": 1,
        "RecoverMasterClusterFilters": ["*"],
        "ListenAddress": "127.0.0.1:0",
    });
    if let (Some(config), Some(extra)) = (config.as_object_mut(), extra.as_object()) {
        config.extend(extra.clone());
    }
    config
}

async fn start_daemon(config: &Value, folder: &tempfile::TempDir) -> Result<OrchestratorProcess> {
    let binary = std::path::Path::new(env!("CARGO_BIN_EXE_orchestrator"));
    OrchestratorProcess::start(binary, config, folder.path()).await
}

/// Starts writing to every server of the lab, wherever it is let.
pub(crate) fn write_load(lab: &Lab) -> Result<Writer> {
    Writer::start(&lab.addresses(), WriterOptions::default())
}

/// Waits until that many more rows are acknowledged.
pub(crate) async fn wait_writes(writer: &Writer, more: usize) -> Result<()> {
    let wanted = writer.acknowledged() + more;
    wait_until("rows are acknowledged", PATIENCE, || async {
        let count = writer.acknowledged();
        if count >= wanted { Ok(()) } else { bail!("{count} of {wanted}") }
    })
    .await
}

/// Value of a counter or gauge in Prometheus text.
fn metric(text: &str, name: &str) -> Option<f64> {
    text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
}
