//! What each action does to a simulated server, with the semantics of real ones.

use model::{Action, SourcePosition, Threads};
use ports::ErrorClass;

use super::server::Receiver;
use super::world::World;

/// A refusal by the server: error number and text.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    pub(super) class: ErrorClass,
    pub(super) number: u16,
    pub(super) text: &'static str,
}

impl Refusal {
    fn new(number: u16, text: &'static str) -> Self {
        Self { class: ErrorClass::Server, number, text }
    }
}

/// What became of an attempt.
#[derive(Clone, Debug)]
pub(super) enum Effect {
    Done,
    /// Not yet; ask again.
    Waits,
    Refused(Refusal),
}

const NOT_CONFIGURED: u16 = 1200;
const MUST_BE_STOPPED: u16 = 1198;
const WRONG_ARGUMENTS: u16 = 1210;

impl World {
    /// Performs an action on a server that answers.
    pub(super) fn perform(&mut self, server: usize, action: &Action, now: u64) -> Effect {
        if self.servers[server].is_locked && action.is_change() {
            return Effect::Waits;
        }
        match action {
            Action::StopReplication(threads) => self.stop_threads(server, *threads),
            Action::StartReplication(threads) => return self.start_threads(server, *threads, now),
            Action::ReconnectReceiver => {
                self.stop_threads(server, Threads::Receiver);
                return self.start_threads(server, Threads::Receiver, now);
            }
            // Transactions come whole here.
            Action::DropPartialTransaction { .. } => {}
            Action::WaitApplied => {
                let is_applied = self.servers[server].channel.relay.is_empty();
                return if is_applied { Effect::Done } else { Effect::Waits };
            }
            Action::WaitExecutedGtid(wanted) => {
                return if self.has_executed(server, wanted) { Effect::Done } else { Effect::Waits };
            }
            Action::WaitExecutedCoordinates(wanted) => {
                let executed = self.observe(server, now).instance.replication.exec;
                return if wanted.is_before_or_at(&executed) { Effect::Done } else { Effect::Waits };
            }
            Action::ChangeSource { source, position } => {
                if matches!(position, SourcePosition::File(_)) {
                    return Effect::Refused(Refusal::new(WRONG_ARGUMENTS, "this server replicates by GTID"));
                }
                if let Some(refusal) = self.must_be_stopped(server) {
                    return refusal;
                }
                let channel = &mut self.servers[server].channel;
                channel.source = Some(source.clone());
                self.forget_relay_log(server);
            }
            Action::ResetReplication => {
                if let Some(refusal) = self.must_be_stopped(server) {
                    return refusal;
                }
                self.servers[server].channel.source = None;
                self.servers[server].channel.stopped_by_orchestrator = false;
                self.forget_relay_log(server);
            }
            Action::DetachSource | Action::ReattachSource => {
                if let Some(refusal) = self.must_be_stopped(server) {
                    return refusal;
                }
                let channel = &mut self.servers[server].channel;
                let is_detaching = *action == Action::DetachSource;
                channel.source = channel
                    .source
                    .as_ref()
                    .map(|source| if is_detaching { source.detached() } else { source.reattached() });
                self.forget_relay_log(server);
            }
            Action::SetReadOnly { on, with_super } => return self.set_read_only(server, *on, *with_super),
            Action::SetSemiSyncPrimary(on) => {
                if !self.servers[server].nature.semi_sync_installed {
                    return Effect::Refused(Refusal::new(1193, "unknown system variable"));
                }
                let state = &mut self.servers[server].semi_sync;
                state.primary_enabled = *on;
                state.active = *on;
            }
            Action::SetSemiSyncReplica(on) => self.servers[server].semi_sync.replica_enabled = *on,
            Action::ReplicateUntil(_)
            | Action::SetDelay(_)
            | Action::SkipTransaction
            | Action::FlushBinaryLogs
            | Action::PurgeBinaryLogs(_)
            | Action::ResetBinaryLogs
            | Action::SetPurgedGtid(_)
            | Action::InjectEmpty(_)
            | Action::KillQuery(_) => {
                return Effect::Refused(Refusal::new(WRONG_ARGUMENTS, "simulated servers cannot do this"));
            }
            Action::Probe => {}
        }
        Effect::Done
    }

    fn must_be_stopped(&self, server: usize) -> Option<Effect> {
        let channel = &self.servers[server].channel;
        let runs = channel.receiver != Receiver::Stopped || channel.applier_runs;
        runs.then(|| Effect::Refused(Refusal::new(MUST_BE_STOPPED, "replication runs; stop it first")))
    }

    fn forget_relay_log(&mut self, server: usize) {
        let position = self.servers[server].slave_position;
        let channel = &mut self.servers[server].channel;
        channel.purge_relay_log();
        channel.received_position = position;
        channel.receiver_errno = 0;
        channel.read = Default::default();
        channel.executed = Default::default();
    }

    fn stop_threads(&mut self, server: usize, threads: Threads) {
        let channel = &mut self.servers[server].channel;
        if threads != Threads::Applier {
            channel.receiver = Receiver::Stopped;
            channel.stopped_by_orchestrator = channel.source.is_some();
        }
        if threads != Threads::Receiver {
            channel.applier_runs = false;
        }
    }

    fn start_threads(&mut self, server: usize, threads: Threads, now: u64) -> Effect {
        let position = self.servers[server].slave_position;
        let is_mariadb = self.servers[server].is_mariadb();
        let channel = &mut self.servers[server].channel;
        if channel.source.is_none() {
            return Effect::Refused(Refusal::new(
                NOT_CONFIGURED,
                "the server is not configured as a replica",
            ));
        }
        if threads != Threads::Applier {
            channel.stopped_by_orchestrator = false;
            if channel.receiver == Receiver::Stopped {
                channel.receiver = Receiver::Connecting { retry_at: now, gives_up_at: None };
                channel.receiver_errno = 0;
                if is_mariadb && !channel.applier_runs {
                    channel.purge_relay_log();
                    channel.received_position = position;
                }
            }
        }
        if threads != Threads::Receiver {
            channel.applier_runs = true;
        }
        Effect::Done
    }

    /// New writes are refused at once; the statement returns when commits under way have ended.
    fn set_read_only(&mut self, server: usize, on: bool, with_super: bool) -> Effect {
        if on {
            let now = self.now();
            let waits = self.has_waiting_commits(server);
            let target = &mut self.servers[server];
            target.closed_by_orchestrator |= !target.read_only;
            if target.closed_by_orchestrator && !waits {
                target.closed_at.get_or_insert(now);
            }
            target.opened_by_orchestrator = false;
            target.read_only = true;
            target.super_read_only |= with_super && !target.is_mariadb();
            return if waits { Effect::Waits } else { Effect::Done };
        }
        let was_read_only = self.servers[server].read_only;
        let target = &mut self.servers[server];
        target.read_only = false;
        target.super_read_only = false;
        let is_reopening = target.closed_by_orchestrator;
        target.closed_by_orchestrator = false;
        target.closed_at = None;
        if was_read_only && !is_reopening {
            self.servers[server].opened_by_orchestrator = true;
            self.note_opening(server);
        }
        Effect::Done
    }

    /// Whether a server has executed what a text of GTIDs names.
    fn has_executed(&self, server: usize, wanted: &str) -> bool {
        let this = &self.servers[server];
        if this.is_mariadb() {
            let wanted = model::MariaDbPosition::parse(wanted).unwrap_or_default();
            let sequence = this.current_position().map_or(0, |(_, sequence)| sequence);
            wanted.gtids().all(|gtid| gtid.sequence <= sequence)
        } else {
            let (wanted, _) = model::GtidSet::parse_lenient(wanted);
            let (executed, _) = model::GtidSet::parse_lenient(&this.executed.to_mysql_text());
            executed.contains(&wanted)
        }
    }
}
