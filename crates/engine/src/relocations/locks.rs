//! Maintenance locks: one operation on a server at a time, on all nodes that share the backend.

use std::time::Duration;

use model::{Command, CommandOutcome, InstanceKey, Maintenance};

use crate::Engine;
use crate::operations::OperationError;

/// How long a lock lasts at most. Locks of processes that are gone end earlier.
const LOCK_TIME: Duration = Duration::from_secs(3600);

/// Locks that are held. Released by [`Held::release`], and by expiry when the process dies.
pub(crate) struct Held {
    engine: Engine,
    keys: Vec<InstanceKey>,
}

impl Held {
    /// Gives all locks back.
    pub(crate) async fn release(self) {
        for key in &self.keys {
            self.engine.unlock_server(key).await;
        }
    }
}

impl Engine {
    /// Takes the locks of some servers, each with its reason, in the order of the keys; all or none.
    pub(crate) async fn lock_servers(
        &self,
        wanted: &[(InstanceKey, String)],
    ) -> Result<Held, OperationError> {
        let mut wanted: Vec<_> = wanted.iter().collect();
        wanted.sort();
        wanted.dedup_by(|one, other| one.0 == other.0);
        let mut held = Held { engine: self.clone(), keys: Vec::new() };
        for (key, reason) in wanted {
            match self.lock_server(key, reason).await {
                Ok(()) => held.keys.push(key.clone()),
                Err(error) => {
                    held.release().await;
                    return Err(error);
                }
            }
        }
        Ok(held)
    }

    /// Runs work while the locks are held. Nothing is done when one of them is not to be had.
    pub(crate) async fn with_locks<T>(
        &self,
        wanted: &[(InstanceKey, String)],
        work: impl Future<Output = Result<T, OperationError>>,
    ) -> Result<T, OperationError> {
        let held = self.lock_servers(wanted).await?;
        let outcome = work.await;
        held.release().await;
        outcome
    }

    async fn lock_server(&self, key: &InstanceKey, reason: &str) -> Result<(), OperationError> {
        let begin = self.now();
        let end = begin + LOCK_TIME;
        let owner = self.identity().maintenance_owner.clone();
        let outcome = self
            .submit(Command::BeginMaintenance {
                key: key.clone(),
                owner: owner.clone(),
                reason: reason.to_owned(),
                begin,
                end,
                explicitly_bounded: false,
                node: self.node().clone(),
            })
            .await?;
        let CommandOutcome::Inserted(Some(id)) = outcome else {
            return Err(OperationError::Refused(vec![format!(
                "Cannot begin maintenance on {key}: Cannot begin maintenance for instance: {key}; maintenance reason: {reason}"
            )]));
        };
        let lock = Maintenance {
            id,
            key: key.clone(),
            owner: owner.clone(),
            reason: reason.to_owned(),
            begin,
            end: Some(end),
        };
        self.fleet_mut().maintenance.insert(key.clone(), lock);
        let message = format!("maintenanceToken: {id}, owner: {owner}, reason: {reason}");
        self.audit("begin-maintenance", Some(key), message).await;
        Ok(())
    }

    async fn unlock_server(&self, key: &InstanceKey) {
        let former = self.fleet_mut().maintenance.remove(key);
        self.submit_quietly(Command::EndMaintenance { key: key.clone(), at: self.now() }).await;
        let token = former.map(|lock| lock.id).unwrap_or_default();
        self.audit("end-maintenance", Some(key), format!("maintenanceToken: {token}")).await;
    }
}
