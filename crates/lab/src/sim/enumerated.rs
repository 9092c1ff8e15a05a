//! One dead primary, one broken step: the scenarios behind the enumeration of all steps.

use model::PromotionRule;

use super::faults::Fault;
use super::inject::StepFault;
use super::schedule::Scenario;
use super::server::SimFamily;
use super::world::{HookMode, Party};

/// What is to be recovered. Always a killed primary with three replicas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepCase {
    /// The primary never comes back.
    StaysDead,
    /// The primary comes back when all is over.
    ComesBack,
    /// The replica to be promoted lacks writes that another one received: it catches up first.
    CatchesUp,
    /// One replica cannot be read during the failover, and answers again soon after.
    LeavesBehind,
    /// Nobody may be promoted, and the primary comes back: everything is given back.
    GivesBack,
    /// The primary is back before the failover gets to the promotion: it stays the primary.
    StaysPrimary,
    /// The hooks that are to run at detection hang.
    HookHangs,
    /// The clock of the orchestrator is set back by an hour just before.
    ClockSetBack,
    /// The clock of the orchestrator is set an hour forth just before.
    ClockSetForth,
}

impl StepCase {
    /// Whether somebody is promoted when nothing else breaks.
    pub fn promotes(self) -> bool {
        !matches!(self, Self::GivesBack | Self::StaysPrimary)
    }
}

const KILLED_AT: u64 = 6_000;
const HOUR_MS: i64 = 3_600_000;

impl Scenario {
    /// A primary with three replicas is killed, and the step of that number breaks.
    pub(super) fn of_step(family: SimFamily, case: StepCase, broken: Option<(u32, StepFault)>) -> Self {
        let template = (1..).map(Self::of_seed).find(|scenario| {
            let shape = &scenario.clusters[0];
            scenario.clusters.len() == 1
                && shape.servers.len() == 4
                && shape.servers[0].nature.family == family
                && shape.servers[0].semi_sync.primary_enabled
                && shape.servers[0].semi_sync.wait_for == 1
        });
        let Some(mut scenario) = template else { return Self::of_seed(1) };
        for (at, server) in scenario.clusters[0].servers.iter_mut().enumerate() {
            server.source = (at > 0).then_some(0);
            server.nature.logs_updates = true;
            server.nature.delay_seconds = 0;
            // Long enough for the primary to be back before the promotion.
            server.nature.apply_ms = if at == 0 { 0 } else { 1_500 };
            server.nature.rule = rule_of(case, at);
            server.nature.connect_retry_ms = 1_000;
            server.nature.starts_read_only = false;
        }
        scenario.poll_seconds = 1;
        scenario.is_noop = false;
        scenario.hooks = if case == StepCase::HookHangs { HookMode::Hang } else { HookMode::Succeed(20) };
        scenario.block_seconds = 20;
        scenario.settings = settings_of(&scenario.settings, case);
        scenario.faults = faults_of(case);
        if let Some((step, fault)) = broken {
            let fault = Fault::BreakStep { in_steps: step, fault, restart_after: 1_500 };
            scenario.faults.push((KILLED_AT - 10, fault));
        }
        scenario.faults.sort_by_key(|(at, _)| *at);
        scenario.heal_at = 30_000;
        scenario
    }
}

fn rule_of(case: StepCase, at: usize) -> PromotionRule {
    match case {
        StepCase::GivesBack => PromotionRule::MustNot,
        StepCase::CatchesUp if at == 2 => PromotionRule::Prefer,
        _ => PromotionRule::Neutral,
    }
}

fn faults_of(case: StepCase) -> Vec<(u64, Fault)> {
    let restart_after = match case {
        StepCase::GivesBack => Some(9_000),
        StepCase::StaysPrimary => Some(900),
        _ => None,
    };
    let for_good = matches!(case, StepCase::StaysDead | StepCase::CatchesUp | StepCase::LeavesBehind);
    let mut faults = vec![(KILLED_AT, Fault::Kill { server: 0, tail: 0, restart_after, for_good })];
    match case {
        StepCase::CatchesUp => {
            let cut = Fault::Cut { a: Party::Server(2), b: Party::Server(0), lasts: 20_000 };
            faults.push((KILLED_AT - 1_000, cut));
        }
        StepCase::LeavesBehind => {
            let cut = Fault::Cut { a: Party::Orchestrator, b: Party::Server(3), lasts: 7_000 };
            faults.push((KILLED_AT - 2_000, cut));
        }
        StepCase::ClockSetBack => faults.push((KILLED_AT - 10, Fault::StepClock { by_ms: -HOUR_MS })),
        StepCase::ClockSetForth => faults.push((KILLED_AT - 10, Fault::StepClock { by_ms: HOUR_MS })),
        _ => {}
    }
    faults
}

fn settings_of(template: &str, case: StepCase) -> String {
    let mut settings: serde_json::Value = serde_json::from_str(template).unwrap_or_default();
    for (key, value) in [("InstancePollSeconds", 1), ("RecoveryPeriodBlockSeconds", 20)] {
        settings[key] = value.into();
    }
    for key in [
        "FailMasterPromotionIfSQLThreadNotUpToDate",
        "DelayMasterPromotionIfSQLThreadNotUpToDate",
        // The replica that is left behind may have acknowledged writes: the failover is not to wait for it.
        "PreventMasterFailoverOnPossibleSemiSyncLoss",
    ] {
        settings[key] = false.into();
    }
    let is_waited_for = case != StepCase::HookHangs;
    settings["OnFailureDetectionProcesses"] = serde_json::json!(["hook"]);
    for key in ["PreFailoverProcesses", "PostMasterFailoverProcesses"] {
        settings[key] = if is_waited_for { serde_json::json!(["hook"]) } else { serde_json::json!([]) };
    }
    settings.to_string()
}
