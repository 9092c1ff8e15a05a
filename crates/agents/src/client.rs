//! Requests to agents.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use model::{Agent, AgentCommand, AgentFacts, Secret, UrlEscaped};
use ports::{AgentError, AgentReport, Agents, Deadline, WithCauses};
use reqwest::{Certificate, Client, Identity, Response, Url};
use serde::de::DeserializeOwned;

use crate::wire::{WireMount, WireRefusal, WireVolume};

/// Longest wait for a connection.
const CONNECT_MAX: Duration = Duration::from_secs(10);
/// Longest wait for the answer to one of the questions of [`Agents::read`].
const QUESTION_MAX: Duration = Duration::from_secs(60);
/// Largest answer, bytes. The largest known ones are tails of logs.
const ANSWER_MAX: usize = 16 * 1024 * 1024;
/// Longest text of a refusal that is told on, characters.
const REFUSAL_MAX: usize = 500;
/// The token once more, for agents that look there: URLs end up in logs of proxies.
const TOKEN_HEADER: &str = "X-Orchestrator-Agent-Token";

/// How agents are reached.
#[derive(Clone)]
pub struct AgentOptions {
    /// By TLS.
    pub tls: bool,
    /// Whatever certificate they show.
    pub skip_verify: bool,
    /// Authorities (PEM) whose certificates are accepted beside those of the machine.
    pub ca_file: Option<PathBuf>,
    /// Reads certificate and decrypted key to show them, as one PEM text; empty for none.
    pub identity: ReadIdentity,
}

/// Reads certificate and key when they are needed, or says why that cannot be done.
pub type ReadIdentity = Arc<dyn Fn() -> Result<Secret, String> + Send + Sync>;

impl Default for AgentOptions {
    /// Without TLS.
    fn default() -> Self {
        let identity: ReadIdentity = Arc::new(|| Ok(Secret::default()));
        Self { tls: false, skip_verify: false, ca_file: None, identity }
    }
}

/// Why no agent can be asked.
#[derive(Debug, thiserror::Error)]
pub enum OptionsError {
    /// The file of authorities cannot be used.
    #[error("AgentSSLCAFile: cannot use {}: {reason}", file.display())]
    Authority {
        /// The file.
        file: PathBuf,
        /// Why.
        reason: String,
    },
    /// Certificate or key cannot be used.
    #[error("{0}")]
    Files(String),
    /// Certificate and key do not fit together.
    #[error("AgentSSLCertFile and AgentSSLPrivateKeyFile cannot be used to call agents: {0}")]
    Identity(String),
    /// There is no TLS here.
    #[error("cannot prepare TLS for calling agents: {0}")]
    Tls(String),
}

/// Agents over HTTP.
pub struct HttpAgents {
    options: AgentOptions,
    /// Made at the first call: most commands call no agent, and a client reads the machine's certificates.
    client: OnceLock<Client>,
}

impl HttpAgents {
    /// Access with these options; [`HttpAgents::prepare`] says early whether they can be used.
    pub fn new(options: AgentOptions) -> Self {
        Self { options, client: OnceLock::new() }
    }

    /// Makes what calls need.
    ///
    /// # Errors
    /// A file cannot be used, each with its configuration key.
    pub fn prepare(&self) -> Result<(), OptionsError> {
        self.client().map(drop)
    }

    fn client(&self) -> Result<&Client, OptionsError> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let made = self.make()?;
        Ok(self.client.get_or_init(|| made))
    }

    fn make(&self) -> Result<Client, OptionsError> {
        // rustls needs to be told once per process whose cryptography it uses; a second time changes nothing.
        let _ = tokio_rustls::rustls::crypto::ring::default_provider().install_default();
        let options = &self.options;
        let mut builder = Client::builder()
            .connect_timeout(CONNECT_MAX)
            .http1_only()
            .no_proxy()
            // A redirect would carry the token to somebody else.
            .redirect(reqwest::redirect::Policy::none());
        if !options.tls {
            // Without TLS there need not be any certificate on the machine.
            builder = builder.tls_certs_only([]);
        } else {
            builder = builder.https_only(true).tls_danger_accept_invalid_certs(options.skip_verify);
            if let Some(file) = &options.ca_file {
                builder = builder.tls_certs_merge(authorities(file)?);
            }
            let identity = (options.identity)().map_err(OptionsError::Files)?;
            if !identity.is_empty() {
                let identity = Identity::from_pem(identity.expose().as_bytes());
                builder = builder.identity(
                    identity.map_err(|error| OptionsError::Identity(WithCauses(&error).to_string()))?,
                );
            }
        }
        builder.build().map_err(|error| OptionsError::Tls(WithCauses(&error).to_string()))
    }

    async fn send(
        &self,
        agent: &Agent,
        command: &AgentCommand,
        deadline: Deadline,
    ) -> Result<String, AgentError> {
        let answer = tokio::time::timeout_at(deadline.instant(), self.exchange(agent, command)).await;
        let result = answer.unwrap_or_else(|_elapsed| Err("no answer in time".to_owned()));
        result.map_err(|message| failure(agent, command, &message))
    }

    async fn exchange(&self, agent: &Agent, command: &AgentCommand) -> Result<String, String> {
        let scheme = if self.options.tls { "https" } else { "http" };
        let host = url_host(&agent.hostname)?;
        let command = command.to_string();
        let separator = if command.contains('?') { '&' } else { '?' };
        let token = UrlEscaped(agent.token.expose());
        let url = format!("{scheme}://{host}:{}/api/{command}{separator}token={token}", agent.port);
        let url = Url::parse(&url).map_err(|error| error.to_string())?;
        // A name of dots alone would be another path.
        let path = command.split('?').next().unwrap_or_default();
        if url.path() != format!("/api/{path}") {
            return Err("such a name cannot stand in a URL".to_owned());
        }
        let client = self.client().map_err(|error| error.to_string())?;
        let mut request = client.get(url);
        if !agent.token.is_empty() {
            request = request.header(TOKEN_HEADER, agent.token.expose());
        }
        let answer = request.send().await.map_err(|error| WithCauses(&error.without_url()).to_string())?;
        let status = answer.status();
        let body = body_of(answer).await?;
        if status.is_success() {
            return Ok(body);
        }
        let told = serde_json::from_str::<WireRefusal>(&body).map_or(body, |refusal| refusal.message);
        let told: String = told.trim().chars().take(REFUSAL_MAX).collect();
        Err(if told.is_empty() { format!("status {status}") } else { format!("status {status}: {told}") })
    }

    /// Asks one question and notes how that ended.
    async fn ask<T: DeserializeOwned>(
        &self,
        agent: &Agent,
        question: AgentCommand,
        deadline: Deadline,
        report: &mut AgentReport,
    ) -> Option<T> {
        let result = self.send(agent, &question, deadline.at_most(QUESTION_MAX)).await;
        let result = result.and_then(|body| {
            report.answered.push(question.clone());
            serde_json::from_str::<T>(&body)
                .map(Some)
                .map_err(|error| failure(agent, &question, &format!("cannot understand the answer: {error}")))
        });
        result.unwrap_or_else(|error| {
            report.failures.push(error);
            None
        })
    }

    /// As [`HttpAgents::ask`], for a list: `null` is an empty one.
    async fn ask_list<T: DeserializeOwned>(
        &self,
        agent: &Agent,
        question: AgentCommand,
        deadline: Deadline,
        report: &mut AgentReport,
    ) -> Option<Vec<T>> {
        self.ask::<Option<Vec<T>>>(agent, question, deadline, report).await.map(Option::unwrap_or_default)
    }
}

#[async_trait]
impl Agents for HttpAgents {
    async fn read(&self, agent: &Agent, deadline: Deadline) -> AgentReport {
        use AgentCommand as Ask;
        let mut report = AgentReport::default();
        let to = &mut report;
        let facts = AgentFacts {
            local_snapshots: self.ask_list(agent, Ask::ListLocalSnapshots, deadline, to).await,
            all_snapshots: self.ask_list(agent, Ask::ListSnapshots, deadline, to).await,
            volumes: self
                .ask_list::<WireVolume>(agent, Ask::ListVolumes, deadline, to)
                .await
                .map(|volumes| volumes.into_iter().map(Into::into).collect()),
            mount: self.ask::<WireMount>(agent, Ask::ShowMount, deadline, to).await.map(Into::into),
            mysql_running: self.ask(agent, Ask::ShowMysqlStatus, deadline, to).await,
            mysql_port: self.ask(agent, Ask::ShowMysqlPort, deadline, to).await.filter(|port| *port != 0),
            mysql_disk_usage: self.ask(agent, Ask::ShowMysqlDiskUsage, deadline, to).await,
            datadir_free: self.ask(agent, Ask::ShowDatadirFree, deadline, to).await,
            error_log_tail: self.ask_list(agent, Ask::ShowErrorLogTail, deadline, to).await,
        };
        AgentReport { facts, ..report }
    }

    async fn call(
        &self,
        agent: &Agent,
        command: &AgentCommand,
        deadline: Deadline,
    ) -> Result<String, AgentError> {
        self.send(agent, command, deadline).await
    }
}

fn authorities(file: &PathBuf) -> Result<Vec<Certificate>, OptionsError> {
    let refuse = |reason: String| OptionsError::Authority { file: file.clone(), reason };
    let pem = std::fs::read(file).map_err(|error| refuse(error.to_string()))?;
    let found = Certificate::from_pem_bundle(&pem).map_err(|error| refuse(WithCauses(&error).to_string()))?;
    if found.is_empty() { Err(refuse("it holds no certificate".to_owned())) } else { Ok(found) }
}

/// The body as text, up to its limit.
async fn body_of(mut answer: Response) -> Result<String, String> {
    let mut body = Vec::new();
    loop {
        match answer.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() <= ANSWER_MAX => body.extend_from_slice(&chunk),
            Ok(Some(_)) => return Err(format!("the answer is larger than {ANSWER_MAX} bytes")),
            Ok(None) => return Ok(String::from_utf8_lossy(&body).into_owned()),
            Err(error) => return Err(WithCauses(&error.without_url()).to_string()),
        }
    }
}

/// The host as it stands in a URL. It was registered by somebody, so it must be nothing but a host.
fn url_host(host: &str) -> Result<String, String> {
    if host.parse::<std::net::Ipv6Addr>().is_ok() {
        return Ok(format!("[{host}]"));
    }
    let is_name = host.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c));
    if is_name && !host.is_empty() {
        Ok(host.to_owned())
    } else {
        Err("it has no usable host name".to_owned())
    }
}

/// A failure without the token, in case the agent repeated it.
fn failure(agent: &Agent, command: &AgentCommand, message: &str) -> AgentError {
    let mut message = message.to_owned();
    for secret in [agent.token.expose(), &UrlEscaped(agent.token.expose()).to_string()] {
        if !secret.is_empty() {
            message = message.replace(secret, "***");
        }
    }
    AgentError { hostname: agent.hostname.clone(), command: command.to_string(), message }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registered_host_cannot_be_another_url() {
        assert_eq!(url_host("db1.lan").as_deref(), Ok("db1.lan"));
        assert_eq!(url_host("::1").as_deref(), Ok("[::1]"));
        for host in ["", "db1/x?", "u@db1", "db1:80", "db1#", "db 1"] {
            assert!(url_host(host).is_err(), "{host}");
        }
    }
}
