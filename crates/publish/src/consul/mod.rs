//! Consul: the agent's own data center, and, as a store of its own, all data centers.
//!
//! What is there already is read first and not written again. By transactions the pairs of a cluster change together;
//! otherwise one by one, the key that names the primary first. Differs: the original wrote blindly, without limit of time.

mod api;
mod batches;
mod wire;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use futures_util::StreamExt;
use futures_util::stream;
use ports::{ClusterPairs, Deadline, PublishError, PublishedStore};

pub use self::api::ConsulOptions;
use self::api::{Api, Failure};
use self::batches::batches;

/// Data centers written to at the same time.
const CENTERS_AT_ONCE: usize = 8;

/// The data center of the agent.
pub struct Consul {
    shared: Arc<Shared>,
    name: String,
}

/// All data centers that the agent knows.
pub struct ConsulDataCenters {
    shared: Arc<Shared>,
    name: String,
    is_on: AtomicBool,
}

struct Shared {
    api: Api,
    transaction_size: AtomicUsize,
}

impl Consul {
    /// Access with these options, and transactions of that many operations. Nothing is connected to yet.
    pub fn new(options: ConsulOptions, transaction_size: usize) -> Self {
        let api = Api::new(options);
        let name = format!("Consul at {}", api.base());
        Self { name, shared: Arc::new(Shared { api, transaction_size: AtomicUsize::new(transaction_size) }) }
    }

    /// Later transactions have that many operations (reload).
    pub fn use_transaction_size(&self, operations: usize) {
        self.shared.transaction_size.store(operations, Ordering::Relaxed);
    }

    /// All data centers, reached through the same agent.
    pub fn data_centers(&self, is_on: bool) -> ConsulDataCenters {
        let name = format!("all data centers of {}", self.name);
        ConsulDataCenters { shared: self.shared.clone(), name, is_on: AtomicBool::new(is_on) }
    }
}

impl ConsulDataCenters {
    /// Whether they are written to (reload).
    pub fn switch(&self, is_on: bool) {
        self.is_on.store(is_on, Ordering::Relaxed);
    }

    fn error(&self, message: String) -> PublishError {
        PublishError { store: self.name.clone(), message }
    }
}

#[async_trait]
impl PublishedStore for Consul {
    fn name(&self) -> &str {
        &self.name
    }

    async fn publish(
        &self,
        clusters: &[ClusterPairs],
        deadline: Deadline,
    ) -> Vec<Result<usize, PublishError>> {
        let results = self.shared.converge(clusters, None, deadline).await;
        results
            .into_iter()
            .map(|result| result.map_err(|message| PublishError { store: self.name.clone(), message }))
            .collect()
    }
}

#[async_trait]
impl PublishedStore for ConsulDataCenters {
    fn name(&self) -> &str {
        &self.name
    }

    fn is_on(&self) -> bool {
        self.is_on.load(Ordering::Relaxed)
    }

    async fn publish(
        &self,
        clusters: &[ClusterPairs],
        deadline: Deadline,
    ) -> Vec<Result<usize, PublishError>> {
        let centers = match self.shared.api.data_centers(deadline).await {
            Ok(centers) => centers,
            Err(failure) => {
                let error = self.error(failure.into_text());
                return clusters.iter().map(|_| Err(error.clone())).collect();
            }
        };
        let outcomes: Vec<(String, Vec<Result<usize, String>>)> = stream::iter(centers)
            .map(|center| async move {
                let results = self.shared.converge(clusters, Some(&center), deadline).await;
                (center, results)
            })
            .buffer_unordered(CENTERS_AT_ONCE)
            .collect()
            .await;
        (0..clusters.len()).map(|at| self.merged(&outcomes, at)).collect()
    }
}

impl ConsulDataCenters {
    /// A cluster is published when every data center has it.
    fn merged(
        &self,
        outcomes: &[(String, Vec<Result<usize, String>>)],
        at: usize,
    ) -> Result<usize, PublishError> {
        let mut failures = Vec::new();
        let mut written = 0;
        for (center, results) in outcomes {
            match results.get(at) {
                Some(Ok(count)) => written += count,
                Some(Err(reason)) => failures.push(format!("data center {center}: {reason}")),
                None => {}
            }
        }
        failures.sort();
        if failures.is_empty() { Ok(written) } else { Err(self.error(failures.join("; "))) }
    }
}

impl Shared {
    /// Brings one data center to these pairs: how many were written of each cluster.
    async fn converge(
        &self,
        clusters: &[ClusterPairs],
        center: Option<&str>,
        deadline: Deadline,
    ) -> Vec<Result<usize, String>> {
        // A batch of one is also what is tried when a larger one was refused, for the sake of the others in it.
        let mut waiting: Vec<&[ClusterPairs]> = if self.api.options.transactional {
            batches(clusters, self.transaction_size.load(Ordering::Relaxed))
        } else {
            clusters.chunks(1).collect()
        };
        waiting.reverse();
        let mut results = Vec::with_capacity(clusters.len());
        let mut unreachable: Option<String> = None;
        while let Some(batch) = waiting.pop() {
            if let Some(reason) = &unreachable {
                results.extend(batch.iter().map(|_| Err(reason.clone())));
                continue;
            }
            let written = if self.api.options.transactional {
                self.in_transaction(batch, center, deadline).await
            } else {
                self.one_by_one(batch, center, deadline).await
            };
            match written {
                Ok(counts) => results.extend(counts.into_iter().map(Ok)),
                Err(Failure::Refused(_)) if batch.len() > 1 => waiting.extend(batch.chunks(1).rev()),
                Err(Failure::Refused(reason)) => results.push(Err(reason)),
                Err(Failure::Unreachable(reason)) => {
                    results.extend(batch.iter().map(|_| Err(reason.clone())));
                    unreachable = Some(reason);
                }
            }
        }
        results
    }

    async fn one_by_one(
        &self,
        batch: &[ClusterPairs],
        center: Option<&str>,
        deadline: Deadline,
    ) -> Result<Vec<usize>, Failure> {
        let mut counts = Vec::with_capacity(batch.len());
        for cluster in batch {
            let mut count = 0;
            for (key, value) in &cluster.pairs {
                let key = consul_key(key);
                if self.api.get(key, center, deadline).await?.as_ref() != Some(value) {
                    self.api.put((key, value), center, deadline).await?;
                    count += 1;
                }
            }
            counts.push(count);
        }
        Ok(counts)
    }

    async fn in_transaction(
        &self,
        batch: &[ClusterPairs],
        center: Option<&str>,
        deadline: Deadline,
    ) -> Result<Vec<usize>, Failure> {
        let keys: Vec<&str> =
            batch.iter().flat_map(|cluster| &cluster.pairs).map(|(key, _)| consul_key(key)).collect();
        let known = self.api.get_all(&keys, center, deadline).await?;
        let is_known =
            |key: &str, value: &str| known.iter().any(|(known, stored)| known == key && stored == value);
        let mut changes: Vec<(&str, &str)> = Vec::new();
        let mut counts = Vec::with_capacity(batch.len());
        for cluster in batch {
            let before = changes.len();
            let pairs = cluster.pairs.iter().map(|(key, value)| (consul_key(key), value.as_str()));
            changes.extend(pairs.filter(|(key, value)| !is_known(key, value)));
            counts.push(changes.len() - before);
        }
        if !changes.is_empty() {
            self.api.put_all(&changes, center, deadline).await?;
        }
        Ok(counts)
    }
}

/// Consul refuses keys that begin with a slash, which a prefix of `/` makes.
fn consul_key(key: &str) -> &str {
    key.trim_start_matches('/')
}
