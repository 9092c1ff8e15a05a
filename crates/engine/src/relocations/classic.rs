//! Moves by aligned coordinates, phase by phase; replicas that use GTID keep it and take the short way.

use std::collections::BTreeSet;
use std::sync::Arc;

use decide::plan_checker::CheckContext;
use decide::relocation::classic::{self, Pair};
use decide::relocation::{self, Refusal};
use futures_util::future::join_all;
use model::{BinlogCoordinates, Command, Instance, InstanceKey, Plan};
use ports::Deadline;

use super::refused;
use super::smart::Moved;
use crate::Engine;
use crate::hook_environment::takeover_pair;
use crate::operations::OperationError;

impl Engine {
    /// A replica and its source, both read now.
    async fn pair(&self, key: &InstanceKey) -> Result<Pair, OperationError> {
        let replica = self.fresh(key).await?;
        if !replica.is_replica() {
            return Err(Refusal::NotReplica(replica.key.clone()).into());
        }
        match self.fresh(&replica.primary_key).await {
            Ok(source) => Ok(Pair { replica, source }),
            Err(error) => refused(format!("Cannot GetInstanceMaster() for {}. error={error}", replica.key)),
        }
    }

    /// Moves a replica one level up.
    ///
    /// # Errors
    /// Why not, or what failed; replication then runs as before.
    pub async fn move_up(&self, key: &InstanceKey) -> Result<Arc<Instance>, OperationError> {
        let pair = self.pair(key).await?;
        let (replica, source) = (pair.replica.key.clone(), pair.source.key.clone());
        let policy = self.relocation_policy();
        classic::check_move_up(&self.fleet(), &pair, &policy, self.now())?;
        let moved = if pair.replica.uses_gtid() {
            self.relocate_directly(&pair.replica, &pair.source.primary_key).await?
        } else {
            self.admit_change(&pair.replica.cluster_name)?;
            let locks = [
                (replica.clone(), "move up".to_owned()),
                (source.clone(), format!("child {replica} moves up")),
            ];
            self.with_locks(&locks, self.move_up_aligned(pair)).await?
        };
        let message = format!("moved up {replica}. Previous master: {source}");
        self.audit("move-up", Some(&replica), message).await;
        Ok(moved)
    }

    async fn move_up_aligned(&self, pair: Pair) -> Result<Arc<Instance>, OperationError> {
        let touched = BTreeSet::from([pair.replica.key.clone(), pair.source.key.clone()]);
        let outcome: Result<(), OperationError> = async {
            let (mut check, pair) = self.caught_up(&pair).await?;
            self.run_judged(&classic::move_up_plan(&pair), &mut check).await?;
            self.record_equivalent(&pair.replica, &pair.source.primary_key, &pair.source.replication.exec)
                .await;
            Ok(())
        }
        .await;
        let Pair { replica, source } = &pair;
        match outcome {
            Ok(()) => self.restart_stopped(&BTreeSet::from([source.key.clone()])).await,
            Err(_) => self.restart_stopped(&touched).await,
        }
        outcome?;
        self.settled(&source.key).await?;
        self.settled(&replica.key).await
    }

    /// Stops the source, brings the replica to where it stands, and reads both.
    async fn caught_up(&self, pair: &Pair) -> Result<(CheckContext, Pair), OperationError> {
        let mut check = CheckContext::new([pair.replica.clone(), pair.source.clone()]);
        self.run_judged(&classic::stop_plan("stop", &[&pair.source]), &mut check).await?;
        let stopped = Pair { replica: pair.replica.clone(), source: self.fresh(&pair.source.key).await? };
        self.run_judged(&classic::catch_up_plan(&stopped, self.catch_up_limit()), &mut check).await?;
        let replica = self.fresh(&pair.replica.key).await?;
        Ok((check, Pair { replica, source: stopped.source }))
    }

    /// Moves the replicas of a server one level up; `only` names those that are meant, all when `None`.
    ///
    /// # Errors
    /// The server is no replica, or none of them could be moved.
    pub async fn move_up_replicas(
        &self,
        key: &InstanceKey,
        only: Option<&BTreeSet<InstanceKey>>,
    ) -> Result<Moved, OperationError> {
        let instance = self.fresh(key).await?;
        if !instance.is_replica() {
            return Err(Refusal::NotReplica(instance.key.clone()).into());
        }
        let above = self.fresh(&instance.primary_key).await?.key.clone();
        let result =
            self.move_many(&instance.key, &above, only, true).await.map_err(|error| match error {
                OperationError::Refused(reasons) => {
                    OperationError::Refused(vec![format!("Error on all operations: {}", reasons.join("; "))])
                }
                other => other,
            })?;
        let count = result.moved.len();
        let message = format!(
            "moved up {count}/{} replicas of {}. New master: {above}",
            count + result.errors.len(),
            instance.key
        );
        self.audit("move-up-replicas", Some(&instance.key), message).await;
        Ok(result)
    }

    /// Moves a replica below a sibling.
    ///
    /// # Errors
    /// Why not, or what failed; replication then runs as before.
    pub async fn move_below(
        &self,
        key: &InstanceKey,
        sibling: &InstanceKey,
    ) -> Result<Arc<Instance>, OperationError> {
        let (replica, sibling) = (self.fresh(key).await?, self.fresh(sibling).await?);
        let policy = self.relocation_policy();
        classic::check_move_below(&replica, &sibling, &policy, self.now())?;
        let below = sibling.key.clone();
        let moved = if replica.uses_gtid() {
            self.relocate_directly(&replica, &below).await?
        } else {
            self.admit_change(&replica.cluster_name)?;
            let locks = [
                (replica.key.clone(), format!("move below {below}")),
                (below.clone(), format!("{} moves below this", replica.key)),
            ];
            self.with_locks(&locks, self.move_below_aligned(&replica, &sibling)).await?
        };
        self.audit("move-below", Some(&moved.key), format!("moved {} below {below}", moved.key)).await;
        Ok(moved)
    }

    async fn move_below_aligned(
        &self,
        replica: &Arc<Instance>,
        sibling: &Arc<Instance>,
    ) -> Result<Arc<Instance>, OperationError> {
        let outcome: Result<(), OperationError> = async {
            let mut check = CheckContext::new([replica.clone(), sibling.clone()]);
            self.run_judged(&classic::stop_plan("stop", &[replica, sibling]), &mut check).await?;
            let (one, other) = (self.fresh(&replica.key).await?, self.fresh(&sibling.key).await?);
            self.run_judged(&classic::align_plan(&one, &other, self.catch_up_limit()), &mut check).await?;
            let (one, other) = (self.fresh(&replica.key).await?, self.fresh(&sibling.key).await?);
            if !one.replication.exec.same_place(&other.replication.exec) {
                return refused(format!(
                    "{} stands at {} and {} at {}: they were to stand at the same place",
                    one.key, one.replication.exec, other.key, other.replication.exec
                ));
            }
            self.run_judged(&classic::move_below_plan(&one, &other), &mut check).await?;
            self.record_equivalent(&one, &other.key, &other.self_coordinates).await;
            Ok(())
        }
        .await;
        if outcome.is_err() {
            let touched = BTreeSet::from([replica.key.clone(), sibling.key.clone()]);
            self.restart_stopped(&touched).await;
        }
        outcome?;
        self.settled(&sibling.key).await?;
        self.settled(&replica.key).await
    }

    /// Moves a replica below a server of which an equal position is known from an earlier move.
    ///
    /// # Errors
    /// No such position is known, or what failed.
    pub async fn move_equivalent(
        &self,
        key: &InstanceKey,
        other: &InstanceKey,
    ) -> Result<Arc<Instance>, OperationError> {
        let replica = self.fresh(key).await?;
        let other = self.known(other).await?.key.clone();
        if replica.key == other {
            return refused(format!("MoveEquivalent: attempt to move an instance below itself {other}"));
        }
        let Some(position) = self.equivalent_position(&replica, &other).await? else {
            return refused(format!(
                "No equivalent coordinates found for {} replicating from {} at {}",
                replica.key, replica.primary_key, replica.replication.exec
            ));
        };
        self.admit_change(&replica.cluster_name)?;
        let locks = [(replica.key.clone(), format!("move equivalent below {other}"))];
        let moved = self.with_locks(&locks, self.move_to(&replica, &other, position)).await?;
        let message = format!("moved {} via equivalence coordinates below {other}", moved.key);
        self.audit("move-equivalent", Some(&moved.key), message).await;
        Ok(moved)
    }

    async fn move_to(
        &self,
        replica: &Arc<Instance>,
        other: &InstanceKey,
        position: BinlogCoordinates,
    ) -> Result<Arc<Instance>, OperationError> {
        let outcome: Result<(), OperationError> = async {
            let mut check = CheckContext::new([replica.clone()]);
            self.run_judged(&classic::stop_plan("stop", &[replica]), &mut check).await?;
            let stopped = self.fresh(&replica.key).await?;
            if !stopped.replication.exec.same_place(&replica.replication.exec) {
                return refused(format!(
                    "MoveEquivalent(): ExecBinlogCoordinates changed after stopping replication on {}; aborting",
                    replica.key
                ));
            }
            let plan = classic::move_to_plan(&stopped, other, position);
            self.run_judged(&plan, &mut check).await.map(drop)
        }
        .await;
        if outcome.is_err() {
            self.restart_stopped(&BTreeSet::from([replica.key.clone()])).await;
        }
        outcome?;
        self.settled(&replica.key).await
    }

    /// A position of `other` that equals where the replica stands.
    pub(super) async fn equivalent_position(
        &self,
        replica: &Instance,
        other: &InstanceKey,
    ) -> Result<Option<BinlogCoordinates>, OperationError> {
        let at = &replica.replication.exec;
        if replica.uses_gtid() || at.is_empty() {
            return Ok(None);
        }
        let known = self.store().equivalents(&replica.primary_key, at).await?;
        Ok(known.into_iter().find(|(key, _)| key == other).map(|(_, position)| position))
    }

    /// Remembers that where a replica stands below its former source equals a place below its new one.
    async fn record_equivalent(&self, before: &Instance, source: &InstanceKey, place: &BinlogCoordinates) {
        if before.uses_gtid() || before.replication.exec.is_empty() || place.is_empty() {
            return;
        }
        self.submit_quietly(Command::RecordEquivalence {
            one: before.primary_key.clone(),
            one_at: before.replication.exec.clone(),
            other: source.clone(),
            other_at: place.clone(),
            at: self.now(),
        })
        .await;
    }

    /// A replica changes places with its source.
    ///
    /// # Errors
    /// Why not, or what failed; replication then runs as before.
    pub async fn take_source(&self, key: &InstanceKey) -> Result<Arc<Instance>, OperationError> {
        let pair = self.pair(key).await?;
        classic::check_take_source(&pair, &self.relocation_policy())?;
        self.admit_change(&pair.replica.cluster_name)?;
        let (replica, source) = (pair.replica.key.clone(), pair.source.key.clone());
        let locks = [
            (replica.clone(), format!("take master {source}")),
            (source.clone(), format!("{replica} takes this master's place")),
        ];
        let touched = BTreeSet::from([replica.clone(), source.clone()]);
        let taken = self
            .with_locks(&locks, async {
                let outcome: Result<(), OperationError> = async {
                    let (mut check, pair) = self.caught_up(&pair).await?;
                    self.run_judged(&classic::take_source_plan(&pair), &mut check).await.map(drop)
                }
                .await;
                if outcome.is_err() {
                    self.restart_stopped(&touched).await;
                }
                outcome?;
                self.settled(&source).await?;
                self.settled(&replica).await
            })
            .await?;
        self.audit("take-master", Some(&replica), format!("took master: {source}")).await;
        let commands = self.settings().hooks.after_take_primary.clone();
        let environment = takeover_pair(&replica, &source);
        // Its failure is logged; the servers have changed places all the same.
        let _ = self.run_hooks("PostTakeMasterProcesses", &commands, &environment, "", false).await;
        Ok(taken)
    }

    /// Makes the source of a replica replicate from it.
    ///
    /// # Errors
    /// Why not, or what failed; the source then replicates as before.
    pub async fn make_co_primary(&self, key: &InstanceKey) -> Result<Arc<Instance>, OperationError> {
        let pair = self.pair(key).await?;
        classic::check_make_co_primary(&self.fleet(), &pair, &self.relocation_policy(), self.now())?;
        self.admit_change(&pair.replica.cluster_name)?;
        let (replica, source) = (pair.replica.key.clone(), pair.source.key.clone());
        let locks = [
            (replica.clone(), format!("make co-master of {source}")),
            (source.clone(), format!("{replica} turns into co-master of this")),
        ];
        let made = self
            .with_locks(&locks, async {
                let mut check = CheckContext::new([pair.replica.clone(), pair.source.clone()]);
                self.lend_credentials(&pair).await?;
                if pair.source.is_replica() {
                    self.run_judged(&classic::stop_plan("stop", &[&pair.source]), &mut check).await?;
                }
                let plan: Plan = classic::make_co_primary_plan(&pair);
                self.run_judged(&plan, &mut check).await?;
                self.settled(&source).await?;
                self.settled(&replica).await
            })
            .await?;
        self.audit("make-co-master", Some(&replica), format!("{replica} made co-master of {source}")).await;
        Ok(made)
    }

    /// A source that never replicated needs an account for it: that of its replica.
    async fn lend_credentials(&self, pair: &Pair) -> Result<(), OperationError> {
        if pair.source.replication.has_credentials {
            return Ok(());
        }
        let deadline = Deadline::after(self.compiled().action_timeout);
        let servers = &self.inner.ports.servers;
        match servers.replication_credentials(&pair.replica.key, deadline).await? {
            Some((user, password)) => {
                Ok(servers.set_replication_credentials(&pair.source.key, &user, &password, deadline).await?)
            }
            None => refused(format!(
                "{} has no account to replicate with, and none is known; set ReplicationCredentialsQuery",
                pair.source.key
            )),
        }
    }

    /// Reads several servers; those that cannot be read are left out.
    pub(super) async fn fresh_all(&self, keys: &[InstanceKey]) -> Vec<Arc<Instance>> {
        join_all(keys.iter().map(|key| self.fresh(key))).await.into_iter().filter_map(Result::ok).collect()
    }

    /// Whether a replica could be moved by GTID, and every reason why not.
    ///
    /// # Errors
    /// The reasons.
    pub fn check_gtid_source(&self, replica: &Instance, source: &Instance) -> Result<(), Vec<String>> {
        relocation::check_rules(replica, source, &self.relocation_policy()).map_err(
            |refusal| match refusal {
                Refusal::CannotReplicate { reasons, .. } => reasons.iter().map(ToString::to_string).collect(),
                other => vec![other.to_string()],
            },
        )?;
        let obstacles = decide::replication_rules::gtid_obstacles(replica, source);
        if obstacles.is_empty() { Ok(()) } else { Err(obstacles.iter().map(ToString::to_string).collect()) }
    }
}
