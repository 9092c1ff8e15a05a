//! Moves that old scripts and old set-ups ask for: a replica that takes a dead or intermediate source's place in two
//! steps, and binlog servers.

use std::sync::Arc;

use model::{Instance, InstanceKey};

use super::{Moved, refused};
use crate::Engine;
use crate::operations::OperationError;

impl Engine {
    /// Puts the siblings of a replica of a dead primary below it and opens it for writes. Its own replication stays as
    /// it is.
    ///
    /// # Errors
    /// Its source lives, it has not applied everything, a sibling is ahead, or nothing could be moved.
    pub async fn make_primary(&self, key: &InstanceKey) -> Result<Arc<Instance>, OperationError> {
        let instance = self.fresh(key).await?;
        let (key, source) = (&instance.key, &instance.primary_key);
        if !instance.is_replica() {
            return refused(format!("instance is not a replica: {key}"));
        }
        if let Ok(living) = self.fresh(source).await {
            let state = if living.is_replicating() { "replicating" } else { "accessible" };
            return refused(format!("MakeMaster: instance's master {source} seems to be {state}"));
        }
        if !instance.is_applier_up_to_date() {
            return refused(format!(
                "MakeMaster: instance's SQL thread must be up-to-date with I/O thread for {key}"
            ));
        }
        self.refuse_if_behind_siblings(&instance, "MakeMaster")?;
        self.move_many_below(&instance).await?;
        let writable = self.set_read_only(key, false).await?;
        self.audit("make-master", Some(key), format!("made master of {source}")).await;
        Ok(writable)
    }

    /// Puts a replica in the place of its source, an intermediate one: below the source's source, with its siblings
    /// below it.
    ///
    /// # Errors
    /// Its source is no replica, a sibling is ahead, or a move failed.
    pub async fn make_local_primary(&self, key: &InstanceKey) -> Result<Arc<Instance>, OperationError> {
        let instance = self.fresh(key).await?;
        let source = self.known(&instance.primary_key).await?;
        if !source.is_replica() {
            return refused(format!("master is not a replica itself: {}", source.key));
        }
        self.refuse_if_behind_siblings(&instance, "MakeLocalMaster")?;
        let moved = self.relocate(&instance.key, &source.primary_key).await?;
        let siblings: Vec<InstanceKey> =
            self.fleet().replicas_of(&source.key).map(|sibling| sibling.key.clone()).collect();
        if !siblings.is_empty() {
            self.relocate_replicas(&source.key, &moved.key, None).await?;
        }
        self.audit("make-local-master", Some(&moved.key), format!("made master of {}", moved.key)).await;
        self.settled(&moved.key).await
    }

    fn refuse_if_behind_siblings(&self, instance: &Instance, who: &str) -> Result<(), OperationError> {
        let fleet = self.fleet();
        let ahead = fleet.replicas_of(&instance.primary_key).find(|sibling| {
            sibling.key != instance.key && instance.replication.exec.is_before(&sibling.replication.exec)
        });
        match ahead {
            None => Ok(()),
            Some(sibling) => refused(format!(
                "{who}: instance {} has more advanced sibling: {}",
                instance.key, sibling.key
            )),
        }
    }

    /// The siblings of a replica go below it; one without siblings is content.
    async fn move_many_below(&self, replica: &Instance) -> Result<(), OperationError> {
        let has_siblings =
            self.fleet().replicas_of(&replica.primary_key).any(|other| other.key != replica.key);
        if has_siblings {
            self.relocate_replicas(&replica.primary_key, &replica.key, None).await?;
        }
        Ok(())
    }

    /// Puts the binlog servers below a server, dead or alive, below the one of them that received most. They keep names
    /// and positions of their source's log, so that nothing needs to be looked for.
    ///
    /// # Errors
    /// There is none that could be read, or none of the others could be moved.
    pub async fn regroup_binlog_servers(
        &self,
        key: &InstanceKey,
    ) -> Result<(Arc<Instance>, Moved), OperationError> {
        let source = self.known(key).await?.key.clone();
        let keys: Vec<InstanceKey> = {
            let fleet = self.fleet();
            let servers = fleet.replicas_of(&source).filter(|replica| replica.is_binlog_server());
            servers.map(|replica| replica.key.clone()).collect()
        };
        let read = self.fresh_all(&keys).await;
        let best = read.iter().max_by(|one, other| {
            let received = one.replication.read.cmp_place(&other.replication.read);
            received.then_with(|| other.key.cmp(&one.key))
        });
        let Some(best) = best.cloned() else {
            return refused(format!("No binlog servers found below {source}"));
        };
        let mut moved = Moved::default();
        for other in keys.iter().filter(|other| **other != best.key) {
            match self.repoint(other, Some(&best.key)).await {
                Ok(server) => moved.moved.push(server),
                Err(error) => moved.errors.push(error.to_string()),
            }
        }
        if moved.moved.is_empty() && !moved.errors.is_empty() {
            return refused(format!("Error on all operations: {}", moved.errors.join("; ")));
        }
        let message = format!("regrouped binlog server replicas of {source}; promoted {}", best.key);
        self.audit("regroup-replicas-bls", Some(&source), message).await;
        Ok((best, moved))
    }
}
