//! Errant transactions (MySQL GTID): where they are, and two ways out of them.

use std::sync::Arc;

use decide::clusters::cluster_primary;
use model::{Action, GtidSet, Instance, InstanceKey, Threads};
use ports::Deadline;

use crate::Engine;
use crate::operations::OperationError;
use crate::relocations::refused;

/// More empty transactions than this are not injected at once.
const MOST_INJECTIONS: u64 = 10_000;

impl Engine {
    /// The binary logs that hold transactions which the source of the server lacks.
    ///
    /// # Errors
    /// There are none, they are purged already, or the server does not tell.
    pub async fn locate_errant(&self, key: &InstanceKey) -> Result<Vec<String>, OperationError> {
        let instance = self.fresh(key).await?;
        let key = &instance.key;
        let errant = parsed(&instance.gtid_errant);
        if errant.is_empty() {
            return refused(format!("locate-errant-gtid: no errant-gtid on {key}"));
        }
        let purged = errant.intersect(&parsed(&instance.gtid_purged));
        if !purged.is_empty() {
            return refused(format!("locate-errant-gtid: {purged} is already purged on {key}"));
        }
        let deadline = Deadline::after(self.catch_up_limit());
        let logs = self.inner.ports.servers.binary_logs(key, deadline).await?;
        let sets: Vec<GtidSet> =
            logs.iter().map(|log| parsed(log.previous_gtids.as_deref().unwrap_or_default())).collect();
        let mut found = Vec::new();
        for (at, log) in logs.iter().enumerate() {
            let executed = parsed(&instance.executed_gtid);
            let after = sets.get(at + 1).unwrap_or(&executed);
            if !after.subtract(&sets[at]).intersect(&errant).is_empty() {
                found.push(log.file.clone());
            }
        }
        Ok(found)
    }

    /// Makes a server without replicas forget its errant transactions: its binary logs are deleted, and everything else
    /// it executed is declared as purged.
    ///
    /// # Errors
    /// It has none, has replicas, or a step failed; the text then names the set to declare by hand.
    pub async fn reset_errant(&self, key: &InstanceKey) -> Result<Arc<Instance>, OperationError> {
        let instance = self.fresh(key).await?;
        let key = instance.key.clone();
        if instance.gtid_errant.is_empty() {
            return refused(format!(
                "gtid-errant-reset-master will not operate on {key} because no errant GTID is found"
            ));
        }
        if !instance.supports_oracle_gtid {
            return refused(format!(
                "gtid-errant-reset-master requested for {key} but it is not using oracle-gtid"
            ));
        }
        let replicas = self.fleet().replicas_of(&key).count().max(instance.replicas.len());
        if replicas > 0 {
            return refused(format!(
                "gtid-errant-reset-master will not operate on {key} because it has {replicas} replicas. Expecting no replicas"
            ));
        }
        self.admit_change(&instance.cluster_name)?;
        let reset = self
            .with_locks(&[(key.clone(), "reset-master-gtid".to_owned())], self.forget_errant(&key))
            .await?;
        self.audit("gtid-errant-reset-master", Some(&key), format!("{key} master reset")).await;
        Ok(reset)
    }

    async fn forget_errant(&self, key: &InstanceKey) -> Result<Arc<Instance>, OperationError> {
        self.act_once(key, &Action::StopReplication(Threads::Both)).await?;
        // Only now nothing adds to the set any more.
        let stopped = self.fresh(key).await?;
        let wanted = parsed(&stopped.executed_gtid).subtract(&parsed(&stopped.gtid_errant)).to_string();
        self.audit("gtid-errant-reset-master", Some(key), format!("will set gtid_purged to: {wanted}")).await;
        if let Err(error) = self.act_once(key, &Action::ResetBinaryLogs).await {
            return refused(format!(
                "gtid-errant-reset-master: error while resetting master on {key}, after which intended to set gtid_purged to: {wanted}. Error was: {error}"
            ));
        }
        if let Err(error) = self.act_once(key, &Action::SetPurgedGtid(wanted.clone())).await {
            // Replication stays stopped: started now, the server would fetch everything again.
            return refused(format!(
                "gtid-errant-reset-master: error setting gtid_purged on {key} to: {wanted}. Error was: {error}"
            ));
        }
        if stopped.is_replica() {
            self.act_once(key, &Action::StartReplication(Threads::Both)).await?;
        }
        self.settled(key).await
    }

    /// Injects the errant transactions of a server as empty ones on the primary of its cluster, so that everybody has
    /// them. Returns the server, how many were injected, and where.
    ///
    /// # Errors
    /// It has none, the cluster has no writable primary, or the primary refuses.
    pub async fn inject_errant(
        &self,
        key: &InstanceKey,
    ) -> Result<(Arc<Instance>, usize, InstanceKey), OperationError> {
        let instance = self.fresh(key).await?;
        let key = &instance.key;
        if instance.gtid_errant.is_empty() {
            return refused(format!(
                "gtid-errant-inject-empty will not operate on {key} because no errant GTID is found"
            ));
        }
        if !instance.supports_oracle_gtid {
            return refused(format!(
                "gtid-errant-inject-empty requested for {key} but it does not support oracle-gtid"
            ));
        }
        let cluster = &instance.cluster_name;
        let found = cluster_primary(&self.fleet(), cluster).filter(|primary| !primary.read_only);
        let Some(primary) = found else {
            return refused(format!(
                "gtid-errant-inject-empty found no writabel master for {cluster} cluster"
            ));
        };
        let primary = self.fresh(&primary.key).await?;
        if !primary.supports_oracle_gtid || primary.read_only {
            return refused(format!(
                "gtid-errant-inject-empty requested for {key} but the cluster's master {} does not support oracle-gtid",
                primary.key
            ));
        }
        self.admit_change(cluster)?;
        let gtids = parsed(&instance.gtid_errant)
            .list_at_most(MOST_INJECTIONS)
            .map_err(|error| OperationError::Refused(vec![error.to_string()]))?;
        let texts: Vec<String> = gtids.iter().map(ToString::to_string).collect();
        let count = texts.len();
        let reason = format!("empty transactions for {key}");
        self.with_locks(&[(primary.key.clone(), reason)], async {
            let deadline = Deadline::after(self.catch_up_limit());
            let action = Action::InjectEmpty(texts);
            Ok(self.act_on(&primary.key, &action, deadline).await.map(drop)?)
        })
        .await?;
        let message = format!("injected {count} empty transactions on {}", primary.key);
        self.audit("gtid-errant-inject-empty", Some(key), message).await;
        self.fresh(&primary.key).await?;
        Ok((self.settled(key).await?, count, primary.key.clone()))
    }
}

/// What a server printed; what cannot be read in it counts as not there.
fn parsed(text: &str) -> GtidSet {
    GtidSet::parse_lenient(text).0
}
