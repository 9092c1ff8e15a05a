//! What of an instance the original does not store: one row per column of `database_instance_facts`, but for its key.
//!
//! Without them a server that is only known from the backend (after a restart, or to a command run beside the daemon)
//! would lack facts that decisions need. A database without the table is used without them.

use std::time::Duration;

use model::{Instance, ReceiverHeartbeat};

use super::columns::{Column, fact, flag, number, optional, optional_flag, text};

/// Name of the table.
pub(super) const TABLE: &str = "database_instance_facts";

/// Every column after the key.
pub(super) static COLUMNS: &[Column] = &[
    fact(
        "receiver_heartbeats_received",
        |i| number(i.replication.heartbeat.map_or(0, |heartbeat| heartbeat.received)),
        |i, c| edit_heartbeat(i, |heartbeat| heartbeat.received = c.number()),
    ),
    fact(
        "receiver_heartbeat_age",
        |i| optional(i.replication.heartbeat.and_then(|heartbeat| heartbeat.age).map(|age| age.as_nanos())),
        |i, c| edit_heartbeat(i, |heartbeat| heartbeat.age = c.optional().map(Duration::from_nanos)),
    ),
    // NULL: the server has no heartbeat facts, so this one decides whether the two above are kept.
    fact(
        "receiver_heartbeat_period",
        |i| optional(i.replication.heartbeat.map(|heartbeat| heartbeat.period.as_nanos())),
        |i, c| match c.optional() {
            Some(nanos) => edit_heartbeat(i, |heartbeat| heartbeat.period = Duration::from_nanos(nanos)),
            None => i.replication.heartbeat = None,
        },
    ),
    fact(
        "super_read_only",
        |i| optional_flag(i.super_read_only),
        |i, c| i.super_read_only = c.optional_flag(),
    ),
    fact(
        "mariadb_gtid_position",
        |i| text(&i.mariadb_gtid_position),
        |i, c| i.mariadb_gtid_position = c.string(),
    ),
    fact(
        "retrieved_gtid_set",
        |i| text(&i.replication.retrieved_gtid),
        |i, c| i.replication.retrieved_gtid = c.string(),
    ),
    fact(
        "last_io_errno",
        |i| number(i.replication.last_io_errno),
        |i, c| i.replication.last_io_errno = c.number(),
    ),
    fact(
        "last_sql_errno",
        |i| number(i.replication.last_sql_errno),
        |i, c| i.replication.last_sql_errno = c.number(),
    ),
    fact(
        "semi_sync_master_plugin_new_version",
        |i| flag(i.semi_sync.primary_new_names),
        |i, c| i.semi_sync.primary_new_names = c.flag(),
    ),
    fact(
        "semi_sync_replica_plugin_new_version",
        |i| flag(i.semi_sync.replica_new_names),
        |i, c| i.semi_sync.replica_new_names = c.flag(),
    ),
    fact(
        "semi_sync_master_wait_sessions",
        |i| optional(i.semi_sync.wait_sessions),
        |i, c| i.semi_sync.wait_sessions = c.optional(),
    ),
    fact(
        "replication_ssl_ca_file",
        |i| text(&i.replication.tls.ca_file),
        |i, c| i.replication.tls.ca_file = c.string(),
    ),
    fact(
        "replication_ssl_ca_path",
        |i| text(&i.replication.tls.ca_path),
        |i, c| i.replication.tls.ca_path = c.string(),
    ),
    fact(
        "replication_ssl_cert",
        |i| text(&i.replication.tls.cert),
        |i, c| i.replication.tls.cert = c.string(),
    ),
    fact(
        "replication_ssl_cipher",
        |i| text(&i.replication.tls.cipher),
        |i, c| i.replication.tls.cipher = c.string(),
    ),
    fact(
        "replication_ssl_crl_file",
        |i| text(&i.replication.tls.crl_file),
        |i, c| i.replication.tls.crl_file = c.string(),
    ),
    fact(
        "replication_ssl_crl_path",
        |i| text(&i.replication.tls.crl_path),
        |i, c| i.replication.tls.crl_path = c.string(),
    ),
    fact("replication_ssl_key", |i| text(&i.replication.tls.key), |i, c| i.replication.tls.key = c.string()),
    fact(
        "replication_ssl_verify_server_cert",
        |i| optional_flag(i.replication.tls.verify_server_cert),
        |i, c| i.replication.tls.verify_server_cert = c.optional_flag(),
    ),
    fact(
        "replication_tls_version",
        |i| text(&i.replication.tls.tls_version),
        |i, c| i.replication.tls.tls_version = c.string(),
    ),
    fact(
        "replication_tls_ciphersuites",
        |i| text(&i.replication.tls.ciphersuites),
        |i, c| i.replication.tls.ciphersuites = c.string(),
    ),
    fact(
        "replication_source_public_key_path",
        |i| text(&i.replication.tls.public_key_path),
        |i, c| i.replication.tls.public_key_path = c.string(),
    ),
    fact(
        "replication_get_source_public_key",
        |i| optional_flag(i.replication.tls.get_public_key),
        |i, c| i.replication.tls.get_public_key = c.optional_flag(),
    ),
];

fn edit_heartbeat(instance: &mut Instance, edit: impl FnOnce(&mut ReceiverHeartbeat)) {
    let unknown = ReceiverHeartbeat { period: Duration::ZERO, received: 0, age: None, silent_for: None };
    edit(instance.replication.heartbeat.get_or_insert(unknown));
}
