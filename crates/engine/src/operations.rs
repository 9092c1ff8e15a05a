//! What operators ask for: discover, forget, downtime, read-only, replication threads, acknowledgements, recoveries.
//!
//! The same functions serve the HTTP routes and the direct commands. Each one either does all it says or changes
//! nothing and says why.

use std::sync::Arc;
use std::time::Duration;

use decide::analysis::{self, Hints, Scope};
use model::{
    AcknowledgeScope, Action, Candidate, Command, CommandOutcome, Downtime, Instance, InstanceKey,
    PromotionRule, Recovery, Threads,
};
use ports::{ActionError, AgentError, Deadline, StoreError};

use crate::Engine;
use crate::discovery::ReadError;
use crate::recovery::{Attempt, Request};
use crate::samples::BackendSample;

/// Why an operation did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum OperationError {
    /// Not in the fleet.
    #[error("Cannot read instance: {0}: it is not known; discover it first")]
    UnknownInstance(InstanceKey),
    /// No cluster of that name has members.
    #[error("No cluster found for {0}")]
    UnknownCluster(String),
    /// No agent of that host registered.
    #[error("Cannot get agent/token: {0}")]
    UnknownAgent(String),
    /// An agent refused or did not answer.
    #[error(transparent)]
    Agent(#[from] AgentError),
    /// The server could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The server refused.
    #[error(transparent)]
    Action(#[from] ActionError),
    /// The backend refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Refused by rule, with every reason.
    #[error("{}", .0.join("; "))]
    Refused(Vec<String>),
    /// A recovery did not begin.
    #[error("{0}")]
    Recovery(String),
    /// A recovery that was asked for was not attempted, with every reason.
    #[error("Recovery not attempted: {}", .0.join("; "))]
    NotAttempted(Vec<String>),
}

/// How long started replication threads may take until they run, and the first pause between looks.
const START_WAIT_MAX: Duration = Duration::from_secs(1);
const START_PAUSE: Duration = Duration::from_millis(10);
/// What a downtime of zero length means.
const DEFAULT_DOWNTIME: Duration = Duration::from_secs(600);

impl Engine {
    /// Reads a server now and returns it with everything its record holds. It is polled from now on, also if it was
    /// forgotten a moment ago.
    ///
    /// # Errors
    /// Filters and servers that cannot be read.
    pub async fn discover(&self, key: &InstanceKey) -> Result<Arc<Instance>, OperationError> {
        let key = &self.resolve_key(key).await;
        self.admit_again(key);
        let instance = self.read_instance(key, self.read_deadline()).await?;
        self.flush_writes().await?;
        Ok(instance)
    }

    /// Drops a server from the fleet and the backend. It is not read again for three poll intervals.
    ///
    /// # Errors
    /// The server is not known.
    pub async fn forget(&self, key: &InstanceKey) -> Result<(), OperationError> {
        // A server that is known by exactly this name is the one that is meant.
        let is_known = self.fleet().get(key).is_some();
        let key = if is_known { key.clone() } else { self.resolve_key(key).await };
        self.block_rediscovery(&key).await;
        let existed = self.submit(Command::ForgetInstance(key.clone())).await?;
        let was_known = self.fleet_mut().remove(&key).is_some();
        if existed == CommandOutcome::Existed(false) && !was_known {
            return Err(OperationError::Refused(vec![format!("ForgetInstance(): instance {key} not found")]));
        }
        self.audit("forget", Some(&key), "").await;
        Ok(())
    }

    /// Drops all servers of a cluster.
    ///
    /// # Errors
    /// The backend.
    pub async fn forget_cluster(&self, cluster_name: &str) -> Result<(), OperationError> {
        let members: Vec<InstanceKey> =
            self.fleet().cluster_members(cluster_name).map(|member| member.key.clone()).collect();
        for key in &members {
            self.block_rediscovery(key).await;
            self.fleet_mut().remove(key);
        }
        self.submit(Command::ForgetCluster(cluster_name.to_owned())).await?;
        for key in &members {
            self.audit("forget", Some(key), "").await;
        }
        Ok(())
    }

    fn admit_again(&self, key: &InstanceKey) {
        let mut forgotten = self.inner.forgotten.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        forgotten.remove(key);
    }

    async fn block_rediscovery(&self, key: &InstanceKey) {
        self.inner
            .forgotten
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .insert(key.clone(), tokio::time::Instant::now());
        self.inner.dead.unregister(key);
        self.inner.ports.servers.forget(key).await;
        self.inner.stillness.forget(key);
    }

    /// Begins (or replaces) a downtime, of a server that is not known yet as well. A duration of zero means ten minutes.
    ///
    /// # Errors
    /// The backend.
    pub async fn begin_downtime(
        &self,
        key: &InstanceKey,
        owner: &str,
        reason: &str,
        duration: Duration,
    ) -> Result<(), OperationError> {
        let key = self.resolve_key(key).await;
        let now = self.now();
        let duration = if duration.is_zero() { DEFAULT_DOWNTIME } else { duration };
        let downtime = Downtime {
            key: key.clone(),
            owner: owner.to_owned(),
            reason: reason.to_owned(),
            begin: now,
            end: Some(now + duration),
        };
        self.submit(Command::BeginDowntime(downtime.clone())).await?;
        self.fleet_mut().downtimes.insert(key.clone(), downtime);
        self.audit("begin-downtime", Some(&key), format!("owner: {owner}, reason: {reason}")).await;
        Ok(())
    }

    /// Ends a downtime. Returns whether there was one.
    ///
    /// # Errors
    /// The backend.
    pub async fn end_downtime(&self, key: &InstanceKey) -> Result<bool, OperationError> {
        let key = self.resolve_key(key).await;
        let outcome = self.submit(Command::EndDowntime(key.clone())).await?;
        self.fleet_mut().downtimes.remove(&key);
        let existed = outcome == CommandOutcome::Existed(true);
        if existed {
            self.audit("end-downtime", Some(&key), "").await;
        }
        Ok(existed)
    }

    /// Registers a promotion rule, of a server that is not known yet as well.
    ///
    /// # Errors
    /// The backend.
    pub async fn register_candidate(
        &self,
        key: &InstanceKey,
        rule: PromotionRule,
    ) -> Result<(), OperationError> {
        let key = self.resolve_key(key).await;
        let candidate = Candidate { key: key.clone(), rule, last_suggested: self.now() };
        self.submit(Command::RegisterCandidate(candidate.clone())).await?;
        self.fleet_mut().candidates.insert(key.clone(), candidate);
        self.audit("register-candidate", Some(&key), rule.to_string()).await;
        Ok(())
    }

    /// Makes a server read-only or writable and returns it as read afterwards.
    ///
    /// # Errors
    /// The server.
    pub async fn set_read_only(&self, key: &InstanceKey, on: bool) -> Result<Arc<Instance>, OperationError> {
        let known = self.read_instance(key, self.read_deadline()).await?;
        let with_super = self.compiled().failover.use_super_read_only;
        let has_priority = known.semi_sync.priority > 0;
        let mut actions = vec![Action::SetReadOnly { on, with_super }];
        if has_priority && on {
            actions.push(Action::SetSemiSyncPrimary(false));
        } else if has_priority {
            actions.insert(0, Action::SetSemiSyncPrimary(true));
        }
        let instance = self.act_and_read(&known.key, &actions).await?;
        self.audit("read-only", Some(&instance.key), format!("set as {on}")).await;
        Ok(instance)
    }

    /// Starts both replication threads and waits a moment until they run. A receiver that is still connecting after that
    /// is no error: the answer shows it.
    ///
    /// # Errors
    /// The server is no replica, or refuses, or a thread ended with an error.
    pub async fn start_replication(&self, key: &InstanceKey) -> Result<Arc<Instance>, OperationError> {
        let started =
            self.switch_threads(key, Action::StartReplication(Threads::Both), "start-replica").await?;
        self.wait_running(started).await
    }

    /// Reads a replica until both its threads run, for a second at most.
    pub(crate) async fn wait_running(&self, started: Arc<Instance>) -> Result<Arc<Instance>, OperationError> {
        let begin = tokio::time::Instant::now();
        let (mut instance, mut pause) = (started, START_PAUSE);
        while !instance.is_replicating() && begin.elapsed() + pause <= START_WAIT_MAX {
            tokio::time::sleep(pause).await;
            pause *= 2;
            instance = self.read_instance(&instance.key, self.read_deadline()).await?;
        }
        let replication = &instance.replication;
        let error = match (replication.last_io_errno, replication.last_sql_errno) {
            _ if instance.is_replicating() => None,
            (0, 0) => None,
            (0, _) => Some(&replication.last_sql_error),
            (_, _) => Some(&replication.last_io_error),
        };
        match error {
            Some(error) => Err(OperationError::Refused(vec![format!(
                "Replication not running on {}: {error}",
                instance.key
            )])),
            None => Ok(instance),
        }
    }

    /// Stops both replication threads.
    ///
    /// # Errors
    /// The server is no replica, or refuses.
    pub async fn stop_replication(&self, key: &InstanceKey) -> Result<Arc<Instance>, OperationError> {
        self.switch_threads(key, Action::StopReplication(Threads::Both), "stop-replica").await
    }

    async fn switch_threads(
        &self,
        key: &InstanceKey,
        action: Action,
        audit: &str,
    ) -> Result<Arc<Instance>, OperationError> {
        let known = self.read_instance(key, self.read_deadline()).await?;
        if !known.is_replica() {
            return Err(OperationError::Refused(vec![format!("instance is not a replica: {}", known.key)]));
        }
        let instance = self.act_and_read(&known.key, &[action]).await?;
        self.audit(audit, Some(&instance.key), "").await;
        Ok(instance)
    }

    async fn act_and_read(
        &self,
        key: &InstanceKey,
        actions: &[Action],
    ) -> Result<Arc<Instance>, OperationError> {
        if !self.may_act() {
            return Err(OperationError::Refused(vec![
                "this node does not hold the lease to change servers".to_owned(),
            ]));
        }
        for action in actions {
            let deadline = Deadline::after(self.compiled().action_timeout);
            self.act_on(key, action, deadline).await?;
        }
        self.settled(key).await
    }

    /// Switches automatic recoveries off or on, everywhere.
    ///
    /// # Errors
    /// The backend.
    pub async fn disable_recoveries(&self, disabled: bool) -> Result<(), OperationError> {
        self.submit(Command::DisableRecoveries(disabled)).await?;
        let act = if disabled { "disable-global-recoveries" } else { "enable-global-recoveries" };
        self.audit(act, None, "").await;
        Ok(())
    }

    /// Automatic recoveries are switched off.
    ///
    /// # Errors
    /// The backend.
    pub async fn recoveries_disabled(&self) -> Result<bool, OperationError> {
        Ok(self.store().recoveries_disabled().await?)
    }

    /// Acknowledges recoveries; returns how many.
    ///
    /// # Errors
    /// The backend.
    pub async fn acknowledge(
        &self,
        scope: AcknowledgeScope,
        owner: &str,
        comment: &str,
    ) -> Result<u64, OperationError> {
        let outcome = self
            .submit(Command::AcknowledgeRecoveries {
                scope,
                owner: owner.to_owned(),
                comment: comment.to_owned(),
                at: self.now(),
            })
            .await?;
        self.inner.detection.forget_registered();
        match outcome {
            CommandOutcome::Count(count) => Ok(count),
            CommandOutcome::Done | CommandOutcome::Inserted(_) | CommandOutcome::Existed(_) => Ok(0),
        }
    }

    /// Recovers one server now, whatever filters, downtime, switch and block period say. With a candidate: that one or
    /// nobody.
    ///
    /// # Errors
    /// Nothing is wrong with the server, or the recovery could not begin. A recovery that began and promoted nobody
    /// is returned as a record without successor.
    pub async fn recover(
        &self,
        key: &InstanceKey,
        candidate: Option<InstanceKey>,
        skip_hooks: bool,
    ) -> Result<Recovery, OperationError> {
        let key = self.resolve_key(key).await;
        let candidate = match candidate {
            Some(candidate) => Some(self.known(&candidate).await?.key.clone()),
            None => None,
        };
        self.adopt_latest_changes().await;
        let compiled = self.compiled();
        let finding = {
            let fleet = self.fleet();
            let hints = Hints { include_downtimed: true, include_no_problem: false };
            let findings =
                analysis::analyze(&fleet, Scope::All, hints, &compiled.analysis, &self.filters(), self.now());
            findings.into_iter().find(|finding| finding.key == key)
        };
        let Some(finding) = finding else {
            return Err(OperationError::NotAttempted(vec![format!("nothing is wrong with {key}")]));
        };
        let request =
            Request { finding, forced: true, skip_hooks: skip_hooks || self.identity().noop, candidate };
        let outcome = self.run_detached(request).await;
        match outcome {
            Attempt::Ended(recovery) => Ok(*recovery),
            Attempt::NotAttempted(reasons) => Err(OperationError::NotAttempted(reasons)),
            Attempt::Failed(error) => Err(OperationError::Recovery(error)),
        }
    }

    /// Runs a recovery in a task of its own, so that a client that hangs up does not stop it half-way.
    pub(crate) async fn run_detached(&self, request: Request) -> Attempt {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let engine = self.clone();
        self.inner.supervisor.start("recovery asked for", async move {
            let attempt = engine.handle_finding(request).await;
            // The client may be gone; the record is in the backend.
            let _ = sender.send(attempt);
        });
        receiver
            .await
            .unwrap_or_else(|_| Attempt::Failed("the recovery ended by a defect; see the log".to_owned()))
    }

    /// A server of the fleet by a key that may be an alias of its name.
    ///
    /// # Errors
    /// It is not known.
    pub async fn known(&self, key: &InstanceKey) -> Result<Arc<Instance>, OperationError> {
        let key = self.resolve_key(key).await;
        self.fleet().get(&key).cloned().ok_or(OperationError::UnknownInstance(key))
    }

    /// Submits a durable change.
    pub(crate) async fn submit(&self, command: Command) -> Result<CommandOutcome, StoreError> {
        let (at, began) = (self.now(), tokio::time::Instant::now());
        let result = self.inner.ports.log.submit(command).await;
        let error = result.as_ref().err().map(ToString::to_string);
        self.note_backend_write(BackendSample { at, execute: began.elapsed(), error });
        result
    }
}
