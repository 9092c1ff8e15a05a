//! Relocation by whatever way is safe: repointing, GTID, equal positions known from before, alignment of coordinates.

use std::collections::BTreeSet;
use std::sync::Arc;

use decide::plan_checker::CheckContext;
use decide::relocation::{self, Refusal, Relocation};
use futures_util::future::join_all;
use model::{Action, GtidUse, Instance, InstanceKey, Plan, SourcePosition, Threads};
use ports::Deadline;
use tracing::debug;

use super::refused;
use crate::Engine;
use crate::executor::PlanEnd;
use crate::operations::OperationError;

/// What became of several replicas.
#[derive(Clone, Debug, Default)]
pub struct Moved {
    /// Those that were moved, as read afterwards.
    pub moved: Vec<Arc<Instance>>,
    /// Why others were not.
    pub errors: Vec<String>,
}

/// Which way a single replica goes when GTID is no way for it.
enum Detour {
    Below,
    Up,
}

impl Engine {
    /// Moves a replica below another server, by the first way that is safe.
    ///
    /// # Errors
    /// Why it cannot be moved, or what failed; it then replicates from its former source.
    pub async fn relocate(
        &self,
        key: &InstanceKey,
        below: &InstanceKey,
    ) -> Result<Arc<Instance>, OperationError> {
        self.require_known(key).await?;
        self.require_known(below).await?;
        let moved = self.relocate_one(key, below).await?;
        self.audit("relocate-below", Some(&moved.key), format!("relocated {} below {below}", moved.key))
            .await;
        Ok(moved)
    }

    async fn require_known(&self, key: &InstanceKey) -> Result<(), OperationError> {
        match self.known(key).await {
            Ok(_) => Ok(()),
            Err(_) => refused(format!("Error reading {key}")),
        }
    }

    pub(super) async fn relocate_one(
        &self,
        key: &InstanceKey,
        below: &InstanceKey,
    ) -> Result<Arc<Instance>, OperationError> {
        let (replica, source) = (self.fresh(key).await?, self.fresh(below).await?);
        match self.decide_relocation(&replica, &source) {
            Ok(relocation) => self.run_single(&replica, relocation, &format!("move below {below}")).await,
            Err(Refusal::TooComplex { .. }) => self.relocate_classic(&replica, &source).await,
            Err(refusal) => Err(refusal.into()),
        }
    }

    fn decide_relocation(&self, replica: &Instance, source: &Instance) -> Result<Relocation, Refusal> {
        let policy = self.relocation_policy();
        relocation::relocate(&self.fleet(), &replica.key, &source.key, &policy, self.now())
    }

    /// Moves a replica that was just read and finds its place by itself.
    pub(super) async fn relocate_directly(
        &self,
        replica: &Arc<Instance>,
        below: &InstanceKey,
    ) -> Result<Arc<Instance>, OperationError> {
        let source = self.fresh(below).await?;
        let relocation = self.decide_relocation(replica, &source)?;
        self.run_single(replica, relocation, &format!("move below {below}")).await
    }

    /// The ways of a replica without GTID.
    async fn relocate_classic(
        &self,
        replica: &Arc<Instance>,
        source: &Arc<Instance>,
    ) -> Result<Arc<Instance>, OperationError> {
        // A place that equals where the replica stood is of no use once it has moved on. On MySQL that shows only when it
        // stops: a parallel applier reports where it stands at its checkpoints.
        if self.equivalent_position(replica, &source.key).await?.is_some() {
            match self.move_equivalent(&replica.key, &source.key).await {
                Ok(moved) => return Ok(moved),
                // Stopped and started again by now: the other ways ask for a replica that replicates.
                Err(error) => {
                    debug!(instance = %replica.key, below = %source.key, error = %error, "no equal position");
                }
            }
        }
        match self.detour(replica, source).await {
            Some(Detour::Below) => self.move_below(&replica.key, &source.key).await,
            Some(Detour::Up) => self.move_up(&replica.key).await,
            None => {
                Err(Refusal::TooComplex { replica: replica.key.clone(), source: source.key.clone() }.into())
            }
        }
    }

    async fn detour(&self, replica: &Instance, source: &Instance) -> Option<Detour> {
        let is_writable_co_primary = source.is_co_primary && !source.read_only;
        if source.is_replica() && source.primary_key == replica.primary_key && !is_writable_co_primary {
            return Some(Detour::Below);
        }
        let above = self.fresh_or_known(&replica.primary_key).await;
        let is_up = above.is_some_and(|above| above.is_replica() && above.primary_key == source.key);
        is_up.then_some(Detour::Up)
    }

    /// Moves a replica below another server by GTID and in no other way.
    ///
    /// # Errors
    /// As [`Self::relocate`].
    pub async fn move_gtid(
        &self,
        key: &InstanceKey,
        below: &InstanceKey,
    ) -> Result<Arc<Instance>, OperationError> {
        let (replica, source) = (self.fresh(key).await?, self.fresh(below).await?);
        let policy = self.relocation_policy();
        let decided =
            relocation::move_below_gtid(&self.fleet(), &replica.key, &source.key, &policy, self.now());
        let moved = self.run_single(&replica, decided?, &format!("move below {below}")).await?;
        self.audit("move-below-gtid", Some(&moved.key), format!("moved {} below {}", moved.key, source.key))
            .await;
        Ok(moved)
    }

    /// Sets the source of a replica once more, or to a server that holds the same under another name; `None` means its
    /// present one.
    ///
    /// # Errors
    /// Why not, or what failed.
    pub async fn repoint(
        &self,
        key: &InstanceKey,
        source: Option<&InstanceKey>,
    ) -> Result<Arc<Instance>, OperationError> {
        let replica = self.fresh(key).await?;
        if !replica.is_replica() {
            return Err(Refusal::NotReplica(replica.key.clone()).into());
        }
        let wanted = match source {
            Some(source) => self.resolve_key(source).await,
            None => replica.primary_key.clone(),
        };
        // An unreachable source is taken as it was last read.
        let Some(source) = self.fresh_or_known(&wanted).await else {
            return refused(format!("Error reading {wanted}"));
        };
        let policy = self.relocation_policy();
        let decided = relocation::repoint(&self.fleet(), &replica.key, Some(&source.key), &policy);
        let moved = self.run_single(&replica, decided?, "repoint").await?;
        let message = format!("replica {} repointed to master: {}", moved.key, source.key);
        self.audit("repoint", Some(&moved.key), message).await;
        Ok(moved)
    }

    /// Switches GTID of a replica on or off; it keeps its source.
    ///
    /// # Errors
    /// It is as wanted already, or the server refuses.
    pub async fn switch_gtid(&self, key: &InstanceKey, on: bool) -> Result<Arc<Instance>, OperationError> {
        let replica = self.fresh(key).await?;
        let key = replica.key.clone();
        if !replica.is_replica() {
            return Err(Refusal::NotReplica(key).into());
        }
        let position = match (on, replica.gtid_use()) {
            (true, GtidUse::Oracle | GtidUse::MariaDb) => return refused(format!("{key} already uses GTID")),
            (false, GtidUse::None) => return refused(format!("{key} is not using GTID")),
            (false, GtidUse::Oracle | GtidUse::MariaDb) => None,
            (true, GtidUse::None) if replica.is_mariadb() => Some(SourcePosition::MariaDbSlavePos),
            (true, GtidUse::None) if replica.supports_oracle_gtid => Some(SourcePosition::OracleAutoPosition),
            (true, GtidUse::None) => return refused(format!("Cannot enable GTID on {key}")),
        };
        self.admit_change(&replica.cluster_name)?;
        let switched = self
            .with_locks(&[(key.clone(), "repoint".to_owned())], async {
                let mut check = CheckContext::new([replica.clone()]);
                let stop = decide::relocation::classic::stop_plan("stop", &[&replica]);
                self.run_judged(&stop, &mut check).await?;
                // Where it stands is known only now that it stands still.
                let stopped = self.fresh(&key).await?;
                let position =
                    position.unwrap_or_else(|| SourcePosition::File(stopped.replication.exec.clone()));
                let plan = change_in_place(&stopped, position);
                let outcome = self.run_judged(&plan, &mut check).await;
                if outcome.is_err() {
                    self.restart_stopped(&BTreeSet::from([key.clone()])).await;
                }
                outcome?;
                self.settled(&key).await
            })
            .await?;
        if switched.uses_gtid() != on {
            return refused(format!("Cannot {} GTID on {key}", if on { "enable" } else { "disable" }));
        }
        let (kind, done) = if on { ("enable-gtid", "enabled") } else { ("disable-gtid", "disabled") };
        self.audit(kind, Some(&key), format!("{done} GTID on {key}")).await;
        Ok(switched)
    }

    /// Runs the relocation of one replica under its lock and reads it afterwards.
    async fn run_single(
        &self,
        replica: &Arc<Instance>,
        relocation: Relocation,
        reason: &str,
    ) -> Result<Arc<Instance>, OperationError> {
        self.admit_change(&replica.cluster_name)?;
        self.with_locks(&[(replica.key.clone(), reason.to_owned())], async {
            let mut check = self.check_all(&relocation);
            let outcome = self.run_judged(&relocation.plan, &mut check).await;
            if outcome.is_err() && replica.is_replicating() {
                self.restart_stopped(&BTreeSet::from([replica.key.clone()])).await;
            }
            outcome?;
            self.settled(&replica.key).await
        })
        .await
    }

    fn check_all(&self, relocation: &Relocation) -> CheckContext {
        let fleet = self.fleet();
        CheckContext::new(relocation.moves.keys().filter_map(|key| fleet.get(key).cloned()))
    }

    /// Moves the replicas of a server below another one; `only` names those that are meant, all when `None`.
    ///
    /// # Errors
    /// Nothing could be moved.
    pub async fn relocate_replicas(
        &self,
        key: &InstanceKey,
        below: &InstanceKey,
        only: Option<&BTreeSet<InstanceKey>>,
    ) -> Result<Moved, OperationError> {
        self.require_known(key).await?;
        self.require_known(below).await?;
        let moved = self.move_many(key, below, only, true).await?;
        let message = format!("relocated {} replicas of {key} below {below}", moved.moved.len());
        self.audit("relocate-replicas", Some(key), message).await;
        Ok(moved)
    }

    /// As [`Self::relocate_replicas`], by GTID only.
    ///
    /// # Errors
    /// Nothing could be moved.
    pub async fn move_replicas_gtid(
        &self,
        key: &InstanceKey,
        below: &InstanceKey,
        only: Option<&BTreeSet<InstanceKey>>,
    ) -> Result<Moved, OperationError> {
        let moved = self.move_many(key, below, only, false).await?;
        let total = moved.moved.len() + moved.errors.len();
        if moved.moved.is_empty() && total > 0 {
            return refused(format!(
                "moveReplicasViaGTID: Error on all {total} operations; {}",
                moved.errors.join("; ")
            ));
        }
        let message = format!("moved {}/{total} replicas below {below} via GTID", moved.moved.len());
        self.audit("move-replicas-gtid", Some(below), message).await;
        Ok(moved)
    }

    /// Puts all siblings of a replica below it.
    ///
    /// # Errors
    /// It is no replica, or nothing could be moved.
    pub async fn take_siblings(&self, key: &InstanceKey) -> Result<(Arc<Instance>, Moved), OperationError> {
        let replica = self.fresh(key).await?;
        if !replica.is_replica() {
            return refused(format!("take-siblings: instance {} is not a replica.", replica.key));
        }
        let moved = self.relocate_replicas(&replica.primary_key, &replica.key, None).await?;
        let after = self.settled(&replica.key).await?;
        Ok((after, moved))
    }

    /// Sets the source of the replicas of a server once more, or to another one that holds the same; `None` means
    /// their present one.
    ///
    /// # Errors
    /// None of them could be repointed.
    pub async fn repoint_replicas(
        &self,
        key: &InstanceKey,
        below: Option<&InstanceKey>,
        only: Option<&BTreeSet<InstanceKey>>,
    ) -> Result<Moved, OperationError> {
        let replicas: Vec<InstanceKey> = {
            let fleet = self.fleet();
            let all = fleet.replicas_of(key).map(|replica| replica.key.clone());
            all.filter(|replica| Some(replica) != below && only.is_none_or(|only| only.contains(replica)))
                .collect()
        };
        let mut result = Moved::default();
        for outcome in join_all(replicas.iter().map(|replica| self.repoint(replica, below))).await {
            match outcome {
                Ok(moved) => result.moved.push(moved),
                Err(error) => result.errors.push(error.to_string()),
            }
        }
        if result.moved.is_empty() && !replicas.is_empty() {
            return refused(format!("Error on all operations: {}", result.errors.join("; ")));
        }
        let target = below.unwrap_or(key);
        let message = format!("repointed {}/{} replicas to {target}", result.moved.len(), replicas.len());
        self.audit("repoint-to", Some(target), message).await;
        Ok(result)
    }

    pub(super) async fn move_many(
        &self,
        key: &InstanceKey,
        below: &InstanceKey,
        only: Option<&BTreeSet<InstanceKey>>,
        with_classic: bool,
    ) -> Result<Moved, OperationError> {
        let source = self.fresh(below).await?;
        let replicas = self.read_replicas(key, below, only).await;
        let policy = self.relocation_policy();
        let decided =
            relocation::relocate_replicas(&self.fleet(), key, &source.key, only, &policy, self.now());
        let (relocation, unmoved, all_refused) = match decided {
            Ok(relocation) => {
                let unmoved = relocation.refused.keys().cloned().collect();
                (Some(relocation), unmoved, None)
            }
            Err(refusal @ Refusal::AllTooComplex { .. }) => (None, replicas, Some(refusal)),
            Err(refusal) => return Err(refusal.into()),
        };
        let mut result = Moved::default();
        if let Some(relocation) = relocation {
            self.admit_change(&source.cluster_name)?;
            let refusals = relocation.refused.clone();
            self.run_many(&relocation, below, &mut result).await?;
            if !with_classic {
                result.errors.extend(refusals.values().map(ToString::to_string));
            }
        }
        if with_classic {
            self.move_rest(&unmoved, below, &mut result).await;
        }
        match all_refused {
            // What was tried after all tells more than why it could not be done in one go.
            Some(Refusal::AllTooComplex { count, instance, source, .. })
                if with_classic && result.moved.is_empty() =>
            {
                let errors = result.errors;
                Err(Refusal::AllTooComplex { count, instance, source, errors }.into())
            }
            Some(refusal) if result.moved.is_empty() => Err(refusal.into()),
            Some(_) | None => Ok(result),
        }
    }

    /// Replicas that could not go together are moved one by one, each by its own way.
    async fn move_rest(&self, replicas: &[InstanceKey], below: &InstanceKey, result: &mut Moved) {
        for replica in replicas {
            match self.relocate_one(replica, below).await {
                Ok(moved) => result.moved.push(moved),
                Err(error) => result.errors.push(error.to_string()),
            }
        }
    }

    /// Reads the replicas of a server, so that what is decided is decided on what is true now.
    async fn read_replicas(
        &self,
        key: &InstanceKey,
        below: &InstanceKey,
        only: Option<&BTreeSet<InstanceKey>>,
    ) -> Vec<InstanceKey> {
        let keys: Vec<InstanceKey> = {
            let fleet = self.fleet();
            let all = fleet.replicas_of(key).map(|replica| replica.key.clone());
            all.filter(|replica| replica != below && only.is_none_or(|only| only.contains(replica))).collect()
        };
        // One that cannot be read is refused by the decision.
        join_all(keys.iter().map(|key| self.fresh(key))).await;
        keys
    }

    async fn run_many(
        &self,
        relocation: &Relocation,
        below: &InstanceKey,
        result: &mut Moved,
    ) -> Result<(), OperationError> {
        let reason = format!("move below {below}");
        let locks: Vec<(InstanceKey, String)> =
            relocation.moves.keys().map(|key| (key.clone(), reason.clone())).collect();
        self.with_locks(&locks, async {
            let mut check = self.check_all(relocation);
            let end = self.run_judged(&relocation.plan, &mut check).await?;
            self.undo_lost(&relocation.plan, &end).await;
            for step in &end.steps {
                if let Some(error) = step.error.as_ref().filter(|error| !error.is_consequence()) {
                    result.errors.push(error.to_string());
                }
            }
            let done: Vec<&InstanceKey> =
                relocation.moves.keys().filter(|key| !end.lost.contains(*key)).collect();
            for outcome in join_all(done.iter().map(|key| self.settled(key))).await {
                match outcome {
                    Ok(moved) => result.moved.push(moved),
                    Err(error) => result.errors.push(error.to_string()),
                }
            }
            Ok(())
        })
        .await
    }

    /// In a move of many each stands for itself: one that failed half-way goes back below its former source.
    async fn undo_lost(&self, plan: &Plan, end: &PlanEnd) {
        for lost in &end.lost {
            let undone = self.undo_plan_of(plan, end, lost).await;
            if undone.is_empty() {
                continue;
            }
            let start = Action::StartReplication(Threads::Both);
            let deadline = Deadline::after(self.compiled().action_timeout);
            // Started at the latest by whoever looks at the errors that are answered.
            let _ = self.act_on(lost, &start, deadline).await;
        }
    }
}

/// Changes how a stopped replica finds its place, and starts it.
fn change_in_place(replica: &Instance, position: SourcePosition) -> Plan {
    let time = std::time::Duration::from_secs(5);
    let mut plan = Plan::new("repoint");
    let action = Action::ChangeSource { source: replica.primary_key.clone(), position };
    let change = plan.push(&replica.key, action, &[], time, "how it finds its place changes");
    plan.push(
        &replica.key,
        Action::StartReplication(Threads::Both),
        &[change],
        time,
        "it was stopped for that",
    );
    plan
}
