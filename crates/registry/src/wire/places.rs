//! Places in binary logs, and resolved names, as the API shows them.

use model::{BinlogCoordinates, CoordinateKind, InstanceKey};
use serde::ser::{Serialize, SerializeSeq, SerializeStruct, Serializer};

use super::{KeyView, PlaceView, fields};

/// A list of `{"Key","Coordinates"}`; empty is `[]`.
#[derive(Clone, Copy, Debug)]
pub struct PlacesView<'a>(pub &'a [(InstanceKey, BinlogCoordinates)]);

impl Serialize for PlacesView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.0.len()))?;
        for (key, at) in self.0 {
            list.serialize_element(&Place { key, at })?;
        }
        list.end()
    }
}

struct Place<'a> {
    key: &'a InstanceKey,
    at: &'a BinlogCoordinates,
}

impl Serialize for Place<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut to = serializer.serialize_struct("InstanceBinlogCoordinates", 2)?;
        fields!(to;
            "Key": KeyView(self.key),
            "Coordinates": PlaceView(self.at, CoordinateKind::Binary),
        );
        to.end()
    }
}

/// `{"Object","Expiration"}` of a resolved name; the time in nanoseconds since 1970.
#[derive(Clone, Copy, Debug)]
pub struct ResolvedView<'a> {
    /// What the name resolves to.
    pub resolved: &'a str,
    /// When it is looked up again.
    pub expiration_nanos: i64,
}

impl Serialize for ResolvedView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut to = serializer.serialize_struct("Resolved", 2)?;
        fields!(to; "Object": self.resolved, "Expiration": self.expiration_nanos);
        to.end()
    }
}
