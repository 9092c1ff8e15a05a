//! The way of every change to a server.

use decide::semi_sync::{Mode, switches};
use model::{Action, Instance, InstanceKey, PromotionRule, Threads};
use ports::{ActionError, ActionOutcome, Deadline};
use tracing::warn;

use crate::Engine;

impl Engine {
    /// Performs an action. Before a replica with a semi-sync priority is started, its semi-sync sides are set as the settings
    /// want them of a replica; a failure of that is logged and holds nothing up.
    ///
    /// # Errors
    /// The action itself failed.
    pub(crate) async fn act_on(
        &self,
        key: &InstanceKey,
        action: &Action,
        deadline: Deadline,
    ) -> Result<ActionOutcome, ActionError> {
        if *action == Action::StartReplication(Threads::Both) {
            for switch in self.semi_sync_before_start(key).await {
                if let Err(error) = self.inner.ports.servers.act(key, &switch, deadline).await {
                    warn!(instance = %key, error = %error, "semi-sync was not prepared before the start");
                }
            }
        }
        self.inner.ports.servers.act(key, action, deadline).await
    }

    /// Whether acknowledgements are chosen by priority, and how far that goes.
    pub(crate) fn semi_sync_mode(&self) -> Option<Mode> {
        let recovery = &self.settings().recovery;
        match (recovery.exact_semi_sync, recovery.recover_locked_semi_sync) {
            (true, _) => Some(Mode::Exact),
            (false, true) => Some(Mode::Enough),
            (false, false) => None,
        }
    }

    async fn semi_sync_before_start(&self, key: &InstanceKey) -> Vec<Action> {
        let (replica, rule) = {
            let fleet = self.fleet();
            let Some(replica) = fleet.get(key).cloned() else { return Vec::new() };
            (replica, fleet.promotion_rule(key))
        };
        if replica.semi_sync.priority == 0 || !replica.semi_sync.available {
            return Vec::new();
        }
        let acknowledges = match self.semi_sync_mode() {
            None => Some(rule != PromotionRule::MustNot),
            Some(mode) => self.share_of_acknowledgements(&replica, mode).await,
        };
        let own_side = acknowledges.map(Action::SetSemiSyncReplica);
        std::iter::once(Action::SetSemiSyncPrimary(false)).chain(own_side).collect()
    }

    /// What the choice by priority wants of a replica that is about to replicate; `None` when nothing, or when it cannot be
    /// made, because the primary does not answer.
    async fn share_of_acknowledgements(&self, replica: &Instance, mode: Mode) -> Option<bool> {
        let mut case = self.semi_sync_case(&replica.primary_key, mode).await.ok()?;
        case.joining = Some(replica.key.clone());
        let wanted = switches(&case);
        wanted.iter().find(|switch| switch.replica == replica.key).map(|switch| switch.on)
    }
}
