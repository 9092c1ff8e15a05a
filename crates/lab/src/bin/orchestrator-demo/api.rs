//! The few questions the demo asks the daemon.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use lab::{OrchestratorProcess, wait_until};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(60);

/// The daemon's HTTP interface.
pub(crate) struct Api<'a> {
    daemon: &'a OrchestratorProcess,
}

impl<'a> Api<'a> {
    pub(crate) fn new(daemon: &'a OrchestratorProcess) -> Self {
        Self { daemon }
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Value> {
        let response = self.daemon.get(path).await?;
        serde_json::from_str(&response.body).with_context(|| format!("{path} answered {}", response.status))
    }

    /// Waits until all servers are known and the first analysis has run.
    pub(crate) async fn wait_ready(&self, servers: usize) -> Result<()> {
        wait_until("orchestrator knows all servers", PATIENCE, || async {
            let all = self.get("/api/all-instances").await?;
            let valid = all
                .as_array()
                .map_or(0, |list| list.iter().filter(|i| i["IsLastCheckValid"] == true).count());
            let metrics = self.daemon.get("/metrics").await?.body;
            let has_analyzed = metrics.lines().any(|line| {
                line.strip_prefix("orchestrator_analysis_rounds_total ")
                    .is_some_and(|count| count.trim() != "0")
            });
            if valid == servers && has_analyzed { Ok(()) } else { bail!("{valid} of {servers}") }
        })
        .await
    }

    /// The topology as text.
    pub(crate) async fn topology(&self, cluster: &str) -> Result<String> {
        let answer = self.get(&format!("/api/topology/{}", cluster.replace(':', "/"))).await?;
        Ok(answer["Details"].as_str().unwrap_or_default().to_owned())
    }

    /// A list; empty when the answer is none.
    pub(crate) async fn list(&self, path: &str) -> Result<Vec<Value>> {
        Ok(self.get(path).await?.as_array().cloned().unwrap_or_default())
    }
}
