//! Wiring: key-value stores outside, from the settings.

use std::sync::Arc;

use ports::PublishedStore;
use publish::{Consul, ConsulDataCenters, ConsulOptions, ZooKeeper};
use settings::{ConsulScheme, ConsulWrites, Publication};

/// The stores that are configured.
#[derive(Clone, Default)]
pub(crate) struct PublishedStores {
    zookeeper: Option<Arc<ZooKeeper>>,
    consul: Option<(Arc<Consul>, Arc<ConsulDataCenters>)>,
}

impl PublishedStores {
    /// Nothing is connected to.
    pub(crate) fn new(settings: &Publication) -> Self {
        let servers = &settings.zookeeper;
        let zookeeper = (!servers.is_empty()).then(|| Arc::new(ZooKeeper::new(servers.clone())));
        let consul = settings.consul_address.as_ref().map(|address| {
            let options = ConsulOptions {
                address: address.clone(),
                tls: settings.consul_scheme == ConsulScheme::Https,
                skip_verify: settings.consul_tls_skip_verify,
                ca_file: settings.consul_tls_authority.clone(),
                token: settings.consul_token.clone(),
                transactional: settings.consul_writes == ConsulWrites::Transactional,
            };
            let consul = Consul::new(options, settings.consul_transaction_size as usize);
            let centers = consul.data_centers(settings.consul_all_data_centers);
            (Arc::new(consul), Arc::new(centers))
        });
        Self { zookeeper, consul }
    }

    /// Takes over what may change while the process runs.
    pub(crate) fn reconfigure(&self, settings: &Publication) {
        if let Some((consul, centers)) = &self.consul {
            consul.use_transaction_size(settings.consul_transaction_size as usize);
            centers.switch(settings.consul_all_data_centers);
        }
    }

    /// As the engine sees them.
    pub(crate) fn all(&self) -> Vec<Arc<dyn PublishedStore>> {
        let mut all: Vec<Arc<dyn PublishedStore>> = Vec::new();
        if let Some(zookeeper) = &self.zookeeper {
            all.push(zookeeper.clone());
        }
        if let Some((consul, centers)) = &self.consul {
            all.push(consul.clone());
            all.push(centers.clone());
        }
        all
    }
}
