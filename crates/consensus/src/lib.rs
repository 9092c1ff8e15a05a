//! The command log: the one way by which durable changes are made.
//!
//! [`LocalLog`] is the log of a single node and of nodes that share a backend: a command is durable when this node's
//! backend has applied it. A log replicated by Raft, for nodes that have a backend each, does not exist yet; it will be
//! another implementation of the same trait, so nobody who submits commands will notice.

use std::sync::Arc;

use async_trait::async_trait;
use model::{Command, CommandOutcome};
use ports::{CommandLog, Store, StoreError};

/// Applies each command to the backend at once.
#[derive(Clone)]
pub struct LocalLog {
    store: Arc<dyn Store>,
}

impl LocalLog {
    /// A log that applies to this backend.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store }
    }
}

#[async_trait]
impl CommandLog for LocalLog {
    async fn submit(&self, command: Command) -> Result<CommandOutcome, StoreError> {
        self.store.apply(&command).await
    }
}

#[cfg(test)]
mod tests;
