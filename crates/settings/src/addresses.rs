//! Lists of servers in one text: `host[:port]`, separated by commas.

use crate::key::Spec;
use crate::report::Complaint;
use crate::value::Value;

/// A host and its port.
pub type HostPort = (String, u16);

/// The servers that a text lists; those without a port have this one. Blanks around them do not count.
pub(crate) fn host_ports(text: &str, default_port: u16) -> Result<Vec<HostPort>, Complaint> {
    let entries = text.split(',').map(str::trim);
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    entries.map(|entry| host_port(entry, default_port)).collect()
}

/// An IPv6 address stands in brackets when a port follows, or alone.
fn host_port(entry: &str, default_port: u16) -> Result<HostPort, Complaint> {
    let refuse = || {
        Complaint::new(
            format!("{entry:?} is not host or host:port"),
            "write entries like \"zk1.example.net:2181\", separated by commas",
        )
    };
    if entry.parse::<std::net::Ipv6Addr>().is_ok() {
        return Ok((entry.to_owned(), default_port));
    }
    let (host, port) = match entry.rsplit_once(':') {
        Some((host, port)) if !entry.ends_with(']') => (host, port.parse().map_err(|_| refuse())?),
        _ => (entry, default_port),
    };
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let is_host = match bare {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            !host.is_empty()
                && host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_'))
        }
    };
    if is_host && port > 0 { Ok((bare.unwrap_or(host).to_owned(), port)) } else { Err(refuse()) }
}

/// As the field of a key.
pub(crate) fn resolve_zookeeper(
    _: &Spec,
    value: &Value,
    _: &mut Vec<String>,
) -> Result<Vec<HostPort>, Vec<Complaint>> {
    let Value::Text(text) = value else { return Ok(Vec::new()) };
    host_ports(text, 2181).map_err(|complaint| vec![complaint])
}

#[cfg(test)]
mod tests {
    use super::host_ports;

    #[test]
    fn servers_have_a_port_or_the_usual_one() {
        let found = host_ports("zk1, zk2:12181 ,::1,[fd00::7]:2182,[fd00::8]", 2181).expect("all are good");
        let found: Vec<String> = found.iter().map(|(host, port)| format!("{host} {port}")).collect();
        assert_eq!(found, ["zk1 2181", "zk2 12181", "::1 2181", "fd00::7 2182", "fd00::8 2181"]);
        assert!(host_ports(" ", 2181).expect("nothing is no mistake").is_empty());
    }

    #[test]
    fn what_is_no_server_is_refused() {
        for bad in
            ["zk1:", "zk1:x", ":2181", "zk1,,zk2", "zk1:0", "zk 1", "[zk1]:2181", "zk1/chroot", "zk1:70000"]
        {
            assert!(host_ports(bad, 2181).is_err(), "{bad}");
        }
    }
}
