//! Questions about servers and clusters.

use std::sync::Arc;

use decide::clusters::{self, Problem};
use decide::topology_text::{TopologyStyle, state_text, state_tokens};
use model::{Fleet, Instance, InstanceKey};
use ports::TextSearch;
use registry::wire::{CandidateView, ClusterView, KeyView, KeysView, MaintenanceView};
use registry::{InformationOperation as Op, Param};

use super::answer::{Failure, Reply};
use super::call::{Call, Surface};
use super::topology;

pub(super) async fn run(call: &Call<'_>, operation: Op) -> Result<Reply, Failure> {
    match operation {
        Op::CanReplicateFrom => can_replicate_from(call).await,
        Op::CanReplicateFromGtid => can_replicate_from_gtid(call).await,
        Op::IsReplicating => print_if(call, Instance::is_replicating).await,
        Op::IsReplicationStopped => print_if(call, Instance::is_replication_stopped).await,
        Op::Find => find(call),
        Op::Search => search(call),
        Op::Clusters => Ok(clusters(call)),
        Op::ClustersInfo => Ok(clusters_info(call)),
        Op::Primaries => Ok(select(call, clusters::all_clusters_primaries)),
        Op::Topology => topology::topology(call, TopologyStyle::Plain).await,
        Op::TopologyTabulated => topology::topology(call, TopologyStyle::Tabulated).await,
        Op::TopologyTags => topology::topology(call, TopologyStyle::Tags).await,
        Op::AllInstances => Ok(select(call, |fleet| clusters::search(fleet, "", true))),
        Op::WhichInstance => one_instance(call).await,
        Op::WhichCluster => which_cluster(call).await,
        Op::WhichClusterAlias => cluster_info(call, |info| info.alias.clone()).await,
        Op::WhichClusterDomain => cluster_info(call, |info| info.domain.clone()).await,
        Op::WhichClusterPrimary => cluster_primary(call).await,
        Op::WhichClusterInstances => {
            of_cluster(call, |fleet, name| fleet.cluster_members(name).cloned().collect()).await
        }
        Op::OscReplicas => of_cluster(call, |fleet, name| lag_control(call, fleet, name)).await,
        Op::GhostReplicas => of_cluster(call, clusters::migration_replicas).await,
        Op::HeuristicLag => heuristic_lag(call).await,
        Op::WhichPrimary => which_primary(call).await,
        Op::WhichReplicas => which_replicas(call).await,
        Op::WhichDowntimed => downtimed(call).await,
        Op::WhichLost => Ok(select(call, |fleet| clusters::lost_in_recovery(fleet, None, call.now))),
        Op::InstanceStatus => instance_status(call).await,
        Op::Problems => Ok(problems(call)),
        Op::Tags => super::tags::tags(call).await,
        Op::TagValue => super::tags::tag_value(call).await,
        Op::Tagged => super::tags::tagged(call),
        Op::InMaintenance => in_maintenance(call).await,
        Op::MaintenanceList => Ok(maintenance(call)),
        Op::BulkInstances => Ok(bulk_instances(call)),
        Op::BulkPromotionRules => Ok(bulk_promotion_rules(call)),
        Op::ShowResolved => Ok(names(&call.engine.fleet().resolved)),
        Op::ShowUnresolved => Ok(names(&call.engine.fleet().unresolved)),
    }
}

fn select(call: &Call<'_>, choose: impl FnOnce(&Fleet) -> Vec<Arc<Instance>>) -> Reply {
    call.answer(choose, |fleet, chosen| call.instances(fleet, chosen))
}

async fn of_cluster(
    call: &Call<'_>,
    choose: impl Fn(&Fleet, &str) -> Vec<Arc<Instance>>,
) -> Result<Reply, Failure> {
    let name = call.cluster().await?;
    Ok(select(call, |fleet| choose(fleet, &name)))
}

async fn print_if(call: &Call<'_>, holds: impl Fn(&Instance) -> bool) -> Result<Reply, Failure> {
    let instance = call.known().await?;
    let fleet = call.engine.fleet();
    let kept = if holds(&instance) { vec![instance] } else { Vec::new() };
    Ok(call.instances(&fleet, &kept))
}

async fn can_replicate_from(call: &Call<'_>) -> Result<Reply, Failure> {
    let (instance, other) = (call.known().await?, call.known_destination().await?);
    let policy = engine::policies::replication_policy(&call.settings);
    match decide::replication_rules::can_replicate_from(&instance, &other, &policy) {
        Ok(_warnings) => Ok(Reply::about("true", &other.key)),
        Err(_reasons) if call.is_command() => Ok(Reply::envelope("false", call.json(&KeyView(&other.key)))),
        Err(reasons) => Err(first_of(reasons.iter().map(ToString::to_string))),
    }
}

/// Clients know one reason at a time, without details.
fn first_of(mut reasons: impl Iterator<Item = String>) -> Failure {
    Failure::refused(reasons.next().unwrap_or_default())
}

async fn can_replicate_from_gtid(call: &Call<'_>) -> Result<Reply, Failure> {
    let (instance, other) = (call.known().await?, call.known_destination().await?);
    match call.engine.check_gtid_source(&instance, &other) {
        Ok(()) => Ok(Reply::about("true", &other.key)),
        Err(_reasons) if call.is_command() => Ok(Reply::envelope("false", call.json(&KeyView(&other.key)))),
        Err(reasons) => Err(first_of(reasons.into_iter())),
    }
}

fn find(call: &Call<'_>) -> Result<Reply, Failure> {
    let pattern = call.args.text(Param::Pattern).ok_or_else(|| Failure::input("No pattern given"))?;
    let regex = regex::Regex::new(pattern)
        .map_err(|error| Failure::input(format!("{pattern:?} is no regular expression: {error}")))?;
    Ok(select(call, |fleet| clusters::find(fleet, &|name| regex.is_match(name))))
}

fn search(call: &Call<'_>) -> Result<Reply, Failure> {
    let text = match (call.args.text(Param::Pattern), call.surface) {
        (Some(text), _) => text,
        (None, Surface::Http) => "",
        (None, Surface::Command | Surface::CommandJson) => return Err(Failure::input("No pattern given")),
    };
    let any_case = call.engine.store().text_search() == TextSearch::AnyCase;
    Ok(select(call, |fleet| clusters::search(fleet, text, any_case)))
}

fn clusters(call: &Call<'_>) -> Reply {
    let fleet = call.engine.fleet();
    let names = clusters::cluster_names(&fleet);
    Reply::bare(call.json(&names), Vec::new()).printing_block(names.join("\n"))
}

fn clusters_info(call: &Call<'_>) -> Reply {
    let infos = clusters::clusters_info(&call.engine.fleet(), &call.name_to_alias(), &call.filters());
    let views: Vec<ClusterView<'_>> = infos.iter().map(ClusterView).collect();
    let lines = infos.iter().map(|info| format!("{}\t{}", info.name, info.alias)).collect();
    Reply::bare(call.json(&views), lines)
}

/// A host of no cluster has the empty name.
async fn which_cluster(call: &Call<'_>) -> Result<Reply, Failure> {
    let name = call.cluster().await?;
    if name.is_empty() && call.is_command() {
        return Ok(Reply::bare("null".to_owned(), Vec::new()).printing_block(""));
    }
    cluster_info(call, |info| info.name.clone()).await
}

async fn cluster_info(
    call: &Call<'_>,
    printed: impl Fn(&model::ClusterDetails) -> String,
) -> Result<Reply, Failure> {
    let name = call.only_cluster(call.cluster().await?)?;
    let info = clusters::cluster_info(&call.engine.fleet(), &name, &call.name_to_alias(), &call.filters())?;
    Ok(Reply::bare(call.json(&ClusterView(&info)), Vec::new()).printing_block(printed(&info)))
}

async fn one_instance(call: &Call<'_>) -> Result<Reply, Failure> {
    let instance = call.known().await?;
    let json = call.instance_json(&call.engine.fleet(), &instance);
    Ok(Reply::bare(json, vec![instance.key.to_string()]))
}

async fn cluster_primary(call: &Call<'_>) -> Result<Reply, Failure> {
    let name = call.cluster().await?;
    let fleet = call.engine.fleet();
    let primary = clusters::cluster_primary(&fleet, &name).ok_or_else(|| {
        Failure::unknown(match call.surface {
            Surface::Http => format!("No masters found for {name}"),
            Surface::Command | Surface::CommandJson => {
                format!("No writeable masters found for cluster {name}")
            }
        })
    })?;
    Ok(Reply::bare(call.instance_json(&fleet, &primary), vec![primary.key.to_string()]))
}

fn lag_control(call: &Call<'_>, fleet: &Fleet, cluster_name: &str) -> Vec<Arc<Instance>> {
    clusters::lag_control_replicas(fleet, cluster_name, &|key| is_osc_ignored(call, key))
}

fn is_osc_ignored(call: &Call<'_>, key: &InstanceKey) -> bool {
    call.settings.discovery.osc_ignored.matches(key.hostname(), key.port())
}

async fn heuristic_lag(call: &Call<'_>) -> Result<Reply, Failure> {
    let name = call.cluster().await?;
    let lag = clusters::heuristic_lag_seconds(&call.engine.fleet(), &name, &|key| is_osc_ignored(call, key))?;
    Ok(Reply::bare(call.json(&lag), vec![lag.to_string()]))
}

async fn which_primary(call: &Call<'_>) -> Result<Reply, Failure> {
    let instance = call.known().await?;
    let source = Some(&instance.primary_key).filter(|key| key.is_valid());
    let lines = source.iter().map(ToString::to_string).collect();
    Ok(Reply::bare(call.json(&KeyView(&instance.primary_key)), lines))
}

async fn which_replicas(call: &Call<'_>) -> Result<Reply, Failure> {
    let key = call.figured_key().await?;
    Ok(select(call, |fleet| fleet.replicas_of(&key).cloned().collect()))
}

async fn downtimed(call: &Call<'_>) -> Result<Reply, Failure> {
    let cluster = call.given_cluster().await?;
    Ok(select(call, |fleet| clusters::downtimed(fleet, cluster.as_deref(), call.now)))
}

async fn instance_status(call: &Call<'_>) -> Result<Reply, Failure> {
    let instance = call.known().await?;
    let text = state_text(&state_tokens(&call.engine.fleet(), &instance, &call.topology_policy(), call.now));
    Ok(Reply::bare(call.json(&text), vec![text]))
}

fn problems(call: &Call<'_>) -> Reply {
    let cluster = call.args.cluster.as_ref().map(|cluster| cluster.text());
    let ignores =
        |key: &InstanceKey| call.settings.discovery.problem_ignored.matches(key.hostname(), key.port());
    let policy = call.problem_policy();
    call.answer(
        |fleet| clusters::problem_instances(fleet, cluster, &policy, &ignores, call.now),
        |fleet, unwell| {
            let line = |instance: &Arc<Instance>| {
                let found = clusters::problems_of(instance, &policy, call.now);
                let found: Vec<&str> = found.into_iter().map(Problem::as_str).collect();
                format!("{} {}", instance.key, found.join(","))
            };
            call.instances(fleet, unwell).printing(unwell.iter().map(line))
        },
    )
}

async fn in_maintenance(call: &Call<'_>) -> Result<Reply, Failure> {
    let key = call.figured_key().await?;
    let fleet = call.engine.fleet();
    let is_locked = fleet
        .maintenance
        .get(&key)
        .is_some_and(|maintenance| maintenance.end.is_none_or(|end| end > call.now));
    let shown = if is_locked { key.to_string() } else { String::new() };
    let lines = is_locked.then(|| key.to_string());
    Ok(Reply::envelope(is_locked.to_string(), call.json(&shown)).printing(lines))
}

fn maintenance(call: &Call<'_>) -> Reply {
    let fleet = call.engine.fleet();
    let mut active: Vec<_> = fleet.maintenance.values().collect();
    active.sort_by_key(|maintenance| maintenance.id);
    let views: Vec<_> = active.iter().map(|maintenance| MaintenanceView(maintenance, call.now)).collect();
    Reply::bare(call.json(&views), active.iter().map(|maintenance| maintenance.key.to_string()).collect())
}

fn bulk_instances(call: &Call<'_>) -> Reply {
    let keys: Vec<InstanceKey> = call.engine.fleet().iter().map(|instance| instance.key.clone()).collect();
    let mut texts: Vec<String> = keys.iter().map(ToString::to_string).collect();
    texts.sort();
    Reply::bare(call.json(&KeysView(&keys)), Vec::new()).printing_block(texts.join("\n"))
}

fn bulk_promotion_rules(call: &Call<'_>) -> Reply {
    let fleet = call.engine.fleet();
    let lifetime = call.settings.discovery.candidate_expiry;
    let views: Vec<_> = fleet.candidates.values().map(|row| CandidateView(row, lifetime)).collect();
    let mut texts: Vec<String> =
        fleet.candidates.values().map(|row| format!("{} {}", row.key, row.rule)).collect();
    texts.sort();
    Reply::bare(call.json(&views), Vec::new()).printing_block(texts.join("\n"))
}

fn names(table: &std::collections::BTreeMap<String, String>) -> Reply {
    let lines = table.iter().map(|(hostname, other)| format!("{hostname} {other}")).collect();
    Reply::bare(registry::wire::to_json(table), lines)
}
