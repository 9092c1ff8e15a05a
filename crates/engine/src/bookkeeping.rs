//! What operators say about servers and clusters without changing them: tags, maintenance, pools, names, aliases,
//! published primaries, snapshots, tokens.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use model::{Command, CommandOutcome, InstanceKey, Maintenance, Tag};
use ports::Deadline;

use crate::Engine;
use crate::operations::OperationError;
use crate::relocations::refused;

/// What a maintenance of zero length means.
const DEFAULT_MAINTENANCE: Duration = Duration::from_secs(600);
/// Longest look-up of the addresses of a primary.
const LOOKUP_LIMIT: Duration = Duration::from_secs(1);

/// Key-value pairs, in order.
pub type KeyValues = Vec<(String, String)>;

/// Reads the configuration again, also from one more file, and puts it in force; an error changes nothing.
pub type Reload = Arc<dyn Fn(Option<PathBuf>) -> Result<(), String> + Send + Sync>;

impl Engine {
    /// Gives a server a tag, or the tag of that name another value.
    ///
    /// # Errors
    /// The backend.
    pub async fn put_tag(&self, key: &InstanceKey, tag: Tag) -> Result<(), OperationError> {
        self.submit(Command::PutTag { key: key.clone(), tag: tag.clone(), at: self.now() }).await?;
        let mut fleet = self.fleet_mut();
        let tags = fleet.tags.entry(key.clone()).or_default();
        tags.retain(|known| known.name != tag.name);
        tags.insert(tag);
        Ok(())
    }

    /// Takes a tag from servers that bear it (with that value, when one is given): from one, or from all. Returns the
    /// servers that bore it.
    ///
    /// # Errors
    /// The backend.
    pub async fn remove_tag(
        &self,
        only: Option<&InstanceKey>,
        name: &str,
        value: Option<&str>,
    ) -> Result<Vec<InstanceKey>, OperationError> {
        let is_meant = |tag: &&Tag| tag.name == name && value.is_none_or(|value| tag.value == value);
        let bearers: Vec<InstanceKey> = {
            let fleet = self.fleet();
            let of = fleet.tags.iter().filter(|(key, _)| only.is_none_or(|only| only == *key));
            of.filter(|(_, tags)| tags.iter().any(|tag| is_meant(&tag))).map(|(key, _)| key.clone()).collect()
        };
        for key in &bearers {
            self.submit(Command::DeleteTag { key: key.clone(), name: name.to_owned() }).await?;
            let removed = self.fleet_mut().tags.get_mut(key).and_then(|tags| {
                let removed = tags.iter().find(|tag| tag.name == name).cloned()?;
                tags.remove(&removed);
                Some(removed)
            });
            let value = removed.map(|tag| tag.value).unwrap_or_default();
            self.audit("delete-instance-tag", Some(key), format!("{name}={value}")).await;
        }
        Ok(bearers)
    }

    /// Takes the maintenance lock of a server for a person. A duration of zero means ten minutes.
    ///
    /// # Errors
    /// Somebody holds it.
    pub async fn begin_maintenance(
        &self,
        key: &InstanceKey,
        owner: &str,
        reason: &str,
        duration: Duration,
    ) -> Result<(), OperationError> {
        let begin = self.now();
        let end = begin + if duration.is_zero() { DEFAULT_MAINTENANCE } else { duration };
        let outcome = self
            .submit(Command::BeginMaintenance {
                key: key.clone(),
                owner: owner.to_owned(),
                reason: reason.to_owned(),
                begin,
                end,
                explicitly_bounded: true,
                node: self.node().clone(),
            })
            .await?;
        let CommandOutcome::Inserted(Some(id)) = outcome else {
            return refused(format!(
                "Cannot begin maintenance for instance: {key}; maintenance reason: {reason}"
            ));
        };
        let lock = Maintenance {
            id,
            key: key.clone(),
            owner: owner.to_owned(),
            reason: reason.to_owned(),
            begin,
            end: Some(end),
        };
        self.fleet_mut().maintenance.insert(key.clone(), lock);
        let message = format!("maintenanceToken: {id}, owner: {owner}, reason: {reason}");
        self.audit("begin-maintenance", Some(key), message).await;
        Ok(())
    }

    /// Gives the maintenance lock of a server back. `token` is its number when it was named by that, for the audit.
    /// Whether there was one.
    ///
    /// # Errors
    /// The backend.
    pub async fn end_maintenance(
        &self,
        key: &InstanceKey,
        token: Option<i64>,
    ) -> Result<bool, OperationError> {
        self.fleet_mut().maintenance.remove(key);
        let outcome = self.submit(Command::EndMaintenance { key: key.clone(), at: self.now() }).await?;
        let existed = outcome == CommandOutcome::Existed(true);
        if existed {
            let message = token.map(|token| format!("maintenanceToken: {token}")).unwrap_or_default();
            self.audit("end-maintenance", Some(key), message).await;
        }
        Ok(existed)
    }

    /// Replaces the members of a pool.
    ///
    /// # Errors
    /// The backend.
    pub async fn submit_pool(&self, pool: &str, members: Vec<InstanceKey>) -> Result<(), OperationError> {
        let count = members.len();
        self.submit(Command::SubmitPool { pool: pool.to_owned(), members, at: self.now() }).await?;
        self.audit("submit-pool-instances", None, format!("{pool}: {count} instances")).await;
        Ok(())
    }

    /// Gives a cluster the alias that an operator wants, whatever its servers say.
    ///
    /// # Errors
    /// The backend.
    pub async fn set_cluster_alias(&self, cluster_name: &str, alias: &str) -> Result<(), OperationError> {
        let (name, wanted) = (cluster_name.to_owned(), alias.to_owned());
        self.submit(Command::SetClusterAliasOverride { cluster_name: name.clone(), alias: wanted.clone() })
            .await?;
        self.submit(Command::SetClusterAlias {
            cluster_name: name.clone(),
            alias: wanted.clone(),
            at: self.now(),
        })
        .await?;
        let mut fleet = self.fleet_mut();
        fleet.cluster_alias_overrides.insert(name.clone(), wanted.clone());
        fleet.set_cluster_alias(&name, &wanted);
        Ok(())
    }

    /// Registers the name under which a host is reached by its replicas; an empty one removes it.
    ///
    /// # Errors
    /// The backend.
    pub async fn register_unresolve(
        &self,
        key: &InstanceKey,
        virtual_name: &str,
    ) -> Result<(), OperationError> {
        let hostname = key.hostname().to_owned();
        self.submit(Command::SetUnresolved {
            hostname: hostname.clone(),
            unresolved: virtual_name.to_owned(),
            at: self.now(),
        })
        .await?;
        let mut fleet = self.fleet_mut();
        if virtual_name.is_empty() {
            fleet.unresolved.remove(&hostname);
        } else {
            fleet.unresolved.insert(hostname, virtual_name.to_owned());
        }
        Ok(())
    }

    /// Forgets what host names resolve to, here and in the backend.
    ///
    /// # Errors
    /// The backend.
    pub async fn forget_resolved(&self) -> Result<(), OperationError> {
        self.submit(Command::ForgetResolved).await?;
        self.fleet_mut().resolved.clear();
        self.audit("reset-hostname-resolve-cache", None, "").await;
        Ok(())
    }

    /// What the key-value stores are told about the primary of a cluster: itself, its host, port and addresses. Nothing of
    /// a cluster without alias.
    pub(crate) async fn primary_pairs(&self, alias: &str, primary: &InstanceKey) -> KeyValues {
        if alias.is_empty() {
            return KeyValues::new();
        }
        let prefix = &self.compiled().kv_prefix;
        let (v4, v6) = self.addresses(primary.hostname()).await;
        vec![
            (format!("{prefix}{alias}"), primary.to_string()),
            (format!("{prefix}{alias}/hostname"), primary.hostname().to_owned()),
            (format!("{prefix}{alias}/port"), primary.port().to_string()),
            (format!("{prefix}{alias}/ipv4"), v4),
            (format!("{prefix}{alias}/ipv6"), v6),
        ]
    }

    /// The addresses of a host, one of each family: as found now, else as the backend has them from earlier, else empty.
    async fn addresses(&self, hostname: &str) -> (String, String) {
        let (v4, v6) = self.looked_up(hostname).await;
        if !v4.is_empty() && !v6.is_empty() {
            return (v4, v6);
        }
        let stored = self.store().host_addresses(hostname).await.ok().flatten();
        let (stored_v4, stored_v6) = stored.unwrap_or_default();
        let or = |found: String, stored| if found.is_empty() { stored } else { found };
        (or(v4, stored_v4), or(v6, stored_v6))
    }

    /// The first address of each family that is found; empty where there is none.
    async fn looked_up(&self, hostname: &str) -> (String, String) {
        let found = self.inner.ports.names.addresses(hostname, Deadline::after(LOOKUP_LIMIT)).await;
        let first = |wanted: fn(&IpAddr) -> bool| {
            found.iter().find(|address| wanted(address)).map(ToString::to_string).unwrap_or_default()
        };
        (first(IpAddr::is_ipv4), first(IpAddr::is_ipv6))
    }

    /// Records where every server stands; how many there are.
    ///
    /// # Errors
    /// The backend.
    pub async fn snapshot_topologies(&self) -> Result<u64, OperationError> {
        self.flush_writes().await?;
        match self.submit(Command::SnapshotTopologies { at: self.now() }).await? {
            CommandOutcome::Count(count) => Ok(count),
            CommandOutcome::Done | CommandOutcome::Inserted(_) | CommandOutcome::Existed(_) => Ok(0),
        }
    }

    /// Issues an access token: 64 hexadecimal digits to redeem for the right to change things.
    ///
    /// # Errors
    /// The backend, or the system has no random numbers.
    pub async fn issue_token(&self, owner: &str) -> Result<String, OperationError> {
        let unavailable = |error: std::io::Error| {
            OperationError::Refused(vec![format!("no random numbers from the system: {error}")])
        };
        let public = random_digits().map_err(unavailable)?;
        let secret = random_digits().map_err(unavailable)?;
        let owner = owner.to_owned();
        self.submit(Command::IssueAccessToken { public: public.clone(), secret, owner, at: self.now() })
            .await?;
        Ok(public)
    }

    /// Redeems an access token; returns the secret that goes with it.
    ///
    /// # Errors
    /// It does not exist, has lapsed, or was redeemed already.
    pub async fn redeem_token(&self, public: &str) -> Result<String, OperationError> {
        let authority = &self.settings().authority;
        let issued_since = self.now() - authority.token_redeem_time;
        let redeem = Command::RedeemAccessToken { public: public.to_owned(), issued_since, at: self.now() };
        let valid_since = self.now() - authority.token_lifetime;
        if self.submit(redeem).await? == CommandOutcome::Existed(true)
            && let Some(secret) = self.store().token_secret(public, valid_since).await?
        {
            return Ok(secret);
        }
        refused(format!("Cannot acquire token {public}"))
    }

    /// A redeemed access token is valid.
    ///
    /// # Errors
    /// The backend.
    pub async fn is_token_valid(&self, public: &str, secret: &str) -> Result<bool, OperationError> {
        let valid_since = self.now() - self.settings().authority.token_lifetime;
        let known = self.store().token_secret(public, valid_since).await?;
        Ok(known.is_some_and(|known| !known.is_empty() && known == secret))
    }

    /// The writer stored under the domain of a cluster.
    ///
    /// # Errors
    /// The cluster has no domain, or nothing is stored under it.
    pub async fn domain_writer(&self, cluster_name: &str) -> Result<InstanceKey, OperationError> {
        let domain = self.domain_of(cluster_name)?;
        let stored = self.store().attribute("*", &domain).await?;
        let key =
            stored.and_then(|text| InstanceKey::parse(&text, self.settings().topology.default_port).ok());
        key.map_or_else(|| refused(format!("No writer is stored under the domain name {domain}")), Ok)
    }

    /// Stores the writable primary of a cluster under the cluster's domain.
    ///
    /// # Errors
    /// The cluster has no domain, or not exactly one writable primary.
    pub async fn set_domain_writer(&self, cluster_name: &str) -> Result<InstanceKey, OperationError> {
        let domain = self.domain_of(cluster_name)?;
        let writers: BTreeSet<InstanceKey> = {
            let fleet = self.fleet();
            let members = fleet.cluster_members(cluster_name);
            members
                .filter(|member| !member.read_only && (member.depth == 0 || member.is_co_primary))
                .map(|member| member.key.clone())
                .collect()
        };
        let mut found = writers.iter();
        let (Some(writer), None) = (found.next(), found.next()) else {
            return refused(format!("Found {} potential master for cluster {cluster_name}", writers.len()));
        };
        self.submit(Command::SetAttribute {
            hostname: "*".to_owned(),
            name: domain,
            value: writer.to_string(),
            at: self.now(),
        })
        .await?;
        Ok(writer.clone())
    }

    fn domain_of(&self, cluster_name: &str) -> Result<String, OperationError> {
        let domain = self.fleet().cluster_domains.get(cluster_name).cloned().unwrap_or_default();
        if domain.is_empty() {
            return refused(format!("Cannot find domain name for cluster {cluster_name}"));
        }
        Ok(domain)
    }

    /// How [`Self::reload`] reads the configuration. Set once, by whoever read it first.
    pub fn set_reload(&self, reload: Reload) {
        // A second setting keeps the first: the files do not change their place while the process runs.
        let _ = self.inner.reload.set(reload);
    }

    /// Reads the configuration again and puts it in force.
    ///
    /// # Errors
    /// Everything that is wrong with it; the old one stays in force.
    pub async fn reload(&self, extra_file: Option<PathBuf>) -> Result<(), OperationError> {
        let Some(reload) = self.inner.reload.get().cloned() else {
            return refused("this process does not read its configuration again");
        };
        reload(extra_file).or_else(refused)?;
        self.audit("reload-configuration", None, "").await;
        Ok(())
    }
}

/// 64 hexadecimal digits from the system's random numbers.
fn random_digits() -> std::io::Result<String> {
    use std::fmt::Write as _;
    use std::io::Read as _;
    let mut bytes = [0_u8; 32];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    }))
}
