//! How values look in JSON: names, order and types that clients of the API depend on.
//!
//! Inside, the vocabulary is ours; here, and only here, it is the one clients know (`MasterKey`, `SlaveHosts`). A
//! wrapper borrows the value and serialises it, so nothing is copied to answer a request. Absent on purpose: reading
//! these forms back, and any decision.

mod agents;
mod analysis;
mod cluster;
mod figures;
mod health;
mod instance;
mod json;
mod places;
mod quote;
mod records;
mod recovery;
mod times;

pub use agents::{AgentView, HostAttributeView, SeedStateView, SeedView};
pub use analysis::{AnalysisView, ChangelogView};
pub use cluster::ClusterView;
pub use figures::{
    BackendFigure, BackendStatistics, DiscoveryFigure, DiscoveryStatistics, FlushFigure, FlushStatistics,
    QueueFigure, QueueStatistics,
};
pub use health::{HealthView, NodeView};
pub use instance::InstanceView;
pub use json::{Envelope, envelope, to_json, to_json_with};
pub use places::{PlacesView, ResolvedView};
pub use records::{AuditView, BlockedView, CandidateView, KeyValueView, MaintenanceView, StepView};
pub use recovery::{DetectionView, RecoveryView};
pub use times::ColumnTimes;
pub(crate) use times::{column_time, expression_time};

use model::{BinlogCoordinates, CoordinateKind, InstanceKey};
use serde::ser::{Serialize, SerializeSeq, SerializeStruct, Serializer};

/// Serialises fields in the order written.
macro_rules! fields {
    ($to:ident; $($name:literal: $value:expr),+ $(,)?) => {
        $($to.serialize_field($name, &$value)?;)+
    };
}
pub(crate) use fields;

/// `{"Hostname","Port"}`.
#[derive(Clone, Copy, Debug)]
pub struct KeyView<'a>(pub &'a InstanceKey);

impl Serialize for KeyView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut to = serializer.serialize_struct("InstanceKey", 2)?;
        fields!(to; "Hostname": self.0.hostname(), "Port": self.0.port());
        to.end()
    }
}

/// A key, or `null`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OptionalKey<'a>(pub(crate) Option<&'a InstanceKey>);

impl Serialize for OptionalKey<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.map(KeyView).serialize(serializer)
    }
}

/// A list of keys; empty is `[]`.
#[derive(Clone, Copy, Debug)]
pub struct KeysView<'a>(pub &'a [InstanceKey]);

impl Serialize for KeysView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.0.len()))?;
        for key in self.0 {
            list.serialize_element(&KeyView(key))?;
        }
        list.end()
    }
}

/// `{"LogFile","LogPos","Type"}`; type 1 is a relay log.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PlaceView<'a>(pub(crate) &'a BinlogCoordinates, pub(crate) CoordinateKind);

impl Serialize for PlaceView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut to = serializer.serialize_struct("BinlogCoordinates", 3)?;
        let kind = match self.1 {
            CoordinateKind::Binary => 0,
            CoordinateKind::Relay => 1,
        };
        fields!(to; "LogFile": self.0.file, "LogPos": self.0.pos, "Type": kind);
        to.end()
    }
}

/// `{"Int64","Valid"}`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NullableInt(pub(crate) Option<i64>);

impl Serialize for NullableInt {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut to = serializer.serialize_struct("NullInt64", 2)?;
        fields!(to; "Int64": self.0.unwrap_or(0), "Valid": self.0.is_some());
        to.end()
    }
}

/// `{"Bool","Valid"}`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NullableBool(pub(crate) Option<bool>);

impl Serialize for NullableBool {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut to = serializer.serialize_struct("NullBool", 2)?;
        fields!(to; "Bool": self.0.unwrap_or(false), "Valid": self.0.is_some());
        to.end()
    }
}
