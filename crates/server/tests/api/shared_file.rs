//! Two processes that write what they see of the same servers to one file.

use std::sync::Arc;

use model::Instance;
use ports::{InstanceWrite, NoAgents, Store};

use crate::world::{World, cluster, key, open_store};

/// A command reads servers once: nobody would see again what it did, were its last word not written.
#[tokio::test]
async fn what_a_process_without_polls_saw_last_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("backend.db");
    let world = World::over(open_store(&file), "", cluster(), Arc::new(NoAgents)).await;
    world.change_and_read(&key(3307), |replica| replica.read_only = true).await;
    world.engine.flush_writes().await.unwrap();

    let beside = open_store(&file);
    let mut stale = stored(beside.as_ref()).await;
    stale.binlog_format = "of another process".to_owned();
    beside.write_instances(vec![InstanceWrite::Observed(Arc::new(stale))]).await.unwrap();
    world.change_and_read(&key(3307), |replica| replica.read_only = false).await;
    world.engine.flush_writes().await.unwrap();
    let now = stored(beside.as_ref()).await;
    assert_eq!((now.read_only, now.binlog_format == "of another process"), (false, false));
}

async fn stored(store: &dyn Store) -> Instance {
    Instance::clone(store.load_fleet().await.unwrap().get(&key(3307)).unwrap())
}
