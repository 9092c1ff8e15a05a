//! Recoveries and detections as the API shows them: one shape for both.

use model::{
    ClusterDetails, CoordinateKind, Detection, Finding, InstanceKey, NodeIdentity, Recovery, RecoveryKind,
    RegroupMode,
};
use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::{AnalysisView, KeysView, OptionalKey, PlaceView, column_time, expression_time, fields};

const FIELDS: usize = 23;

/// A recovery, stored or just made.
#[derive(Clone, Debug)]
pub struct RecoveryView<'a> {
    recovery: &'a Recovery,
    analysis: Finding,
    is_live: bool,
}

impl<'a> RecoveryView<'a> {
    /// A recovery as the backend has it; `cluster` by the present settings.
    pub fn stored(recovery: &'a Recovery, cluster: ClusterDetails) -> Self {
        Self { recovery, analysis: Finding::of_case(&recovery.case, cluster), is_live: false }
    }

    /// A recovery that an operator asked for and that has just ended, with the finding it began from. Clients see
    /// neither times nor acknowledgement in it, and the node only in the finding.
    pub fn live(recovery: &'a Recovery, finding: Finding) -> Self {
        Self { recovery, analysis: finding, is_live: true }
    }

    /// Only a live recovery can have no successor at all; stored ones show an empty server.
    fn successor(&self) -> Option<InstanceKey> {
        let stored = || (!self.is_live).then(InstanceKey::none);
        self.recovery.successor.clone().or_else(stored)
    }
}

impl Serialize for RecoveryView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let recovery = self.recovery;
        let analysis = AnalysisView {
            finding: &self.analysis,
            node: self.is_live.then_some(&recovery.node),
            shows_actionable: self.is_live,
        };
        let (start, end) = if self.is_live { (None, None) } else { (Some(recovery.start), recovery.end) };
        let mut to = serializer.serialize_struct("TopologyRecovery", FIELDS)?;
        fields!(to;
            "Id": recovery.id,
            "UID": recovery.uid,
            "AnalysisEntry": analysis,
            "SuccessorKey": OptionalKey(self.successor().as_ref()),
            "SuccessorAlias": recovery.successor_alias,
            "SuccessorBinlogCoordinates":
                recovery.successor_coordinates.as_ref().map(|at| PlaceView(at, CoordinateKind::Binary)),
            "IsActive": recovery.in_active_period && !self.is_live,
            "IsSuccessful": recovery.is_successful,
            "LostReplicas": KeysView(&recovery.lost_replicas),
            "ParticipatingInstanceKeys": KeysView(&recovery.participating),
            "AllErrors": self.errors(),
            "RecoveryStartTimestamp": column_time(start),
            "RecoveryEndTimestamp": expression_time(end),
        );
        tail(&mut to, &self.tail())?;
        to.end()
    }
}

impl<'a> RecoveryView<'a> {
    /// Clients split the stored text at line ends, which makes one empty text of none.
    fn errors(&self) -> Vec<&'a str> {
        let errors = &self.recovery.errors;
        if errors.is_empty() && !self.is_live {
            vec![""]
        } else {
            errors.iter().map(String::as_str).collect()
        }
    }

    fn tail(&self) -> Tail<'a> {
        let recovery = self.recovery;
        Tail {
            node: (!self.is_live).then_some(&recovery.node),
            acknowledgement: (!self.is_live).then_some(recovery),
            last_detection_id: if self.is_live { 0 } else { recovery.last_detection_id },
            related_recovery_id: 0,
            kind: recovery.kind,
            mode: Some(recovery.mode),
        }
    }
}

/// What follows the times, in both shapes.
struct Tail<'a> {
    node: Option<&'a NodeIdentity>,
    acknowledgement: Option<&'a Recovery>,
    last_detection_id: i64,
    related_recovery_id: i64,
    kind: Option<RecoveryKind>,
    mode: Option<RegroupMode>,
}

fn tail<S: SerializeStruct>(to: &mut S, tail: &Tail<'_>) -> Result<(), S::Error> {
    let acknowledged = tail.acknowledgement;
    fields!(to;
        "ProcessingNodeHostname": tail.node.map_or("", |node| node.hostname.as_str()),
        "ProcessingNodeToken": tail.node.map_or("", |node| node.token.as_str()),
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
        Self { detection, analysis: Finding::of_case(&detection.case, cluster) }
    }
}

impl Serialize for DetectionView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let detection = self.detection;
        let start_active_period = column_time(Some(detection.start_active_period));
        let analysis = Finding { start_active_period, ..self.analysis.clone() };
        let mut to = serializer.serialize_struct("TopologyRecovery", FIELDS)?;
        fields!(to;
            "Id": detection.id,
            "UID": "",
            "AnalysisEntry": AnalysisView { finding: &analysis, node: None, shows_actionable: false },
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
            node: Some(&detection.node),
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
