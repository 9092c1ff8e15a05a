//! From given texts to servers and clusters.
//!
//! A server that was given and cannot be understood is an error; only a server that was not given at all, on the
//! command line, means the host the command runs on.

use std::sync::Arc;

use decide::clusters::{LookupError, cluster_by_alias, find_instance, resolve_cluster_hint};
use model::{Instance, InstanceKey};
use registry::{ClusterText, KeyText};

use super::answer::Failure;
use super::call::{Call, Surface};

impl Call<'_> {
    /// The given server, as it was given; the host of this process if none was, on the command line.
    pub(super) fn given_key(&self) -> Result<InstanceKey, Failure> {
        match &self.args.instance {
            Some(text) => self.parsed(text),
            None if self.is_command() => self.this_host(),
            None => Err(Failure::input("NewResolveInstanceKey: Empty hostname")),
        }
    }

    /// As [`Self::given_key`], and never this host: somebody must have named it.
    pub(super) fn named_key(&self) -> Result<InstanceKey, Failure> {
        if self.args.instance.is_none() {
            return Err(Failure::input("Cannot deduce instance: give one with -i"));
        }
        self.given_key()
    }

    /// The given server by the name it goes by.
    pub(super) async fn resolved_key(&self) -> Result<InstanceKey, Failure> {
        let key = self.given_key()?;
        Ok(self.engine.resolve_key(&key).await)
    }

    /// The given server; a part of its host name is enough when only one known server matches.
    pub(super) async fn figured_key(&self) -> Result<InstanceKey, Failure> {
        let key = self.resolved_key().await?;
        let fleet = self.engine.fleet();
        Ok(find_instance(&fleet, &key).map_or(key, |instance| instance.key.clone()))
    }

    /// The given server, which must be known.
    pub(super) async fn known(&self) -> Result<Arc<Instance>, Failure> {
        let key = self.resolved_key().await?;
        self.find(&key)
    }

    fn find(&self, key: &InstanceKey) -> Result<Arc<Instance>, Failure> {
        find_instance(&self.engine.fleet(), key).cloned().ok_or_else(|| {
            Failure::unknown(match self.surface {
                Surface::Http => format!("Cannot read instance: {key}"),
                Surface::Command | Surface::CommandJson => format!("Instance not found: {key}"),
            })
        })
    }

    /// The given other server, if one was given.
    pub(super) async fn destination(&self) -> Result<Option<InstanceKey>, Failure> {
        let Some(text) = &self.args.destination else { return Ok(None) };
        let key = self.engine.resolve_key(&self.parsed(text)?).await;
        let fleet = self.engine.fleet();
        Ok(Some(find_instance(&fleet, &key).map_or(key, |instance| instance.key.clone())))
    }

    /// As [`Self::destination`], but nothing that merely looks like the name is taken for it.
    pub(super) async fn exact_destination(&self) -> Result<Option<InstanceKey>, Failure> {
        let Some(text) = &self.args.destination else { return Ok(None) };
        Ok(Some(self.engine.resolve_key(&self.parsed(text)?).await))
    }

    /// The given other server, which must be given and known.
    pub(super) async fn known_destination(&self) -> Result<Arc<Instance>, Failure> {
        let key =
            self.destination().await?.ok_or_else(|| Failure::input("Cannot deduce target instance: "))?;
        self.find(&key)
    }

    fn parsed(&self, text: &KeyText) -> Result<InstanceKey, Failure> {
        let key = match text {
            KeyText::Parts { host, port } => InstanceKey::from_parts(host, port),
            KeyText::Text(text) => InstanceKey::parse(text, self.settings.topology.default_port),
        };
        key.map_err(|error| Failure::input(error.to_string()))
    }

    /// The host this process runs on, at the default port.
    fn this_host(&self) -> Result<InstanceKey, Failure> {
        let hostname = self.engine.node().hostname.as_str();
        if hostname.is_empty() {
            return Err(Failure::input("Cannot deduce instance: give one with -i"));
        }
        Ok(InstanceKey::new(hostname, self.settings.topology.default_port))
    }

    /// The name of the given cluster, or `None` when none was given.
    pub(super) async fn given_cluster(&self) -> Result<Option<String>, Failure> {
        match (&self.args.cluster, &self.args.instance) {
            (Some(ClusterText::Name(name)), _) => Ok(Some(name.clone())),
            (Some(ClusterText::Alias(alias)), _) => Ok(Some(cluster_by_alias(&self.engine.fleet(), alias)?)),
            (Some(ClusterText::Hint(hint)), _) => self.cluster_by_hint(hint).map(Some),
            (None, Some(_)) => {
                let key = self.resolved_key().await?;
                self.cluster_by_hint(&key.display_bracketed()).map(Some)
            }
            (None, None) => Ok(None),
        }
    }

    fn cluster_by_hint(&self, hint: &str) -> Result<String, Failure> {
        let default_port = self.settings.topology.default_port;
        Ok(resolve_cluster_hint(&self.engine.fleet(), hint, default_port, &self.name_to_alias())?)
    }

    /// Where no cluster was found: the only one there is. Of several none is meant.
    pub(super) fn only_cluster(&self, found: String) -> Result<String, Failure> {
        if !found.is_empty() {
            return Ok(found);
        }
        let fleet = self.engine.fleet();
        let mut names = fleet.cluster_names();
        match (names.next(), names.next()) {
            (Some(only), None) => Ok(only.to_owned()),
            (None, _) | (Some(_), Some(_)) => Err(LookupError::NoClusterInfo(found).into()),
        }
    }

    /// The name of the given cluster. On the command line, where nothing was given: the cluster this host is in, or the
    /// empty name, of which nothing is known.
    pub(super) async fn cluster(&self) -> Result<String, Failure> {
        if let Some(name) = self.given_cluster().await? {
            return Ok(name);
        }
        if !self.is_command() {
            return self.cluster_by_hint("");
        }
        let own = self.this_host()?;
        Ok(self.cluster_by_hint(&own.display_bracketed()).unwrap_or_default())
    }
}
