//! One server as the API shows it: 102 fields, always all of them, always in this order.

use std::time::Duration;

use model::{
    CoordinateKind, Downtime, Fleet, Instance, InstanceKey, PromotionRule, ReplicationTls, SemiSync,
    Timestamp,
};
use serde::Serialize;

use super::json::escape_html;
use super::quote::quoted;
use super::times::{ColumnTimes, column_time_in, expression_time};
use super::{KeyView, KeysView, NullableBool, NullableInt, PlaceView};

/// Bytes of a server's text, roughly.
const TEXT: usize = 4 * 1024;

/// Writes fields in the order written. Names need no escaping, which would take longer than the values do.
macro_rules! fields {
    ($to:ident; $($name:literal: $value:expr),+ $(,)?) => {
        $($to.put(concat!(",\"", $name, "\":"), &$value);)+
    };
}

/// A server together with what operators said about it, at a moment.
#[derive(Clone, Debug)]
pub struct InstanceView<'a> {
    instance: &'a Instance,
    problems: Vec<&'static str>,
    downtime: Option<&'a Downtime>,
    rule: PromotionRule,
    unresolved: &'a str,
    snapshots: u32,
    poll: Duration,
    now: Timestamp,
}

impl<'a> InstanceView<'a> {
    /// A server as the fleet has it, polled every `poll`, with what is not well about it.
    pub fn new(
        fleet: &'a Fleet,
        instance: &'a Instance,
        problems: Vec<&'static str>,
        poll: Duration,
        now: Timestamp,
    ) -> Self {
        Self {
            instance,
            problems,
            downtime: fleet.downtimes.get(&instance.key),
            rule: fleet.promotion_rule(&instance.key),
            unresolved: fleet.unresolved.get(instance.key.hostname()).map_or("", String::as_str),
            snapshots: fleet.snapshots.get(instance.key.hostname()).copied().unwrap_or(0),
            poll,
            now,
        }
    }

    fn identity(&self, to: &mut Object<'_>) {
        let i = self.instance;
        fields!(to;
            "Key": KeyView(&i.key),
            "InstanceAlias": i.alias,
            "Uptime": i.uptime,
            "ServerID": i.server_id,
            "ServerUUID": i.server_uuid,
            "Version": i.version.text,
            "VersionComment": i.version_comment,
            "FlavorName": i.version.flavor.name(),
            "ReadOnly": i.read_only,
            "Binlog_format": i.binlog_format,
            "BinlogRowImage": i.binlog_row_image,
            "LogBinEnabled": i.log_bin,
            "LogSlaveUpdatesEnabled": i.log_replica_updates,
            "LogReplicationUpdatesEnabled": i.log_replica_updates,
            "SelfBinlogCoordinates": PlaceView(&i.self_coordinates, CoordinateKind::Binary),
            "MasterKey": KeyView(&i.primary_key),
            "MasterUUID": i.replication.primary_uuid,
            "AncestryUUID": i.ancestry_uuid,
            "IsDetachedMaster": i.has_detached_source(),
        );
    }

    fn replication(&self, to: &mut Object<'_>) {
        let i = self.instance;
        let r = &i.replication;
        let (sql_running, io_running) = (i.applier_runs(), i.receiver_runs());
        fields!(to;
            "Slave_SQL_Running": sql_running,
            "ReplicationSQLThreadRuning": sql_running,
            "Slave_IO_Running": io_running,
            "ReplicationIOThreadRuning": io_running,
            "ReplicationSQLThreadState": r.sql_thread.code(),
            "ReplicationIOThreadState": r.io_thread.code(),
            "HasReplicationFilters": r.has_filters,
            "GTIDMode": i.gtid_mode,
            "SupportsOracleGTID": i.supports_oracle_gtid,
            "UsingOracleGTID": r.oracle_gtid,
            "UsingMariaDBGTID": r.mariadb_gtid,
            "UsingPseudoGTID": i.pseudo_gtid,
            "ReadBinlogCoordinates": PlaceView(&r.read, CoordinateKind::Binary),
            "ExecBinlogCoordinates": PlaceView(&r.exec, CoordinateKind::Binary),
            "IsDetached": i.is_detached(),
            "RelaylogCoordinates": PlaceView(&r.relay, CoordinateKind::Relay),
            "LastSQLError": quoted(&r.last_sql_error),
            "LastIOError": quoted(&r.last_io_error),
            "SecondsBehindMaster": NullableInt(r.seconds_behind),
            "SQLDelay": r.sql_delay,
            "ExecutedGtidSet": i.executed_gtid,
            "GtidPurged": i.gtid_purged,
            "GtidErrant": i.gtid_errant,
            "SlaveLagSeconds": NullableInt(i.lag_seconds),
            "ReplicationLagSeconds": NullableInt(i.lag_seconds),
            "SlaveHosts": KeysView(&i.replicas),
            "Replicas": KeysView(&i.replicas),
        );
    }

    fn cluster(&self, to: &mut Object<'_>) {
        let i = self.instance;
        fields!(to;
            "ClusterName": i.cluster_name,
            "SuggestedClusterAlias": i.suggested_cluster_alias,
            "DataCenter": i.data_center,
            "Region": i.region,
            "PhysicalEnvironment": i.physical_environment,
            "ReplicationDepth": i.depth,
            "IsCoMaster": i.is_co_primary,
            "HasReplicationCredentials": i.replication.has_credentials,
            "ReplicationCredentialsAvailable": i.credentials_available,
        );
    }

    fn checks(&self, to: &mut Object<'_>, times: ColumnTimes) {
        let i = self.instance;
        let since_seen = i.last_seen.map(|seen| self.now.as_secs() - seen.as_secs());
        fields!(to;
            "LastSeenTimestamp": column_time_in(times, i.last_seen),
            "IsLastCheckValid": i.is_last_check_valid(),
            "IsUpToDate": self.is_checked_within(self.poll),
            "IsRecentlyChecked": self.is_checked_within(self.poll * 5),
            "SecondsSinceLastSeen": NullableInt(since_seen),
            "CountMySQLSnapshots": self.snapshots,
            "IsCandidate": self.rule.is_candidate(),
            "PromotionRule": self.rule.as_str(),
        );
    }

    /// JSON text.
    pub fn json(&self, times: ColumnTimes) -> String {
        let mut text = Vec::with_capacity(TEXT);
        self.write(&mut text, times);
        finished(text)
    }

    /// JSON text of a list; empty is `[]`.
    pub fn list_json(servers: &[Self], times: ColumnTimes) -> String {
        let mut text = Vec::with_capacity(servers.len() * TEXT + 2);
        text.push(b'[');
        for (index, server) in servers.iter().enumerate() {
            if index > 0 {
                text.push(b',');
            }
            server.write(&mut text, times);
        }
        text.push(b']');
        finished(text)
    }

    fn write(&self, text: &mut Vec<u8>, times: ColumnTimes) {
        let mut to = Object { text, is_empty: true };
        self.identity(&mut to);
        self.replication(&mut to);
        self.cluster(&mut to);
        semi_sync(&mut to, &self.instance.semi_sync);
        self.checks(&mut to, times);
        self.downtime(&mut to);
        tls(&mut to, &self.instance.replication.tls);
        self.group(&mut to);
        to.end();
    }

    /// Whole seconds count, as in the backend's own arithmetic.
    fn is_checked_within(&self, age: Duration) -> bool {
        self.instance.last_checked.is_some_and(|at| {
            self.now.as_secs() - at.as_secs() <= i64::try_from(age.as_secs()).unwrap_or(i64::MAX)
        })
    }

    fn downtime(&self, to: &mut Object<'_>) {
        let row = self.downtime;
        let elapsed_seconds = row.map_or(0, |row| self.now.as_secs() - row.begin.as_secs());
        fields!(to;
            "IsDowntimed": row.is_some_and(|row| row.is_active(self.now)),
            "DowntimeReason": row.map_or("", |row| row.reason.as_str()),
            "DowntimeOwner": row.map_or("", |row| row.owner.as_str()),
            "DowntimeEndTimestamp": expression_time(row.and_then(|row| row.end)),
            "ElapsedDowntime": elapsed_seconds * 1_000_000_000,
            "UnresolvedHostname": self.unresolved,
        );
    }

    fn group(&self, to: &mut Object<'_>) {
        let i = self.instance;
        let none = InstanceKey::none();
        fields!(to;
            "Problems": self.problems,
            "LastDiscoveryLatency": nanoseconds(i.last_discovery_latency),
            "ReplicationGroupName": i.group.name,
            "ReplicationGroupIsSinglePrimary": i.group.single_primary,
            "ReplicationGroupMemberState": i.group.member_state,
            "ReplicationGroupMemberRole": i.group.member_role,
            "ReplicationGroupMembers": KeysView(&i.group.members),
            "ReplicationGroupPrimaryInstanceKey": KeyView(i.group.primary.as_ref().unwrap_or(&none)),
            "QSP": EmptyObject {},
        );
    }
}

#[derive(Serialize)]
struct EmptyObject {}

/// An object of JSON that is being written.
struct Object<'t> {
    text: &'t mut Vec<u8>,
    is_empty: bool,
}

impl Object<'_> {
    /// `name` is quoted, a comma before it and a colon behind.
    fn put<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) {
        let start = self.text.len();
        self.text.extend_from_slice(name.as_bytes());
        if std::mem::take(&mut self.is_empty) {
            self.text[start] = b'{';
        }
        // Writing to memory cannot fail, and no type here refuses to be written.
        let _ = serde_json::to_writer(&mut *self.text, value);
    }

    fn end(self) {
        self.text.push(b'}');
    }
}

fn finished(text: Vec<u8>) -> String {
    // Serialisers write nothing but UTF-8.
    escape_html(String::from_utf8(text).unwrap_or_default())
}

fn nanoseconds(length: Duration) -> u64 {
    u64::try_from(length.as_nanos()).unwrap_or(u64::MAX)
}

fn semi_sync(to: &mut Object<'_>, s: &SemiSync) {
    fields!(to;
        "SemiSyncAvailable": s.available,
        "SemiSyncPriority": s.priority,
        "SemiSyncMasterPluginNewVersion": s.primary_new_names,
        "SemiSyncReplicaPluginNewVersion": s.replica_new_names,
        "SemiSyncMasterEnabled": s.primary_enabled,
        "SemiSyncReplicaEnabled": s.replica_enabled,
        "SemiSyncMasterTimeout": s.primary_timeout_ms,
        "SemiSyncMasterWaitForReplicaCount": s.wait_for_replica_count,
        "SemiSyncMasterStatus": s.primary_active,
        "SemiSyncMasterClients": s.primary_clients,
        "SemiSyncReplicaStatus": s.replica_active,
    );
}

fn tls(to: &mut Object<'_>, t: &ReplicationTls) {
    fields!(to;
        "AllowTLS": t.allowed,
        "ReplicationSSLCAFile": t.ca_file,
        "ReplicationSSLCAPath": t.ca_path,
        "ReplicationSSLCert": t.cert,
        "ReplicationSSLCipher": t.cipher,
        "ReplicationSSLCRLFile": t.crl_file,
        "ReplicationSSLCRLPath": t.crl_path,
        "ReplicationSSLKey": t.key,
        "ReplicationSSLVerifyServerCert": NullableBool(t.verify_server_cert),
        "ReplicationTLSVersion": t.tls_version,
        "ReplicationTLSCiphersuites": t.ciphersuites,
        "ReplicationSourcePublicKeyPath": t.public_key_path,
        "ReplicationGetSourcePublicKey": NullableBool(t.get_public_key),
    );
}
