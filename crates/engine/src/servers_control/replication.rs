//! Replication of one server: stop when applied, forget or detach the source, skip, delay, credentials, semi-sync.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use decide::plan_checker::CheckContext;
use decide::relocation::Refusal;
use model::{Action, Command, Instance, InstanceKey, Plan, ThreadState, Threads};
use ports::Deadline;

use crate::Engine;
use crate::operations::OperationError;
use crate::relocations::refused;

/// Time for a change that a healthy server makes at once.
const CHANGE_TIME: Duration = Duration::from_secs(5);

impl Engine {
    /// A replica, read now.
    ///
    /// # Errors
    /// It cannot be read, or replicates from nobody.
    pub(crate) async fn fresh_replica(&self, key: &InstanceKey) -> Result<Arc<Instance>, OperationError> {
        let replica = self.fresh(key).await?;
        if replica.is_replica() { Ok(replica) } else { Err(Refusal::NotReplica(replica.key.clone()).into()) }
    }

    /// Does one thing on a server.
    pub(crate) async fn act_once(&self, key: &InstanceKey, action: &Action) -> Result<(), OperationError> {
        let deadline = Deadline::after(self.compiled().action_timeout);
        Ok(self.act_on(key, action, deadline).await.map(drop)?)
    }

    /// Stops receiving, waits until everything received is applied (not on delayed replicas), and stops.
    ///
    /// # Errors
    /// It is no replica, or does not get there.
    pub async fn stop_replication_nicely(&self, key: &InstanceKey) -> Result<Arc<Instance>, OperationError> {
        let replica = self.fresh_replica(key).await?;
        self.admit_change(&replica.cluster_name)?;
        let limit = self.catch_up_limit();
        let mut plan = Plan::new("stop nicely");
        let reason = "what was received is applied first";
        let key = &replica.key;
        let stop = plan.push(key, Action::StopReplication(Threads::Receiver), &[], CHANGE_TIME, reason);
        let mut last =
            plan.push(key, Action::StartReplication(Threads::Applier), &[stop], CHANGE_TIME, reason);
        if replica.replication.sql_delay == 0 {
            last = plan.push(key, Action::WaitApplied, &[last], limit, reason);
        }
        plan.push(key, Action::StopReplication(Threads::Both), &[last], CHANGE_TIME, "as asked");
        self.run_judged(&plan, &mut CheckContext::new([replica.clone()])).await?;
        let stopped = self.settled(key).await?;
        self.audit("stop-replica-nice", Some(key), "").await;
        Ok(stopped)
    }

    /// Makes a server forget its source for good.
    ///
    /// # Errors
    /// The server refuses.
    pub async fn reset_replication(&self, key: &InstanceKey) -> Result<Arc<Instance>, OperationError> {
        let instance = self.fresh(key).await?;
        self.admit_change(&instance.cluster_name)?;
        let key = instance.key.clone();
        let reset = self
            .with_locks(&[(key.clone(), "reset replica".to_owned())], async {
                if instance.is_replica() {
                    self.act_once(&key, &Action::StopReplication(Threads::Both)).await?;
                }
                self.act_once(&key, &Action::ResetReplication).await?;
                self.settled(&key).await
            })
            .await?;
        self.audit("reset-slave", Some(&key), format!("{key} replication reset")).await;
        Ok(reset)
    }

    /// Makes the source of a replica unusable in a way that can be undone (`//host`), or undoes that.
    ///
    /// # Errors
    /// It is as wanted already, or the server refuses.
    pub async fn detach_source(
        &self,
        key: &InstanceKey,
        detach: bool,
    ) -> Result<Arc<Instance>, OperationError> {
        let replica = self.fresh_replica(key).await?;
        let key = replica.key.clone();
        if detach == replica.has_detached_source() {
            return refused(if detach {
                format!("instance already detached: {key}")
            } else {
                format!("instance does not seem to be detached: {key}")
            });
        }
        self.admit_change(&replica.cluster_name)?;
        let (action, name) = if detach {
            (Action::DetachSource, "detach-replica-master-host")
        } else {
            (Action::ReattachSource, "reattach-replica-master-host")
        };
        let changed = self
            .with_locks(&[(key.clone(), name.to_owned())], async {
                self.act_once(&key, &Action::StopReplication(Threads::Both)).await?;
                let outcome = self.act_once(&key, &action).await;
                // The receiver of a detached replica would only fail again and again; its applier may go on.
                let threads = if detach && outcome.is_ok() { Threads::Applier } else { Threads::Both };
                let started = self.act_once(&key, &Action::StartReplication(threads)).await;
                outcome?;
                started?;
                self.settled(&key).await
            })
            .await?;
        if !detach {
            self.move_alias_to_source(&changed).await;
        }
        let source = &changed.primary_key;
        let message = if detach {
            format!("replica {key} detached from master into {source}")
        } else {
            format!("replica {key} reattached to master {source}")
        };
        self.audit("repoint", Some(&key), message).await;
        Ok(changed)
    }

    /// An alias that a detached server had taken along goes back to its source.
    async fn move_alias_to_source(&self, replica: &Instance) {
        let (from, to) = (replica.key.to_string(), replica.primary_key.to_string());
        let alias = self.fleet().cluster_aliases.get(&from).cloned();
        if let Some(alias) = alias {
            {
                let mut fleet = self.fleet_mut();
                fleet.cluster_aliases.remove(&from);
                fleet.set_cluster_alias(&to, &alias);
            }
            self.submit_quietly(Command::RenameCluster { from, to, alias, at: self.now() }).await;
        }
    }

    /// Makes the applier pass over the transaction it failed at, and starts replication.
    ///
    /// # Errors
    /// Nothing failed, or the server refuses.
    pub async fn skip_query(&self, key: &InstanceKey) -> Result<Arc<Instance>, OperationError> {
        let replica = self.fresh_replica(key).await?;
        let key = &replica.key;
        if replica.replication.sql_thread.is_running() {
            return refused(format!("Replication SQL thread is running on {key}"));
        }
        if replica.replication.last_sql_error.is_empty() {
            return refused(format!("No SQL error on {key}"));
        }
        self.admit_change(&replica.cluster_name)?;
        self.act_once(key, &Action::SkipTransaction).await?;
        self.audit("skip-query", Some(key), "Skipped one query").await;
        self.act_once(key, &Action::StartReplication(Threads::Both)).await?;
        self.settled(key).await
    }

    /// Delays the applier of a replica.
    ///
    /// # Errors
    /// It is no replica, or the server refuses.
    pub async fn delay_replication(
        &self,
        key: &InstanceKey,
        seconds: u32,
    ) -> Result<Arc<Instance>, OperationError> {
        let replica = self.fresh_replica(key).await?;
        self.admit_change(&replica.cluster_name)?;
        self.act_once(&replica.key, &Action::SetDelay(seconds)).await?;
        self.audit("delay-replication", Some(&replica.key), format!("set to {seconds}")).await;
        self.settled(&replica.key).await
    }

    /// Gives a replica its replication account again, as the configured query or the server's own tables tell it.
    ///
    /// # Errors
    /// No account is known, or the server refuses.
    pub async fn reapply_credentials(&self, key: &InstanceKey) -> Result<Arc<Instance>, OperationError> {
        let replica = self.fresh_replica(key).await?;
        self.admit_change(&replica.cluster_name)?;
        let key = &replica.key;
        let deadline = Deadline::after(self.compiled().action_timeout);
        let servers = &self.inner.ports.servers;
        let Some((user, password)) = servers.replication_credentials(key, deadline).await? else {
            return refused(format!("Empty user in ChangeMasterCredentials() for {key}"));
        };
        let was_running = replica.is_replicating();
        self.act_once(key, &Action::StopReplication(Threads::Both)).await?;
        let outcome = servers.set_replication_credentials(key, &user, &password, deadline).await;
        if was_running {
            self.restart_stopped(&BTreeSet::from([key.clone()])).await;
        }
        outcome?;
        self.audit("change-master-credentials", Some(key), format!("re-applied for user {user}")).await;
        self.settled(key).await
    }

    /// Switches one side of semi-synchronous replication.
    ///
    /// # Errors
    /// The server has no such side, or refuses.
    pub async fn switch_semi_sync(
        &self,
        key: &InstanceKey,
        primary_side: bool,
        on: bool,
    ) -> Result<Arc<Instance>, OperationError> {
        let instance = self.fresh(key).await?;
        self.admit_change(&instance.cluster_name)?;
        let action =
            if primary_side { Action::SetSemiSyncPrimary(on) } else { Action::SetSemiSyncReplica(on) };
        self.act_once(&instance.key, &action).await?;
        self.settled(&instance.key).await
    }

    /// Waits until a replica has executed coordinates of its source.
    ///
    /// # Errors
    /// It is no replica, or does not get there in time.
    pub async fn wait_for_coordinates(
        &self,
        key: &InstanceKey,
        at: model::BinlogCoordinates,
    ) -> Result<Arc<Instance>, OperationError> {
        let replica = self.fresh_replica(key).await?;
        let deadline = Deadline::after(self.catch_up_limit());
        let action = Action::WaitExecutedCoordinates(at);
        self.act_on(&replica.key, &action, deadline).await?;
        self.fresh(&replica.key).await
    }

    /// The statements that stop what runs, do one thing, and start what ran. Nothing is executed.
    ///
    /// # Errors
    /// The server cannot be read.
    pub async fn restart_statements(
        &self,
        key: &InstanceKey,
        injected: &str,
    ) -> Result<Vec<String>, OperationError> {
        let instance = self.fresh(key).await?;
        let noun = if instance.version.is_mysql_at_least(8, 0, 22) { "replica" } else { "slave" };
        let runs = |thread: ThreadState| thread.is_running();
        let replication = &instance.replication;
        let mut statements = Vec::new();
        let mut add = |runs: bool, verb: &str, thread: &str| {
            if runs {
                statements.push(format!("{verb} {noun} {thread};"));
            }
        };
        add(runs(replication.io_thread), "stop", "io_thread");
        add(runs(replication.sql_thread), "stop", "sql_thread");
        let injected = injected.trim().trim_end_matches(';');
        let mut tail = Vec::new();
        if runs(replication.sql_thread) {
            tail.push(format!("start {noun} sql_thread;"));
        }
        if runs(replication.io_thread) {
            tail.push(format!("start {noun} io_thread;"));
        }
        if !injected.is_empty() {
            statements.push(format!("{injected};"));
        }
        statements.extend(tail);
        Ok(statements)
    }
}
