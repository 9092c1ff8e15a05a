//! The vocabulary of the rules: each condition is one question about the [`Facts`] of one server.
//!
//! A rule is a list of conditions that must all hold. Keeping them as named values, instead of one closure per rule,
//! lets the same table decide, explain what a rule still misses, and print itself as documentation.

use model::{AnalysisPolicy, Facts};

/// One question with a yes or no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Condition {
    /// A primary, or a replica whose source is detached.
    Primary,
    /// Not a primary: it replicates from somewhere.
    NotPrimary,
    /// It and another server replicate from each other.
    CoPrimary,
    /// Its last check succeeded and did not hang.
    Reachable,
    /// Its last check failed or hangs.
    Unreachable,
    /// The failed check still read the basic variables.
    PartlyRead,
    /// The failed check read nothing.
    NothingRead,
    /// No direct replica.
    NoReplica,
    /// At least one direct replica.
    AnyReplica,
    /// Exactly one direct replica.
    OneReplica,
    /// More than one direct replica.
    SeveralReplicas,
    /// Every replica's last check succeeded.
    AllReadable,
    /// At least one replica's last check succeeded.
    AnyReadable,
    /// At least one replica's last check failed.
    AnyUnreadable,
    /// No replica's last check succeeded.
    NoneReadable,
    /// At least one replica is not downtimed.
    AnyInService,
    /// At least one readable replica runs both threads.
    AnyReplicating,
    /// No readable replica runs both threads.
    NoneReplicating,
    /// At least one replica's receiver runs, as far as anybody looked.
    AnyReceiving,
    /// No replica's receiver runs, as far as anybody looked.
    NoneReceiving,
    /// At least one readable replica fails to connect to it.
    AnyFailingToConnect,
    /// Every readable replica fails to connect to it.
    ReadableFailToConnect,
    /// Every replica fails to connect to it.
    AllFailToConnect,
    /// Every replica lags.
    AllLag,
    /// At least one replica has no configured delay.
    NotAllDelayed,
    /// The primary side of semi-sync is enabled.
    SemiSyncEnabled,
    /// Semi-sync is in effect.
    SemiSyncActive,
    /// Semi-sync has fallen back to asynchronous.
    SemiSyncFallenBack,
    /// Commits wait for at least one acknowledgement.
    SemiSyncWaits,
    /// Fewer semi-sync replicas are connected than acknowledgements are waited for.
    TooFewClients,
    /// More semi-sync replicas are connected than acknowledgements are waited for.
    TooManyClients,
    /// The binary log stands still, and the server does not deny that sessions wait.
    Locked,
    /// The binary log moves, was not watched long enough, or the server says that no session waits.
    NotProvenLocked,
    /// `read_only` is on.
    ReadOnly,
    /// Several trial writes in a row failed or hung.
    WritesFail,
    /// It is a binlog server.
    BinlogServer,
    /// Its own receiver fails to connect to its source.
    FailingToConnect,
    /// It stands directly below the cluster's primary.
    FirstTier,
    /// Settings ask for an exact number of semi-sync replicas.
    ExactSemiSyncWanted,
    /// Settings ask for a read-only primary to be repaired.
    ReadOnlyRepairWanted,
    /// No replica writes a binary log of what it applies.
    NoLoggingReplica,
    /// Neither GTID of either family, nor binlog servers, nor Pseudo-GTID on all readable replicas.
    NoCommonPositions,
    /// A logging replica writes statements.
    StatementLogs,
    /// A logging replica writes mixed format.
    MixedLogs,
    /// A logging replica writes rows.
    RowLogs,
    /// Logging replicas are of several major versions.
    SeveralVersions,
    /// Its GTID mode differs from that of a replica.
    GtidModesDiffer,
    /// A replica that is not downtimed has errant transactions.
    ErrantReplica,
}

impl Condition {
    /// The answer for these facts.
    pub fn holds(self, facts: &Facts, policy: &AnalysisPolicy) -> bool {
        match self {
            Self::Primary => facts.is_primary,
            Self::NotPrimary => !facts.is_primary,
            Self::CoPrimary => facts.is_co_primary,
            Self::Reachable => facts.check_valid,
            // A server that nobody tried to read is not known to be unreachable.
            Self::Unreachable => !facts.check_valid && !facts.check_stale,
            Self::PartlyRead => facts.check_partial,
            Self::NothingRead => !facts.check_partial,
            Self::ReadOnly => facts.read_only,
            Self::WritesFail => facts.writes_fail,
            Self::BinlogServer => facts.is_binlog_server,
            Self::FailingToConnect => facts.failing_to_connect,
            Self::FirstTier => facts.depth == 1,
            Self::ExactSemiSyncWanted => policy.exact_semi_sync,
            Self::ReadOnlyRepairWanted => policy.recover_non_writeable,
            Self::NoReplica => facts.replicas == 0,
            Self::AnyReplica => facts.replicas > 0,
            Self::OneReplica => facts.replicas == 1,
            Self::SeveralReplicas => facts.replicas > 1,
            Self::AllReadable => facts.valid_replicas == facts.replicas,
            Self::AnyReadable => facts.valid_replicas > 0,
            Self::AnyUnreadable => facts.valid_replicas < facts.replicas,
            Self::NoneReadable => facts.valid_replicas == 0,
            Self::AnyInService => facts.downtimed_replicas < facts.replicas,
            Self::AnyReplicating => facts.replicating > 0,
            Self::NoneReplicating => facts.replicating == 0,
            Self::AnyReceiving => facts.receiving > 0,
            Self::NoneReceiving => facts.receiving == 0,
            Self::AnyFailingToConnect => facts.replicas_failing_to_connect > 0,
            Self::ReadableFailToConnect => facts.replicas_failing_to_connect == facts.valid_replicas,
            Self::AllFailToConnect => facts.replicas_failing_to_connect == facts.replicas,
            Self::AllLag => facts.lagging_replicas == facts.replicas,
            Self::NotAllDelayed => facts.delayed_replicas < facts.replicas,
            Self::SemiSyncEnabled => facts.semi_sync_enabled,
            Self::SemiSyncActive => facts.semi_sync_active,
            Self::SemiSyncFallenBack => !facts.semi_sync_active,
            Self::SemiSyncWaits => facts.semi_sync_wait_count > 0,
            Self::TooFewClients => facts.semi_sync_clients < facts.semi_sync_wait_count,
            Self::TooManyClients => facts.semi_sync_clients > facts.semi_sync_wait_count,
            Self::Locked => is_locked(facts),
            Self::NotProvenLocked => !is_locked(facts),
            Self::NoLoggingReplica => facts.logging_replicas == 0,
            Self::NoCommonPositions => {
                !facts.is_oracle_gtid_topology()
                    && !facts.is_mariadb_gtid_topology()
                    && !facts.is_binlog_server_topology()
                    && !facts.pseudo_gtid
            }
            Self::StatementLogs => facts.logging_statement > 0,
            Self::MixedLogs => facts.logging_mixed > 0,
            Self::RowLogs => facts.logging_row > 0,
            Self::SeveralVersions => facts.logging_major_versions > 1,
            Self::GtidModesDiffer => {
                facts.gtid_mode != facts.min_replica_gtid_mode
                    || facts.gtid_mode != facts.max_replica_gtid_mode
            }
            Self::ErrantReplica => !facts.max_replica_errant.is_empty(),
        }
    }

    /// Asks what the server is, not how it is.
    pub fn is_role(self) -> bool {
        matches!(self, Self::Primary | Self::NotPrimary | Self::CoPrimary)
    }

    /// The condition in words, as a clause without subject where the subject is the server itself.
    pub fn text(self) -> &'static str {
        match self {
            Self::Primary => "is a primary",
            Self::NotPrimary => "is not a primary",
            Self::CoPrimary => "is a co-primary",
            Self::Reachable => "is reachable",
            Self::Unreachable => "is unreachable",
            Self::PartlyRead => "the last check still read the basic variables",
            Self::NothingRead => "the last check read nothing",
            Self::NoReplica => "has no replica",
            Self::AnyReplica => "has replicas",
            Self::OneReplica => "has exactly one replica",
            Self::SeveralReplicas => "has several replicas",
            Self::AllReadable => "all replicas are readable",
            Self::AnyReadable => "some replica is readable",
            Self::AnyUnreadable => "some replica is unreadable",
            Self::NoneReadable => "no replica is readable",
            Self::AnyInService => "some replica is not downtimed",
            Self::AnyReplicating => "some readable replica replicates",
            Self::NoneReplicating => "no readable replica replicates",
            Self::AnyReceiving => "some replica receives from it",
            Self::NoneReceiving => "no replica receives from it",
            Self::AnyFailingToConnect => "some readable replica fails to connect to it",
            Self::ReadableFailToConnect => "every readable replica fails to connect to it",
            Self::AllFailToConnect => "every replica fails to connect to it",
            Self::AllLag => "every replica lags",
            Self::NotAllDelayed => "not every replica is delayed by configuration",
            Self::SemiSyncEnabled => "semi-sync is enabled",
            Self::SemiSyncActive => "semi-sync is in effect",
            Self::SemiSyncFallenBack => "semi-sync has fallen back to asynchronous",
            Self::SemiSyncWaits => "commits wait for at least one acknowledgement",
            Self::TooFewClients => "fewer semi-sync replicas are connected than are waited for",
            Self::TooManyClients => "more semi-sync replicas are connected than are waited for",
            Self::Locked => {
                "sessions wait or its binary log stands still, for long enough, and no report says that nobody waits"
            }
            Self::NotProvenLocked => {
                "neither do sessions wait nor stands its binary log still for long enough, or nobody waits"
            }
            Self::ReadOnly => "is read-only",
            Self::WritesFail => "trial writes fail or hang",
            Self::BinlogServer => "is a binlog server",
            Self::FailingToConnect => "fails to connect to its source",
            Self::FirstTier => "replicates directly from the cluster's primary",
            Self::ExactSemiSyncWanted => "`EnforceExactSemiSyncReplicas` is on",
            Self::ReadOnlyRepairWanted => "`RecoverNonWriteableMaster` is on",
            Self::NoLoggingReplica => "no replica logs its updates",
            Self::NoCommonPositions => {
                "no kind of GTID, Pseudo-GTID or binlog server is common to its readable replicas"
            }
            Self::StatementLogs => "a logging replica writes statements",
            Self::MixedLogs => "a logging replica writes mixed format",
            Self::RowLogs => "a logging replica writes rows",
            Self::SeveralVersions => "logging replicas are of several major versions",
            Self::GtidModesDiffer => "its GTID mode differs from that of a replica",
            Self::ErrantReplica => "a replica that is not downtimed has transactions of its own",
        }
    }
}

// Differs: the reference takes a binary log at rest for a lock. Where the server counts waiting sessions, zero of them
// means that it is merely idle.
fn is_locked(facts: &Facts) -> bool {
    facts.stale_coordinates && facts.semi_sync_wait_sessions != Some(0)
}
