//! Who may ask for what.

use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use settings::{Authentication, Authority, Listener};

use super::respond::Refusal;
use super::tls::ClientUnits;
use super::token::Token;

/// The user that `multi` lets read with any password.
const READER: &str = "readonly";

/// What a request may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Access {
    /// It may change things.
    pub(super) may_write: bool,
    /// The user, when it has a name.
    pub(super) user: Option<String>,
    /// An access token that allows changes if it proves valid.
    pub(super) token: Option<Token>,
}

impl Access {
    fn of(may_write: bool, user: Option<String>) -> Self {
        Self { may_write, user, token: None }
    }
}

/// Judges a request by its headers.
///
/// # Errors
/// It may not even read.
pub(super) fn access(authority: &Authority, headers: &HeaderMap) -> Result<Access, Refusal> {
    let mut access = match authority.method {
        Authentication::None => Access::of(true, None),
        Authentication::Basic | Authentication::Multi => by_password(authority, headers)?,
        Authentication::Proxy => by_proxy(authority, headers),
        Authentication::Token => Access { token: Token::of(headers), ..Access::of(false, None) },
        // It never let anybody write.
        Authentication::OAuth => Access::of(false, None),
    };
    if authority.read_only {
        access = Access::of(false, None);
    }
    Ok(access)
}

/// With mutual TLS only clients of an accepted organizational unit are served; the status check is exempt unless it is
/// told not to be.
pub(super) fn accepts_certificate(listener: &Listener, is_status: bool, units: &ClientUnits) -> bool {
    let is_exempt = is_status && !listener.status_needs_certificate;
    !listener.mutual_tls || is_exempt || units.has_one_of(&listener.tls_valid_units)
}

fn by_password(authority: &Authority, headers: &HeaderMap) -> Result<Access, Refusal> {
    let (user, password) = credentials(headers).ok_or_else(Refusal::not_authenticated)?;
    let is_multi = authority.method == Authentication::Multi;
    if is_multi && user == READER {
        return Ok(Access::of(false, Some(user)));
    }
    let is_right = same_text(&user, &authority.user) & same_text(&password, authority.password.expose());
    if is_right { Ok(Access::of(true, Some(user))) } else { Err(Refusal::not_authenticated()) }
}

fn credentials(headers: &HeaderMap) -> Option<(String, String)> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (user, password) = decoded.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}

/// Compares without telling by time where texts differ.
fn same_text(given: &str, wanted: &str) -> bool {
    let (given, wanted) = (given.as_bytes(), wanted.as_bytes());
    let mut difference = given.len() ^ wanted.len();
    for (at, byte) in given.iter().enumerate() {
        difference |= usize::from(byte ^ wanted.get(at).copied().unwrap_or(0));
    }
    difference == 0
}

/// A request without user may read only: `*` means every user, not nobody.
fn by_proxy(authority: &Authority, headers: &HeaderMap) -> Access {
    let user = headers.get(authority.user_header.as_str()).and_then(|value| value.to_str().ok());
    let Some(user) = user.filter(|user| !user.is_empty()) else {
        return Access::of(false, None);
    };
    let named = authority.power_users.iter().any(|power| power == "*" || power == user);
    let may_write = named || is_in_groups(user, &authority.power_groups);
    Access::of(may_write, Some(user.to_owned()))
}

fn is_in_groups(user: &str, groups: &[String]) -> bool {
    if groups.is_empty() {
        return false;
    }
    let read = |file: &str| std::fs::read_to_string(file).unwrap_or_default();
    is_member(user, groups, &read("/etc/group"), &read("/etc/passwd"))
}

/// Membership by the texts of the group and the user database.
fn is_member(user: &str, groups: &[String], group_file: &str, user_file: &str) -> bool {
    let field = |line: &str, at: usize| line.split(':').nth(at).unwrap_or_default().to_owned();
    let Some(account) = user_file.lines().find(|line| field(line, 0) == user) else { return false };
    let primary_group_id = field(account, 3);
    group_file.lines().filter(|line| groups.contains(&field(line, 0))).any(|line| {
        field(line, 2) == primary_group_id || field(line, 3).split(',').any(|member| member == user)
    })
}

/// Refuses changes that a browser makes for a page of another site.
///
/// Browsers that say where a request comes from are believed: no page can make them lie. Others are judged by the origin
/// they send, which a proxy in front may have been asked for under another name than this listener is.
///
/// # Errors
/// The browser says so.
pub(super) fn check_origin(headers: &HeaderMap) -> Result<(), Refusal> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match text("sec-fetch-site") {
        Some("same-origin" | "none") => return Ok(()),
        Some(_) => return Err(Refusal::cross_site()),
        None => {}
    }
    let Some(origin) = text("origin") else { return Ok(()) };
    let hosts = [text("host"), text("x-forwarded-host")];
    let from = origin.split_once("://").map(|(_, from)| from);
    // Who sends no host at all is no browser.
    if hosts.iter().all(Option::is_none) || (from.is_some() && hosts.contains(&from)) {
        Ok(())
    } else {
        Err(Refusal::cross_site())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_compared_whole() {
        assert!(same_text("tiger", "tiger") && same_text("", ""));
        for (given, wanted) in
            [("tige", "tiger"), ("tigers", "tiger"), ("", "x"), ("x", ""), ("Tiger", "tiger")]
        {
            assert!(!same_text(given, wanted), "{given} {wanted}");
        }
    }

    #[test]
    fn groups_count_by_list_and_by_primary_group() {
        let group_file = "dba:x:50:ann,bob\nops:x:60:\n";
        let user_file = "ann:x:1:10::/:\nbob:x:2:10::/:\ncy:x:3:60::/:\ndan:x:4:10::/:\n";
        let groups = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        for (user, wanted, is_power) in [
            ("ann", &["dba"][..], true),
            ("ann", &["ops"], false),
            ("cy", &["ops", "dba"], true),
            ("dan", &["ops", "dba"], false),
            ("nobody", &["dba"], false),
        ] {
            assert_eq!(is_member(user, &groups(wanted), group_file, user_file), is_power, "{user}");
        }
    }

    #[test]
    fn browsers_of_other_sites_are_refused() {
        let headers = |pairs: &[(&'static str, &'static str)]| -> HeaderMap {
            pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
        };
        assert!(check_origin(&headers(&[("host", "orc:3000")])).is_ok());
        assert!(check_origin(&headers(&[("host", "orc:3000"), ("origin", "http://orc:3000")])).is_ok());
        assert!(check_origin(&headers(&[("host", "orc:3000"), ("origin", "http://evil")])).is_err());
        assert!(check_origin(&headers(&[("host", "orc:3000"), ("origin", "null")])).is_err());
        assert!(check_origin(&headers(&[("sec-fetch-site", "cross-site")])).is_err());
        assert!(check_origin(&headers(&[("sec-fetch-site", "same-site")])).is_err());
        assert!(check_origin(&headers(&[("sec-fetch-site", "same-origin")])).is_ok());
    }

    #[test]
    fn a_proxy_may_have_another_name() {
        let headers = |pairs: &[(&'static str, &'static str)]| -> HeaderMap {
            pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
        };
        let host = ("host", "127.0.0.1:3000");
        let origin = ("origin", "https://orc.example");
        assert!(check_origin(&headers(&[host, origin])).is_err());
        assert!(check_origin(&headers(&[host, origin, ("sec-fetch-site", "same-origin")])).is_ok());
        assert!(check_origin(&headers(&[host, origin, ("x-forwarded-host", "orc.example")])).is_ok());
        assert!(check_origin(&headers(&[host, origin, ("x-forwarded-host", "other.example")])).is_err());
    }
}
