//! Breaking one chosen step: the n-th thing that orchestrator does to a server, asks a server while a recovery is under
//! way, runs as a hook, or writes durably about a recovery.

use model::Command;

use super::world::World;

/// What happens at the chosen step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepFault {
    /// It is refused and has no effect.
    Error,
    /// No answer comes, and it has no effect.
    Timeout,
    /// It takes effect, and no answer comes.
    LostAnswer,
    /// The process dies before it.
    CrashBefore,
    /// It takes effect, then the process dies.
    CrashAfter,
}

impl StepFault {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Error, Self::Timeout, Self::LostAnswer, Self::CrashBefore, Self::CrashAfter];
}

/// A step to break.
#[derive(Clone, Copy, Debug)]
pub(super) struct Injection {
    pub(super) step: u32,
    pub(super) fault: StepFault,
    pub(super) restart_after_ms: u64,
}

/// A command that belongs to a recovery, as opposed to the heartbeat of the process and its audit.
pub(super) fn is_step(command: &Command) -> bool {
    matches!(
        command,
        Command::RegisterDetection { .. }
            | Command::RegisterRecovery { .. }
            | Command::JournalRecovery { .. }
            | Command::ResolveRecovery { .. }
            | Command::AcknowledgeRecoveries { .. }
            | Command::BeginDowntime(_)
            | Command::EndDowntime(_)
            | Command::SetAttribute { .. }
            | Command::ClearDetections { .. }
            | Command::RenameCluster { .. }
            | Command::PutKeyValues { .. }
    )
}

impl World {
    /// Counts a step and says what is to happen to it.
    pub(super) fn meet_step(&mut self, what: &str) -> Option<StepFault> {
        self.watcher.steps += 1;
        let injection = self.injection?;
        if injection.step != self.watcher.steps {
            return None;
        }
        self.tell(format!("step {} ({what}) meets {:?}", injection.step, injection.fault));
        Some(injection.fault)
    }

    /// Reads of servers are steps while a recovery is under way; the others are the ordinary poll.
    pub(super) fn meet_read(&mut self, server: usize) -> Option<StepFault> {
        if self.backend.recoveries.iter().all(|recovery| recovery.end.is_some()) {
            return None;
        }
        let name = format!("{}: read", self.name(server));
        self.meet_step(&name)
    }

    /// The orchestrator process dies now.
    pub(super) fn crash_orchestrator(&mut self, restart_after_ms: u64) {
        if !self.orchestrator.is_alive {
            return;
        }
        let restart_at = self.now() + restart_after_ms;
        self.orchestrator.is_alive = false;
        self.orchestrator.restart_at = Some(restart_at);
        self.orchestrator.kept.clear();
        self.tell("orchestrator dies");
    }

    /// As asked for by the injection.
    pub(super) fn crash_by_injection(&mut self) {
        let after = self.injection.map_or(1_000, |injection| injection.restart_after_ms);
        self.crash_orchestrator(after);
    }
}
