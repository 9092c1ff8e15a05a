//! What others are told about primaries, in a real Consul and a real ZooKeeper, before and after failovers.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use lab::{ConsulSetup, Family, StoreServer, wait_until};
use serde_json::{Value, json};

use crate::world::{PATIENCE, World, wait_writes, write_load};

/// Longest a write load may see nothing acknowledged, with stores that hang, as without any.
const KILL_GAP_MAX: Duration = Duration::from_secs(5);

/// The stores that this machine has, and the configuration that names them.
struct Stores {
    all: Vec<StoreServer>,
    config: Value,
}

impl Stores {
    async fn start() -> Result<Self> {
        let mut config = json!({
            "DetectClusterAliasQuery": "select 'shop'",
            "ConsulKVStoreProvider": "consul-txn",
            "ConsulMaxKVsPerTransaction": 64,
        });
        let mut all = Vec::new();
        if let Some(consul) = StoreServer::consul(ConsulSetup::default()).await? {
            config["ConsulAddress"] = json!(consul.address());
            all.push(consul);
        }
        if let Some(zookeeper) = StoreServer::zookeeper().await? {
            config["ZkAddress"] = json!(zookeeper.address());
            all.push(zookeeper);
        }
        Ok(Self { all, config })
    }

    /// Every store names this server as the primary, and its port.
    async fn wait_named(&self, world: &World, name: &str) -> Result<()> {
        let (address, port) = (world.lab.address(name), world.lab.server(name).port().to_string());
        for store in &self.all {
            wait_until(&format!("the store names {name}"), PATIENCE, || async {
                let found =
                    (store.value("mysql/master/shop").await?, store.value("mysql/master/shop/port").await?);
                ensure!(found == (address.clone(), port.clone()), "{found:?}");
                Ok(())
            })
            .await?;
        }
        Ok(())
    }
}

pub(crate) async fn stores_name_the_new_primary(family: Family) -> Result<()> {
    let stores = Stores::start().await?;
    let world = World::start(family, stores.config.clone()).await?;
    // Nobody asked for it: what is known is published.
    stores.wait_named(&world, "a").await?;
    world.lab.server("a").kill9()?;
    let recovery = world.wait_recovered("a").await?;
    let promoted = world.successor(&recovery).with_context(|| format!("no successor: {recovery}"))?;
    stores.wait_named(&world, &promoted).await?;
    wait_steps(&world, &recovery, "Published the primary of shop in", stores.all.len()).await?;
    let answer = world.ok("/api/submit-masters-to-kv-stores/shop").await?;
    ensure!(answer["Message"] == json!("Submitted 5 masters"), "{answer}");
    ensure!(answer["Details"][0]["Value"] == json!(world.lab.address(&promoted)), "{answer}");
    Ok(())
}

/// One store is gone and the other one hangs: clients get their primary all the same, and the stores when they are back.
pub(crate) async fn stores_that_fail_delay_no_failover(family: Family) -> Result<()> {
    let mut stores = Stores::start().await?;
    let world = World::start(family, stores.config.clone()).await?;
    stores.wait_named(&world, "a").await?;
    for (at, store) in stores.all.iter_mut().enumerate() {
        if at == 0 { store.kill9()? } else { store.hang()? }
    }
    let writer = write_load(&world.lab)?;
    wait_writes(&writer, 200).await?;
    world.lab.server("a").kill9()?;
    let recovery = world.wait_recovered("a").await?;
    let promoted = world.successor(&recovery).with_context(|| format!("no successor: {recovery}"))?;
    wait_writes(&writer, 200).await?;
    let gap = writer.stop().await.longest_gap().map(|gap| gap.length()).unwrap_or_default();
    ensure!(gap < KILL_GAP_MAX, "writes failed for {gap:?}");
    wait_steps(&world, &recovery, "could not be published yet", stores.all.len()).await?;
    for (at, store) in stores.all.iter_mut().enumerate() {
        if at == 0 { store.start_again().await? } else { store.resume()? }
    }
    stores.wait_named(&world, &promoted).await?;
    wait_steps(&world, &recovery, "Published the primary of shop in", stores.all.len()).await
}

/// The record of the recovery says how each store took it.
async fn wait_steps(world: &World, recovery: &Value, text: &str, wanted: usize) -> Result<()> {
    let uid = recovery["UID"].as_str().unwrap_or_default().to_owned();
    wait_until(&format!("{wanted} steps say {text:?}"), PATIENCE, || async {
        let steps = world.ok(&format!("/api/audit-recovery-steps/{uid}")).await?;
        let count = steps.as_array().map_or(0, |steps| {
            steps
                .iter()
                .filter(|step| step["Message"].as_str().is_some_and(|said| said.contains(text)))
                .count()
        });
        if count >= wanted { Ok(()) } else { bail!("{count}: {steps}") }
    })
    .await
}
