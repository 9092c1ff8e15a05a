//! What stands between a finding and its recovery, whatever the finding is.

use std::time::Duration;

use model::{InstanceKey, Recovery, Timestamp};

use super::reason::{Reason, ReasonId};

/// State of this process and its records, as far as it can hold up a recovery.
#[derive(Clone, Debug, Default)]
pub struct Gates {
    /// This node has no right to act.
    pub is_passive: bool,
    /// The process has just begun and analyses nothing until then.
    pub settling_until: Option<Timestamp>,
    /// Recoveries are disabled globally.
    pub recoveries_disabled: bool,
    /// Receivers of its replicas were restarted; the grace period ends then.
    pub grace_until: Option<Timestamp>,
    /// The operation that holds the cluster's lock.
    pub operation: Option<String>,
    /// Records in their active period that promoted the server.
    pub promoted_by: Option<Recovery>,
    /// The record in its active period that blocks another failover of the cluster.
    pub failed_over: Option<Recovery>,
    /// The record of the server itself that is in its active period or unfinished.
    pub own: Option<Recovery>,
    /// Length of the active period of a recovery.
    pub active_period: Duration,
}

impl Gates {
    /// Every gate that is shut, in the order in which they are asked. `waits_for_grace`: the finding heeds the grace
    /// period.
    pub(super) fn shut(&self, key: &InstanceKey, waits_for_grace: bool) -> Vec<Reason> {
        let mut found = Vec::new();
        if self.is_passive {
            found.push(Reason::new(ReasonId::NotActive));
        }
        if self.settling_until.is_some() {
            found.push(Reason::new(ReasonId::Settling).until(self.settling_until));
        }
        if self.recoveries_disabled {
            found.push(Reason::new(ReasonId::RecoveriesDisabled));
        }
        if waits_for_grace && self.grace_until.is_some() {
            found.push(Reason::new(ReasonId::GracePeriod).until(self.grace_until));
        }
        if let Some(operation) = &self.operation {
            found.push(Reason::new(ReasonId::ClusterLocked).saying(operation));
        }
        if let Some(own) = self.own.as_ref().filter(|own| own.case.key == *key) {
            found.push(match own.end {
                None => Reason::new(ReasonId::AlreadyRecovering).saying(format!("uid {}", own.uid)),
                Some(_) => self.blocked(ReasonId::RecoveredBefore, own),
            });
            return found;
        }
        let blocking =
            [(ReasonId::RecentlyPromoted, &self.promoted_by), (ReasonId::RecentFailover, &self.failed_over)];
        for (id, recovery) in blocking {
            if let Some(recovery) = recovery {
                found.push(self.blocked(id, recovery));
            }
        }
        found
    }

    fn blocked(&self, id: ReasonId, recovery: &Recovery) -> Reason {
        Reason::new(id)
            .saying(format!("{} of {}, uid {}", recovery.case.code, recovery.case.key, recovery.uid))
            .until(Some(recovery.start + self.active_period))
    }
}
