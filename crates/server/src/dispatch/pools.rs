//! Pools: servers by the names of groups that others put them in.

use std::collections::BTreeMap;
use std::sync::Arc;

use decide::clusters::{cluster_by_alias, find_instance};
use model::{Instance, InstanceKey};
use registry::Param;
use registry::wire::KeysView;

use super::answer::{Failure, Reply};
use super::call::Call;

pub(super) async fn submit(call: &Call<'_>) -> Result<Reply, Failure> {
    let pool = call.args.text(Param::Pool).ok_or_else(|| Failure::input("Please submit --pool"))?;
    let text = call.args.text_or_empty(Param::Instances);
    let mut members = Vec::new();
    for part in text.split([',', ' ', '\t', '\n']).filter(|part| !part.is_empty()) {
        members.push(member(call, part).await?);
    }
    call.engine.submit_pool(pool, members).await?;
    Ok(Reply::envelope(format!("Applied {pool} pool instances"), call.json(pool)))
}

async fn member(call: &Call<'_>, text: &str) -> Result<InstanceKey, Failure> {
    let key = InstanceKey::parse(text, call.settings.topology.default_port)
        .map_err(|error| Failure::input(error.to_string()))?;
    let key = call.engine.resolve_key(&key).await;
    if !call.settings.discovery.fuzzy_pool_hosts {
        return Ok(key);
    }
    Ok(find_instance(&call.engine.fleet(), &key).map_or(key, |instance| instance.key.clone()))
}

/// The members of one pool, or of all, that are members of a cluster, or of any.
async fn pooled(call: &Call<'_>, cluster: Option<&str>) -> Result<Vec<(String, Arc<Instance>)>, Failure> {
    let pools = call.engine.store().pools().await?;
    let wanted = call.args.text(Param::Pool);
    let fleet = call.engine.fleet();
    let known = pools.into_iter().filter(|(pool, _)| wanted.is_none_or(|wanted| wanted == pool));
    Ok(known
        .filter_map(|(pool, key)| Some((pool, fleet.get(&key)?.clone())))
        .filter(|(_, instance)| cluster.is_none_or(|name| name == instance.cluster_name))
        .collect())
}

pub(super) async fn instances(call: &Call<'_>) -> Result<Reply, Failure> {
    let cluster = call.args.cluster.as_ref().map(|cluster| cluster.text().to_owned());
    let pooled = pooled(call, cluster.as_deref()).await?;
    let mut by_pool: BTreeMap<&str, Vec<InstanceKey>> = BTreeMap::new();
    for (pool, instance) in &pooled {
        by_pool.entry(pool).or_default().push(instance.key.clone());
    }
    let views: BTreeMap<&str, KeysView<'_>> =
        by_pool.iter().map(|(pool, keys)| (*pool, KeysView(keys))).collect();
    let fleet = call.engine.fleet();
    let mut lines: Vec<String> = pooled
        .iter()
        .map(|(pool, instance)| {
            let name = &instance.cluster_name;
            format!("{name}\t{}\t{pool}\t{}", call.alias_of(&fleet, name), instance.key)
        })
        .collect();
    lines.sort();
    let message = format!("Read pool instances for cluster {}", cluster.as_deref().unwrap_or_default());
    Ok(Reply::envelope(message, call.json(&views)).printing(lines))
}

fn well(pooled: Vec<(String, Arc<Instance>)>) -> Vec<Arc<Instance>> {
    let mut well: Vec<Arc<Instance>> = pooled
        .into_iter()
        .map(|(_, instance)| instance)
        .filter(|instance| instance.is_last_check_valid() && !instance.is_binlog_server())
        .collect();
    well.sort_by(|one, other| one.key.cmp(&other.key));
    well.dedup_by(|one, other| one.key == other.key);
    well
}

pub(super) async fn heuristic(call: &Call<'_>) -> Result<Reply, Failure> {
    let name = call.cluster().await?;
    let instances = well(pooled(call, Some(&name)).await?);
    let fleet = call.engine.fleet();
    let lines: Vec<String> = instances.iter().map(|instance| instance.key.to_string()).collect();
    let message = format!("Heuristic pool instances for cluster {name}");
    Ok(Reply::envelope(message, call.instances_json(&fleet, &instances)).printing(lines))
}

pub(super) async fn lag(call: &Call<'_>) -> Result<Reply, Failure> {
    let given = call.args.cluster.as_ref().map(|cluster| cluster.text()).unwrap_or_default();
    let name = cluster_by_alias(&call.engine.fleet(), given)?;
    let instances = well(pooled(call, Some(&name)).await?);
    let lag = instances.iter().map(|instance| instance.lag_seconds.unwrap_or(0)).max();
    let lag = lag.ok_or_else(|| Failure::unknown("No instances found in GetInstancesMaxLag"))?;
    Ok(Reply::envelope(format!("Heuristic pool lag for cluster {name}"), lag.to_string())
        .printing([lag.to_string()]))
}
