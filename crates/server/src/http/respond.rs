//! Answers and refusals as HTTP responses.

use axum::body::Body;
use axum::http::{HeaderValue, Method, Response, StatusCode, header};

use crate::dispatch::{Failure, Reply};

const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=UTF-8");
const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=UTF-8");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
const LINES: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// A request that is not answered with what it asked for.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    failure: Box<Failure>,
    header: Option<Box<(header::HeaderName, HeaderValue)>>,
    /// Messages of these get no identity of the node, as clients compare them.
    is_plain: bool,
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        // Scripts and load balancers of the original test for 500, whatever the reason.
        let asked = failure.status.and_then(|status| StatusCode::from_u16(status).ok());
        let status = asked.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self { status, failure: Box::new(failure), header: None, is_plain: false }
    }
}

impl Refusal {
    fn of(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, failure: Box::new(Failure::input(message)), header: None, is_plain: false }
    }

    pub(super) fn no_route(path: &str) -> Self {
        Self::of(StatusCode::NOT_FOUND, format!("404 page not found: {path}"))
    }

    pub(super) fn method(method: &Method, allowed: &[Method]) -> Self {
        let allowed = allowed.iter().map(Method::as_str).collect::<Vec<_>>().join(", ");
        let mut refusal = Self::of(
            StatusCode::METHOD_NOT_ALLOWED,
            format!("method {method} is not allowed here; use {allowed}"),
        );
        refusal.header = HeaderValue::from_str(&allowed).ok().map(|value| Box::new((header::ALLOW, value)));
        refusal
    }

    /// The status is 500 because that is what clients of the original know.
    pub(super) fn unauthorized() -> Self {
        Self { is_plain: true, ..Self::of(StatusCode::INTERNAL_SERVER_ERROR, "Unauthorized") }
    }

    pub(super) fn not_authenticated() -> Self {
        let challenge = HeaderValue::from_static("Basic realm=\"Authorization Required\"");
        let refusal = Self::of(StatusCode::UNAUTHORIZED, "Not Authorized");
        Self { header: Some(Box::new((header::WWW_AUTHENTICATE, challenge))), is_plain: true, ..refusal }
    }

    pub(super) fn no_certificate(setting: &str) -> Self {
        Self::of(
            StatusCode::UNAUTHORIZED,
            format!("a client certificate of an accepted organizational unit ({setting}) is needed"),
        )
    }

    pub(super) fn cross_site() -> Self {
        Self::of(StatusCode::FORBIDDEN, "refused: a page of another site asked for this change")
    }

    pub(super) fn too_large(limit: usize) -> Self {
        Self::of(StatusCode::PAYLOAD_TOO_LARGE, format!("the body is larger than {limit} bytes"))
    }

    pub(super) fn slow_body(limit: std::time::Duration) -> Self {
        Self::of(
            StatusCode::REQUEST_TIMEOUT,
            format!("the body did not arrive within {} seconds", limit.as_secs()),
        )
    }

    pub(super) fn bad_body(reason: &str) -> Self {
        Self::of(StatusCode::BAD_REQUEST, format!("cannot read the body: {reason}"))
    }

    pub(super) fn too_slow() -> Self {
        Self::of(StatusCode::SERVICE_UNAVAILABLE, "the answer took too long and was given up")
    }

    pub(super) fn response(&self, prefix: &str) -> Response<Body> {
        let prefix = if self.is_plain { "" } else { prefix };
        let mut response = with(self.status, JSON, self.failure.json(prefix));
        if let Some((name, value)) = self.header.as_deref() {
            response.headers_mut().insert(name.clone(), value.clone());
        }
        response
    }
}

pub(super) fn reply(reply: Reply, prefix: &str) -> Response<Body> {
    let status = reply.status.and_then(|status| StatusCode::from_u16(status).ok()).unwrap_or(StatusCode::OK);
    with(status, JSON, reply.into_json(prefix))
}

pub(super) fn json(status: u16, text: String) -> Response<Body> {
    with(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), JSON, text)
}

pub(super) fn text(text: String) -> Response<Body> {
    with(StatusCode::OK, TEXT, text)
}

/// Text for programs, line by line.
pub(super) fn lines(text: String) -> Response<Body> {
    with(StatusCode::OK, LINES, text)
}

pub(super) fn redirect(to: &str) -> Response<Body> {
    let mut response = with(StatusCode::FOUND, HTML, String::new());
    if let Ok(value) = HeaderValue::from_str(to) {
        response.headers_mut().insert(header::LOCATION, value);
    }
    response
}

fn with(status: StatusCode, content_type: HeaderValue, text: String) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // Whatever is told here is true for a moment only.
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
