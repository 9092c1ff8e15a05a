//! The way of every change to a server.

use decide::semi_sync::{Mode, SemiSyncCase, Settled, before_start};
use model::{Action, InstanceKey, Threads};
use ports::{ActionError, ActionOutcome, Deadline};
use tracing::{debug, warn};

use crate::Engine;

impl Engine {
    /// Performs an action. Before a replica is started, its semi-sync sides are set as [`before_start`] wants them; a failure of that is logged and holds nothing up.
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
        let Some(mode) = self.semi_sync_mode() else { return before_start(&replica, Settled::ByRule(rule)) };
        let concerns_it = replica.semi_sync.priority > 0 || replica.semi_sync.replica_enabled;
        if !replica.semi_sync.available || !concerns_it {
            return Vec::new();
        }
        let case = match self.semi_sync_case(&replica.primary_key, mode).await {
            Ok(case) => Some(SemiSyncCase { joining: Some(key.clone()), ..case }),
            Err(error) => {
                debug!(instance = %key, error, "who acknowledges is not chosen before the start");
                None
            }
        };
        before_start(&replica, Settled::ByChoice(case.as_ref()))
    }
}
