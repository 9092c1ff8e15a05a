//! What is done about a finding: which recovery, which emergency reads, and whether a grace period softens it.

/// The recovery that belongs to a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Response {
    /// Nothing is recorded; at most emergency operations run.
    Watch,
    /// The detection is recorded and detection hooks run; nothing is changed.
    Record,
    /// Fail over to a replica.
    FailOverPrimary,
    /// Fail over to the other co-primary or a replica.
    FailOverCoPrimary,
    /// Move the replicas of a dead intermediate primary.
    RescueReplicas,
    /// Move the asynchronous replicas of a dead group member.
    RescueGroupMemberReplicas,
    /// Enable semi-sync on further replicas so that commits go on.
    UnlockSemiSync,
    /// Disable semi-sync on surplus replicas.
    TrimSemiSync,
    /// Make the primary writable.
    MakeWritable,
}

impl Response {
    /// A recovery exists: servers may be changed.
    pub fn is_actionable(self) -> bool {
        !matches!(self, Self::Watch | Self::Record)
    }

    /// What is done, in words.
    pub fn text(self) -> &'static str {
        match self {
            Self::Watch => "nothing; shown only",
            Self::Record => "recorded, detection hooks run",
            Self::FailOverPrimary => "recorded; a replica is promoted",
            Self::FailOverCoPrimary => "recorded; the other co-primary or a replica is promoted",
            Self::RescueReplicas => "recorded; its replicas are moved below another server",
            Self::RescueGroupMemberReplicas => "recorded; its replicas are moved below another group member",
            Self::UnlockSemiSync => "recorded; semi-sync is enabled on further replicas",
            Self::TrimSemiSync => "recorded; semi-sync is disabled on surplus replicas",
            Self::MakeWritable => "recorded; `read_only` is switched off",
        }
    }
}

/// Work started at once for a finding, before and whatever any recovery: to know sooner, not to repair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Emergency {
    /// Read the server again.
    ReadInstance,
    /// Read its direct replicas again.
    ReadReplicas,
    /// Read the server it replicates from.
    ReadSource,
    /// Restart the receivers of its direct replicas, so that dead connections show.
    RestartReceivers,
    /// Let the receivers of its direct replicas reconnect when that alone can tell whether it lives.
    TestReceivers,
    /// Note the binary log coordinates at which it stands.
    RecordCoordinates,
}

impl Emergency {
    /// What is done, in words.
    pub fn text(self) -> &'static str {
        match self {
            Self::ReadInstance => "read it again",
            Self::ReadReplicas => "read its replicas again",
            Self::ReadSource => "read its source again",
            Self::RestartReceivers => "restart the receivers of its replicas",
            Self::TestReceivers => "let its replicas reconnect if none receives anything",
            Self::RecordCoordinates => "note its binary log coordinates",
        }
    }
}
