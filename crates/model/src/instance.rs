//! One server as it was last observed, and the predicates every rule is built from.
//!
//! An [`Instance`] is plain data: what the server said ([`crate::Observation`]), where it stands in its
//! cluster (name, depth, co-primary) and when it was read. What operators say about a server (downtime,
//! promotion rule, tags) is not here: it lives beside the instances in [`crate::Fleet`].

use std::time::Duration;

use crate::{BinlogCoordinates, Flavor, InstanceKey, Recorded, ServerVersion, Timestamp};

/// State of a replication thread, as the integer the wire and the backend use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ThreadState {
    /// The server has no such thread: it is not configured as a replica.
    #[default]
    Absent,
    /// `No`.
    Stopped,
    /// `Yes`.
    Running,
    /// `Connecting`, `Preparing` or anything else.
    Other,
}

impl ThreadState {
    /// The number stored in `replication_io_thread_state` and shown in JSON: -1, 0, 1 or 2.
    pub fn code(self) -> i64 {
        match self {
            Self::Absent => -1,
            Self::Stopped => 0,
            Self::Running => 1,
            Self::Other => 2,
        }
    }

    /// Inverse of [`Self::code`]; unknown numbers are [`Self::Other`].
    pub fn from_code(code: i64) -> Self {
        match code {
            -1 => Self::Absent,
            0 => Self::Stopped,
            1 => Self::Running,
            _ => Self::Other,
        }
    }

    /// From the text of `Slave_IO_Running` and its siblings.
    pub fn from_status(text: &str) -> Self {
        match text {
            "No" => Self::Stopped,
            "Yes" => Self::Running,
            _ => Self::Other,
        }
    }

    /// True only for [`Self::Running`].
    pub fn is_running(self) -> bool {
        self == Self::Running
    }
}

/// Whether a replica uses global transaction identifiers to find its place, and whose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GtidUse {
    /// File and position.
    None,
    /// `SOURCE_AUTO_POSITION=1`.
    Oracle,
    /// `MASTER_USE_GTID` is not `no`.
    MariaDb,
}

/// How the applier and receiver of a replica stand, from its replication status.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Replication {
    /// The receiver: reads the primary's binary log into the relay log.
    pub io_thread: ThreadState,
    /// The applier: executes the relay log.
    pub sql_thread: ThreadState,
    /// Received coordinates, in the primary's binary log.
    pub read: BinlogCoordinates,
    /// Executed coordinates, in the primary's binary log.
    pub exec: BinlogCoordinates,
    /// Position in the replica's own relay log.
    pub relay: BinlogCoordinates,
    /// `Last_IO_Error` without quoting; empty when there is none.
    pub last_io_error: String,
    /// `Last_IO_Errno`; 0 when there is none or it was not read.
    pub last_io_errno: u32,
    /// `Last_SQL_Error` without quoting; empty when there is none.
    pub last_sql_error: String,
    /// `Last_SQL_Errno`; 0 when there is none or it was not read.
    pub last_sql_errno: u32,
    /// `Seconds_Behind_Source`; `None` for NULL. Never negative.
    pub seconds_behind: Option<i64>,
    /// Configured delay, seconds.
    pub sql_delay: u32,
    /// `Auto_Position` is 1.
    pub oracle_gtid: bool,
    /// `Using_Gtid` is not `No`.
    pub mariadb_gtid: bool,
    /// Server UUID of the primary; `No` when the server has no such column, empty when not a replica.
    pub primary_uuid: String,
    /// Any replication filter is set.
    pub has_filters: bool,
    /// A replication user is configured.
    pub has_credentials: bool,
    /// `Retrieved_Gtid_Set` (MySQL) or `Gtid_IO_Pos` (MariaDB), as text; empty when unknown.
    pub retrieved_gtid: String,
    /// TLS profile to send again with every change of source.
    pub tls: ReplicationTls,
    /// Heartbeat facts that tell a stalled receiver from an idle one; `None` when the server has none.
    pub heartbeat: Option<ReceiverHeartbeat>,
    /// The receiver is known to have received nothing, not even a heartbeat, for at least this long. A lower bound
    /// proven by comparing reads; zero when nothing is proven. Not stored.
    pub receiver_idle: Duration,
    /// The applier is known to have applied nothing of what waits for it for at least this long, though it runs. A
    /// lower bound proven by comparing reads; zero when nothing is proven. Not stored.
    pub applier_idle: Duration,
}

impl Replication {
    /// The source owes heartbeats and is known to have sent nothing for longer than it may.
    pub(crate) fn is_source_silent(&self) -> bool {
        self.silence_limit().is_some_and(|limit| self.receiver_idle > limit)
    }

    /// How long the receiver may receive nothing before its source counts as silent; `None` when it owes no heartbeats.
    pub fn silence_limit(&self) -> Option<Duration> {
        let heartbeat = self.heartbeat.as_ref().filter(|heartbeat| !heartbeat.period.is_zero())?;
        Some(heartbeat.period * 2 + SILENCE_MARGIN)
    }
}

/// What a loaded machine may add to two heartbeat periods before silence counts.
const SILENCE_MARGIN: Duration = Duration::from_millis(200);

/// What a receiver knows about its primary's heartbeats.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ReceiverHeartbeat {
    /// Configured period; zero means heartbeats are off.
    pub period: Duration,
    /// Heartbeats received since the thread started.
    pub received: u64,
    /// Time since the last heartbeat by the replica's own clock, at the moment of the read; `None` = never. A busy source
    /// sends events instead of heartbeats, so a large age alone proves nothing.
    pub age: Option<Duration>,
    /// Time since anything came, a whole transaction or a heartbeat, by the replica's own clock; `None` while a
    /// transaction is coming in, and for servers that do not tell. It may reach back before the present connection. Not
    /// stored.
    pub silent_for: Option<Duration>,
}

/// TLS and key settings of a replica's channel to its source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReplicationTls {
    /// Replicates over TLS.
    pub allowed: bool,
    /// `SOURCE_SSL_CA`.
    pub ca_file: String,
    /// `SOURCE_SSL_CAPATH`.
    pub ca_path: String,
    /// `SOURCE_SSL_CERT`.
    pub cert: String,
    /// `SOURCE_SSL_CIPHER`.
    pub cipher: String,
    /// `SOURCE_SSL_CRL`.
    pub crl_file: String,
    /// `SOURCE_SSL_CRLPATH`.
    pub crl_path: String,
    /// `SOURCE_SSL_KEY`.
    pub key: String,
    /// `SOURCE_SSL_VERIFY_SERVER_CERT`; `None` when the server does not say.
    pub verify_server_cert: Option<bool>,
    /// `SOURCE_TLS_VERSION`.
    pub tls_version: String,
    /// `SOURCE_TLS_CIPHERSUITES`.
    pub ciphersuites: String,
    /// `SOURCE_PUBLIC_KEY_PATH`.
    pub public_key_path: String,
    /// `GET_SOURCE_PUBLIC_KEY`; `None` when the server does not say.
    pub get_public_key: Option<bool>,
}

/// Semi-synchronous replication of one server. Timeouts in milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SemiSync {
    /// Both the primary and the replica side are installed.
    pub available: bool,
    /// Primary side switched on.
    pub primary_enabled: bool,
    /// Replica side switched on.
    pub replica_enabled: bool,
    /// The primary-side plugin uses the `source` names.
    pub primary_new_names: bool,
    /// The replica-side plugin uses the `replica` names.
    pub replica_new_names: bool,
    /// `rpl_semi_sync_source_timeout`, milliseconds.
    pub primary_timeout_ms: u64,
    /// Acknowledgements a commit waits for. MariaDB has no such variable and stores 0; it waits for one.
    pub wait_for_replica_count: u32,
    /// Semi-sync is in effect on the primary (not fallen back to asynchronous).
    pub primary_active: bool,
    /// Connected semi-sync replicas.
    pub primary_clients: u32,
    /// Sessions waiting for an acknowledgement at the moment of the read; `None` when not reported.
    pub wait_sessions: Option<u32>,
    /// Semi-sync is in effect on the replica.
    pub replica_active: bool,
    /// Result of the priority query; 0 = always asynchronous, higher = preferred.
    pub priority: u32,
}

/// Membership in a MySQL replication group; empty name = no member.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupMembership {
    /// Group name; empty when the server is no member.
    pub name: String,
    /// Single-primary mode. Multi-primary groups are not recorded at all.
    pub single_primary: bool,
    /// `ONLINE`, `RECOVERING`, `ERROR`.
    pub member_state: String,
    /// `PRIMARY` or `SECONDARY`.
    pub member_role: String,
    /// The other members, sorted.
    pub members: Vec<InstanceKey>,
    /// The group's primary; `None` when unknown.
    pub primary: Option<InstanceKey>,
}

/// One server. See the module documentation for what is deliberately absent.
#[derive(Clone, Debug, PartialEq)]
pub struct Instance {
    /// Identity.
    pub key: InstanceKey,
    /// Result of the alias query.
    pub alias: String,
    /// Seconds since the server started.
    pub uptime: u64,
    /// `@@server_id`.
    pub server_id: u32,
    /// `@@server_uuid`; empty on MariaDB.
    pub server_uuid: String,
    /// Version and flavour.
    pub version: ServerVersion,
    /// `@@version_comment`.
    pub version_comment: String,
    /// `@@read_only`.
    pub read_only: bool,
    /// `@@super_read_only`; `None` when the server has none (MariaDB) or it was never read.
    pub super_read_only: Option<bool>,
    /// `STATEMENT`, `MIXED`, `ROW`, `INHERIT`.
    pub binlog_format: String,
    /// `@@binlog_row_image`.
    pub binlog_row_image: String,
    /// `@@log_bin`.
    pub log_bin: bool,
    /// `@@log_replica_updates`.
    pub log_replica_updates: bool,
    /// The server's own binary log position.
    pub self_coordinates: BinlogCoordinates,
    /// The server it replicates from; empty key when it is no replica, `//host` when detached.
    pub primary_key: InstanceKey,
    /// Replication threads and coordinates.
    pub replication: Replication,
    /// `@@gtid_mode`; empty on MariaDB.
    pub gtid_mode: String,
    /// `gtid_mode` is neither empty nor `OFF`.
    pub supports_oracle_gtid: bool,
    /// Pseudo-GTID is injected in its cluster.
    pub pseudo_gtid: bool,
    /// `@@gtid_executed` on MySQL. Always empty on MariaDB, as clients of the API expect.
    pub executed_gtid: String,
    /// `@@gtid_current_pos` on MariaDB, `@@gtid_binlog_pos` when that is empty.
    pub mariadb_gtid_position: String,
    /// `@@gtid_purged`.
    pub gtid_purged: String,
    /// Transactions of this server that its primary lacks.
    pub gtid_errant: String,
    /// Result of the lag query, else seconds behind; `None` when unknown.
    pub lag_seconds: Option<i64>,
    /// Direct replicas as the server lists them, sorted.
    pub replicas: Vec<InstanceKey>,
    /// Name of its cluster: usually `host:port` of the primary.
    pub cluster_name: String,
    /// Alias the cluster should have, as far as this server knows.
    pub suggested_cluster_alias: String,
    /// Data center, from pattern or query.
    pub data_center: String,
    /// Region, from pattern or query.
    pub region: String,
    /// Physical environment, from pattern or query.
    pub physical_environment: String,
    /// Hops from the cluster's primary.
    pub depth: u32,
    /// It and its primary replicate from each other.
    pub is_co_primary: bool,
    /// Comma list of server UUIDs from the primary down to this server.
    pub ancestry_uuid: String,
    /// Replication credentials can be fetched from it.
    pub credentials_available: bool,
    /// Semi-synchronous replication.
    pub semi_sync: SemiSync,
    /// Group replication.
    pub group: GroupMembership,
    /// How long the last read took.
    pub last_discovery_latency: Duration,
    /// When the last read, good or bad, ended.
    pub last_checked: Option<Timestamp>,
    /// When the last read began, if it took longer than a second, else when it ended.
    pub last_attempted_check: Option<Timestamp>,
    /// When the last good read ended.
    pub last_seen: Option<Timestamp>,
    /// The last failed read got as far as the basic variables.
    pub last_check_partial_success: bool,
    /// What its row says otherwise than the facts above.
    pub recorded: Recorded,
}

impl Instance {
    /// A server of which nothing is known but its key.
    pub fn unknown(key: InstanceKey) -> Self {
        Self {
            key,
            alias: String::new(),
            uptime: 0,
            server_id: 0,
            server_uuid: String::new(),
            version: ServerVersion::default(),
            version_comment: String::new(),
            read_only: false,
            super_read_only: None,
            binlog_format: String::new(),
            binlog_row_image: String::new(),
            log_bin: false,
            log_replica_updates: false,
            self_coordinates: BinlogCoordinates::default(),
            primary_key: InstanceKey::none(),
            replication: Replication::default(),
            gtid_mode: String::new(),
            supports_oracle_gtid: false,
            pseudo_gtid: false,
            executed_gtid: String::new(),
            mariadb_gtid_position: String::new(),
            gtid_purged: String::new(),
            gtid_errant: String::new(),
            lag_seconds: None,
            replicas: Vec::new(),
            cluster_name: String::new(),
            suggested_cluster_alias: String::new(),
            data_center: String::new(),
            region: String::new(),
            physical_environment: String::new(),
            depth: 0,
            is_co_primary: false,
            ancestry_uuid: String::new(),
            credentials_available: false,
            semi_sync: SemiSync::default(),
            group: GroupMembership::default(),
            last_discovery_latency: Duration::ZERO,
            last_checked: None,
            last_attempted_check: None,
            last_seen: None,
            last_check_partial_success: false,
            recorded: Recorded::default(),
        }
    }

    /// Replicates from another server by configuration, whether or not its threads run.
    pub fn is_replica(&self) -> bool {
        let source = &self.primary_key;
        !source.hostname().is_empty()
            && source.hostname() != "_"
            && source.port() != 0
            && (!self.replication.read.file.is_empty() || self.uses_gtid())
    }

    /// Not a replica, and not a secondary of a replication group.
    pub fn is_primary(&self) -> bool {
        !self.is_replica() && (!self.is_group_member() || self.group.member_role == "PRIMARY")
    }

    /// Its recorded source was detached (`//host`).
    pub fn has_detached_source(&self) -> bool {
        self.primary_key.is_detached()
    }

    /// Its executed coordinates carry a detached position (the older form of detaching).
    pub fn is_detached(&self) -> bool {
        self.replication.exec.is_detached()
    }

    /// A replica with both threads running.
    pub fn is_replicating(&self) -> bool {
        self.is_replica()
            && self.replication.io_thread.is_running()
            && self.replication.sql_thread.is_running()
    }

    /// Both threads are stopped.
    pub fn is_replication_stopped(&self) -> bool {
        self.replication.io_thread == ThreadState::Stopped
            && self.replication.sql_thread == ThreadState::Stopped
    }

    /// Oracle or MariaDB GTID in use on its channel.
    pub fn uses_gtid(&self) -> bool {
        self.replication.oracle_gtid || self.replication.mariadb_gtid
    }

    /// The GTID kind its channel uses.
    pub fn gtid_use(&self) -> GtidUse {
        if self.replication.oracle_gtid {
            GtidUse::Oracle
        } else if self.replication.mariadb_gtid {
            GtidUse::MariaDb
        } else {
            GtidUse::None
        }
    }

    /// Writes what it applies to its own binary log, so it can have replicas.
    pub fn logs_updates(&self) -> bool {
        self.log_bin && self.log_replica_updates
    }

    /// The relay log is fully applied.
    pub fn is_applier_up_to_date(&self) -> bool {
        self.replication.read.same_place(&self.replication.exec)
    }

    /// Acknowledgements a commit on this server waits for while semi-sync is in effect; 0 when that is not enabled.
    ///
    /// MariaDB has no variable for it and waits for one.
    pub fn awaited_acknowledgements(&self) -> u32 {
        match (self.is_mariadb(), self.semi_sync.primary_enabled) {
            (true, true) => self.semi_sync.wait_for_replica_count.max(1),
            (true, false) | (false, _) => self.semi_sync.wait_for_replica_count,
        }
    }

    /// MariaDB flavour.
    pub fn is_mariadb(&self) -> bool {
        self.version.flavor == Flavor::MariaDb
    }

    /// A binlog server (MaxScale).
    pub fn is_binlog_server(&self) -> bool {
        self.version.is_binlog_server()
    }

    /// Member of a (single-primary) replication group.
    pub fn is_group_member(&self) -> bool {
        !self.group.name.is_empty()
    }

    /// The last read succeeded: `last_checked <= last_seen`.
    pub fn is_last_check_valid(&self) -> bool {
        match (self.last_checked, self.last_seen) {
            (Some(checked), Some(seen)) => checked <= seen,
            (None, _) | (_, None) => false,
        }
    }

    /// Last read no longer than `age` ago.
    pub fn is_checked_within(&self, age: Duration, now: Timestamp) -> bool {
        self.last_checked.is_some_and(|at| now.saturating_since(at) <= age)
    }

    /// Whether `other` is an ancestor, by UUID.
    pub fn is_descendant_of(&self, other: &Instance) -> bool {
        !other.server_uuid.is_empty()
            && other.key != self.key
            && self.ancestry_uuid.split(',').any(|uuid| uuid == other.server_uuid)
    }

    /// Lag small enough for maintenance; an unknown lag counts as none, as operators of the original expect.
    pub fn has_maintenance_lag(&self, reasonable_seconds: i64) -> bool {
        let behind = self.replication.seconds_behind.unwrap_or(0);
        if self.replication.sql_delay > 0 {
            (behind - i64::from(self.replication.sql_delay)).abs() <= reasonable_seconds
        } else {
            behind <= reasonable_seconds
        }
    }
}
