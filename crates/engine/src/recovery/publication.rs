//! What is told to the outside after a promotion: alias and domain of the cluster, key-value pairs, downtime.

use model::{Command, Downtime, Finding, InstanceKey};

use crate::Engine;

impl Engine {
    /// Downtimes servers left behind and the former primary, whose detections end.
    pub(super) async fn set_lost_aside(&self, failed: Option<&InstanceKey>, lost: &[InstanceKey]) {
        let now = self.now();
        for key in failed.into_iter().chain(lost) {
            let downtime = Downtime {
                key: key.clone(),
                owner: self.identity().maintenance_owner.clone(),
                reason: Downtime::LOST_IN_RECOVERY.to_owned(),
                begin: now,
                end: Some(now + self.settings().lost_downtime()),
            };
            self.fleet_mut().downtimes.insert(key.clone(), downtime.clone());
            self.submit_patiently(Command::BeginDowntime(downtime)).await;
            self.audit(
                "begin-downtime",
                Some(key),
                format!(
                    "owner: {}, reason: {}",
                    self.identity().maintenance_owner,
                    Downtime::LOST_IN_RECOVERY
                ),
            )
            .await;
        }
        if let Some(failed) = failed {
            self.submit_quietly(Command::ClearDetections { key: failed.clone(), at: now }).await;
            self.inner.detection.forget_registered();
        }
    }

    /// Publishes the new primary of a cluster: alias, attribute of its domain, key-value pairs.
    pub(super) async fn publish_primary(&self, finding: &Finding, promoted: &InstanceKey, recovery: &str) {
        let cluster = &finding.cluster;
        self.publish_cluster((&cluster.name, &cluster.alias, &cluster.domain), promoted, recovery).await;
    }

    /// As [`Self::publish_primary`], by name, alias and domain. An empty alias or domain publishes nothing under it.
    async fn publish_cluster(
        &self,
        (name, alias, domain): (&str, &str, &str),
        promoted: &InstanceKey,
        recovery: &str,
    ) {
        let to = promoted.to_string();
        {
            let mut fleet = self.fleet_mut();
            if !alias.is_empty() {
                fleet.set_cluster_alias(&to, alias);
            }
            if let Some(alias_override) = fleet.cluster_alias_overrides.remove(name) {
                fleet.cluster_alias_overrides.insert(to.clone(), alias_override);
            }
            if let Some(domain) = fleet.cluster_domains.get(name).cloned() {
                fleet.cluster_domains.insert(to.clone(), domain);
            }
        }
        // First of all: clients wait for it, and the backend may take its time.
        self.put_primary_keys(alias, promoted, Some(recovery)).await;
        let rename = Command::RenameCluster {
            from: name.to_owned(),
            to: to.clone(),
            alias: alias.to_owned(),
            at: self.now(),
        };
        self.submit_patiently(rename).await;
        if !domain.is_empty() {
            self.submit_patiently(Command::SetAttribute {
                hostname: "*".to_owned(),
                name: domain.to_owned(),
                value: to,
                at: self.now(),
            })
            .await;
        }
    }

    /// The promotion of `candidate` was given up after it may have been published: the primary it was to replace is
    /// published again.
    pub(super) async fn publish_again(&self, primary: &InstanceKey, candidate: &InstanceKey, recovery: &str) {
        let name = candidate.to_string();
        let (alias, domain) = {
            let fleet = self.fleet();
            let alias_of = |name: &str| fleet.cluster_aliases.get(name).cloned();
            let domain_of = |name: &str| fleet.cluster_domains.get(name).cloned();
            let former = primary.to_string();
            (
                alias_of(&name).or_else(|| alias_of(&former)).unwrap_or_default(),
                domain_of(&name).or_else(|| domain_of(&former)).unwrap_or_default(),
            )
        };
        self.publish_cluster((&name, &alias, &domain), primary, recovery).await;
    }
}
