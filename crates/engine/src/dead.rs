//! Servers that could not be connected to: polled in a lane of their own, at a growing distance.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use model::InstanceKey;
use tokio::time::Instant;

/// How the distance between reads of a dead server grows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Backoff {
    /// Ordinary distance: the poll interval.
    pub(crate) base: Duration,
    /// Growth per failure, at least 1.
    pub(crate) factor: f64,
    /// Longest distance.
    pub(crate) max: Duration,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    factor: f64,
    next: Instant,
}

/// The dead servers known to this process.
#[derive(Debug, Default)]
pub(crate) struct DeadServers {
    entries: Mutex<BTreeMap<InstanceKey, Entry>>,
}

impl DeadServers {
    /// Notes a failed connection and returns the distance to the next read. The first failure waits one base
    /// interval; each further one multiplies by the factor, up to the maximum.
    pub(crate) fn register(&self, key: &InstanceKey, backoff: Backoff) -> Duration {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let former = entries.get(key).map(|entry| entry.factor);
        let factor = former.map_or(1.0, |factor| factor * backoff.factor);
        let wanted = backoff.base.mul_f64(factor.min(1e9));
        let (delay, factor) =
            if wanted > backoff.max { (backoff.max, former.unwrap_or(1.0)) } else { (wanted, factor) };
        entries.insert(key.clone(), Entry { factor, next: Instant::now() + delay });
        delay
    }

    /// Notes that the server could be connected to, or is no longer known.
    pub(crate) fn unregister(&self, key: &InstanceKey) {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }

    /// The server is dead: it belongs in the slow lane.
    pub(crate) fn contains(&self, key: &InstanceKey) -> bool {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).contains_key(key)
    }

    /// The server is dead and its next read is not due yet.
    pub(crate) fn is_backing_off(&self, key: &InstanceKey) -> bool {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.get(key).is_some_and(|entry| entry.next > Instant::now())
    }

    /// Time until the next read of a dead server is due; zero when it is due or the server is not dead.
    pub(crate) fn remaining(&self, key: &InstanceKey) -> Duration {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.get(key).map_or(Duration::ZERO, |entry| entry.next.saturating_duration_since(Instant::now()))
    }

    /// Number of dead servers.
    pub(crate) fn len(&self) -> usize {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn backoff(factor: f64) -> Backoff {
        Backoff { base: Duration::from_secs(5), factor, max: Duration::from_secs(30) }
    }

    #[tokio::test(start_paused = true)]
    async fn distance_grows_by_the_factor_and_stops_at_the_maximum() {
        let dead = DeadServers::default();
        let key = InstanceKey::new("db1", 3306);
        let seconds: Vec<u64> = (0..6).map(|_| dead.register(&key, backoff(2.0)).as_secs()).collect();
        assert_eq!(seconds, [5, 10, 20, 30, 30, 30]);
    }

    #[tokio::test(start_paused = true)]
    async fn factor_one_keeps_the_pace_and_a_success_ends_it() {
        let dead = DeadServers::default();
        let key = InstanceKey::new("db1", 3306);
        assert_eq!(dead.register(&key, backoff(1.0)), Duration::from_secs(5));
        assert_eq!(dead.register(&key, backoff(1.0)), Duration::from_secs(5));
        assert!(dead.is_backing_off(&key));
        tokio::time::advance(Duration::from_secs(6)).await;
        assert!(!dead.is_backing_off(&key) && dead.contains(&key));
        dead.unregister(&key);
        assert_eq!(dead.len(), 0);
    }
}
