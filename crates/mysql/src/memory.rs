//! What reads of all servers have found out about who replicates from whom.
//!
//! A process list names only the host of a replica. When a replica on that host is known to replicate from the server
//! asked, its port is known too.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use model::InstanceKey;

/// Source of each server that was read. Bounded by the number of servers read.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    sources: Mutex<BTreeMap<InstanceKey, InstanceKey>>,
}

impl Memory {
    /// Notes what a server replicates from.
    pub(crate) fn note(&self, replica: &InstanceKey, source: &InstanceKey) {
        let mut sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        sources.insert(replica.clone(), source.clone());
    }

    /// Forgets a server.
    pub(crate) fn forget(&self, replica: &InstanceKey) {
        self.sources.lock().unwrap_or_else(PoisonError::into_inner).remove(replica);
    }

    /// Known replicas of a server on one host.
    pub(crate) fn replicas_on(&self, host: &str, source: &InstanceKey) -> Vec<InstanceKey> {
        let sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        let is_one =
            |(replica, known): &(&InstanceKey, &InstanceKey)| replica.hostname() == host && *known == source;
        sources.iter().filter(is_one).map(|(replica, _)| replica.clone()).collect()
    }
}
