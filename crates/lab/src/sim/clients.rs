//! Clients that write and know what became of each write.
//!
//! A client follows the primary that orchestrator publishes. An ordinary user is refused by a read-only server; a
//! privileged one only where `super_read_only` is set, too. A write is acknowledged, refused, or unknown (the connection broke or nothing came back).

use super::world::{Party, Sight, World};

/// A write that has not been answered.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    server: usize,
    boot: u32,
    number: u32,
    began: u64,
    /// Waits for a semi-sync replica until then.
    waits_until: Option<u64>,
    /// Semi-sync replicas that have it.
    received_by: Vec<usize>,
}

/// An acknowledged write.
#[derive(Clone, Copy, Debug)]
pub(super) struct Acknowledged {
    pub(super) number: u32,
    /// A semi-sync replica had it before the client was told.
    pub(super) by_semi_sync: bool,
}

/// One client.
#[derive(Clone, Debug)]
pub(super) struct Writer {
    pub(super) number: usize,
    pub(super) cluster: usize,
    pub(super) interval_ms: u64,
    /// It writes so many times as often.
    pub(super) haste: u64,
    /// Its user may write on read-only servers.
    pub(super) is_privileged: bool,
    pub(super) is_active: bool,
    next_at: u64,
    pending: Option<Pending>,
    pub(super) acknowledged: Vec<Acknowledged>,
    pub(super) refused: u64,
    pub(super) unknown: u64,
}

const PATIENCE_MS: u64 = 2_000;

impl Writer {
    pub(super) fn new(number: usize, cluster: usize, interval_ms: u64, is_privileged: bool) -> Self {
        Self {
            number,
            cluster,
            interval_ms,
            haste: 1,
            is_privileged,
            is_active: true,
            next_at: 100,
            pending: None,
            acknowledged: Vec::new(),
            refused: 0,
            unknown: 0,
        }
    }
}

impl World {
    pub(super) fn run_writers(&mut self, now: u64) {
        for at in 0..self.writers.len() {
            if self.writers[at].pending.is_some() {
                self.follow_write(at, now);
            } else if self.writers[at].is_active && now >= self.writers[at].next_at {
                self.write(at, now);
            }
        }
    }

    fn write(&mut self, at: usize, now: u64) {
        let writer = &mut self.writers[at];
        writer.next_at = now + writer.interval_ms / writer.haste;
        let server = self.published(self.writers[at].cluster);
        let target = &self.servers[server];
        let is_open = target.is_writable() || (self.writers[at].is_privileged && !target.super_read_only);
        if self.sight(Party::Client(at), server) != Sight::Answers || !is_open {
            self.writers[at].refused += 1;
            return;
        }
        if target.is_locked {
            // It waits, and writes when the lock is gone.
            self.writers[at].next_at = now;
            return;
        }
        let number = u32::try_from(self.transactions.len()).unwrap_or(u32::MAX);
        let target = &mut self.servers[server];
        let transaction = target.commit(number, now);
        let waits = target.semi_sync.primary_enabled && target.semi_sync.active;
        let pending = Pending {
            server,
            boot: target.boot,
            number,
            began: now,
            waits_until: waits.then_some(now + target.semi_sync.timeout_ms),
            received_by: Vec::new(),
        };
        self.transactions.push(transaction);
        self.writers[at].pending = Some(pending);
    }

    /// A semi-sync replica has the transaction in its relay log.
    pub(super) fn acknowledge(&mut self, source: usize, number: u32, replica: usize) {
        for writer in &mut self.writers {
            if let Some(pending) = &mut writer.pending
                && pending.server == source
                && pending.number == number
                && !pending.received_by.contains(&replica)
            {
                pending.received_by.push(replica);
            }
        }
    }

    fn follow_write(&mut self, at: usize, now: u64) {
        let Some(pending) = self.writers[at].pending.clone() else { return };
        let sight = self.sight(Party::Client(at), pending.server);
        let is_broken = sight == Sight::Refuses || self.servers[pending.server].boot != pending.boot;
        if is_broken || now - pending.began > PATIENCE_MS {
            let writer = &mut self.writers[at];
            writer.unknown += 1;
            writer.pending = None;
            return;
        }
        if sight == Sight::Silent {
            return;
        }
        let by_semi_sync = match pending.waits_until {
            None => false,
            Some(_) if pending.received_by.len() >= self.servers[pending.server].semi_sync.wait_for => true,
            Some(until) if now >= until => {
                self.servers[pending.server].semi_sync.active = false;
                false
            }
            Some(_) => return,
        };
        let writer = &mut self.writers[at];
        writer.acknowledged.push(Acknowledged { number: pending.number, by_semi_sync });
        writer.pending = None;
    }

    /// Commits that wait for a semi-sync replica: they hold up a change of `read_only`.
    pub(super) fn has_waiting_commits(&self, server: usize) -> bool {
        self.writers.iter().filter_map(|writer| writer.pending.as_ref()).any(|pending| {
            pending.server == server
                && pending.waits_until.is_some()
                && pending.received_by.len() < self.servers[server].semi_sync.wait_for
                && pending.boot == self.servers[server].boot
        })
    }

    /// Sessions that wait for an acknowledgement.
    pub(super) fn waiting_sessions(&self, server: usize) -> u32 {
        u32::from(self.has_waiting_commits(server))
    }
}
