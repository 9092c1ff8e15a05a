//! One call: the engine, the arguments, the settings and the time, the same for the whole call.

use std::sync::Arc;

use decide::analysis::AnalysisFilters;
use decide::clusters::{ProblemPolicy, effective_alias, problems_of};
use decide::topology_text::TopologyTextPolicy;
use engine::Engine;
use model::{ClusterDetails, Fleet, Instance, Timestamp};
use ports::TimestampStyle;
use registry::Args;
use registry::wire::{ColumnTimes, InstanceView, to_json_with};
use serde::Serialize;
use settings::Settings;
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::block_in_place;

use super::answer::Reply;

/// Most servers of an answer that is made at once: it takes a few milliseconds.
const AT_ONCE: usize = 300;

/// Where a call came from. Some texts, and what a missing server means, differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Surface {
    /// The HTTP API; JSON is wanted.
    Http,
    /// The command line; text is wanted.
    Command,
    /// The command line; JSON is wanted.
    CommandJson,
}

/// See the module documentation.
pub(crate) struct Call<'a> {
    pub(super) engine: &'a Engine,
    pub(super) args: &'a Args,
    pub(super) surface: Surface,
    pub(crate) settings: Arc<Settings>,
    pub(crate) now: Timestamp,
}

impl<'a> Call<'a> {
    pub(crate) fn new(engine: &'a Engine, args: &'a Args, surface: Surface) -> Self {
        Self { engine, args, surface, settings: engine.settings(), now: engine.now() }
    }

    pub(super) fn is_command(&self) -> bool {
        match self.surface {
            Surface::Command | Surface::CommandJson => true,
            Surface::Http => false,
        }
    }

    /// JSON of a value; skipped when nobody will see it.
    pub(super) fn json<T: Serialize + ?Sized>(&self, value: &T) -> String {
        self.if_shown(|| to_json_with(value, self.column_times()))
    }

    fn if_shown(&self, json: impl FnOnce() -> String) -> String {
        match self.surface {
            Surface::Http | Surface::CommandJson => json(),
            Surface::Command => String::new(),
        }
    }

    /// How the backend shows times.
    fn column_times(&self) -> ColumnTimes {
        match self.engine.store().timestamp_style() {
            TimestampStyle::Sql => ColumnTimes::Sql,
            TimestampStyle::Rfc3339 => ColumnTimes::Iso,
        }
    }

    /// Alias by pattern of the configuration.
    pub(crate) fn name_to_alias(&self) -> impl Fn(&str) -> Option<String> + '_ {
        |name| self.settings.attributes.cluster_aliases.alias_of(name).map(str::to_owned)
    }

    pub(crate) fn filters(&self) -> SettingsFilters<'_> {
        SettingsFilters(&self.settings)
    }

    pub(crate) fn problem_policy(&self) -> ProblemPolicy {
        ProblemPolicy {
            poll: self.settings.discovery.poll,
            reasonable_lag_seconds: whole_seconds(self.settings.detection.reasonable_lag),
        }
    }

    pub(crate) fn topology_policy(&self) -> TopologyTextPolicy {
        TopologyTextPolicy {
            poll: self.settings.discovery.poll,
            reasonable_maintenance_lag_seconds: whole_seconds(self.settings.operations.reasonable_lag),
        }
    }

    /// Answers about the servers that are chosen. Many of them take a while, in which polls wait neither for the fleet nor
    /// for this thread.
    pub(super) fn answer(
        &self,
        choose: impl FnOnce(&Fleet) -> Vec<Arc<Instance>>,
        answer: impl FnOnce(&Fleet, &[Arc<Instance>]) -> Reply,
    ) -> Reply {
        let fleet = self.engine.fleet();
        let chosen = choose(&fleet);
        if chosen.len() <= AT_ONCE {
            return answer(&fleet, &chosen);
        }
        let copy = Fleet::clone(&fleet);
        drop(fleet);
        match Handle::try_current().map(|handle| handle.runtime_flavor()) {
            #[expect(
                clippy::disallowed_methods,
                reason = "the other tasks of the worker move on; only the request waits"
            )]
            Ok(RuntimeFlavor::MultiThread) => block_in_place(|| answer(&copy, &chosen)),
            _ => answer(&copy, &chosen),
        }
    }

    /// A server as clients see it.
    fn view<'v>(&self, fleet: &'v Fleet, instance: &'v Instance) -> InstanceView<'v> {
        let problems = problems_of(instance, &self.problem_policy(), self.now);
        let problems = problems.into_iter().map(|problem| problem.as_str()).collect();
        InstanceView::new(fleet, instance, problems, self.settings.discovery.poll, self.now)
    }

    /// JSON of one server; skipped when nobody will see it.
    pub(super) fn instance_json(&self, fleet: &Fleet, instance: &Instance) -> String {
        self.if_shown(|| self.view(fleet, instance).json(self.column_times()))
    }

    /// JSON of a list of servers; skipped when nobody will see it.
    pub(super) fn instances_json(&self, fleet: &Fleet, instances: &[Arc<Instance>]) -> String {
        self.if_shown(|| {
            let views: Vec<_> = instances.iter().map(|instance| self.view(fleet, instance)).collect();
            InstanceView::list_json(&views, self.column_times())
        })
    }

    /// An answer of servers: a bare list, printed as their names.
    pub(super) fn instances(&self, fleet: &Fleet, instances: &[Arc<Instance>]) -> Reply {
        let lines = match self.surface {
            Surface::Http => Vec::new(),
            Surface::Command | Surface::CommandJson => instances.iter().map(|i| i.key.to_string()).collect(),
        };
        Reply::bare(self.instances_json(fleet, instances), lines)
    }

    /// An answer of one server in an envelope, printed as its name.
    pub(super) fn operated(&self, message: impl Into<String>, instance: &Instance) -> Reply {
        let details = self.instance_json(&self.engine.fleet(), instance);
        Reply::envelope(message, details).printing([instance.key.to_string()])
    }

    /// What records say about a cluster, with automation by the present settings.
    pub(super) fn recorded_cluster(&self, name: &str, alias: &str) -> ClusterDetails {
        let filters = self.filters();
        ClusterDetails {
            name: name.to_owned(),
            alias: alias.to_owned(),
            domain: String::new(),
            count_instances: 0,
            heuristic_lag_seconds: 0,
            automated_primary_recovery: filters.recovers_primary(name, alias),
            automated_intermediate_recovery: filters.recovers_intermediate(name, alias),
        }
    }

    /// The alias of a cluster as people see it.
    pub(super) fn alias_of(&self, fleet: &Fleet, cluster_name: &str) -> String {
        effective_alias(fleet, cluster_name, &self.name_to_alias())
    }
}

/// The filters of the configuration.
pub(crate) struct SettingsFilters<'a>(&'a Settings);

impl AnalysisFilters for SettingsFilters<'_> {
    fn ignores_host(&self, hostname: &str) -> bool {
        self.0.detection.ignored_hosts.matches(hostname)
    }

    fn recovers_primary(&self, cluster_name: &str, cluster_alias: &str) -> bool {
        self.0.recovery.primary_clusters.matches(cluster_name, cluster_alias)
    }

    fn recovers_intermediate(&self, cluster_name: &str, cluster_alias: &str) -> bool {
        self.0.recovery.intermediate_clusters.matches(cluster_name, cluster_alias)
    }
}

fn whole_seconds(span: std::time::Duration) -> i64 {
    i64::try_from(span.as_secs()).unwrap_or(i64::MAX)
}
