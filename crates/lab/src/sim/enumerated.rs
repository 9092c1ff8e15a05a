//! One dead primary, one broken step: the scenario behind the enumeration of all steps.

use model::PromotionRule;

use super::faults::Fault;
use super::inject::StepFault;
use super::schedule::Scenario;
use super::server::SimFamily;

impl Scenario {
    /// A primary with three replicas is killed, and the step of that number breaks.
    pub(super) fn of_step(family: SimFamily, is_coming_back: bool, broken: Option<(u32, StepFault)>) -> Self {
        let template = (1..).map(Self::of_seed).find(|scenario| {
            let shape = &scenario.clusters[0];
            scenario.clusters.len() == 1
                && shape.servers.len() == 4
                && shape.servers[0].nature.family == family
                && shape.servers[0].semi_sync.primary_enabled
        });
        let Some(mut scenario) = template else { return Self::of_seed(1) };
        for (at, server) in scenario.clusters[0].servers.iter_mut().enumerate() {
            server.source = (at > 0).then_some(0);
            server.nature.logs_updates = true;
            server.nature.delay_seconds = 0;
            server.nature.apply_ms = [0, 1_500, 300, 300][at];
            server.nature.rule = PromotionRule::Neutral;
            server.nature.connect_retry_ms = 1_000;
            server.nature.starts_read_only = false;
        }
        scenario.poll_seconds = 1;
        scenario.is_noop = false;
        scenario.hooks = super::world::HookMode::Succeed(20);
        scenario.block_seconds = 20;
        let mut settings: serde_json::Value = serde_json::from_str(&scenario.settings).unwrap_or_default();
        for (key, value) in [("InstancePollSeconds", 1.into()), ("RecoveryPeriodBlockSeconds", 20.into())] {
            settings[key] = value;
        }
        for key in ["FailMasterPromotionIfSQLThreadNotUpToDate", "DelayMasterPromotionIfSQLThreadNotUpToDate"]
        {
            settings[key] = false.into();
        }
        settings["PreFailoverProcesses"] = serde_json::json!(["hook"]);
        scenario.settings = settings.to_string();
        let kill = Fault::Kill { server: 0, tail: 0, restart_after: None, for_good: !is_coming_back };
        scenario.faults = vec![(6_000, kill)];
        if let Some((step, fault)) = broken {
            scenario
                .faults
                .insert(0, (5_990, Fault::BreakStep { in_steps: step, fault, restart_after: 1_500 }));
        }
        scenario.heal_at = 30_000;
        scenario
    }
}
