//! The way to one store outside: what waits to be published there, what it is known to hold, and when it is tried again.
//!
//! Every store has a lane of its own, so that one that hangs or fails keeps no other one waiting. A lane holds each
//! cluster at most once: what is newer takes the place of what is older.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ports::{ClusterPairs, Deadline, PublishError, PublishedStore};
use tokio::sync::Notify;
use tokio::time::Instant;

/// Clusters that may wait. More are refused and counted; the periodic publication makes up for it.
const WAITING_MAX: usize = 16_384;
/// Clusters published in one go, within one deadline.
const AT_ONCE: usize = 32;
/// Longest time for that.
const PUBLISH_MAX: Duration = Duration::from_secs(5);
/// Pause after a failure: twice as long after each further one, at most [`PAUSE_MAX`].
const PAUSE: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(10);
/// What a store is known to hold is looked at again after this: somebody else may have changed it.
const VERIFY_AFTER: Duration = Duration::from_secs(600);

/// See the module documentation.
pub(crate) struct Lane {
    store: Arc<dyn PublishedStore>,
    state: Mutex<State>,
    /// Something waits.
    added: Notify,
    /// A publication ended.
    ended: Notify,
    /// Held by whoever publishes: values reach the store in the order in which they were made.
    turn: tokio::sync::Mutex<()>,
    /// Pairs written, and publications of a cluster that failed, since the start.
    pub(crate) written: AtomicU64,
    pub(crate) failures: AtomicU64,
    pub(crate) refused: AtomicU64,
}

#[derive(Default)]
struct State {
    waiting: BTreeMap<String, Waiting>,
    held: BTreeMap<String, Held>,
    /// Failures in a row.
    attempts: u32,
    next_attempt: Option<Instant>,
}

#[derive(Clone)]
struct Waiting {
    cluster: ClusterPairs,
    /// The recovery that promoted the primary: its record tells how the publication went.
    recovery: Option<String>,
    /// Why it was not published so far.
    last_error: Option<String>,
}

struct Held {
    pairs: Vec<(String, String)>,
    since: Instant,
}

/// How the publication of one cluster ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) alias: String,
    pub(crate) recovery: Option<String>,
    pub(crate) result: Result<usize, PublishError>,
    /// It ended otherwise than the time before: worth telling.
    pub(crate) is_news: bool,
}

impl Lane {
    pub(crate) fn new(store: Arc<dyn PublishedStore>) -> Self {
        Self {
            store,
            state: Mutex::default(),
            added: Notify::new(),
            ended: Notify::new(),
            turn: tokio::sync::Mutex::default(),
            written: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        }
    }

    pub(crate) fn name(&self) -> &str {
        self.store.name()
    }

    pub(crate) fn is_on(&self) -> bool {
        self.store.is_on()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues a cluster. One that was promoted by a recovery is tried at once, whatever failed before.
    pub(crate) fn add(&self, cluster: ClusterPairs, recovery: Option<&str>) {
        let mut state = self.state();
        let known = state.waiting.get(&cluster.alias);
        if known.is_none() && state.waiting.len() >= WAITING_MAX {
            self.refused.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let same = known.filter(|known| known.cluster == cluster && recovery.is_none()).cloned();
        let waiting = Waiting {
            recovery: recovery
                .map(str::to_owned)
                .or_else(|| same.as_ref().and_then(|same| same.recovery.clone())),
            last_error: same.and_then(|same| same.last_error),
            cluster,
        };
        if recovery.is_some() {
            state.next_attempt = None;
        }
        // Until the store has the new values it is not known to hold the right ones.
        if state.held.get(&waiting.cluster.alias).is_some_and(|held| held.pairs != waiting.cluster.pairs) {
            state.held.remove(&waiting.cluster.alias);
        }
        state.waiting.insert(waiting.cluster.alias.clone(), waiting);
        drop(state);
        self.added.notify_one();
    }

    /// The store is not known to hold, or about to be given, this primary: it was never told, or long ago.
    pub(crate) fn wants(&self, alias: &str, primary: &str) -> bool {
        let names = |pairs: &[(String, String)]| pairs.first().is_some_and(|(_, value)| value == primary);
        let state = self.state();
        let is_waiting = state.waiting.get(alias).is_some_and(|waiting| names(&waiting.cluster.pairs));
        let is_held = state
            .held
            .get(alias)
            .is_some_and(|held| names(&held.pairs) && held.since.elapsed() < VERIFY_AFTER);
        self.is_on() && !is_waiting && !is_held
    }

    /// Clusters that wait.
    pub(crate) fn waiting(&self) -> usize {
        self.state().waiting.len()
    }

    /// Forgets what waits and what the store holds: another node publishes from now on.
    pub(crate) fn forget(&self) {
        *self.state() = State::default();
    }

    /// Returns when something is to be published now.
    pub(crate) async fn wait_due(&self) {
        loop {
            let added = self.added.notified();
            let due = {
                let state = self.state();
                (!state.waiting.is_empty() && self.is_on()).then_some(state.next_attempt)
            };
            match due {
                None => added.await,
                Some(None) => return,
                Some(Some(at)) if at <= Instant::now() => return,
                Some(Some(at)) => drop(tokio::time::timeout_at(at, added).await),
            }
        }
    }

    /// Publishes what waits, the most urgent of it: those promoted by recoveries first, those that failed last. What fails
    /// goes on waiting.
    pub(crate) async fn publish(&self) -> Vec<Ended> {
        let _one_at_a_time = self.turn.lock().await;
        let mut taken = Taken { lane: self, clusters: self.take() };
        if taken.clusters.is_empty() {
            return Vec::new();
        }
        let clusters: Vec<ClusterPairs> = taken.clusters.iter().map(|one| one.cluster.clone()).collect();
        let results = self.store.publish(&clusters, Deadline::after(PUBLISH_MAX)).await;
        let ended = self.settle(std::mem::take(&mut taken.clusters), results);
        self.ended.notify_waiters();
        ended
    }

    fn take(&self) -> Vec<Waiting> {
        let mut state = self.state();
        let mut order: Vec<(bool, bool, String)> = state
            .waiting
            .values()
            .map(|one| (!one.is_urgent(), one.last_error.is_some(), one.cluster.alias.clone()))
            .collect();
        order.sort();
        // New primaries do not share their time with the others.
        let urgent = order.iter().take_while(|(is_ordinary, ..)| !is_ordinary).count();
        let count = if urgent > 0 { urgent.min(AT_ONCE) } else { AT_ONCE };
        order.iter().take(count).filter_map(|(.., alias)| state.waiting.remove(alias)).collect()
    }

    fn settle(&self, taken: Vec<Waiting>, results: Vec<Result<usize, PublishError>>) -> Vec<Ended> {
        let mut ended = Vec::with_capacity(taken.len());
        let mut state = self.state();
        let mut has_failed = false;
        for (waiting, result) in taken.into_iter().zip(results) {
            let alias = waiting.cluster.alias.clone();
            let is_news = match &result {
                Ok(written) => waiting.last_error.is_some() || *written > 0,
                Err(error) => waiting.last_error.as_ref() != Some(&error.message),
            };
            ended.push(Ended { alias, recovery: waiting.recovery.clone(), result: result.clone(), is_news });
            match result {
                Ok(written) => {
                    self.written.fetch_add(written as u64, Ordering::Relaxed);
                    let held = Held { pairs: waiting.cluster.pairs, since: Instant::now() };
                    state.held.insert(waiting.cluster.alias, held);
                }
                Err(error) => {
                    has_failed = true;
                    self.failures.fetch_add(1, Ordering::Relaxed);
                    state.held.remove(&waiting.cluster.alias);
                    state.put_back(Waiting { last_error: Some(error.message), ..waiting });
                }
            }
        }
        state.attempts = if has_failed { state.attempts.saturating_add(1) } else { 0 };
        let pause = (PAUSE * 2_u32.saturating_pow(state.attempts.saturating_sub(1).min(8))).min(PAUSE_MAX);
        state.next_attempt = has_failed.then(|| Instant::now() + pause);
        ended
    }

    /// Waits until the store was told of this cluster, well or not, at most that long.
    pub(crate) async fn wait_told(&self, alias: &str, limit: Duration) {
        let told = async {
            loop {
                let ended = self.ended.notified();
                if self.is_told(alias) {
                    return;
                }
                ended.await;
            }
        };
        // What takes longer goes on without being waited for.
        let _ = tokio::time::timeout(limit, told).await;
    }

    fn is_told(&self, alias: &str) -> bool {
        let state = self.state();
        let has_failed = state.waiting.get(alias).is_some_and(|waiting| waiting.last_error.is_some());
        !self.is_on() || has_failed || state.held.contains_key(alias)
    }

    /// The cluster waits and was not tried since it was queued.
    pub(crate) fn is_untold(&self, alias: &str) -> bool {
        self.state().waiting.get(alias).is_some_and(|waiting| waiting.last_error.is_none())
    }

    /// Why a cluster waits.
    pub(crate) fn last_error(&self, alias: &str) -> Option<String> {
        self.state().waiting.get(alias).and_then(|waiting| waiting.last_error.clone())
    }
}

impl Waiting {
    /// Just promoted; one that the store refused keeps the others waiting no longer.
    fn is_urgent(&self) -> bool {
        self.recovery.is_some() && self.last_error.is_none()
    }
}

impl State {
    /// Unless something newer took its place meanwhile.
    fn put_back(&mut self, waiting: Waiting) {
        self.waiting.entry(waiting.cluster.alias.clone()).or_insert(waiting);
    }
}

/// What is being published. Dropping it, because whoever asked for it has gone, lets it wait again.
struct Taken<'a> {
    lane: &'a Lane,
    clusters: Vec<Waiting>,
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        let mut state = self.lane.state();
        for waiting in self.clusters.drain(..) {
            state.put_back(waiting);
        }
    }
}
