//! Records of detections, recoveries and their audit, as the backend keeps them.

use crate::{AnalysisCode, BinlogCoordinates, InstanceKey, Timestamp};

/// What kind of recovery ran. Spelled for JSON field `Type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecoveryKind {
    /// Failover or takeover of a primary.
    Primary,
    /// Of a co-primary.
    CoPrimary,
    /// Replicas of an intermediate primary re-homed.
    IntermediatePrimary,
    /// Replicas of a group member re-homed.
    GroupMember,
}

impl RecoveryKind {
    /// JSON spelling.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Primary => "MasterRecovery",
            Self::CoPrimary => "CoMasterRecovery",
            Self::IntermediatePrimary => "IntermediateMasterRecovery",
            Self::GroupMember => "ReplicationGroupMemberRecovery",
        }
    }
}

/// How replicas are regrouped. Spelled for JSON field `RecoveryType`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RegroupMode {
    /// Not a recovery of a primary.
    #[default]
    NotPrimary,
    /// By GTID, of either family.
    Gtid,
    /// By Pseudo-GTID or plain coordinates.
    PseudoGtid,
    /// Through binlog servers.
    BinlogServer,
}

impl RegroupMode {
    /// JSON spelling.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotPrimary => "NotMasterRecovery",
            Self::Gtid => "MasterRecoveryGTID",
            Self::PseudoGtid => "MasterRecoveryPseudoGTID",
            Self::BinlogServer => "MasterRecoveryBinlogServer",
        }
    }
}

/// What was wrong when a detection or recovery was registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// The failed server.
    pub key: InstanceKey,
    /// The code.
    pub code: AnalysisCode,
    /// Cluster name at that time.
    pub cluster_name: String,
    /// Cluster alias at that time.
    pub cluster_alias: String,
    /// Direct replicas.
    pub count_replicas: u32,
    /// The direct replicas, sorted.
    pub replicas: Vec<InstanceKey>,
}

/// A node and the process on it, as written into records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeIdentity {
    /// Host name.
    pub hostname: String,
    /// 64 hexadecimal digits, new for each process.
    pub token: String,
}

/// A row of `topology_failure_detection`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detection {
    /// `detection_id`.
    pub id: i64,
    /// What was wrong.
    pub case: Case,
    /// Still in its active period.
    pub in_active_period: bool,
    /// Start of the active period.
    pub start_active_period: Timestamp,
    /// Who registered it.
    pub node: NodeIdentity,
    /// A recovery existed for the code.
    pub is_actionable: bool,
    /// Highest `recovery_id` that names this detection; 0 when none.
    pub related_recovery_id: i64,
}

/// A row of `topology_recovery`, plus what only a running recovery knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// `recovery_id`; 0 before registration.
    pub id: i64,
    /// `<unix nanoseconds>:<64 hexadecimal digits>`.
    pub uid: String,
    /// What was wrong.
    pub case: Case,
    /// In its active period (not: in progress).
    pub in_active_period: bool,
    /// Start.
    pub start: Timestamp,
    /// End of healing; `None` while running.
    pub end: Option<Timestamp>,
    /// Who ran it.
    pub node: NodeIdentity,
    /// A server was promoted (or the fix worked).
    pub is_successful: bool,
    /// The promoted server.
    pub successor: Option<InstanceKey>,
    /// Its alias.
    pub successor_alias: String,
    /// Its own binary log coordinates at promotion; not stored.
    pub successor_coordinates: Option<BinlogCoordinates>,
    /// Servers left behind.
    pub lost_replicas: Vec<InstanceKey>,
    /// Servers that took part.
    pub participating: Vec<InstanceKey>,
    /// Errors, in order.
    pub errors: Vec<String>,
    /// Acknowledged by an operator or implicitly.
    pub acknowledged: bool,
    /// When.
    pub acknowledged_at: Option<Timestamp>,
    /// By whom.
    pub acknowledged_by: String,
    /// With what comment.
    pub acknowledge_comment: String,
    /// Highest detection of the server at registration; 0 when none.
    pub last_detection_id: i64,
    /// Kind; not stored.
    pub kind: Option<RecoveryKind>,
    /// Regroup mode; not stored.
    pub mode: RegroupMode,
}

/// One step message of a recovery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecoveryStep {
    /// `recovery_step_id`.
    pub id: i64,
    /// The recovery (or detection) it belongs to.
    pub recovery_uid: String,
    /// When.
    pub at: Timestamp,
    /// Text.
    pub message: String,
}

/// A recovery that was refused because of an earlier one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockedRecovery {
    /// The failed server.
    pub key: InstanceKey,
    /// Its cluster.
    pub cluster_name: String,
    /// The code.
    pub code: AnalysisCode,
    /// When it was last refused.
    pub last_blocked: Timestamp,
    /// The recovery in the way.
    pub blocking_recovery_id: i64,
}

/// One line of the general audit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRecord {
    /// Row id; 0 before it is written.
    pub id: i64,
    /// When.
    pub at: Timestamp,
    /// `discover`, `begin-downtime`, …
    pub kind: String,
    /// The server; `None` for acts on no server.
    pub key: Option<InstanceKey>,
    /// Its cluster at that time; empty when unknown.
    pub cluster_name: String,
    /// Text.
    pub message: String,
}

/// Which recoveries an acknowledgement means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AcknowledgeScope {
    /// Every unacknowledged one.
    All,
    /// By row id.
    Id(i64),
    /// By UID.
    Uid(String),
    /// Of a failed server; clears its detections too.
    Instance(InstanceKey),
    /// Of a cluster by name and, when not empty, by alias; clears its detections too.
    Cluster {
        /// Cluster name.
        name: String,
        /// Alias; empty when unknown.
        alias: String,
    },
    /// Finished recoveries of a server that is being recovered by force.
    FinishedOf(InstanceKey),
}
