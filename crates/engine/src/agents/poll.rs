//! Asking agents regularly, and as soon as they register; forgetting those that are gone, and seeds that stand still.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use model::{Agent, Command, CommandOutcome, InstanceKey};
use ports::StoreError;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tracing::{debug, info, warn};

use super::server_of;
use crate::Engine;

/// Agents asked at the same time; a hanging one takes a place for two minutes.
const POLLS_MAX: usize = 64;
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

impl Engine {
    /// Polls agents until it is dropped.
    pub async fn poll_agents_forever(self) {
        let mut tick = interval(SECOND);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut polls = FuturesUnordered::<BoxFuture<'static, ()>>::new();
        let mut registered = BTreeSet::new();
        let mut tidied: Option<Instant> = None;
        loop {
            tokio::select! {
                _ = tick.tick() => {}
                names = self.inner.registered_agents.take() => registered.extend(names),
                Some(()) = polls.next(), if !polls.is_empty() => continue,
            }
            if tidied.is_none_or(|at| at.elapsed() >= MINUTE) {
                tidied = Some(Instant::now());
                log_failure(self.forget_agents().await);
            }
            let room = POLLS_MAX - polls.len();
            match self.agents_to_poll(&mut registered, room).await {
                Ok(chosen) => {
                    for (agent, is_new) in chosen {
                        polls.push(Box::pin(self.clone().poll_agent(agent, is_new)));
                    }
                }
                Err(error) => log_failure(Err(error)),
            }
        }
    }

    /// Agents that registered just now (true), and those that were not polled for long (false). Each is marked before it is
    /// asked: one that hangs is not asked again each second, and of several nodes one asks.
    async fn agents_to_poll(
        &self,
        registered: &mut BTreeSet<String>,
        room: usize,
    ) -> Result<Vec<(Agent, bool)>, StoreError> {
        let agents = self.store().agents().await?;
        self.note_snapshots(&agents);
        registered.retain(|hostname| agents.iter().any(|agent| agent.hostname == *hostname));
        let now = self.now();
        let overdue = now - self.settings().agents.poll;
        let mut chosen = Vec::new();
        for agent in agents {
            let is_new = registered.contains(&agent.hostname);
            let is_due = agent.checked.is_none_or(|checked| checked <= overdue);
            if chosen.len() == room || !(is_new || is_due) {
                continue;
            }
            let (hostname, unless_since) = (agent.hostname.clone(), if is_new { now } else { overdue });
            let claim = Command::ClaimAgentPoll { hostname, unless_since, at: now };
            let is_ours = match self.submit(claim).await {
                Ok(outcome) => outcome == CommandOutcome::Existed(true),
                Err(error) => {
                    // Those that were marked before are asked all the same.
                    log_failure(Err(error));
                    break;
                }
            };
            registered.remove(&agent.hostname);
            if is_ours || is_new {
                chosen.push((agent, is_new));
            }
        }
        Ok(chosen)
    }

    /// Reads an agent and notes what is kept of that; the MySQL server beside an agent that just registered is read, too.
    async fn poll_agent(self, agent: Agent, is_new: bool) {
        let report = self.read_registered(&agent).await;
        if !report.answered.is_empty() {
            let snapshots = report.facts.volumes.as_ref().map(|volumes| volumes.len());
            let seen = Command::NoteAgentSeen {
                hostname: agent.hostname.clone(),
                mysql_port: report.facts.mysql_port,
                snapshots: snapshots.map(|count| u32::try_from(count).unwrap_or(u32::MAX)),
                at: self.now(),
            };
            log_failure(self.submit(seen).await.map(drop));
        }
        if is_new {
            let mysql_port = report.facts.mysql_port.or(agent.mysql_port);
            self.discover_beside(&Agent { mysql_port, ..agent }).await;
        }
    }

    /// Reads the MySQL server beside an agent, if its port is known.
    pub(super) async fn discover_beside(&self, agent: &Agent) {
        let key = server_of(agent);
        if key.port() == 0 {
            debug!(agent = agent.hostname, "the agent did not tell the port of its MySQL server");
            return;
        }
        self.discover_quietly(&key).await;
    }

    async fn discover_quietly(&self, key: &InstanceKey) {
        if let Err(error) = self.discover(key).await {
            info!(instance = %key, error = %error, "the server beside an agent was not read");
        }
    }

    /// Takes over how many snapshots hosts have.
    fn note_snapshots(&self, agents: &[Agent]) {
        let counts: BTreeMap<String, u32> = agents
            .iter()
            .filter(|agent| agent.snapshots > 0)
            .map(|agent| (agent.hostname.clone(), agent.snapshots))
            .collect();
        if self.fleet().snapshots != counts {
            self.fleet_mut().snapshots = counts;
        }
    }

    /// Loads how many snapshots hosts have, where agents are served.
    pub(crate) async fn load_snapshots(&self) -> Result<(), StoreError> {
        if self.settings().agents.served {
            self.note_snapshots(&self.store().agents().await?);
        }
        Ok(())
    }

    /// Deletes agents that have not registered for long, and ends seeds that have stood still for long.
    async fn forget_agents(&self) -> Result<(), StoreError> {
        let (now, settings) = (self.now(), self.settings());
        let submitted_before = now - settings.agents.forget_after;
        let forgotten = self.submit(Command::ForgetAgents { submitted_before }).await?;
        let since = now - settings.agents.stale_seed;
        let failed = self.submit(Command::FailStaleSeeds { since, at: now }).await?;
        for (what, outcome) in
            [("agents that did not register any more", forgotten), ("seeds without progress", failed)]
        {
            if let CommandOutcome::Count(count @ 1..) = outcome {
                info!(count, "given up: {what}");
            }
        }
        Ok(())
    }
}

fn log_failure(result: Result<(), StoreError>) {
    if let Err(error) = result {
        warn!(error = %error, "agents are not looked after; it is tried again");
    }
}
