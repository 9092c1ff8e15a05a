//! Faults: what breaks, and how it ends.

use std::fmt;

use super::actions::Effect;
use super::inject::{Injection, StepFault};
use super::server::Power;
use super::world::{HookMode, Party, World};

/// Something that breaks. Durations in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The process of a server dies, losing so many of its last commits; it starts again after a while, with the
    /// healing, or never.
    Kill { server: usize, tail: usize, restart_after: Option<u64>, for_good: bool },
    /// The machine of a server goes silent until the healing.
    PowerOff { server: usize, tail: usize },
    /// A server is stopped and goes on later.
    Hang { server: usize, lasts: u64 },
    /// Two parties do not reach each other.
    Cut { a: Party, b: Party, lasts: u64 },
    /// Nobody reaches a server, nor does it reach anybody.
    Isolate { server: usize, lasts: u64 },
    /// Every request takes that much longer.
    Slow { server: usize, extra: u64, lasts: u64 },
    /// Its applier falls behind: it applies what it receives so much later, until the healing.
    Lag { server: usize, behind: u64 },
    /// No new connections.
    Full { server: usize, lasts: u64 },
    /// A backup holds a global read lock: nothing is written and nothing applied, reads work.
    ReadLock { server: usize, lasts: u64 },
    /// Its applier works on one transaction for so long.
    LongTransaction { server: usize, lasts: u64 },
    /// Clients of a cluster write so many times as often.
    Rush { cluster: usize, times: u64, lasts: u64 },
    /// The clock of the orchestrator's machine is set.
    StepClock { by_ms: i64 },
    /// The orchestrator process dies.
    CrashOrchestrator { restart_after: u64 },
    /// One of the next steps of a recovery breaks.
    BreakStep { in_steps: u32, fault: StepFault, restart_after: u64 },
    /// This node may not act.
    LoseLease { lasts: u64 },
    /// The backend fails.
    BackendDown { lasts: u64 },
    /// Hooks fail or hang.
    Hooks { mode: HookMode, lasts: u64 },
}

/// The end of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repair {
    Boot(usize),
    Resume(usize),
    Mend(Party, Party),
    Quicken(usize),
    MakeRoom(usize),
    Unlock(usize),
    Calm(usize),
    GiveLease,
    BackendUp,
    Hooks(HookMode),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl World {
    /// Breaks something. Returns when and how it ends, if it ends before the healing.
    pub(super) fn break_it(&mut self, fault: Fault) -> Vec<(u64, Repair)> {
        let now = self.now();
        self.tell(format!("FAULT {}", self.describe(fault)));
        match fault {
            Fault::Kill { server, tail, restart_after, for_good } => {
                self.kill(server, Power::Down, tail);
                self.servers[server].is_lost |= for_good;
                restart_after
                    .filter(|_| !for_good)
                    .map(|after| (now + after, Repair::Boot(server)))
                    .into_iter()
                    .collect()
            }
            Fault::PowerOff { server, tail } => {
                self.kill(server, Power::Off, tail);
                Vec::new()
            }
            Fault::Hang { server, lasts } => {
                if !self.servers[server].is_up() {
                    return Vec::new();
                }
                self.servers[server].power = Power::Hung;
                vec![(now + lasts, Repair::Resume(server))]
            }
            Fault::Cut { a, b, lasts } => {
                self.cut(a, b);
                vec![(now + lasts, Repair::Mend(a, b))]
            }
            Fault::Isolate { server, lasts } => {
                let this = Party::Server(server);
                let others: Vec<Party> = self.parties().into_iter().filter(|other| *other != this).collect();
                others.iter().for_each(|other| self.cut(this, *other));
                others.into_iter().map(|other| (now + lasts, Repair::Mend(this, other))).collect()
            }
            Fault::Slow { server, extra, lasts } => {
                self.servers[server].slow_ms = extra;
                vec![(now + lasts, Repair::Quicken(server))]
            }
            Fault::Lag { server, behind } => {
                self.servers[server].lag_ms = behind;
                Vec::new()
            }
            Fault::Full { server, lasts } => {
                self.servers[server].is_full = true;
                vec![(now + lasts, Repair::MakeRoom(server))]
            }
            Fault::ReadLock { server, lasts } => {
                self.servers[server].is_locked = true;
                vec![(now + lasts, Repair::Unlock(server))]
            }
            Fault::LongTransaction { server, lasts } => {
                self.servers[server].busy_until = now + lasts;
                Vec::new()
            }
            Fault::Rush { cluster, times, lasts } => {
                self.rush(Some(cluster), times);
                vec![(now + lasts, Repair::Calm(cluster))]
            }
            Fault::StepClock { by_ms } => {
                self.clock_offset_ms += by_ms;
                Vec::new()
            }
            Fault::CrashOrchestrator { restart_after } => {
                self.crash_orchestrator(restart_after);
                Vec::new()
            }
            Fault::BreakStep { in_steps, fault, restart_after } => {
                let step = self.watcher.steps + in_steps;
                self.injection = Some(Injection { step, fault, restart_after_ms: restart_after });
                Vec::new()
            }
            Fault::LoseLease { lasts } => {
                self.orchestrator.holds_lease = false;
                vec![(now + lasts, Repair::GiveLease)]
            }
            Fault::Hooks { mode, lasts } => {
                let former = std::mem::replace(&mut self.hooks, mode);
                vec![(now + lasts, Repair::Hooks(former))]
            }
            Fault::BackendDown { lasts } => {
                self.backend.is_down = true;
                vec![(now + lasts, Repair::BackendUp)]
            }
        }
    }

    fn kill(&mut self, server: usize, power: Power, tail: usize) {
        if matches!(self.servers[server].power, Power::Down | Power::Off) {
            return;
        }
        // A server that logs nothing of what it applies has no tail that the log could lack.
        let tail = if self.servers[server].nature.logs_updates { tail } else { 0 };
        self.servers[server].crash(power, tail);
        self.servers[server].receiving_since = None;
    }

    /// Clients of a cluster, or of all, write so many times as often as they are used to.
    fn rush(&mut self, cluster: Option<usize>, times: u64) {
        for writer in &mut self.writers {
            if cluster.is_none_or(|cluster| writer.cluster == cluster) {
                writer.haste = times;
            }
        }
    }

    /// Ends a fault.
    pub(super) fn repair(&mut self, repair: Repair) {
        let now = self.now();
        match repair {
            Repair::Boot(server) => self.boot(server, now),
            Repair::Resume(server) => {
                if self.servers[server].power == Power::Hung {
                    self.servers[server].power = Power::Up;
                    self.tell(format!("{} goes on", self.name(server)));
                    self.carry_out_late(server, now);
                }
            }
            Repair::Mend(a, b) => self.mend(a, b),
            Repair::Quicken(server) => self.servers[server].slow_ms = 0,
            Repair::MakeRoom(server) => self.servers[server].is_full = false,
            Repair::Unlock(server) => self.servers[server].is_locked = false,
            Repair::Calm(cluster) => self.rush(Some(cluster), 1),
            Repair::GiveLease => {
                self.orchestrator.holds_lease = true;
                self.tell("the lease is back");
            }
            Repair::Hooks(mode) => self.hooks = mode,
            Repair::BackendUp => {
                self.backend.is_down = false;
                self.tell("the backend is back");
            }
        }
    }

    /// Statements that came in over open connections while the server hung; those who sent them have long given up.
    fn carry_out_late(&mut self, server: usize, now: u64) {
        for (action, boot) in std::mem::take(&mut self.servers[server].in_flight) {
            if boot == self.servers[server].boot {
                let effect = self.perform(server, &action, now);
                let end = if let Effect::Refused(refusal) = effect { refusal.text } else { "done late" };
                self.tell(format!("  {}: {action}: {end}", self.name(server)));
            }
        }
    }

    fn boot(&mut self, server: usize, now: u64) {
        let this = &mut self.servers[server];
        if this.is_lost || !matches!(this.power, Power::Down | Power::Off) {
            return;
        }
        this.boot(now);
        let state = if this.read_only { "read-only" } else { "writable" };
        self.tell(format!("{} starts again, {state}", self.name(server)));
    }

    /// Ends all faults.
    pub(super) fn heal(&mut self) {
        let now = self.now();
        self.tell("HEALING: all faults end");
        self.cuts.clear();
        self.injection = None;
        self.hooks = HookMode::Succeed(5);
        self.backend.is_down = false;
        self.orchestrator.holds_lease = true;
        self.rush(None, 1);
        for server in 0..self.servers.len() {
            self.servers[server].slow_ms = 0;
            self.servers[server].is_full = false;
            self.servers[server].is_locked = false;
            self.servers[server].busy_until = 0;
            self.servers[server].lag_ms = 0;
            self.repair(Repair::Resume(server));
            self.boot(server, now);
        }
        if let Some(restart_at) = &mut self.orchestrator.restart_at {
            *restart_at = (*restart_at).min(now + 1_000);
        }
    }

    fn describe(&self, fault: Fault) -> String {
        let party = |party: Party| match party {
            Party::Orchestrator => "orchestrator".to_owned(),
            Party::Server(server) => self.name(server).to_owned(),
            Party::Client(client) => format!("client {client}"),
        };
        match fault {
            Fault::Kill { server, tail, restart_after, for_good } => {
                let end = match restart_after {
                    _ if for_good => "for good".to_owned(),
                    Some(after) => format!("for {after} ms"),
                    None => "until the healing".to_owned(),
                };
                format!("{} is killed {end}, losing {tail} commits", self.name(server))
            }
            Fault::PowerOff { server, tail } => {
                format!("{} goes silent, losing {tail} commits", self.name(server))
            }
            Fault::Hang { server, lasts } => format!("{} hangs for {lasts} ms", self.name(server)),
            Fault::Cut { a, b, lasts } => format!("{} and {} are cut for {lasts} ms", party(a), party(b)),
            Fault::Isolate { server, lasts } => format!("{} is isolated for {lasts} ms", self.name(server)),
            Fault::Slow { server, extra, lasts } => {
                format!("{} is {extra} ms slower for {lasts} ms", self.name(server))
            }
            Fault::Lag { server, behind } => {
                format!("{} applies {behind} ms later from now on", self.name(server))
            }
            Fault::Full { server, lasts } => {
                format!("{} takes no new connection for {lasts} ms", self.name(server))
            }
            Fault::ReadLock { server, lasts } => {
                format!("{} is locked by a backup for {lasts} ms", self.name(server))
            }
            Fault::LongTransaction { server, lasts } => {
                format!("{} applies one transaction for {lasts} ms", self.name(server))
            }
            Fault::Rush { cluster, times, lasts } => {
                format!(
                    "clients of {} write {times} times as often for {lasts} ms",
                    self.clusters[cluster].alias
                )
            }
            Fault::StepClock { by_ms } => format!("the clock of orchestrator is set by {by_ms} ms"),
            Fault::CrashOrchestrator { restart_after } => {
                format!("orchestrator crashes for {restart_after} ms")
            }
            Fault::BreakStep { in_steps, fault, .. } => {
                format!("step {in_steps} from now will meet {fault:?}")
            }
            Fault::LoseLease { lasts } => format!("the lease is lost for {lasts} ms"),
            Fault::Hooks { mode, lasts } => format!("hooks from now on: {mode:?}, for {lasts} ms"),
            Fault::BackendDown { lasts } => format!("the backend fails for {lasts} ms"),
        }
    }
}
