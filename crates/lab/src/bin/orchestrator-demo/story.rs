//! Telling a failure as it unfolds.

use std::time::Duration;

use anyhow::{Result, bail};
use serde_json::Value;
use tokio::time::Instant;

use crate::api::Api;

const LOOK_EVERY: Duration = Duration::from_millis(20);
const PATIENCE: Duration = Duration::from_secs(120);

/// Prints what is detected and done about the server on this port, until its recovery has ended; returns that.
pub(crate) async fn follow(api: &Api<'_>, port: u16, since: Instant) -> Result<Value> {
    let mut analysis = String::new();
    let mut detections = 0;
    while since.elapsed() < PATIENCE {
        let found = current_analysis(api, port).await?;
        if found != analysis {
            if !found.is_empty() {
                say(since, &format!("analysis: {found}"));
            }
            analysis = found;
        }
        let all = of_server(api.list("/api/audit-failure-detection").await?, port);
        for detection in all.iter().rev().skip(detections) {
            let code = detection["AnalysisEntry"]["Analysis"].as_str().unwrap_or_default();
            say(since, &format!("detected: {code}"));
        }
        detections = all.len();
        let recoveries = of_server(api.list("/api/audit-recovery").await?, port);
        if let Some(ended) = recoveries.into_iter().find(|recovery| recovery["RecoveryEndTimestamp"] != "") {
            say(since, "recovery ended");
            return Ok(ended);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    bail!("nothing was recovered within {PATIENCE:?}; see orchestrator's log")
}

/// Prints the audit of a recovery.
pub(crate) async fn steps(api: &Api<'_>, recovery: &Value) -> Result<()> {
    let uid = recovery["UID"].as_str().unwrap_or_default();
    println!("\nWhat was done:");
    for step in api.list(&format!("/api/audit-recovery-steps/{uid}")).await? {
        for (index, line) in step["Message"].as_str().unwrap_or_default().lines().enumerate() {
            println!("  {}{line}", if index == 0 { "- " } else { "    " });
        }
    }
    Ok(())
}

fn say(since: Instant, text: &str) {
    println!("  {:7.3} s  {text}", since.elapsed().as_secs_f64());
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
