//! The reasons for which nothing is done about a server: the vocabulary of explanations.
//!
//! Each is documented with what it means and what would change it; `docs/explain.md` is written from this table. To add
//! one, add a row, name it where it is found, and add a case to `tests/cases.rs`, which demands one for every row.

use std::fmt;

use model::{InstanceKey, Timestamp};

macro_rules! reasons {
    ($($(#[$doc:meta])* $variant:ident $name:literal: $meaning:literal => $change:literal;)+) => {
        /// Which reason.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ReasonId { $($(#[$doc])* $variant,)+ }

        impl ReasonId {
            /// Every reason, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// Name for programs.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// What it means, as a sentence without its end.
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning,)+ }
            }

            /// What would change it, for people.
            pub fn change(self) -> &'static str {
                match self { $(Self::$variant => $change,)+ }
            }
        }
    };
}

reasons! {
    /// Somebody holds its maintenance lock.
    InMaintenance "in-maintenance": "it is in maintenance, so it is not analysed"
        => "end the maintenance (-c end-maintenance)";
    /// `RecoveryIgnoreHostnameFilters`.
    HostIgnored "host-ignored": "`RecoveryIgnoreHostnameFilters` match its host, so nothing is reported about it"
        => "take the host out of `RecoveryIgnoreHostnameFilters`";
    /// Too old a check.
    NotChecked "not-checked": "nobody has tried to read it for several polls, so nothing is concluded about it"
        => "refresh it (-c discover)";
    /// Downtime.
    Downtimed "downtimed": "it is downtimed: shown, but not acted upon"
        => "end the downtime (-c end-downtime)";
    /// Downtime of every replica.
    ReplicasDowntimed "replicas-downtimed": "all of its replicas are downtimed, which makes this uninteresting"
        => "end the downtime of a replica (-c end-downtime)";
    /// It is well.
    Reachable "reachable": "it is reachable, and its replicas replicate"
        => "nothing has to be done; use -c graceful-master-takeover to replace it";
    /// A leaf.
    NobodyBelow "nobody-below": "it is unreachable, but it is no primary and nobody replicates from it"
        => "nothing depends on it; bring it back or forget it (-c forget)";
    /// Partial success and nobody complains.
    AnswersInPart "answers-in-part": "it answers in part, and its replicas receive from it without trouble"
        => "it becomes unreachable when the next check reads nothing, or when a replica fails to connect";
    /// Proof of life.
    ReplicasReceive "replicas-receive": "replicas still receive from it, which proves that it lives"
        => "check the way from orchestrator to it; it counts as dead when no replica receives any more";
    /// Proof of life, though doubtful.
    ReplicasLagButReceive "replicas-lag-but-receive": "replicas are still connected to it, though all of them lag"
        => "wait for the restart of their receivers: if they cannot connect again it counts as dead";
    /// No replica to promote.
    NoReplica "no-replica": "it is unreachable and has no replica that could take its place"
        => "attach a replica, or bring it back";
    /// Everything is dark.
    AllUnreachable "all-unreachable": "it and all of its replicas are unreachable: more likely the network, or a data center"
        => "it is acted upon when a replica can be read again";
    /// Only a single replica and no error.
    MayBeStopped "may-be-stopped": "its only replica does not receive, but does not fail to connect either: it may have been stopped by hand"
        => "start replication on the replica (-c start-replica): when it fails to connect, it is moved";
    /// `dead_needs_connect_failure`.
    NoConnectFailure "no-connect-failure": "no replica fails to connect to it, so replication may have been stopped by hand"
        => "start replication on a replica (-c start-replica)";
    /// Reachable, replicas stopped.
    ReplicasStopped "replicas-stopped": "it is reachable; that its replicas do not replicate is no reason to replace it"
        => "look at the errors of its replicas and start them (-c start-replica)";
    /// Reachable, replicas unreadable.
    ReplicasUnreadable "replicas-unreadable": "it is reachable; that its replicas are not is no reason to replace it"
        => "bring the replicas back or forget them (-c forget)";
    /// A replica's own connection.
    CannotConnect "cannot-connect": "it fails to connect to its source, which is judged by all of its replicas together"
        => "look at its receiver's error; the source is acted upon when it is dead for all";
    /// Hypothesis.
    LockNotProven "lock-not-proven": "its commits may wait for semi-sync replicas, but not for long enough, as far as waiting sessions or its binary log tell"
        => "wait: it counts as locked after `ReasonableLockedSemiSyncMasterSeconds`";
    /// Hypothesis denied.
    NobodyWaits "nobody-waits": "too few semi-sync replicas are connected, but no session waits for them: it is idle"
        => "nothing has to be done until a session commits";
    /// Semi-sync is off by timeout.
    SemiSyncFellBack "semi-sync-fell-back": "semi-sync has fallen back to asynchronous, so commits do not wait"
        => "enable semi-sync on a replica (-c enable-semi-sync-replica)";
    /// Neither option.
    SemiSyncRepairOff "semi-sync-repair-off": "it is locked, but the settings do not ask for a repair"
        => "set `RecoverLockedSemiSyncMaster` or `EnforceExactSemiSyncReplicas`";
    /// Too many, tolerated.
    SurplusAllowed "surplus-allowed": "more semi-sync replicas are connected than it waits for, which the settings allow"
        => "set `EnforceExactSemiSyncReplicas`";
    /// Nobody has priority.
    NoSemiSyncReplica "no-semi-sync-replica": "no replica could acknowledge: none is live, has a semi-sync priority and is switched off"
        => "give replicas a priority by `DetectSemiSyncEnforcedQuery`, or start them";
    /// Repair of the server itself.
    Unreachable "unreachable": "the repair would change the server itself, which is unreachable"
        => "it is repaired as soon as it can be read again";
    /// `RecoverNonWriteableMaster`.
    ReadOnlyRepairOff "read-only-repair-off": "it is a read-only primary, but the settings do not ask for a repair"
        => "set `RecoverNonWriteableMaster`, or make it writable (-c set-writeable)";
    /// Writes fail.
    WritesFail "writes-fail": "it can be read, and replicas receive from it; that writes fail is reported, not acted upon"
        => "free space, end what blocks commits, or replace it (-c graceful-master-takeover)";
    /// Masked.
    OperationExplains "operation-explains": "an operation in progress on the cluster explains it"
        => "wait until the operation has ended";
    /// Primary filters.
    ClusterNotAutomated "cluster-not-automated": "no entry of `RecoverMasterClusterFilters` allows it for the cluster"
        => "add the cluster to `RecoverMasterClusterFilters`";
    /// Intermediate filters.
    IntermediateNotAutomated "intermediate-not-automated": "no entry of `RecoverIntermediateMasterClusterFilters` allows it for the cluster"
        => "add the cluster to `RecoverIntermediateMasterClusterFilters`";
    /// Lease.
    NotActive "not-active": "this node is not the active one, or has lost the right to act"
        => "ask the active node";
    /// Start.
    Settling "settling": "this process has just begun and waits until every server could be read a few times"
        => "wait";
    /// Global switch.
    RecoveriesDisabled "recoveries-disabled": "recoveries are disabled globally"
        => "enable them (-c enable-global-recoveries)";
    /// Grace.
    GracePeriod "grace-period": "receivers were restarted a moment ago, so that replicas look broken because of us"
        => "wait";
    /// Lock.
    ClusterLocked "cluster-locked": "another operation is changing the cluster"
        => "wait until it has ended";
    /// Anti-flapping, instance.
    RecentlyPromoted "recently-promoted": "it was promoted by a recovery a short while ago"
        => "acknowledge that recovery (-c ack-cluster-recoveries)";
    /// Anti-flapping, cluster.
    RecentFailover "recent-failover": "the cluster has been failed over a short while ago"
        => "acknowledge that recovery (-c ack-cluster-recoveries)";
    /// Unfinished record.
    AlreadyRecovering "already-recovering": "a recovery of it is in progress"
        => "wait until it has ended";
    /// Record in its active period.
    RecoveredBefore "recovered-before": "a recovery of it has ended a short while ago and is in its active period"
        => "acknowledge it (-c ack-instance-recoveries)";
    /// Candidate cannot be read.
    CandidateUnreachable "candidate-unreachable": "the replica could not be read"
        => "bring the replica back";
    /// The other co-primary only.
    CandidateNotWanted "candidate-not-wanted": "only the other co-primary may be promoted"
        => "bring the other co-primary back; or, if that is read-only, unset `CoMasterRecoveryMustPromoteOtherCoMaster`";
    /// Rule.
    CandidateMustNot "candidate-must-not": "the replica's promotion rule is must_not"
        => "register another rule for a replica (-c register-candidate)";
    /// Filter.
    CandidateIgnored "candidate-ignored": "`PromotionIgnoreHostnameFilters` exclude the replica"
        => "take it out of `PromotionIgnoreHostnameFilters`";
    /// Binlog server.
    CandidateRelays "candidate-relays": "the replica is a binlog server and only relays"
        => "attach an ordinary replica";
    /// Group.
    CandidateInGroup "candidate-in-group": "the replica is a secondary of a replication group, which elects its own primary"
        => "attach a replica that is its group's primary or in no group";
    /// Data center.
    CandidateInOtherDataCenter "candidate-in-other-data-center": "the replica is in another data center than the failed server"
        => "attach a replica in the same data center, or unset `PreventCrossDataCenterMasterFailover`";
    /// Region.
    CandidateInOtherRegion "candidate-in-other-region": "the replica is in another region than the failed server"
        => "attach a replica in the same region, or unset `PreventCrossRegionMasterFailover`";
    /// Lag.
    CandidateLags "candidate-lags": "the replica lags more than `FailMasterPromotionOnLagMinutes` allows"
        => "wait until it has caught up, or raise `FailMasterPromotionOnLagMinutes`";
    /// Unknown lag.
    CandidateLagUnknown "candidate-lag-unknown": "the replica's lag is limited and not known, and it has not applied everything"
        => "wait until it has applied everything, or unset `FailMasterPromotionOnLagMinutes`";
    /// Behind.
    CandidateBehind "candidate-behind": "the replica has not applied everything it received, and the settings forbid to wait"
        => "wait until it has, or unset `FailMasterPromotionIfSQLThreadNotUpToDate`";
    /// Broken.
    CandidateBroken "candidate-broken": "the replica's applier stopped with an error before everything was applied"
        => "repair its applier";
    /// Semi-sync acknowledgements that nobody readable has.
    PossibleLoss "possible-loss": "writes that semi-sync acknowledged may be on unreadable replicas only"
        => "bring those replicas back; -c force-master-failover does not wait for them";
    /// Nowhere to go.
    NoNewSource "no-new-source": "none of its replicas can be moved below another server"
        => "let the replicas use GTID, and see that a sibling or the source can be read and logs updates";
    /// Group without members.
    NoOtherMember "no-other-member": "no other member of its replication group is online and readable"
        => "bring a member of the group back";
}

/// One reason why nothing is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// Which.
    pub id: ReasonId,
    /// The server it is about, when not the explained one.
    pub server: Option<InstanceKey>,
    /// Particulars: who, what, how much; may be empty.
    pub detail: String,
    /// It ends by itself then.
    pub until: Option<Timestamp>,
}

impl Reason {
    /// A reason without particulars.
    pub fn new(id: ReasonId) -> Self {
        Self { id, server: None, detail: String::new(), until: None }
    }

    pub(super) fn about(self, server: &InstanceKey) -> Self {
        Self { server: Some(server.clone()), ..self }
    }

    pub(super) fn saying(self, detail: impl Into<String>) -> Self {
        Self { detail: detail.into(), ..self }
    }

    pub(super) fn until(self, until: Option<Timestamp>) -> Self {
        Self { until, ..self }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(server) = &self.server {
            write!(f, "{server}: ")?;
        }
        f.write_str(self.id.meaning())?;
        if !self.detail.is_empty() {
            write!(f, " ({})", self.detail)?;
        }
        match self.until {
            Some(until) => write!(f, ", until {}", until.to_sql_text()),
            None => Ok(()),
        }
    }
}
