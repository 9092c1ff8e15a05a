//! Key-value stores outside, from which others learn who the primary of each cluster is.

use async_trait::async_trait;

use crate::Deadline;

/// What stores are told about one cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterPairs {
    /// Alias of the cluster, or its name when it has none.
    pub alias: String,
    /// Key and value, in order; the first pair names the primary. Keys begin with no slash unless they are configured so.
    pub pairs: Vec<(String, String)>,
}

/// A store that did not take what it was told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{store}: {message}")]
pub struct PublishError {
    /// The store, with its address.
    pub store: String,
    /// Cause and cure. Never holds a token.
    pub message: String,
}

/// A key-value store outside.
#[async_trait]
pub trait PublishedStore: Send + Sync {
    /// The store, with its address, for people.
    fn name(&self) -> &str;

    /// Something is to be published here at present.
    fn is_on(&self) -> bool {
        true
    }

    /// Makes the store hold these pairs. Values that it holds already are not written; those of a cluster are changed
    /// together where the store can do that. How many were written of each cluster, in the order of the clusters.
    ///
    /// What fails for one cluster does not keep the others from being published. May be repeated, and dropped at any await:
    /// then it is not known what was written.
    async fn publish(
        &self,
        clusters: &[ClusterPairs],
        deadline: Deadline,
    ) -> Vec<Result<usize, PublishError>>;
}
