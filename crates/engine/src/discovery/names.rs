//! Names: what a server calls itself and its neighbours, resolved so that one server never becomes two instances.

use std::time::Duration;

use decide::cluster_attributes::{self, ClassSource, ClassSources};
use decide::errant::{Lineage, errant_from_texts};
use model::{
    Candidate, Command, Detected, Fleet, Instance, InstanceKey, Observation, PromotionRule, Timestamp,
};
use ports::Deadline;
use tracing::warn;

use crate::Engine;
use crate::compiled::ResolveMethod;

const LOOKUP_LIMIT: Duration = Duration::from_secs(1);

impl Engine {
    /// The key under which a server is kept: its host name resolved through what is known and, when configured, DNS.
    pub async fn resolve_key(&self, key: &InstanceKey) -> InstanceKey {
        if key.is_detached() || key.hostname().is_empty() || key.hostname() == "_" {
            return key.clone();
        }
        InstanceKey::new(self.resolve_hostname(key.hostname()).await, key.port())
    }

    /// The canonical name of a host by DNS, without dots at its end; `None` when there is none.
    pub async fn canonical_name(&self, hostname: &str) -> Option<String> {
        if hostname.parse::<std::net::IpAddr>().is_ok() {
            return None;
        }
        self.inner.ports.names.canonical(hostname, Deadline::after(LOOKUP_LIMIT)).await
    }

    async fn resolve_hostname(&self, hostname: &str) -> String {
        // Twice, so that a chain of two stored resolutions (alias, then the server's own name) is followed.
        let known = {
            let fleet = self.fleet();
            fleet.resolve(fleet.resolve(hostname)).to_owned()
        };
        if known != hostname {
            return known;
        }
        let compiled = self.compiled();
        let looked_up = match compiled.resolve_method {
            ResolveMethod::None | ResolveMethod::Default => return known,
            ResolveMethod::Ip => self.first_address(hostname).await,
            ResolveMethod::Cname => {
                self.inner.ports.names.canonical(hostname, Deadline::after(LOOKUP_LIMIT)).await
            }
        };
        match looked_up {
            Some(name) if name != hostname && !compiled.rejects_resolved(&name) => {
                self.store_resolved(hostname, &name).await;
                name
            }
            Some(_) | None => known,
        }
    }

    /// First IPv4 address, else first IPv6 address.
    async fn first_address(&self, hostname: &str) -> Option<String> {
        let addresses = self.inner.ports.names.addresses(hostname, Deadline::after(LOOKUP_LIMIT)).await;
        let first = addresses.iter().find(|address| address.is_ipv4()).or(addresses.first());
        first.map(ToString::to_string)
    }

    /// Remembers that a host name stands for another, in memory and in the backend.
    pub(crate) async fn store_resolved(&self, hostname: &str, resolved: &str) {
        let former = self.fleet_mut().resolved.insert(hostname.to_owned(), resolved.to_owned());
        if former.as_deref() == Some(resolved) {
            return;
        }
        self.submit_quietly(Command::SetResolved {
            hostname: hostname.to_owned(),
            resolved: resolved.to_owned(),
            at: self.now(),
        })
        .await;
    }

    /// Turns an observation into an instance under its own name, with neighbours resolved and patterns applied.
    pub(super) async fn settle_names(
        &self,
        asked: &InstanceKey,
        observation: Observation,
    ) -> (Instance, Detected) {
        let Observation { mut instance, own_name, detected, .. } = observation;
        if !own_name.is_empty() && own_name != asked.hostname() {
            self.store_resolved(asked.hostname(), &own_name).await;
        }
        let own_name = if own_name.is_empty() { asked.hostname().to_owned() } else { own_name };
        instance.key = InstanceKey::new(own_name, asked.port());
        instance.primary_key = self.resolve_key(&instance.primary_key).await;
        let compiled = self.compiled();
        let mut replicas = Vec::with_capacity(instance.replicas.len() + detected.ndb_nodes.len());
        for replica in &instance.replicas {
            let replica = self.resolve_key(replica).await;
            if replica.is_valid() && !compiled.ignores_replica(&replica) {
                replicas.push(replica);
            }
        }
        for node in &detected.ndb_nodes {
            replicas.push(self.resolve_key(node).await);
        }
        replicas.sort();
        replicas.dedup();
        instance.replicas = replicas;
        for member in &mut instance.group.members {
            *member = self.resolve_key(member).await;
        }
        if let Some(primary) = instance.group.primary.take() {
            instance.group.primary = Some(self.resolve_key(&primary).await);
        }
        (instance, detected)
    }

    /// Everything that follows from what is already known: classification, place in the cluster, errant transactions.
    /// Returns the domain to record for the cluster.
    pub(super) fn place(
        &self,
        fleet: &Fleet,
        instance: &mut Instance,
        detected: &Detected,
    ) -> Option<String> {
        let compiled = self.compiled();
        let attributes = &compiled.settings.attributes;
        let known = fleet.get(&instance.key).map(|known| known.as_ref());
        let data_center = |host: &str| pattern(&attributes.data_center_pattern, host);
        let region = |host: &str| pattern(&attributes.region_pattern, host);
        let environment = |host: &str| pattern(&attributes.environment_pattern, host);
        let sources = ClassSources {
            data_center: ClassSource {
                from_hostname: &data_center,
                is_queried: attributes.data_center_query.is_some(),
            },
            region: ClassSource { from_hostname: &region, is_queried: attributes.region_query.is_some() },
            physical_environment: ClassSource {
                from_hostname: &environment,
                is_queried: attributes.environment_query.is_some(),
            },
            alias_is_queried: attributes.instance_alias_query.is_some(),
        };
        cluster_attributes::classify(known, instance, detected, &sources);
        instance.semi_sync.priority =
            detected.semi_sync_priority.unwrap_or_else(|| known.map_or(0, |known| known.semi_sync.priority));
        instance.pseudo_gtid =
            detected.pseudo_gtid.unwrap_or_else(|| known.is_some_and(|known| known.pseudo_gtid));
        instance.lag_seconds = detected.lag_seconds.unwrap_or(instance.replication.seconds_behind);
        let name_to_alias = |name: &str| attributes.cluster_aliases.alias_of(name).map(str::to_owned);
        let placement = cluster_attributes::place(fleet, instance, detected, &name_to_alias);
        let reference = placement.reference.as_ref().and_then(|reference| fleet.get(reference));
        instance.gtid_errant =
            reference.map(|reference| errant_text(instance, reference)).unwrap_or_default();
        placement.cluster_domain
    }

    /// A rule read from the server is registered at every read, so that it does not expire; written when it changed
    /// or half its life has passed.
    pub(super) async fn refresh_promotion_rule(
        &self,
        key: &InstanceKey,
        rule: PromotionRule,
        now: Timestamp,
    ) {
        let candidate = Candidate { key: key.clone(), rule, last_suggested: now };
        let due = {
            let fleet = self.fleet();
            fleet.candidates.get(key).is_none_or(|known| {
                known.rule != rule
                    || now.saturating_since(known.last_suggested) > self.compiled().retention.candidate / 2
            })
        };
        if due {
            self.fleet_mut().candidates.insert(key.clone(), candidate.clone());
            self.submit_quietly(Command::RegisterCandidate(candidate)).await;
        }
    }

    pub(super) async fn refresh_cluster_domain(&self, cluster_name: &str, domain: String, now: Timestamp) {
        if domain.is_empty() || self.fleet().cluster_domains.get(cluster_name) == Some(&domain) {
            return;
        }
        self.fleet_mut().cluster_domains.insert(cluster_name.to_owned(), domain.clone());
        self.submit_quietly(Command::SetClusterDomain {
            cluster_name: cluster_name.to_owned(),
            domain,
            at: now,
        })
        .await;
    }

    /// Submits book-keeping whose failure must not fail the work at hand; the failure is logged.
    pub(crate) async fn submit_quietly(&self, command: Command) -> Option<model::CommandOutcome> {
        match self.submit(command).await {
            Ok(outcome) => Some(outcome),
            Err(error) => {
                warn!(error = %error, "a durable change was not written");
                None
            }
        }
    }
}

fn pattern(pattern: &Option<settings::FirstGroup>, host: &str) -> Option<String> {
    pattern.as_ref()?.find(host).map(str::to_owned)
}

/// Transactions of a server that the server it follows lacks, as the servers would print them.
fn errant_text(instance: &Instance, reference: &Instance) -> String {
    if instance.executed_gtid.is_empty() || instance.executed_gtid == reference.executed_gtid {
        return String::new();
    }
    let lineage = Lineage::from_texts(
        &instance.server_uuid,
        &instance.replication.primary_uuid,
        &instance.ancestry_uuid,
        instance.is_co_primary,
    );
    errant_from_texts(&instance.executed_gtid, &reference.executed_gtid, &lineage).to_server_text()
}
