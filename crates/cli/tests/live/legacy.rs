//! Moves of old scripts, on real servers.

use anyhow::{Result, ensure};
use lab::{Family, wait_until};
use serde_json::json;

use crate::world::{PATIENCE, World};

/// An intermediate source changes places with one of its replicas; a dead primary is replaced by hand.
pub(crate) async fn replicas_take_the_place_of_their_source(family: Family) -> Result<()> {
    // Nothing is recovered automatically here: people do it.
    let world = World::start_shape(family, "a(b(c,d))", json!({ "RecoverMasterClusterFilters": [] })).await?;
    let made = world.ok(&world.route("make-local-master", &["c"])).await?;
    let (a, b, c) = (world.lab.address("a"), world.lab.address("b"), world.lab.address("c"));
    ensure!(made["Message"] == json!(format!("Instance {c} now made local master")), "{made}");
    ensure!(made["Details"]["MasterKey"]["Port"] == json!(world.lab.server("a").port()), "{made}");
    world.assert_replicates("c", "a").await?;
    world.assert_replicates("d", "c").await?;
    world.assert_replicates("b", "a").await?;

    let refused = world.get(&world.route("make-local-master", &["c"])).await?;
    ensure!(refused["Message"] == json!(format!("master is not a replica itself: {a}")), "{refused}");
    let refused = world.get(&world.route("make-master", &["b"])).await?;
    ensure!(
        refused["Message"] == json!(format!("MakeMaster: instance's master {a} seems to be accessible")),
        "{refused}"
    );
    world.lab.server("a").kill9()?;
    wait_until("the replicas have noticed", PATIENCE, || async {
        let seen = world.ok(&world.route("instance", &["b"])).await?;
        ensure!(seen["ReplicationIOThreadState"] != json!(1), "{}", seen["ReplicationIOThreadState"]);
        Ok(())
    })
    .await?;
    let made = world.ok(&world.route("make-master", &["b"])).await?;
    ensure!(made["Message"] == json!(format!("Instance {b} now made master")), "{made}");
    ensure!(made["Details"]["ReadOnly"] == json!(false), "{made}");
    world.assert_replicates("c", "b").await?;
    world.assert_replicates("d", "c").await
}
