//! What was measured lately, one entry per event: reads of servers, the queue of reads, writes to the backend.
//!
//! Kept for `DiscoveryCollectionRetentionSeconds` (the queue: that many seconds), and never more than [`SAMPLES_MAX`]
//! of a kind; the oldest go first. For people who look for what is slow, and for nothing else: no decision reads it.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use model::{InstanceKey, Timestamp};

use crate::Engine;

/// Most entries of a kind.
const SAMPLES_MAX: usize = 20_000;

/// A read of a server.
#[derive(Clone, Debug)]
pub struct DiscoverySample {
    /// When it began.
    pub at: Timestamp,
    /// The server.
    pub key: InstanceKey,
    /// Time spent with what was read.
    pub backend: Duration,
    /// Time until the server had answered.
    pub instance: Duration,
    /// Both.
    pub total: Duration,
    /// Why it failed.
    pub error: Option<String>,
}

/// The reads of servers at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueSample {
    /// Under way.
    pub active: u64,
    /// Waiting for a free slot.
    pub queued: u64,
}

/// A durable change that was written.
#[derive(Clone, Debug)]
pub struct BackendSample {
    /// When it was asked for.
    pub at: Timestamp,
    /// Time until it was written.
    pub execute: Duration,
    /// Why it failed.
    pub error: Option<String>,
}

/// A batch of observed servers that was written behind.
#[derive(Clone, Copy, Debug)]
pub struct FlushSample {
    /// When.
    pub at: Timestamp,
    /// Servers in it.
    pub instances: usize,
    /// Time for which the first of them had waited, at most.
    pub wait: Duration,
    /// Time until it was written.
    pub write: Duration,
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Samples {
    discoveries: Mutex<VecDeque<DiscoverySample>>,
    queue: Mutex<VecDeque<QueueSample>>,
    backend: Mutex<VecDeque<BackendSample>>,
    flushes: Mutex<VecDeque<FlushSample>>,
}

fn locked<T>(of: &Mutex<VecDeque<T>>) -> MutexGuard<'_, VecDeque<T>> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Adds an entry and drops those from before.
fn keep<T>(of: &Mutex<VecDeque<T>>, sample: T, at: impl Fn(&T) -> Timestamp, before: Timestamp) {
    let mut kept = locked(of);
    while kept.len() >= SAMPLES_MAX || kept.front().is_some_and(|oldest| at(oldest) < before) {
        kept.pop_front();
    }
    kept.push_back(sample);
}

fn newest<T: Clone>(of: &Mutex<VecDeque<T>>, at: impl Fn(&T) -> Timestamp, since: Timestamp) -> Vec<T> {
    locked(of).iter().filter(|sample| at(sample) >= since).cloned().collect()
}

impl Engine {
    fn retained_since(&self) -> Timestamp {
        self.now() - self.settings().discovery.metrics_retention
    }

    pub(crate) fn note_discovery(&self, sample: DiscoverySample) {
        keep(&self.inner.samples.discoveries, sample, |sample| sample.at, self.retained_since());
    }

    pub(crate) fn note_backend_write(&self, sample: BackendSample) {
        keep(&self.inner.samples.backend, sample, |sample| sample.at, self.retained_since());
    }

    pub(crate) fn note_flush(&self, sample: FlushSample) {
        keep(&self.inner.samples.flushes, sample, |sample| sample.at, self.retained_since());
    }

    /// Once a second.
    pub(crate) fn note_queue(&self) {
        let most = (self.settings().discovery.queue_samples as usize).min(SAMPLES_MAX);
        let metrics = self.metrics();
        let mut kept = locked(&self.inner.samples.queue);
        kept.push_back(QueueSample {
            active: metrics.discoveries_active.get(),
            queued: metrics.discovery_queue.get(),
        });
        while kept.len() > most {
            kept.pop_front();
        }
    }

    /// Reads that began since then, oldest first.
    pub fn recent_discoveries(&self, since: Timestamp) -> Vec<DiscoverySample> {
        newest(&self.inner.samples.discoveries, |sample| sample.at, since)
    }

    /// Durable changes asked for since then, oldest first.
    pub fn recent_backend_writes(&self, since: Timestamp) -> Vec<BackendSample> {
        newest(&self.inner.samples.backend, |sample| sample.at, since)
    }

    /// Batches written behind since then, oldest first.
    pub fn recent_flushes(&self, since: Timestamp) -> Vec<FlushSample> {
        newest(&self.inner.samples.flushes, |sample| sample.at, since)
    }

    /// The last so many seconds of the queue, oldest first.
    pub fn recent_queue(&self, seconds: usize) -> Vec<QueueSample> {
        let kept = locked(&self.inner.samples.queue);
        kept.iter().skip(kept.len().saturating_sub(seconds)).copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_secs(second)
    }

    #[test]
    fn old_entries_and_more_than_the_most_are_dropped() {
        let kept = Mutex::new(VecDeque::new());
        for second in 0..10 {
            keep(&kept, at(second), |sample| *sample, at(second - 3));
        }
        assert_eq!(newest(&kept, |sample| *sample, at(0)), [at(6), at(7), at(8), at(9)]);
        assert_eq!(newest(&kept, |sample| *sample, at(8)), [at(8), at(9)]);
        for _ in 0..SAMPLES_MAX + 5 {
            keep(&kept, at(9), |sample| *sample, at(0));
        }
        assert_eq!(locked(&kept).len(), SAMPLES_MAX);
    }
}
