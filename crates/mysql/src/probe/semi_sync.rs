//! Semi-synchronous replication: variables and status in both spellings.

use model::SemiSync;

use super::asks::{Answers, Ask};
use super::knowledge::{Knowledge, Naming};
use crate::tables::{Table, is_on};

/// What the server says about semi-sync. What was not answered stays at "off".
pub(crate) fn read(answers: &Answers, knowledge: &Knowledge) -> SemiSync {
    let mut facts = SemiSync {
        available: knowledge.semi_sync_primary.is_some() && knowledge.semi_sync_replica.is_some(),
        primary_new_names: knowledge.semi_sync_primary == Some(Naming::New),
        replica_new_names: knowledge.semi_sync_replica == Some(Naming::New),
        ..SemiSync::default()
    };
    if let Some(row) = answers.get(Ask::SemiSync).and_then(Table::first) {
        let on = |name| row.text(&[name]).is_some_and(|text| is_on(&text));
        facts.primary_enabled = on("primary_enabled");
        facts.replica_enabled = on("replica_enabled");
        facts.primary_timeout_ms = row.number(&["primary_timeout"]).unwrap_or(0);
        facts.wait_for_replica_count = row.number(&["wait_count"]).unwrap_or(0);
    }
    if let Some(listing) = answers.get(Ask::SemiSyncStatus) {
        let value = |names: [&str; 2]| names.iter().find_map(|name| listing.named(name));
        let on = |names| value(names).is_some_and(|text| is_on(&text));
        let number = |names| value(names).and_then(|text| text.parse::<u32>().ok());
        facts.primary_active = on(["Rpl_semi_sync_source_status", "Rpl_semi_sync_master_status"]);
        facts.replica_active = on(["Rpl_semi_sync_replica_status", "Rpl_semi_sync_slave_status"]);
        facts.primary_clients =
            number(["Rpl_semi_sync_source_clients", "Rpl_semi_sync_master_clients"]).unwrap_or(0);
        facts.wait_sessions =
            number(["Rpl_semi_sync_source_wait_sessions", "Rpl_semi_sync_master_wait_sessions"]);
    }
    facts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables::fixtures::{table, vertical};

    #[test]
    fn status_is_read_in_both_spellings() {
        for (primary, replica) in [("source", "replica"), ("master", "slave")] {
            let mut answers = Answers::default();
            let variables = "primary_enabled: 1\nprimary_timeout: 10000\nwait_count: 2\nreplica_enabled: 0";
            let names = [
                format!("Rpl_semi_sync_{primary}_status"),
                format!("Rpl_semi_sync_{primary}_clients"),
                format!("Rpl_semi_sync_{primary}_wait_sessions"),
                format!("Rpl_semi_sync_{replica}_status"),
            ];
            let rows: Vec<[Option<&str>; 2]> = names
                .iter()
                .zip(["ON", "3", "7", "OFF"])
                .map(|(name, value)| [Some(name.as_str()), Some(value)])
                .collect();
            let rows: Vec<&[Option<&str>]> = rows.iter().map(|row| &row[..]).collect();
            answers.add(
                &[Ask::SemiSync, Ask::SemiSyncStatus],
                vec![vertical(variables), table(&["Variable_name", "Value"], &rows)],
            );
            let mut knowledge = Knowledge::default();
            knowledge.semi_sync_primary = Some(Naming::New);
            let facts = read(&answers, &knowledge);
            assert!(!facts.available && facts.primary_new_names && !facts.replica_new_names);
            assert!(facts.primary_enabled && facts.primary_active && !facts.replica_enabled);
            assert_eq!((facts.primary_timeout_ms, facts.wait_for_replica_count), (10_000, 2));
            assert_eq!((facts.primary_clients, facts.wait_sessions), (3, Some(7)));
        }
    }
}
