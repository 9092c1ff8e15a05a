//! The way of every change to a server.

use std::time::Duration;

use decide::semi_sync::{Mode, SemiSyncCase, Settled, before_start};
use model::{Action, InstanceKey, Threads};
use ports::{ActionError, ActionOutcome, Deadline, ErrorClass};
use tracing::{debug, warn};

use crate::Engine;

/// Longest time for one switch before a start: a server that does not answer one is still told to start in time.
const SWITCH_MAX: Duration = Duration::from_secs(2);

impl Engine {
    /// Performs an action. Before a replica is started, its semi-sync sides are set as [`before_start`] wants them; a
    /// failure of that is logged and keeps only the other switches from being tried.
    ///
    /// The caller asks for the right to act; it is asked for again before each statement after the first.
    ///
    /// # Errors
    /// The action itself failed, or the right to act was lost on the way to it.
    pub(crate) async fn act_on(
        &self,
        key: &InstanceKey,
        action: &Action,
        deadline: Deadline,
    ) -> Result<ActionOutcome, ActionError> {
        if *action == Action::StartReplication(Threads::Both) {
            for switch in self.semi_sync_before_start(key).await {
                self.still_may_act(key, action)?;
                let limit = deadline.at_most(SWITCH_MAX);
                if let Err(error) = self.inner.ports.servers.act(key, &switch, limit).await {
                    warn!(instance = %key, error = %error, "semi-sync was not prepared before the start");
                    break;
                }
            }
            self.still_may_act(key, action)?;
        }
        self.inner.ports.servers.act(key, action, deadline).await
    }

    /// # Errors
    /// The right to act is gone.
    fn still_may_act(&self, key: &InstanceKey, action: &Action) -> Result<(), ActionError> {
        if self.may_act() {
            return Ok(());
        }
        Err(ActionError {
            key: key.clone(),
            action: action.to_string(),
            class: ErrorClass::Rejected,
            number: None,
            message: "this node no longer holds the lease to act".to_owned(),
            is_sent: false,
        })
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
