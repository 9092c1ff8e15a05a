//! The identity of a server: host name and port.
//!
//! A key is compared exactly (byte for byte), because it is a primary key in the backend; ask
//! [`InstanceKey::names_same_server_as`] when upper and lower case of the host name must not matter.

use std::fmt;
use std::net::Ipv6Addr;
use std::sync::Arc;

/// What a detached host name starts with.
const DETACHED_PREFIX: &str = "//";

/// Host name and port of one server. Cheap to clone; ordered by host name (bytes), then port.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstanceKey {
    hostname: Arc<str>,
    port: u16,
}

/// Why a text is not a server key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The text has none of the accepted shapes.
    #[error("Cannot parse address: {0}")]
    Unreadable(String),
    /// The port is not a number from 0 to 65535.
    #[error("Invalid port: {0}")]
    InvalidPort(String),
    /// The host name is the empty text.
    #[error("NewResolveInstanceKey: Empty hostname")]
    EmptyHostname,
}

impl InstanceKey {
    /// A key of exactly this host name (an IPv6 address without brackets) and port; nothing is checked.
    pub fn new(hostname: impl Into<Arc<str>>, port: u16) -> Self {
        Self { hostname: hostname.into(), port }
    }

    /// The key of no server: empty host name, port 0. Only the wire and the backend use it; it is not valid.
    pub fn none() -> Self {
        Self::new("", 0)
    }

    /// Reads `host:port`, `host`, `[v6]:port`, `[v6]` or a bare IPv6 address. Forms without a port get `default_port`.
    ///
    /// A bare address whose last group could be a port is a host without port, so `::1:3306` has the default
    /// port. Port 0 is read but not valid. Errors: no such shape, or a port above 65535.
    pub fn parse(text: &str, default_port: u16) -> Result<Self, KeyError> {
        let unreadable = || KeyError::Unreadable(text.to_owned());
        match text.split_once(':') {
            None if text.is_empty() => return Err(unreadable()),
            None => return Ok(Self::new(text, default_port)),
            Some((host, port)) if !host.is_empty() && is_digits(port) => {
                return Ok(Self::new(host, parse_port(port)?));
            }
            Some(_) => {}
        }
        let (prefix, address) = match text.strip_prefix(DETACHED_PREFIX) {
            Some(rest) => (DETACHED_PREFIX, rest),
            None => ("", text),
        };
        let (address, port) = match address.strip_prefix('[') {
            None => (address, default_port),
            Some(rest) => {
                let (inner, after) = rest.split_once(']').ok_or_else(unreadable)?;
                match after.strip_prefix(':') {
                    None if after.is_empty() => (inner, default_port),
                    Some(port) if is_digits(port) => (inner, parse_port(port)?),
                    _ => return Err(unreadable()),
                }
            }
        };
        // Differs: the reference takes any run of hexadecimal digits and colons, so that `db1:` becomes a host name.
        let is_v6 = address.parse::<Ipv6Addr>().is_ok();
        if is_v6 { Ok(Self::new(format!("{prefix}{address}"), port)) } else { Err(unreadable()) }
    }

    /// A key from host name and port given apart, as in a URL path. The host may be a bracketed IPv6 address.
    /// Errors: empty host name; port not a number up to 65535.
    pub fn from_parts(hostname: &str, port: &str) -> Result<Self, KeyError> {
        if hostname.is_empty() {
            return Err(KeyError::EmptyHostname);
        }
        let bare = hostname.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(hostname);
        Ok(Self::new(bare, parse_port(port)?))
    }

    /// Host name or address; IPv6 without brackets; a detached name keeps its `//`.
    pub fn hostname(&self) -> &str {
        &self.hostname
    }

    /// TCP port; 0 means none.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// True for the key of no server.
    pub fn is_none(&self) -> bool {
        self.hostname.is_empty() && self.port == 0
    }

    /// True when a server can be reached by this key: a host name that is not empty, not `_` (what resetting
    /// replication leaves behind) and not detached, and a port above 0.
    pub fn is_valid(&self) -> bool {
        !self.hostname.is_empty() && &*self.hostname != "_" && !self.is_detached() && self.port > 0
    }

    /// True when the host name carries the `//` that keeps a replica from connecting.
    pub fn is_detached(&self) -> bool {
        self.hostname.starts_with(DETACHED_PREFIX)
    }

    /// This key with a detached host name; a detached key stays as it is.
    pub fn detached(&self) -> Self {
        if self.is_detached() {
            self.clone()
        } else {
            Self::new(format!("{DETACHED_PREFIX}{}", self.hostname), self.port)
        }
    }

    /// This key without the detaching prefix; an attached key stays as it is.
    pub fn reattached(&self) -> Self {
        match self.hostname.strip_prefix(DETACHED_PREFIX) {
            Some(rest) => Self::new(rest, self.port),
            None => self.clone(),
        }
    }

    /// True when the host name looks like a dotted IPv4 address; such keys are never matched by a part of the name.
    pub fn is_ipv4(&self) -> bool {
        let mut parts = 0;
        self.hostname.split('.').all(|part| {
            parts += 1;
            is_digits(part)
        }) && parts == 4
    }

    /// True when both keys have the same port and host names that differ at most in upper and lower case.
    pub fn names_same_server_as(&self, other: &Self) -> bool {
        self.port == other.port && self.hostname.eq_ignore_ascii_case(&other.hostname)
    }

    /// `host:port` with brackets around an IPv6 address: for people and for connecting, not for storing.
    pub fn display_bracketed(&self) -> String {
        let (prefix, bare) = match self.hostname.strip_prefix(DETACHED_PREFIX) {
            Some(rest) => (DETACHED_PREFIX, rest),
            None => ("", &*self.hostname),
        };
        if bare.contains(':') { format!("{prefix}[{bare}]:{}", self.port) } else { self.to_string() }
    }
}

impl fmt::Display for InstanceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.hostname, self.port)
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

fn parse_port(text: &str) -> Result<u16, KeyError> {
    text.parse().map_err(|_| KeyError::InvalidPort(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parsed(text: &str) -> Option<(String, u16)> {
        InstanceKey::parse(text, 3306).ok().map(|key| (key.hostname().to_owned(), key.port()))
    }

    #[test]
    fn accepted_texts() {
        let table = [
            ("db1:3307", "db1", 3307),
            ("db1", "db1", 3306),
            ("127.0.0.1:10236", "127.0.0.1", 10236),
            ("[2001:db8::1]:3307", "2001:db8::1", 3307),
            ("[2001:db8::1]", "2001:db8::1", 3306),
            ("2001:db8::1", "2001:db8::1", 3306),
            ("::1:3307", "::1:3307", 3306),
            ("//db1:3307", "//db1", 3307),
            ("//[::1]:3307", "//::1", 3307),
            ("db1:0", "db1", 0),
        ];
        for (text, host, port) in table {
            assert_eq!(parsed(text), Some((host.to_owned(), port)), "{text}");
        }
    }

    #[test]
    fn refused_texts() {
        for text in
            ["", "db1:", ":3306x", "db1:33x6", "a:b:c", "[::1", "[::1]3306", "[xyz::]:1", "db1:3306:1z"]
        {
            assert_eq!(InstanceKey::parse(text, 3306), Err(KeyError::Unreadable(text.to_owned())), "{text}");
        }
        assert_eq!(InstanceKey::parse("db1:65536", 3306), Err(KeyError::InvalidPort("65536".to_owned())));
        assert_eq!(InstanceKey::from_parts("", "1"), Err(KeyError::EmptyHostname));
        assert_eq!(InstanceKey::from_parts("h", "x").unwrap_err().to_string(), "Invalid port: x");
        assert_eq!(InstanceKey::parse("a:b", 1).unwrap_err().to_string(), "Cannot parse address: a:b");
    }

    #[test]
    fn validity_and_detaching() {
        let key = InstanceKey::new("db1", 3306);
        assert!(key.is_valid() && !key.is_detached());
        assert_eq!(key.detached().to_string(), "//db1:3306");
        assert_eq!(key.detached().detached(), key.detached());
        assert!(key.detached().is_detached() && !key.detached().is_valid());
        assert_eq!(key.detached().reattached(), key);
        assert_eq!(key.reattached(), key);
        for invalid in [InstanceKey::none(), InstanceKey::new("_", 3306), InstanceKey::new("db1", 0)] {
            assert!(!invalid.is_valid(), "{invalid}");
        }
        assert!(InstanceKey::none().is_none() && !key.is_none());
    }

    #[test]
    fn order_is_by_bytes_then_port() {
        let mut keys: Vec<_> =
            ["b:1", "a:20", "a:3", "B:1"].iter().map(|t| InstanceKey::parse(t, 1).unwrap()).collect();
        keys.sort();
        let shown: Vec<_> = keys.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["B:1", "a:3", "a:20", "b:1"]);
    }

    #[test]
    fn addresses() {
        assert_eq!(InstanceKey::new("::1", 3306).display_bracketed(), "[::1]:3306");
        assert_eq!(InstanceKey::new("//::1", 3306).display_bracketed(), "//[::1]:3306");
        assert_eq!(InstanceKey::new("::1", 3306).to_string(), "::1:3306");
        assert_eq!(InstanceKey::new("db1", 3306).display_bracketed(), "db1:3306");
        assert!(InstanceKey::new("10.0.0.1", 1).is_ipv4());
        assert!(!InstanceKey::new("10.0.0", 1).is_ipv4() && !InstanceKey::new("10.0.0.x", 1).is_ipv4());
        assert!(InstanceKey::new("DB1", 1).names_same_server_as(&InstanceKey::new("db1", 1)));
        assert_eq!(InstanceKey::from_parts("[::1]", "5").unwrap(), InstanceKey::new("::1", 5));
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_without_panic(text in ".*") {
            let _ = InstanceKey::parse(&text, 3306);
        }

        #[test]
        fn brackets_round_trip(host in "(//)?([a-z][a-z0-9.-]{0,12}|[0-9a-f]{1,4}::[0-9a-f]{1,4})", port: u16) {
            let key = InstanceKey::new(host, port);
            prop_assert_eq!(InstanceKey::parse(&key.display_bracketed(), 1), Ok(key));
        }
    }
}
