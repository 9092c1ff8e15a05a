//! This node: is it alive, well and active; and its configuration.

use model::NodeIdentity;
use registry::wire::{HealthView, NodeView, to_json};
use registry::{NodeOperation as Op, Param};
use settings::Secrets;

use super::answer::{Failure, Reply};
use super::call::Call;

/// A process that registered itself within this time is there.
const ACTIVE: std::time::Duration = std::time::Duration::from_secs(5);

pub(super) async fn run(call: &Call<'_>, operation: Op) -> Result<Reply, Failure> {
    match operation {
        Op::Health => health(call).await,
        Op::LoadBalancerCheck => Ok(bare_word("OK")),
        Op::LeaderCheck => Ok(leader_check(call)),
        Op::RaftPeers => Err(without_raft("raft-nodes")),
        Op::RaftState | Op::RaftHealth | Op::RaftStatus => Err(without_raft("raft-state")),
        Op::RaftLeader => Err(without_raft("raft-leader")),
        Op::DumpConfig => Ok(dump_config(call)),
        Op::ReloadConfiguration => reload(call).await,
        Op::GrabElection => grab_election(call).await,
        Op::ActiveNodes => active_nodes(call).await,
        Op::AccessToken => access_token(call).await,
        Op::SuggestReplacement => suggest_replacement(call).await,
        Op::Continuous | Op::Redeploy => Err(Failure::refused("only the program itself can do this")),
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

/// Healthy means: the backend answers. A node whose backend does not answer can neither record nor recover.
async fn health(call: &Call<'_>) -> Result<Reply, Failure> {
    let error = call.engine.store().foreign_changes().await.err().map(|error| error.to_string());
    let started = call.now - call.engine.running_for();
    let this = |version, backend| NodeView {
        node: call.engine.node(),
        version,
        first_seen: Some(started),
        last_seen: Some(call.now),
        backend,
    };
    let nobody = NodeIdentity::default();
    let is_active = call.engine.may_act();
    let active = if is_active {
        this("", "")
    } else {
        NodeView { node: &nobody, version: "", first_seen: None, last_seen: None, backend: "" }
    };
    let view = HealthView {
        is_healthy: error.is_none(),
        node: call.engine.node(),
        is_active,
        active,
        error: error.as_deref(),
        available: &[this(&call.engine.identity().version, &call.engine.identity().backend)],
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

fn dump_config(call: &Call<'_>) -> Reply {
    let secrets = if call.args.is_on(Param::ShowSecrets) { Secrets::Shown } else { Secrets::Hidden };
    let line = call.settings.to_json_line(secrets);
    Reply::bare(line.clone(), vec![line])
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
    let key = call.engine.promoted_replacement(&failed, &promoted.key).await?;
    Ok(Reply::about("suggested replacement", &key))
}
