//! A queue that holds each key at most once: bounded by the number of distinct keys.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

/// Keys waiting for one consumer. Adding a key that already waits does nothing.
#[derive(Debug)]
pub(crate) struct CoalescingQueue<K> {
    waiting: Mutex<BTreeSet<K>>,
    added: Notify,
}

impl<K: Ord> CoalescingQueue<K> {
    /// An empty queue.
    pub(crate) fn new() -> Self {
        Self { waiting: Mutex::new(BTreeSet::new()), added: Notify::new() }
    }

    /// Adds a key and wakes the consumer.
    pub(crate) fn add(&self, key: K) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).insert(key);
        self.added.notify_one();
    }

    /// Takes all waiting keys, waiting for the first one.
    pub(crate) async fn take(&self) -> BTreeSet<K> {
        loop {
            let added = self.added.notified();
            let taken = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
            if !taken.is_empty() {
                return taken;
            }
            added.await;
        }
    }
}
