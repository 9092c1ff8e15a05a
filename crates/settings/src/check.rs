//! Checks that look at several keys at once, or at the world: contradictions are refused with both keys named.

use std::net::IpAddr;
use std::path::Path;

use crate::adjust::{Outside, is_absent};
use crate::read::AsRead;
use crate::report::Report;
use crate::value::Values;

/// One row of the checks, applied in order.
type Check = fn(&AsRead, &mut Report);

const CHECKS: &[Check] = &[
    promotion,
    polling,
    backend,
    access,
    authentication,
    listener,
    advertised_url,
    certificates_accepted,
    raft,
    raft_nodes,
    seeds,
    publication,
    pseudo_gtid,
    lag,
];

/// Files of certificates and keys, with the flag that puts them to use; the first two must not be empty then.
const TLS_FILES: &[(&str, bool, [&str; 3])] = &[
    ("UseSSL", true, ["SSLPrivateKeyFile", "SSLCertFile", "SSLCAFile"]),
    ("AgentsUseSSL", true, ["AgentSSLPrivateKeyFile", "AgentSSLCertFile", "AgentSSLCAFile"]),
    (
        "MySQLTopologyUseMutualTLS",
        false,
        ["MySQLTopologySSLPrivateKeyFile", "MySQLTopologySSLCertFile", "MySQLTopologySSLCAFile"],
    ),
    (
        "MySQLOrchestratorUseMutualTLS",
        false,
        ["MySQLOrchestratorSSLPrivateKeyFile", "MySQLOrchestratorSSLCertFile", "MySQLOrchestratorSSLCAFile"],
    ),
];

/// Runs all checks on the effective configuration.
pub(crate) fn check(config: &AsRead, outside: &Outside<'_>, report: &mut Report) {
    for check in CHECKS {
        check(config, report);
    }
    for (flag, required, names) in TLS_FILES {
        if config.values.flag(flag) {
            tls_files(config, flag, *required, names, outside, report);
        }
    }
}

/// Whether the backend is SQLite, by the word of `BackendDB`.
fn is_sqlite(values: &Values) -> bool {
    values.text("BackendDB").contains("sqlite")
}

fn promotion(config: &AsRead, report: &mut Report) {
    let (fail, delay) =
        ("FailMasterPromotionIfSQLThreadNotUpToDate", "DelayMasterPromotionIfSQLThreadNotUpToDate");
    if config.values.flag(fail) && config.values.flag(delay) {
        let what = format!("Cannot have both {fail} and {delay} enabled");
        config.refuse(report, fail, what, "set one of them to false");
    }
    let lag = "FailMasterPromotionOnLagMinutes";
    if config.values.integer(lag) > 0 && config.values.text("ReplicationLagQuery").is_empty() {
        let what = format!("nonzero {lag} requires ReplicationLagQuery to be set");
        config.refuse(
            report,
            lag,
            what,
            "set ReplicationLagQuery to a query of a heartbeat table, or this to 0",
        );
    }
}

fn polling(config: &AsRead, report: &mut Report) {
    let (most, poll) = ("DeadInstancePollSecondsMax", "InstancePollSeconds");
    let seconds = config.values.integer(poll);
    if config.values.integer(most) < seconds {
        let what = format!("{most} can not be smaller than {poll}");
        config.refuse(report, most, what, format!("set it to {seconds} or more"));
    }
}

fn backend(config: &AsRead, report: &mut Report) {
    if is_sqlite(&config.values) {
        if config.values.text("SQLite3DataFile").is_empty() {
            let what = "SQLite3DataFile must be set when BackendDB is sqlite3";
            config.refuse(report, "SQLite3DataFile", what, "name a file in a writable directory");
        }
    } else if config.values.text("MySQLOrchestratorHost").is_empty() {
        let text = "there is no backend: set it, or BackendDB to \"sqlite\" and SQLite3DataFile to a file";
        config.warn(report, "MySQLOrchestratorHost", text);
    }
}

fn access(config: &AsRead, report: &mut Report) {
    if config.values.text("MySQLTopologyUser").is_empty() {
        config.warn(
            report,
            "MySQLTopologyUser",
            "no user for the managed servers, so none of them can be read",
        );
    }
}

fn authentication(config: &AsRead, report: &mut Report) {
    if !config.values.text("HTTPAuthUser").is_empty() {
        return;
    }
    match config.values.text("AuthenticationMethod").to_ascii_lowercase().as_str() {
        "multi" => {
            let what = "AuthenticationMethod is configured as 'multi' but HTTPAuthUser undefined";
            config.refuse(report, "HTTPAuthUser", what, "set HTTPAuthUser and HTTPAuthPassword");
        }
        "basic" => {
            let text =
                "AuthenticationMethod is basic, but no user is set: callers must send empty credentials";
            config.warn(report, "HTTPAuthUser", text);
        }
        _ => {}
    }
}

fn listener(config: &AsRead, report: &mut Report) {
    let socket = !config.values.text("ListenSocket").is_empty();
    for (name, used) in
        [("ListenAddress", !socket), ("AgentsServerPort", config.values.flag("ServeAgentsHttp"))]
    {
        let port = config.values.text(name).rsplit_once(':').map(|(_, port)| port.parse::<u16>().is_ok());
        if used && port != Some(true) {
            config.refuse(report, name, "there is no port number behind a colon", "write it like \":3000\"");
        }
    }
    if !config.values.text("StatusEndpoint").starts_with('/') {
        let cure = "write it like \"/api/status\"";
        config.refuse(report, "StatusEndpoint", "the path must begin with a slash", cure);
    }
}

/// The rules of the original, in its words; and a port in range.
fn advertised_url(config: &AsRead, report: &mut Report) {
    let name = "HTTPAdvertise";
    let url = config.values.text(name);
    if url.is_empty() {
        return;
    }
    if let Err(what) = judge_url(url) {
        config.refuse(report, name, what, "write it like \"http://host.example.net:3000\"");
    }
}

fn judge_url(url: &str) -> Result<(), &'static str> {
    let no_scheme = "If specified, HTTPAdvertise must include scheme (http:// or https://)";
    let (scheme, rest) = url.split_once(':').ok_or(no_scheme)?;
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    if !is_scheme {
        return Err(no_scheme);
    }
    let no_host = "If specified, HTTPAdvertise must include host name";
    let rest = rest.strip_prefix("//").ok_or(no_host)?;
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let endpoint = authority.rsplit_once('@').map_or(authority, |(_, endpoint)| endpoint);
    let (host, port) = match endpoint.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port),
        _ => (endpoint, ""),
    };
    if host.is_empty() {
        return Err(no_host);
    }
    if port.is_empty() {
        return Err("If specified, HTTPAdvertise must include port number");
    }
    if port.parse::<u16>().is_ok_and(|port| port > 0) {
        if path.starts_with('/') {
            Err("If specified, HTTPAdvertise must not specify a path")
        } else {
            Ok(())
        }
    } else {
        Err("the port number must lie between 1 and 65535")
    }
}

fn certificates_accepted(config: &AsRead, report: &mut Report) {
    for (flag, units) in [("UseMutualTLS", "SSLValidOUs"), ("AgentsUseMutualTLS", "AgentSSLValidOUs")] {
        if config.values.flag(flag) && config.values.list(units).is_empty() {
            config.warn(report, units, format!("the list is empty, so {flag} admits nobody"));
        }
    }
}

fn raft(config: &AsRead, report: &mut Report) {
    if config.values.flag("RaftEnabled") {
        for name in ["RaftDataDir", "RaftBind"] {
            if config.values.text(name).is_empty() {
                let what = format!("{name} must be defined since raft is enabled (RaftEnabled)");
                config.refuse(report, name, what, "set it, or RaftEnabled to false");
            }
        }
    }
}

fn raft_nodes(config: &AsRead, report: &mut Report) {
    let nodes = config.values.list("RaftNodes");
    if !config.values.flag("RaftEnabled") || nodes.is_empty() {
        return;
    }
    let default_port = config.values.integer("DefaultRaftPort");
    let full = |address: &str| match address.contains(':') || default_port == 0 {
        true => address.to_owned(),
        false => format!("{address}:{default_port}"),
    };
    let is_numeric =
        |address: &str| address.split(':').next().is_some_and(|host| host.parse::<IpAddr>().is_ok());
    let me = full(config.values.text("RaftAdvertise"));
    let present = nodes.iter().any(|node| full(node) == me);
    // A name may stand for the address of this node; only the resolver can tell.
    let certain = nodes.iter().all(|node| is_numeric(node) == is_numeric(&me));
    if !present && certain {
        let what = format!("this node, {me} (RaftAdvertise), is not among RaftNodes");
        config.refuse(report, "RaftNodes", what, "add it, or correct RaftAdvertise or RaftBind");
    }
    if nodes.len().is_multiple_of(2) {
        let text = format!("{} nodes survive no more failures than {}", nodes.len(), nodes.len() - 1);
        config.warn(report, "RaftNodes", text);
    }
}

fn seeds(config: &AsRead, report: &mut Report) {
    for seed in config.values.list("DiscoverySeeds") {
        let port = match seed.rsplit_once(':') {
            Some((host, port)) if !host.contains(':') || host.ends_with(']') => Some(port),
            _ => None,
        };
        let good_port = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0));
        let no_host = seed.starts_with(':') && seed.parse::<IpAddr>().is_err();
        if seed.trim().is_empty() || no_host || !good_port {
            let what = format!("{seed:?} is not host or host:port");
            config.refuse(report, "DiscoverySeeds", what, "write entries like \"db1.example.net:3306\"");
        }
    }
}

fn publication(config: &AsRead, report: &mut Report) {
    let cross = "ConsulCrossDataCenterDistribution";
    if config.values.flag(cross) && config.values.text("ConsulAddress").is_empty() {
        let what = format!("{cross} needs ConsulAddress");
        config.refuse(report, cross, what, "set ConsulAddress, or this to false");
    }
    let consul = config.values.text("ConsulAddress");
    if consul.contains(|c: char| c == '/' || c == '@' || c.is_whitespace()) {
        let what = "it is not host:port";
        config.refuse(report, "ConsulAddress", what, "write host:port alone; http or https is ConsulScheme");
    }
    if !config.values.text("GraphiteAddr").is_empty() && config.values.text("GraphitePath").is_empty() {
        config.warn(report, "GraphiteAddr", "nothing is sent to Graphite while GraphitePath is empty");
    }
}

fn pseudo_gtid(config: &AsRead, report: &mut Report) {
    let name = "PseudoGTIDPattern";
    if !config.values.flag("PseudoGTIDPatternIsFixedSubstring")
        && let Err(complaint) = crate::patterns::compile(config.values.text(name))
    {
        config.refuse(report, name, complaint.what, complaint.cure);
    }
}

fn lag(config: &AsRead, report: &mut Report) {
    let (moving, shown) = ("ReasonableMaintenanceReplicationLagSeconds", "ReasonableReplicationLagSeconds");
    if config.values.integer(moving) < config.values.integer(shown) {
        config.warn(
            report,
            moving,
            format!("less than {shown}: servers that show no problem cannot be moved"),
        );
    }
}

fn tls_files(
    config: &AsRead,
    flag: &str,
    required: bool,
    names: &[&str; 3],
    outside: &Outside<'_>,
    report: &mut Report,
) {
    let [key, certificate, _] = names;
    for (name, other) in [(key, certificate), (certificate, key)] {
        let missing = config.values.text(name).is_empty();
        if missing && (required || !config.values.text(other).is_empty()) {
            let what = format!("{flag} needs {key} and {certificate}");
            config.refuse(report, name, what, format!("name a PEM file, or set {flag} to false"));
        }
    }
    for name in names {
        let file = config.values.text(name);
        if file.is_empty() {
            continue;
        }
        match (outside.sources.read_file)(Path::new(file)) {
            Ok(_) => {}
            // Whoever needs the file will say so: the daemon when it starts. A command may not need it.
            Err(error) if is_absent(&error) => {
                config.warn(report, name, format!("there is no such file: {error}"));
            }
            // A command run by another user need not see the private key of the daemon.
            Err(error) => config.warn(report, name, format!("this user cannot read the file: {error}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::judge_url;

    #[test]
    fn advertised_urls_need_scheme_host_and_port_and_no_path() {
        for (url, wanted) in [
            ("http://a:80", None),
            ("https://user@[::1]:3000?q#f", None),
            ("a", Some("scheme")),
            ("//a:80", Some("scheme")),
            ("1.2.3.4:80", Some("scheme")),
            ("a:80", Some("host name")),
            ("http://:80", Some("host name")),
            ("http://a", Some("port number")),
            ("http://[::1]", Some("port number")),
            ("http://a:x", Some("port number")),
            ("http://a:65536", Some("port number")),
            ("http://a:80/", Some("path")),
        ] {
            match (judge_url(url), wanted) {
                (Ok(()), None) => {}
                (Err(what), Some(wanted)) => assert!(what.contains(wanted), "{url}: {what}"),
                (other, _) => panic!("{url}: {other:?}"),
            }
        }
    }
}
