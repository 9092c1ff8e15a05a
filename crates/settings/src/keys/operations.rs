//! Keys of moving replicas, and of Pseudo-GTID.

use std::time::Duration;

use crate::key::Unit::Seconds;
use crate::key::group;
use crate::resolve::{count, flag, list, span, text};

group! {
    /// Moving replicas and changing servers.
    "Operations" Operations {
        /// Whenever `read_only` is set or cleared, do the same to `super_read_only` (not on MariaDB).
        53 UseSuperReadOnly => use_super_read_only: bool = flag(false);
        /// Allow a replica of a lower version than its source.
        64 LowerReplicaVersionAllowed => lower_version_allowed: bool = flag(false);
        /// Refuse to put an unfiltered replica below a source with replication filters.
        80 VerifyReplicationFilters => verify_filters: bool = flag(false);
        /// Lag above which moves and planned takeovers are refused; not less than `ReasonableReplicationLagSeconds`.
        81 ReasonableMaintenanceReplicationLagSeconds => reasonable_lag: Duration =
            span(20, Seconds).at_least(0);
        /// Longest wait per server when many replicas are stopped together.
        72 InstanceBulkOperationsWaitTimeoutSeconds => bulk_wait: Duration =
            span(10, Seconds).unsigned().at_least(1);
        /// Replicas moved at once by GTID.
        196 MaxConcurrentReplicaOperations => concurrency: u32 = count(5).at_least(1);
        /// Events read at once when logs are searched.
        142 BinlogEventsChunkSize => events_chunk: u32 = count(10_000).at_least(1);
        /// Texts; events that contain one are left out when logs are compared.
        143 SkipBinlogEventsContaining => skipped_events: Vec<String> = list(&[]),
            no_effect("positions are compared by coordinates and GTID, not by the events of logs");
    }
}

group! {
    /// Pseudo-GTID, of use only for replication without GTID. New installations leave all keys alone.
    "Pseudo-GTID" PseudoGtid {
        /// Inject Pseudo-GTID statements, and set the four following keys accordingly.
        137 AutoPseudoGTID => auto: bool = flag(false),
            no_effect("Pseudo-GTID is not supported; use GTID");
        /// Regular expression (or text) that tells Pseudo-GTID entries; empty switches Pseudo-GTID off.
        138 PseudoGTIDPattern => pattern: String = text(""),
            no_effect("Pseudo-GTID is not supported; use GTID");
        /// The pattern is a plain text.
        139 PseudoGTIDPatternIsFixedSubstring => pattern_is_text: bool = flag(false),
            no_effect("Pseudo-GTID is not supported; use GTID");
        /// Text whose presence tells that entries grow monotonically.
        140 PseudoGTIDMonotonicHint => monotonic_hint: String = text(""),
            no_effect("Pseudo-GTID is not supported; use GTID");
        /// Query that yields 1 if the server has Pseudo-GTID.
        141 DetectPseudoGTIDQuery => detect_query: String = text("");
    }
}
