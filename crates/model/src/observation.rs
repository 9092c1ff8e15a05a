//! What one read of one server brought back, before it is placed in its cluster.

use crate::{Instance, InstanceKey, PromotionRule};

/// How far a read that failed had got. Decides whether the primary counts as partly reachable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadProgress {
    /// No connection, or the basic variables were not read.
    Nothing,
    /// The basic variables were read, something later failed.
    BasicVariables,
}

/// A successful read. Host names are as the server said them: resolving is the caller's work.
///
/// `instance` holds observed facts only: cluster name, depth, ancestry, co-primary flag, errant transactions and
/// timestamps are still empty.
#[derive(Clone, Debug, PartialEq)]
pub struct Observation {
    /// The facts.
    pub instance: Instance,
    /// Own name by the configured resolve method; equals the asked host name when the method is `none`.
    pub own_name: String,
    /// Results of the user's detection queries.
    pub detected: Detected,
    /// Statements that failed without failing the read, each with server error text; for logs and explanations.
    pub incomplete: Vec<String>,
}

/// Results of the user's `Detect*Query` settings. `None`: not configured, not asked, failed, or no row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Detected {
    /// `DetectClusterAliasQuery`.
    pub cluster_alias: Option<String>,
    /// `DetectClusterDomainQuery`.
    pub cluster_domain: Option<String>,
    /// `DetectPromotionRuleQuery`, already validated.
    pub promotion_rule: Option<PromotionRule>,
    /// `DetectDataCenterQuery`.
    pub data_center: Option<String>,
    /// `DetectRegionQuery`.
    pub region: Option<String>,
    /// `DetectPhysicalEnvironmentQuery`.
    pub physical_environment: Option<String>,
    /// `DetectInstanceAliasQuery`.
    pub instance_alias: Option<String>,
    /// `DetectSemiSyncEnforcedQuery`.
    pub semi_sync_priority: Option<u32>,
    /// `DetectPseudoGTIDQuery` answered `1`.
    pub pseudo_gtid: Option<bool>,
    /// `ReplicationLagQuery`: outer `None` = not asked or failed, inner `None` = the query said NULL.
    pub lag_seconds: Option<Option<i64>>,
    /// Replicas on the same cluster that NDB lists.
    pub ndb_nodes: Vec<InstanceKey>,
}
