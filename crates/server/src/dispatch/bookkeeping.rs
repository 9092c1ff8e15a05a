//! What is kept beside servers: maintenance, names, published primaries, snapshots.

use std::collections::BTreeMap;
use std::time::Duration;

use registry::wire::{KeyValueView, KeyView, ResolvedView};
use registry::{BookkeepingOperation as Op, Param};

use super::answer::{Failure, Reply};
use super::call::Call;
use super::management::simple_duration;
use super::{pools, tags};

/// Longest attempt to open a connection only to see whether a port answers.
const CONNECT_LIMIT: Duration = Duration::from_secs(2);

pub(super) async fn run(call: &Call<'_>, operation: Op) -> Result<Reply, Failure> {
    match operation {
        Op::Tag => tags::tag(call).await,
        Op::Untag => tags::untag(call).await,
        Op::UntagAll => tags::untag_all(call).await,
        Op::BeginMaintenance => begin_maintenance(call).await,
        Op::EndMaintenance => end_maintenance(call).await,
        Op::SubmitPool => pools::submit(call).await,
        Op::PoolInstances => pools::instances(call).await,
        Op::HeuristicPoolInstances => pools::heuristic(call).await,
        Op::PoolLag => pools::lag(call).await,
        Op::SetClusterAlias => set_cluster_alias(call).await,
        Op::DomainInstance => domain_instance(call).await,
        Op::SetDomainInstance => set_domain_instance(call).await,
        Op::SubmitPrimaries => submit_primaries(call).await,
        Op::RegisterUnresolve => register_unresolve(call, true).await,
        Op::DeregisterUnresolve => register_unresolve(call, false).await,
        Op::Resolve => resolve(call).await,
        Op::ResolveCache => Ok(resolve_cache(call)),
        Op::ResetResolveCache => reset_resolve_cache(call).await,
        Op::SnapshotTopologies => snapshot(call).await,
    }
}

async fn begin_maintenance(call: &Call<'_>) -> Result<Reply, Failure> {
    let reason = call.args.text(Param::Reason).ok_or_else(|| Failure::input("--reason option required"))?;
    let duration = match call.args.text(Param::Duration) {
        Some(text) => simple_duration(text)?,
        None => Duration::ZERO,
    };
    let key = call.figured_key().await?;
    let owner = call.args.text(Param::Owner).unwrap_or(&call.engine.identity().maintenance_owner);
    let begun = call.engine.begin_maintenance(&key, owner, reason, duration).await;
    begun.map_err(|error| Failure { details: Some("0".to_owned()), ..Failure::from(error) })?;
    Ok(Reply::about(format!("Maintenance begun: {key}"), &key))
}

async fn end_maintenance(call: &Call<'_>) -> Result<Reply, Failure> {
    if let Some(text) = call.args.text(Param::MaintenanceId) {
        return end_maintenance_by_id(call, text).await;
    }
    let key = call.figured_key().await?;
    call.engine.end_maintenance(&key, None).await?;
    Ok(Reply::about(format!("Maintenance ended: {key}"), &key))
}

async fn end_maintenance_by_id(call: &Call<'_>, text: &str) -> Result<Reply, Failure> {
    let id: i64 = text.parse().map_err(|_| Failure::input(format!("{text:?} is no maintenance id")))?;
    let key = {
        let fleet = call.engine.fleet();
        fleet.maintenance.values().find(|lock| lock.id == id).map(|lock| lock.key.clone())
    };
    if let Some(key) = key {
        call.engine.end_maintenance(&key, Some(id)).await?;
    }
    Ok(Reply::envelope(format!("Maintenance ended: {id}"), id.to_string()))
}

/// Takes the name as it is: a cluster that is not known yet may get its alias in advance.
async fn set_cluster_alias(call: &Call<'_>) -> Result<Reply, Failure> {
    let name = call.args.cluster.as_ref().map(|cluster| cluster.text().to_owned());
    let name = name.ok_or_else(|| Failure::input("Unable to determine cluster name by empty hint"))?;
    let alias = call.args.text_or_empty(Param::NewAlias);
    call.engine.set_cluster_alias(&name, alias).await?;
    Ok(Reply::envelope(format!("Cluster {name} now has alias '{alias}'"), "null"))
}

async fn domain_instance(call: &Call<'_>) -> Result<Reply, Failure> {
    let name = call.only_cluster(call.cluster().await?)?;
    let key = call.engine.domain_writer(&name).await?;
    Ok(Reply::bare(call.json(&KeyView(&key)), vec![key.to_string()]))
}

async fn set_domain_instance(call: &Call<'_>) -> Result<Reply, Failure> {
    let name = call.cluster().await?;
    let key = call.engine.set_domain_writer(&name).await?;
    Ok(Reply::bare(call.json(&KeyView(&key)), vec![key.to_string()]))
}

async fn submit_primaries(call: &Call<'_>) -> Result<Reply, Failure> {
    let cluster = call.given_cluster().await?;
    let pairs = call.engine.submit_primaries(cluster.as_deref()).await?;
    let views: Vec<KeyValueView<'_>> = pairs.iter().map(|(key, value)| KeyValueView(key, value)).collect();
    let lines: Vec<String> = pairs.iter().map(|(key, value)| format!("{key}:{value}")).collect();
    Ok(Reply::envelope(format!("Submitted {} masters", pairs.len()), call.json(&views)).printing(lines))
}

async fn register_unresolve(call: &Call<'_>, register: bool) -> Result<Reply, Failure> {
    let key = call.figured_key().await?;
    let name = if register { call.args.text_or_empty(Param::Hostname) } else { "" };
    call.engine.register_unresolve(&key, name).await?;
    let done = if register { "register" } else { "deregister" };
    Ok(Reply::about(format!("Hostname {done} unresolve completed"), &key))
}

/// On the command line the address is tried first and its canonical name printed; the API answers the name known.
async fn resolve(call: &Call<'_>) -> Result<Reply, Failure> {
    if call.is_command() {
        let given = call.named_key()?;
        connect(&given).await?;
        let name = call.engine.canonical_name(given.hostname()).await;
        let name =
            name.ok_or_else(|| Failure::unknown(format!("lookup {}: no such host", given.hostname())))?;
        return Ok(Reply::bare(call.json(&KeyView(&given)), vec![format!("{name}:{}", given.port())]));
    }
    let key = call.resolved_key().await?;
    connect(&key).await?;
    Ok(Reply::about("Instance resolved", &key))
}

async fn connect(key: &model::InstanceKey) -> Result<(), Failure> {
    let attempt = tokio::net::TcpStream::connect((key.hostname(), key.port()));
    match tokio::time::timeout(CONNECT_LIMIT, attempt).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
            Err(Failure::unknown(format!("dial tcp {key}: connect: connection refused")))
        }
        Ok(Err(error)) => Err(Failure::unknown(format!("dial tcp {key}: {error}"))),
        Err(_) => Err(Failure::unknown(format!("dial tcp {key}: i/o timeout"))),
    }
}

fn resolve_cache(call: &Call<'_>) -> Reply {
    let expiry = call.now + call.settings.naming.expiry;
    let nanos = expiry.as_micros().saturating_mul(1_000);
    let fleet = call.engine.fleet();
    // A name that stands for itself is listed, too.
    let own = fleet.iter().map(|instance| (instance.key.hostname(), instance.key.hostname()));
    let resolved = fleet.resolved.iter().map(|(name, resolved)| (name.as_str(), resolved.as_str()));
    let cache: BTreeMap<&str, ResolvedView<'_>> = own
        .chain(resolved)
        .map(|(name, resolved)| (name, ResolvedView { resolved, expiration_nanos: nanos }))
        .collect();
    Reply::envelope("Cache retrieved", call.json(&cache))
}

async fn reset_resolve_cache(call: &Call<'_>) -> Result<Reply, Failure> {
    call.engine.forget_resolved().await?;
    Ok(Reply::envelope("Hostname cache cleared", "null")
        .printing(["hostname resolve cache cleared".to_owned()]))
}

async fn snapshot(call: &Call<'_>) -> Result<Reply, Failure> {
    let began = std::time::Instant::now();
    call.engine.snapshot_topologies().await?;
    let took = format!("Took {:?}", began.elapsed());
    Ok(Reply::envelope("Topology Snapshot completed", call.json(&took)))
}
