//! Backend, command log, hooks, clock and lease of one simulated orchestrator process.

use std::time::Duration;

use async_trait::async_trait;
use model::{
    AuditRecord, BlockedRecovery, Command, CommandOutcome, Detection, Fleet, Recovery, RecoveryStep,
    Timestamp,
};
use ports::{
    AnalysisChange, AuditQuery, Clock, CommandLog, Deadline, DetectionQuery, HookEnvironment, HookError,
    HookRunner, InstanceWrite, Lease, RecoveryQuery, Store, StoreError,
};
use tokio::time::sleep;

use super::inject::{StepFault, is_step};
use super::servers::Access;
use super::world::{HookMode, World};

/// 2030-01-01 00:00:00 UTC: when every simulation begins.
const EPOCH_SECONDS: i64 = 1_893_456_000;

/// The moment of the simulated wall clock.
pub(super) fn timestamp(now_ms: u64) -> Timestamp {
    Timestamp::from_micros(EPOCH_SECONDS * 1_000_000 + i64::try_from(now_ms).unwrap_or(0) * 1_000)
}

/// The simulated wall clock.
pub(super) struct SimClock(pub(super) Access);

impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        let world = self.0.shared.world();
        Timestamp::from_micros(timestamp(world.now()).as_micros() + world.clock_offset_ms * 1_000)
    }
}

/// The right to act, which a fault may take away.
pub(super) struct SimLease(pub(super) Access);

impl Lease for SimLease {
    fn is_held(&self) -> bool {
        self.0.shared.world().orchestrator.holds_lease
    }
}

/// How long a hook hangs that is broken as a step.
const LONGEST_HOOK: Duration = Duration::from_secs(8);

/// Hooks that end as the world says.
pub(super) struct SimHooks(pub(super) Access);

#[async_trait]
impl HookRunner for SimHooks {
    async fn run(
        &self,
        command: &str,
        _environment: &HookEnvironment,
        deadline: Deadline,
    ) -> Result<String, HookError> {
        let (mode, fault) = self
            .0
            .live(|world| {
                world.check_hook(command);
                world.tell(format!("  hook {command}: {:?}", world.hooks));
                (world.hooks, world.meet_step("hook"))
            })
            .await;
        match fault {
            Some(StepFault::CrashBefore) => {
                self.0.shared.world().crash_by_injection();
                std::future::pending::<()>().await;
            }
            Some(StepFault::Error) => {
                let (status, output) = ("status 1".to_owned(), String::new());
                return Err(HookError::Failed { command: command.to_owned(), status, output });
            }
            Some(StepFault::Timeout | StepFault::LostAnswer) => {
                sleep(LONGEST_HOOK.min(deadline.remaining())).await;
                return Err(HookError::TimedOut { command: command.to_owned(), output: String::new() });
            }
            Some(StepFault::CrashAfter) | None => {}
        }
        let result = self.end_hook(command, mode, deadline).await;
        if fault == Some(StepFault::CrashAfter) {
            self.0.shared.world().crash_by_injection();
            std::future::pending::<()>().await;
        }
        result
    }
}

impl SimHooks {
    /// Ends as the world says.
    async fn end_hook(&self, command: &str, mode: HookMode, deadline: Deadline) -> Result<String, HookError> {
        match mode {
            HookMode::Succeed(took) => {
                sleep(Duration::from_millis(took)).await;
                Ok(String::new())
            }
            HookMode::Fail => {
                let (status, output) = ("status 1".to_owned(), String::new());
                Err(HookError::Failed { command: command.to_owned(), status, output })
            }
            HookMode::Hang => {
                let healing = async {
                    while self.0.live(|world| world.hooks).await == HookMode::Hang {
                        sleep(Duration::from_millis(500)).await;
                    }
                };
                // Ends with the healing, or when its time is up.
                let _ = tokio::time::timeout_at(deadline.instant(), healing).await;
                Err(HookError::TimedOut { command: command.to_owned(), output: String::new() })
            }
        }
    }
}

/// The backend as one process reaches it.
pub(super) struct SimStore(pub(super) Access);

impl SimStore {
    async fn ask<R>(&self, operation: &str, work: impl FnOnce(&mut World) -> R) -> Result<R, StoreError> {
        let is_down = self.0.live(|world| world.backend.is_down).await;
        if is_down {
            sleep(Duration::from_millis(5)).await;
            return Err(failure(operation));
        }
        Ok(self.0.live(work).await)
    }
}

fn failure(operation: &str) -> StoreError {
    StoreError::Statement { operation: operation.to_owned(), message: "simulated failure".to_owned() }
}

#[async_trait]
impl Store for SimStore {
    async fn load_fleet(&self) -> Result<Fleet, StoreError> {
        self.ask("load", |world| world.backend.load()).await
    }

    async fn write_instances(&self, writes: Vec<InstanceWrite>) -> Result<ports::Written, StoreError> {
        self.ask("write", |world| world.backend.write(writes)).await?;
        Ok(ports::Written::default())
    }

    async fn foreign_changes(&self) -> Result<u64, StoreError> {
        self.ask("look for changes", |_| 1).await
    }

    async fn recoveries_disabled(&self) -> Result<bool, StoreError> {
        self.ask("read the switch", |world| world.backend.are_recoveries_disabled()).await
    }

    async fn recoveries(&self, query: RecoveryQuery, now: Timestamp) -> Result<Vec<Recovery>, StoreError> {
        self.ask("list recoveries", |world| world.backend.list_recoveries(&query, now)).await
    }

    async fn detections(&self, query: DetectionQuery) -> Result<Vec<Detection>, StoreError> {
        self.ask("list detections", |world| world.backend.list_detections(&query)).await
    }

    async fn recovery_steps(&self, uid: &str) -> Result<Vec<RecoveryStep>, StoreError> {
        let of = |world: &mut World| {
            world.backend.steps.iter().filter(|step| step.recovery_uid == uid).cloned().collect::<Vec<_>>()
        };
        self.ask("list steps", of).await
    }

    async fn recovery_journal(&self, uid: &str) -> Result<Option<(String, String)>, StoreError> {
        self.ask("read a journal", |world| world.backend.journals.get(uid).cloned()).await
    }

    async fn blocked_recoveries(&self, cluster: Option<&str>) -> Result<Vec<BlockedRecovery>, StoreError> {
        let of = |world: &mut World| {
            let blocked = world.backend.blocked.iter();
            blocked
                .filter(|one| cluster.is_none_or(|name| name == one.cluster_name))
                .cloned()
                .collect::<Vec<_>>()
        };
        self.ask("list blocked recoveries", of).await
    }

    async fn audit(&self, query: AuditQuery) -> Result<Vec<AuditRecord>, StoreError> {
        self.ask("list the audit", |world| world.backend.list_audit(query.key.as_ref())).await
    }

    async fn analysis_changelog(&self) -> Result<Vec<AnalysisChange>, StoreError> {
        self.ask("list analyses", |world| world.backend.changelog()).await
    }

    async fn apply(&self, command: &Command) -> Result<CommandOutcome, StoreError> {
        self.ask("apply", |world| world.apply_command(command)).await
    }
}

/// The command log: applies at once, unless the step is to be broken.
pub(super) struct SimLog(pub(super) Access);

#[async_trait]
impl CommandLog for SimLog {
    async fn submit(&self, command: Command) -> Result<CommandOutcome, StoreError> {
        let fault = if is_step(&command) {
            let name = name_of(&command);
            self.0.live(|world| world.meet_step(&name)).await
        } else {
            None
        };
        match fault {
            Some(StepFault::CrashBefore) => {
                self.0.shared.world().crash_by_injection();
                std::future::pending::<()>().await;
            }
            Some(StepFault::Error | StepFault::Timeout) => return Err(failure("broken on purpose")),
            Some(StepFault::LostAnswer | StepFault::CrashAfter) | None => {}
        }
        let outcome = SimStore(self.0.clone()).apply(&command).await;
        match fault {
            Some(StepFault::CrashAfter) => {
                self.0.shared.world().crash_by_injection();
                std::future::pending().await
            }
            Some(StepFault::LostAnswer) => Err(failure("answer lost on purpose")),
            _ => outcome,
        }
    }
}

/// The kind of a command.
fn name_of(command: &Command) -> String {
    let text = format!("{command:?}");
    text.split([' ', '(', '{']).next().unwrap_or_default().to_owned()
}

impl World {
    fn note_promotion_began(&mut self, uid: &str) {
        let recovery = self.backend.recoveries.iter().find(|recovery| recovery.uid == uid);
        let failed = recovery.and_then(|recovery| self.find(&recovery.case.key));
        if let Some(failed) = failed {
            let now = self.now();
            self.watcher.promotion_began.insert(self.servers[failed].cluster, now);
        }
    }

    fn apply_command(&mut self, command: &Command) -> CommandOutcome {
        let outcome = self.backend.apply(command);
        match command {
            Command::RegisterDetection { case, is_actionable, .. }
                if outcome != CommandOutcome::Inserted(None) =>
            {
                let kind = if *is_actionable { "actionable" } else { "not actionable" };
                self.tell(format!("detected {} of {} ({kind})", case.code, case.key.hostname()));
            }
            Command::RegisterRecovery { uid, case, .. } => match outcome {
                CommandOutcome::Inserted(Some(_)) => {
                    self.tell(format!("recovery of {} begins ({})", case.key.hostname(), case.code));
                    self.check_registration(uid, case);
                }
                _ => self.tell(format!("recovery of {} is refused: one is active", case.key.hostname())),
            },
            Command::ResolveRecovery { is_successful, successor, errors, lost_replicas, .. } => {
                let end = match successor {
                    Some(successor) if *is_successful => format!("promoted {}", successor.hostname()),
                    _ => "promoted nobody".to_owned(),
                };
                let lost: Vec<&str> = lost_replicas.iter().map(model::InstanceKey::hostname).collect();
                self.tell(format!("recovery ends: {end}; lost {lost:?}; errors {errors:?}"));
            }
            Command::JournalRecovery { uid, state, .. } => {
                self.tell(format!("  journal: {state}"));
                if state == "committing" {
                    self.note_promotion_began(uid);
                }
            }
            Command::WriteRecoveryStep { message, .. } => {
                for line in message.lines() {
                    self.tell(format!("    | {line}"));
                }
            }
            Command::PutKeyValues { pairs, .. } => {
                for (key, value) in pairs {
                    self.tell(format!("  published {key} = {value}"));
                }
            }
            Command::WriteBlockedRecovery { case, blocking_recovery_id, .. } => {
                let what = (case.key.clone(), *blocking_recovery_id);
                if self.watcher.told_blocked.insert(what) {
                    self.tell(format!("recovery of {} is blocked by an earlier one", case.key.hostname()));
                }
            }
            Command::BeginDowntime(downtime) => {
                self.tell(format!("  downtime of {}: {}", downtime.key.hostname(), downtime.reason));
            }
            _ => {}
        }
        outcome
    }
}
