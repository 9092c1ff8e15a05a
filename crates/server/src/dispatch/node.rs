//! This node: is it alive, well and active; and its configuration.

use ports::{NodeRecord, StoreError};
use registry::wire::{HealthView, NodeView, to_json};
use registry::{NodeOperation as Op, Param};

use super::answer::{Failure, Reply};
use super::call::Call;
use super::figures::{self, Form};

/// A process that registered itself within this time is there.
const ACTIVE: std::time::Duration = std::time::Duration::from_secs(5);
/// A process that serves the API registers itself every second.
const SERVING: std::time::Duration = std::time::Duration::from_secs(2);

pub(super) async fn run(call: &Call<'_>, operation: Op) -> Result<Reply, Failure> {
    match operation {
        Op::Health => health(call).await,
        Op::LoadBalancerCheck => Ok(bare_word("OK")),
        Op::LeaderCheck => Ok(leader_check(call)),
        Op::RaftPeers => Err(without_raft("raft-nodes")),
        Op::RaftState | Op::RaftHealth | Op::RaftStatus | Op::RaftReport => Err(without_raft("raft-state")),
        Op::RaftLeader | Op::RaftSnapshot => Err(without_raft("raft-leader")),
        Op::RaftAddPeer => Err(without_raft("raft-add-peer")),
        Op::RaftRemovePeer => Err(without_raft("raft-remove-peer")),
        Op::RaftYield => Err(without_raft("raft-yield")),
        Op::RaftYieldHint => Err(without_raft("raft-yield-hint")),
        Op::Headers => Ok(Reply::bare(call.json(&call.args.headers), Vec::new())),
        Op::ReloadClusterAlias => Err(Failure::refused("This API call has been retired")),
        Op::DiscoveryFigures => figures::discoveries(call, Form::Raw),
        Op::DiscoveryStatistics => figures::discoveries(call, Form::Statistics),
        Op::QueueFigures => figures::queue(call, Form::Raw),
        Op::QueueStatistics => figures::queue(call, Form::Statistics),
        Op::BackendFigures => figures::backend_writes(call, Form::Raw),
        Op::BackendStatistics => figures::backend_writes(call, Form::Statistics),
        Op::FlushFigures => figures::flushes(call, Form::Raw),
        Op::FlushStatistics => figures::flushes(call, Form::Statistics),
        Op::ReloadConfiguration => reload(call).await,
        Op::GrabElection => grab_election(call).await,
        Op::Reelect => reelect(call).await,
        Op::ActiveNodes => active_nodes(call).await,
        Op::AccessToken => access_token(call).await,
        Op::SuggestReplacement => suggest_replacement(call).await,
        Op::Continuous | Op::DumpConfig | Op::Redeploy => {
            Err(Failure::refused("only the program itself can do this"))
        }
    }
}

fn bare_word(word: &str) -> Reply {
    Reply::bare(to_json(word), vec![word.to_owned()])
}

fn leader_check(call: &Call<'_>) -> Reply {
    if call.engine.may_act() {
        return bare_word("OK");
    }
    let asked = call.args.text(Param::StatusCode).and_then(|text| text.parse().ok());
    let status = asked.filter(|status| (200..1000).contains(status)).unwrap_or(404);
    Reply { status: Some(status), ..bare_word("Not leader") }
}

/// The consensus group is not configured; the name is the one clients of the original see.
fn without_raft(name: &str) -> Failure {
    Failure::refused(format!("{name}: not running with raft setup"))
}

/// Healthy means: the backend takes this node's report. A node whose backend does not can neither record nor recover.
async fn health(call: &Call<'_>) -> Result<Reply, Failure> {
    let engine = call.engine;
    let mut error = engine.check_registration().await.err();
    let this = NodeRecord {
        node: engine.node().clone(),
        version: engine.identity().version.clone(),
        first_seen: Some(call.now - engine.running_for()),
        last_seen: Some(call.now),
        backend: engine.identity().backend.clone(),
    };
    let is_active = engine.may_act();
    let (mut active, mut available) = (NodeRecord::default(), vec![this.clone()]);
    if error.is_none() {
        match others(call).await {
            Ok((elected, serving)) => {
                active = elected.unwrap_or_default();
                available = serving;
            }
            Err(failed) => error = Some(failed),
        }
    }
    if is_active {
        // Where nobody is elected (a backend of one node), and when the backend fails, it is known all the same.
        active = NodeRecord {
            node: this.node,
            first_seen: active.first_seen.filter(|_| active.node == *engine.node()).or(this.first_seen),
            last_seen: this.last_seen,
            ..NodeRecord::default()
        };
    }
    let error = error.map(|error| error.to_string());
    let view = HealthView {
        is_healthy: error.is_none(),
        node: engine.node(),
        is_active,
        active: view(&active),
        error: error.as_deref(),
        available: &available.iter().map(view).collect::<Vec<_>>(),
    };
    let details = call.json(&view);
    match error {
        None => Ok(Reply::envelope("Application node is healthy", details)),
        Some(error) => {
            let failure = Failure::refused(format!("Application node is unhealthy {error}"));
            Err(Failure { details: Some(details), ..failure })
        }
    }
}

/// The active node, and the nodes that serve the API.
async fn others(call: &Call<'_>) -> Result<(Option<NodeRecord>, Vec<NodeRecord>), StoreError> {
    let store = call.engine.store();
    Ok((store.active_node().await?, store.serving_nodes(call.now - SERVING).await?))
}

fn view(record: &NodeRecord) -> NodeView<'_> {
    NodeView {
        node: &record.node,
        version: &record.version,
        first_seen: record.first_seen,
        last_seen: record.last_seen,
        backend: &record.backend,
    }
}

async fn reload(call: &Call<'_>) -> Result<Reply, Failure> {
    let file = call.args.text(Param::ConfigFile);
    call.engine.reload(file.map(Into::into)).await?;
    Ok(Reply::envelope("Config reloaded", call.json(file.unwrap_or_default())))
}

/// Elected at once; the node acts as soon as the former active one certainly does not any more.
async fn grab_election(call: &Call<'_>) -> Result<Reply, Failure> {
    let refused = |error| Failure::refused(format!("Unable to grab election: {error}"));
    call.engine.lease().grab().await.map_err(refused)?;
    Ok(Reply::envelope("Node elected as leader", "null"))
}

/// Whoever asks first is elected, once the former active node certainly does not act any more.
async fn reelect(call: &Call<'_>) -> Result<Reply, Failure> {
    let refused = |error| Failure::refused(format!("Unable to re-elect: {error}"));
    call.engine.lease().reelect().await.map_err(refused)?;
    call.engine.audit("reelect", None, "").await;
    Ok(Reply::envelope("Set re-elections", "null").printing(["Set re-elections".to_owned()]))
}

async fn active_nodes(call: &Call<'_>) -> Result<Reply, Failure> {
    let nodes = call.engine.store().live_nodes(call.now - ACTIVE).await?;
    let lines: Vec<String> = nodes.iter().map(|node| format!("{}:{}", node.hostname, node.token)).collect();
    Ok(Reply::bare(call.json(&lines), lines))
}

async fn access_token(call: &Call<'_>) -> Result<Reply, Failure> {
    let owner = call.args.text(Param::Owner).unwrap_or(&call.engine.identity().maintenance_owner);
    let token = call.engine.issue_token(owner).await?;
    Ok(Reply::bare(call.json(&token), vec![token]))
}

async fn suggest_replacement(call: &Call<'_>) -> Result<Reply, Failure> {
    if call.args.instance.is_none() {
        return Err(Failure::input("Cannot deduce instance: give the failed one with -i"));
    }
    let failed = call.figured_key().await?;
    let promoted = call.known_destination().await?;
    let key = call.engine.promoted_replacement(&failed, &promoted);
    Ok(Reply::about("suggested replacement", &key))
}
