//! The local log hands each command to the backend and its answer back, errors included.

use std::sync::Mutex;

use model::{AuditRecord, BlockedRecovery, Detection, Fleet, Recovery, RecoveryStep, Timestamp};
use ports::{AnalysisChange, AuditQuery, DetectionQuery, InstanceWrite, RecoveryQuery};

use super::*;

/// A backend that only knows the recovery switch, and refuses every other command.
#[derive(Default)]
struct Switch(Mutex<Vec<bool>>);

fn refused() -> StoreError {
    StoreError::Statement { operation: "change".to_owned(), message: "only the switch is here".to_owned() }
}

#[async_trait]
impl Store for Switch {
    async fn load_fleet(&self) -> Result<Fleet, StoreError> {
        Err(refused())
    }
    async fn write_instances(&self, _: Vec<InstanceWrite>) -> Result<ports::Written, StoreError> {
        Err(refused())
    }
    async fn foreign_changes(&self) -> Result<u64, StoreError> {
        Err(refused())
    }
    async fn recoveries_disabled(&self) -> Result<bool, StoreError> {
        Err(refused())
    }
    async fn recoveries(&self, _: RecoveryQuery, _: Timestamp) -> Result<Vec<Recovery>, StoreError> {
        Err(refused())
    }
    async fn detections(&self, _: DetectionQuery) -> Result<Vec<Detection>, StoreError> {
        Err(refused())
    }
    async fn recovery_steps(&self, _: &str) -> Result<Vec<RecoveryStep>, StoreError> {
        Err(refused())
    }
    async fn recovery_journal(&self, _: &str) -> Result<Option<(String, String)>, StoreError> {
        Err(refused())
    }
    async fn blocked_recoveries(&self, _: Option<&str>) -> Result<Vec<BlockedRecovery>, StoreError> {
        Err(refused())
    }
    async fn audit(&self, _: AuditQuery) -> Result<Vec<AuditRecord>, StoreError> {
        Err(refused())
    }
    async fn analysis_changelog(&self) -> Result<Vec<AnalysisChange>, StoreError> {
        Err(refused())
    }
    async fn apply(&self, command: &Command) -> Result<CommandOutcome, StoreError> {
        match command {
            Command::DisableRecoveries(is_disabled) => {
                self.0.lock().unwrap().push(*is_disabled);
                Ok(CommandOutcome::Done)
            }
            _ => Err(refused()),
        }
    }
}

#[tokio::test]
async fn commands_reach_the_backend_in_order_and_its_answers_come_back() {
    let store = Arc::new(Switch::default());
    let log = LocalLog::new(Arc::clone(&store) as Arc<dyn Store>);
    for is_disabled in [true, false, true] {
        assert_eq!(log.submit(Command::DisableRecoveries(is_disabled)).await.unwrap(), CommandOutcome::Done);
    }
    assert_eq!(*store.0.lock().unwrap(), [true, false, true]);
    let error = log.submit(Command::ForgetCluster("a".to_owned())).await.unwrap_err().to_string();
    assert_eq!(error, "backend change failed: only the switch is here");
}
