//! Testing a source that answers nobody by letting its replicas reconnect; when that is done says
//! [`decide::receiver_test`].

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use decide::receiver_test::{ReceiverTest, is_answered, receiver_test};
use futures_util::future::join_all;
use model::InstanceKey;
use ports::Deadline;
use tokio::time::Instant;
use tracing::info;

use crate::Engine;

/// How long the first receiver may take to be taken back before the others are restarted as well. A living source does it
/// in milliseconds.
const FIRST_PATIENCE: Duration = Duration::from_millis(500);
/// How long a busy source may need to take back one of them all.
const PATIENCE: Duration = Duration::from_secs(1);
/// Pause between two looks.
const LOOK: Duration = Duration::from_millis(100);

/// Sources that are being tested. What is seen of their replicas meanwhile is our own doing.
#[derive(Debug, Default)]
pub(crate) struct TestedSources(Mutex<BTreeSet<InstanceKey>>);

impl TestedSources {
    /// A test of that source goes on.
    pub(crate) fn contains(&self, source: &InstanceKey) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(source)
    }

    fn enter(&self, source: &InstanceKey) -> Testing<'_> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(source.clone());
        Testing { sources: self, source: source.clone() }
    }
}

struct Testing<'a> {
    sources: &'a TestedSources,
    source: InstanceKey,
}

impl Drop for Testing<'_> {
    fn drop(&mut self) {
        self.sources.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.source);
    }
}

/// What a test told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// The source answered one of them.
    Lives,
    /// It answered none of them.
    Silent,
    /// Not all of them could be asked.
    Unknown,
}

impl Engine {
    /// Lets the replicas of a source reconnect if that tells whether it lives, at most every half minute per source.
    /// Afterwards the analysis says what came of it.
    pub(crate) async fn test_receivers(&self, source: &InstanceKey, reason: &str) {
        let Some(test) = receiver_test(&self.fleet(), source, self.now()) else { return };
        if !self.inner.emergency_set_restarts.admit(source) {
            return;
        }
        let testing = self.inner.tested_sources.enter(source);
        info!(instance = %source, first = %test.first, others = test.others.len(),
            "no replica receives anything from an unreadable source; letting them reconnect to see whether it lives");
        let outcome = self.try_receivers(&test, reason).await;
        info!(instance = %source, outcome = ?outcome, "let the replicas reconnect");
        if outcome == Outcome::Unknown {
            // A receiver that we left stopped says nothing about its source.
            self.inner.grace.admit(source);
        }
        drop(testing);
        self.inner.analysis_requests.add(source.clone());
    }

    async fn try_receivers(&self, test: &ReceiverTest, reason: &str) -> Outcome {
        let mut asked: Vec<InstanceKey> = Vec::new();
        // A single replica is all of them.
        let first_patience = if test.others.is_empty() { PATIENCE } else { FIRST_PATIENCE };
        let stages = [(std::slice::from_ref(&test.first), first_patience), (&test.others[..], PATIENCE)];
        for (replicas, patience) in stages.into_iter().filter(|(replicas, _)| !replicas.is_empty()) {
            if !self.reconnect(replicas, reason).await {
                return Outcome::Unknown;
            }
            asked.extend_from_slice(replicas);
            if self.is_taken_back(&asked, patience).await {
                return Outcome::Lives;
            }
        }
        Outcome::Silent
    }

    /// False when a receiver could not be restarted, or must not be by this node.
    async fn reconnect(&self, replicas: &[InstanceKey], reason: &str) -> bool {
        let restarted =
            join_all(replicas.iter().map(|replica| async move {
                self.may_act() && self.restart_receiver(replica, reason).await
            }));
        restarted.await.into_iter().all(|is_restarted| is_restarted)
    }

    /// The source takes back one of the replicas, or turns it away. Looked at until then, for as long as patience lasts.
    async fn is_taken_back(&self, replicas: &[InstanceKey], patience: Duration) -> bool {
        let end = Instant::now() + patience;
        loop {
            let limit = Deadline::after(self.compiled().reasonable_check);
            let reads = join_all(replicas.iter().map(|replica| self.read_instance(replica, limit))).await;
            if reads.iter().flatten().any(|replica| is_answered(replica)) {
                return true;
            }
            if Instant::now() + LOOK > end {
                return false;
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}
