//! What the operator configures about talking to observed servers.
//!
//! A plain structure: reading, merging and validating configuration is the caller's work, so every value here is
//! already sound (patterns compiled, durations positive). Host name and alias patterns are deliberately absent:
//! they are applied to what a read brought back.

use std::path::PathBuf;
use std::time::Duration;

use model::Secret;
use regex::Regex;

/// Account, time limits and queries used for every observed server.
#[derive(Clone, Debug)]
pub struct MySqlOptions {
    /// Account name.
    pub user: String,
    /// Its password.
    pub password: Secret,
    /// Longest time to make a connection, log-in included.
    pub connect_timeout: Duration,
    /// Longest time for the reading part of one probe.
    pub discovery_read_timeout: Duration,
    /// Longest time for one action, whatever its deadline says.
    pub operation_timeout: Duration,
    /// Kept connections older than this are replaced; `None` keeps them while they work.
    pub connection_lifetime: Option<Duration>,
    /// Largest packet accepted.
    pub max_allowed_packet: PacketLimit,
    /// Encryption.
    pub tls: TlsOptions,
    /// The operator's own queries; empty text = not configured.
    pub queries: Queries,
    /// List replicas by `SHOW REPLICAS` first, by the process list only when that lists none.
    pub discover_by_show_slave_hosts: bool,
    /// Do not ask servers whether they are MaxScale binlog servers.
    pub skip_maxscale_check: bool,
    /// Servers replicating as such a user, and replicas announcing one, are left out. Searched unanchored.
    pub ignore_replication_users: Vec<Regex>,
    /// By what a server is asked for its own name.
    pub own_name: OwnName,
    /// Dry run: changes are refused.
    pub noop: bool,
}

impl Default for MySqlOptions {
    fn default() -> Self {
        Self {
            user: String::new(),
            password: Secret::default(),
            connect_timeout: Duration::from_secs(2),
            discovery_read_timeout: Duration::from_secs(10),
            operation_timeout: Duration::from_secs(600),
            connection_lifetime: None,
            max_allowed_packet: PacketLimit::Standard,
            tls: TlsOptions::default(),
            queries: Queries::default(),
            discover_by_show_slave_hosts: false,
            skip_maxscale_check: true,
            ignore_replication_users: Vec::new(),
            own_name: OwnName::Hostname,
            noop: false,
        }
    }
}

/// Largest packet of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PacketLimit {
    /// 64 MiB.
    Standard,
    /// The server's own limit, asked once per connection (one more round trip).
    AskServer,
    /// This many bytes.
    Bytes(usize),
}

/// How `MySQLHostnameResolveMethod` is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnName {
    /// The name used to connect.
    AsAsked,
    /// `@@hostname`.
    Hostname,
    /// `@@report_host`; a server without one cannot be read.
    ReportHost,
}

impl OwnName {
    /// From the text of the setting, in any case; what is not known means [`Self::AsAsked`].
    pub fn parse(text: &str) -> Self {
        match text.to_ascii_lowercase().as_str() {
            "default" | "hostname" | "@@hostname" => Self::Hostname,
            "report_host" | "@@report_host" => Self::ReportHost,
            _ => Self::AsAsked,
        }
    }
}

/// When connections are encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsMode {
    /// Always.
    Always,
    /// Without encryption first; with it where the server refuses that by error 3159 (secure transport required) or
    /// 1045 (access denied, as for accounts that require TLS).
    Mixed,
    /// Never.
    Never,
}

/// Encryption of connections to observed servers. TLS 1.2 is the lowest version spoken.
#[derive(Clone, Debug)]
pub struct TlsOptions {
    /// When.
    pub mode: TlsMode,
    /// Accept any certificate and name.
    pub skip_verify: bool,
    /// Trusted roots, PEM; `None` trusts the public roots.
    pub ca_file: Option<PathBuf>,
    /// Client certificate chain, PEM; used together with `key_file` in every mode.
    pub cert_file: Option<PathBuf>,
    /// Private key of the client certificate, PEM.
    pub key_file: Option<PathBuf>,
    /// How long it is remembered whether a server requires encryption.
    pub cache_ttl: Duration,
}

impl Default for TlsOptions {
    fn default() -> Self {
        Self {
            mode: TlsMode::Mixed,
            skip_verify: false,
            ca_file: None,
            cert_file: None,
            key_file: None,
            cache_ttl: Duration::from_secs(500),
        }
    }
}

/// The operator's own queries. Each answers one row of one column; empty text = not configured.
#[derive(Clone, Debug, Default)]
pub struct Queries {
    /// `ReplicationLagQuery`: seconds, decimals allowed.
    pub replication_lag: String,
    /// `ReplicationCredentialsQuery`: user and password, by position.
    pub replication_credentials: String,
    /// `DetectClusterAliasQuery`.
    pub cluster_alias: String,
    /// `DetectClusterDomainQuery`.
    pub cluster_domain: String,
    /// `DetectInstanceAliasQuery`.
    pub instance_alias: String,
    /// `DetectPromotionRuleQuery`.
    pub promotion_rule: String,
    /// `DetectDataCenterQuery`.
    pub data_center: String,
    /// `DetectRegionQuery`.
    pub region: String,
    /// `DetectPhysicalEnvironmentQuery`.
    pub physical_environment: String,
    /// `DetectSemiSyncEnforcedQuery`.
    pub semi_sync_enforced: String,
    /// `DetectPseudoGTIDQuery`.
    pub pseudo_gtid: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolve_methods_are_read_in_any_case() {
        assert_eq!(OwnName::parse("@@Report_Host"), OwnName::ReportHost);
        assert_eq!(OwnName::parse("default"), OwnName::Hostname);
        assert_eq!(OwnName::parse("none"), OwnName::AsAsked);
        assert_eq!(OwnName::parse("nonsense"), OwnName::AsAsked);
    }

    #[test]
    fn printing_options_shows_no_password() {
        let options = MySqlOptions { password: Secret::new("hunter2"), ..MySqlOptions::default() };
        assert!(!format!("{options:?}").contains("hunter2"));
    }
}
