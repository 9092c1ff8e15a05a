//! Telling a failure as it unfolds.

use std::time::Duration;

use anyhow::{Result, bail};
use serde_json::Value;
use tokio::time::Instant;

use crate::api::Api;

const LOOK_EVERY: Duration = Duration::from_millis(20);
const PATIENCE: Duration = Duration::from_secs(120);

/// Prints the topology, what is detected and what is done about the server on this port, each as it changes, until its
/// recovery has ended; returns that.
pub(crate) async fn follow(api: &Api<'_>, cluster: &str, port: u16, since: Instant) -> Result<Value> {
    let mut story = Story { api, since, steps: 0, topology: String::new() };
    let mut analysis = String::new();
    let mut detections = 0;
    while since.elapsed() < PATIENCE {
        let found = current_analysis(api, port).await?;
        if found != analysis {
            if !found.is_empty() {
                story.say(&format!("analysis: {found}"));
            }
            analysis = found;
        }
        let all = of_server(api.list("/api/audit-failure-detection").await?, port);
        for detection in all.iter().rev().skip(detections) {
            let code = detection["AnalysisEntry"]["Analysis"].as_str().unwrap_or_default();
            story.say(&format!("detected: {code}"));
        }
        detections = all.len();
        let recoveries = of_server(api.list("/api/audit-recovery").await?, port);
        if let Some(recovery) = recoveries.into_iter().next() {
            story.tell_steps(&recovery).await?;
            if recovery["RecoveryEndTimestamp"] != "" {
                // Those that were written between the two questions.
                story.tell_steps(&recovery).await?;
                story.say("recovery ended");
                return Ok(recovery);
            }
        }
        story.tell_topology(cluster).await?;
        tokio::time::sleep(LOOK_EVERY).await;
    }
    bail!("nothing was recovered within {PATIENCE:?}; see orchestrator's log")
}

/// What was told already.
struct Story<'a> {
    api: &'a Api<'a>,
    since: Instant,
    steps: usize,
    topology: String,
}

impl Story<'_> {
    async fn tell_steps(&mut self, recovery: &Value) -> Result<()> {
        let uid = recovery["UID"].as_str().unwrap_or_default();
        let steps = self.api.list(&format!("/api/audit-recovery-steps/{uid}")).await?;
        for step in steps.iter().skip(self.steps) {
            self.say(step["Message"].as_str().unwrap_or_default());
        }
        self.steps = steps.len();
        Ok(())
    }

    /// The tree of the failed server's cluster, while there is one.
    async fn tell_topology(&mut self, cluster: &str) -> Result<()> {
        let topology = self.api.topology(cluster).await.unwrap_or_default();
        if topology != self.topology && !topology.is_empty() {
            self.say(&format!("topology:\n{}", topology.trim_end()));
            self.topology = topology;
        }
        Ok(())
    }

    fn say(&self, text: &str) {
        let mut lines = text.lines();
        println!("  {:7.3} s  {}", self.since.elapsed().as_secs_f64(), lines.next().unwrap_or_default());
        for line in lines {
            println!("             {line}");
        }
    }
}

async fn current_analysis(api: &Api<'_>, port: u16) -> Result<String> {
    let answer = api.get("/api/replication-analysis").await?;
    let entries = answer["Details"].as_array().cloned().unwrap_or_default();
    let entry = entries.iter().find(|entry| entry["AnalyzedInstanceKey"]["Port"] == port);
    let code = entry.and_then(|entry| entry["Analysis"].as_str()).filter(|code| *code != "NoProblem");
    Ok(code.unwrap_or_default().to_owned())
}

/// Records about the server on this port.
fn of_server(records: Vec<Value>, port: u16) -> Vec<Value> {
    records
        .into_iter()
        .filter(|record| record["AnalysisEntry"]["AnalyzedInstanceKey"]["Port"] == port)
        .collect()
}
