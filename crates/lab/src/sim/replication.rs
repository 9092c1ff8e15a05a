//! Receivers and appliers: what one tick does to a replica.

use super::server::{Logged, Receiver, Relayed, SimServer};
use super::world::{Party, Sight, World};

/// Error numbers as servers report them.
const CANNOT_CONNECT: u32 = 2003;
const UNKNOWN_HOST: u32 = 2005;
const TOO_MANY_CONNECTIONS: u32 = 1040;
const FATAL_READING_BINLOG: u32 = 13114;
const FATAL_READING_BINLOG_MARIADB: u32 = 1236;
/// Most events sent in one tick.
const BATCH: usize = 64;
/// Longest attempt to connect through silence.
const CONNECT_TIMEOUT_MS: u64 = 10_000;

impl World {
    /// The receiver of one server.
    pub(super) fn receive(&mut self, replica: usize, now: u64) {
        let is_receiving = match self.servers[replica].channel.receiver {
            Receiver::Stopped => false,
            Receiver::Connecting { retry_at, gives_up_at } => {
                if now >= retry_at {
                    self.try_to_connect(replica, gives_up_at, now);
                }
                false
            }
            Receiver::Running { boot, cursor, last_event } => {
                self.read_events(replica, boot, cursor, last_event, now)
            }
        };
        let since = &mut self.servers[replica].receiving_since;
        *since = if is_receiving { since.or(Some(now)) } else { None };
    }

    fn try_to_connect(&mut self, replica: usize, gives_up_at: Option<u64>, now: u64) {
        let source = self.servers[replica].channel.source.as_ref().and_then(|key| self.find(key));
        let Some(source) = source else {
            return self.connect_failed(replica, UNKNOWN_HOST, now);
        };
        match self.sight(Party::Server(replica), source) {
            Sight::Refuses => self.connect_failed(replica, CANNOT_CONNECT, now),
            Sight::Full => self.connect_failed(replica, TOO_MANY_CONNECTIONS, now),
            Sight::Silent => match gives_up_at {
                Some(end) if now >= end => self.connect_failed(replica, CANNOT_CONNECT, now),
                Some(_) => {}
                None => {
                    let limit = self.servers[replica].nature.net_timeout_ms.min(CONNECT_TIMEOUT_MS);
                    self.servers[replica].channel.receiver =
                        Receiver::Connecting { retry_at: now, gives_up_at: Some(now + limit) };
                }
            },
            Sight::Answers => self.shake_hands(replica, source, now),
        }
    }

    fn connect_failed(&mut self, replica: usize, errno: u32, now: u64) {
        let retry_at = now + self.servers[replica].nature.connect_retry_ms;
        let channel = &mut self.servers[replica].channel;
        channel.receiver = Receiver::Connecting { retry_at, gives_up_at: None };
        channel.receiver_errno = errno;
    }

    /// The source looks for the replica's place in its binary log.
    fn shake_hands(&mut self, replica: usize, source: usize, now: u64) {
        let from = &self.servers[source];
        let to = &self.servers[replica];
        let cursor = if to.is_mariadb() { start_by_domain(from, to) } else { start_by_set(from, to) };
        let fatal = if to.is_mariadb() { FATAL_READING_BINLOG_MARIADB } else { FATAL_READING_BINLOG };
        let boot = from.boot;
        let channel = &mut self.servers[replica].channel;
        match cursor {
            Some(cursor) => {
                channel.receiver = Receiver::Running { boot, cursor, last_event: now };
                channel.receiver_errno = 0;
                channel.heartbeats = 0;
            }
            None => {
                channel.receiver = Receiver::Stopped;
                channel.receiver_errno = fatal;
                let line =
                    format!("{} cannot replicate: its position is not in its source", self.name(replica));
                self.tell(line);
            }
        }
    }

    /// True while events or heartbeats really come in.
    fn read_events(&mut self, replica: usize, boot: u32, cursor: usize, last_event: u64, now: u64) -> bool {
        let source = self.servers[replica].channel.source.as_ref().and_then(|key| self.find(key));
        let Some(source) = source else { return false };
        let sight = self.sight(Party::Server(replica), source);
        let reconnect = Receiver::Connecting { retry_at: now, gives_up_at: None };
        match sight {
            Sight::Silent => {
                if now - last_event >= self.servers[replica].nature.net_timeout_ms {
                    self.servers[replica].channel.receiver = reconnect;
                }
                return false;
            }
            Sight::Refuses => {
                self.servers[replica].channel.receiver = reconnect;
                return false;
            }
            Sight::Answers | Sight::Full if self.servers[source].boot != boot => {
                self.servers[replica].channel.receiver = reconnect;
                return false;
            }
            Sight::Answers | Sight::Full => {}
        }
        let end = self.servers[source].binlog.len().min(cursor + BATCH);
        let events: Vec<Logged> = self.servers[source].binlog.get(cursor..end).unwrap_or_default().to_vec();
        let is_idle = events.is_empty();
        let acknowledges = self.servers[replica].semi_sync.replica_enabled;
        for event in &events {
            self.servers[replica].take_event(event, now);
            if acknowledges {
                self.acknowledge(source, event.transaction.number, replica);
            }
        }
        if acknowledges
            && end == self.servers[source].binlog.len()
            && self.servers[source].semi_sync.primary_enabled
            && self.count_caught_up(source) + 1 >= self.servers[source].semi_sync.wait_for
        {
            self.servers[source].semi_sync.active = true;
        }
        let channel = &mut self.servers[replica].channel;
        channel.receiver = Receiver::Running { boot, cursor: end, last_event: now };
        let heartbeat_ms = self.servers[replica].nature.heartbeat_ms;
        let channel = &mut self.servers[replica].channel;
        if is_idle && channel.last_heartbeat.is_none_or(|last| now - last >= heartbeat_ms) {
            channel.heartbeats += 1;
            channel.last_heartbeat = Some(now);
        }
        true
    }

    /// Semi-sync replicas, apart from the one that is being served, that have received all of a server's log.
    fn count_caught_up(&self, source: usize) -> usize {
        let end = self.servers[source].binlog.len();
        let boot = self.servers[source].boot;
        let replicas = self.replicas_of(&self.servers[source].key);
        replicas
            .into_iter()
            .filter(|replica| self.servers[*replica].semi_sync.replica_enabled)
            .filter(|replica| {
                matches!(self.servers[*replica].channel.receiver,
                    Receiver::Running { boot: since, cursor, .. } if since == boot && cursor == end)
            })
            .count()
    }

    /// The applier of one server.
    pub(super) fn apply(&mut self, replica: usize, now: u64) {
        let server = &mut self.servers[replica];
        if !server.channel.applier_runs || server.is_locked || now < server.busy_until {
            return;
        }
        let delay = u64::from(server.nature.delay_seconds) * 1_000;
        while let Some(first) = server.channel.relay.front().copied() {
            let due = (first.received_at + server.nature.apply_ms + server.lag_ms)
                .max(first.transaction.at + delay);
            if now < due {
                break;
            }
            server.channel.relay.pop_front();
            server.apply(&first);
        }
    }
}

impl SimServer {
    fn take_event(&mut self, event: &Logged, now: u64) {
        let transaction = event.transaction;
        let channel = &mut self.channel;
        channel.read = event.end;
        channel.received_position = Some((transaction.origin, transaction.sequence));
        let is_known = self.executed.has_identifier(&transaction) && !self.is_mariadb();
        let channel = &mut self.channel;
        if !is_known && channel.retrieved.insert(&transaction) {
            channel.relay.push_back(Relayed { transaction, source_place: event.end, received_at: now });
        } else if channel.relay.is_empty() {
            channel.executed = event.end;
        }
    }
}

/// MySQL: the first event that the replica lacks. `None` when the replica has transactions of the source's own that the
/// source does not have, because it lost them in a crash, or when the replica lacks some that the source never logged.
fn start_by_set(source: &SimServer, replica: &SimServer) -> Option<usize> {
    let held = replica.holdings();
    if held.last_of(source.number) > source.executed.last_of(source.number) {
        return None;
    }
    if !source.nature.logs_updates && source.executed.has_foreign_beyond(&held, source.number) {
        return None;
    }
    let first = source.binlog.iter().position(|logged| !held.has_identifier(&logged.transaction));
    Some(first.unwrap_or(source.binlog.len()))
}

/// MariaDB: the event after the replica's last one. `None` when the source does not have that one.
fn start_by_domain(source: &SimServer, replica: &SimServer) -> Option<usize> {
    let wanted = match replica.channel.relay.back() {
        Some(last) => Some((last.transaction.origin, last.transaction.sequence)),
        None => replica.slave_position,
    };
    let Some((origin, sequence)) = wanted else { return Some(0) };
    source
        .binlog
        .iter()
        .position(|logged| logged.transaction.origin == origin && logged.transaction.sequence == sequence)
        .map(|at| at + 1)
}
