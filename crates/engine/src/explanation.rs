//! Explanations: what `decide::explain` says, with what only this process and its records know.

use decide::explain::{self, Explanation, Gates, World};
use model::{InstanceKey, Recovery};
use ports::{RecoveryQuery, StoreError};

use crate::Engine;
use crate::operations::OperationError;
use crate::policies;

impl Engine {
    /// Explains the verdict on one server, and why nothing is done about it or what is.
    ///
    /// # Errors
    /// The server is not known; the backend.
    pub async fn explain(&self, key: &InstanceKey) -> Result<Explanation, OperationError> {
        let server = self.known(key).await?;
        let gates = self.gates(&server.key, &server.cluster_name).await?;
        self.explain_behind(&server.key, &gates).ok_or_else(|| OperationError::UnknownInstance(key.clone()))
    }

    /// Explains every server of a cluster that has replicas or about which something was found; primaries first.
    ///
    /// # Errors
    /// No such cluster; the backend.
    pub async fn explain_cluster(&self, cluster_name: &str) -> Result<Vec<Explanation>, OperationError> {
        let members: Vec<(InstanceKey, bool)> = {
            let fleet = self.fleet();
            let mut members: Vec<_> = fleet.cluster_members(cluster_name).collect();
            members.sort_by_key(|member| (member.depth, member.key.clone()));
            let has_replicas = |key: &InstanceKey| fleet.replicas_of(key).next().is_some();
            members.iter().map(|member| (member.key.clone(), has_replicas(&member.key))).collect()
        };
        if members.is_empty() {
            return Err(OperationError::UnknownCluster(cluster_name.to_owned()));
        }
        let mut found = Vec::new();
        for (key, has_replicas) in members {
            let gates = self.gates(&key, cluster_name).await?;
            let explanation = self.explain_behind(&key, &gates);
            let is_telling = |explanation: &Explanation| {
                has_replicas || explanation.code != model::AnalysisCode::NoProblem
            };
            found.extend(explanation.filter(is_telling));
        }
        Ok(found)
    }

    fn explain_behind(&self, key: &InstanceKey, gates: &Gates) -> Option<Explanation> {
        let compiled = self.compiled();
        // A command on a backend that nobody polls into believes it, whatever its age.
        let policy = if self.is_service() {
            compiled.analysis.clone()
        } else {
            policies::analysis_policy(&self.settings())
        };
        let (fleet, filters) = (self.fleet(), self.filters());
        let world = World {
            fleet: &fleet,
            policy: &policy,
            filters: &filters,
            promotion: &compiled.failover,
            is_never_promoted: &|key| compiled.ignores_promotion(key),
            now: self.now(),
        };
        explain::explain(&world, key, gates)
    }

    fn is_service(&self) -> bool {
        self.identity().app == "http"
    }

    /// What could hold up a recovery of this server at this moment.
    async fn gates(&self, key: &InstanceKey, cluster_name: &str) -> Result<Gates, StoreError> {
        let (now, store) = (self.now(), self.store());
        let recoveries_disabled = store.recoveries_disabled().await?;
        let promoted = store.recoveries(RecoveryQuery::ActiveWithSuccessor(key.clone()), now).await?;
        let same =
            store.recoveries(RecoveryQuery::InActivePeriodOfCluster(cluster_name.to_owned()), now).await?;
        let unfinished = store.recoveries(RecoveryQuery::Unfinished, now).await?;
        let is_own = |recovery: &&Recovery| recovery.case.key == *key;
        let own = unfinished.iter().find(is_own).or_else(|| same.iter().find(is_own)).cloned();
        let settling = (self.is_service() && self.is_settling())
            .then(|| (self.compiled().analysis.poll * 3).saturating_sub(self.running_for()));
        Ok(Gates {
            is_passive: !self.may_act(),
            settling_until: settling.map(|left| now + left),
            recoveries_disabled,
            grace_until: self.inner.grace.remaining(key).map(|left| now + left),
            operation: self.operation_on(cluster_name),
            promoted_by: promoted.into_iter().find(|recovery| recovery.case.key != *key),
            failed_over: same.iter().find(|recovery| crate::recovery::replaces_a_primary(recovery)).cloned(),
            own,
            active_period: self.compiled().retention.recovery_active,
        })
    }
}
