//! For each reason: a world in which it is the only one, and the same world after the change that it suggests.

use std::collections::BTreeMap;

use model::AnalysisCode as Code;

use super::Setting;
use crate::explain::ReasonId as Id;
use crate::scenario::key;

/// What the change leads to.
enum Then {
    /// A recovery begins.
    Acts,
    /// Nothing has to be done any more, or something else: this verdict.
    Is(Code),
}
use Then::{Acts, Is};

/// The reason; the server asked about; before the change; after it; what the change leads to.
type Case = (Id, &'static str, Setting, Setting, Then);

/// Two drawings.
fn drawn(id: Id, name: &'static str, before: &str, after: &str, then: Then) -> Case {
    (id, name, Setting::new(before), Setting::new(after), then)
}

/// One drawing in which a recovery would begin, if this did not stand in the way.
fn shut(id: Id, text: &str, obstacle: impl FnOnce(&mut Setting)) -> Case {
    let after = Setting::new(text);
    (id, "p1", after.clone().with(obstacle), after, Acts)
}

const DEAD: &str = "p1 down=9s \n r1 <- p1 failing";
const DEAD_MIDDLE: &str = "p1 \n m <- p1 down=9s \n s <- p1 \n a <- m failing \n b <- m failing";

fn cases() -> Vec<Case> {
    let mut all = of_statements();
    all.extend(of_verdicts());
    all.extend(of_semi_sync());
    all.extend(of_gates());
    all.extend(of_candidates());
    all
}

fn of_statements() -> Vec<Case> {
    let middle = |words: &str| {
        format!("p1 \n m <- p1 down=9s \n s <- p1 \n a <- m failing downtime=9s \n b <- m down=9s {words}")
    };
    vec![
        drawn(Id::InMaintenance, "p1", "p1 down=9s maintenance \n r1 <- p1 failing", DEAD, Acts),
        shut(Id::HostIgnored, DEAD, |setting| setting.filters.ignored_host = "p1"),
        drawn(
            Id::NotChecked,
            "p1",
            "policy max_age=25s \n p1 age=30s \n r1 <- p1 failing",
            "policy max_age=25s \n p1 down=30s \n r1 <- p1 failing",
            Acts,
        ),
        drawn(Id::Downtimed, "p1", "p1 down=9s downtime=60s \n r1 <- p1 failing", DEAD, Acts),
        drawn(Id::ReplicasDowntimed, "m", &middle("downtime=9s"), &middle(""), Acts),
    ]
}

fn of_verdicts() -> Vec<Case> {
    let unreachable = Code::UnreachableMaster;
    vec![
        drawn(Id::Reachable, "p1", "p1 \n r1 <- p1", DEAD, Acts),
        drawn(Id::NobodyBelow, "l", "p1 \n l <- p1 down=9s", "p1 \n l <- p1", Is(Code::NoProblem)),
        drawn(
            Id::AnswersInPart,
            "p1",
            "p1 down=9s partial \n r1 <- p1",
            "p1 down=9s \n r1 <- p1",
            Is(unreachable),
        ),
        drawn(Id::ReplicasReceive, "p1", "p1 down=9s \n r1 <- p1 sql=stopped", DEAD, Acts),
        drawn(
            Id::ReplicasLagButReceive,
            "p1",
            "p1 down=9s \n r1 <- p1 lag=99",
            "p1 down=9s \n r1 <- p1 lag=99 failing",
            Acts,
        ),
        drawn(Id::NoReplica, "p1", "p1 down=9s", DEAD, Acts),
        drawn(Id::AllUnreachable, "p1", "p1 down=9s \n r1 <- p1 down=9s", DEAD, Acts),
        drawn(
            Id::MayBeStopped,
            "m",
            "p1 \n m <- p1 down=9s \n s <- p1 \n a <- m io=stopped",
            "p1 \n m <- p1 down=9s \n s <- p1 \n a <- m failing",
            Acts,
        ),
        drawn(
            Id::NoConnectFailure,
            "p1",
            "policy need_connect_failure \n p1 down=9s \n r1 <- p1 io=stopped",
            "policy need_connect_failure \n p1 down=9s \n r1 <- p1 io=connecting",
            Acts,
        ),
        drawn(Id::ReplicasStopped, "p1", "p1 \n r1 <- p1 io=stopped", "p1 \n r1 <- p1", Is(Code::NoProblem)),
        drawn(Id::ReplicasUnreadable, "p1", "p1 \n r1 <- p1 down=9s", "p1 \n r1 <- p1", Is(Code::NoProblem)),
        drawn(Id::CannotConnect, "r1", "p1 \n r1 <- p1 failing", "p1 \n r1 <- p1", Is(Code::NoProblem)),
        drawn(Id::WritesFail, "p1", "p1 writes=silent \n r1 <- p1", "p1 \n r1 <- p1", Is(Code::NoProblem)),
        drawn(
            Id::ReadOnlyRepairOff,
            "p1",
            "p1 ro \n r1 <- p1",
            "policy repair_read_only \n p1 ro \n r1 <- p1",
            Acts,
        ),
    ]
}

fn of_semi_sync() -> Vec<Case> {
    let repaired = |text: &str| format!("policy recover_locked_semi_sync \n {text}");
    let exact = |text: &str| format!("policy exact_semi_sync \n {text}");
    let locked = "p1 semi=1/0 still=11s \n r1 <- p1 priority=1";
    let surplus = "p1 semi=1/2 \n r1 <- p1 priority=1 semi_replica \n r2 <- p1 priority=1 semi_replica";
    vec![
        drawn(
            Id::LockNotProven,
            "p1",
            &repaired("p1 semi=1/0 still=9s \n r1 <- p1 priority=1"),
            &repaired(locked),
            Acts,
        ),
        drawn(
            Id::NobodyWaits,
            "p1",
            &repaired("p1 semi=1/0 sessions=0 still=11s \n r1 <- p1 priority=1"),
            &repaired("p1 semi=1/0 sessions=1 still=11s \n r1 <- p1 priority=1"),
            Acts,
        ),
        drawn(
            Id::SemiSyncFellBack,
            "p1",
            "p1 semi=1/0 fallen \n r1 <- p1",
            "p1 semi=1/1 \n r1 <- p1 semi_replica",
            Is(Code::NoProblem),
        ),
        drawn(Id::SemiSyncRepairOff, "p1", locked, &repaired(locked), Acts),
        drawn(Id::SurplusAllowed, "p1", surplus, &exact(surplus), Acts),
        drawn(
            Id::NoSemiSyncReplica,
            "p1",
            &repaired("p1 semi=1/0 still=11s \n r1 <- p1"),
            &repaired(locked),
            Acts,
        ),
        drawn(
            Id::Unreachable,
            "p1",
            &repaired("p1 down=9s partial semi=1/0 still=11s \n r1 <- p1 priority=1"),
            &repaired(locked),
            Acts,
        ),
    ]
}

fn of_gates() -> Vec<Case> {
    vec![
        shut(Id::OperationExplains, "policy repair_read_only \n p1 ro \n r1 <- p1", |setting| {
            setting.filters.explained = Some(Code::NoWriteableMasterStructureWarning);
        }),
        shut(Id::ClusterNotAutomated, DEAD, |setting| setting.filters.no_primaries = true),
        {
            let after = Setting::new(DEAD_MIDDLE);
            let before = after.clone().with(|setting| setting.filters.no_intermediates = true);
            (Id::IntermediateNotAutomated, "m", before, after, Acts)
        },
        shut(Id::NotActive, DEAD, |setting| setting.gates.is_passive = true),
        shut(Id::Settling, DEAD, |setting| setting.gates.settling_until = Some(setting.now())),
        shut(Id::RecoveriesDisabled, DEAD, |setting| setting.gates.recoveries_disabled = true),
        shut(Id::GracePeriod, DEAD, |setting| setting.gates.grace_until = Some(setting.now())),
        shut(Id::ClusterLocked, DEAD, |setting| setting.gates.operation = Some("a takeover".to_owned())),
        shut(Id::RecentlyPromoted, DEAD, |setting| {
            setting.gates.promoted_by = Some(setting.record("p0", true));
        }),
        shut(Id::RecentFailover, DEAD, |setting| {
            setting.gates.failed_over = Some(setting.record("p0", true))
        }),
        shut(Id::AlreadyRecovering, DEAD, |setting| setting.gates.own = Some(setting.record("p1", false))),
        shut(Id::RecoveredBefore, DEAD, |setting| setting.gates.own = Some(setting.record("p1", true))),
    ]
}

fn of_candidates() -> Vec<Case> {
    let dead = |words: &str| format!("p1 down=9s dc=a region=x \n r1 <- p1 failing dc=a region=x {words}");
    let replica = |id, words: &str| drawn(id, "p1", &dead(words), DEAD, Acts);
    let cautious = |id, words: &str, change: fn(&mut Setting)| {
        let (before, after) = (Setting::new(&dead(words)), Setting::new(&dead("")));
        (id, "p1", before.with(change), after.with(change), Acts)
    };
    let pending = "executed=00000000-0000-0000-0000-000000000001:1-5 \
                   received=00000000-0000-0000-0000-000000000001:1-9";
    let minute = std::time::Duration::from_secs(60);
    let pair = "a <- b co down=9s \n b <- a co rw failing rule=neutral \n r1 <- a failing";
    let alone = "a <- b co down=9s \n r1 <- a failing";
    vec![
        (
            Id::CandidateUnreachable,
            "p1",
            Setting::new("p1 down=9s \n r1 <- p1 failing rule=prefer \n r2 <- p1 down=9s")
                .with(|setting| setting.never_promoted = vec![key("r1")]),
            Setting::new("p1 down=9s \n r1 <- p1 failing rule=prefer \n r2 <- p1 failing")
                .with(|setting| setting.never_promoted = vec![key("r1")]),
            Acts,
        ),
        (Id::CandidateNotWanted, "a", Setting::new(alone), Setting::new(pair), Acts),
        replica(Id::CandidateMustNot, "rule=must_not"),
        shut(Id::CandidateIgnored, DEAD, |setting| setting.never_promoted = vec![key("r1")]),
        replica(Id::CandidateRelays, "maxscale"),
        replica(Id::CandidateInGroup, "group=SECONDARY/ONLINE/g1"),
        cautious(Id::CandidateInOtherDataCenter, "dc=b", |s| s.promotion.prevent_cross_data_center = true),
        cautious(Id::CandidateInOtherRegion, "region=y", |s| s.promotion.prevent_cross_region = true),
        {
            let limit = move |s: &mut Setting| s.promotion.fail_on_lag = minute;
            let (before, after) = (Setting::new(&dead("lag=60")), Setting::new(&dead("lag=59")));
            (Id::CandidateLags, "p1", before.with(limit), after.with(limit), Acts)
        },
        {
            let limit = move |s: &mut Setting| s.promotion.fail_on_lag = minute;
            let before = Setting::new(&dead(&format!("lag=null {pending}")));
            (
                Id::CandidateLagUnknown,
                "p1",
                before.with(limit),
                Setting::new(&dead("lag=null")).with(limit),
                Acts,
            )
        },
        cautious(Id::CandidateBehind, pending, |s| s.promotion.fail_if_applier_behind = true),
        (
            Id::CandidateBroken,
            "p1",
            Setting::new(&dead(&format!("sql=stopped sqlerrno=1062 {pending}"))),
            Setting::new(&dead(pending)),
            Acts,
        ),
        drawn(
            Id::PossibleLoss,
            "p1",
            "p1 semi=1/1 down=9s \n r1 <- p1 failing \n r2 <- p1 semi_replica down=9s",
            "p1 semi=1/1 down=9s \n r1 <- p1 failing \n r2 <- p1 semi_replica failing",
            Acts,
        ),
        (
            Id::NoNewSource,
            "m",
            Setting::new(&DEAD_MIDDLE.replace("failing", "failing gtid=off mode=OFF")),
            Setting::new(DEAD_MIDDLE),
            Acts,
        ),
        group(),
    ]
}

fn group() -> Case {
    let world = |state: &str| {
        let text = format!(
            "g1 group=PRIMARY/ONLINE/g1 down=9s \n g2 group=SECONDARY/{state}/g1 \n r1 <- g1 failing"
        );
        Setting::new(&text).with(|setting| {
            setting.scenario.fleet.update(&key("g1"), |g1| g1.group.members = vec![key("g2")]);
        })
    };
    (Id::NoOtherMember, "g1", world("RECOVERING"), world("ONLINE"), Acts)
}

#[test]
fn each_reason_is_named_alone_and_the_change_it_suggests_flips_the_verdict() {
    for (id, name, before, after, then) in cases() {
        let what = id.as_str();
        let found = before.explain(name);
        let named: std::collections::BTreeSet<Id> = found.reasons.iter().map(|reason| reason.id).collect();
        let expected: &[Id] = match id {
            // The only other replica is out of question as well, or there would be someone to promote.
            Id::CandidateUnreachable => &[Id::CandidateUnreachable, Id::CandidateIgnored],
            _ => &[id],
        };
        assert_eq!(named, expected.iter().copied().collect(), "{what}: {found}");
        assert!(!found.will_act(), "{what}: {found}");
        assert!(!id.change().is_empty() && found.to_string().contains(id.change()), "{what}: {found}");
        let changed = after.explain(name);
        assert!(changed.reasons.iter().all(|reason| reason.id != id), "{what}: {changed}");
        match then {
            Acts => assert!(changed.will_act(), "{what}: {changed}"),
            Is(code) => assert_eq!(changed.code, code, "{what}: {changed}"),
        }
    }
}

#[test]
fn every_reason_has_a_case_and_there_are_at_least_forty() {
    let mut counts: BTreeMap<Id, usize> = BTreeMap::new();
    for case in cases() {
        *counts.entry(case.0).or_default() += 1;
    }
    let missing: Vec<&str> =
        Id::ALL.iter().filter(|id| !counts.contains_key(id)).map(|id| id.as_str()).collect();
    assert_eq!(missing, Vec::<&str>::new());
    assert!(Id::ALL.len() >= 40, "{}", Id::ALL.len());
    let names: std::collections::BTreeSet<&str> = Id::ALL.iter().map(|id| id.as_str()).collect();
    assert_eq!(names.len(), Id::ALL.len());
}

#[test]
fn every_reason_in_the_way_is_told_at_once() {
    let setting = Setting::new("p1 down=9s downtime=60s \n r1 <- p1 failing rule=must_not").with(|setting| {
        setting.filters.no_primaries = true;
        setting.gates.recoveries_disabled = true;
        setting.gates.failed_over = Some(setting.record("p0", true));
    });
    let named: Vec<&str> = setting.explain("p1").reasons.iter().map(|reason| reason.id.as_str()).collect();
    let expected = [
        "downtimed",
        "cluster-not-automated",
        "recoveries-disabled",
        "recent-failover",
        "candidate-must-not",
    ];
    assert_eq!(named, expected);
}

#[test]
fn a_grace_period_holds_up_only_verdicts_that_heed_it() {
    let setting = Setting::new("policy repair_read_only \n p1 ro \n r1 <- p1")
        .with(|setting| setting.gates.grace_until = Some(setting.now()));
    assert!(setting.explain("p1").will_act());
}
