//! Agents on database hosts: reading them, and telling them what to do.

use async_trait::async_trait;
use model::{Agent, AgentCommand, AgentFacts};

use crate::Deadline;

/// A request to an agent that failed. Its text never holds the agent's token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("agent on {hostname}: {command}: {message}")]
pub struct AgentError {
    /// Host of the agent.
    pub hostname: String,
    /// What was asked.
    pub command: String,
    /// Why it failed.
    pub message: String,
}

/// What reading an agent brought.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AgentReport {
    /// What it told.
    pub facts: AgentFacts,
    /// Questions it answered.
    pub answered: Vec<AgentCommand>,
    /// Questions it did not answer, or not in a way that can be understood.
    pub failures: Vec<AgentError>,
}

/// Access to agents.
#[async_trait]
pub trait Agents: Send + Sync {
    /// Asks everything an agent can tell, one question after the other. What fails leaves a gap.
    async fn read(&self, agent: &Agent, deadline: Deadline) -> AgentReport;

    /// Gives one command and returns the body of the answer as it is.
    ///
    /// # Errors
    /// The agent cannot be reached, refuses, or does not answer in time; the command may have been carried out then.
    async fn call(
        &self,
        agent: &Agent,
        command: &AgentCommand,
        deadline: Deadline,
    ) -> Result<String, AgentError>;
}

/// No agent can be reached: for surroundings that have none.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoAgents;

impl NoAgents {
    fn refuse(agent: &Agent, command: &AgentCommand) -> AgentError {
        AgentError {
            hostname: agent.hostname.clone(),
            command: command.to_string(),
            message: "there is no way to agents here".to_owned(),
        }
    }
}

#[async_trait]
impl Agents for NoAgents {
    async fn read(&self, agent: &Agent, _: Deadline) -> AgentReport {
        let failure = Self::refuse(agent, &AgentCommand::ShowMysqlStatus);
        AgentReport { failures: vec![failure], ..AgentReport::default() }
    }

    async fn call(&self, agent: &Agent, command: &AgentCommand, _: Deadline) -> Result<String, AgentError> {
        Err(Self::refuse(agent, command))
    }
}
