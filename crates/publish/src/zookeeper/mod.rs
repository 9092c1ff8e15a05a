//! ZooKeeper: a node per key, each with one leading slash. The nodes of a cluster change together.
//!
//! The protocol is spoken here, the part of it that a publication needs, rather than by a library. Of those there are,
//! one keeps references alive past their borrow in unsafe code and brings fifty crates with a second event loop; another
//! saw its last release more than two years ago, has no transactions, and tries without pause while servers are down.

mod session;
mod wire;

use std::collections::BTreeSet;

use async_trait::async_trait;
use ports::{ClusterPairs, Deadline, PublishError, PublishedStore};
use tokio::time::timeout_at;

use self::session::{Change, Failure, Session};

/// Data of nodes that only hold others; the original's own words.
const PARENT: &[u8] = b"zookeepercli auto-generated";

/// A ZooKeeper ensemble.
pub struct ZooKeeper {
    servers: Vec<(String, u16)>,
    name: String,
}

impl ZooKeeper {
    /// Access through the first of these servers that can be reached. Nothing is connected to yet.
    pub fn new(servers: Vec<(String, u16)>) -> Self {
        let listed: Vec<String> = servers.iter().map(|(host, port)| shown(host, *port)).collect();
        Self { name: format!("ZooKeeper at {}", listed.join(",")), servers }
    }

    /// Each server gets its share of the time, so that one that hangs does not take the turn of the others.
    async fn open(&self, deadline: Deadline) -> Result<Session, String> {
        let mut reasons = Vec::new();
        for (at, (host, port)) in self.servers.iter().enumerate() {
            let left = u32::try_from(self.servers.len() - at).unwrap_or(u32::MAX);
            let share = deadline.at_most(deadline.remaining() / (left + 1));
            match timeout_at(share.instant(), Session::open(host, *port)).await {
                Ok(Ok(session)) => return Ok(session),
                Ok(Err(Failure::Lost(reason) | Failure::Refused(reason))) => {
                    reasons.push(format!("{}: {reason}", shown(host, *port)));
                }
                Err(_elapsed) => reasons.push(format!("{}: no answer", shown(host, *port))),
            }
        }
        Err(format!(
            "no server can be reached ({}); see that it runs and that ZkAddress is right",
            reasons.join("; ")
        ))
    }

    async fn publish_in(
        &self,
        session: &mut Session,
        cluster: &ClusterPairs,
        deadline: Deadline,
    ) -> Result<usize, Failure> {
        let work = converge(session, cluster);
        let elapsed = |_| Err(Failure::Lost("it does not answer in time".to_owned()));
        timeout_at(deadline.instant(), work).await.unwrap_or_else(elapsed)
    }
}

#[async_trait]
impl PublishedStore for ZooKeeper {
    fn name(&self) -> &str {
        &self.name
    }

    async fn publish(
        &self,
        clusters: &[ClusterPairs],
        deadline: Deadline,
    ) -> Vec<Result<usize, PublishError>> {
        let error = |message: String| PublishError { store: self.name.clone(), message };
        let mut session = match self.open(deadline).await {
            Ok(session) => session,
            Err(reason) => return clusters.iter().map(|_| Err(error(reason.clone()))).collect(),
        };
        let mut results = Vec::with_capacity(clusters.len());
        for cluster in clusters {
            match self.publish_in(&mut session, cluster, deadline).await {
                Ok(written) => results.push(Ok(written)),
                Err(Failure::Refused(reason)) => results.push(Err(error(reason))),
                Err(Failure::Lost(reason)) => {
                    let rest = clusters.len() - results.len();
                    results.extend((0..rest).map(|_| Err(error(reason.clone()))));
                    return results;
                }
            }
        }
        // All is written; a session that is not closed well ends by itself.
        let _ = timeout_at(deadline.instant(), session.close()).await;
        results
    }
}

/// Brings the nodes of one cluster to these values, in one transaction. How many were written.
async fn converge(session: &mut Session, cluster: &ClusterPairs) -> Result<usize, Failure> {
    let mut changes = Vec::new();
    let mut created = BTreeSet::new();
    let mut written = 0;
    for (key, value) in &cluster.pairs {
        let path = node_path(key);
        match session.data(&path).await? {
            Some(data) if data == value.as_bytes() => continue,
            Some(_) => changes.push(Change::Set(path, value.clone().into_bytes())),
            None => {
                for parent in parents(&path) {
                    if !created.contains(parent) && !session.exists(parent).await? {
                        changes.push(Change::Create(parent.to_owned(), PARENT.to_vec()));
                        created.insert(parent.to_owned());
                    }
                }
                created.insert(path.clone());
                changes.push(Change::Create(path, value.clone().into_bytes()));
            }
        }
        written += 1;
    }
    if !changes.is_empty() {
        session.change(&changes).await?;
    }
    Ok(written)
}

fn node_path(key: &str) -> String {
    format!("/{}", key.trim_start_matches('/'))
}

/// The nodes above a node, from the top.
fn parents(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(at, _)| &path[..at]).filter(|parent| !parent.is_empty())
}

fn shown(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_have_one_leading_slash_and_parents_from_the_top() {
        assert_eq!(node_path("mysql/master/shop"), "/mysql/master/shop");
        assert_eq!(node_path("/shop"), "/shop");
        let above: Vec<&str> = parents("/mysql/master/shop").collect();
        assert_eq!(above, ["/mysql", "/mysql/master"]);
        assert_eq!(parents("/shop").count(), 0);
    }

    #[test]
    fn a_store_is_named_with_its_servers() {
        let store = ZooKeeper::new(vec![("zk1".to_owned(), 2181), ("fd00::7".to_owned(), 2182)]);
        assert_eq!(store.name(), "ZooKeeper at zk1:2181,[fd00::7]:2182");
    }
}
