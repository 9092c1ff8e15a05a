//! Names and results of failure analysis. The rules that produce them are in `decide`.

use std::fmt;

use crate::recovery::Case;
use crate::{BinlogCoordinates, Diagnosis, InstanceKey};

macro_rules! codes {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$doc])* $variant,)+ }

        impl $name {
            /// Every code, in declaration order.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// Spelling at the wire, in the backend and in hooks.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => stringify!($variant),)+ }
            }

            /// From its spelling; `None` for unknown text.
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|code| code.as_str() == text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(self.as_str()) }
        }
    };
}

codes! {
    /// What is wrong with one server, seen from itself and its replicas. The spelling is a contract with scripts.
    AnalysisCode {
        /// Nothing matched.
        NoProblem,
        /// Unreachable primary without any replica.
        DeadMasterWithoutReplicas,
        /// Unreachable primary; all replicas are readable and none replicates.
        DeadMaster,
        /// Unreachable primary; no replica is readable either.
        DeadMasterAndReplicas,
        /// Unreachable primary; some replicas are unreadable, none of the others replicates.
        DeadMasterAndSomeReplicas,
        /// Unreachable primary; replicas replicate but all of them lag.
        UnreachableMasterWithLaggingReplicas,
        /// Unreachable primary; some replica still replicates.
        UnreachableMaster,
        /// A replica, by configuration, that no primary shows (never produced; kept for its name).
        MasterWithoutReplicas,
        /// Semi-sync primary short of clients, standing still for long enough to be locked.
        LockedSemiSyncMaster,
        /// Semi-sync primary short of clients; not yet known to stand still.
        LockedSemiSyncMasterHypothesis,
        /// More semi-sync replicas than the primary waits for, while an exact number is enforced.
        MasterWithTooManySemiSyncReplicas,
        /// Reachable primary whose only replica does not replicate.
        MasterSingleReplicaNotReplicating,
        /// Reachable primary whose only replica is unreadable.
        MasterSingleReplicaDead,
        /// Reachable primary; all replicas readable, none replicates.
        AllMasterReplicasNotReplicating,
        /// Reachable primary; some replicas unreadable, none of the others replicates.
        AllMasterReplicasNotReplicatingOrDead,
        /// Reachable primary; several replicas, none of them readable.
        AllMasterReplicasDead,
        /// Unreachable co-primary; no replica replicates.
        DeadCoMaster,
        /// Unreachable co-primary; some replicas unreadable, none of the others replicates.
        DeadCoMasterAndSomeReplicas,
        /// Unreachable co-primary; some replica replicates.
        UnreachableCoMaster,
        /// Reachable co-primary; no replica replicates.
        AllCoMasterReplicasNotReplicating,
        /// Unreachable intermediate primary whose single replica cannot connect to it.
        DeadIntermediateMasterWithSingleReplicaFailingToConnect,
        /// Unreachable intermediate primary whose single replica does not replicate.
        DeadIntermediateMasterWithSingleReplica,
        /// Unreachable intermediate primary; no replica replicates.
        DeadIntermediateMaster,
        /// Unreachable intermediate primary; some replicas unreadable, none of the others replicates.
        DeadIntermediateMasterAndSomeReplicas,
        /// Unreachable intermediate primary; no replica readable.
        DeadIntermediateMasterAndReplicas,
        /// Unreachable intermediate primary; replicas replicate but all of them lag.
        UnreachableIntermediateMasterWithLaggingReplicas,
        /// Unreachable intermediate primary; some replica replicates.
        UnreachableIntermediateMaster,
        /// Reachable intermediate primary; every readable replica fails to connect to it.
        AllIntermediateMasterReplicasFailingToConnectOrDead,
        /// Reachable intermediate primary; no replica replicates.
        AllIntermediateMasterReplicasNotReplicating,
        /// Reachable intermediate primary; none of its replicas readable.
        AllIntermediateMasterReplicasDead,
        /// Replica at depth one that cannot connect to the primary.
        FirstTierReplicaFailingToConnectToMaster,
        /// Binlog server that cannot connect to its primary.
        BinlogServerFailingToConnectToMaster,
        /// Unreachable group member that has asynchronous replicas.
        DeadReplicationGroupMemberWithReplicas,
        /// Reachable primary on which trial writes fail or hang.
        MasterWritesFailing,
        /// Reachable primary that is read-only, while that is to be repaired.
        NoWriteableMasterStructureWarning,
    }
}

codes! {
    /// Weaknesses of a topology's structure; reported, never acted upon.
    StructureCode {
        /// Several replicas, none of which could have replicas of its own.
        NoLoggingReplicasStructureWarning,
        /// Several replicas and no kind of GTID: replicas could not be regrouped.
        NoFailoverSupportStructureWarning,
        /// Statement and mixed binary logs among logging replicas.
        StatementAndMixedLoggingReplicasStructureWarning,
        /// Statement and row binary logs among logging replicas.
        StatementAndRowLoggingReplicasStructureWarning,
        /// Mixed and row binary logs among logging replicas.
        MixedAndRowLoggingReplicasStructureWarning,
        /// Logging replicas of several major versions.
        MultipleMajorVersionsLoggingReplicasStructureWarning,
        /// GTID modes differ between a server and its replicas.
        DifferentGTIDModesStructureWarning,
        /// Some replica has transactions its primary lacks.
        ErrantGTIDStructureWarning,
        /// The primary is read-only.
        NoWriteableMasterStructureWarning,
        /// Semi-sync has fallen back to asynchronous for want of replicas.
        NotEnoughValidSemiSyncReplicasStructureWarning,
    }
}

/// Name, alias and automation of a cluster as analyses carry them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClusterDetails {
    /// Cluster name.
    pub name: String,
    /// Alias; the name when there is none.
    pub alias: String,
    /// Domain; the name when there is none.
    pub domain: String,
    /// Number of instances; 0 inside analyses.
    pub count_instances: u32,
    /// Largest lag of a well replica, seconds; 0 inside analyses.
    pub heuristic_lag_seconds: i64,
    /// The cluster filters allow automatic failover of the primary.
    pub automated_primary_recovery: bool,
    /// The cluster filters allow automatic recovery of intermediate primaries.
    pub automated_intermediate_recovery: bool,
}

/// Counts over the direct replicas of one server, and facts of the server: all that analysis rules may look at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// It is a primary (or a replica whose source is detached).
    pub is_primary: bool,
    /// It is a member of a replication group.
    pub is_group_member: bool,
    /// It and another server replicate from each other.
    pub is_co_primary: bool,
    /// The last check is valid and not hung.
    pub check_valid: bool,
    /// The last failed check got as far as the basic variables.
    pub check_partial: bool,
    /// Nobody has tried to read it for longer than the policy's age limit: neither reachable nor unreachable.
    pub check_stale: bool,
    /// Its receiver fails to connect to its source.
    pub failing_to_connect: bool,
    /// Trial writes fail or hang.
    pub writes_fail: bool,
    /// Its binary log stood still for long enough.
    pub stale_coordinates: bool,
    /// `@@read_only`.
    pub read_only: bool,
    /// It is a binlog server.
    pub is_binlog_server: bool,
    /// Depth in its cluster.
    pub depth: u32,
    /// Semi-sync primary side enabled.
    pub semi_sync_enabled: bool,
    /// Semi-sync in effect.
    pub semi_sync_active: bool,
    /// Acknowledgements waited for.
    pub semi_sync_wait_count: u32,
    /// Connected semi-sync replicas.
    pub semi_sync_clients: u32,
    /// Sessions waiting for an acknowledgement; `None` when the server does not say.
    pub semi_sync_wait_sessions: Option<u32>,
    /// Its `@@gtid_mode`.
    pub gtid_mode: String,
    /// Direct replicas.
    pub replicas: u32,
    /// Replicas with a valid last check.
    pub valid_replicas: u32,
    /// Valid replicas with both threads running.
    pub replicating: u32,
    /// Replicas whose receiver is running, whatever the applier does: proof of life of the primary. Valid ones, and
    /// those that nobody tried to read for longer than the age limit: unless they are read, they may still receive.
    pub receiving: u32,
    /// Valid replicas failing to connect to this server.
    pub replicas_failing_to_connect: u32,
    /// Valid replicas whose receiver is in any state but running and stopped, such as connecting.
    pub replicas_connecting: u32,
    /// Downtimed replicas.
    pub downtimed_replicas: u32,
    /// Replicas with a configured delay.
    pub delayed_replicas: u32,
    /// Replicas lagging beyond reason.
    pub lagging_replicas: u32,
    /// Valid replicas using Oracle GTID.
    pub valid_oracle_gtid: u32,
    /// Valid replicas using MariaDB GTID.
    pub valid_mariadb_gtid: u32,
    /// Valid replicas that are binlog servers.
    pub valid_binlog_servers: u32,
    /// Pseudo-GTID in use on the server itself.
    pub pseudo_gtid: bool,
    /// Replicas with semi-sync enabled.
    pub semi_sync_replicas: u32,
    /// Replicas that log updates.
    pub logging_replicas: u32,
    /// Of those, with statement format.
    pub logging_statement: u32,
    /// Of those, with mixed format.
    pub logging_mixed: u32,
    /// Of those, with row format.
    pub logging_row: u32,
    /// Distinct major versions among logging replicas.
    pub logging_major_versions: u32,
    /// Smallest `gtid_mode` of a replica, as text; empty when none.
    pub min_replica_gtid_mode: String,
    /// Largest `gtid_mode` of a replica, as text; empty when none.
    pub max_replica_gtid_mode: String,
    /// Largest errant set of a replica that is not downtimed, as text.
    pub max_replica_errant: String,
}

impl Facts {
    /// All valid replicas, and at least one, use Oracle GTID.
    pub fn is_oracle_gtid_topology(&self) -> bool {
        self.valid_replicas > 0 && self.valid_oracle_gtid == self.valid_replicas
    }

    /// All valid replicas, and at least one, use MariaDB GTID.
    pub fn is_mariadb_gtid_topology(&self) -> bool {
        self.valid_replicas > 0 && self.valid_mariadb_gtid == self.valid_replicas
    }

    /// All valid replicas, and at least one, are binlog servers.
    pub fn is_binlog_server_topology(&self) -> bool {
        self.valid_replicas > 0 && self.valid_binlog_servers == self.valid_replicas
    }

    /// Type of the instance as hooks name it.
    pub fn instance_type(&self) -> &'static str {
        if self.is_co_primary {
            "co-master"
        } else if self.is_group_member {
            "group-member"
        } else if self.is_primary {
            "master"
        } else {
            "intermediate-master"
        }
    }
}

/// One analysed server: what was found, and the facts it was found from.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// The analysed server.
    pub key: InstanceKey,
    /// Its source, as recorded.
    pub primary_key: InstanceKey,
    /// Its cluster.
    pub cluster: ClusterDetails,
    /// Its data center.
    pub data_center: String,
    /// Its region.
    pub region: String,
    /// Its physical environment.
    pub physical_environment: String,
    /// Own binary log coordinates at the last successful read.
    pub coordinates: BinlogCoordinates,
    /// Counts and flags.
    pub facts: Facts,
    /// Direct replicas, sorted.
    pub replicas: Vec<InstanceKey>,
    /// The verdict.
    pub code: AnalysisCode,
    /// One sentence; empty for [`AnalysisCode::NoProblem`].
    pub description: String,
    /// What caused it, as far as the evidence names a cause.
    pub diagnosis: Option<Diagnosis>,
    /// Weaknesses of structure, in rule order.
    pub structure: Vec<StructureCode>,
    /// The server is downtimed.
    pub is_downtimed: bool,
    /// All replicas are downtimed, which makes this code uninteresting.
    pub is_replicas_downtimed: bool,
    /// End of downtime as text; empty when none.
    pub downtime_end: String,
    /// Now minus end of downtime, seconds: negative while it lasts (the original's sign); 0 when none.
    pub downtime_remaining_seconds: i64,
    /// Nothing may be done because of downtime.
    pub skippable_due_to_downtime: bool,
    /// A recovery exists for this code.
    pub is_actionable: bool,
    /// The command that made this entry; empty for automatic analysis.
    pub command_hint: String,
    /// Start of the active period; only in detection listings.
    pub start_active_period: String,
}

impl Finding {
    /// A finding with only what a record keeps; the rest is empty.
    ///
    /// `cluster` tells by the present settings whether the cluster is recovered automatically.
    pub fn of_case(case: &Case, cluster: ClusterDetails) -> Self {
        Self {
            key: case.key.clone(),
            primary_key: InstanceKey::none(),
            cluster,
            data_center: String::new(),
            region: String::new(),
            physical_environment: String::new(),
            coordinates: BinlogCoordinates::default(),
            facts: Facts { replicas: case.count_replicas, ..Facts::default() },
            replicas: case.replicas.clone(),
            code: case.code,
            description: String::new(),
            diagnosis: None,
            structure: Vec::new(),
            is_downtimed: false,
            is_replicas_downtimed: false,
            downtime_end: String::new(),
            downtime_remaining_seconds: 0,
            skippable_due_to_downtime: false,
            is_actionable: false,
            command_hint: String::new(),
            start_active_period: String::new(),
        }
    }
}
