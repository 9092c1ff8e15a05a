//! One server as the API shows it: 102 fields, always all of them, always in this order.

use std::time::Duration;

use model::{
    CoordinateKind, Downtime, Fleet, Instance, InstanceKey, PromotionRule, ReplicationTls, SemiSync,
    Timestamp,
};
use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::quote::quoted;
use super::{KeyView, KeysView, NullableBool, NullableInt, PlaceView, column_time, expression_time, fields};

const FIELDS: usize = 102;

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

    fn identity<S: SerializeStruct>(&self, to: &mut S) -> Result<(), S::Error> {
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
        Ok(())
    }

    fn replication<S: SerializeStruct>(&self, to: &mut S) -> Result<(), S::Error> {
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
        Ok(())
    }

    fn cluster<S: SerializeStruct>(&self, to: &mut S) -> Result<(), S::Error> {
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
        Ok(())
    }

    fn checks<S: SerializeStruct>(&self, to: &mut S) -> Result<(), S::Error> {
        let i = self.instance;
        let since_seen = i.last_seen.map(|seen| self.now.as_secs() - seen.as_secs());
        fields!(to;
            "LastSeenTimestamp": column_time(i.last_seen),
            "IsLastCheckValid": i.is_last_check_valid(),
            "IsUpToDate": self.is_checked_within(self.poll),
            "IsRecentlyChecked": self.is_checked_within(self.poll * 5),
            "SecondsSinceLastSeen": NullableInt(since_seen),
            "CountMySQLSnapshots": self.snapshots,
            "IsCandidate": self.rule.is_candidate(),
            "PromotionRule": self.rule.as_str(),
        );
        Ok(())
    }

    /// Whole seconds count, as in the backend's own arithmetic.
    fn is_checked_within(&self, age: Duration) -> bool {
        self.instance.last_checked.is_some_and(|at| {
            self.now.as_secs() - at.as_secs() <= i64::try_from(age.as_secs()).unwrap_or(i64::MAX)
        })
    }

    fn downtime<S: SerializeStruct>(&self, to: &mut S) -> Result<(), S::Error> {
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
        Ok(())
    }

    fn group<S: SerializeStruct>(&self, to: &mut S) -> Result<(), S::Error> {
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
        Ok(())
    }
}

#[derive(serde::Serialize)]
struct EmptyObject {}

fn nanoseconds(length: Duration) -> u64 {
    u64::try_from(length.as_nanos()).unwrap_or(u64::MAX)
}

fn semi_sync<S: SerializeStruct>(to: &mut S, s: &SemiSync) -> Result<(), S::Error> {
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
    Ok(())
}

fn tls<S: SerializeStruct>(to: &mut S, t: &ReplicationTls) -> Result<(), S::Error> {
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
    Ok(())
}

impl Serialize for InstanceView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut to = serializer.serialize_struct("Instance", FIELDS)?;
        self.identity(&mut to)?;
        self.replication(&mut to)?;
        self.cluster(&mut to)?;
        semi_sync(&mut to, &self.instance.semi_sync)?;
        self.checks(&mut to)?;
        self.downtime(&mut to)?;
        tls(&mut to, &self.instance.replication.tls)?;
        self.group(&mut to)?;
        to.end()
    }
}
