//! A tiny language for test worlds: one server per line, `name [<- source] key=value …`; what is not said is healthy.
//!
//! Server `p1` has number 1, `o1` 51, `r1` 11, `s1` 21, any other letter 31: the `server_id`, and the last digits of
//! the UUID. MySQL sets are written with those numbers, `gtid=1:1-10;11:5`; MariaDB positions as they are.

use std::collections::BTreeSet;
use std::sync::Arc;

use model::{BinlogCoordinates, Instance, InstanceKey, PromotionRule, ServerVersion, ThreadState, Timestamp};

use super::{FailoverCase, FailoverKind};
pub(crate) use crate::scenario::{
    default_failover_policy as policy, default_replication_policy as replication_policy,
};

/// The key of a server of a world.
pub(crate) fn key(name: &str) -> InstanceKey {
    InstanceKey::new(name, 3306)
}

fn number(name: &str) -> u32 {
    let (letter, digits) = name.split_at(1);
    let base = match letter {
        "p" => 0,
        "r" => 10,
        "s" => 20,
        "o" => 50,
        _ => 30,
    };
    base + digits.parse::<u32>().expect("a name is a letter and a number")
}

/// The UUID of a server with this number.
pub(crate) fn uuid(number: &str) -> String {
    format!("00000000-0000-0000-0000-{number:0>12}")
}

/// A set or position in the short form of this language.
pub(crate) fn gtids(text: &str) -> String {
    let is_position = |part: &str| !part.contains(':');
    text.split(';')
        .filter(|part| !part.is_empty())
        .map(|part| match part.split_once(':') {
            Some((number, rest)) if !is_position(part) => format!("{}:{rest}", uuid(number)),
            _ => part.to_owned(),
        })
        .collect::<Vec<_>>()
        .join(",")
}

fn coordinates(text: &str) -> BinlogCoordinates {
    BinlogCoordinates::parse(text).expect("coordinates are file:pos")
}

/// One server from its line.
pub(crate) fn instance(line: &str) -> Instance {
    let mut words = line.split_whitespace().peekable();
    let name = words.next().expect("a line names a server");
    let mut server = Instance::unknown(key(name));
    server.server_id = number(name);
    server.server_uuid = uuid(&server.server_id.to_string());
    server.version = ServerVersion::new("8.0.36", "");
    server.binlog_format = "ROW".to_owned();
    (server.log_bin, server.log_replica_updates) = (true, true);
    server.self_coordinates = coordinates("self.000001:500");
    server.last_seen = Some(Timestamp::from_secs(100));
    server.last_checked = Some(Timestamp::from_secs(100));
    server.cluster_name = "p1:3306".to_owned();
    let facts: Vec<(&str, &str)> = if words.peek() == Some(&"<-") {
        let source = words.nth(1).expect("a source follows the arrow");
        become_replica(&mut server, source);
        words.filter_map(|word| word.split_once('=')).collect()
    } else {
        words.filter_map(|word| word.split_once('=')).collect()
    };
    if facts.iter().any(|(name, value)| *name == "version" && value.contains("MariaDB")) {
        server.server_uuid = String::new();
        server.replication.mariadb_gtid = server.replication.oracle_gtid;
        server.replication.oracle_gtid = false;
        (server.supports_oracle_gtid, server.gtid_mode) = (false, String::new());
    } else {
        server.supports_oracle_gtid = true;
        server.gtid_mode = "ON".to_owned();
    }
    for (name, value) in facts {
        set_fact(&mut server, name, value);
    }
    server
}

fn become_replica(server: &mut Instance, source: &str) {
    server.primary_key = key(source);
    server.read_only = true;
    let replication = &mut server.replication;
    replication.io_thread = ThreadState::Other;
    replication.sql_thread = ThreadState::Running;
    replication.read = coordinates("bin.000001:100");
    replication.exec = coordinates("bin.000001:100");
    replication.oracle_gtid = true;
    replication.primary_uuid = uuid(&number(source).to_string());
    replication.seconds_behind = Some(0);
    server.lag_seconds = Some(0);
    server.ancestry_uuid = format!("{},{}", replication.primary_uuid, server.server_uuid);
}

fn set_fact(server: &mut Instance, name: &str, value: &str) {
    let is_on = value == "on";
    let replication = &mut server.replication;
    match name {
        "gtid" if server.version.is_mariadb() => server.mariadb_gtid_position = gtids(value),
        "gtid" => server.executed_gtid = gtids(value),
        "received" => replication.retrieved_gtid = gtids(value),
        "purged" => server.gtid_purged = gtids(value),
        "read" => replication.read = coordinates(value),
        "exec" => replication.exec = coordinates(value),
        "self" => server.self_coordinates = coordinates(value),
        "use" => {
            replication.oracle_gtid = value == "oracle";
            replication.mariadb_gtid = value == "mariadb";
        }
        "gtid_mode" => {
            server.gtid_mode = value.to_owned();
            server.supports_oracle_gtid = value != "OFF";
        }
        "version" => server.version = ServerVersion::new(value, ""),
        "format" => server.binlog_format = value.to_owned(),
        "log_bin" => server.log_bin = is_on,
        "log_updates" => server.log_replica_updates = is_on,
        "dc" => server.data_center = value.to_owned(),
        "region" => server.region = value.to_owned(),
        "env" => server.physical_environment = value.to_owned(),
        "valid" if !is_on => server.last_seen = Some(Timestamp::from_secs(50)),
        "delay" => replication.sql_delay = value.parse().expect("delay is seconds"),
        "lag" => server.lag_seconds = value.parse().ok(),
        "behind" => replication.seconds_behind = value.parse().ok(),
        "io" => replication.io_thread = thread(value),
        "sql" => {
            replication.sql_thread = thread(value);
            replication.last_sql_errno = if value == "broken" { 1062 } else { 0 };
        }
        "ro" => server.read_only = is_on,
        "super" => server.super_read_only = Some(is_on),
        "semi" => {
            server.semi_sync.priority = value.parse().expect("a priority");
            server.semi_sync.available = true;
            server.semi_sync.replica_enabled = server.semi_sync.priority > 0;
        }
        "semi_wait" => {
            server.semi_sync.primary_enabled = true;
            server.semi_sync.primary_active = true;
            server.semi_sync.available = true;
            server.semi_sync.wait_for_replica_count = value.parse().expect("a count");
        }
        "clients" => server.semi_sync.primary_clients = value.parse().expect("a count"),
        "seen" => server.last_seen = value.parse().ok().map(Timestamp::from_secs),
        "id" => server.server_id = value.parse().expect("a server id"),
        "above" => server.ancestry_uuid = format!("{},{}", uuid(value), server.ancestry_uuid),
        "filters" => replication.has_filters = is_on,
        "user" => replication.has_credentials = is_on,
        "group" => {
            server.group.name = "group".to_owned();
            server.group.member_role = value.to_owned();
        }
        "rule" | "ignored" | "valid" | "downtimed" => {}
        other => panic!("unknown fact {other}"),
    }
}

fn thread(value: &str) -> ThreadState {
    match value {
        "running" => ThreadState::Running,
        "connecting" => ThreadState::Other,
        "stopped" | "broken" => ThreadState::Stopped,
        other => panic!("unknown thread state {other}"),
    }
}

/// Servers of a world, in the order of its lines, with the words of each line.
pub(crate) fn servers(text: &str) -> Vec<(Arc<Instance>, BTreeSet<String>)> {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(|line| (Arc::new(instance(line)), line.split_whitespace().map(str::to_owned).collect()))
        .collect()
}

/// A failover of the first server of the world, whose replicas are all servers with an arrow to it.
pub(crate) fn world(text: &str) -> FailoverCase {
    let servers = servers(text);
    let (failed, _) = servers.first().expect("a world has servers");
    let mut case = FailoverCase::new(failed.key.clone(), policy());
    case.old_primary = Some(Arc::clone(failed));
    for (server, words) in &servers {
        for word in words {
            if let Some(rule) = word.strip_prefix("rule=") {
                case.rules.insert(server.key.clone(), PromotionRule::from_stored(rule).expect("a rule"));
            }
            if word == "ignored=on" {
                case.ignored.insert(server.key.clone());
            }
        }
        if server.key != failed.key {
            case.replicas.push(Arc::clone(server));
        }
    }
    if failed.is_replica() {
        case.kind = FailoverKind::CoPrimary { other: failed.primary_key.clone() };
    }
    case
}
