//! Keys of recoveries and of the hooks around them.

use std::time::Duration;

use crate::filters::{ClusterFilters, HostFilters};
use crate::key::Literal;
use crate::key::Unit::{Minutes, Seconds};
use crate::key::group;
use crate::resolve::{cluster_filters, flag, host_filters, list, optional_span, span, text};

group! {
    /// Automatic recovery: for which clusters, how often, with which promotion.
    "Recovery" Recovery {
        /// Clusters whose dead primary is replaced automatically.
        149 RecoverMasterClusterFilters => primary_clusters: ClusterFilters = cluster_filters(),
            sample(Literal::List(Some(&["alias=shop", "alias~=^shard[0-9]+$"])));
        /// Clusters whose dead intermediate primaries are replaced automatically.
        150 RecoverIntermediateMasterClusterFilters => intermediate_clusters: ClusterFilters =
            cluster_filters(),
            sample(Literal::List(Some(&["*"])));
        /// Servers never promoted.
        114 PromotionIgnoreHostnameFilters => promotion_ignored: HostFilters = host_filters();
        /// After a recovery no other one of the same cluster starts automatically for this time, unless it is
        /// acknowledged. 0 lets recoveries follow each other.
        147 RecoveryPeriodBlockSeconds => block_period: Duration =
            span(3600, Seconds), sample(Literal::Integer(3600));
        /// Old form of `RecoveryPeriodBlockSeconds`. Counts if that one is not given, or given as 0.
        146 RecoveryPeriodBlockMinutes => old_block_period: Duration = span(60, Minutes),
            deprecated("RecoveryPeriodBlockSeconds");
        /// Clear replication on the promoted server and make it writable. Always done in a planned takeover.
        165 ApplyMySQLPromotionAfterMasterFailover => apply_promotion: bool = flag(true);
        /// Refuse to promote a server in another data center than the failed one.
        166 PreventCrossDataCenterMasterFailover => prevent_cross_data_center: bool = flag(false);
        /// Refuse to promote a server in another region than the failed one.
        167 PreventCrossRegionMasterFailover => prevent_cross_region: bool = flag(false);
        /// Do not replace a primary automatically while writes that clients were told are safe may be on semi-sync
        /// replicas only that cannot be read. Off: promote, and put the possible loss on record.
        204 PreventMasterFailoverOnPossibleSemiSyncLoss => prevent_semi_sync_loss: bool = flag(true), extension;
        /// Refuse to promote a server that lags this much or more; needs `ReplicationLagQuery`; 0 is off.
        171 FailMasterPromotionOnLagMinutes => refuse_lag: Option<Duration> =
            optional_span(0, Minutes).unsigned();
        /// Refuse to promote a server that has not applied all it received. Not together with the next key.
        172 FailMasterPromotionIfSQLThreadNotUpToDate => refuse_if_applier_behind: bool = flag(false);
        /// Wait until the server has applied all it received, then promote. Not together with the previous key.
        173 DelayMasterPromotionIfSQLThreadNotUpToDate => delay_if_applier_behind: bool = flag(false);
        /// Old name of `PostponeReplicaRecoveryOnLagMinutes`.
        174 PostponeSlaveRecoveryOnLagMinutes => old_postpone_delayed: Option<Duration> =
            optional_span(0, Minutes).unsigned(),
            deprecated("PostponeReplicaRecoveryOnLagMinutes");
        /// Replicas configured with a delay of more than this are taken care of last; 0 is off.
        175 PostponeReplicaRecoveryOnLagMinutes => postpone_delayed: Option<Duration> =
            optional_span(0, Minutes).unsigned();
        /// When one of two co-primaries dies, promote the other one or nobody.
        162 CoMasterRecoveryMustPromoteOtherCoMaster => must_promote_other_co_primary: bool = flag(true);
        /// Old name of `DetachLostReplicasAfterMasterFailover`. Unless that one is given, this one counts.
        163 DetachLostSlavesAfterMasterFailover => old_detach_lost_replicas: bool = flag(true),
            deprecated("DetachLostReplicasAfterMasterFailover");
        /// Detach replicas that a failover leaves behind. On unless this key or its old name is given as false.
        164 DetachLostReplicasAfterMasterFailover => detach_lost_replicas: bool = flag(false);
        /// Old name of `MasterFailoverDetachReplicaMasterHost`.
        169 MasterFailoverDetachSlaveMasterHost => old_detach_promoted_source: bool = flag(false),
            deprecated("MasterFailoverDetachReplicaMasterHost");
        /// Detach the source on the promoted server; of use without `ApplyMySQLPromotionAfterMasterFailover`.
        170 MasterFailoverDetachReplicaMasterHost => detach_promoted_source: bool = flag(false);
        /// Downtime of a failed primary and of lost replicas; 0 is 365 days.
        168 MasterFailoverLostInstancesDowntimeMinutes => lost_downtime: Option<Duration> =
            optional_span(0, Minutes).unsigned();
        /// Make a read-only primary of an otherwise healthy cluster writable.
        161 RecoverNonWriteableMaster => recover_read_only_primary: bool = flag(false);
        /// Turn semi-sync on and off on replicas so that exactly the wanted number acknowledges.
        197 EnforceExactSemiSyncReplicas => exact_semi_sync: bool = flag(false);
        /// Turn semi-sync on for more replicas when a primary waits for acknowledgements. The previous key wins.
        198 RecoverLockedSemiSyncMaster => recover_locked_semi_sync: bool = flag(false);
    }
}

group! {
    /// Commands of the operator around detections and recoveries, run one after the other by the shell.
    "Hooks" Hooks {
        /// Program that runs hooks.
        151 ProcessesShellCommand => shell: String = text("bash");
        /// On each new detection, before it is decided whether to recover; a failing one ends this attempt.
        152 OnFailureDetectionProcesses => on_detection: Vec<String> = list(&[]),
            sample(Literal::List(Some(&["logger -t orchestrator \"$ORC_FAILURE_TYPE on $ORC_FAILURE_CLUSTER\""])));
        /// Before a planned takeover makes the old primary read-only; a failing one stops the takeover.
        153 PreGracefulTakeoverProcesses => before_takeover: Vec<String> = list(&[]);
        /// Before a recovery; a failing one stops it.
        154 PreFailoverProcesses => before_failover: Vec<String> = list(&[]);
        /// After every successful recovery.
        155 PostFailoverProcesses => after_failover: Vec<String> = list(&[]);
        /// After a recovery that promoted no server.
        156 PostUnsuccessfulFailoverProcesses => after_unsuccessful_failover: Vec<String> = list(&[]);
        /// After the successful recovery of a primary.
        157 PostMasterFailoverProcesses => after_primary_failover: Vec<String> = list(&[]);
        /// After the successful recovery of an intermediate primary or group member.
        158 PostIntermediateMasterFailoverProcesses => after_intermediate_failover: Vec<String> = list(&[]);
        /// At the end of a planned takeover.
        159 PostGracefulTakeoverProcesses => after_takeover: Vec<String> = list(&[]);
        /// After a server took the place of its primary by `take-master`.
        160 PostTakeMasterProcesses => after_take_primary: Vec<String> = list(&[]);
    }
}
