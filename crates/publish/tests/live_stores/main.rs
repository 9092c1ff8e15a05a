//! Publication in a real Consul and a real ZooKeeper, as `script/setup` fetched them.

mod consul;
mod zookeeper;

use std::time::Duration;

use ports::{ClusterPairs, Deadline, PublishError, PublishedStore};

/// Long enough for any store that answers.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a cluster is published as.
fn cluster(alias: &str, host: &str) -> ClusterPairs {
    let key = |end: &str| format!("mysql/master/{alias}{end}");
    ClusterPairs {
        alias: alias.to_owned(),
        pairs: vec![
            (key(""), format!("{host}:3306")),
            (key("/hostname"), host.to_owned()),
            (key("/port"), "3306".to_owned()),
            (key("/ipv4"), "10.0.0.7".to_owned()),
            (key("/ipv6"), String::new()),
        ],
    }
}

async fn publish(store: &dyn PublishedStore, clusters: &[ClusterPairs]) -> Vec<Result<usize, PublishError>> {
    store.publish(clusters, Deadline::after(PATIENCE)).await
}

/// What the only cluster failed by.
async fn failure(store: &dyn PublishedStore, limit: Duration) -> String {
    let results = store.publish(&[cluster("shop", "db1")], Deadline::after(limit)).await;
    match results.as_slice() {
        [Err(error)] => error.to_string(),
        other => panic!("it should fail: {other:?}"),
    }
}
