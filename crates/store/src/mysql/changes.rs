//! Noticing what others changed, cheaply.
//!
//! The fingerprint of the backend is a sum over rows: of each row that [`crate::store::load_fleet`] takes over from
//! others, a checksum. Because it is a sum, the change that an own transaction makes is a difference that can be
//! measured inside it; what remains after subtracting the own differences changes only when somebody else wrote.
//! Facts about servers are not part of it (the node that polls writes them all the time); who is known is, and who wrote
//! the facts last.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use model::Command;

use crate::sql::{self, Db};

/// Table, what of a row counts, and which rows.
const WATCHED: &[(&str, &str, &str)] = &[
    ("database_instance", "hostname, port", "1 = 1"),
    (
        "database_instance_downtime",
        "hostname, port, begin_timestamp, end_timestamp, owner, reason",
        "downtime_active = 1",
    ),
    (
        "database_instance_maintenance",
        "hostname, port, database_instance_maintenance_id, end_timestamp, owner, reason",
        "maintenance_active = 1",
    ),
    ("candidate_database_instance", "hostname, port, promotion_rule", "1 = 1"),
    ("cluster_alias", "cluster_name, alias", "1 = 1"),
    ("cluster_alias_override", "cluster_name, alias", "1 = 1"),
    ("cluster_domain_name", "cluster_name, domain_name", "1 = 1"),
    ("hostname_resolve", "hostname, resolved_hostname", "1 = 1"),
    ("hostname_unresolve", "hostname, unresolved_hostname", "1 = 1"),
    (
        "database_instance_stale_binlog_coordinates",
        "hostname, port, binary_log_file, binary_log_pos",
        "1 = 1",
    ),
    ("database_instance_tags", "hostname, port, tag_name, tag_value", "1 = 1"),
    ("topology_failure_detection", "detection_id", "in_active_period = 1"),
    ("topology_recovery", "recovery_id", "in_active_period = 1"),
    ("global_recovery_disable", "disable_recovery", "1 = 1"),
];

/// As [`WATCHED`], where the rows are signed.
const AUTHORS: (&str, &str, &str) =
    ("database_instance_facts", "hostname, port, written_by", "written_by > 0");

/// The sum over all watched rows. A missing text counts as empty.
pub(super) fn fingerprint(db: &Db<'_>, has_authors: bool) -> sql::Result<u64> {
    let parts: Vec<_> = WATCHED
        .iter()
        .chain(has_authors.then_some(&AUTHORS))
        .map(|(table, columns, condition)| {
            format!(
                "select coalesce(sum(crc32(concat_ws('\\n', '{table}', {columns}))), 0) as part from {table}
                 where {condition}"
            )
        })
        .collect();
    let sums = sql::query(db, &parts.join(" union all "), [], |row| Ok(row.cell("part")?.int()))?;
    Ok(sums.into_iter().fold(0, |total, part| total.wrapping_add(part.cast_unsigned())))
}

/// Does work and, if wanted, measures by how much it changed the fingerprint.
pub(super) fn measured<T>(
    db: &Db<'_>,
    is_wanted: bool,
    has_authors: bool,
    work: impl FnOnce(&Db<'_>) -> sql::Result<T>,
) -> sql::Result<(T, u64)> {
    if !is_wanted {
        return Ok((work(db)?, 0));
    }
    let before = fingerprint(db, has_authors)?;
    let outcome = work(db)?;
    Ok((outcome, fingerprint(db, has_authors)?.wrapping_sub(before)))
}

/// A command that can change watched rows. The frequent ones that cannot are spared the measuring.
pub(super) fn is_watched(command: &Command) -> bool {
    !matches!(
        command,
        Command::RegisterNode { .. }
            | Command::WriteAudit(_)
            | Command::WriteAnalysis { .. }
            | Command::WriteRecoveryStep { .. }
            | Command::WriteBlockedRecovery { .. }
            | Command::JournalRecovery { .. }
            | Command::ResolveRecovery { .. }
            | Command::SetAttribute { .. }
            | Command::PutKeyValues { .. }
    )
}

#[derive(Default)]
struct Sum {
    /// All own changes so far.
    own: u64,
    /// Own watched transactions under way.
    under_way: u32,
    /// Own watched transactions begun so far.
    begun: u64,
    /// The last number told.
    last: u64,
}

/// What this process itself changed.
#[derive(Clone, Default)]
pub(super) struct OwnChanges(Arc<Mutex<Sum>>);

impl OwnChanges {
    /// Before an own transaction.
    pub(super) fn begin(&self, is_watched: bool) -> OwnChange {
        if is_watched {
            let mut sum = self.sum();
            sum.under_way += 1;
            sum.begun += 1;
        }
        OwnChange { changes: self.clone(), is_watched }
    }

    /// Before the fingerprint is taken.
    pub(super) fn look(&self) -> Look<'_> {
        let sum = self.sum();
        Look { changes: self, begun: (sum.under_way == 0).then_some(sum.begun) }
    }

    fn sum(&self) -> MutexGuard<'_, Sum> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An own transaction under way.
pub(super) struct OwnChange {
    changes: OwnChanges,
    is_watched: bool,
}

impl OwnChange {
    /// It was committed and changed the fingerprint by this much.
    pub(super) fn finish(self, difference: u64) {
        let mut sum = self.changes.sum();
        sum.own = sum.own.wrapping_add(difference);
    }
}

impl Drop for OwnChange {
    fn drop(&mut self) {
        if self.is_watched {
            self.changes.sum().under_way -= 1;
        }
    }
}

/// A look at the backend under way.
pub(super) struct Look<'a> {
    changes: &'a OwnChanges,
    begun: Option<u64>,
}

impl Look<'_> {
    /// The number to tell, and whether it is another one than last time. When own transactions were under way during
    /// the look, their part cannot be told from that of others, and the last number stays until the next look.
    pub(super) fn finish(self, fingerprint: u64) -> (u64, bool) {
        let mut sum = self.changes.sum();
        if self.begun != Some(sum.begun) {
            return (sum.last, false);
        }
        let number = fingerprint.wrapping_sub(sum.own);
        let is_new = number != sum.last;
        sum.last = number;
        (number, is_new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_changes_are_subtracted_and_others_are_not() {
        let changes = OwnChanges::default();
        assert_eq!(changes.look().finish(100), (100, true));
        changes.begin(true).finish(7);
        assert_eq!(changes.look().finish(107), (100, false));
        assert_eq!(changes.look().finish(110), (103, true));
    }

    #[test]
    fn a_look_beside_an_own_transaction_is_void() {
        let changes = OwnChanges::default();
        changes.look().finish(100);
        let look = changes.look();
        changes.begin(true).finish(7);
        assert_eq!(look.finish(107), (100, false));
        let own = changes.begin(true);
        assert_eq!(changes.look().finish(500), (100, false));
        drop(own);
        assert_eq!(changes.look().finish(107), (100, false));
    }
}
