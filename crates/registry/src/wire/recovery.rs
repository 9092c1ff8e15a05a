//! Recoveries and detections as the API shows them: one shape for both.

use model::{
    ClusterDetails, CoordinateKind, Detection, Finding, InstanceKey, NodeIdentity, Recovery, RecoveryKind,
    RegroupMode,
};
use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::{
    AnalysisView, KeyView, KeysView, OptionalKey, PlaceView, column_time, expression_time, fields,
    filled_from_case,
};

const FIELDS: usize = 23;

/// A recovery, stored or just made.
#[derive(Clone, Debug)]
pub struct RecoveryView<'a> {
    recovery: &'a Recovery,
    analysis: Finding,
}

impl<'a> RecoveryView<'a> {
    /// A recovery as the backend has it; `cluster` by the present settings.
    pub fn stored(recovery: &'a Recovery, cluster: ClusterDetails) -> Self {
        Self { recovery, analysis: filled_from_case(&recovery.case, cluster) }
    }
}

impl Serialize for RecoveryView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let recovery = self.recovery;
        let none = InstanceKey::none();
        let mut to = serializer.serialize_struct("TopologyRecovery", FIELDS)?;
        fields!(to;
            "Id": recovery.id,
            "UID": recovery.uid,
            "AnalysisEntry": AnalysisView { finding: &self.analysis, node: None, shows_actionable: false },
            "SuccessorKey": KeyView(recovery.successor.as_ref().unwrap_or(&none)),
            "SuccessorAlias": recovery.successor_alias,
            "SuccessorBinlogCoordinates":
                recovery.successor_coordinates.as_ref().map(|at| PlaceView(at, CoordinateKind::Binary)),
            "IsActive": recovery.in_active_period,
            "IsSuccessful": recovery.is_successful,
            "LostReplicas": KeysView(&recovery.lost_replicas),
            "ParticipatingInstanceKeys": KeysView(&recovery.participating),
            "AllErrors": errors(recovery),
            "RecoveryStartTimestamp": column_time(Some(recovery.start)),
            "RecoveryEndTimestamp": expression_time(recovery.end),
        );
        tail(&mut to, &Tail::of(recovery))?;
        to.end()
    }
}

/// Clients split the stored text at line ends, which makes one empty text of none.
fn errors(recovery: &Recovery) -> Vec<&str> {
    if recovery.errors.is_empty() { vec![""] } else { recovery.errors.iter().map(String::as_str).collect() }
}

/// What follows the times, in both shapes.
struct Tail<'a> {
    node: &'a NodeIdentity,
    acknowledgement: Option<&'a Recovery>,
    last_detection_id: i64,
    related_recovery_id: i64,
    kind: Option<RecoveryKind>,
    mode: Option<RegroupMode>,
}

impl<'a> Tail<'a> {
    fn of(recovery: &'a Recovery) -> Self {
        Self {
            node: &recovery.node,
            acknowledgement: Some(recovery),
            last_detection_id: recovery.last_detection_id,
            related_recovery_id: 0,
            kind: recovery.kind,
            mode: Some(recovery.mode),
        }
    }
}

fn tail<S: SerializeStruct>(to: &mut S, tail: &Tail<'_>) -> Result<(), S::Error> {
    let acknowledged = tail.acknowledgement;
    fields!(to;
        "ProcessingNodeHostname": tail.node.hostname,
        "ProcessingNodeToken": tail.node.token,
        "Acknowledged": acknowledged.is_some_and(|r| r.acknowledged),
        "AcknowledgedAt": column_time(acknowledged.and_then(|r| r.acknowledged_at)),
        "AcknowledgedBy": acknowledged.map_or("", |r| r.acknowledged_by.as_str()),
        "AcknowledgedComment": acknowledged.map_or("", |r| r.acknowledge_comment.as_str()),
        "LastDetectionId": tail.last_detection_id,
        "RelatedRecoveryId": tail.related_recovery_id,
        "Type": tail.kind.map_or("", RecoveryKind::as_str),
        "RecoveryType": tail.mode.map_or("", RegroupMode::as_str),
    );
    Ok(())
}

/// A detection.
#[derive(Clone, Debug)]
pub struct DetectionView<'a> {
    detection: &'a Detection,
    analysis: Finding,
}

impl<'a> DetectionView<'a> {
    /// A detection as the backend has it; `cluster` by the present settings.
    pub fn new(detection: &'a Detection, cluster: ClusterDetails) -> Self {
        let mut analysis = filled_from_case(&detection.case, cluster);
        analysis.start_active_period = column_time(Some(detection.start_active_period));
        Self { detection, analysis }
    }
}

impl Serialize for DetectionView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let detection = self.detection;
        let mut to = serializer.serialize_struct("TopologyRecovery", FIELDS)?;
        fields!(to;
            "Id": detection.id,
            "UID": "",
            "AnalysisEntry": AnalysisView { finding: &self.analysis, node: None, shows_actionable: false },
            "SuccessorKey": OptionalKey(None),
            "SuccessorAlias": "",
            "SuccessorBinlogCoordinates": (),
            "IsActive": detection.in_active_period,
            "IsSuccessful": false,
            "LostReplicas": KeysView(&[]),
            "ParticipatingInstanceKeys": KeysView(&[]),
            "AllErrors": (),
            "RecoveryStartTimestamp": column_time(Some(detection.start_active_period)),
            "RecoveryEndTimestamp": "",
        );
        let end = Tail {
            node: &detection.node,
            acknowledgement: None,
            last_detection_id: 0,
            related_recovery_id: detection.related_recovery_id,
            kind: None,
            mode: None,
        };
        tail(&mut to, &end)?;
        to.end()
    }
}
