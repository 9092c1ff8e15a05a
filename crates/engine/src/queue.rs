//! A queue that holds each key at most once, and no more than so many keys.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

/// Keys waiting for one consumer. Adding a key that already waits does nothing; a full queue refuses new keys.
#[derive(Debug)]
pub(crate) struct CoalescingQueue<K> {
    waiting: Mutex<BTreeSet<K>>,
    added: Notify,
    capacity: usize,
    refused: AtomicU64,
}

impl<K: Ord> CoalescingQueue<K> {
    /// An empty queue for at least one key.
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            waiting: Mutex::new(BTreeSet::new()),
            added: Notify::new(),
            capacity: capacity.max(1),
            refused: AtomicU64::new(0),
        }
    }

    /// Adds a key and wakes the consumer. A full queue refuses and counts it; the consumer makes up for that by the
    /// number of the refused.
    pub(crate) fn add(&self, key: K) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() >= self.capacity && !waiting.contains(&key) {
            self.refused.fetch_add(1, Ordering::Relaxed);
            return;
        }
        waiting.insert(key);
        drop(waiting);
        self.added.notify_one();
    }

    /// How many keys were refused so far.
    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
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

#[cfg(test)]
mod tests {
    use super::CoalescingQueue;

    #[tokio::test]
    async fn a_full_queue_refuses_what_does_not_wait_already() {
        let queue = CoalescingQueue::new(2);
        for key in [3, 1, 3, 2, 1] {
            queue.add(key);
        }
        assert_eq!((queue.take().await.into_iter().collect::<Vec<_>>(), queue.refused()), (vec![1, 3], 1));
        queue.add(2);
        assert_eq!((queue.take().await.len(), queue.refused()), (1, 1), "there is room again");
    }
}
