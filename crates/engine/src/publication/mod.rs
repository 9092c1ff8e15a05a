//! Telling others who the primary of each cluster is: in the backend's own table, and in key-value stores outside.
//!
//! Stores outside are told in the background, each by its own [`Lane`], so that no failover waits for one. A change is
//! queued at once; all primaries are looked at once a minute, and what a store should hold is verified now and then.

mod lane;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use decide::publication::{Publication, publications};
use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream;
use model::{Command, InstanceKey};
use ports::{ClusterPairs, PublishedStore};
use tokio::time::{Instant, MissedTickBehavior, interval};
use tracing::{debug, info, warn};

use self::lane::Ended;
pub(crate) use self::lane::Lane;
use crate::Engine;
use crate::bookkeeping::KeyValues;
use crate::operations::OperationError;

/// How often all primaries are looked at.
const ROUND: Duration = Duration::from_secs(60);
const SECOND: Duration = Duration::from_secs(1);
/// Addresses of primaries that are looked up at the same time.
const LOOKUPS_AT_ONCE: usize = 16;
/// Longest wait for the stores before hooks run, which may rely on them.
const HOOKS_WAIT: Duration = Duration::from_millis(500);
/// Longest wait for the stores when a person asks for a publication.
const PERSON_WAIT: Duration = Duration::from_secs(10);

/// What is known about what was published.
#[derive(Default)]
pub(crate) struct Published {
    pub(crate) lanes: Vec<Arc<Lane>>,
    /// Primaries that this process put into the backend, by alias.
    inside: Mutex<BTreeMap<String, String>>,
    /// Somebody makes up for what failed.
    is_served: AtomicBool,
}

/// Figures of one store outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreFigures {
    /// The store, with its address.
    pub store: String,
    /// Pairs written.
    pub written: u64,
    /// Publications of a cluster that failed.
    pub failures: u64,
    /// Clusters that wait.
    pub waiting: usize,
}

impl Published {
    pub(crate) fn to(stores: &[Arc<dyn PublishedStore>]) -> Self {
        let lanes = stores.iter().map(|store| Arc::new(Lane::new(store.clone()))).collect();
        Self { lanes, ..Self::default() }
    }

    fn has_inside(&self, alias: &str, primary: &str) -> bool {
        let inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        inside.get(alias).is_some_and(|known| known == primary)
    }

    /// What the backend holds; `None` when that is not sure.
    fn note_inside(&self, alias: &str, primary: Option<String>) {
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        match primary {
            Some(primary) => inside.insert(alias.to_owned(), primary),
            None => inside.remove(alias),
        };
    }

    fn forget(&self) {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.lanes.iter().for_each(|lane| lane.forget());
    }

    fn lanes_on(&self) -> impl Iterator<Item = &Arc<Lane>> {
        self.lanes.iter().filter(|lane| lane.is_on())
    }
}

impl Engine {
    /// Publishes a primary that a recovery just opened. Stores outside are told without being waited for.
    pub(crate) async fn put_primary_keys(&self, alias: &str, primary: &InstanceKey, recovery: Option<&str>) {
        let Some(cluster) = self.cluster_pairs(alias, primary).await else { return };
        self.queue_outside(&cluster, recovery);
        // The next round writes it once more, in case the backend fails now.
        self.inner.published.note_inside(alias, None);
        self.submit_patiently(Command::PutKeyValues { pairs: cluster.pairs, at: self.now() }).await;
    }

    /// A dry run tells nobody outside.
    fn queue_outside(&self, cluster: &ClusterPairs, recovery: Option<&str>) {
        if !self.identity().noop {
            self.inner.published.lanes_on().for_each(|lane| lane.add(cluster.clone(), recovery));
        }
    }

    /// Gives the stores a moment to take what a recovery published. One that fails or hangs is not waited for.
    pub(crate) async fn wait_published(&self, alias: &str) {
        if !alias.is_empty() && !self.identity().noop {
            let waits = self.inner.published.lanes_on().map(|lane| lane.wait_told(alias, HOOKS_WAIT));
            join_all(waits).await;
        }
    }

    /// Starts what publishes in the background.
    pub(crate) fn start_publishing(&self) {
        self.inner.published.is_served.store(true, Ordering::Relaxed);
        self.supervisor().start_loop("publication", self.clone().publish_forever());
        for lane in self.inner.published.lanes.iter().cloned() {
            self.supervisor().start_loop("publication to a store", self.clone().serve_lane(lane));
        }
    }

    async fn serve_lane(self, lane: Arc<Lane>) {
        loop {
            lane.wait_due().await;
            if !self.may_act() {
                // Whoever acts now publishes what is right; what waits here is dropped when that is noticed.
                tokio::time::sleep(SECOND).await;
                continue;
            }
            for ended in lane.publish().await {
                self.tell(&lane, ended).await;
            }
        }
    }

    async fn tell(&self, lane: &Lane, ended: Ended) {
        let Ended { alias, recovery, result, is_news } = ended;
        let text = match &result {
            Ok(written) => {
                if is_news {
                    info!(store = lane.name(), cluster = %alias, written, "primary published");
                }
                format!("Published the primary of {alias} in {}", lane.name())
            }
            Err(error) => {
                if is_news {
                    warn!(store = %error.store, cluster = %alias, error = %error.message,
                        "a primary could not be published");
                }
                format!("The primary of {alias} could not be published yet, it is tried again: {error}")
            }
        };
        if let Some(uid) = recovery.filter(|_| is_news || result.is_ok()) {
            self.write_step_later(&uid, text);
        }
    }

    /// Once a minute, and at once when this node begins to act, makes up for whatever was not published.
    async fn publish_forever(self) {
        let mut tick = interval(SECOND);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut due, mut was_active) = (Instant::now(), false);
        loop {
            tick.tick().await;
            let is_active = self.may_act();
            if is_active != was_active {
                // What this node knew of the stores is old, and what it was about to tell them may be.
                self.inner.published.forget();
                (due, was_active) = (Instant::now(), is_active);
            }
            if is_active && !self.is_settling() && due <= Instant::now() {
                due = Instant::now() + ROUND;
                self.publish_round().await;
            }
            self.inner.published.lanes.iter().filter(|lane| !lane.is_on()).for_each(|lane| lane.forget());
        }
    }

    async fn publish_round(&self) {
        let max_age = self.compiled().analysis.max_age;
        let (publishable, withheld): (Vec<Publication>, Vec<Publication>) = self
            .publications(max_age)
            .into_iter()
            .filter(|one| !one.alias.is_empty() && !self.is_cluster_in_motion(&one.cluster_name))
            .partition(|one| one.withheld.is_empty());
        for one in withheld {
            debug!(cluster = one.cluster_name, reasons = one.withheld.join("; "), "primary not published");
        }
        let published = &self.inner.published;
        let wanted = publishable.into_iter().filter(|one| {
            let primary = one.primary.to_string();
            !published.has_inside(&one.alias, &primary)
                || published.lanes.iter().any(|lane| lane.wants(&one.alias, &primary))
        });
        let looked_up: Vec<(Publication, Option<ClusterPairs>)> = stream::iter(wanted)
            .map(|one| async {
                let pairs = self.cluster_pairs(&one.alias, &one.primary).await;
                (one, pairs)
            })
            .buffered(LOOKUPS_AT_ONCE)
            .collect()
            .await;
        for (one, cluster) in looked_up {
            // A recovery that began meanwhile knows better.
            if let Some(cluster) = cluster.filter(|_| !self.is_cluster_in_motion(&one.cluster_name)) {
                self.publish_quietly(&one, cluster).await;
            }
        }
    }

    async fn publish_quietly(&self, one: &Publication, cluster: ClusterPairs) {
        let published = &self.inner.published;
        let primary = one.primary.to_string();
        if !self.identity().noop {
            for lane in published.lanes.iter().filter(|lane| lane.wants(&cluster.alias, &primary)) {
                lane.add(cluster.clone(), None);
            }
        }
        if !published.has_inside(&cluster.alias, &primary) {
            let put = Command::PutKeyValues { pairs: cluster.pairs, at: self.now() };
            let is_written = self.submit_quietly(put).await.is_some();
            published.note_inside(&cluster.alias, is_written.then_some(primary));
        }
    }

    fn publications(&self, max_age: Option<Duration>) -> Vec<Publication> {
        let settings = self.settings();
        let by_pattern = |name: &str| settings.attributes.cluster_aliases.alias_of(name).map(str::to_owned);
        publications(&self.fleet(), max_age, &by_pattern, self.now())
    }

    /// Publishes the primary of one cluster, or of all, in the key-value stores, and waits for those outside; returns the
    /// pairs.
    ///
    /// # Errors
    /// The primary of the cluster that was asked for may be dead; the backend; a store outside, which is told again later
    /// if this process goes on.
    pub async fn submit_primaries(&self, cluster: Option<&str>) -> Result<KeyValues, OperationError> {
        let chosen: Vec<Publication> = self
            .publications(None)
            .into_iter()
            .filter(|one| cluster.is_none_or(|name| one.cluster_name == name))
            .collect();
        if let (Some(_), [one]) = (cluster, chosen.as_slice())
            && !one.withheld.is_empty()
        {
            return Err(OperationError::Refused(one.withheld.clone()));
        }
        let mut all = KeyValues::new();
        let mut aliases = Vec::new();
        for one in chosen.iter().filter(|one| one.withheld.is_empty()) {
            let Some(cluster) = self.cluster_pairs(&one.alias, &one.primary).await else { continue };
            self.submit(Command::PutKeyValues { pairs: cluster.pairs.clone(), at: self.now() }).await?;
            self.inner.published.note_inside(&cluster.alias, Some(one.primary.to_string()));
            self.queue_outside(&cluster, None);
            all.extend(cluster.pairs);
            aliases.push(cluster.alias);
        }
        let failures = self.publish_now(&aliases).await;
        if failures.is_empty() { Ok(all) } else { Err(OperationError::Refused(failures)) }
    }

    /// Publishes these clusters outside while the caller waits: no loop may run in this process. Returns what failed.
    async fn publish_now(&self, aliases: &[String]) -> Vec<String> {
        if self.identity().noop || aliases.is_empty() {
            return Vec::new();
        }
        let end = Instant::now() + PERSON_WAIT;
        let lanes = self.inner.published.lanes_on().map(|lane| async move {
            let work = async {
                // At least once: what is being published by somebody else is waited for.
                loop {
                    for ended in lane.publish().await {
                        self.tell(lane, ended).await;
                    }
                    if !aliases.iter().any(|alias| lane.is_untold(alias)) {
                        break;
                    }
                }
            };
            let is_late = tokio::time::timeout_at(end, work).await.is_err();
            let untold = aliases.iter().filter(|alias| is_late && lane.is_untold(alias));
            let late = untold.map(|alias| format!("{}: {alias} is not published yet", lane.name()));
            let refused = aliases
                .iter()
                .filter_map(|alias| Some(format!("{}: {alias}: {}", lane.name(), lane.last_error(alias)?)));
            late.chain(refused).collect::<Vec<String>>()
        });
        let failures = join_all(lanes).await.concat();
        if !self.inner.published.is_served.load(Ordering::Relaxed) || !self.lease().is_held() {
            // Nobody here tries again what failed. Published with something else much later, it would be out of date.
            self.inner.published.forget();
        }
        failures
    }

    /// Figures of the stores outside, in the order of their configuration.
    pub fn published_stores(&self) -> Vec<StoreFigures> {
        let lanes = self.inner.published.lanes_on();
        lanes
            .map(|lane| StoreFigures {
                store: lane.name().to_owned(),
                written: lane.written.load(Ordering::Relaxed),
                failures: lane.failures.load(Ordering::Relaxed),
                waiting: lane.waiting(),
            })
            .collect()
    }

    async fn cluster_pairs(&self, alias: &str, primary: &InstanceKey) -> Option<ClusterPairs> {
        let pairs = self.primary_pairs(alias, primary).await;
        (!pairs.is_empty()).then(|| ClusterPairs { alias: alias.to_owned(), pairs })
    }
}
