//! "At most once per period and key": the limits on emergency operations.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use model::InstanceKey;
use tokio::time::Instant;

/// Remembers when each key was last let through. Bounded: entries older than the period are dropped as it is used.
#[derive(Debug)]
pub(crate) struct Throttle {
    period: Duration,
    last: Mutex<BTreeMap<InstanceKey, Instant>>,
}

impl Throttle {
    /// Lets each key through once per period.
    pub(crate) fn new(period: Duration) -> Self {
        Self { period, last: Mutex::new(BTreeMap::new()) }
    }

    /// True at most once per period for a key.
    pub(crate) fn admit(&self, key: &InstanceKey) -> bool {
        let now = Instant::now();
        let mut last = self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        last.retain(|_, at| now.duration_since(*at) < self.period);
        if last.contains_key(key) {
            return false;
        }
        last.insert(key.clone(), now);
        true
    }

    /// True at most once per the given period for a key, which is not longer than that of the throttle.
    pub(crate) fn admit_after(&self, key: &InstanceKey, pause: Duration) -> bool {
        let now = Instant::now();
        let mut last = self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        last.retain(|_, at| now.duration_since(*at) < self.period);
        if last.get(key).is_some_and(|at| now.duration_since(*at) < pause) {
            return false;
        }
        last.insert(key.clone(), now);
        true
    }

    /// What is left of the period in which a key was let through.
    pub(crate) fn remaining(&self, key: &InstanceKey) -> Option<Duration> {
        let last = self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let left = self.period.checked_sub(last.get(key)?.elapsed())?;
        (!left.is_zero()).then_some(left)
    }

    /// A key was let through less than a period ago.
    pub(crate) fn is_within(&self, key: &InstanceKey) -> bool {
        let last = self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        last.get(key).is_some_and(|at| at.elapsed() < self.period)
    }
}
