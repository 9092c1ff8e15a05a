//! Every reason by a case that names exactly it, and by the change that removes it.

mod cases;
mod documentation;
mod text;

use std::time::Duration;

use model::{AnalysisCode, FailoverPolicy, InstanceKey, Recovery, RegroupMode, Timestamp};

use super::{Explanation, Gates, World, explain};
use crate::analysis::AnalysisFilters;
use crate::failover::scenario::policy as failover_policy;
use crate::scenario::{Scenario, key};

/// A drawn fleet with all that an explanation depends on. Everything is allowed unless said otherwise.
#[derive(Clone)]
struct Setting {
    scenario: Scenario,
    gates: Gates,
    promotion: FailoverPolicy,
    filters: Filters,
    never_promoted: Vec<InstanceKey>,
}

#[derive(Clone, Default)]
struct Filters {
    no_primaries: bool,
    no_intermediates: bool,
    ignored_host: &'static str,
    explained: Option<AnalysisCode>,
}

impl AnalysisFilters for Filters {
    fn ignores_host(&self, hostname: &str) -> bool {
        hostname == self.ignored_host
    }
    fn recovers_primary(&self, _: &str, _: &str) -> bool {
        !self.no_primaries
    }
    fn recovers_intermediate(&self, _: &str, _: &str) -> bool {
        !self.no_intermediates
    }
    fn is_explained_by_operation(&self, _: &str, code: AnalysisCode) -> bool {
        self.explained == Some(code)
    }
}

impl Setting {
    fn new(text: &str) -> Self {
        Self {
            scenario: Scenario::parse(text),
            gates: Gates { active_period: Duration::from_secs(3600), ..Gates::default() },
            promotion: FailoverPolicy {
                prevent_cross_data_center: false,
                prevent_cross_region: false,
                must_promote_other_co_primary: true,
                ..failover_policy()
            },
            filters: Filters::default(),
            never_promoted: Vec::new(),
        }
    }

    fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    fn now(&self) -> Timestamp {
        self.scenario.now
    }

    fn explain(&self, name: &str) -> Explanation {
        let world = World {
            fleet: &self.scenario.fleet,
            policy: &self.scenario.policy,
            filters: &self.filters,
            promotion: &self.promotion,
            is_never_promoted: &|key| self.never_promoted.contains(key),
            now: self.now(),
        };
        explain(&world, &key(name), &self.gates).expect("a drawn server")
    }

    /// A record of ten minutes ago; ended or not.
    fn record(&self, of: &str, has_ended: bool) -> Recovery {
        let start = self.now() - Duration::from_secs(600);
        Recovery {
            id: 7,
            uid: "uid7".to_owned(),
            case: model::Case {
                key: key(of),
                code: AnalysisCode::DeadMaster,
                cluster_name: String::new(),
                cluster_alias: String::new(),
                count_replicas: 1,
                replicas: Vec::new(),
            },
            in_active_period: true,
            start,
            end: has_ended.then_some(start),
            node: model::NodeIdentity::default(),
            is_successful: true,
            successor: None,
            successor_alias: String::new(),
            successor_coordinates: None,
            lost_replicas: Vec::new(),
            participating: Vec::new(),
            errors: Vec::new(),
            acknowledged: false,
            acknowledged_at: None,
            acknowledged_by: String::new(),
            acknowledge_comment: String::new(),
            last_detection_id: 0,
            kind: None,
            mode: RegroupMode::NotPrimary,
        }
    }
}
