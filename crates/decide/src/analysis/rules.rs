//! The analysis codes, one row each, in order of evaluation: the first row whose conditions all hold gives the verdict.
//!
//! Structure codes are rows too; there every row that holds is reported. To add a code, add its name to
//! `model::AnalysisCode` and a row here at the place where it is to be asked; the tests then demand scenarios for it,
//! and the page `docs/analysis-codes.md` is rewritten by running them with `UPDATE=1`.
//!
//! Conditions that follow from the others of a row are left out, so every condition in a row matters.

use model::{AnalysisCode, AnalysisPolicy, Facts, StructureCode};

use super::condition::Condition;
use super::condition::Condition::*;
use super::response::{Emergency, Response};

/// When a recovery that exists is withheld nevertheless.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caution {
    /// Never.
    None,
    /// While the server cannot be read: what is known of it may be old, and nothing could be changed there.
    MustBeReachable,
    /// While the policy asks for a replica that fails to connect and none does: replication may be stopped by hand.
    MustSeeConnectFailure,
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// The verdict.
    pub code: AnalysisCode,
    /// All of these must hold.
    pub when: &'static [Condition],
    /// One sentence for people: whether the server is reachable, and the state of its replicas.
    pub meaning: &'static str,
    /// What is done.
    pub response: Response,
    /// What is read or noted at once.
    pub emergency: &'static [Emergency],
    /// When the response is withheld.
    pub caution: Caution,
    /// Just after an emergency restart of receivers the replicas look broken because of us: record, do not act.
    pub waits_for_grace: bool,
    /// Of no interest when every replica is downtimed.
    pub quiet_when_replicas_downtimed: bool,
}

impl Rule {
    /// Every condition holds.
    pub fn matches(&self, facts: &Facts, policy: &AnalysisPolicy) -> bool {
        self.when.iter().all(|condition| condition.holds(facts, policy))
    }

    /// A recovery exists and nothing in the facts withholds it. Grace periods and gates are asked later.
    pub fn is_actionable(&self, facts: &Facts, policy: &AnalysisPolicy) -> bool {
        self.response.is_actionable()
            && match self.caution {
                Caution::None => true,
                Caution::MustBeReachable => facts.check_valid,
                Caution::MustSeeConnectFailure => {
                    !policy.dead_needs_connect_failure
                        || facts.replicas_failing_to_connect + facts.replicas_connecting > 0
                }
            }
    }

    /// The response, softened to recording only while the server is in the grace period of a receiver restart.
    pub fn response_in(&self, is_in_grace: bool) -> Response {
        if is_in_grace && self.waits_for_grace { Response::Record } else { self.response }
    }
}

/// One row of the structure table.
#[derive(Clone, Copy, Debug)]
pub struct StructureRule {
    /// The weakness.
    pub code: StructureCode,
    /// All of these must hold.
    pub when: &'static [Condition],
    /// One sentence for people.
    pub meaning: &'static str,
}

impl StructureRule {
    /// Every condition holds.
    pub fn matches(&self, facts: &Facts, policy: &AnalysisPolicy) -> bool {
        self.when.iter().all(|condition| condition.holds(facts, policy))
    }
}

/// What a row is unless it says otherwise.
const WATCH: Rule = Rule {
    code: AnalysisCode::NoProblem,
    when: &[],
    meaning: "",
    response: Response::Watch,
    emergency: &[],
    caution: Caution::None,
    waits_for_grace: false,
    quiet_when_replicas_downtimed: false,
};

/// A dead primary that may be replaced.
const DEAD_PRIMARY: Rule = Rule {
    response: Response::FailOverPrimary,
    caution: Caution::MustSeeConnectFailure,
    waits_for_grace: true,
    ..WATCH
};

/// A dead co-primary that may be replaced.
const DEAD_CO_PRIMARY: Rule =
    Rule { response: Response::FailOverCoPrimary, caution: Caution::MustSeeConnectFailure, ..WATCH };

/// A dead intermediate primary. Differs: the reference does not soften these in a grace period, although the restart
/// of receivers that begins one is run below intermediate primaries as well.
const DEAD_INTERMEDIATE: Rule = Rule { waits_for_grace: true, ..WATCH };

/// A problem of replicas that nobody wants to hear of while all of them are downtimed.
const REPLICA_PROBLEM: Rule = Rule { quiet_when_replicas_downtimed: true, ..WATCH };

/// Rows for servers that are not members of a replication group.
///
/// Differs: about an unreachable server the reference asks whether a replica *replicates*, so a stopped applier passes
/// for a death. Here only the receiver is asked: whoever receives proves that the source lives. About a reachable
/// server the question stays whether both threads run.
pub static RULES: &[Rule] = &[
    Rule {
        code: AnalysisCode::DeadMasterWithoutReplicas,
        when: &[Primary, Unreachable, NoReplica],
        meaning: "The primary is unreachable and has no replica",
        ..WATCH
    },
    Rule {
        code: AnalysisCode::DeadMaster,
        when: &[Primary, Unreachable, AnyReplica, AllReadable, NoneReceiving],
        meaning: "The primary is unreachable, and none of its replicas receives from it",
        ..DEAD_PRIMARY
    },
    Rule {
        code: AnalysisCode::DeadMasterAndReplicas,
        when: &[Primary, Unreachable, AnyReplica, NoneReadable, NoneReceiving],
        meaning: "The primary and all of its replicas are unreachable",
        response: Response::Record,
        // Differs: the reference reads the primary's own source, which a primary does not have.
        emergency: &[Emergency::ReadInstance, Emergency::ReadReplicas],
        ..WATCH
    },
    Rule {
        code: AnalysisCode::DeadMasterAndSomeReplicas,
        when: &[Primary, Unreachable, AnyReadable, AnyUnreadable, NoneReceiving],
        meaning: "The primary and some of its replicas are unreachable, and none of the others receives from it",
        ..DEAD_PRIMARY
    },
    Rule {
        code: AnalysisCode::UnreachableMasterWithLaggingReplicas,
        when: &[Primary, Unreachable, AllLag, NotAllDelayed, AnyReceiving],
        meaning: "The primary is unreachable; replicas are still connected to it but all of them lag",
        response: Response::Record,
        emergency: &[Emergency::RestartReceivers],
        ..WATCH
    },
    Rule {
        code: AnalysisCode::UnreachableMaster,
        when: &[Primary, Unreachable, NothingRead, AnyReceiving],
        meaning: "The primary is unreachable from here, but some of its replicas still receive from it",
        ..UNREACHABLE_PRIMARY
    },
    Rule {
        code: AnalysisCode::UnreachableMaster,
        when: &[Primary, Unreachable, PartlyRead, AnyFailingToConnect, AnyReceiving],
        meaning: "The primary answers only in part; some replicas fail to connect to it, others still receive from it",
        ..UNREACHABLE_PRIMARY
    },
    Rule {
        code: AnalysisCode::LockedSemiSyncMaster,
        when: &[Primary, SemiSyncEnabled, SemiSyncActive, TooFewClients, Locked],
        meaning: "Commits on the primary wait for more semi-sync replicas than are connected, and its binary log stands still",
        response: Response::UnlockSemiSync,
        caution: Caution::MustBeReachable,
        waits_for_grace: true,
        ..WATCH
    },
    Rule {
        code: AnalysisCode::LockedSemiSyncMasterHypothesis,
        when: &[Primary, SemiSyncEnabled, SemiSyncActive, TooFewClients, NotProvenLocked],
        meaning: "Commits on the primary need more semi-sync replicas than are connected; it may be locked",
        emergency: &[Emergency::ReadInstance, Emergency::RecordCoordinates],
        ..WATCH
    },
    Rule {
        code: AnalysisCode::MasterWithTooManySemiSyncReplicas,
        when: &[ExactSemiSyncWanted, Primary, SemiSyncEnabled, SemiSyncActive, SemiSyncWaits, TooManyClients],
        meaning: "More semi-sync replicas are connected to the primary than it waits for",
        response: Response::TrimSemiSync,
        caution: Caution::MustBeReachable,
        ..WATCH
    },
    Rule {
        code: AnalysisCode::NoWriteableMasterStructureWarning,
        when: &[ReadOnlyRepairWanted, Primary, Reachable, ReadOnly, AnyReplicating],
        meaning: "The primary is reachable and replicated from, but read-only",
        response: Response::MakeWritable,
        ..WATCH
    },
    Rule {
        code: AnalysisCode::MasterSingleReplicaNotReplicating,
        when: &[Primary, Reachable, OneReplica, AllReadable, NoneReplicating],
        meaning: "The primary is reachable, but its only replica does not replicate",
        ..WATCH
    },
    Rule {
        code: AnalysisCode::MasterSingleReplicaDead,
        when: &[Primary, Reachable, OneReplica, NoneReadable],
        meaning: "The primary is reachable, but its only replica is not",
        ..REPLICA_PROBLEM
    },
    Rule {
        code: AnalysisCode::AllMasterReplicasNotReplicating,
        when: &[Primary, Reachable, SeveralReplicas, AllReadable, NoneReplicating],
        meaning: "The primary is reachable, but none of its replicas replicates",
        response: Response::Record,
        emergency: &[Emergency::ReadInstance],
        ..REPLICA_PROBLEM
    },
    Rule {
        code: AnalysisCode::AllMasterReplicasNotReplicatingOrDead,
        when: &[Primary, Reachable, AnyReadable, AnyUnreadable, NoneReplicating],
        meaning: "The primary is reachable, but some of its replicas are not and none of the others replicates",
        response: Response::Record,
        emergency: &[Emergency::ReadInstance],
        ..REPLICA_PROBLEM
    },
    Rule {
        code: AnalysisCode::DeadCoMaster,
        when: &[CoPrimary, Unreachable, AnyReplica, AllReadable, NoneReceiving],
        meaning: "The co-primary is unreachable, and none of its replicas receives from it",
        ..DEAD_CO_PRIMARY
    },
    Rule {
        code: AnalysisCode::DeadCoMasterAndSomeReplicas,
        when: &[CoPrimary, Unreachable, AnyReadable, AnyUnreadable, NoneReceiving],
        meaning: "The co-primary and some of its replicas are unreachable, and none of the others receives from it",
        ..DEAD_CO_PRIMARY
    },
    Rule {
        // Differs: the reference has no row for this and reports a dead intermediate primary. The role decides.
        code: AnalysisCode::DeadMasterAndReplicas,
        when: &[CoPrimary, Unreachable, AnyReplica, NoneReadable, NoneReceiving],
        meaning: "The co-primary and all of its replicas are unreachable",
        response: Response::Record,
        emergency: &[Emergency::ReadInstance, Emergency::ReadReplicas],
        ..WATCH
    },
    Rule {
        code: AnalysisCode::UnreachableCoMaster,
        when: &[CoPrimary, Unreachable, NothingRead, AnyReceiving],
        meaning: "The co-primary is unreachable from here, but some of its replicas still receive from it",
        ..WATCH
    },
    Rule {
        // Differs: the reference has this row for primaries only and says nothing here.
        code: AnalysisCode::UnreachableCoMaster,
        when: &[CoPrimary, Unreachable, PartlyRead, AnyFailingToConnect, AnyReceiving],
        meaning: "The co-primary answers only in part; some replicas fail to connect to it, others still receive from it",
        ..WATCH
    },
    Rule {
        // Differs: the reference reports an unreachable intermediate primary. The role decides.
        code: AnalysisCode::UnreachableMasterWithLaggingReplicas,
        when: &[CoPrimary, Unreachable, AllLag, NotAllDelayed, AnyReceiving],
        meaning: "The co-primary answers only in part; replicas are still connected to it but all of them lag",
        response: Response::Record,
        emergency: &[Emergency::RestartReceivers],
        ..WATCH
    },
    Rule {
        code: AnalysisCode::AllCoMasterReplicasNotReplicating,
        when: &[CoPrimary, Reachable, AnyReplica, NoneReplicating],
        meaning: "The co-primary is reachable, but none of its replicas replicates",
        ..REPLICA_PROBLEM
    },
    Rule {
        code: AnalysisCode::DeadIntermediateMasterWithSingleReplicaFailingToConnect,
        when: &[NotPrimary, Unreachable, OneReplica, AllFailToConnect],
        meaning: "The intermediate primary is unreachable, and its only replica fails to connect to it",
        response: Response::RescueReplicas,
        quiet_when_replicas_downtimed: true,
        ..DEAD_INTERMEDIATE
    },
    Rule {
        code: AnalysisCode::DeadIntermediateMasterWithSingleReplica,
        when: &[NotPrimary, Unreachable, OneReplica, AllReadable, NoneReceiving],
        meaning: "The intermediate primary is unreachable, and its only replica does not receive from it",
        quiet_when_replicas_downtimed: true,
        ..DEAD_INTERMEDIATE
    },
    Rule {
        code: AnalysisCode::DeadIntermediateMaster,
        when: &[NotPrimary, Unreachable, SeveralReplicas, AllReadable, NoneReceiving],
        meaning: "The intermediate primary is unreachable, and none of its replicas receives from it",
        response: Response::RescueReplicas,
        ..DEAD_INTERMEDIATE
    },
    Rule {
        code: AnalysisCode::DeadIntermediateMasterAndSomeReplicas,
        when: &[NotPrimary, Unreachable, AnyReadable, AnyUnreadable, NoneReceiving],
        meaning: "The intermediate primary and some of its replicas are unreachable, and none of the others receives from it",
        response: Response::RescueReplicas,
        quiet_when_replicas_downtimed: true,
        ..DEAD_INTERMEDIATE
    },
    Rule {
        code: AnalysisCode::DeadIntermediateMasterAndReplicas,
        when: &[NotPrimary, Unreachable, AnyReplica, NoneReadable, NoneReceiving],
        meaning: "The intermediate primary and all of its replicas are unreachable",
        response: Response::Record,
        ..REPLICA_PROBLEM
    },
    Rule {
        code: AnalysisCode::UnreachableIntermediateMasterWithLaggingReplicas,
        when: &[NotPrimary, Unreachable, AllLag, NotAllDelayed, AnyReceiving],
        meaning: "The intermediate primary is unreachable; replicas are still connected to it but all of them lag",
        response: Response::Record,
        emergency: &[Emergency::RestartReceivers],
        ..WATCH
    },
    Rule {
        code: AnalysisCode::UnreachableIntermediateMaster,
        when: &[NotPrimary, Unreachable, NothingRead, AnyReceiving],
        meaning: "The intermediate primary is unreachable from here, but some of its replicas still receive from it",
        ..WATCH
    },
    Rule {
        code: AnalysisCode::AllIntermediateMasterReplicasFailingToConnectOrDead,
        when: &[NotPrimary, Reachable, SeveralReplicas, AnyFailingToConnect, ReadableFailToConnect],
        meaning: "The intermediate primary is reachable, but every readable replica fails to connect to it",
        response: Response::RescueReplicas,
        ..REPLICA_PROBLEM
    },
    Rule {
        code: AnalysisCode::AllIntermediateMasterReplicasNotReplicating,
        when: &[NotPrimary, Reachable, AnyReadable, NoneReplicating],
        meaning: "The intermediate primary is reachable, but none of its replicas replicates",
        ..REPLICA_PROBLEM
    },
    Rule {
        code: AnalysisCode::BinlogServerFailingToConnectToMaster,
        when: &[BinlogServer, FailingToConnect],
        meaning: "The binlog server fails to connect to its source",
        ..WATCH
    },
    Rule {
        code: AnalysisCode::FirstTierReplicaFailingToConnectToMaster,
        when: &[FirstTier, FailingToConnect],
        meaning: "The replica stands directly below the primary and fails to connect to it",
        emergency: &[Emergency::ReadSource],
        ..WATCH
    },
    Rule {
        // Differs: the reference says nothing in this and the next case. Last, so that no older code gives way; and not
        // quiet but no verdict when all replicas are downtimed, so that structure codes stay visible.
        code: AnalysisCode::AllMasterReplicasDead,
        when: &[Primary, Reachable, SeveralReplicas, NoneReadable, AnyInService],
        meaning: "The primary is reachable, but none of its replicas is",
        ..WATCH
    },
    Rule {
        code: AnalysisCode::AllIntermediateMasterReplicasDead,
        when: &[NotPrimary, Reachable, NoneReadable, AnyInService],
        meaning: "The intermediate primary is reachable, but none of its replicas is",
        ..WATCH
    },
    Rule {
        // Differs: the reference does not try to write. Known only with `WriteCanarySchema`.
        code: AnalysisCode::MasterWritesFailing,
        when: &[Primary, Reachable, WritesFail],
        meaning: "The primary can be read, but trial writes on it fail or hang",
        response: Response::Record,
        ..WATCH
    },
    Rule {
        code: AnalysisCode::MasterWritesFailing,
        when: &[Primary, Unreachable, PartlyRead, WritesFail],
        meaning: "The primary answers only in part, and trial writes on it fail or hang",
        response: Response::Record,
        ..WATCH
    },
];

/// An unreachable primary that some replica still hears.
const UNREACHABLE_PRIMARY: Rule = Rule {
    response: Response::Record,
    // The test comes first: reading a server that hangs takes its time.
    emergency: &[Emergency::TestReceivers, Emergency::ReadInstance, Emergency::ReadReplicas],
    ..WATCH
};

/// The only row for members of a replication group: the group itself replaces its primary, so what matters is
/// asynchronous replicas that lost their source.
pub static GROUP_MEMBER_RULES: &[Rule] = &[Rule {
    code: AnalysisCode::DeadReplicationGroupMemberWithReplicas,
    when: &[Unreachable, AnyReplica, NoneReceiving],
    meaning: "The group member is unreachable, and none of its asynchronous replicas receives from it",
    response: Response::RescueGroupMemberReplicas,
    ..WATCH
}];

/// Weaknesses of structure, reported in this order for every server, group members included, whatever its code.
pub static STRUCTURE_RULES: &[StructureRule] = &[
    StructureRule {
        code: StructureCode::NoLoggingReplicasStructureWarning,
        when: &[Primary, NoLoggingReplica, SeveralReplicas],
        meaning: "None of several replicas logs its updates, so none could feed the others",
    },
    StructureRule {
        code: StructureCode::NoFailoverSupportStructureWarning,
        when: &[Primary, SeveralReplicas, NoCommonPositions],
        meaning: "Replicas share no kind of GTID, so they could not be regrouped",
    },
    StructureRule {
        code: StructureCode::StatementAndMixedLoggingReplicasStructureWarning,
        when: &[Primary, StatementLogs, MixedLogs],
        meaning: "Logging replicas write statements here and mixed format there",
    },
    StructureRule {
        code: StructureCode::StatementAndRowLoggingReplicasStructureWarning,
        when: &[Primary, StatementLogs, RowLogs],
        meaning: "Logging replicas write statements here and rows there",
    },
    StructureRule {
        code: StructureCode::MixedAndRowLoggingReplicasStructureWarning,
        when: &[Primary, MixedLogs, RowLogs],
        meaning: "Logging replicas write mixed format here and rows there",
    },
    StructureRule {
        code: StructureCode::MultipleMajorVersionsLoggingReplicasStructureWarning,
        when: &[Primary, SeveralVersions],
        meaning: "Logging replicas are of several major versions",
    },
    StructureRule {
        code: StructureCode::DifferentGTIDModesStructureWarning,
        when: &[AnyReplica, GtidModesDiffer],
        meaning: "The GTID mode of the server differs from that of a replica",
    },
    StructureRule {
        code: StructureCode::ErrantGTIDStructureWarning,
        when: &[ErrantReplica],
        meaning: "A replica has transactions that the server lacks",
    },
    StructureRule {
        code: StructureCode::NoWriteableMasterStructureWarning,
        when: &[Primary, ReadOnly],
        meaning: "The primary is read-only",
    },
    StructureRule {
        code: StructureCode::NotEnoughValidSemiSyncReplicasStructureWarning,
        when: &[Primary, SemiSyncEnabled, SemiSyncFallenBack, TooFewClients],
        meaning: "Semi-sync fell back to asynchronous because too few semi-sync replicas are connected",
    },
];

/// The rows that are asked about a server with these facts.
pub fn rules_for(facts: &Facts) -> &'static [Rule] {
    if facts.is_group_member { GROUP_MEMBER_RULES } else { RULES }
}

/// The first row that holds; `None` means no problem.
pub fn verdict(facts: &Facts, policy: &AnalysisPolicy) -> Option<&'static Rule> {
    rules_for(facts).iter().find(|rule| rule.matches(facts, policy))
}

/// The row of a code, for its response; `None` for codes that are never produced. Rows of one code respond alike.
pub fn rule_of(code: AnalysisCode) -> Option<&'static Rule> {
    RULES.iter().chain(GROUP_MEMBER_RULES).find(|rule| rule.code == code)
}

/// Every structure code that holds, in table order.
pub fn structure(facts: &Facts, policy: &AnalysisPolicy) -> Vec<StructureCode> {
    STRUCTURE_RULES.iter().filter(|rule| rule.matches(facts, policy)).map(|rule| rule.code).collect()
}
