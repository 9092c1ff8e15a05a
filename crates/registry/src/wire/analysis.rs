//! One analysed server as the API shows it, live or from a record.

use model::{CoordinateKind, Diagnosis, Finding, InstanceKey, NodeIdentity, Timestamp};
use serde::ser::{Serialize, SerializeSeq, SerializeStruct, Serializer};

use super::{ClusterView, KeyView, KeysView, PlaceView, column_time, fields};

const FIELDS: usize = 59;

/// A finding and the node that tells it.
#[derive(Clone, Copy, Debug)]
pub struct AnalysisView<'a> {
    /// The finding.
    pub finding: &'a Finding,
    /// The telling process; `None` in records.
    pub node: Option<&'a NodeIdentity>,
    /// Show whether a recovery exists. Listings never do: clients take it for "is being recovered".
    pub shows_actionable: bool,
}

impl AnalysisView<'_> {
    fn server<S: SerializeStruct>(&self, to: &mut S) -> Result<(), S::Error> {
        let (finding, facts) = (self.finding, &self.finding.facts);
        fields!(to;
            "AnalyzedInstanceKey": KeyView(&finding.key),
            "AnalyzedInstanceMasterKey": KeyView(&finding.primary_key),
            "ClusterDetails": ClusterView(&finding.cluster),
            "AnalyzedInstanceDataCenter": finding.data_center,
            "AnalyzedInstanceRegion": finding.region,
            "AnalyzedInstancePhysicalEnvironment": finding.physical_environment,
            "AnalyzedInstanceBinlogCoordinates": PlaceView(&finding.coordinates, CoordinateKind::Binary),
            "IsMaster": facts.is_primary,
            "IsReplicationGroupMember": facts.is_group_member,
            "IsCoMaster": facts.is_co_primary,
            "LastCheckValid": facts.check_valid,
            "LastCheckPartialSuccess": facts.check_partial,
            "CountReplicas": facts.replicas,
            "CountValidReplicas": facts.valid_replicas,
            "CountValidReplicatingReplicas": facts.replicating,
            "CountReplicasFailingToConnectToMaster": facts.replicas_failing_to_connect,
            "CountDowntimedReplicas": facts.downtimed_replicas,
            "ReplicationDepth": facts.depth,
            "Replicas": KeysView(&finding.replicas),
            "SlaveHosts": KeysView(&finding.replicas),
            "IsFailingToConnectToMaster": facts.failing_to_connect,
        );
        Ok(())
    }

    fn verdict<S: SerializeStruct>(&self, to: &mut S) -> Result<(), S::Error> {
        let finding = self.finding;
        let structure: Option<Vec<&str>> = (!finding.structure.is_empty())
            .then(|| finding.structure.iter().map(|code| code.as_str()).collect());
        fields!(to;
            "Analysis": finding.code.as_str(),
            "Description": finding.description,
            "StructureAnalysis": structure,
            "IsDowntimed": finding.is_downtimed,
            "IsReplicasDowntimed": finding.is_replicas_downtimed,
            "DowntimeEndTimestamp": finding.downtime_end,
            "DowntimeRemainingSeconds": finding.downtime_remaining_seconds,
        );
        Ok(())
    }

    fn counts<S: SerializeStruct>(&self, to: &mut S) -> Result<(), S::Error> {
        let facts = &self.finding.facts;
        fields!(to;
            "IsBinlogServer": facts.is_binlog_server,
            "PseudoGTIDImmediateTopology": facts.pseudo_gtid,
            "OracleGTIDImmediateTopology": facts.is_oracle_gtid_topology(),
            "MariaDBGTIDImmediateTopology": facts.is_mariadb_gtid_topology(),
            "BinlogServerImmediateTopology": facts.is_binlog_server_topology(),
            "SemiSyncMasterEnabled": facts.semi_sync_enabled,
            "SemiSyncMasterStatus": facts.semi_sync_active,
            "SemiSyncMasterWaitForReplicaCount": facts.semi_sync_wait_count,
            "SemiSyncMasterClients": facts.semi_sync_clients,
            "CountSemiSyncReplicasEnabled": facts.semi_sync_replicas,
            "CountLoggingReplicas": facts.logging_replicas,
            "CountStatementBasedLoggingReplicas": facts.logging_statement,
            "CountMixedBasedLoggingReplicas": facts.logging_mixed,
            "CountRowBasedLoggingReplicas": facts.logging_row,
            "CountDistinctMajorVersionsLoggingReplicas": facts.logging_major_versions,
            "CountDelayedReplicas": facts.delayed_replicas,
            "CountLaggingReplicas": facts.lagging_replicas,
        );
        Ok(())
    }

    fn handling<S: SerializeStruct>(&self, to: &mut S) -> Result<(), S::Error> {
        let (finding, facts) = (self.finding, &self.finding.facts);
        fields!(to;
            "IsActionableRecovery": self.shows_actionable && finding.is_actionable,
            "ProcessingNodeHostname": self.node.map_or("", |node| node.hostname.as_str()),
            "ProcessingNodeToken": self.node.map_or("", |node| node.token.as_str()),
            "CountAdditionalAgreeingNodes": 0,
            "StartActivePeriod": finding.start_active_period,
            "SkippableDueToDowntime": finding.skippable_due_to_downtime,
            "GTIDMode": facts.gtid_mode,
            "MinReplicaGTIDMode": facts.min_replica_gtid_mode,
            "MaxReplicaGTIDMode": facts.max_replica_gtid_mode,
            "MaxReplicaGTIDErrant": facts.max_replica_errant,
            "CommandHint": finding.command_hint,
            "IsReadOnly": facts.read_only,
        );
        // Ours, after all that the original has, and only where there is something to tell.
        if let Some(diagnosis) = &finding.diagnosis {
            fields!(to; "Cause": diagnosis.cause.as_str(), "Evidence": evidence(diagnosis));
        }
        Ok(())
    }
}

/// Who saw what, and when, as text.
fn evidence(diagnosis: &Diagnosis) -> Vec<String> {
    let lines = diagnosis.evidence.iter();
    lines.map(|piece| format!("{} {}: {}", column_time(piece.at), piece.source, piece.text)).collect()
}

impl Serialize for AnalysisView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut to = serializer.serialize_struct("ReplicationAnalysis", FIELDS)?;
        self.server(&mut to)?;
        self.verdict(&mut to)?;
        self.counts(&mut to)?;
        self.handling(&mut to)?;
        to.end()
    }
}

/// The changelog of one server: `{"AnalyzedInstanceKey","Changelog"}`, each change `time;code,`.
#[derive(Clone, Copy, Debug)]
pub struct ChangelogView<'a> {
    /// The server.
    pub key: &'a InstanceKey,
    /// When and which code, oldest first.
    pub changes: &'a [(Timestamp, String)],
}

impl Serialize for ChangelogView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut to = serializer.serialize_struct("ReplicationAnalysisChangelog", 2)?;
        fields!(to; "AnalyzedInstanceKey": KeyView(self.key), "Changelog": Changes(self.changes));
        to.end()
    }
}

struct Changes<'a>(&'a [(Timestamp, String)]);

impl Serialize for Changes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.0.len()))?;
        for (at, code) in self.0 {
            list.serialize_element(&format!("{};{code},", column_time(Some(*at))))?;
        }
        list.end()
    }
}
