//! Why a verdict leads to no recovery: because of what operators said, or because of what the verdict is.

use model::{AnalysisCode, Facts};

use super::Question;
use super::reason::{Reason, ReasonId};
use crate::analysis::{Condition, replicas};

/// What operators and settings said about the server, and whether anybody looked at it.
pub(super) fn statements(question: &Question<'_>, facts: &Facts) -> Vec<Reason> {
    let (fleet, instance) = (question.fleet, question.instance);
    let mut found = Vec::new();
    if let Some(maintenance) = fleet.maintenance.get(&instance.key) {
        let said = format!("{}: {}", maintenance.owner, maintenance.reason);
        found.push(Reason::new(ReasonId::InMaintenance).saying(said).until(maintenance.end));
    }
    if question.filters.ignores_host(instance.key.hostname()) {
        found.push(Reason::new(ReasonId::HostIgnored));
    }
    if facts.check_stale {
        found.push(Reason::new(ReasonId::NotChecked));
    }
    let downtime = fleet.downtimes.get(&instance.key).filter(|downtime| downtime.is_active(question.now));
    if let Some(downtime) = downtime {
        let said = format!("{}: {}", downtime.owner, downtime.reason);
        found.push(Reason::new(ReasonId::Downtimed).saying(said).until(downtime.end));
    }
    found
}

/// Why nothing is ever done about this verdict; `None` when a recovery exists for it.
pub(super) fn of_code(question: &Question<'_>, code: AnalysisCode, facts: &Facts) -> Option<Reason> {
    use AnalysisCode as Code;
    let reason = match code {
        Code::NoProblem | Code::MasterWithoutReplicas => return no_problem(question, facts),
        Code::DeadMasterWithoutReplicas => Reason::new(ReasonId::NoReplica),
        Code::DeadMasterAndReplicas | Code::DeadIntermediateMasterAndReplicas => {
            Reason::new(ReasonId::AllUnreachable)
        }
        Code::UnreachableMasterWithLaggingReplicas
        | Code::UnreachableIntermediateMasterWithLaggingReplicas => {
            Reason::new(ReasonId::ReplicasLagButReceive).saying(receiving(question))
        }
        Code::UnreachableMaster | Code::UnreachableCoMaster | Code::UnreachableIntermediateMaster => {
            Reason::new(ReasonId::ReplicasReceive).saying(receiving(question))
        }
        Code::LockedSemiSyncMasterHypothesis => lock_not_proven(question, facts),
        Code::MasterSingleReplicaNotReplicating
        | Code::AllMasterReplicasNotReplicating
        | Code::AllMasterReplicasNotReplicatingOrDead
        | Code::AllCoMasterReplicasNotReplicating
        | Code::AllIntermediateMasterReplicasNotReplicating => Reason::new(ReasonId::ReplicasStopped),
        Code::MasterSingleReplicaDead
        | Code::AllMasterReplicasDead
        | Code::AllIntermediateMasterReplicasDead => Reason::new(ReasonId::ReplicasUnreadable),
        Code::DeadIntermediateMasterWithSingleReplica => Reason::new(ReasonId::MayBeStopped),
        Code::FirstTierReplicaFailingToConnectToMaster | Code::BinlogServerFailingToConnectToMaster => {
            Reason::new(ReasonId::CannotConnect)
        }
        Code::MasterWritesFailing => Reason::new(ReasonId::WritesFail),
        Code::DeadMaster
        | Code::DeadMasterAndSomeReplicas
        | Code::LockedSemiSyncMaster
        | Code::MasterWithTooManySemiSyncReplicas
        | Code::DeadCoMaster
        | Code::DeadCoMasterAndSomeReplicas
        | Code::DeadIntermediateMasterWithSingleReplicaFailingToConnect
        | Code::DeadIntermediateMaster
        | Code::DeadIntermediateMasterAndSomeReplicas
        | Code::AllIntermediateMasterReplicasFailingToConnectOrDead
        | Code::DeadReplicationGroupMemberWithReplicas
        | Code::NoWriteableMasterStructureWarning => return None,
    };
    Some(reason)
}

fn no_problem(question: &Question<'_>, facts: &Facts) -> Option<Reason> {
    let holds =
        |conditions: &[Condition]| conditions.iter().all(|condition| condition.holds(facts, question.policy));
    use Condition::*;
    let id = if facts.check_stale {
        // That nobody looked is said already.
        return None;
    } else if holds(&[Unreachable, AnyReceiving]) {
        ReasonId::AnswersInPart
    } else if holds(&[Unreachable]) {
        ReasonId::NobodyBelow
    } else if holds(&[Primary, SemiSyncEnabled, SemiSyncActive, SemiSyncWaits, TooManyClients]) {
        ReasonId::SurplusAllowed
    } else if holds(&[Primary, SemiSyncEnabled, SemiSyncFallenBack, TooFewClients]) {
        ReasonId::SemiSyncFellBack
    } else if holds(&[Primary, ReadOnly, AnyReplicating]) {
        ReasonId::ReadOnlyRepairOff
    } else {
        ReasonId::Reachable
    };
    Some(Reason::new(id))
}

fn lock_not_proven(question: &Question<'_>, facts: &Facts) -> Reason {
    if facts.semi_sync_wait_sessions == Some(0) {
        return Reason::new(ReasonId::NobodyWaits);
    }
    let noted = question.fleet.stale_coordinates.get(&question.instance.key);
    let until = noted
        .filter(|noted| {
            noted.coordinates.same_place(&question.instance.self_coordinates)
                || facts.semi_sync_wait_sessions.is_some_and(|waiting| waiting > 0)
        })
        .map(|noted| noted.first_seen + question.policy.reasonable_locked_semi_sync);
    Reason::new(ReasonId::LockNotProven).until(until)
}

fn receiving(question: &Question<'_>) -> String {
    let names: Vec<String> = replicas(question.fleet, &question.instance.key)
        .filter(|replica| replica.is_receiving())
        .map(|replica| replica.key.to_string())
        .collect();
    names.join(", ")
}
