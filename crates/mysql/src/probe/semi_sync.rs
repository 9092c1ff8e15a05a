//! Semi-synchronous replication, in either spelling of either side.

use model::SemiSync;

use crate::tables::{Table, is_on};

/// From the listings of variables and status; either may be missing.
pub(super) fn read(variables: Option<&Table>, status: Option<&Table>) -> SemiSync {
    let mut semi_sync = SemiSync::default();
    if let Some(variables) = variables {
        let get = |new: &str, old: &str| match variables.named(new) {
            Some(value) => Some((value.into_owned(), true)),
            None => variables.named(old).map(|value| (value.into_owned(), false)),
        };
        let primary = get("rpl_semi_sync_source_enabled", "rpl_semi_sync_master_enabled");
        let replica = get("rpl_semi_sync_replica_enabled", "rpl_semi_sync_slave_enabled");
        semi_sync.available = primary.is_some() && replica.is_some();
        if let Some((value, is_new)) = primary {
            semi_sync.primary_enabled = is_on(&value);
            semi_sync.primary_new_names = is_new;
        }
        if let Some((value, is_new)) = replica {
            semi_sync.replica_enabled = is_on(&value);
            semi_sync.replica_new_names = is_new;
        }
        let number = |new, old| get(new, old).and_then(|(value, _)| value.parse::<u64>().ok()).unwrap_or(0);
        semi_sync.primary_timeout_ms = number("rpl_semi_sync_source_timeout", "rpl_semi_sync_master_timeout");
        let wait_count = number(
            "rpl_semi_sync_source_wait_for_replica_count",
            "rpl_semi_sync_master_wait_for_slave_count",
        );
        semi_sync.wait_for_replica_count = u32::try_from(wait_count).unwrap_or(u32::MAX);
    }
    if let Some(status) = status {
        let get = |new: &str, old: &str| status.named(new).or_else(|| status.named(old));
        let number = |new, old| get(new, old).and_then(|value| value.parse::<u32>().ok());
        semi_sync.primary_active = get("Rpl_semi_sync_source_status", "Rpl_semi_sync_master_status")
            .is_some_and(|text| is_on(&text));
        semi_sync.replica_active = get("Rpl_semi_sync_replica_status", "Rpl_semi_sync_slave_status")
            .is_some_and(|text| is_on(&text));
        semi_sync.primary_clients =
            number("Rpl_semi_sync_source_clients", "Rpl_semi_sync_master_clients").unwrap_or(0);
        semi_sync.wait_sessions =
            number("Rpl_semi_sync_source_wait_sessions", "Rpl_semi_sync_master_wait_sessions");
    }
    semi_sync
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables::fixtures::table;

    #[test]
    fn both_spellings_are_understood_side_by_side() {
        let columns = ["Variable_name", "Value"];
        let variables = table(
            &columns,
            &[
                &[Some("rpl_semi_sync_source_enabled"), Some("ON")],
                &[Some("rpl_semi_sync_source_wait_for_replica_count"), Some("2")],
                &[Some("rpl_semi_sync_slave_enabled"), Some("OFF")],
            ],
        );
        let status = table(
            &columns,
            &[
                &[Some("Rpl_semi_sync_source_status"), Some("ON")],
                &[Some("Rpl_semi_sync_source_clients"), Some("1")],
                &[Some("Rpl_semi_sync_source_wait_sessions"), Some("3")],
            ],
        );
        let read = read(Some(&variables), Some(&status));
        assert!(read.available && read.primary_enabled && read.primary_new_names);
        assert!(!read.replica_enabled && !read.replica_new_names && read.primary_active);
        assert_eq!((read.wait_for_replica_count, read.primary_clients, read.wait_sessions), (2, 1, Some(3)));
    }
}
