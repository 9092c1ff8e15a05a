//! Agents, seeds and attributes of hosts as the API shows them.

use model::{Agent, AgentFacts, HostAttribute, LogicalVolume, Seed, SeedState, SnapshotMount};
use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::{column_time, fields};

/// An agent, with what it told if it was asked. Its token is not shown.
#[derive(Clone, Copy, Debug)]
pub struct AgentView<'a>(pub &'a Agent, pub Option<&'a AgentFacts>);

impl Serialize for AgentView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(agent, facts) = self;
        let (unasked, unmounted) = (AgentFacts::default(), SnapshotMount::default());
        let facts = facts.unwrap_or(&unasked);
        let volumes = facts.volumes.as_ref().map(|all| all.iter().map(VolumeView).collect::<Vec<_>>());
        let mut to = serializer.serialize_struct("Agent", 13)?;
        fields!(to;
            "Hostname": agent.hostname,
            "Port": agent.port,
            "Token": "",
            "LastSubmitted": column_time(agent.submitted),
            "AvailableLocalSnapshots": facts.local_snapshots,
            "AvailableSnapshots": facts.all_snapshots,
            "LogicalVolumes": volumes,
            "MountPoint": MountView(facts.mount.as_ref().unwrap_or(&unmounted)),
            "MySQLRunning": facts.mysql_running.unwrap_or(false),
            "MySQLDiskUsage": facts.mysql_disk_usage.unwrap_or(0),
            "MySQLPort": facts.mysql_port.or(agent.mysql_port).unwrap_or(0),
            "MySQLDatadirDiskFree": facts.datadir_free.unwrap_or(0),
            "MySQLErrorLogTail": facts.error_log_tail,
        );
        to.end()
    }
}

struct VolumeView<'a>(&'a LogicalVolume);

impl Serialize for VolumeView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut to = serializer.serialize_struct("LogicalVolume", 5)?;
        fields!(to;
            "Name": self.0.name,
            "GroupName": self.0.group,
            "Path": self.0.path,
            "IsSnapshot": self.0.is_snapshot,
            "SnapshotPercent": self.0.snapshot_percent,
        );
        to.end()
    }
}

struct MountView<'a>(&'a SnapshotMount);

impl Serialize for MountView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut to = serializer.serialize_struct("Mount", 8)?;
        fields!(to;
            "Path": self.0.path,
            "Device": self.0.device,
            "LVPath": self.0.volume_path,
            "FileSystem": self.0.file_system,
            "IsMounted": self.0.is_mounted,
            "DiskUsage": self.0.disk_usage,
            "MySQLDataPath": self.0.mysql_data_path,
            "MySQLDiskUsage": self.0.mysql_disk_usage,
        );
        to.end()
    }
}

/// A seed.
#[derive(Clone, Copy, Debug)]
pub struct SeedView<'a>(pub &'a Seed);

/// The end of what has not ended, as clients know it.
const NO_END: model::Timestamp = model::Timestamp::from_secs(365 * 24 * 3600);

impl Serialize for SeedView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut to = serializer.serialize_struct("SeedOperation", 7)?;
        fields!(to;
            "SeedId": self.0.id,
            "TargetHostname": self.0.target,
            "SourceHostname": self.0.source,
            "StartTimestamp": column_time(self.0.start),
            "EndTimestamp": column_time(Some(self.0.end.unwrap_or(NO_END))),
            "IsComplete": self.0.is_complete,
            "IsSuccessful": self.0.is_successful,
        );
        to.end()
    }
}

/// A step of a seed.
#[derive(Clone, Copy, Debug)]
pub struct SeedStateView<'a>(pub &'a SeedState);

impl Serialize for SeedStateView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut to = serializer.serialize_struct("SeedOperationState", 5)?;
        fields!(to;
            "SeedStateId": self.0.id,
            "SeedId": self.0.seed,
            "StateTimestamp": column_time(self.0.at),
            "Action": self.0.action,
            "ErrorMessage": self.0.error,
        );
        to.end()
    }
}

/// An attribute of a host.
#[derive(Clone, Copy, Debug)]
pub struct HostAttributeView<'a>(pub &'a HostAttribute);

impl Serialize for HostAttributeView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut to = serializer.serialize_struct("HostAttributes", 5)?;
        fields!(to;
            "Hostname": self.0.hostname,
            "AttributeName": self.0.name,
            "AttributeValue": self.0.value,
            "SubmitTimestamp": column_time(self.0.submitted),
            "ExpireTimestamp": super::expression_time(self.0.expires),
        );
        to.end()
    }
}
