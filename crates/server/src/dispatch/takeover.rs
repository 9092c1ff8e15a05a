//! Takeovers and failovers that an operator asks for, by cluster.

use decide::analysis::{Hints, Scope, analyze};
use decide::clusters::{cluster_info, cluster_primary};
use engine::TakeoverRequest;
use model::{Finding, InstanceKey, Recovery};
use registry::wire::RecoveryView;

use super::answer::{Failure, Reply};
use super::call::Call;
use super::preview;

const NO_DESTINATION: &str =
    "Cannot deduce destination, the instance to promote in place of the master. Please provide with -d";

/// How a cluster gets another primary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// The primary counts as dead; the best replica is promoted.
    ForceFailover,
    /// The primary counts as dead; the given replica is promoted.
    ForceTakeover,
    /// The primary hands over.
    Graceful {
        /// Choose the replica when none is given, and start replication on the former primary.
        auto: bool,
    },
}

/// Carries it out.
pub(super) async fn run(call: &Call<'_>, way: Way) -> Result<Reply, Failure> {
    let cluster_name = call.cluster().await?;
    let designated = call.exact_destination().await?;
    if call.engine.identity().noop {
        return dry_run(call, way, &cluster_name).await;
    }
    let mut begun = Begun::new(call, &cluster_name);
    let engine = call.engine;
    let (recovery, hint, message) = match way {
        Way::ForceFailover => {
            (engine.force_failover(&cluster_name).await?, "force-master-failover", "Master failed over")
        }
        Way::ForceTakeover => {
            let designated = designated.ok_or_else(|| Failure::input(NO_DESTINATION))?;
            let recovery = engine.force_takeover(&cluster_name, &designated).await?;
            (recovery, "force-master-takeover", "Master failed over")
        }
        Way::Graceful { auto } => {
            let request = TakeoverRequest { cluster_name, designated, auto };
            let (recovery, told) = engine.graceful_takeover(request).await?;
            begun.tell_as(told);
            (recovery, "graceful-master-takeover", "graceful-master-takeover: successor promoted")
        }
    };
    let lines = printed(&recovery, matches!(way, Way::Graceful { .. }));
    let finding = begun.finding(&recovery, hint);
    Ok(Reply::envelope(message, call.json(&RecoveryView::live(&recovery, finding))).printing(lines))
}

/// A command shows what would be done; to a client that waits for the deed it is an error.
async fn dry_run(call: &Call<'_>, way: Way, cluster_name: &str) -> Result<Reply, Failure> {
    match way {
        Way::ForceFailover | Way::ForceTakeover if call.is_command() => preview::failover(call).await,
        Way::Graceful { auto } if call.is_command() => preview::takeover(call, auto).await,
        Way::ForceFailover | Way::ForceTakeover | Way::Graceful { .. } => Err(Failure::refused(format!(
            "noop: aborting takeover operation on {cluster_name}; signalling error but nothing went wrong."
        ))),
    }
}

/// The promoted server and, after a planned takeover, the position at which it was promoted.
fn printed(recovery: &Recovery, with_position: bool) -> Vec<String> {
    let position = recovery.successor_coordinates.as_ref().filter(|_| with_position).map(ToString::to_string);
    recovery.successor.iter().map(InstanceKey::to_string).chain(position).collect()
}

/// The state of the primary before anything is done: answers show it.
struct Begun {
    finding: Option<Finding>,
    cluster: model::ClusterDetails,
}

impl Begun {
    fn new(call: &Call<'_>, cluster_name: &str) -> Self {
        let fleet = call.engine.fleet();
        let policy = engine::policies::analysis_policy(&call.settings);
        let hints = Hints { include_downtimed: true, include_no_problem: true };
        let findings =
            analyze(&fleet, Scope::Cluster(cluster_name), hints, &policy, &call.filters(), call.now);
        let primary = cluster_primary(&fleet, cluster_name).map(|primary| primary.key.clone());
        Self {
            finding: findings.into_iter().find(|finding| Some(&finding.key) == primary.as_ref()),
            cluster: cluster_info(&fleet, cluster_name, &call.name_to_alias(), &call.filters())
                .unwrap_or_else(|_| call.recorded_cluster(cluster_name, cluster_name)),
        }
    }

    /// A takeover moves replicas before it begins: answers count them as hooks and records do.
    fn tell_as(&mut self, told: Finding) {
        if let Some(finding) = &mut self.finding {
            finding.facts = told.facts;
            finding.replicas = told.replicas;
        }
    }

    fn finding(self, recovery: &Recovery, hint: &str) -> Finding {
        let finding = self
            .finding
            .unwrap_or_else(|| Finding::of_case(&recovery.case, model::ClusterDetails::default()));
        Finding {
            code: recovery.case.code,
            cluster: self.cluster,
            is_actionable: true,
            command_hint: hint.to_owned(),
            ..finding
        }
    }
}
