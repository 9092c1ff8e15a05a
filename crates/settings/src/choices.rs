//! Keys that accept one of a few words, and what the words mean.

use crate::resolve::{Choice, Chosen};

/// Where orchestrator keeps its own data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BackendKind {
    /// A file in this process.
    Sqlite,
    /// A MySQL or MariaDB server.
    Mysql,
}

impl Choice for BackendKind {
    const WORDS: &'static str = "sqlite, mysql";

    fn read(text: &str) -> Chosen<Self> {
        match text {
            "" | "mysql" => Chosen::Is(Self::Mysql),
            _ if text.contains("sqlite") => Chosen::Is(Self::Sqlite),
            _ => Chosen::Unknown,
        }
    }
}

/// How a host name given or found is resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostnameResolve {
    /// Not at all: no cache, no checks.
    None,
    /// Kept as it is, with the checks on resolved names.
    Default,
    /// The canonical name of DNS.
    Cname,
    /// The first IP address.
    Ip,
}

impl Choice for HostnameResolve {
    const WORDS: &'static str = "none, default, cname, ip";

    fn read(text: &str) -> Chosen<Self> {
        match text.to_ascii_lowercase().as_str() {
            "none" => Chosen::Is(Self::None),
            "default" | "" => Chosen::Is(Self::Default),
            "cname" => Chosen::Is(Self::Cname),
            "ip" => Chosen::Is(Self::Ip),
            _ => Chosen::Tolerated(Self::Default, "it acts as default"),
        }
    }
}

/// Which name a server gives itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerName {
    /// None: the name it was found by stays.
    KeepGiven,
    /// `@@hostname`.
    Hostname,
    /// `@@report_host`, which then must not be empty.
    ReportHost,
}

impl Choice for ServerName {
    const WORDS: &'static str = "none, @@hostname, @@report_host";

    fn read(text: &str) -> Chosen<Self> {
        match text.to_ascii_lowercase().as_str() {
            "none" | "" => Chosen::Is(Self::KeepGiven),
            "default" | "hostname" | "@@hostname" => Chosen::Is(Self::Hostname),
            "report_host" | "@@report_host" => Chosen::Is(Self::ReportHost),
            _ => Chosen::Tolerated(Self::KeepGiven, "it acts as none"),
        }
    }
}

/// Who may use the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Authentication {
    /// Everybody may do everything.
    None,
    /// One user and password.
    Basic,
    /// One user and password for everything; user `readonly` with any password for reading.
    Multi,
    /// A proxy in front names the user in a header.
    Proxy,
    /// Access tokens in a cookie.
    Token,
    /// Accepted for the sake of existing files; everybody may read, nobody may write.
    OAuth,
}

impl Choice for Authentication {
    const WORDS: &'static str = "\"\", basic, multi, proxy, token, oauth";

    fn read(text: &str) -> Chosen<Self> {
        match text.to_ascii_lowercase().as_str() {
            "" => Chosen::Is(Self::None),
            "basic" => Chosen::Is(Self::Basic),
            "multi" => Chosen::Is(Self::Multi),
            "proxy" => Chosen::Is(Self::Proxy),
            "token" => Chosen::Is(Self::Token),
            "oauth" => Chosen::Is(Self::OAuth),
            // An unknown word must not open the API to everybody.
            _ => Chosen::Unknown,
        }
    }
}

/// Which identity of this node stands before messages of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageIdentity {
    /// None.
    None,
    /// The fully qualified name, else the host name, else the custom text.
    Fqdn,
    /// The host name, else the custom text.
    Hostname,
    /// The text of `CustomOrcIdentity`.
    Custom,
}

impl Choice for MessageIdentity {
    const WORDS: &'static str = "none, FQDN, hostname, custom";

    fn read(text: &str) -> Chosen<Self> {
        match text {
            "none" | "" => Chosen::Is(Self::None),
            "FQDN" => Chosen::Is(Self::Fqdn),
            "hostname" => Chosen::Is(Self::Hostname),
            "custom" => Chosen::Is(Self::Custom),
            _ => Chosen::Tolerated(Self::None, "it acts as none"),
        }
    }
}

/// How Consul is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsulScheme {
    /// In clear text.
    Http,
    /// Over TLS.
    Https,
}

impl Choice for ConsulScheme {
    const WORDS: &'static str = "http, https";

    fn read(text: &str) -> Chosen<Self> {
        match text.to_ascii_lowercase().as_str() {
            "http" | "" => Chosen::Is(Self::Http),
            "https" => Chosen::Is(Self::Https),
            _ => Chosen::Unknown,
        }
    }
}

/// How keys are written to Consul.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsulWrites {
    /// One by one.
    Plain,
    /// In transactions.
    Transactional,
}

impl Choice for ConsulWrites {
    const WORDS: &'static str = "consul, consul-txn";

    fn read(text: &str) -> Chosen<Self> {
        match text {
            "consul-txn" | "consul_txn" => Chosen::Is(Self::Transactional),
            "consul" | "" => Chosen::Is(Self::Plain),
            _ => Chosen::Tolerated(Self::Plain, "it acts as consul"),
        }
    }
}
