//! The settings as the connections to database servers take them.

use mysql::{MySqlOptions, OwnName, PacketLimit, Queries, TlsMode, TlsOptions};
use regex::Regex;
use settings::{PacketSize, Secrets, ServerName, Settings};

/// Options for connecting to, reading and changing database servers.
pub(crate) fn mysql_options(settings: &Settings, noop: bool) -> MySqlOptions {
    let topology = &settings.topology;
    MySqlOptions {
        user: topology.user.clone(),
        password: topology.password.clone(),
        connect_timeout: topology.connect_timeout,
        discovery_read_timeout: topology.discovery_read_timeout,
        operation_timeout: topology.operation_read_timeout,
        connection_lifetime: topology.connection_lifetime,
        max_allowed_packet: match topology.packet_size {
            PacketSize::DriverDefault => PacketLimit::Standard,
            PacketSize::AskServer => PacketLimit::AskServer,
            PacketSize::Bytes(bytes) => PacketLimit::Bytes(bytes as usize),
        },
        tls: tls_options(settings),
        queries: queries(settings),
        discover_by_show_slave_hosts: settings.discovery.by_reported_hosts,
        skip_maxscale_check: settings.discovery.skip_maxscale_check,
        ignore_replication_users: ignored_users(settings),
        own_name: match settings.naming.server_name {
            ServerName::KeepGiven => OwnName::AsAsked,
            ServerName::Hostname => OwnName::Hostname,
            ServerName::ReportHost => OwnName::ReportHost,
        },
        noop,
    }
}

fn tls_options(settings: &Settings) -> TlsOptions {
    let topology = &settings.topology;
    TlsOptions {
        mode: match (topology.mutual_tls, topology.mixed_tls) {
            (true, _) => TlsMode::Always,
            (false, true) => TlsMode::Mixed,
            (false, false) => TlsMode::Never,
        },
        skip_verify: topology.tls_skip_verify,
        ca_file: topology.tls_authority.clone(),
        cert_file: topology.tls_certificate.clone(),
        key_file: topology.tls_key.clone(),
        cache_ttl: settings.discovery.poll.saturating_mul(topology.tls_cache_polls),
    }
}

fn queries(settings: &Settings) -> Queries {
    let attributes = &settings.attributes;
    let text = |query: &Option<String>| query.clone().unwrap_or_default();
    Queries {
        replication_lag: text(&attributes.lag_query),
        replication_credentials: text(&settings.naming.replication_credentials_query),
        cluster_alias: text(&attributes.cluster_alias_query),
        cluster_domain: text(&attributes.cluster_domain_query),
        instance_alias: text(&attributes.instance_alias_query),
        promotion_rule: text(&attributes.promotion_rule_query),
        data_center: text(&attributes.data_center_query),
        region: text(&attributes.region_query),
        physical_environment: text(&attributes.environment_query),
        semi_sync_enforced: text(&attributes.semi_sync_query),
        pseudo_gtid: settings.pseudo_gtid.detect_query.clone(),
    }
}

/// The settings were refused if an expression did not compile, so none is lost here.
fn ignored_users(settings: &Settings) -> Vec<Regex> {
    let all = settings.to_json(Secrets::Hidden);
    let listed = all.get("DiscoveryIgnoreReplicationUsernameFilters").and_then(|value| value.as_array());
    listed.into_iter().flatten().filter_map(|text| Regex::new(text.as_str()?).ok()).collect()
}
