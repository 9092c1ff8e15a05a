//! What hooks are told: the placeholders of their text and the `ORC_*` variables of their environment.

use model::{Finding, InstanceKey, Recovery};
use ports::HookEnvironment;

/// Builds the environment of hooks for a finding and, while or after recovering, the recovery.
///
/// `uid` is the recovery's, or a fresh one for detection hooks. Successor placeholders stay unreplaced, and their
/// variables unset, until a successor is known. Lists are sorted.
pub(crate) fn hook_environment(
    finding: &Finding,
    uid: &str,
    recovery: Option<&Recovery>,
    orchestrator_host: &str,
) -> HookEnvironment {
    let mut hook = HookEnvironment::default();
    let mut both = |placeholders: &[&str], variable: &str, value: String| {
        for placeholder in placeholders {
            hook.placeholders.push((format!("{{{placeholder}}}"), value.clone()));
        }
        if !variable.is_empty() {
            hook.variables.push((variable.to_owned(), value));
        }
    };
    both(&["failureType"], "ORC_FAILURE_TYPE", finding.code.to_string());
    both(&["instanceType"], "ORC_INSTANCE_TYPE", finding.facts.instance_type().to_owned());
    both(&["isMaster"], "ORC_IS_MASTER", finding.facts.is_primary.to_string());
    both(&["isCoMaster"], "ORC_IS_CO_MASTER", finding.facts.is_co_primary.to_string());
    both(&["failureDescription"], "ORC_FAILURE_DESCRIPTION", finding.description.clone());
    both(&["command"], "ORC_COMMAND", finding.command_hint.clone());
    both(&["failedHost"], "ORC_FAILED_HOST", finding.key.hostname().to_owned());
    both(&["failedPort"], "ORC_FAILED_PORT", finding.key.port().to_string());
    both(&["failureCluster"], "ORC_FAILURE_CLUSTER", finding.cluster.name.clone());
    both(&["failureClusterAlias"], "ORC_FAILURE_CLUSTER_ALIAS", finding.cluster.alias.clone());
    both(&["failureClusterDomain"], "ORC_FAILURE_CLUSTER_DOMAIN", finding.cluster.domain.clone());
    both(&["countSlaves", "countReplicas"], "ORC_COUNT_REPLICAS", finding.facts.replicas.to_string());
    both(&["isDowntimed"], "ORC_IS_DOWNTIMED", finding.is_downtimed.to_string());
    both(
        &["autoMasterRecovery"],
        "ORC_AUTO_MASTER_RECOVERY",
        finding.cluster.automated_primary_recovery.to_string(),
    );
    both(
        &["autoIntermediateMasterRecovery"],
        "ORC_AUTO_INTERMEDIATE_MASTER_RECOVERY",
        finding.cluster.automated_intermediate_recovery.to_string(),
    );
    both(&["orchestratorHost"], "ORC_ORCHESTRATOR_HOST", orchestrator_host.to_owned());
    both(&["recoveryUID"], "ORC_RECOVERY_UID", uid.to_owned());
    both(
        &["isSuccessful"],
        "ORC_IS_SUCCESSFUL",
        recovery.is_some_and(|recovery| recovery.successor.is_some()).to_string(),
    );
    let lost = recovery.map(|recovery| recovery.lost_replicas.as_slice()).unwrap_or_default();
    both(&["lostSlaves", "lostReplicas"], "ORC_LOST_REPLICAS", comma_list(lost));
    both(&["countLostReplicas"], "", lost.len().to_string());
    both(&["slaveHosts", "replicaHosts"], "ORC_REPLICA_HOSTS", comma_list(&finding.replicas));
    if let Some((recovery, successor)) = recovery.and_then(|found| Some((found, found.successor.as_ref()?))) {
        both(&["successorHost"], "ORC_SUCCESSOR_HOST", successor.hostname().to_owned());
        both(&["successorPort"], "ORC_SUCCESSOR_PORT", successor.port().to_string());
        both(&["successorAlias"], "ORC_SUCCESSOR_ALIAS", recovery.successor_alias.clone());
        let coordinates =
            recovery.successor_coordinates.as_ref().map(ToString::to_string).unwrap_or_default();
        both(&["successorBinlogCoordinates"], "ORC_SUCCESSOR_BINLOG_COORDINATES", coordinates);
    }
    hook
}

/// What hooks learn when a server took the place of its primary. Both names hold `host:port`, as they always did there.
pub(crate) fn takeover_pair(successor: &InstanceKey, demoted: &InstanceKey) -> HookEnvironment {
    let arguments = vec![successor.to_string(), demoted.to_string()];
    let mut hook = HookEnvironment { arguments, ..HookEnvironment::default() };
    for (placeholder, variable, key) in
        [("successorHost", "ORC_SUCCESSOR_HOST", successor), ("failedHost", "ORC_FAILED_HOST", demoted)]
    {
        hook.placeholders.push((format!("{{{placeholder}}}"), key.to_string()));
        hook.variables.push((variable.to_owned(), key.to_string()));
    }
    hook
}

/// `host:port,host:port`.
pub(crate) fn comma_list(keys: &[InstanceKey]) -> String {
    keys.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}
