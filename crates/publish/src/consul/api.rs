//! Requests to Consul: keys one by one, transactions, data centers. Each has a deadline; none is repeated here.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use model::{Secret, UrlEscaped};
use ports::{Deadline, WithCauses};
use reqwest::{Certificate, Client, Method, StatusCode, Url};

use super::wire::{Answer, Operation};

/// Longest wait for a connection.
const CONNECT_MAX: Duration = Duration::from_secs(2);
/// How long a connection is kept for the next request. A new primary is not to be told to one that broke meanwhile.
const KEPT_OPEN: Duration = Duration::from_secs(1);
/// Largest answer, bytes. Those asked for here have a few hundred.
const ANSWER_MAX: usize = 1024 * 1024;
/// Longest text of a refusal that is told on, characters.
const REFUSAL_MAX: usize = 200;
/// The token, where Consul looks for it besides the URL, which ends up in logs.
const TOKEN_HEADER: &str = "X-Consul-Token";

/// How Consul is reached.
#[derive(Clone, Debug)]
pub struct ConsulOptions {
    /// `host` or `host:port` of an agent or server.
    pub address: String,
    /// By TLS.
    pub tls: bool,
    /// Whatever certificate it shows.
    pub skip_verify: bool,
    /// Authorities (PEM) whose certificates are accepted beside those of the machine.
    pub ca_file: Option<PathBuf>,
    /// Sent with each request; empty for none.
    pub token: Secret,
    /// The pairs of a cluster are written in one transaction.
    pub transactional: bool,
}

/// Why a request was of no use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Nobody answers, or nobody who is Consul: what follows would fare no better.
    Unreachable(String),
    /// This request was refused; another one need not be.
    Refused(String),
}

impl Failure {
    pub(crate) fn into_text(self) -> String {
        match self {
            Self::Unreachable(text) | Self::Refused(text) => text,
        }
    }
}

/// Requests to one agent.
pub(crate) struct Api {
    pub(crate) options: ConsulOptions,
    /// Made at the first request: most commands publish nothing, and a client reads the machine's certificates.
    client: OnceLock<Client>,
}

impl Api {
    pub(crate) fn new(options: ConsulOptions) -> Self {
        Self { options, client: OnceLock::new() }
    }

    /// `http://host:port`.
    pub(crate) fn base(&self) -> String {
        let scheme = if self.options.tls { "https" } else { "http" };
        format!("{scheme}://{}", self.options.address)
    }

    /// The value of a key; `None` when it does not exist.
    pub(crate) async fn get(
        &self,
        key: &str,
        center: Option<&str>,
        deadline: Deadline,
    ) -> Result<Option<String>, Failure> {
        let url = self.url(&format!("kv/{}", escaped(key)), &["raw".to_owned()], center)?;
        let (status, body) = self.send(Method::GET, url, None, deadline).await?;
        match status {
            StatusCode::OK => Ok(Some(body)),
            StatusCode::NOT_FOUND => Ok(None),
            _ => Err(self.refusal(status, &body)),
        }
    }

    /// Writes a key.
    pub(crate) async fn put(
        &self,
        (key, value): (&str, &str),
        center: Option<&str>,
        deadline: Deadline,
    ) -> Result<(), Failure> {
        let url = self.url(&format!("kv/{}", escaped(key)), &[], center)?;
        let (status, body) = self.send(Method::PUT, url, Some(value.to_owned()), deadline).await?;
        match (status, body.trim()) {
            (StatusCode::OK, "true") => Ok(()),
            (StatusCode::OK, other) => Err(Failure::Refused(format!("it did not write {key}: {other:.100}"))),
            _ => Err(self.refusal(status, &body)),
        }
    }

    /// The values of these keys; none at all when one of them does not exist.
    pub(crate) async fn get_all(
        &self,
        keys: &[&str],
        center: Option<&str>,
        deadline: Deadline,
    ) -> Result<Vec<(String, String)>, Failure> {
        let operations: Vec<Operation> = keys.iter().map(|key| Operation::get(key)).collect();
        match self.transact(&operations, center, deadline).await? {
            (StatusCode::CONFLICT, _) => Ok(Vec::new()),
            (_, answer) => Ok(answer.values()),
        }
    }

    /// Writes all these pairs or none.
    pub(crate) async fn put_all(
        &self,
        pairs: &[(&str, &str)],
        center: Option<&str>,
        deadline: Deadline,
    ) -> Result<(), Failure> {
        let operations: Vec<Operation> =
            pairs.iter().map(|(key, value)| Operation::set(key, value)).collect();
        match self.transact(&operations, center, deadline).await? {
            (StatusCode::CONFLICT, answer) => Err(self.refusal(StatusCode::CONFLICT, &answer.reasons())),
            _ => Ok(()),
        }
    }

    /// The status is OK or CONFLICT, which means that nothing was done.
    async fn transact(
        &self,
        operations: &[Operation],
        center: Option<&str>,
        deadline: Deadline,
    ) -> Result<(StatusCode, Answer), Failure> {
        let body = serde_json::to_string(operations).map_err(|error| Failure::Refused(error.to_string()))?;
        let url = self.url("txn", &[], center)?;
        let (status, body) = self.send(Method::PUT, url, Some(body), deadline).await?;
        match status {
            StatusCode::OK | StatusCode::CONFLICT => {
                let answer = serde_json::from_str(&body).map_err(|_| self.stranger(&body))?;
                Ok((status, answer))
            }
            _ => Err(self.refusal(status, &body)),
        }
    }

    /// Names of all data centers.
    pub(crate) async fn data_centers(&self, deadline: Deadline) -> Result<Vec<String>, Failure> {
        let url = self.url("catalog/datacenters", &[], None)?;
        let (status, body) = self.send(Method::GET, url, None, deadline).await?;
        match status {
            StatusCode::OK => serde_json::from_str(&body).map_err(|_| self.stranger(&body)),
            _ => Err(self.refusal(status, &body)),
        }
    }

    fn url(&self, path: &str, query: &[String], center: Option<&str>) -> Result<Url, Failure> {
        let mut query = query.to_vec();
        query.extend(center.map(|name| format!("dc={}", UrlEscaped(name))));
        let text = format!(
            "{}/v1/{path}{}{}",
            self.base(),
            if query.is_empty() { "" } else { "?" },
            query.join("&")
        );
        let url = Url::parse(&text).map_err(|error| {
            Failure::Unreachable(format!("ConsulAddress is no address of a server: {error}"))
        })?;
        // A part of dots alone would be another path.
        if url.path() != format!("/v1/{path}") {
            return Err(Failure::Refused(
                "such a key cannot stand in a URL; give the cluster another alias".to_owned(),
            ));
        }
        Ok(url)
    }

    async fn send(
        &self,
        method: Method,
        url: Url,
        body: Option<String>,
        deadline: Deadline,
    ) -> Result<(StatusCode, String), Failure> {
        let exchange = self.exchange(method, url, body);
        let answer = tokio::time::timeout_at(deadline.instant(), exchange).await;
        let answer = answer.unwrap_or_else(|_elapsed| Err("it does not answer in time".to_owned()));
        answer.map_err(|reason| {
            let cure = if self.options.tls {
                " and that the authority of its certificate is the machine's or in ConsulSSLCAFile"
            } else {
                ""
            };
            Failure::Unreachable(format!("{reason}; see that Consul runs and ConsulAddress is right{cure}"))
        })
    }

    async fn exchange(
        &self,
        method: Method,
        url: Url,
        body: Option<String>,
    ) -> Result<(StatusCode, String), String> {
        let mut request = self.client()?.request(method, url);
        if !self.options.token.is_empty() {
            request = request.header(TOKEN_HEADER, self.options.token.expose());
        }
        if let Some(body) = body {
            request = request.body(body);
        }
        let mut answer =
            request.send().await.map_err(|error| WithCauses(&error.without_url()).to_string())?;
        let status = answer.status();
        let mut bytes = Vec::new();
        while let Some(chunk) =
            answer.chunk().await.map_err(|error| WithCauses(&error.without_url()).to_string())?
        {
            if bytes.len() + chunk.len() > ANSWER_MAX {
                return Err(format!("its answer is larger than {ANSWER_MAX} bytes"));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok((status, String::from_utf8_lossy(&bytes).into_owned()))
    }

    fn client(&self) -> Result<&Client, String> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let made = self.make()?;
        Ok(self.client.get_or_init(|| made))
    }

    fn make(&self) -> Result<Client, String> {
        // rustls needs to be told once per process whose cryptography it uses; a second time changes nothing.
        let _ = tokio_rustls::rustls::crypto::ring::default_provider().install_default();
        let mut builder = Client::builder()
            .connect_timeout(CONNECT_MAX)
            .pool_idle_timeout(KEPT_OPEN)
            .http1_only()
            .no_proxy()
            // A redirect would carry the token to somebody else.
            .redirect(reqwest::redirect::Policy::none());
        if !self.options.tls {
            // Without TLS there need not be any certificate on the machine.
            builder = builder.tls_certs_only([]);
        } else {
            // Differs: the original never verifies.
            builder = builder.https_only(true).tls_danger_accept_invalid_certs(self.options.skip_verify);
            if let Some(file) = &self.options.ca_file {
                let unusable =
                    |reason: String| format!("ConsulSSLCAFile: cannot use {}: {reason}", file.display());
                let pem = std::fs::read(file).map_err(|error| unusable(error.to_string()))?;
                let found = Certificate::from_pem_bundle(&pem)
                    .map_err(|error| unusable(WithCauses(&error).to_string()))?;
                builder = builder.tls_certs_merge(found);
            }
        }
        builder.build().map_err(|error| format!("cannot prepare TLS: {}", WithCauses(&error)))
    }

    fn refusal(&self, status: StatusCode, told: &str) -> Failure {
        let told: String = told.trim().chars().take(REFUSAL_MAX).collect();
        let told = if self.options.token.is_empty() {
            told
        } else {
            told.replace(self.options.token.expose(), "***")
        };
        let is_denied = status == StatusCode::FORBIDDEN
            || status == StatusCode::UNAUTHORIZED
            || told.contains("Permission denied");
        let cure = if is_denied { "; give ConsulAclToken the right to read and write the keys" } else { "" };
        let text = format!("it refuses with status {}: {told}{cure}", status.as_u16());
        // A server without a leader, or one that is overloaded, refuses everything.
        if status.is_server_error() { Failure::Unreachable(text) } else { Failure::Refused(text) }
    }

    fn stranger(&self, body: &str) -> Failure {
        let begin: String = body.trim().chars().take(60).collect();
        Failure::Unreachable(format!("what answers there is not Consul ({begin:?}); check ConsulAddress"))
    }
}

/// A key as a path: its slashes stay.
fn escaped(key: &str) -> String {
    let parts: Vec<String> = key.split('/').map(|part| UrlEscaped(part).to_string()).collect();
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn api() -> Api {
        Api::new(ConsulOptions {
            address: "127.0.0.1:8500".to_owned(),
            tls: false,
            skip_verify: false,
            ca_file: None,
            token: Secret::new("hush"),
            transactional: false,
        })
    }

    #[test]
    fn a_key_can_be_nothing_but_that_key() {
        let url = |key: &str| api().url(&format!("kv/{}", escaped(key)), &[], Some("dc 2"));
        let good = url("mysql/master/db1:3306?x").map(String::from);
        assert_eq!(good.as_deref(), Ok("http://127.0.0.1:8500/v1/kv/mysql/master/db1%3A3306%3Fx?dc=dc%202"));
        assert!(matches!(url("mysql/../x"), Err(Failure::Refused(_))));
    }

    #[test]
    fn a_refusal_shows_no_token_and_names_the_cure() {
        let Failure::Refused(text) = api().refusal(StatusCode::FORBIDDEN, "token hush lacks key:write")
        else {
            panic!("another request may succeed");
        };
        assert!(text.contains("token *** lacks") && text.contains("ConsulAclToken"), "{text}");
        assert!(matches!(
            api().refusal(StatusCode::INTERNAL_SERVER_ERROR, "No cluster leader"),
            Failure::Unreachable(_)
        ));
    }
}
