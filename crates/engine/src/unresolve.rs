//! Virtual names: the name under which replicas are told to reach a source, where an operator registered one.
//!
//! The name is looked at before it is used: it must lead to the very server it stands for. What a person asked for ends
//! with an error otherwise; a recovery goes on with the real name, which is better than a replica left behind.

use model::{Instance, InstanceKey};
use ports::Deadline;
use tracing::warn;

use crate::Engine;

/// What is done with registered virtual names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unresolve {
    /// They are used if they lead to the right server; otherwise that is an error.
    #[default]
    Checked,
    /// They are used if they lead to the right server; otherwise the real name is (`--skip-unresolve-check`).
    OrRealName,
    /// They are never used (`--skip-unresolve`).
    Never,
}

impl Engine {
    /// Says what is done with virtual names. Once, before anything is moved; without it they are checked and used.
    pub fn set_unresolve(&self, unresolve: Unresolve) {
        // A second call keeps the first: flags do not change while the process runs.
        let _ = self.inner.unresolve.set(unresolve);
    }

    /// The address that replicas of a server are told. Without a registration it is the server's own.
    ///
    /// # Errors
    /// A text: the virtual name cannot be read, or leads to another server.
    pub(crate) async fn address_for_replicas(
        &self,
        source: &InstanceKey,
        in_recovery: bool,
        deadline: Deadline,
    ) -> Result<InstanceKey, String> {
        let unresolve = self.inner.unresolve.get().copied().unwrap_or_default();
        let virtual_name = self.fleet().unresolved.get(source.hostname()).cloned();
        let Some(name) = virtual_name.filter(|name| !name.is_empty() && name != source.hostname()) else {
            return Ok(source.clone());
        };
        if unresolve == Unresolve::Never {
            return Ok(source.clone());
        }
        let address = InstanceKey::new(name, source.port());
        match self.check_address(source, &address, unresolve, deadline).await {
            Ok(true) => {
                // What a replica reports as its source must be known for what it is.
                self.store_resolved(address.hostname(), source.hostname()).await;
                Ok(address)
            }
            Ok(false) => Ok(source.clone()),
            Err(error) if in_recovery => {
                warn!(instance = %source, address = %address, error = %error, "the real name is used instead of the virtual one");
                Ok(source.clone())
            }
            Err(error) => Err(error),
        }
    }

    /// Whether the address leads to the server.
    async fn check_address(
        &self,
        source: &InstanceKey,
        address: &InstanceKey,
        unresolve: Unresolve,
        deadline: Deadline,
    ) -> Result<bool, String> {
        let request = self.probe_request(address);
        let found = self.inner.ports.servers.probe(address, &request, deadline).await;
        let found = found.map_err(|error| format!("the virtual name of {source} cannot be read: {error}"))?;
        if found.instance.is_binlog_server() && self.settings().naming.skip_binlog_server_check {
            return Ok(true);
        }
        let own = if found.own_name.is_empty() { address.hostname() } else { &found.own_name };
        let resolved = self.resolve_key(&InstanceKey::new(own, address.port())).await;
        let is_same_server =
            self.fleet().get(source).is_some_and(|known| is_same_server(known, &found.instance));
        if resolved.hostname() == source.hostname() || is_same_server {
            return Ok(true);
        }
        if unresolve == Unresolve::OrRealName {
            return Ok(false);
        }
        Err(format!(
            "Error unresolving; hostname={}, unresolved={}, re-resolved={}; mismatch. Skip/ignore with \
             --skip-unresolve-check",
            source.hostname(),
            address.hostname(),
            resolved.hostname()
        ))
    }
}

/// By the identity that a server gives itself; MariaDB has a number only.
fn is_same_server(one: &Instance, other: &Instance) -> bool {
    if one.server_uuid.is_empty() && other.server_uuid.is_empty() {
        return one.server_id != 0 && one.server_id == other.server_id;
    }
    one.server_uuid == other.server_uuid
}
