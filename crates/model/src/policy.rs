//! What operators say about servers: promotion rules, downtime, maintenance, tags; and the policies decisions take.

use std::fmt;
use std::time::Duration;

use crate::{InstanceKey, Timestamp};

/// How much an operator wants a server to be promoted. Better rules compare smaller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PromotionRule {
    /// Honoured where stored; cannot be registered.
    Must,
    /// A candidate.
    Prefer,
    /// No opinion; the rule of every server without a row.
    #[default]
    Neutral,
    /// Only when nothing better exists.
    PreferNot,
    /// Never.
    MustNot,
}

impl PromotionRule {
    /// Spelling in configuration, backend and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Must => "must",
            Self::Prefer => "prefer",
            Self::Neutral => "neutral",
            Self::PreferNot => "prefer_not",
            Self::MustNot => "must_not",
        }
    }

    /// Reads a stored rule, `must` included; `None` for unknown text.
    pub fn from_stored(text: &str) -> Option<Self> {
        [Self::Must, Self::Prefer, Self::Neutral, Self::PreferNot, Self::MustNot]
            .into_iter()
            .find(|rule| rule.as_str() == text)
    }

    /// Reads a rule an operator or query asks for.
    ///
    /// # Errors
    /// `must` cannot be asked for, nor can unknown text; the texts are those users of the original know.
    pub fn parse(text: &str) -> Result<Self, String> {
        match Self::from_stored(text) {
            Some(Self::Must) => Err("CandidatePromotionRule: must not supported yet".to_owned()),
            Some(rule) => Ok(rule),
            None => Err(format!("Invalid CandidatePromotionRule: {text}")),
        }
    }

    /// `must` or `prefer`: the server is a registered candidate.
    pub fn is_candidate(self) -> bool {
        matches!(self, Self::Must | Self::Prefer)
    }
}

impl fmt::Display for PromotionRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A registered promotion rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The server.
    pub key: InstanceKey,
    /// The rule.
    pub rule: PromotionRule,
    /// When it was last suggested; rules expire from here.
    pub last_suggested: Timestamp,
}

/// Downtime of one server: analysed and shown, but nothing is done automatically.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Downtime {
    /// The server.
    pub key: InstanceKey,
    /// Who asked for it.
    pub owner: String,
    /// Why; `lost-in-recovery` is renewed until the server is well again.
    pub reason: String,
    /// Start.
    pub begin: Timestamp,
    /// End; `None` (only by manual SQL) means not downtimed.
    pub end: Option<Timestamp>,
}

impl Downtime {
    /// The reason written for servers left behind by a failover.
    pub const LOST_IN_RECOVERY: &'static str = "lost-in-recovery";

    /// In force at `now`.
    pub fn is_active(&self, now: Timestamp) -> bool {
        self.end.is_some_and(|end| end > now)
    }
}

/// Maintenance: an exclusive lock on a server, which also takes it out of the analysis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Maintenance {
    /// Row id, the token by which it can be ended.
    pub id: i64,
    /// The server.
    pub key: InstanceKey,
    /// Who asked for it.
    pub owner: String,
    /// Why.
    pub reason: String,
    /// Start.
    pub begin: Timestamp,
    /// End.
    pub end: Option<Timestamp>,
}

/// A tag of one server.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tag {
    /// Name, never empty.
    pub name: String,
    /// Value, may be empty.
    pub value: String,
}

/// Settings that replication rules and analyses depend on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnalysisPolicy {
    /// `InstancePollSeconds`.
    pub poll: Duration,
    /// `ReasonableInstanceCheckSeconds`.
    pub reasonable_check: Duration,
    /// `ReasonableReplicationLagSeconds`.
    pub reasonable_lag_seconds: i64,
    /// `ReasonableLockedSemiSyncMasterSeconds`, already substituted when 0.
    pub reasonable_locked_semi_sync: Duration,
    /// `ReduceReplicationAnalysisCount`.
    pub reduce_count: bool,
    /// `RecoverNonWriteableMaster`.
    pub recover_non_writeable: bool,
    /// `EnforceExactSemiSyncReplicas`.
    pub exact_semi_sync: bool,
    /// `RecoverLockedSemiSyncMaster`.
    pub recover_locked_semi_sync: bool,
    /// A server not checked for longer than this says nothing any more, good or bad. `None`: stored times are
    /// believed whatever their age, as a command on a backend that nobody polls into must.
    pub max_age: Option<Duration>,
    /// An unreachable primary is acted upon only when at least one readable replica fails to connect to it or is
    /// connecting, so that replication stopped by hand everywhere is not taken for a death.
    pub dead_needs_connect_failure: bool,
}

impl AnalysisPolicy {
    /// Polls after which an unchecked server counts as unknown: the span in which a check counts as recent.
    pub const FRESH_POLLS: u32 = 5;

    /// The age limit a daemon that polls by itself sets in [`Self::max_age`].
    pub fn freshness_limit(poll: Duration) -> Duration {
        poll.saturating_mul(Self::FRESH_POLLS)
    }
}

/// Settings for "can X replicate from Y", maintenance lag and relocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicationPolicy {
    /// `VerifyReplicationFilters`.
    pub verify_filters: bool,
    /// `LowerReplicaVersionAllowed`.
    pub lower_replica_version_allowed: bool,
    /// `ReasonableMaintenanceReplicationLagSeconds`.
    pub reasonable_maintenance_lag_seconds: i64,
}

/// Settings a failover is planned by. Host filters are already evaluated per server by the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailoverPolicy {
    /// `ApplyMySQLPromotionAfterMasterFailover`.
    pub apply_promotion: bool,
    /// `PreventCrossDataCenterMasterFailover`.
    pub prevent_cross_data_center: bool,
    /// `PreventCrossRegionMasterFailover`.
    pub prevent_cross_region: bool,
    /// `FailMasterPromotionOnLagMinutes`; zero = off.
    pub fail_on_lag: Duration,
    /// `FailMasterPromotionIfSQLThreadNotUpToDate`.
    pub fail_if_applier_behind: bool,
    /// `DelayMasterPromotionIfSQLThreadNotUpToDate`.
    pub delay_if_applier_behind: bool,
    /// `DetachLostReplicasAfterMasterFailover`, after its alias was taken into account.
    pub detach_lost_replicas: bool,
    /// `MasterFailoverDetachReplicaMasterHost`.
    pub detach_promoted_source: bool,
    /// `PreventMasterFailoverOnPossibleSemiSyncLoss`.
    pub prevent_semi_sync_loss: bool,
    /// A replica last seen that long before its primary may still have acknowledged the primary's last writes.
    pub recently_seen: Duration,
    /// `UseSuperReadOnly`.
    pub use_super_read_only: bool,
    /// `InstanceBulkOperationsWaitTimeoutSeconds`: longest wait for a relay log to drain.
    pub drain_timeout: Duration,
    /// `CoMasterRecoveryMustPromoteOtherCoMaster`.
    pub must_promote_other_co_primary: bool,
    /// `MaxConcurrentReplicaOperations`.
    pub concurrent_moves: u32,
    /// Replication rules.
    pub replication: ReplicationPolicy,
}
