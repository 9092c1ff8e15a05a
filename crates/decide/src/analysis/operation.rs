//! Which verdicts an operation of ours causes by itself while it runs: it stops replicas, makes primaries read-only and
//! moves semi-sync replicas, and nobody should be called for that.

use model::AnalysisCode;

/// An operation in progress on the cluster may be the whole reason for this verdict. Never true of a recovery for
/// a server that cannot be reached: no operation makes it so.
pub fn may_come_from_operation(code: AnalysisCode) -> bool {
    use AnalysisCode as Code;
    match code {
        // A read-only window, and what follows from replicas that are stopped and started again.
        Code::NoWriteableMasterStructureWarning
        | Code::LockedSemiSyncMaster
        | Code::LockedSemiSyncMasterHypothesis
        | Code::MasterWithTooManySemiSyncReplicas
        | Code::MasterWritesFailing
        | Code::MasterSingleReplicaNotReplicating
        | Code::AllMasterReplicasNotReplicating
        | Code::AllMasterReplicasNotReplicatingOrDead
        | Code::AllCoMasterReplicasNotReplicating
        | Code::AllIntermediateMasterReplicasNotReplicating
        | Code::AllIntermediateMasterReplicasFailingToConnectOrDead => true,
        Code::NoProblem
        | Code::MasterWithoutReplicas
        | Code::DeadMasterWithoutReplicas
        | Code::DeadMaster
        | Code::DeadMasterAndReplicas
        | Code::DeadMasterAndSomeReplicas
        | Code::UnreachableMasterWithLaggingReplicas
        | Code::UnreachableMaster
        | Code::MasterSingleReplicaDead
        | Code::AllMasterReplicasDead
        | Code::DeadCoMaster
        | Code::DeadCoMasterAndSomeReplicas
        | Code::UnreachableCoMaster
        | Code::DeadIntermediateMasterWithSingleReplicaFailingToConnect
        | Code::DeadIntermediateMasterWithSingleReplica
        | Code::DeadIntermediateMaster
        | Code::DeadIntermediateMasterAndSomeReplicas
        | Code::DeadIntermediateMasterAndReplicas
        | Code::UnreachableIntermediateMasterWithLaggingReplicas
        | Code::UnreachableIntermediateMaster
        | Code::AllIntermediateMasterReplicasDead
        | Code::FirstTierReplicaFailingToConnectToMaster
        | Code::BinlogServerFailingToConnectToMaster
        | Code::DeadReplicationGroupMemberWithReplicas => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::{Condition, GROUP_MEMBER_RULES, RULES};

    #[test]
    fn no_unreachable_server_is_explained_away() {
        for rule in RULES.iter().chain(GROUP_MEMBER_RULES) {
            let is_masked = may_come_from_operation(rule.code) && rule.response.is_actionable();
            assert!(!(is_masked && rule.when.contains(&Condition::Unreachable)), "{}", rule.code);
        }
    }

    #[test]
    fn what_operations_cause_is_explained() {
        let masked: Vec<&str> = AnalysisCode::ALL
            .iter()
            .filter(|code| may_come_from_operation(**code))
            .map(|code| code.as_str())
            .collect();
        assert_eq!(
            masked,
            [
                "LockedSemiSyncMaster",
                "LockedSemiSyncMasterHypothesis",
                "MasterWithTooManySemiSyncReplicas",
                "MasterSingleReplicaNotReplicating",
                "AllMasterReplicasNotReplicating",
                "AllMasterReplicasNotReplicatingOrDead",
                "AllCoMasterReplicasNotReplicating",
                "AllIntermediateMasterReplicasFailingToConnectOrDead",
                "AllIntermediateMasterReplicasNotReplicating",
                "MasterWritesFailing",
                "NoWriteableMasterStructureWarning",
            ]
        );
    }
}
