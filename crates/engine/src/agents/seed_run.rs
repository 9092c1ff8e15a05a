//! One seed from begin to end: the source's snapshot is mounted, the target erased, the data sent, the server started.
//!
//! Each step is recorded before its work. A seed that somebody ended goes no further. Whatever goes wrong after the
//! snapshot was mounted, it is unmounted; transfers under way are broken off.

use std::time::Duration;

use decide::seeds::{CopyProgress, check_mount, check_room, check_target, choose_volume, mounted_bytes};
use model::{AgentCommand, AgentFacts, Command, CommandOutcome};
use ports::Deadline;
use tracing::{info, warn};

use super::{COMMAND_MAX, server_of};
use crate::Engine;

/// Pause between looks at a transfer.
const LOOK_PAUSE: Duration = Duration::from_secs(30);
/// Time for leaving things in order when the process ends.
const LEAVE_MAX: Duration = Duration::from_secs(6);

/// Why a seed went no further.
#[derive(Debug)]
enum Stop {
    /// A step failed.
    Failed(String),
    /// Somebody ended it.
    Ended,
    /// The process ends.
    Leaving,
}

impl From<String> for Stop {
    fn from(reason: String) -> Self {
        Self::Failed(reason)
    }
}

/// A seed under way.
pub(super) struct SeedRun {
    engine: Engine,
    id: i64,
    target: String,
    source: String,
    /// The step under way.
    state: Option<i64>,
    /// Path of the volume that is mounted on the source, or may be.
    mounted: Option<String>,
    is_transferring: bool,
}

impl SeedRun {
    pub(super) fn new(engine: Engine, id: i64, target: &str, source: &str) -> Self {
        let (target, source) = (target.to_owned(), source.to_owned());
        Self { engine, id, target, source, state: None, mounted: None, is_transferring: false }
    }

    /// Carries the seed out and records how it ended.
    pub(super) async fn carry_out(mut self) {
        let stopping = self.engine.supervisor().stopping();
        let (outcome, leave_max) = tokio::select! {
            biased;
            () = stopping.cancelled() => (Err(Stop::Leaving), LEAVE_MAX),
            outcome = self.steps() => (outcome, COMMAND_MAX),
        };
        match &outcome {
            Ok(()) => info!(seed = self.id, "a seed succeeded"),
            Err(Stop::Failed(reason)) => {
                warn!(seed = self.id, reason, "a seed failed");
                self.record_failure(reason).await;
            }
            Err(Stop::Ended) => info!(seed = self.id, "a seed was ended"),
            Err(Stop::Leaving) => {
                warn!(seed = self.id, "a seed is given up because the process ends");
                // A step of its own: whether the one under way was recorded is not known.
                if self.step("Giving the seed up".to_owned()).await.is_ok() {
                    self.record_failure("orchestrator ended before the seed did; begin it again").await;
                }
            }
        }
        if outcome.is_err() {
            self.clean_up(Deadline::after(leave_max)).await;
        }
        let end = Command::EndSeed { seed: self.id, is_successful: outcome.is_ok(), at: self.engine.now() };
        if let Err(error) = self.engine.submit(end).await {
            warn!(seed = self.id, error = %error, "the end of a seed was not recorded; it will count as stale");
        }
    }

    async fn steps(&mut self) -> Result<(), Stop> {
        let total = self.prepare_source().await?;
        self.prepare_target(total).await?;
        self.transfer(total).await?;
        let (target, source) = (self.target.clone(), self.source.clone());
        self.step(format!("Executing post-copy command on {target}")).await?;
        self.tell(&target, AgentCommand::PostCopy { source: source.clone() }).await?;
        let volume = self.mounted.clone().unwrap_or_default();
        self.step(format!("{source} Unmounting logical volume: {volume}")).await?;
        self.tell(&source, AgentCommand::Unmount).await?;
        self.mounted = None;
        self.step(format!("Starting MySQL on target: {target}")).await?;
        self.tell(&target, AgentCommand::StartMysql).await?;
        self.step(format!("Submitting MySQL instance for discovery: {target}")).await?;
        if let Ok((agent, report)) = self.engine.read_agent(&target).await {
            let mysql_port = report.facts.mysql_port.or(agent.mysql_port);
            self.engine.discover_beside(&model::Agent { mysql_port, ..agent }).await;
        }
        self.step("Done".to_owned()).await
    }

    /// Looks at both hosts and mounts the snapshot; the bytes to copy.
    async fn prepare_source(&mut self) -> Result<i64, Stop> {
        let (target, source) = (self.target.clone(), self.source.clone());
        self.step(format!("getting target agent info for {target}")).await?;
        self.request_read_beside(&target).await;
        let on_target = self.read(&target).await?;
        self.step(format!("getting source agent info for {source}")).await?;
        let on_source = self.read(&source).await?;
        self.step(format!("Checking MySQL status on target {target}")).await?;
        check_target(&target, &on_target)?;
        self.step(format!("Looking up available snapshots on source {source}")).await?;
        let volume = choose_volume(&source, &on_source)?.path.clone();
        self.step(format!("Checking mount point on source {source}")).await?;
        check_mount(&source, &on_source)?;
        self.step(format!("{source} Mounting logical volume: {volume}")).await?;
        // From here on it may be mounted, also if the answer is lost.
        self.mounted = Some(volume.clone());
        self.tell(&source, AgentCommand::Mount { volume }).await?;
        let total = mounted_bytes(&source, &self.read(&source).await?)?;
        self.step(format!("MySQL data volume on source host {source} is {total} bytes")).await?;
        Ok(total)
    }

    /// Erases the target, if the data will have room there then.
    async fn prepare_target(&mut self, total: i64) -> Result<(), Stop> {
        let target = self.target.clone();
        // Differs: the original looks for room only after it has erased the data.
        self.step(format!("Checking free space on {target} before erasing")).await?;
        let before = self.read(&target).await?;
        check_target(&target, &before)?;
        check_room(&target, &before, total, before.mysql_disk_usage.unwrap_or(0).max(0))?;
        self.step(format!("Erasing MySQL data on {target}")).await?;
        self.tell(&target, AgentCommand::EraseData).await?;
        self.step(format!("Acquiring target host datadir free space on {target}")).await?;
        let after = self.read(&target).await?;
        Ok(check_room(&target, &after, total, 0)?)
    }

    /// Has the source send and the target receive, until all is there.
    async fn transfer(&mut self, total: i64) -> Result<(), Stop> {
        let (target, source, seed) = (self.target.clone(), self.source.clone(), self.id);
        self.step(format!("{target} will now receive data in background")).await?;
        self.is_transferring = true;
        self.tell(&target, AgentCommand::Receive { seed }).await?;
        let pause = self.engine.settings().agents.seed_wait;
        let seconds = pause.as_secs();
        self.step(format!("Waiting {seconds} seconds for {target} to start listening for incoming data"))
            .await?;
        tokio::time::sleep(pause).await;
        self.step(format!("{source} will now send data to {target} in background")).await?;
        self.tell(&source, AgentCommand::Send { target: target.clone(), seed }).await?;
        let mut progress = CopyProgress::default();
        loop {
            let copied = self.ask(&target, AgentCommand::ShowMysqlDiskUsage).await;
            let is_over = self.ask(&target, AgentCommand::IsCompleted { seed }).await == Some(true);
            let stalled = progress.note(copied);
            self.step(progress.text(total)).await?;
            if is_over {
                break;
            }
            stalled?;
            tokio::time::sleep(LOOK_PAUSE).await;
        }
        if self.ask(&target, AgentCommand::HasSucceeded { seed }).await != Some(true) {
            return Err(Stop::Failed(format!("the transfer of data to {target} ended and did not succeed")));
        }
        self.is_transferring = false;
        Ok(())
    }

    /// Records the next step, unless somebody ended the seed.
    async fn step(&mut self, action: String) -> Result<(), Stop> {
        let command = Command::AddSeedState { seed: self.id, action, at: self.engine.now() };
        match self.engine.submit(command).await {
            Ok(CommandOutcome::Inserted(Some(state))) => {
                self.state = Some(state);
                Ok(())
            }
            Ok(_) => Err(Stop::Ended),
            Err(error) => Err(Stop::Failed(error.to_string())),
        }
    }

    async fn record_failure(&self, reason: &str) {
        let Some(state) = self.state else { return };
        let command = Command::FailSeedState { state, error: reason.to_owned() };
        if let Err(error) = self.engine.submit(command).await {
            warn!(seed = self.id, error = %error, "why a seed failed was not recorded");
        }
    }

    async fn read(&self, host: &str) -> Result<AgentFacts, Stop> {
        let read = self.engine.read_agent(host).await;
        let (_, report) = read.map_err(|error| Stop::Failed(error.to_string()))?;
        match report.failures.first() {
            // One that answers nothing at all is not there; single gaps are judged by what needs them.
            Some(failure) if report.answered.is_empty() => Err(Stop::Failed(failure.to_string())),
            Some(_) | None => Ok(report.facts),
        }
    }

    /// The state of the target's server is to be known, also if its agent tells nothing.
    async fn request_read_beside(&self, host: &str) {
        if let Ok(agent) = self.engine.agent(host).await
            && agent.mysql_port.is_some()
        {
            let key = self.engine.resolve_key(&server_of(&agent)).await;
            self.engine.inner.read_requests.add(key);
        }
    }

    async fn tell(&self, host: &str, command: AgentCommand) -> Result<(), Stop> {
        let told = self.engine.command_agent(host, &command).await;
        told.map(drop).map_err(|error| Stop::Failed(error.to_string()))
    }

    /// The answer to a question; `None` when there is none that can be understood.
    async fn ask<T: serde::de::DeserializeOwned>(&self, host: &str, command: AgentCommand) -> Option<T> {
        match self.engine.command_agent(host, &command).await {
            Ok((_, answer)) => serde_json::from_str(&answer).ok(),
            Err(error) => {
                info!(seed = self.id, error = %error, "an agent did not answer about a seed");
                None
            }
        }
    }

    /// Breaks the transfer off and unmounts the snapshot, as far as agents answer.
    async fn clean_up(&self, deadline: Deadline) {
        let mut rest = Vec::new();
        if self.is_transferring {
            rest.push((&self.target, AgentCommand::AbortSeed { seed: self.id }));
            rest.push((&self.source, AgentCommand::AbortSeed { seed: self.id }));
        }
        if self.mounted.is_some() {
            rest.push((&self.source, AgentCommand::Unmount));
        }
        for (host, command) in rest {
            if let Err(error) = self.engine.command_agent_within(host, &command, deadline).await {
                warn!(seed = self.id, error = %error, "a seed that failed left something on a host");
            }
        }
    }
}
