//! A read-only primary of an otherwise healthy cluster: made writable, when the settings ask for that.

use model::{Action, RecoveryKind};
use ports::Deadline;

use super::gates::Registration;
use super::{Attempt, Request};
use crate::Engine;

impl Engine {
    /// Makes a read-only primary writable, from gates to hooks.
    pub(super) async fn make_writable(&self, request: Request) -> Attempt {
        let finding = &request.finding;
        let settings = self.settings();
        if !settings.recovery.recover_read_only_primary {
            return Attempt::NotAttempted(vec!["RecoverNonWriteableMaster is off".to_owned()]);
        }
        if !request.forced && !finding.cluster.automated_primary_recovery {
            // Differs: the original opens primaries of every cluster.
            let reason = format!("{} does not match RecoverMasterClusterFilters", finding.cluster.name);
            return Attempt::NotAttempted(vec![reason]);
        }
        let _lock = match self.lock_cluster(&finding.cluster.name, "making its primary writable") {
            Ok(lock) => lock,
            Err(held) => return Attempt::NotAttempted(vec![held]),
        };
        let pause = self.compiled().retention.recovery_active;
        if !self.inner.repairs.admit_after(&finding.key, pause) && !request.forced {
            return Attempt::NotAttempted(vec![format!(
                "{} was made writable less than {} s ago",
                finding.key,
                pause.as_secs()
            )]);
        }
        let (uid, id, detection) = match self.register_recovery(&request).await {
            Ok(Registration::Registered { uid, id, last_detection_id }) => (uid, id, last_detection_id),
            Ok(Registration::Refused(reasons)) => return Attempt::NotAttempted(reasons),
            Err(error) => return Attempt::Failed(error.to_string()),
        };
        let mut recovery = self.new_recovery(finding, RecoveryKind::Primary, uid, id, detection);
        recovery.kind = None;
        self.audit("recover-non-writeable-master", Some(&finding.key), "problem found; will fix").await;
        let outcome = match self.run_pre_hooks(&request, &recovery).await {
            Ok(_) if !self.may_act() => Err("this node lost the right to act".to_owned()),
            Ok(_) => {
                let action =
                    Action::SetReadOnly { on: false, with_super: settings.operations.use_super_read_only };
                let deadline = Deadline::after(self.compiled().action_timeout);
                let done = self.act_on(&finding.key, &action, deadline).await;
                done.map(|_| ()).map_err(|error| error.to_string())
            }
            Err(reason) => Err(reason),
        };
        match outcome {
            Ok(()) => {
                recovery.is_successful = true;
                recovery.successor = Some(finding.key.clone());
                self.resolve(&mut recovery).await;
                self.close_repair(&recovery).await;
                // Its read shows the change; a failure of the read is noticed by the next poll.
                let _ = self.read_instance(&finding.key, self.read_deadline()).await;
                self.run_post_hooks(
                    &request,
                    &recovery,
                    "PostFailoverProcesses",
                    &settings.hooks.after_failover,
                )
                .await;
            }
            Err(reason) => {
                recovery.errors.push(reason);
                self.resolve(&mut recovery).await;
                self.close_repair(&recovery).await;
                let commands = &settings.hooks.after_unsuccessful_failover;
                self.run_post_hooks(&request, &recovery, "PostUnsuccessfulFailoverProcesses", commands).await;
            }
        }
        Attempt::Ended(Box::new(recovery))
    }
}
