//! The state of this node as the API shows it.

use model::{NodeIdentity, Timestamp};
use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::{column_time, fields};

/// What clients of the original see for a time that is not set.
pub(super) const ZERO_TIME: &str = "0001-01-01T00:00:00Z";

/// A process in the node registry.
#[derive(Clone, Copy, Debug)]
pub struct NodeView<'a> {
    /// Which.
    pub node: &'a NodeIdentity,
    /// Version text; empty for the active node.
    pub version: &'a str,
    /// Since when it is known or active.
    pub first_seen: Option<Timestamp>,
    /// When it last reported.
    pub last_seen: Option<Timestamp>,
    /// Its backend; empty for the active node.
    pub backend: &'a str,
}

impl Serialize for NodeView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut to = serializer.serialize_struct("NodeHealth", 9)?;
        fields!(to;
            "Hostname": self.node.hostname,
            "Token": self.node.token,
            "AppVersion": self.version,
            "FirstSeenActive": column_time(self.first_seen),
            "LastSeenActive": column_time(self.last_seen),
            "ExtraInfo": "",
            "Command": "",
            "DBBackend": self.backend,
            "LastReported": ZERO_TIME,
        );
        to.end()
    }
}

/// The health of this node.
#[derive(Clone, Copy, Debug)]
pub struct HealthView<'a> {
    /// The backend took this node's report.
    pub is_healthy: bool,
    /// This process.
    pub node: &'a NodeIdentity,
    /// This process may act.
    pub is_active: bool,
    /// The process that may act.
    pub active: NodeView<'a>,
    /// Why it is not healthy; clear text.
    pub error: Option<&'a str>,
    /// Processes that serve the API.
    pub available: &'a [NodeView<'a>],
}

impl Serialize for HealthView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut to = serializer.serialize_struct("HealthStatus", 12)?;
        fields!(to;
            "Healthy": self.is_healthy,
            "Hostname": self.node.hostname,
            "Token": self.node.token,
            "IsActiveNode": self.is_active,
            "ActiveNode": self.active,
            "Error": self.error,
            "AvailableNodes": (!self.available.is_empty()).then_some(self.available),
            "RaftLeader": "",
            "IsRaftLeader": false,
            "RaftLeaderURI": "",
            "RaftAdvertise": "",
            "RaftHealthyMembers": (),
        );
        to.end()
    }
}
