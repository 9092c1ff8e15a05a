//! Writing what was seen of servers to the backend: later, together, and never over what others saw after it.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use model::{Instance, InstanceKey};
use ports::{InstanceWrite, StoreError};
use tokio::time::{Instant, sleep};
use tracing::{info, warn};

use crate::Engine;
use crate::samples::FlushSample;

/// Time between writes of facts that change with every poll.
const ROUTINE_WRITE: Duration = Duration::from_secs(1);
/// Pause after a failed write.
const RETRY: Duration = Duration::from_secs(1);
/// Transactions of observed facts that are at the backend at the same time.
const PARTS_AT_BACKEND: usize = 3;
/// How often a process that reads servers once writes what it saw while others write it, too.
const REPEATS_MAX: usize = 3;

impl Engine {
    /// Writes observed facts behind: after a flush interval if something happened, else what every poll changes (times,
    /// positions) a few polls at a time.
    pub async fn write_behind_forever(self) {
        let mut failing = false;
        loop {
            tokio::select! {
                biased;
                () = self.inner.unwritten_news.notified() => sleep(self.compiled().flush_interval).await,
                () = sleep(ROUTINE_WRITE) => {}
            }
            match self.flush_writes().await {
                Ok(()) if failing => {
                    failing = false;
                    info!("the backend takes writes again");
                }
                Ok(()) => {}
                Err(error) => {
                    if !failing {
                        warn!(error = %error, "observed facts are not written; they are kept and tried again");
                    }
                    failing = true;
                    sleep(RETRY).await;
                }
            }
        }
    }

    /// Queues an observed fact to be written; the newest per server wins. Bounded by the size of the fleet. News do not
    /// wait for the next routine write.
    pub(crate) fn write_behind(&self, key: InstanceKey, write: InstanceWrite, is_news: bool) {
        let mut pending = self.pending_writes();
        if is_news {
            self.inner.unwritten_news.notify_one();
        }
        // A failed check must not replace an unwritten observation: the row would miss what was seen.
        if let (InstanceWrite::CheckFailed { .. }, Some(InstanceWrite::Observed(_))) =
            (&write, pending.get(&key))
        {
            if let Some(known) = self.fleet().get(&key) {
                pending.insert(key, InstanceWrite::Observed(known.clone()));
            }
            return;
        }
        pending.insert(key, write);
    }

    /// Servers whose row waits to be written.
    pub(crate) fn unwritten_servers(&self) -> BTreeSet<InstanceKey> {
        self.pending_writes().keys().cloned().collect()
    }

    /// Queues what was read of a server. A read that others may have overtaken is made again instead.
    pub(crate) fn write_observed_behind(&self, instance: Arc<Instance>, began: Instant, is_news: bool) {
        let key = instance.key.clone();
        let is_overtaken = match self.changed_by_others().entry(key.clone()) {
            Entry::Occupied(seen) if *seen.get() >= began => true,
            Entry::Occupied(seen) => {
                seen.remove();
                false
            }
            Entry::Vacant(_) => false,
        };
        if is_overtaken {
            self.inner.read_requests.add(key);
        } else {
            self.write_behind(key, InstanceWrite::Observed(instance), is_news);
        }
    }

    fn changed_by_others(&self) -> MutexGuard<'_, BTreeMap<InstanceKey, Instant>> {
        self.inner.changed_by_others.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pending_writes(&self) -> MutexGuard<'_, BTreeMap<InstanceKey, InstanceWrite>> {
        self.inner.pending_writes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes everything queued. What could not be written is queued again unless something newer was.
    ///
    /// # Errors
    /// The backend refused; nothing is lost.
    pub async fn flush_writes(&self) -> Result<(), StoreError> {
        let batch = std::mem::take(&mut *self.pending_writes());
        if batch.is_empty() {
            return Ok(());
        }
        let count = batch.len() as u64;
        let (at, began) = (self.now(), Instant::now());
        let result = self.write_parts(batch.values().cloned().collect()).await;
        let wait = self.compiled().flush_interval;
        self.note_flush(FlushSample { at, instances: batch.len(), wait, write: began.elapsed() });
        match result {
            Ok(()) => {
                self.inner.metrics.rows_written.add(count);
                Ok(())
            }
            Err(error) => {
                self.inner.metrics.write_failures.increment();
                let mut pending = self.pending_writes();
                let overtaken = self.changed_by_others();
                for (key, write) in batch.into_iter().filter(|(key, _)| !overtaken.contains_key(key)) {
                    pending.entry(key).or_insert(write);
                }
                Err(error)
            }
        }
    }

    /// Writes in transactions of `InstanceWriteBufferSize` servers at most, so that none holds the backend for long. The next
    /// ones wait at the backend, not here, so that it is never idle between them.
    async fn write_parts(&self, mut writes: Vec<InstanceWrite>) -> Result<(), StoreError> {
        let most = (self.settings().discovery.write_buffer as usize).max(1);
        let mut parts = Vec::with_capacity(writes.len().div_ceil(most));
        while !writes.is_empty() {
            let rest = writes.split_off(most.min(writes.len()));
            parts.push(std::mem::replace(&mut writes, rest));
        }
        let store = &self.inner.ports.store;
        let reads_again = self.inner.is_polling.load(Ordering::Relaxed) && self.may_act();
        let writing = parts.into_iter().map(|part| async move {
            if reads_again {
                let changed = store.write_instances(part).await?.changed_by_others;
                // A command saw something else, maybe newer, between our read and our write: its row stays until the
                // server was read again. What waits here may have been read before the command, too.
                for key in changed {
                    self.changed_by_others().insert(key.clone(), Instant::now());
                    self.pending_writes().remove(&key);
                    self.inner.read_requests.add(key);
                }
                return Ok(());
            }
            // Nobody here reads the servers again, so what this process saw last of what it did counts.
            let mut changed = store.write_instances_once(part.clone()).await?.changed_by_others;
            for _attempt in 0..REPEATS_MAX {
                if changed.is_empty() {
                    break;
                }
                let again = part.iter().filter(|write| match write {
                    InstanceWrite::Observed(instance) => changed.contains(&instance.key),
                    InstanceWrite::CheckFailed { .. } => false,
                });
                changed = store.write_instances_once(again.cloned().collect()).await?.changed_by_others;
            }
            for key in changed {
                warn!(instance = %key, "others write this server again and again; what was seen here is not written");
            }
            Ok(())
        });
        stream::iter(writing).buffered(PARTS_AT_BACKEND).try_collect().await
    }
}
