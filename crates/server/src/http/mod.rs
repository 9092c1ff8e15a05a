//! The HTTP listener: API, web pages and metrics.
//!
//! Requests are matched against the registry's own table, so a route exists exactly when an operation declares it.
//! Every answer below `/api` is JSON, errors included. Reading is by GET or HEAD; what changes something also accepts
//! POST, refuses HEAD, and refuses browsers that come from another site. A change goes on when its client hangs up.

mod agents;
mod authority;
mod compress;
mod listen;
mod metrics;
mod request;
mod respond;
mod tls;
mod token;
mod web;

pub use agents::AgentsApp;
pub use listen::{ListenError, Listener, serve, serve_agents};
pub use tls::{TlsError, agent_identity};

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use engine::Engine;
use registry::{Args, Effect, Matched, Operation, RouteTable};
use settings::MessageIdentity;

use crate::dispatch::{self, Failure, Reply, Surface};
use authority::Access;
use respond::Refusal;

/// Longest time for an answer that only reads.
const READ_MAX: Duration = Duration::from_secs(30);

/// Everything a request needs. Made once, when the listener starts.
pub struct App {
    engine: Engine,
    routes: RouteTable,
    prefix: String,
    status_path: String,
    message_prefix: String,
}

impl App {
    /// An application around an engine, with paths as configured now.
    pub fn new(engine: Engine) -> Arc<Self> {
        let settings = engine.settings();
        let listener = &settings.listener;
        let prefix = listener.url_prefix.clone();
        let status_path = listener.status_endpoint.clone();
        let message_prefix = message_prefix(&settings, &engine.node().hostname);
        Arc::new(Self { engine, routes: RouteTable::new(), prefix, status_path, message_prefix })
    }

    /// The application as a service; for the listener and for tests.
    pub fn router(self: Arc<Self>) -> Router {
        Router::new().fallback(answer).with_state(self)
    }

    /// The engine behind it.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The path below the prefix; `None` when the prefix is missing.
    fn below_prefix<'p>(&self, path: &'p str) -> Option<&'p str> {
        path.strip_prefix(&self.prefix).filter(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// The operation a path means.
    fn matched(&self, path: &str) -> Option<Matched> {
        if self.is_status(path) {
            return self.routes.find("status");
        }
        self.routes.find(self.below_prefix(path)?.strip_prefix("/api/")?)
    }

    /// A customised status path is served exactly as given, with and without prefix; the usual one stays.
    fn is_status(&self, path: &str) -> bool {
        path == self.status_path || self.below_prefix(path) == Some(self.status_path.as_str())
    }
}

fn message_prefix(settings: &settings::Settings, hostname: &str) -> String {
    let custom = settings.listener.custom_identity.as_str();
    let identity = match settings.listener.message_identity {
        MessageIdentity::None => "",
        MessageIdentity::Custom => custom,
        MessageIdentity::Fqdn | MessageIdentity::Hostname if hostname.is_empty() => custom,
        MessageIdentity::Fqdn | MessageIdentity::Hostname => hostname,
    };
    if identity.is_empty() { String::new() } else { format!("Orchestrator {identity} says: ") }
}

async fn answer(State(app): State<Arc<App>>, request: Request) -> Response {
    let is_gzip_wanted = compress::is_wanted(request.headers());
    let response = answer_whole(app, request).await;
    if is_gzip_wanted { compress::compressed(response).await } else { compress::plain(response).await }
}

async fn answer_whole(app: Arc<App>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path();
    let units = parts.extensions.get::<tls::ClientUnits>().cloned().unwrap_or_default();
    if !authority::accepts_certificate(&app.engine.settings().listener, app.is_status(path), &units) {
        return Refusal::no_certificate("SSLValidOUs").response(&app.message_prefix);
    }
    let access = match authority::access(&app.engine.settings().authority, &parts.headers) {
        Ok(access) => access,
        Err(refusal) => return refusal.response(&app.message_prefix),
    };
    if let Some(matched) = app.matched(path) {
        let query = parts.uri.query().unwrap_or_default();
        let result = operate(&app, matched, &parts.method, (path, query), &parts.headers, body, access).await;
        return match result {
            Ok(reply) => respond::reply(reply, &app.message_prefix),
            Err(refusal) => refusal.response(&app.message_prefix),
        };
    }
    let no_route = || Refusal::no_route(path).response(&app.message_prefix);
    let Some(below) = app.below_prefix(path) else { return no_route() };
    let found = below.strip_suffix('/').unwrap_or(below);
    if found == "/web/access-token" {
        return token::redeem(&app, &parts.method, parts.uri.query().unwrap_or_default(), below).await;
    }
    if let (&Method::GET | &Method::HEAD, Some(response)) = (&parts.method, figures(&app, found)) {
        return response;
    }
    web::answer(&app, &parts.method, below, &access).await.unwrap_or_else(no_route)
}

/// Figures about this process.
fn figures(app: &App, below: &str) -> Option<Response> {
    Some(match below {
        "/metrics" => respond::text(metrics::prometheus(&app.engine)),
        "/debug/metrics" => respond::json(200, metrics::debug_metrics(&app.engine)),
        "/debug/vars" => respond::json(200, metrics::debug_vars()),
        _ => return None,
    })
}

async fn operate(
    app: &Arc<App>,
    matched: Matched,
    method: &Method,
    (path, query): (&str, &str),
    headers: &HeaderMap,
    body: Body,
    access: Access,
) -> Result<Reply, Refusal> {
    let Matched { operation, mut args } = matched;
    check_method(operation, method, path)?;
    if operation.effect != Effect::Read {
        authority::check_origin(headers)?;
        if !may_write(app, &access).await? {
            return Err(Refusal::unauthorized());
        }
    }
    request::read_query(query, &mut args);
    request::read_body(headers, body, &mut args).await?;
    args.user = access.user;
    args.headers = request::header_lists(headers);
    if operation.effect == Effect::Read {
        let answer = async {
            app.engine.catch_up().await;
            dispatch::run(&app.engine, operation, &args, Surface::Http).await
        };
        return match tokio::time::timeout(READ_MAX, answer).await {
            Ok(result) => result.map_err(Refusal::from),
            Err(_elapsed) => Err(Refusal::too_slow()),
        };
    }
    change(&app.engine, operation, args).await.map_err(Refusal::from)
}

async fn may_write(app: &App, access: &Access) -> Result<bool, Refusal> {
    match &access.token {
        Some(token) => token.is_valid(app).await,
        None => Ok(access.may_write),
    }
}

/// As in the original there is nothing to be found by other methods, but for two differences: changes may be posted, and
/// do not happen by a HEAD.
fn check_method(operation: &Operation, method: &Method, path: &str) -> Result<(), Refusal> {
    let is_read = operation.effect == Effect::Read;
    match *method {
        Method::GET => Ok(()),
        Method::HEAD if is_read => Ok(()),
        Method::POST if !is_read => Ok(()),
        Method::HEAD => Err(Refusal::method(method, &[Method::GET, Method::POST])),
        _ => Err(Refusal::no_route(path)),
    }
}

/// Runs a change in a task of its own: it does not stop half-way when the client hangs up.
async fn change(engine: &Engine, operation: &'static Operation, args: Args) -> Result<Reply, Failure> {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let worker = engine.for_operator();
    engine.supervisor().start("change asked for by HTTP", async move {
        let result = dispatch::run(&worker, operation, &args, Surface::Http).await;
        // The client may be gone; what was done is audited.
        let _ = sender.send(result);
    });
    receiver.await.unwrap_or_else(|_| Err(Failure::refused("the operation ended by a defect; see the log")))
}
