//! Moving replicas: locks on the servers, fresh reads, plans judged by the checker and executed, and the state
//! afterwards.
//!
//! [`smart`] chooses the way by what both servers can do; [`classic`] aligns coordinates; [`regroup`] puts the replicas
//! of a server below one of them, [`legacy`] does what old scripts ask for. Every function does all it says or says what it left, and leaves replication running
//! on what it touched.

mod classic;
mod legacy;
mod locks;
mod regroup;
mod smart;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use decide::plan_checker::{self, CheckContext, Severity};
use decide::relocation::{Refusal, RelocationPolicy};
use model::{Instance, InstanceKey, Plan, ThreadState};
use ports::Deadline;
use tracing::warn;

pub use regroup::Regrouped;
pub use smart::Moved;

use crate::executor::PlanEnd;
use crate::operations::OperationError;
use crate::{Engine, policies};

/// How long a started replica may take until both threads run before its state is answered as it is.
const SETTLE: Duration = Duration::from_secs(2);
/// First pause between looks at it.
const SETTLE_PAUSE: Duration = Duration::from_millis(20);

impl From<Refusal> for OperationError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(vec![refusal.to_string()])
    }
}

pub(crate) fn refused<T>(reason: impl Into<String>) -> Result<T, OperationError> {
    Err(OperationError::Refused(vec![reason.into()]))
}

impl Engine {
    /// Runs an operation in a task of its own, so that a client that hangs up does not stop it half-way.
    ///
    /// # Errors
    /// Those of the operation.
    pub async fn detached<T, F>(
        &self,
        name: &'static str,
        work: impl FnOnce(Self) -> F,
    ) -> Result<T, OperationError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, OperationError>> + Send + 'static,
    {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let work = work(self.clone());
        self.supervisor().start(name, async move {
            // The client may be gone; what was done is in the audit.
            let _ = sender.send(work.await);
        });
        receiver.await.unwrap_or_else(|_| refused("the operation ended by a defect; see the log"))
    }

    pub(crate) fn relocation_policy(&self) -> RelocationPolicy {
        let compiled = self.compiled();
        RelocationPolicy {
            replication: policies::replication_policy(&compiled.settings),
            recent: compiled.settings.discovery.poll * 5,
            concurrent_moves: compiled.settings.operations.concurrency,
        }
    }

    /// Longest time for bringing a replica to a place.
    pub(crate) fn catch_up_limit(&self) -> Duration {
        self.compiled().settings.topology.operation_read_timeout
    }

    /// Reads a server now.
    pub(crate) async fn fresh(&self, key: &InstanceKey) -> Result<Arc<Instance>, OperationError> {
        Ok(self.read_instance(key, self.read_deadline()).await?)
    }

    /// Reads a server now; what is known of it when it does not answer.
    pub(crate) async fn fresh_or_known(&self, key: &InstanceKey) -> Option<Arc<Instance>> {
        match self.fresh(key).await {
            Ok(read) => Some(read),
            Err(_unreadable) => {
                let key = self.resolve_key(key).await;
                self.fleet().get(&key).cloned()
            }
        }
    }

    /// Reads a replica that was started, again and again until both threads run, an error stops one, or some time has
    /// passed.
    pub(crate) async fn settled(&self, key: &InstanceKey) -> Result<Arc<Instance>, OperationError> {
        let limit = Deadline::after(SETTLE);
        let mut pause = SETTLE_PAUSE;
        loop {
            let read = self.fresh(key).await?;
            let replication = &read.replication;
            let is_moving = |thread: ThreadState| thread == ThreadState::Other;
            let is_settled = !read.is_replica()
                || read.is_replicating()
                || replication.last_io_errno != 0
                || replication.last_sql_errno != 0
                || !(is_moving(replication.io_thread) || is_moving(replication.sql_thread));
            if is_settled || limit.remaining() < pause {
                self.flush_writes().await?;
                return Ok(read);
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
    }

    /// Refuses while a recovery or takeover changes the cluster, or this node must not act.
    pub(crate) fn admit_change(&self, cluster_name: &str) -> Result<(), OperationError> {
        if !self.may_act() {
            return refused("this node does not hold the lease to change servers");
        }
        if self.is_cluster_locked(cluster_name) {
            return refused(format!(
                "cluster {cluster_name} is being changed by a recovery or takeover; wait for it to end"
            ));
        }
        Ok(())
    }

    /// Judges and runs a plan. Failures of steps that the plan can do without are in the answer.
    pub(crate) async fn run_judged(
        &self,
        plan: &Plan,
        check: &mut CheckContext,
    ) -> Result<PlanEnd, OperationError> {
        let notes = plan_checker::check_plan(plan, check);
        if let Some(severe) = notes.iter().find(|note| note.severity == Severity::Error) {
            return refused(format!("plan {} was refused by its checker: {severe}", plan.name));
        }
        let end = self.execute(plan, "").await;
        match end.abort_error() {
            None => Ok(end),
            Some(reason) if end.undone.is_empty() => refused(reason),
            Some(reason) => refused(format!("{reason}; {}", end.undone.join("; "))),
        }
    }

    /// Starts replication again on servers that an operation which failed had stopped, and waits until it runs, so that
    /// what is tried next does not find a receiver that still connects.
    pub(crate) async fn restart_stopped(&self, servers: &BTreeSet<InstanceKey>) {
        for key in servers {
            let action = model::Action::StartReplication(model::Threads::Both);
            let deadline = Deadline::after(self.compiled().action_timeout);
            if let Err(error) = self.act_on(key, &action, deadline).await {
                warn!(instance = %key, error = %error, "replication could not be started again");
            } else if let Err(error) = self.settled(key).await {
                warn!(instance = %key, error = %error, "started again, and not seen to replicate");
            }
        }
    }
}
