//! The listener on which agents register, and where hosts leave attributes.
//!
//! It knows neither users nor passwords: with `AgentsUseMutualTLS` a client certificate is what lets somebody in. Errors
//! have status 200, as agents know them.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Method, Response};
use engine::Engine;
use model::Secret;
use registry::percent_decoded;
use registry::wire::{HostAttributeView, to_json};

use super::respond::{self, Refusal};
use super::tls::ClientUnits;
use super::{authority, request};
use crate::dispatch::Failure;

/// Longest time for an answer.
const ANSWER_MAX: Duration = Duration::from_secs(30);

/// The application for agents.
pub struct AgentsApp {
    engine: Engine,
    /// What paths begin with.
    base: String,
}

impl AgentsApp {
    /// An application around an engine, with paths as configured now.
    pub fn new(engine: Engine) -> Arc<Self> {
        let base = format!("{}/api/", engine.settings().listener.url_prefix);
        Arc::new(Self { engine, base })
    }

    /// The application as a service; for the listener and for tests.
    pub fn router(self: Arc<Self>) -> Router {
        Router::new().fallback(answer).with_state(self)
    }
}

/// A request, read from its path.
enum Asked {
    Submit { host: String, port: String, token: Secret },
    SetAttribute { host: String, name: String, value: String },
    Attributes { name: String },
    Hosts,
    Instances,
    Ping,
}

impl Asked {
    fn read(below: &str) -> Option<Self> {
        let path = below.strip_suffix('/').unwrap_or(below);
        let segments: Vec<String> = path.split('/').map(percent_decoded).collect::<Option<_>>()?;
        if segments.iter().any(String::is_empty) {
            return None;
        }
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        Some(match segments.as_slice() {
            ["submit-agent", host, port, token] => Self::Submit {
                host: (*host).to_owned(),
                port: (*port).to_owned(),
                token: Secret::new(*token),
            },
            ["host-attribute", host, name, value] => Self::SetAttribute {
                host: (*host).to_owned(),
                name: (*name).to_owned(),
                value: (*value).to_owned(),
            },
            ["host-attribute", "attr", name] => Self::Attributes { name: (*name).to_owned() },
            ["agents-hosts"] => Self::Hosts,
            ["agents-instances"] => Self::Instances,
            ["agent-ping"] => Self::Ping,
            _ => return None,
        })
    }

    fn is_change(&self) -> bool {
        matches!(self, Self::Submit { .. } | Self::SetAttribute { .. })
    }
}

async fn answer(State(app): State<Arc<AgentsApp>>, request: Request) -> Response<Body> {
    let settings = app.engine.settings();
    let units = request.extensions().get::<ClientUnits>().cloned().unwrap_or_default();
    if settings.agents.mutual_tls && !units.has_one_of(&settings.agents.tls_valid_units) {
        return Refusal::no_certificate("AgentSSLValidOUs").response("");
    }
    let path = request.uri().path();
    let Some(asked) = path.strip_prefix(&app.base).and_then(Asked::read) else {
        return Refusal::no_route(path).response("");
    };
    match *request.method() {
        Method::GET => {}
        Method::POST if asked.is_change() => {}
        Method::HEAD if !asked.is_change() => {}
        ref other => return Refusal::method(other, &[Method::GET, Method::POST]).response(""),
    }
    if let Err(refusal) = authority::check_origin(request.headers()) {
        return refusal.response("");
    }
    let query = request.uri().query().unwrap_or_default();
    match tokio::time::timeout(ANSWER_MAX, carry_out(&app.engine, asked, query)).await {
        Ok(Ok(response)) => response,
        Ok(Err(failure)) => respond::json(200, failure.json("")),
        Err(_elapsed) => respond::json(200, Failure::refused("the backend did not answer in time").json("")),
    }
}

async fn carry_out(engine: &Engine, asked: Asked, query: &str) -> Result<Response<Body>, Failure> {
    let json = |text: String| Ok(respond::json(200, text));
    match asked {
        Asked::Submit { host, port, token } => {
            let port = port.parse().ok().filter(|port| *port != 0);
            let port = port.ok_or_else(|| Failure::input("Invalid port: it is no number from 1 to 65535"))?;
            engine.register_agent(&host, port, token).await?;
            json(to_json(&host))
        }
        Asked::SetAttribute { host, name, value } => {
            engine.set_host_attribute(&host, &name, &value).await?;
            json("true".to_owned())
        }
        Asked::Attributes { name } => {
            let pattern = request::query_value(query, "valueMatch").filter(|pattern| !pattern.is_empty());
            let found = engine.store().host_attributes(&name, pattern.as_deref()).await?;
            json(to_json(&found.iter().map(HostAttributeView).collect::<Vec<_>>()))
        }
        Asked::Hosts => {
            let agents = engine.store().agents().await?;
            Ok(listing(agents.into_iter().map(|agent| agent.hostname).collect(), query))
        }
        Asked::Instances => {
            let agents = engine.store().agents().await?;
            let key = |agent: model::Agent| format!("{}:{}", agent.hostname, agent.mysql_port.unwrap_or(0));
            Ok(listing(agents.into_iter().map(key).collect(), query))
        }
        Asked::Ping => json(to_json("OK")),
    }
}

/// Texts as JSON, or one per line where that is asked for.
fn listing(texts: Vec<String>, query: &str) -> Response<Body> {
    if request::query_value(query, "format").as_deref() == Some("txt") {
        return respond::lines(texts.join("\n"));
    }
    respond::json(200, to_json(&texts))
}
