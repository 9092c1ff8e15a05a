//! Testing a source that answers nobody by letting its replicas reconnect; when that is done says
//! [`decide::receiver_test`].

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use decide::receiver_test::{is_answered, receiver_test};
use futures_util::future::join_all;
use model::InstanceKey;
use ports::Deadline;
use tokio::time::Instant;
use tracing::{info, warn};

use crate::Engine;

/// How long the first receiver, and then all of them, may take to be taken back. A living source does it in
/// milliseconds; a busy one may need longer.
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
        let first = std::slice::from_ref(&test.first);
        let mut lives = self.reconnect(first, reason).await && self.is_taken_back(first, PATIENCE).await;
        if !lives && self.may_act() {
            let all: Vec<InstanceKey> = std::iter::once(&test.first).chain(&test.others).cloned().collect();
            lives = self.reconnect(&test.others, reason).await && self.is_taken_back(&all, PATIENCE).await;
        }
        info!(instance = %source, lives, "let the replicas reconnect");
        drop(testing);
        self.inner.analysis_requests.add(source.clone());
    }

    /// False when a receiver could not be restarted.
    async fn reconnect(&self, replicas: &[InstanceKey], reason: &str) -> bool {
        let restarted = join_all(replicas.iter().map(|replica| async move {
            if !self.may_act() {
                return false;
            }
            // Not to be cut off by a shutdown before a failed start was repeated.
            let key = replica.clone();
            let outcome =
                self.detached("receiver restart", |engine| async move { engine.reconnect_receiver(&key).await });
            let outcome = outcome.await;
            if let Err(error) = &outcome {
                warn!(instance = %replica, error = %error, "could not restart the receiver; see whether it runs");
            }
            self.audit("emergently-restart-replication-topology-instance", Some(replica), reason).await;
            outcome.is_ok()
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
