//! Failovers that an operator forces: the primary is treated as dead, whatever it answers.

use model::{InstanceKey, Recovery};

use super::{Attempt, Request};
use crate::Engine;
use crate::operations::OperationError;

impl Engine {
    /// Fails a cluster over, to the best replica.
    ///
    /// # Errors
    /// No single primary, or nobody was promoted; with the reasons.
    pub async fn force_failover(&self, cluster_name: &str) -> Result<Recovery, OperationError> {
        let primary = self.only_primary(cluster_name, false)?;
        self.force(&primary, None, "force-master-failover").await
    }

    /// Fails a cluster over to one given direct replica of its writable primary, or not at all.
    ///
    /// # Errors
    /// As [`Self::force_failover`]; or the server is no direct replica.
    pub async fn force_takeover(
        &self,
        cluster_name: &str,
        designated: &InstanceKey,
    ) -> Result<Recovery, OperationError> {
        let primary = self.only_primary(cluster_name, true)?;
        let designated = self.direct_replica(&primary, designated).await?;
        self.force(&primary, Some(designated), "force-master-takeover").await
    }

    /// The key of a server that replicates from the primary.
    ///
    /// # Errors
    /// It does not, or nobody knows it.
    pub(super) async fn direct_replica(
        &self,
        primary: &InstanceKey,
        designated: &InstanceKey,
    ) -> Result<InstanceKey, OperationError> {
        let Ok(designated) = self.known(designated).await else {
            return Err(OperationError::Refused(vec!["Instance not found".to_owned()]));
        };
        if designated.primary_key != *primary {
            return Err(OperationError::Refused(vec![format!(
                "You may only promote a direct child of the master {primary}. The master of {} is {}.",
                designated.key, designated.primary_key
            )]));
        }
        Ok(designated.key.clone())
    }

    async fn force(
        &self,
        primary: &InstanceKey,
        candidate: Option<InstanceKey>,
        hint: &str,
    ) -> Result<Recovery, OperationError> {
        let finding = self.synthetic_finding(primary, hint, |_| {})?;
        let request = Request { finding, forced: true, skip_hooks: self.identity().noop, candidate };
        match self.run_detached(request).await {
            Attempt::Ended(recovery) if recovery.successor.is_some() => Ok(*recovery),
            Attempt::Ended(recovery) if recovery.errors.is_empty() => {
                Err(OperationError::Recovery("Recovery attempted yet no replica promoted".to_owned()))
            }
            Attempt::Ended(recovery) => Err(OperationError::Recovery(recovery.errors.join("; "))),
            Attempt::NotAttempted(reasons) => Err(OperationError::Refused(reasons)),
            Attempt::Failed(error) => Err(OperationError::Recovery(error)),
        }
    }
}
