//! Requests to the API: which node is asked, how often, and for how long.

use std::time::Duration;

use futures_util::future::join_all;
use reqwest::{Client, RequestBuilder, StatusCode};

use super::Failed;
use super::options::Options;

/// Longest wait for a node to say whether it leads.
const LEADER_LIMIT: Duration = Duration::from_secs(1);
/// Longest wait for a connection.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// Longest wait for the answer to a question. Changes may take as long as they need.
const READ_LIMIT: Duration = Duration::from_secs(30);
/// Pauses after attempts at which no connection was to be had.
const PAUSES_MS: [u64; 7] = [100, 200, 500, 1_000, 2_000, 2_500, 5_000];

/// The node that is asked.
pub(super) struct Api {
    client: Client,
    /// Ends in `/api`.
    base: String,
    auth: Option<(String, String)>,
    header: Option<(String, String)>,
}

/// An answer.
pub(super) struct Response {
    pub(super) status: StatusCode,
    pub(super) body: String,
}

impl Api {
    /// Chooses the node.
    pub(super) async fn connect(options: &Options) -> Result<Self, Failed> {
        // rustls needs to be told once per process whose cryptography it uses; a second time changes nothing.
        let _ = tokio_rustls::rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .connect_timeout(CONNECT_LIMIT)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| Failed::new(format!("cannot start: {error}")))?;
        let (user, password) = options.auth.split_once(':').unwrap_or((options.auth.as_str(), ""));
        let auth =
            (options.auth != ":" && !options.auth.is_empty()).then(|| (user.to_owned(), password.to_owned()));
        let header = options
            .auth_header
            .split_once(':')
            .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()));
        let urls: Vec<String> = options.api.split_whitespace().map(normalised).collect();
        let mut api = Self { client, base: String::new(), auth, header };
        api.base = match urls.as_slice() {
            [only] => only.clone(),
            several => api.leader(several).await.ok_or_else(|| {
                Failed::new(format!("Cannot determine leader from {}", without_passwords(&options.api)))
            })?,
        };
        Ok(api)
    }

    /// The URL in use.
    pub(super) fn base(&self) -> &str {
        &self.base
    }

    /// The first that leads, else the first that reaches a leader.
    async fn leader(&self, urls: &[String]) -> Option<String> {
        for check in ["leader-check", "routed-leader-check"] {
            let asked = urls.iter().map(|url| async move {
                let request = self.request(&format!("{url}/{check}")).timeout(LEADER_LIMIT);
                request.send().await.is_ok_and(|answer| answer.status() == StatusCode::OK)
            });
            let leads = join_all(asked).await;
            if let Some(at) = leads.iter().position(|leads| *leads) {
                return urls.get(at).cloned();
            }
        }
        None
    }

    fn request(&self, url: &str) -> RequestBuilder {
        let mut request = self.client.get(url);
        if let Some((user, password)) = &self.auth {
            request = request.basic_auth(user, Some(password));
        }
        if let Some((name, value)) = &self.header {
            request = request.header(name, value);
        }
        request
    }

    /// Asks a path. Only an attempt that got no connection is repeated: a change must not be made twice.
    pub(super) async fn get(&self, path: &str, is_read: bool) -> Result<Response, Failed> {
        let url = format!("{}/{path}", self.base);
        let mut pauses = PAUSES_MS.into_iter();
        loop {
            let mut request = self.request(&url);
            if is_read {
                request = request.timeout(READ_LIMIT);
            }
            let error = match request.send().await {
                Ok(answer) => {
                    let status = answer.status();
                    let body = answer.text().await.map_err(|error| self.unreachable(&error.to_string()))?;
                    return Ok(Response { status, body });
                }
                Err(error) => error,
            };
            match pauses.next() {
                Some(pause) if error.is_connect() => tokio::time::sleep(Duration::from_millis(pause)).await,
                Some(_) | None => return Err(self.unreachable("")),
            }
        }
    }

    /// What scripts know as the end of all attempts.
    pub(super) fn unreachable(&self, why: &str) -> Failed {
        let why = if why.is_empty() { String::new() } else { format!(": {why}") };
        Failed::new(format!(
            "Cannot access orchestrator at {}.  Check ORCHESTRATOR_API is configured correctly and orchestrator is running{why}",
            without_passwords(&self.base)
        ))
    }
}

/// Without slash at the end, and ending in `/api`.
fn normalised(url: &str) -> String {
    let url = url.strip_suffix('/').unwrap_or(url);
    if url.ends_with("/api") { url.to_owned() } else { format!("{url}/api") }
}

/// Passwords in URLs are for nobody's eyes.
fn without_passwords(text: &str) -> String {
    let hide = |url: &str| {
        let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
        let Some((account, place)) = rest.split_once('@') else { return url.to_owned() };
        let user = account.split(':').next().unwrap_or_default();
        format!("{scheme}://{user}:<REMOVED>@{place}")
    };
    text.split_whitespace().map(hide).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_end_in_api() {
        for url in ["http://h:3000", "http://h:3000/", "http://h:3000/api", "http://h:3000/api/"] {
            assert_eq!(normalised(url), "http://h:3000/api", "{url}");
        }
    }

    #[test]
    fn passwords_are_not_shown() {
        assert_eq!(without_passwords("http://u:p@h/api http://h"), "http://u:<REMOVED>@h/api http://h");
    }
}
