//! Somebody who writes all the time through whatever daemons there are, and remembers what they confirmed.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use lab::{OrchestratorProcess, Server};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How long a daemon that answers nothing is waited for.
const LIMIT: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(10);

/// A writer of tags, one after the other, each through the next daemon.
pub(crate) struct Notes {
    daemons: Arc<Mutex<Vec<String>>>,
    stop: CancellationToken,
    writing: JoinSet<Vec<String>>,
}

impl Notes {
    /// Writes tags of the server at this address of the form `HOST:PORT`.
    pub(crate) fn about(server: &str) -> Self {
        let place = server.replace(':', "/");
        let daemons: Arc<Mutex<Vec<String>>> = Arc::default();
        let (known, stop) = (daemons.clone(), CancellationToken::new());
        let stopped = stop.clone();
        let mut writing = JoinSet::new();
        writing.spawn(async move {
            let mut confirmed = Vec::new();
            for number in 0.. {
                if stopped.is_cancelled() {
                    break;
                }
                let name = format!("note-{number}");
                let next = {
                    let known = known.lock().unwrap_or_else(PoisonError::into_inner);
                    known.get(number % known.len().max(1)).cloned()
                };
                let Some(next) = next else {
                    tokio::time::sleep(PAUSE).await;
                    continue;
                };
                let path = format!("/api/tag/{place}/{name}/written");
                match lab::get(&next, &path, LIMIT).await {
                    Ok(answer) if answer.status == 200 => confirmed.push(name),
                    Ok(_) | Err(_) => tokio::time::sleep(PAUSE).await,
                }
            }
            confirmed
        });
        Self { daemons, stop, writing }
    }

    /// From now on through this daemon as well.
    pub(crate) fn through(&self, daemon: &OrchestratorProcess) {
        self.daemons.lock().unwrap_or_else(PoisonError::into_inner).push(daemon.address());
    }

    /// Ends the writing. Whatever was confirmed stands in the backend.
    pub(crate) async fn are_all_kept(mut self, backend: &Server) -> Result<()> {
        self.stop.cancel();
        let confirmed = self.writing.join_next().await.context("nobody wrote")??;
        ensure!(confirmed.len() >= 20, "only {} tags were confirmed", confirmed.len());
        let rows = backend.query("select tag_name from orchestrator.database_instance_tags").await?;
        let lost: Vec<&String> =
            confirmed.iter().filter(|name| !rows.iter().any(|row| row[0] == **name)).collect();
        ensure!(lost.is_empty(), "of {} confirmed tags these are gone: {lost:?}", confirmed.len());
        Ok(())
    }
}
