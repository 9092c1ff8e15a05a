//! Findings that an operator's command stands for: "treat this primary as dead", whatever the analysis says.

use decide::analysis;
use model::{AnalysisCode, Finding, Fleet, Instance, InstanceKey};

use crate::Engine;
use crate::operations::OperationError;

impl Engine {
    /// The finding of a cluster's primary as an operator's command needs it: its real counts, the code `DeadMaster`,
    /// and the command as hint. Made without maintenance and host name filters: the operator named the server.
    /// `expect` changes the fleet to what it will be when the finding counts.
    ///
    /// # Errors
    /// The server is not known.
    pub(super) fn synthetic_finding(
        &self,
        primary: &InstanceKey,
        hint: &str,
        expect: impl FnOnce(&mut Fleet),
    ) -> Result<Finding, OperationError> {
        let compiled = self.compiled();
        let mut finding = {
            let mut fleet = self.fleet().clone();
            fleet.maintenance.remove(primary);
            expect(&mut fleet);
            analysis::analyze_instance(
                &fleet,
                primary,
                &compiled.analysis,
                &OwnHosts(self.filters()),
                self.now(),
            )
        }
        .ok_or_else(|| OperationError::UnknownInstance(primary.clone()))?;
        let members = self.fleet().cluster_members(&finding.cluster.name).count();
        finding.cluster.count_instances = u32::try_from(members).unwrap_or(u32::MAX);
        // Analyses show the name of a cluster where no domain is known; hooks of commands get an empty one.
        finding.cluster.domain =
            self.fleet().cluster_domains.get(&finding.cluster.name).cloned().unwrap_or_default();
        finding.code = AnalysisCode::DeadMaster;
        finding.command_hint = hint.to_owned();
        finding.is_actionable = true;
        finding.skippable_due_to_downtime = false;
        Ok(finding)
    }

    /// The one primary of a cluster that a takeover or forced failover is about.
    ///
    /// # Errors
    /// None or several were found.
    pub(super) fn only_primary(
        &self,
        cluster_name: &str,
        writable_only: bool,
    ) -> Result<InstanceKey, OperationError> {
        let found = primaries(&self.fleet(), cluster_name, writable_only);
        decide::takeover::single_primary(cluster_name, &found)
            .map_err(|obstacles| OperationError::Refused(vec![obstacles.to_string()]))
    }
}

/// Members at depth 0 and co-primaries.
fn primaries(fleet: &Fleet, cluster_name: &str, writable_only: bool) -> Vec<InstanceKey> {
    let is_primary = |member: &&std::sync::Arc<Instance>| {
        (member.depth == 0 || member.is_co_primary) && !(writable_only && member.read_only)
    };
    fleet.cluster_members(cluster_name).filter(is_primary).map(|member| member.key.clone()).collect()
}

/// The filters in force, but no host is ignored.
struct OwnHosts(crate::detection::EngineFilters);

impl analysis::AnalysisFilters for OwnHosts {
    fn ignores_host(&self, _hostname: &str) -> bool {
        false
    }

    fn recovers_primary(&self, cluster_name: &str, cluster_alias: &str) -> bool {
        self.0.recovers_primary(cluster_name, cluster_alias)
    }

    fn recovers_intermediate(&self, cluster_name: &str, cluster_alias: &str) -> bool {
        self.0.recovers_intermediate(cluster_name, cluster_alias)
    }
}
