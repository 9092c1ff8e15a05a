//! A cluster as the API shows it.

use model::ClusterDetails;
use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::fields;

/// Name, alias, domain, size and automation of a cluster.
#[derive(Clone, Copy, Debug)]
pub struct ClusterView<'a>(pub &'a ClusterDetails);

impl Serialize for ClusterView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let cluster = self.0;
        let mut to = serializer.serialize_struct("ClusterInfo", 7)?;
        fields!(to;
            "ClusterName": cluster.name,
            "ClusterAlias": cluster.alias,
            "ClusterDomain": cluster.domain,
            "CountInstances": cluster.count_instances,
            "HeuristicLag": cluster.heuristic_lag_seconds,
            "HasAutomatedMasterRecovery": cluster.automated_primary_recovery,
            "HasAutomatedIntermediateMasterRecovery": cluster.automated_intermediate_recovery,
        );
        to.end()
    }
}
