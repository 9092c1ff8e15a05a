//! Agents on database hosts, and seeds.

use model::{Agent, AgentCommand, Seed};
use ports::SeedQuery;
use registry::wire::{AgentView, SeedStateView, SeedView};
use registry::{AgentOperation as Op, KeyText, Param};

use super::answer::{Failure, Reply};
use super::call::{Call, Surface};

pub(super) async fn run(call: &Call<'_>, operation: Op) -> Result<Reply, Failure> {
    // A command needs nothing but an agent that is registered.
    if call.surface == Surface::Http && !call.settings.agents.served {
        return Err(Failure::refused("Agents not served"));
    }
    match operation {
        Op::CustomCommand => custom_command(call).await,
        Op::List => list(call).await,
        Op::Show => show(call).await,
        Op::Unmount => tell(call, AgentCommand::Unmount).await,
        Op::Mount => tell(call, AgentCommand::Mount { volume: volume(call)? }).await,
        Op::CreateSnapshot => tell(call, AgentCommand::CreateSnapshot).await,
        Op::RemoveVolume => tell(call, AgentCommand::RemoveVolume { volume: volume(call)? }).await,
        Op::StopMysql => tell(call, AgentCommand::StopMysql).await,
        Op::StartMysql => tell(call, AgentCommand::StartMysql).await,
        Op::BeginSeed => begin_seed(call).await,
        Op::ActiveSeeds => seeds(call, SeedQuery::ActiveOf(host(call).to_owned())).await,
        Op::RecentSeeds => seeds(call, SeedQuery::EndedOf(host(call).to_owned())).await,
        Op::SeedDetails => seeds(call, SeedQuery::Id(seed_id(call))).await,
        Op::SeedStates => seed_states(call).await,
        Op::AbortSeed => abort_seed(call).await,
        Op::Seeds => seeds(call, SeedQuery::Recent).await,
    }
}

/// The given host: part of a path, or of a flag.
fn host<'a>(call: &'a Call<'_>) -> &'a str {
    match &call.args.instance {
        Some(KeyText::Parts { host, .. }) => host,
        Some(KeyText::Text(_)) | None => call.args.text_or_empty(Param::Hostname),
    }
}

fn volume(call: &Call<'_>) -> Result<String, Failure> {
    let given = call.args.text(Param::Volume).map(str::to_owned);
    given.ok_or_else(|| Failure::input("name the logical volume: ?lv=/dev/GROUP/VOLUME"))
}

/// What is no number is no seed.
fn seed_id(call: &Call<'_>) -> i64 {
    call.args.text(Param::Id).and_then(|text| text.parse().ok()).unwrap_or(0)
}

async fn custom_command(call: &Call<'_>) -> Result<Reply, Failure> {
    let name = call.args.text_or_empty(Param::Pattern).to_owned();
    // Of a host and a command that are both not there, people are told of the host.
    let hostname = host(call);
    call.engine.agent(hostname).await?;
    if name.is_empty() {
        return Err(Failure::input("name the command of the agent with --pattern"));
    }
    let (_, answer) = call.engine.command_agent(hostname, &AgentCommand::Custom { name }).await?;
    Ok(Reply::bare(call.json(&answer), Vec::new()).printing_block(answer))
}

async fn list(call: &Call<'_>) -> Result<Reply, Failure> {
    let agents = call.engine.store().agents().await?;
    let views: Vec<AgentView<'_>> = agents.iter().map(|agent| AgentView(agent, None)).collect();
    Ok(Reply::bare(call.json(&views), agents.iter().map(|agent| agent.hostname.clone()).collect()))
}

async fn show(call: &Call<'_>) -> Result<Reply, Failure> {
    let (agent, report) = call.engine.read_agent(host(call)).await?;
    let json = call.json(&AgentView(&agent, Some(&report.facts)));
    Ok(Reply::bare(json, vec![agent.hostname]))
}

async fn tell(call: &Call<'_>, command: AgentCommand) -> Result<Reply, Failure> {
    let (agent, _) = call.engine.command_agent(host(call), &command).await?;
    Ok(about(call, agent))
}

fn about(call: &Call<'_>, agent: Agent) -> Reply {
    Reply::bare(call.json(&AgentView(&agent, None)), vec![agent.hostname])
}

async fn begin_seed(call: &Call<'_>) -> Result<Reply, Failure> {
    let source = call.args.text_or_empty(Param::SourceHost);
    let id = call.engine.begin_seed(host(call), source).await?;
    Ok(Reply::bare(id.to_string(), vec![id.to_string()]))
}

async fn abort_seed(call: &Call<'_>) -> Result<Reply, Failure> {
    call.engine.abort_seed(seed_id(call)).await?;
    Ok(Reply::bare("true".to_owned(), vec!["true".to_owned()]))
}

async fn seeds(call: &Call<'_>, query: SeedQuery) -> Result<Reply, Failure> {
    let seeds = call.engine.store().seeds(query).await?;
    let views: Vec<SeedView<'_>> = seeds.iter().map(SeedView).collect();
    Ok(Reply::bare(call.json(&views), seeds.iter().map(line).collect()))
}

fn line(seed: &Seed) -> String {
    format!("{}\t{}\t{}", seed.id, seed.target, seed.source)
}

async fn seed_states(call: &Call<'_>) -> Result<Reply, Failure> {
    let states = call.engine.store().seed_states(seed_id(call)).await?;
    let views: Vec<SeedStateView<'_>> = states.iter().map(SeedStateView).collect();
    Ok(Reply::bare(call.json(&views), states.iter().map(|state| state.action.clone()).collect()))
}
