//! What a server understands, decided once per connection from flavor and numeric version.
//!
//! The only place that compares versions: statements and readers ask a capability.

use model::{Flavor, ServerVersion};

/// Which statement family a server belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    /// MySQL and Percona Server.
    MySql,
    MariaDb,
    /// A binlog server: answers a handful of statements, one at a time.
    MaxScale,
}

/// What one server understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Capabilities {
    pub(crate) family: Family,
    /// `SHOW/START/STOP/RESET REPLICA` and `SHOW REPLICAS`.
    pub(crate) replica_words: bool,
    /// `CHANGE REPLICATION SOURCE TO`.
    pub(crate) change_source: bool,
    /// `SHOW BINARY LOG STATUS`.
    pub(crate) binary_log_status: bool,
    /// `SOURCE_POS_WAIT()`.
    pub(crate) source_pos_wait: bool,
    /// Functions that wait for a position know parts of a second. Elsewhere such a part is cut off, and 0 means for ever.
    pub(crate) short_waits: bool,
    /// `@@log_replica_updates`.
    pub(crate) log_replica_updates: bool,
    /// `@@gtid_mode` and relatives.
    pub(crate) oracle_gtid: bool,
    /// `FOR CHANNEL`.
    pub(crate) channels: bool,
    /// `@@super_read_only`.
    pub(crate) super_read_only: bool,
    /// `performance_schema.replication_connection_status` and `_configuration` with heartbeats.
    pub(crate) receiver_tables: bool,
    /// Heartbeats are status variables, of which `information_schema` has a table.
    pub(crate) heartbeat_status: bool,
    /// The receiver tables also tell when transactions came.
    pub(crate) receiver_timestamps: bool,
    /// The receiver tables also know `TLS_CIPHERSUITES`.
    pub(crate) receiver_cipher_suites: bool,
    /// Group replication with roles and single-primary mode.
    pub(crate) group_replication: bool,
    /// `performance_schema.processlist`.
    pub(crate) process_list_table: bool,
    /// `mysql.slave_master_info`.
    pub(crate) credentials_table: bool,
    /// `GTID_ONLY` of a channel.
    pub(crate) gtid_only: bool,
    /// `GET_SOURCE_PUBLIC_KEY` of a channel.
    pub(crate) get_public_key: bool,
    /// `TLS_CIPHERSUITES` of a channel.
    pub(crate) channel_cipher_suites: bool,
    /// `TLS_VERSION` of a channel.
    pub(crate) channel_tls_version: bool,
    /// A receiver that is connecting to a server that does not answer cannot be stopped before its network time-out. Seen
    /// on 11.8, not on 10.11.
    pub(crate) stop_waits_for_connect: bool,
    /// `Retrieved_Gtid_Set` names a transaction when its first event came; elsewhere when it came whole.
    pub(crate) counts_begun: bool,
    /// Several workers apply transactions, if the server is set up for it.
    pub(crate) parallel_applier: bool,
    /// A channel's delay can be changed while its receiver runs.
    pub(crate) delay_while_receiving: bool,
    /// `MASTER_DEMOTE_TO_SLAVE`.
    pub(crate) demote_to_replica: bool,
    /// NDB Cluster.
    pub(crate) ndb: bool,
    /// Longest host name a channel can hold, in characters.
    pub(crate) source_host_max: usize,
}

impl Capabilities {
    /// There is something to ask about receivers beside replication status.
    pub(crate) fn tells_receivers(&self) -> bool {
        self.receiver_tables || self.heartbeat_status
    }

    /// From the version a server reports.
    pub(crate) fn of(version: &ServerVersion) -> Self {
        let mysql = |major, minor, patch| version.is_mysql_at_least(major, minor, patch);
        let mariadb = |major, minor, patch| version.is_mariadb_at_least(major, minor, patch);
        let family = if version.is_binlog_server() {
            Family::MaxScale
        } else if version.flavor == Flavor::MariaDb {
            Family::MariaDb
        } else {
            Family::MySql
        };
        Self {
            family,
            replica_words: mysql(8, 0, 22),
            change_source: mysql(8, 0, 23),
            binary_log_status: mysql(8, 2, 0),
            source_pos_wait: mysql(8, 0, 26),
            short_waits: mysql(8, 0, 0),
            log_replica_updates: mysql(8, 0, 26),
            oracle_gtid: mysql(5, 6, 5),
            channels: mysql(5, 7, 6),
            super_read_only: mysql(5, 7, 8),
            receiver_tables: mysql(5, 7, 6),
            heartbeat_status: mysql(5, 5, 0) && !mysql(5, 7, 6),
            receiver_timestamps: mysql(8, 0, 1),
            receiver_cipher_suites: mysql(8, 0, 19),
            group_replication: mysql(8, 0, 2),
            process_list_table: mysql(8, 0, 22),
            credentials_table: mysql(5, 6, 0),
            gtid_only: mysql(8, 0, 27),
            get_public_key: mysql(8, 0, 4),
            channel_cipher_suites: mysql(8, 0, 19),
            channel_tls_version: mysql(5, 7, 10),
            stop_waits_for_connect: mariadb(11, 0, 0),
            counts_begun: mysql(5, 6, 5) && !mysql(5, 7, 5),
            parallel_applier: mysql(5, 7, 6),
            delay_while_receiving: mysql(5, 7, 4),
            demote_to_replica: mariadb(10, 10, 0),
            ndb: version.is_ndb(),
            source_host_max: if mysql(8, 0, 17) || mariadb(10, 6, 0) { 255 } else { 60 },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Capabilities {
        Capabilities::of(&ServerVersion::new(text, ""))
    }

    #[test]
    fn words_follow_the_version_that_introduced_them() {
        let words = |text| {
            let c = of(text);
            (c.replica_words, c.change_source, c.source_pos_wait, c.binary_log_status)
        };
        assert_eq!(words("5.7.44"), (false, false, false, false));
        assert_eq!(words("8.0.9"), (false, false, false, false));
        assert_eq!(words("8.0.22"), (true, false, false, false));
        assert_eq!(words("8.0.23"), (true, true, false, false));
        assert_eq!(words("8.0.36"), (true, true, true, false));
        assert_eq!(words("8.3.0"), (true, true, true, true));
        assert_eq!(words("10.0.1"), (true, true, true, true));
        assert_eq!(words("11.4.2-MariaDB"), (false, false, false, false));
    }

    #[test]
    fn families() {
        assert_eq!(of("9.7.0").family, Family::MySql);
        assert_eq!(of("5.5.5-10.6.12-MariaDB-log").family, Family::MariaDb);
        assert_eq!(of("2.1.0-maxscale").family, Family::MaxScale);
        assert!(!of("10.6.12-MariaDB").super_read_only && of("8.4.0").super_read_only);
        assert!(of("10.11.6-MariaDB").demote_to_replica && !of("10.6.12-MariaDB").demote_to_replica);
        let waits = |text| of(text).short_waits;
        assert!(waits("8.0.36") && !waits("5.6.24-log") && !waits("11.8.6-MariaDB"));
        assert!(of("5.7.44").delay_while_receiving && !of("5.6.24-log").delay_while_receiving);
        assert!(
            of("11.8.6-MariaDB").stop_waits_for_connect && !of("10.11.19-MariaDB").stop_waits_for_connect
        );
        assert!(!of("8.4.0").stop_waits_for_connect);
        assert!(!of("11.8.6-MariaDB").delay_while_receiving);
        let heartbeats = |text| (of(text).heartbeat_status, of(text).receiver_tables);
        assert_eq!(heartbeats("5.6.24-log"), (true, false));
        assert_eq!(heartbeats("5.7.44"), (false, true));
        assert_eq!(heartbeats("10.5.23-MariaDB"), (false, false));
        assert_eq!((of("8.0.16").source_host_max, of("8.0.17").source_host_max), (60, 255));
    }
}
