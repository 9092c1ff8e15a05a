//! What of an instance is stored where: one row per column of `database_instance`, which is the original's.
//!
//! Statements, binding and reading are all derived from this table, so a column is added in one place. Own columns are
//! in a table of their own (`own_columns`). Not stored here: what operators say about a server.

use std::borrow::Cow;
use std::time::Duration;

use model::{
    BinlogCoordinates, CoordinateKind, Instance, InstanceKey, ThreadState, Timestamp, quote, unquote,
};
use serde::{Deserialize, Serialize};

use crate::cell::Cell;
use crate::sql::Value;

/// One column.
pub(super) struct Column {
    /// Its name.
    pub(super) name: &'static str,
    /// Changes with every read although nothing happened: times and counters.
    pub(super) is_volatile: bool,
    /// What to store.
    pub(super) write: for<'a> fn(&'a Instance) -> Value<'a>,
    /// Takes what was stored.
    pub(super) read: fn(&mut Instance, Cell<'_>),
}

/// Number of leading columns that are the primary key.
pub(super) const KEY_COLUMNS: usize = 2;

/// Every column, key first.
pub(super) static COLUMNS: &[Column] = &[
    fact("hostname", |i| text(i.key.hostname()), |i, c| i.key = InstanceKey::new(c.text(), i.key.port())),
    fact("port", |i| port(&i.key), |i, c| i.key = with_port(&i.key, c)),
    volatile("last_checked", |i| time(i.last_checked), |i, c| i.last_checked = c.time()),
    volatile(
        "last_attempted_check",
        // The original's "never", on either backend.
        |i| i.last_attempted_check.map_or(text("1971-01-01 00:00:00"), Value::Time),
        |i, c| i.last_attempted_check = c.time(),
    ),
    volatile(
        "last_check_partial_success",
        |i| flag(i.last_check_partial_success),
        |i, c| i.last_check_partial_success = c.flag(),
    ),
    volatile("last_seen", |i| i.last_seen.map_or(Value::Null, Value::Time), |i, c| i.last_seen = c.time()),
    volatile("uptime", |i| number(i.uptime), |i, c| i.uptime = c.number()),
    volatile(
        "last_discovery_latency",
        |i| number(i.last_discovery_latency.as_nanos()),
        |i, c| i.last_discovery_latency = Duration::from_nanos(c.number()),
    ),
    fact("server_id", |i| number(i.server_id), |i, c| i.server_id = c.number()),
    fact("server_uuid", |i| text(&i.server_uuid), |i, c| i.server_uuid = c.string()),
    fact("version", |i| text(&i.version.text), |i, c| i.version.text = c.string()),
    fact("major_version", |i| text(i.major_version()), |i, c| i.recorded.major_version = Some(c.string())),
    fact("version_comment", |i| text(&i.version_comment), |i, c| i.version_comment = c.string()),
    fact(
        "binlog_server",
        |i| flag(i.is_recorded_binlog_server()),
        |i, c| i.recorded.binlog_server = Some(c.flag()),
    ),
    fact("read_only", |i| flag(i.read_only), |i, c| i.read_only = c.flag()),
    fact("binlog_format", |i| text(&i.binlog_format), |i, c| i.binlog_format = c.string()),
    fact("binlog_row_image", |i| text(&i.binlog_row_image), |i, c| i.binlog_row_image = c.string()),
    fact("log_bin", |i| flag(i.log_bin), |i, c| i.log_bin = c.flag()),
    fact("log_slave_updates", |i| flag(i.log_replica_updates), |i, c| i.log_replica_updates = c.flag()),
    fact("binary_log_file", |i| text(&i.self_coordinates.file), |i, c| i.self_coordinates.file = c.string()),
    fact("binary_log_pos", |i| number(i.self_coordinates.pos), |i, c| i.self_coordinates.pos = c.number()),
    fact(
        "master_host",
        |i| text(i.primary_key.hostname()),
        |i, c| i.primary_key = InstanceKey::new(c.text(), 0),
    ),
    fact("master_port", |i| port(&i.primary_key), |i, c| i.primary_key = with_port(&i.primary_key, c)),
    fact(
        "master_uuid",
        |i| text(&i.replication.primary_uuid),
        |i, c| i.replication.primary_uuid = c.string(),
    ),
    fact("ancestry_uuid", |i| text(&i.ancestry_uuid), |i, c| i.ancestry_uuid = c.string()),
    fact("slave_sql_running", |i| flag(i.applier_runs()), |i, c| i.recorded.applier_runs = Some(c.flag())),
    fact("slave_io_running", |i| flag(i.receiver_runs()), |i, c| i.recorded.receiver_runs = Some(c.flag())),
    fact(
        "replication_sql_thread_state",
        |i| Value::Int(i.replication.sql_thread.code()),
        |i, c| i.replication.sql_thread = ThreadState::from_code(c.int()),
    ),
    fact(
        "replication_io_thread_state",
        |i| Value::Int(i.replication.io_thread.code()),
        |i, c| i.replication.io_thread = ThreadState::from_code(c.int()),
    ),
    fact(
        "has_replication_filters",
        |i| flag(i.replication.has_filters),
        |i, c| i.replication.has_filters = c.flag(),
    ),
    fact("supports_oracle_gtid", |i| flag(i.supports_oracle_gtid), |i, c| i.supports_oracle_gtid = c.flag()),
    fact("oracle_gtid", |i| flag(i.replication.oracle_gtid), |i, c| i.replication.oracle_gtid = c.flag()),
    fact("mariadb_gtid", |i| flag(i.replication.mariadb_gtid), |i, c| i.replication.mariadb_gtid = c.flag()),
    fact("pseudo_gtid", |i| flag(i.pseudo_gtid), |i, c| i.pseudo_gtid = c.flag()),
    fact("gtid_mode", |i| text(&i.gtid_mode), |i, c| i.gtid_mode = c.string()),
    fact("executed_gtid_set", |i| text(&i.executed_gtid), |i, c| i.executed_gtid = c.string()),
    fact("gtid_purged", |i| text(&i.gtid_purged), |i, c| i.gtid_purged = c.string()),
    fact("gtid_errant", |i| text(&i.gtid_errant), |i, c| i.gtid_errant = c.string()),
    fact("master_log_file", |i| text(&i.replication.read.file), |i, c| i.replication.read.file = c.string()),
    fact(
        "read_master_log_pos",
        |i| number(i.replication.read.pos),
        |i, c| i.replication.read.pos = c.number(),
    ),
    fact(
        "relay_master_log_file",
        |i| text(&i.replication.exec.file),
        |i, c| i.replication.exec.file = c.string(),
    ),
    fact(
        "exec_master_log_pos",
        |i| number(i.replication.exec.pos),
        |i, c| i.replication.exec.pos = c.number(),
    ),
    fact(
        "relay_log_file",
        |i| text(&i.replication.relay.file),
        |i, c| i.replication.relay = relay(c.string()),
    ),
    fact("relay_log_pos", |i| number(i.replication.relay.pos), |i, c| i.replication.relay.pos = c.number()),
    fact(
        "last_sql_error",
        |i| Value::Text(quote(&i.replication.last_sql_error)),
        |i, c| i.replication.last_sql_error = unquote(&c.text()).into_owned(),
    ),
    fact(
        "last_io_error",
        |i| Value::Text(quote(&i.replication.last_io_error)),
        |i, c| i.replication.last_io_error = unquote(&c.text()).into_owned(),
    ),
    fact(
        "seconds_behind_master",
        |i| optional(i.replication.seconds_behind),
        |i, c| i.replication.seconds_behind = c.optional(),
    ),
    fact("slave_lag_seconds", |i| optional(i.lag_seconds), |i, c| i.lag_seconds = c.optional()),
    fact("sql_delay", |i| number(i.replication.sql_delay), |i, c| i.replication.sql_delay = c.number()),
    fact("allow_tls", |i| flag(i.replication.tls.allowed), |i, c| i.replication.tls.allowed = c.flag()),
    fact(
        "num_slave_hosts",
        |i| number(i.replica_count()),
        |i, c| i.recorded.replica_count = Some(c.number()),
    ),
    fact("slave_hosts", |i| keys_json(&i.replicas), |i, c| i.replicas = keys_from_json(c)),
    fact("cluster_name", |i| text(&i.cluster_name), |i, c| i.cluster_name = c.string()),
    fact(
        "suggested_cluster_alias",
        |i| text(&i.suggested_cluster_alias),
        |i, c| i.suggested_cluster_alias = c.string(),
    ),
    fact("data_center", |i| text(&i.data_center), |i, c| i.data_center = c.string()),
    fact("region", |i| text(&i.region), |i, c| i.region = c.string()),
    fact(
        "physical_environment",
        |i| text(&i.physical_environment),
        |i, c| i.physical_environment = c.string(),
    ),
    fact("instance_alias", |i| text(&i.alias), |i, c| i.alias = c.string()),
    fact("replication_depth", |i| number(i.depth), |i, c| i.depth = c.number()),
    fact("is_co_master", |i| flag(i.is_co_primary), |i, c| i.is_co_primary = c.flag()),
    fact(
        "replication_credentials_available",
        |i| flag(i.credentials_available),
        |i, c| i.credentials_available = c.flag(),
    ),
    fact(
        "has_replication_credentials",
        |i| flag(i.replication.has_credentials),
        |i, c| i.replication.has_credentials = c.flag(),
    ),
    fact("semi_sync_enforced", |i| number(i.semi_sync.priority), |i, c| i.semi_sync.priority = c.number()),
    fact("semi_sync_available", |i| flag(i.semi_sync.available), |i, c| i.semi_sync.available = c.flag()),
    fact(
        "semi_sync_master_enabled",
        |i| flag(i.semi_sync.primary_enabled),
        |i, c| i.semi_sync.primary_enabled = c.flag(),
    ),
    fact(
        "semi_sync_master_timeout",
        |i| number(i.semi_sync.primary_timeout_ms),
        |i, c| i.semi_sync.primary_timeout_ms = c.number(),
    ),
    fact(
        "semi_sync_master_wait_for_slave_count",
        |i| number(i.semi_sync.wait_for_replica_count),
        |i, c| i.semi_sync.wait_for_replica_count = c.number(),
    ),
    fact(
        "semi_sync_master_status",
        |i| flag(i.semi_sync.primary_active),
        |i, c| i.semi_sync.primary_active = c.flag(),
    ),
    fact(
        "semi_sync_master_clients",
        |i| number(i.semi_sync.primary_clients),
        |i, c| i.semi_sync.primary_clients = c.number(),
    ),
    fact(
        "semi_sync_replica_enabled",
        |i| flag(i.semi_sync.replica_enabled),
        |i, c| i.semi_sync.replica_enabled = c.flag(),
    ),
    fact(
        "semi_sync_replica_status",
        |i| flag(i.semi_sync.replica_active),
        |i, c| i.semi_sync.replica_active = c.flag(),
    ),
    fact("replication_group_name", |i| text(&i.group.name), |i, c| i.group.name = c.string()),
    fact(
        "replication_group_is_single_primary_mode",
        |i| flag(i.group.single_primary),
        |i, c| i.group.single_primary = c.flag(),
    ),
    fact(
        "replication_group_member_state",
        |i| text(&i.group.member_state),
        |i, c| i.group.member_state = c.string(),
    ),
    fact(
        "replication_group_member_role",
        |i| text(&i.group.member_role),
        |i, c| i.group.member_role = c.string(),
    ),
    fact(
        "replication_group_members",
        |i| keys_json(&i.group.members),
        |i, c| i.group.members = keys_from_json(c),
    ),
    fact(
        "replication_group_primary_host",
        |i| i.group.primary.as_ref().map_or(text(""), |key| text(key.hostname())),
        |i, c| i.group.primary = (!c.text().is_empty()).then(|| InstanceKey::new(c.text(), 0)),
    ),
    fact(
        "replication_group_primary_port",
        |i| i.group.primary.as_ref().map_or(Value::Int(0), port),
        |i, c| i.group.primary = i.group.primary.as_ref().map(|key| with_port(key, c)),
    ),
];

pub(super) const fn fact(
    name: &'static str,
    write: for<'a> fn(&'a Instance) -> Value<'a>,
    read: fn(&mut Instance, Cell<'_>),
) -> Column {
    Column { name, is_volatile: false, write, read }
}

const fn volatile(
    name: &'static str,
    write: for<'a> fn(&'a Instance) -> Value<'a>,
    read: fn(&mut Instance, Cell<'_>),
) -> Column {
    Column { name, is_volatile: true, write, read }
}

pub(super) fn text(text: &str) -> Value<'_> {
    Value::Text(Cow::Borrowed(text))
}

pub(super) fn flag(is_set: bool) -> Value<'static> {
    Value::Int(i64::from(is_set))
}

pub(super) fn optional_flag(is_set: Option<bool>) -> Value<'static> {
    is_set.map_or(Value::Null, flag)
}

/// Numbers above the largest the backend can hold are stored as that one.
pub(super) fn number(number: impl TryInto<i64>) -> Value<'static> {
    Value::Int(number.try_into().unwrap_or(i64::MAX))
}

pub(super) fn optional(value: Option<impl TryInto<i64>>) -> Value<'static> {
    value.map_or(Value::Null, number)
}

fn port(key: &InstanceKey) -> Value<'static> {
    Value::Int(i64::from(key.port()))
}

fn with_port(key: &InstanceKey, port: Cell<'_>) -> InstanceKey {
    InstanceKey::new(key.hostname(), port.number())
}

fn time(at: Option<Timestamp>) -> Value<'static> {
    at.map_or(Value::NoTime, Value::Time)
}

fn relay(file: String) -> BinlogCoordinates {
    BinlogCoordinates { file, pos: 0, kind: CoordinateKind::Relay }
}

/// A key in the JSON that the original stores.
#[derive(Serialize, Deserialize)]
struct StoredKey<'a> {
    #[serde(rename = "Hostname", borrow)]
    hostname: Cow<'a, str>,
    #[serde(rename = "Port")]
    port: u16,
}

fn keys_json(keys: &[InstanceKey]) -> Value<'static> {
    if keys.is_empty() {
        return Value::Text(Cow::Borrowed("[]"));
    }
    let stored: Vec<_> = keys
        .iter()
        .map(|key| StoredKey { hostname: Cow::Borrowed(key.hostname()), port: key.port() })
        .collect();
    let json = serde_json::to_string(&stored).expect("strings and numbers have a JSON form");
    Value::Text(Cow::Owned(json))
}

fn keys_from_json(cell: Cell<'_>) -> Vec<InstanceKey> {
    let text = cell.text();
    if matches!(&*text, "" | "[]" | "null") {
        return Vec::new();
    }
    match serde_json::from_str::<Vec<StoredKey<'_>>>(&text) {
        Ok(stored) => {
            let mut keys: Vec<_> =
                stored.into_iter().map(|key| InstanceKey::new(&*key.hostname, key.port)).collect();
            keys.sort();
            keys
        }
        Err(error) => {
            tracing::warn!(%error, "a stored list of servers cannot be read and counts as empty");
            Vec::new()
        }
    }
}
