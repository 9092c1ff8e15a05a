//! Smaller records as the API shows them.

use std::time::Duration;

use model::{AuditRecord, BlockedRecovery, Candidate, InstanceKey, Maintenance, RecoveryStep, Timestamp};
use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::{KeyView, column_time, expression_time, fields};

/// A step of a recovery.
#[derive(Clone, Copy, Debug)]
pub struct StepView<'a>(pub &'a RecoveryStep);

impl Serialize for StepView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut to = serializer.serialize_struct("TopologyRecoveryStep", 4)?;
        fields!(to;
            "Id": self.0.id,
            "RecoveryUID": self.0.recovery_uid,
            "AuditAt": column_time(Some(self.0.at)),
            "Message": self.0.message,
        );
        to.end()
    }
}

/// A recovery that was refused because of an earlier one.
#[derive(Clone, Copy, Debug)]
pub struct BlockedView<'a>(pub &'a BlockedRecovery);

impl Serialize for BlockedView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut to = serializer.serialize_struct("BlockedTopologyRecovery", 5)?;
        fields!(to;
            "FailedInstanceKey": KeyView(&self.0.key),
            "ClusterName": self.0.cluster_name,
            "Analysis": self.0.code.as_str(),
            "LastBlockedTimestamp": column_time(Some(self.0.last_blocked)),
            "BlockingRecoveryId": self.0.blocking_recovery_id,
        );
        to.end()
    }
}

/// A line of the audit.
#[derive(Clone, Copy, Debug)]
pub struct AuditView<'a>(pub &'a AuditRecord);

impl Serialize for AuditView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let none = InstanceKey::none();
        let mut to = serializer.serialize_struct("Audit", 5)?;
        fields!(to;
            "AuditId": self.0.id,
            "AuditTimestamp": column_time(Some(self.0.at)),
            "AuditType": self.0.kind,
            "AuditInstanceKey": KeyView(self.0.key.as_ref().unwrap_or(&none)),
            "Message": self.0.message,
        );
        to.end()
    }
}

/// An active maintenance lock, at a moment.
#[derive(Clone, Copy, Debug)]
pub struct MaintenanceView<'a>(pub &'a Maintenance, pub Timestamp);

impl Serialize for MaintenanceView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(maintenance, now) = self;
        let mut to = serializer.serialize_struct("Maintenance", 7)?;
        fields!(to;
            "MaintenanceId": maintenance.id,
            "Key": KeyView(&maintenance.key),
            "BeginTimestamp": column_time(Some(maintenance.begin)),
            "SecondsElapsed": now.saturating_since(maintenance.begin).as_secs(),
            "IsActive": true,
            "Owner": maintenance.owner,
            "Reason": maintenance.reason,
        );
        to.end()
    }
}

/// A registered promotion rule and when it lapses.
#[derive(Clone, Copy, Debug)]
pub struct CandidateView<'a>(pub &'a Candidate, pub Duration);

impl Serialize for CandidateView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(candidate, lifetime) = self;
        let mut to = serializer.serialize_struct("CandidateDatabaseInstance", 5)?;
        fields!(to;
            "Hostname": candidate.key.hostname(),
            "Port": candidate.key.port(),
            "PromotionRule": candidate.rule.as_str(),
            "LastSuggestedString": column_time(Some(candidate.last_suggested)),
            "PromotionRuleExpiry": expression_time(Some(candidate.last_suggested + *lifetime)),
        );
        to.end()
    }
}

/// `{"Key","Value"}`.
#[derive(Clone, Copy, Debug)]
pub struct KeyValueView<'a>(pub &'a str, pub &'a str);

impl Serialize for KeyValueView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut to = serializer.serialize_struct("KVPair", 2)?;
        fields!(to; "Key": self.0, "Value": self.1);
        to.end()
    }
}
