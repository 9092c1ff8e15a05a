//! Binary logs of one server, and the statements it runs.

use std::sync::Arc;

use model::{Action, BinlogCoordinates, Instance, InstanceKey};

use crate::Engine;
use crate::operations::OperationError;
use crate::relocations::refused;

/// More binary logs than this are not begun at once.
const MOST_FLUSHES: i64 = 1_000;

impl Engine {
    /// Begins a new binary log, or so many that a given one is begun.
    ///
    /// # Errors
    /// The given one is older than the present one, or the server refuses.
    pub async fn flush_binary_logs(
        &self,
        key: &InstanceKey,
        up_to: Option<&str>,
    ) -> Result<Arc<Instance>, OperationError> {
        let instance = self.fresh(key).await?;
        self.admit_change(&instance.cluster_name)?;
        let current = &instance.self_coordinates;
        let count = match up_to {
            None => 1,
            Some(file) => {
                let wanted = BinlogCoordinates::binary(file, 0);
                let distance = current.file_distance(&wanted);
                let Some(distance) = distance else { return refused(format!("{file:?} is no binary log")) };
                if distance < 0 {
                    return refused(format!(
                        "FlushBinaryLogsTo: target log file {file} is smaller than current log file {}",
                        current.file
                    ));
                }
                if distance > MOST_FLUSHES {
                    return refused(format!("{distance} new binary logs are more than {MOST_FLUSHES}"));
                }
                distance
            }
        };
        for _ in 0..count {
            self.act_once(&instance.key, &Action::FlushBinaryLogs).await?;
        }
        self.audit("flush-binary-logs", Some(&instance.key), "success").await;
        self.settled(&instance.key).await
    }

    /// Deletes binary logs before one, or before the present one (`None`). Unless forced, only when every replica has
    /// executed all that is deleted.
    ///
    /// # Errors
    /// A replica still needs them or cannot be asked, or the server refuses.
    pub async fn purge_binary_logs(
        &self,
        key: &InstanceKey,
        up_to: Option<&str>,
        forced: bool,
    ) -> Result<Arc<Instance>, OperationError> {
        let instance = self.fresh(key).await?;
        let key = &instance.key;
        self.admit_change(&instance.cluster_name)?;
        let file = up_to.unwrap_or(&instance.self_coordinates.file).to_owned();
        let limit = BinlogCoordinates::binary(file.clone(), 0);
        if !forced {
            let replicas: Vec<InstanceKey> =
                self.fleet().replicas_of(key).map(|replica| replica.key.clone()).collect();
            for replica in replicas {
                let Ok(read) = self.fresh(&replica).await else {
                    return refused(format!(
                        "Unsafe to purge binary logs on {key} up to {file} because replica {replica} cannot be read"
                    ));
                };
                if read.primary_key == *key && !limit.is_before(&read.replication.exec) {
                    return refused(format!(
                        "Unsafe to purge binary logs on {key} up to {file} because replica {replica} has only applied up to {}",
                        read.replication.exec
                    ));
                }
            }
        }
        self.act_once(key, &Action::PurgeBinaryLogs(file)).await?;
        self.audit("purge-binary-logs", Some(key), "success").await;
        self.settled(key).await
    }

    /// Ends the statement that a connection runs.
    ///
    /// # Errors
    /// There is no such connection, or the server refuses.
    pub async fn kill_query(&self, key: &InstanceKey, id: u64) -> Result<Arc<Instance>, OperationError> {
        let instance = self.fresh(key).await?;
        self.admit_change(&instance.cluster_name)?;
        self.act_once(&instance.key, &Action::KillQuery(id)).await?;
        self.audit("kill-query", Some(&instance.key), format!("Killed query {id}")).await;
        self.settled(&instance.key).await
    }
}
