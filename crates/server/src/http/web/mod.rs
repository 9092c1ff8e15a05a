//! The web pages: one application for all of them, the files it is made of, and what it must know of this node.
//!
//! No answer here names a path from the root: a proxy in front may add a prefix of its own. The application takes its base
//! from what stands before `/web/`, and so do the links of the page that loads it.

mod custom;
mod files;
mod paths;
mod session;

use axum::body::Body;
use axum::http::{HeaderValue, Method, Response, StatusCode, header};

use super::respond::{self, Refusal};
use super::{Access, App};

pub(super) use paths::way_up;

const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
     object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
);
const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=UTF-8");
/// Where the page that loads the application names what is not part of it: what operators add.
const PLACE_OF_CUSTOM: &str = "<!-- custom -->";
const CUSTOM: &str = "<link rel=\"stylesheet\" href=\"./css/custom.css\" />\
                      <script defer src=\"./js/custom.js\"></script>";

/// What is found at a path below the prefix.
enum Found {
    /// A page, or what only looks like one.
    Page(StatusCode),
    /// A part of the application.
    File(&'static files::Packed),
    /// What the operator added to the pages.
    Custom(custom::Custom),
    /// What the pages ask first.
    Session,
    /// The browser goes there instead.
    Redirect(String),
}

/// The answer, if the path (below the prefix, with its slash at the end if it has one) is one of these.
pub(super) async fn answer(
    app: &App,
    method: &Method,
    below: &str,
    access: &Access,
) -> Option<Response<Body>> {
    let found = find(app, below)?;
    if !matches!(*method, Method::GET | Method::HEAD) {
        let refusal = Refusal::method(method, &[Method::GET, Method::HEAD]);
        return Some(refusal.response(&app.message_prefix));
    }
    Some(match found {
        Found::Page(status) => page(status, below),
        Found::File(file) => file.response(),
        Found::Custom(custom) => custom.response(&app.engine.settings().web.custom_folder).await,
        Found::Session => match session::json(app, access).await {
            Ok(text) => respond::json(200, text),
            Err(refusal) => refusal.response(&app.message_prefix),
        },
        Found::Redirect(to) => respond::redirect(&to),
    })
}

fn find(app: &App, below: &str) -> Option<Found> {
    let trimmed = below.strip_suffix('/').unwrap_or(below);
    match trimmed {
        // Without a slash at its end the prefix itself is the last part of the path.
        "" if below.is_empty() => {
            let last = app.prefix.rsplit('/').next().unwrap_or_default();
            return Some(Found::Redirect(format!("{last}/web/clusters")));
        }
        "" => return Some(Found::Redirect("web/clusters".to_owned())),
        "/web" => return Some(Found::Redirect(format!("{}web/clusters", way_up(below)))),
        "/api/v2/session" => return Some(Found::Session),
        _ => {}
    }
    if let Some(rest) = trimmed.strip_prefix("/web/") {
        let status = if paths::is_page(rest) { StatusCode::OK } else { StatusCode::NOT_FOUND };
        return Some(Found::Page(status));
    }
    let name = below.strip_prefix('/')?;
    custom::Custom::named(name).map(Found::Custom).or_else(|| files::find(name).map(Found::File))
}

/// The page that loads the application; the same for all paths but for the way to its files.
fn page(status: StatusCode, below: &str) -> Response<Body> {
    let text = match files::shell() {
        Some(shell) => {
            shell.replace(PLACE_OF_CUSTOM, CUSTOM).replace("=\"./", &format!("=\"{}", way_up(below)))
        }
        None => files::NOT_BUILT.to_owned(),
    };
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HTML);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(header::CONTENT_SECURITY_POLICY, POLICY);
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
