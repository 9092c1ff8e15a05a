//! What a failover or a planned takeover would do at this moment. Nothing is changed, put on record, or told to hooks.

use decide::failover::{self, Choice};
use decide::takeover::{self, Takeover};
use model::{InstanceKey, Plan};

use super::TakeoverRequest;
use crate::Engine;
use crate::operations::OperationError;

/// What would be done if a primary failed now.
#[derive(Clone, Debug)]
pub struct FailoverPreview {
    /// The server that would have failed.
    pub failed: InstanceKey,
    /// Who would be promoted, why, and what would become of everybody else.
    pub choice: Choice,
    /// The phases, in order.
    pub plans: Vec<Plan>,
}

/// What a planned takeover would do.
#[derive(Clone, Debug)]
pub struct TakeoverPreview {
    /// The server that would hand over.
    pub primary: InstanceKey,
    /// Who would take over, and who would follow.
    pub takeover: Takeover,
    /// The phases, in order.
    pub plans: Vec<Plan>,
}

impl Engine {
    /// The failover of one server, from what was read of it and its replicas last.
    ///
    /// # Errors
    /// Nobody could be promoted; with every reason.
    pub fn preview_failover(
        &self,
        failed: &InstanceKey,
        candidate: Option<InstanceKey>,
    ) -> Result<FailoverPreview, OperationError> {
        let case = self.failover_case(failed, candidate);
        match failover::preview(&case) {
            Ok((choice, plans)) => Ok(FailoverPreview { failed: failed.clone(), choice, plans }),
            Err(refusals) => Err(OperationError::Refused(refusals.reasons())),
        }
    }

    /// As [`Self::preview_failover`], of the primary of a cluster, to the best or to a given replica.
    ///
    /// # Errors
    /// No single primary; the given server is no direct replica of it; nobody could be promoted.
    pub async fn preview_cluster_failover(
        &self,
        cluster_name: &str,
        designated: Option<&InstanceKey>,
    ) -> Result<FailoverPreview, OperationError> {
        let primary = self.only_primary(cluster_name, designated.is_some())?;
        let candidate = match designated {
            Some(designated) => Some(self.direct_replica(&primary, designated).await?),
            None => None,
        };
        self.preview_failover(&primary, candidate)
    }

    /// A planned takeover. The primary and its replicas are read first.
    ///
    /// # Errors
    /// No single primary, a primary that cannot be read, and every obstacle.
    pub async fn preview_takeover(
        &self,
        request: &TakeoverRequest,
    ) -> Result<TakeoverPreview, OperationError> {
        let primary = self.only_primary(&request.cluster_name, false)?;
        let case = self.takeover_case(&primary, request).await?;
        let (takeover, plans) = takeover::preview(&case).map_err(super::takeover::refuse)?;
        Ok(TakeoverPreview { primary, takeover, plans })
    }
}
