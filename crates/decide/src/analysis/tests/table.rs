//! The tables as tables, and the verdict against the conditions written out a second time, as formulas.

use model::{AnalysisCode, AnalysisPolicy, Facts, StructureCode};

use crate::analysis::rules::{structure, verdict};
use crate::analysis::{
    Caution, Condition, Emergency, GROUP_MEMBER_RULES, RULES, Response, Rule, STRUCTURE_RULES, rule_of,
};
use crate::scenario::default_policy;

fn all_rules() -> impl Iterator<Item = &'static Rule> {
    RULES.iter().chain(GROUP_MEMBER_RULES)
}

#[test]
fn every_code_has_a_row_but_two() {
    let missing: Vec<_> = AnalysisCode::ALL.iter().filter(|code| rule_of(**code).is_none()).collect();
    assert_eq!(missing, [&AnalysisCode::NoProblem, &AnalysisCode::MasterWithoutReplicas]);
    let structure: Vec<_> = STRUCTURE_RULES.iter().map(|rule| rule.code).collect();
    assert_eq!(structure, StructureCode::ALL);
}

#[test]
fn rows_of_one_code_respond_alike() {
    for rule in all_rules() {
        let first = rule_of(rule.code).unwrap();
        assert_eq!((rule.response, rule.emergency), (first.response, first.emergency), "{}", rule.code);
        assert_eq!(
            (rule.caution, rule.waits_for_grace),
            (first.caution, first.waits_for_grace),
            "{}",
            rule.code
        );
    }
}

#[test]
fn every_row_has_a_sentence_and_asks_nothing_twice() {
    for rule in all_rules() {
        assert!(rule.meaning.starts_with("The ") || rule.meaning.contains("replica"), "{}", rule.code);
        let (mut texts, count) = (rule.when.to_vec(), rule.when.len());
        texts.sort();
        texts.dedup();
        assert_eq!(texts.len(), count, "{} asks twice", rule.code);
    }
}

#[test]
fn actionable_codes() {
    let actionable: Vec<&str> = AnalysisCode::ALL
        .iter()
        .filter(|code| rule_of(**code).is_some_and(|rule| rule.response.is_actionable()))
        .map(|code| code.as_str())
        .collect();
    assert_eq!(
        actionable,
        [
            "DeadMaster",
            "DeadMasterAndSomeReplicas",
            "LockedSemiSyncMaster",
            "MasterWithTooManySemiSyncReplicas",
            "DeadCoMaster",
            "DeadCoMasterAndSomeReplicas",
            "DeadIntermediateMasterWithSingleReplicaFailingToConnect",
            "DeadIntermediateMaster",
            "DeadIntermediateMasterAndSomeReplicas",
            "AllIntermediateMasterReplicasFailingToConnectOrDead",
            "DeadReplicationGroupMemberWithReplicas",
            "NoWriteableMasterStructureWarning",
        ]
    );
}

#[test]
fn recorded_but_not_actionable_codes() {
    let recorded: Vec<&str> = AnalysisCode::ALL
        .iter()
        .filter(|code| rule_of(**code).is_some_and(|rule| rule.response == Response::Record))
        .map(|code| code.as_str())
        .collect();
    assert_eq!(
        recorded,
        [
            "DeadMasterAndReplicas",
            "UnreachableMasterWithLaggingReplicas",
            "UnreachableMaster",
            "AllMasterReplicasNotReplicating",
            "AllMasterReplicasNotReplicatingOrDead",
            "DeadIntermediateMasterAndReplicas",
            "UnreachableIntermediateMasterWithLaggingReplicas",
            "MasterWritesFailing",
        ]
    );
}

#[test]
fn emergency_operations() {
    let restarting: Vec<_> = AnalysisCode::ALL
        .iter()
        .filter(|code| {
            rule_of(**code).is_some_and(|rule| rule.emergency.contains(&Emergency::RestartReceivers))
        })
        .collect();
    let lagging = [
        AnalysisCode::UnreachableMasterWithLaggingReplicas,
        AnalysisCode::UnreachableIntermediateMasterWithLaggingReplicas,
    ];
    assert_eq!(restarting, lagging.iter().collect::<Vec<_>>());
    let emergency = |code| rule_of(code).unwrap().emergency;
    assert_eq!(
        emergency(AnalysisCode::UnreachableMaster),
        [Emergency::TestReceivers, Emergency::ReadInstance, Emergency::ReadReplicas]
    );
    assert_eq!(emergency(AnalysisCode::FirstTierReplicaFailingToConnectToMaster), [Emergency::ReadSource]);
    assert_eq!(
        emergency(AnalysisCode::LockedSemiSyncMasterHypothesis),
        [Emergency::ReadInstance, Emergency::RecordCoordinates]
    );
}

#[test]
fn a_grace_period_softens_what_the_restart_of_receivers_may_cause() {
    let dead = rule_of(AnalysisCode::DeadMaster).unwrap();
    assert_eq!(
        (dead.response_in(true), dead.response_in(false)),
        (Response::Record, Response::FailOverPrimary)
    );
    let read_only = rule_of(AnalysisCode::NoWriteableMasterStructureWarning).unwrap();
    assert_eq!(read_only.response_in(true), Response::MakeWritable);
    let softened: Vec<&str> = AnalysisCode::ALL
        .iter()
        .filter(|code| {
            rule_of(**code).is_some_and(|rule| rule.waits_for_grace && rule.response.is_actionable())
        })
        .map(|code| code.as_str())
        .collect();
    assert_eq!(
        softened,
        [
            "DeadMaster",
            "DeadMasterAndSomeReplicas",
            "LockedSemiSyncMaster",
            "DeadIntermediateMasterWithSingleReplicaFailingToConnect",
            "DeadIntermediateMaster",
            "DeadIntermediateMasterAndSomeReplicas",
        ]
    );
}

#[test]
fn no_rule_is_actionable_against_its_caution() {
    let policy = AnalysisPolicy { dead_needs_connect_failure: true, ..default_policy() };
    for rule in all_rules().filter(|rule| rule.response.is_actionable()) {
        let nothing = Facts::default();
        assert_eq!(rule.is_actionable(&nothing, &policy), rule.caution == Caution::None, "{}", rule.code);
        let valid = Facts { check_valid: true, replicas_connecting: 1, ..Facts::default() };
        assert!(rule.is_actionable(&valid, &policy), "{}", rule.code);
    }
    assert!(!rule_of(AnalysisCode::UnreachableMaster).unwrap().is_actionable(&Facts::default(), &policy));
}

/// What a replica can be seen to do.
#[derive(Clone, Copy)]
enum Seen {
    Replicating,
    OnlyReceiving,
    Stopped,
    FailingToConnect,
    Unreadable,
    /// Nobody looked for long; it received when last seen.
    ReceivingLongAgo,
}

const SEEN: [Seen; 6] = [
    Seen::Replicating,
    Seen::OnlyReceiving,
    Seen::Stopped,
    Seen::FailingToConnect,
    Seen::Unreadable,
    Seen::ReceivingLongAgo,
];

fn add_replica(facts: &mut Facts, seen: Seen) {
    facts.replicas += 1;
    facts.valid_replicas += u32::from(!matches!(seen, Seen::Unreadable | Seen::ReceivingLongAgo));
    facts.replicating += u32::from(matches!(seen, Seen::Replicating));
    facts.receiving +=
        u32::from(matches!(seen, Seen::Replicating | Seen::OnlyReceiving | Seen::ReceivingLongAgo));
    facts.replicas_failing_to_connect += u32::from(matches!(seen, Seen::FailingToConnect));
}

/// Facts of a server with all replicas given, and all flags that matter.
fn each_server(replicas: &[Seen], look: &mut impl FnMut(&Facts, &AnalysisPolicy)) {
    for flags in 0_u32..1 << 10 {
        let flag = |bit: u32| flags & (1 << bit) != 0;
        let mut facts = Facts {
            is_primary: flag(0),
            is_co_primary: flag(1),
            check_valid: flag(2),
            check_partial: flag(3),
            check_stale: flag(4) && !flag(2),
            failing_to_connect: flag(5),
            is_binlog_server: flag(6),
            writes_fail: flag(9),
            depth: u32::from(flag(1)),
            ..Facts::default()
        };
        replicas.iter().for_each(|seen| add_replica(&mut facts, *seen));
        facts.lagging_replicas = if flag(7) { facts.replicas } else { 0 };
        facts.delayed_replicas = if flag(8) { facts.replicas } else { 0 };
        look(&facts, &default_policy());
    }
}

/// Facts of every combination that matters, with up to two replicas.
fn each_facts(mut look: impl FnMut(&Facts, &AnalysisPolicy)) {
    each_server(&[], &mut look);
    for one in SEEN {
        each_server(&[one], &mut look);
        for other in SEEN {
            each_server(&[one, other], &mut look);
        }
    }
}

/// The verdict on a server without semi-sync and not to be repaired, as formulas.
fn formula(f: &Facts) -> &'static str {
    let (m, cm, v) = (f.is_primary, f.is_co_primary, f.check_valid);
    let gone = !v && !f.check_stale;
    let (r, vr, rr, io, fc) =
        (f.replicas, f.valid_replicas, f.replicating, f.receiving, f.replicas_failing_to_connect);
    let lagging = f.lagging_replicas == r && f.delayed_replicas < r;
    match () {
        () if m && gone && r == 0 => "DeadMasterWithoutReplicas",
        () if m && gone && vr == r && io == 0 => "DeadMaster",
        () if m && gone && vr == 0 && io == 0 => "DeadMasterAndReplicas",
        () if m && gone && io == 0 => "DeadMasterAndSomeReplicas",
        () if m && gone && lagging => "UnreachableMasterWithLaggingReplicas",
        () if m && gone && (!f.check_partial || fc > 0) => "UnreachableMaster",
        () if m && v && r == 1 && vr == 1 && rr == 0 => "MasterSingleReplicaNotReplicating",
        () if m && v && r == 1 && vr == 0 => "MasterSingleReplicaDead",
        () if m && v && r > 1 && vr == r && rr == 0 => "AllMasterReplicasNotReplicating",
        () if m && v && r > 1 && vr > 0 && vr < r && rr == 0 => "AllMasterReplicasNotReplicatingOrDead",
        () if cm && gone && r > 0 && vr == r && io == 0 => "DeadCoMaster",
        () if cm && gone && vr > 0 && vr < r && io == 0 => "DeadCoMasterAndSomeReplicas",
        () if cm && gone && r > 0 && vr == 0 && io == 0 => "DeadMasterAndReplicas",
        () if cm && gone && io > 0 && (!f.check_partial || fc > 0) => "UnreachableCoMaster",
        () if cm && gone && io > 0 && lagging => "UnreachableMasterWithLaggingReplicas",
        () if cm && v && r > 0 && rr == 0 => "AllCoMasterReplicasNotReplicating",
        () if !m && gone && r == 1 && fc == 1 => "DeadIntermediateMasterWithSingleReplicaFailingToConnect",
        () if !m && gone && r == 1 && vr == 1 && io == 0 => "DeadIntermediateMasterWithSingleReplica",
        () if !m && gone && r > 1 && vr == r && io == 0 => "DeadIntermediateMaster",
        () if !m && gone && vr > 0 && vr < r && io == 0 => "DeadIntermediateMasterAndSomeReplicas",
        () if !m && gone && r > 0 && vr == 0 && io == 0 => "DeadIntermediateMasterAndReplicas",
        () if !m && gone && io > 0 && lagging => "UnreachableIntermediateMasterWithLaggingReplicas",
        () if !m && gone && io > 0 && !f.check_partial => "UnreachableIntermediateMaster",
        () if !m && v && r > 1 && fc > 0 && fc == vr => "AllIntermediateMasterReplicasFailingToConnectOrDead",
        () if !m && v && vr > 0 && rr == 0 => "AllIntermediateMasterReplicasNotReplicating",
        () if f.is_binlog_server && f.failing_to_connect => "BinlogServerFailingToConnectToMaster",
        () if f.depth == 1 && f.failing_to_connect => "FirstTierReplicaFailingToConnectToMaster",
        () if m && v && r > 1 && vr == 0 => "AllMasterReplicasDead",
        () if !m && v && r > 0 && vr == 0 => "AllIntermediateMasterReplicasDead",
        () if m && f.writes_fail && (v || gone && f.check_partial) => "MasterWritesFailing",
        () => "NoProblem",
    }
}

#[test]
fn verdicts_equal_the_formulas_for_all_facts() {
    each_facts(|facts, policy| {
        let found = verdict(facts, policy).map_or("NoProblem", |rule| rule.code.as_str());
        assert_eq!(found, formula(facts), "{facts:?}");
    });
}

#[test]
fn whoever_is_heard_is_not_dead_and_the_role_decides_the_family() {
    each_facts(|facts, policy| {
        let Some(rule) = verdict(facts, policy) else { return };
        let code = rule.code.as_str();
        assert!(!(code.starts_with("Dead") && facts.receiving > 0), "{code} {facts:?}");
        let is_intermediate = code.contains("Intermediate");
        assert!(!(is_intermediate && facts.is_primary), "{code} {facts:?}");
        assert!(!(is_intermediate && facts.is_co_primary && !facts.check_valid), "{code} {facts:?}");
        assert!(!(facts.check_stale && rule.response.is_actionable()), "{code} {facts:?}");
    });
}

#[test]
fn no_condition_of_a_row_follows_from_the_others() {
    let mut needed: Vec<(AnalysisCode, Condition)> = Vec::new();
    let mut note = |facts: &Facts, policy: &AnalysisPolicy| {
        for rule in RULES {
            let mut failing = rule.when.iter().filter(|condition| !condition.holds(facts, policy));
            if let (Some(condition), None) = (failing.next(), failing.next())
                && !needed.contains(&(rule.code, *condition))
            {
                needed.push((rule.code, *condition));
            }
        }
    };
    each_facts(|facts, policy| {
        note(facts, policy);
        if facts.valid_replicas == 0 {
            note(&Facts { downtimed_replicas: facts.replicas, ..facts.clone() }, policy);
        }
    });
    let is_elsewhere =
        |code: AnalysisCode| code.as_str().contains("SemiSync") || code.as_str().starts_with("NoWrite");
    for rule in RULES.iter().filter(|rule| !is_elsewhere(rule.code)) {
        for condition in rule.when {
            assert!(needed.contains(&(rule.code, *condition)), "{}: {condition:?} is not needed", rule.code);
        }
    }
}

#[test]
fn structure_is_asked_of_group_members_too() {
    let facts = Facts { is_group_member: true, is_primary: true, read_only: true, ..Facts::default() };
    assert_eq!(structure(&facts, &default_policy()), [StructureCode::NoWriteableMasterStructureWarning]);
}
