//! Access tokens: a command issues one, a browser redeems it once for a cookie, and the cookie allows changes.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, Response, header};

use super::respond::{self, Refusal};
use super::{App, request};

/// Name of the cookie.
const COOKIE: &str = "access-token";

/// A redeemed token, as a cookie holds it.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Token {
    public: String,
    secret: String,
}

// The secret half must not reach a log.
impl std::fmt::Debug for Token {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.debug_struct("Token").field("public", &self.public).finish_non_exhaustive()
    }
}

impl Token {
    /// The token of a request. What is no token is none: it is refused where a change is asked for.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let (public, secret) = cookies
            .flat_map(|line| line.split(';'))
            .filter_map(|cookie| cookie.trim().split_once('='))
            .find_map(|(name, value)| if name == COOKIE { value.split_once(':') } else { None })?;
        Some(Self { public: public.to_owned(), secret: secret.to_owned() })
    }

    /// It was issued here, redeemed, and has not lapsed.
    pub(super) async fn is_valid(&self, app: &App) -> Result<bool, Refusal> {
        let checked = app.engine.is_token_valid(&self.public, &self.secret).await;
        checked.map_err(|error| Refusal::from(crate::dispatch::Failure::from(error)))
    }
}

/// Redeems a token and sends the browser to the first page; `below` is the path below the prefix. A failure has status
/// 200, as clients know it.
pub(super) async fn redeem(app: &App, method: &Method, query: &str, below: &str) -> Response<Body> {
    let allowed = [Method::GET, Method::POST];
    if !allowed.contains(method) {
        return Refusal::method(method, &allowed).response("");
    }
    let public = request::query_value(query, "publicToken").unwrap_or_default();
    let secret = match app.engine.redeem_token(&public).await {
        Ok(secret) => secret,
        Err(error) => return respond::json(200, crate::dispatch::Failure::from(error).json("")),
    };
    let secure = if app.engine.settings().listener.tls { "; Secure" } else { "" };
    let cookie = format!("{COOKIE}={public}:{secret}; Path=/; HttpOnly; SameSite=Strict{secure}");
    let mut response = respond::redirect(&super::web::way_up(below));
    match HeaderValue::from_str(&cookie) {
        Ok(mut value) => {
            value.set_sensitive(true);
            response.headers_mut().insert(header::SET_COOKIE, value);
            response
        }
        Err(_) => Refusal::bad_body("a token is made of letters and digits").response(""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(cookies: &[&'static str]) -> Option<(String, String)> {
        let mut headers = HeaderMap::new();
        for cookie in cookies {
            headers.append(header::COOKIE, HeaderValue::from_static(cookie));
        }
        Token::of(&headers).map(|token| (token.public, token.secret))
    }

    #[test]
    fn the_token_is_found_among_other_cookies() {
        let wanted = Some(("pub".to_owned(), "sec".to_owned()));
        assert_eq!(token(&["access-token=pub:sec"]), wanted);
        assert_eq!(token(&["a=b; access-token=pub:sec; c=d:e"]), wanted);
        assert_eq!(token(&["a=b", "access-token=pub:sec"]), wanted);
    }

    #[test]
    fn what_is_no_token_is_none() {
        assert_eq!(token(&[]), None);
        for cookie in ["access-token=whole", "other=pub:sec", "access-token", ";;="] {
            assert_eq!(token(&[cookie]), None, "{cookie}");
        }
    }
}
