//! Agents on database hosts: registering, asking and telling them. [`poll`] asks them regularly, [`seeds`] has them copy
//! data.

mod poll;
mod seed_run;
mod seeds;

use std::time::Duration;

use model::{Agent, AgentCommand, Command, InstanceKey, Secret};
use ports::{AgentReport, Deadline};

use crate::{Engine, OperationError};

/// Longest time for all questions to an agent.
const READ_MAX: Duration = Duration::from_secs(120);
/// Longest time for one command: some erase data or start servers before they answer.
const COMMAND_MAX: Duration = Duration::from_secs(120);
/// Names of hosts, tokens and attributes are no longer than their columns.
const TEXT_MAX: usize = 128;

impl Engine {
    /// Takes the registration of an agent. It and the MySQL server beside it are read soon.
    ///
    /// # Errors
    /// Texts that cannot be a host or a token; the backend.
    pub async fn register_agent(
        &self,
        hostname: &str,
        port: u16,
        token: Secret,
    ) -> Result<(), OperationError> {
        check_text("host name", hostname)?;
        check_text("token", token.expose())?;
        let hostname = hostname.to_owned();
        let at = self.now();
        self.submit(Command::RegisterAgent { hostname: hostname.clone(), port, token, at }).await?;
        self.inner.registered_agents.add(hostname);
        Ok(())
    }

    /// Gives a host an attribute.
    ///
    /// # Errors
    /// Texts that are too long; the backend.
    pub async fn set_host_attribute(
        &self,
        hostname: &str,
        name: &str,
        value: &str,
    ) -> Result<(), OperationError> {
        for (what, text) in [("host name", hostname), ("attribute name", name), ("attribute value", value)] {
            check_text(what, text)?;
        }
        let (hostname, name, value) = (hostname.to_owned(), name.to_owned(), value.to_owned());
        self.submit(Command::SetAttribute { hostname, name, value, at: self.now() }).await?;
        Ok(())
    }

    /// The agent of a host as it registered.
    ///
    /// # Errors
    /// None did; the backend.
    pub async fn agent(&self, hostname: &str) -> Result<Agent, OperationError> {
        let found = self.store().agent(hostname).await?;
        found.ok_or_else(|| OperationError::UnknownAgent(hostname.to_owned()))
    }

    /// Asks the agent of a host everything it can tell. What it does not answer is a gap, and logged.
    ///
    /// # Errors
    /// The host has no agent; the backend.
    pub async fn read_agent(&self, hostname: &str) -> Result<(Agent, AgentReport), OperationError> {
        let agent = self.agent(hostname).await?;
        let report = self.read_registered(&agent).await;
        Ok((agent, report))
    }

    async fn read_registered(&self, agent: &Agent) -> AgentReport {
        let report = self.inner.ports.agents.read(agent, Deadline::after(READ_MAX)).await;
        for failure in &report.failures {
            tracing::warn!(error = %failure, "an agent did not answer");
        }
        for command in &report.answered {
            self.audit("agent-command", Some(&server_of(agent)), command.to_string()).await;
        }
        report
    }

    /// Gives the agent of a host a command; its answer as it is.
    ///
    /// # Errors
    /// The host has no agent, or it refuses or does not answer; the backend.
    pub async fn command_agent(
        &self,
        hostname: &str,
        command: &AgentCommand,
    ) -> Result<(Agent, String), OperationError> {
        self.command_agent_within(hostname, command, Deadline::after(COMMAND_MAX)).await
    }

    async fn command_agent_within(
        &self,
        hostname: &str,
        command: &AgentCommand,
        deadline: Deadline,
    ) -> Result<(Agent, String), OperationError> {
        let agent = self.agent(hostname).await?;
        if self.identity().noop {
            let refusal = format!("--noop: {command} is not sent to the agent on {hostname}");
            return Err(OperationError::Refused(vec![refusal]));
        }
        let answer = self.inner.ports.agents.call(&agent, command, deadline).await?;
        self.audit("agent-command", Some(&server_of(&agent)), command.to_string()).await;
        Ok((agent, answer))
    }
}

/// The MySQL server beside an agent; port 0 when the agent did not tell yet.
fn server_of(agent: &Agent) -> InstanceKey {
    InstanceKey::new(agent.hostname.clone(), agent.mysql_port.unwrap_or_default())
}

fn check_text(what: &str, text: &str) -> Result<(), OperationError> {
    if text.is_empty() || text.len() > TEXT_MAX || text.chars().any(char::is_control) {
        let refusal = format!("the {what} must be 1 to {TEXT_MAX} characters of text");
        return Err(OperationError::Refused(vec![refusal]));
    }
    Ok(())
}
