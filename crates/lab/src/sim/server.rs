//! One simulated server: what it stores, what it replicates, and what survives a crash.

use std::collections::VecDeque;

use model::{Action, InstanceKey, PromotionRule};

use super::transactions::{DomainPosition, Transaction, TransactionSet};

/// Which kind of server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SimFamily {
    /// MySQL with GTID and auto-position.
    MySql,
    /// MariaDB with `slave_pos`.
    MariaDb,
}

/// Whether a server answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Power {
    /// It runs.
    Up,
    /// Stopped by a signal: the kernel accepts, nobody answers.
    Hung,
    /// The process is gone: connections are refused.
    Down,
    /// The machine is gone: silence.
    Off,
}

/// The receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Receiver {
    /// Not started, stopped by a statement, or ended by an error that is not tried again.
    Stopped,
    /// Tries again at that time; an attempt that meets silence ends at the second one.
    Connecting { retry_at: u64, gives_up_at: Option<u64> },
    /// Connected since the source's boot of that number, next event at that index of its binary log.
    Running { boot: u32, cursor: usize, last_event: u64 },
}

/// An event in the relay log.
#[derive(Clone, Copy, Debug)]
pub(super) struct Relayed {
    pub(super) transaction: Transaction,
    /// Where it ends in the source's binary log.
    pub(super) source_place: Place,
    pub(super) received_at: u64,
}

/// File number and position in a binary log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) file: u32,
    pub(super) position: u64,
}

/// A logged transaction.
#[derive(Clone, Copy, Debug)]
pub(super) struct Logged {
    pub(super) transaction: Transaction,
    pub(super) end: Place,
}

/// What is configured about replication and what goes on.
#[derive(Clone, Debug)]
pub(super) struct Channel {
    /// Key of the source; detached keys name nobody.
    pub(super) source: Option<InstanceKey>,
    pub(super) receiver: Receiver,
    pub(super) receiver_errno: u32,
    pub(super) applier_runs: bool,
    pub(super) relay: VecDeque<Relayed>,
    /// Retrieved since the relay log was last thrown away (MySQL).
    pub(super) retrieved: TransactionSet,
    /// Last transaction received (MariaDB).
    pub(super) received_position: DomainPosition,
    pub(super) read: Place,
    pub(super) executed: Place,
    pub(super) heartbeats: u64,
    pub(super) last_heartbeat: Option<u64>,
    /// The last stop of the receiver was asked for by orchestrator, and no start followed.
    pub(super) stopped_by_orchestrator: bool,
}

/// Semi-synchronous replication.
#[derive(Clone, Debug)]
pub(super) struct SemiSyncState {
    pub(super) primary_enabled: bool,
    pub(super) replica_enabled: bool,
    pub(super) timeout_ms: u64,
    /// Replicas that a commit waits for.
    pub(super) wait_for: usize,
    /// Not fallen back.
    pub(super) active: bool,
}

/// What does not change while a server runs.
#[derive(Clone, Debug)]
pub(super) struct Nature {
    pub(super) family: SimFamily,
    pub(super) version: &'static str,
    /// `read_only` after a restart.
    pub(super) starts_read_only: bool,
    pub(super) logs_updates: bool,
    /// A crash throws away the relay log (`relay_log_recovery`).
    pub(super) loses_relay_log: bool,
    pub(super) connect_retry_ms: u64,
    pub(super) net_timeout_ms: u64,
    pub(super) heartbeat_ms: u64,
    /// Time from receiving to applying.
    pub(super) apply_ms: u64,
    /// `SOURCE_DELAY`, seconds.
    pub(super) delay_seconds: u32,
    pub(super) rule: PromotionRule,
    pub(super) semi_sync_installed: bool,
}

/// A server.
#[derive(Clone, Debug)]
pub(super) struct SimServer {
    /// Number in the run.
    pub(super) number: usize,
    /// Number of its cluster.
    pub(super) cluster: usize,
    pub(super) key: InstanceKey,
    pub(super) nature: Nature,
    pub(super) power: Power,
    /// Never comes back.
    pub(super) is_lost: bool,
    /// Counts starts of the process.
    pub(super) boot: u32,
    pub(super) booted_at: u64,
    pub(super) read_only: bool,
    /// Privileged users cannot write either (MySQL).
    pub(super) super_read_only: bool,
    /// Extra time per request.
    pub(super) slow_ms: u64,
    /// Its applier is so much behind, on top of its nature.
    pub(super) lag_ms: u64,
    /// New connections are refused with error 1040.
    pub(super) is_full: bool,
    /// A backup holds a global read lock.
    pub(super) is_locked: bool,
    /// Its applier works on one transaction until then.
    pub(super) busy_until: u64,
    /// Changes that were sent while it hung, and the boot to whose connections they belong.
    pub(super) in_flight: Vec<(Action, u32)>,
    pub(super) binlog: Vec<Logged>,
    pub(super) file: u32,
    pub(super) executed: TransactionSet,
    /// `gtid_slave_pos`.
    pub(super) slave_position: DomainPosition,
    pub(super) channel: Channel,
    pub(super) semi_sync: SemiSyncState,
    /// Since when orchestrator could reach it without hindrance; `None` while it cannot.
    pub(super) reachable_since: Option<u64>,
    /// Since when its receiver really receives from a living source; `None` while it does not.
    pub(super) receiving_since: Option<u64>,
    /// orchestrator made it read-only and has not opened it since the last start.
    pub(super) closed_by_orchestrator: bool,
    /// When it said that it is.
    pub(super) closed_at: Option<u64>,
    /// orchestrator opened it for writes.
    pub(super) opened_by_orchestrator: bool,
    /// A crash took committed transactions away.
    pub(super) lost_tail: bool,
    /// A crash took received transactions away that were not applied yet.
    pub(super) lost_relay_log: bool,
}

const FIRST_POSITION: u64 = 157;
const EVENT_SIZE: u64 = 300;

impl Channel {
    fn new(source: Option<InstanceKey>) -> Self {
        let runs = source.is_some();
        let receiver =
            if runs { Receiver::Connecting { retry_at: 0, gives_up_at: None } } else { Receiver::Stopped };
        Self {
            source,
            receiver,
            receiver_errno: 0,
            applier_runs: runs,
            relay: VecDeque::new(),
            retrieved: TransactionSet::default(),
            received_position: None,
            read: Place::default(),
            executed: Place::default(),
            heartbeats: 0,
            last_heartbeat: None,
            stopped_by_orchestrator: false,
        }
    }

    /// Throws the relay log away.
    pub(super) fn purge_relay_log(&mut self) {
        self.relay.clear();
        self.retrieved = TransactionSet::default();
        self.read = self.executed;
    }
}

impl SimServer {
    pub(super) fn new(
        number: usize,
        cluster: usize,
        key: InstanceKey,
        nature: Nature,
        source: Option<InstanceKey>,
        semi_sync: SemiSyncState,
    ) -> Self {
        let is_replica = source.is_some();
        Self {
            number,
            cluster,
            key,
            nature,
            power: Power::Up,
            is_lost: false,
            boot: 1,
            booted_at: 0,
            read_only: is_replica,
            super_read_only: false,
            slow_ms: 0,
            lag_ms: 0,
            is_full: false,
            is_locked: false,
            busy_until: 0,
            in_flight: Vec::new(),
            binlog: Vec::new(),
            file: 1,
            executed: TransactionSet::default(),
            slave_position: None,
            channel: Channel::new(source),
            semi_sync,
            reachable_since: Some(0),
            receiving_since: None,
            closed_by_orchestrator: false,
            closed_at: None,
            opened_by_orchestrator: false,
            lost_tail: false,
            lost_relay_log: false,
        }
    }

    pub(super) fn is_mariadb(&self) -> bool {
        self.nature.family == SimFamily::MariaDb
    }

    /// A process is there and works.
    pub(super) fn is_up(&self) -> bool {
        self.power == Power::Up
    }

    /// It accepts writes of ordinary clients.
    pub(super) fn is_writable(&self) -> bool {
        self.is_up() && !self.read_only
    }

    /// End of the binary log.
    pub(super) fn log_end(&self) -> Place {
        self.binlog
            .last()
            .filter(|logged| logged.end.file == self.file)
            .map_or(Place { file: self.file, position: FIRST_POSITION }, |logged| logged.end)
    }

    fn log(&mut self, transaction: Transaction) {
        let end = self.log_end();
        let end = Place { file: end.file, position: end.position + EVENT_SIZE };
        self.binlog.push(Logged { transaction, end });
    }

    /// Where this server stands in the replication domain (MariaDB `gtid_current_pos`).
    pub(super) fn current_position(&self) -> DomainPosition {
        let own = self.binlog.last().map(|logged| (logged.transaction.origin, logged.transaction.sequence));
        match (self.slave_position, own) {
            (Some(slave), Some(own)) => Some(if own.1 > slave.1 { own } else { slave }),
            (slave, own) => slave.or(own),
        }
    }

    /// Commits a write of a client.
    pub(super) fn commit(&mut self, number: u32, now: u64) -> Transaction {
        let sequence = if self.is_mariadb() {
            self.current_position().map_or(0, |(_, sequence)| sequence) + 1
        } else {
            self.executed.last_of(self.number) + 1
        };
        let transaction = Transaction { number, origin: self.number, sequence, at: now };
        self.executed.insert(&transaction);
        self.log(transaction);
        transaction
    }

    /// Applies a transaction from the relay log. One whose identifier is known already is skipped.
    pub(super) fn apply(&mut self, relayed: &Relayed) {
        let transaction = relayed.transaction;
        self.channel.executed = relayed.source_place;
        let is_new = if self.is_mariadb() {
            self.slave_position.is_none_or(|(_, sequence)| transaction.sequence > sequence)
        } else {
            !self.executed.has_identifier(&transaction)
        };
        if !is_new {
            return;
        }
        self.executed.insert(&transaction);
        self.slave_position = Some((transaction.origin, transaction.sequence));
        if self.nature.logs_updates {
            self.log(transaction);
        }
    }

    /// Everything it received: executed, or in the relay log.
    pub(super) fn holdings(&self) -> TransactionSet {
        let mut held = self.executed.clone();
        for relayed in &self.channel.relay {
            held.insert(&relayed.transaction);
        }
        held
    }

    /// The process or the machine ends. So many of the last own commits were not on disk.
    pub(super) fn crash(&mut self, power: Power, lost: usize) {
        self.power = power;
        let kept = self.binlog.len().saturating_sub(lost);
        let is_losing = kept < self.binlog.len();
        if is_losing {
            self.binlog.truncate(kept);
            self.lost_tail = true;
            let mut executed = TransactionSet::default();
            for logged in &self.binlog {
                executed.insert(&logged.transaction);
            }
            self.executed = executed;
            let last =
                self.binlog.last().map(|logged| (logged.transaction.origin, logged.transaction.sequence));
            if self.channel.source.is_some() {
                self.slave_position = last;
            }
        }
        if self.nature.loses_relay_log || self.is_mariadb() || is_losing {
            self.lost_relay_log |= !self.channel.relay.is_empty();
            self.channel.purge_relay_log();
            self.channel.received_position = self.slave_position;
        }
    }

    /// The process starts again, with what its configuration says.
    pub(super) fn boot(&mut self, now: u64) {
        self.power = Power::Up;
        self.boot += 1;
        self.booted_at = now;
        self.is_locked = false;
        self.busy_until = 0;
        self.file += 1;
        self.read_only = self.nature.starts_read_only;
        self.super_read_only = false;
        self.closed_by_orchestrator = false;
        self.closed_at = None;
        self.opened_by_orchestrator = false;
        self.semi_sync.active = self.semi_sync.primary_enabled;
        let channel = &mut self.channel;
        channel.receiver_errno = 0;
        if channel.source.is_some() {
            channel.receiver = Receiver::Connecting { retry_at: now, gives_up_at: None };
            channel.applier_runs = true;
            channel.stopped_by_orchestrator = false;
        } else {
            channel.receiver = Receiver::Stopped;
            channel.applier_runs = false;
        }
    }
}
