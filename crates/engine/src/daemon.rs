//! Starting and stopping the loops of the daemon.

use std::time::Duration;

use model::InstanceKey;
use ports::StoreError;
use tracing::info;

use crate::Engine;

/// How long shutdown waits for work under way.
const SHUTDOWN_WAIT_MAX: Duration = Duration::from_secs(10);

impl Engine {
    /// Loads the fleet, finishes or undoes what a former process left half-done, and starts every loop.
    ///
    /// # Errors
    /// The backend cannot be read.
    pub async fn start(&self) -> Result<(), StoreError> {
        self.load().await?;
        let seeds: Vec<InstanceKey> = self.compiled().seeds.clone();
        info!(instances = self.fleet().len(), seeds = seeds.len(), "starting");
        let supervisor = self.supervisor();
        // Thousands of them take their time, which the reads do not wait for.
        let (engine, injected) = (self.clone(), seeds.clone());
        supervisor.start_loop("seeds", async move {
            for seed in &injected {
                engine.audit("inject-seed", Some(seed), "injected").await;
            }
        });
        supervisor.start_loop("housekeeping", self.clone().keep_house_forever());
        supervisor.start_loop("write-behind", self.clone().write_behind_forever());
        supervisor.start_loop("polling", self.clone().poll_forever(seeds));
        supervisor.start_loop("watching", self.clone().watch_forever());
        supervisor.start_loop("resuming", self.clone().resume_unfinished());
        supervisor.start_loop("follow-up", self.clone().follow_up_forever());
        supervisor.start_loop("late fences", self.clone().fence_forever());
        supervisor.start_loop("trial writes", self.clone().try_writes_forever());
        supervisor.start_loop("analysis", self.clone().analyze_forever());
        self.start_publishing();
        Ok(())
    }

    /// Answers and does what it is asked for, and nothing by itself: a service without discovery. What others do is seen
    /// as a node sees it that is not the active one.
    ///
    /// # Errors
    /// The backend cannot be read.
    pub async fn start_answering(&self) -> Result<(), StoreError> {
        self.load().await?;
        self.supervisor().start_loop("following", self.clone().follow_forever());
        self.supervisor().start_loop("write-behind", self.clone().write_behind_forever());
        Ok(())
    }

    /// Stops the loops, waits for recoveries under way within limits, writes what is queued, and lets another node act.
    pub async fn shut_down(&self) {
        self.supervisor().shut_down(SHUTDOWN_WAIT_MAX).await;
        if let Err(error) = self.flush_writes().await {
            tracing::warn!(error = %error, "observed facts were not written at shutdown");
        }
        self.lease().release().await;
    }
}
