//! What the recovery of a finding would do at this moment, or why it could do nothing.

use std::collections::{BTreeMap, BTreeSet};

use model::InstanceKey;

use super::Question;
use super::reason::{Reason, ReasonId};
use crate::analysis::Response;
use crate::failover::{
    FailoverCase, IntermediateCase, Refusals, Rehoming, Standing, Veto, choose, rehome, rehome_below_group,
};
use crate::semi_sync::{Mode, SemiSyncCase, switches};

/// In words what would be done.
///
/// # Errors
/// Every reason for which nothing could be done.
pub(super) fn outcome(question: &Question<'_>, response: Response) -> Result<String, Vec<Reason>> {
    match response {
        Response::Watch | Response::Record => Err(Vec::new()),
        Response::FailOverPrimary | Response::FailOverCoPrimary => fail_over(question),
        Response::RescueReplicas => settle(rehome(&rescue_case(question, false)), ReasonId::NoNewSource),
        Response::RescueGroupMemberReplicas => {
            settle(rehome_below_group(&rescue_case(question, true)), ReasonId::NoOtherMember)
        }
        Response::UnlockSemiSync => semi_sync(question),
        Response::TrimSemiSync => semi_sync(question),
        Response::MakeWritable => Ok(format!("{} would be made writable", question.instance.key)),
    }
}

fn fail_over(question: &Question<'_>) -> Result<String, Vec<Reason>> {
    let mut case = FailoverCase::of(
        question.fleet,
        question.instance,
        question.promotion.clone(),
        question.is_never_promoted,
    );
    case.explicit = None;
    match choose(&case, &case.replicas) {
        Ok(choice) => Ok(format!("{} would be promoted", choice.candidate.key)),
        Err(refusals) => Err(against_candidates(&refusals)),
    }
}

fn against_candidates(refusals: &Refusals) -> Vec<Reason> {
    if refusals.may_pass {
        return vec![Reason::new(ReasonId::PossibleLoss).saying(refusals.summary.clone())];
    }
    let mut found = Vec::new();
    for line in &refusals.ranking.lines {
        if let Standing::Rejected(vetoes) = &line.standing {
            found.extend(vetoes.iter().map(|veto| of_veto(veto).about(&line.key)));
        }
    }
    if found.is_empty() {
        found.push(Reason::new(ReasonId::NoReplica).saying(refusals.summary.clone()));
    }
    found
}

fn of_veto(veto: &Veto) -> Reason {
    let id = match veto {
        Veto::Unreachable | Veto::Elsewhere { .. } | Veto::GivenUp(_) => ReasonId::CandidateUnreachable,
        Veto::NotWanted { .. } => ReasonId::CandidateNotWanted,
        Veto::MustNot => ReasonId::CandidateMustNot,
        Veto::Ignored => ReasonId::CandidateIgnored,
        Veto::BinlogServer => ReasonId::CandidateRelays,
        Veto::GroupSecondary => ReasonId::CandidateInGroup,
        Veto::CrossDataCenter { .. } => ReasonId::CandidateInOtherDataCenter,
        Veto::CrossRegion { .. } => ReasonId::CandidateInOtherRegion,
        Veto::Lag { .. } => ReasonId::CandidateLags,
        Veto::LagUnknown => ReasonId::CandidateLagUnknown,
        Veto::ApplierBehind(_) => ReasonId::CandidateBehind,
        Veto::ApplierBroken { .. } => ReasonId::CandidateBroken,
        // Doubts: they never stand alone against a candidate.
        Veto::NoBinaryLog
        | Veto::UpdatesNotLogged
        | Veto::NewerVersion { .. }
        | Veto::LargerFormat { .. } => ReasonId::CandidateUnreachable,
    };
    let detail = match veto {
        Veto::CrossDataCenter { of_candidate, of_failed, .. }
        | Veto::CrossRegion { of_candidate, of_failed, .. } => {
            format!("{of_candidate:?}, the failed server's is {of_failed:?}")
        }
        Veto::Lag { limit_minutes, seconds, .. } => format!("{seconds} s of {limit_minutes} min"),
        Veto::ApplierBroken { number, text } => format!("error {number}: {text}"),
        Veto::NotWanted { wanted } => wanted.to_string(),
        _ => String::new(),
    };
    Reason::new(id).saying(detail)
}

fn rescue_case(question: &Question<'_>, below_group: bool) -> IntermediateCase {
    let (fleet, failed) = (question.fleet, question.instance);
    let siblings: Vec<_> = if below_group {
        failed.group.members.iter().filter_map(|key| fleet.get(key)).cloned().collect()
    } else {
        fleet.replicas_of(&failed.primary_key).filter(|server| server.key != failed.key).cloned().collect()
    };
    let replicas: Vec<_> = fleet.replicas_of(&failed.key).cloned().collect();
    let keys: BTreeSet<&InstanceKey> = siblings.iter().chain(&replicas).map(|server| &server.key).collect();
    let rules: BTreeMap<_, _> = keys.iter().map(|key| ((*key).clone(), fleet.promotion_rule(key))).collect();
    let ignored =
        keys.iter().filter(|key| (question.is_never_promoted)(key)).map(|key| (*key).clone()).collect();
    IntermediateCase {
        failed: failed.clone(),
        source: fleet.get(&failed.primary_key).filter(|source| source.is_last_check_valid()).cloned(),
        siblings,
        replicas,
        rules,
        ignored,
        policy: question.promotion.clone(),
    }
}

fn settle(rehoming: Result<Rehoming, Refusals>, id: ReasonId) -> Result<String, Vec<Reason>> {
    match rehoming {
        Ok(rehoming) => {
            let moves: Vec<String> =
                rehoming.moves.iter().map(|(replica, source)| format!("{replica} below {source}")).collect();
            Ok(format!("would be moved: {}", moves.join(", ")))
        }
        Err(refusals) => Err(vec![Reason::new(id).saying(refusals.summary)]),
    }
}

fn semi_sync(question: &Question<'_>) -> Result<String, Vec<Reason>> {
    let policy = question.policy;
    let mode = match (policy.exact_semi_sync, policy.recover_locked_semi_sync) {
        (true, _) => Mode::Exact,
        (false, true) => Mode::Enough,
        (false, false) => return Err(vec![Reason::new(ReasonId::SemiSyncRepairOff)]),
    };
    let replicas: Vec<_> = question.fleet.replicas_of(&question.instance.key).cloned().collect();
    let rules = replicas.iter().map(|r| (r.key.clone(), question.fleet.promotion_rule(&r.key))).collect();
    let case = SemiSyncCase {
        primary: question.instance.clone(),
        replicas,
        rules,
        mode,
        joining: None,
        given_up: BTreeSet::new(),
    };
    let words: Vec<String> = switches(&case)
        .into_iter()
        .map(|switch| format!("{} on {}", if switch.on { "on" } else { "off" }, switch.replica))
        .collect();
    if words.is_empty() {
        return Err(vec![Reason::new(ReasonId::NoSemiSyncReplica)]);
    }
    Ok(format!("semi-sync would be switched {}", words.join(", ")))
}
