//! A lab, and access to its servers as the daemon has it.

use std::time::Duration;

use anyhow::{Result, ensure};
use lab::{Family, Lab, LabBuilder, ORCHESTRATOR, Server, User, wait_until};
use model::{Action, Instance, InstanceKey, Observation, Secret};
use mysql::{MySqlOptions, MySqlServers, OwnName};
use ports::{ActionError, ActionOutcome, Deadline, ProbeError, ProbeRequest, Servers};

/// Longest wait for a state.
pub(crate) const SOON: Duration = Duration::from_secs(20);

pub(crate) struct World {
    pub(crate) lab: Lab,
    pub(crate) servers: MySqlServers,
}

/// How the daemon's account reaches lab servers.
pub(crate) fn options() -> MySqlOptions {
    account(ORCHESTRATOR)
}

/// The same for another account.
pub(crate) fn account(user: User) -> MySqlOptions {
    MySqlOptions {
        user: user.name.to_owned(),
        password: Secret::new(user.password),
        discover_by_show_slave_hosts: true,
        own_name: OwnName::ReportHost,
        ..MySqlOptions::default()
    }
}

pub(crate) fn key(server: &Server) -> InstanceKey {
    InstanceKey::new("127.0.0.1", server.port())
}

pub(crate) fn in_time() -> Deadline {
    Deadline::after(SOON)
}

pub(crate) async fn probe_with(servers: &MySqlServers, key: &InstanceKey) -> Result<Observation, ProbeError> {
    servers.probe(key, &ProbeRequest::default(), in_time()).await
}

impl World {
    pub(crate) async fn start(family: Family, shape: &str) -> Result<Self> {
        Self::of(Lab::builder().family(family).shape(shape)).await
    }

    pub(crate) async fn of(builder: LabBuilder) -> Result<Self> {
        Ok(Self { lab: builder.start().await?, servers: MySqlServers::new(options())? })
    }

    pub(crate) fn key(&self, name: &str) -> InstanceKey {
        key(self.lab.server(name))
    }

    pub(crate) async fn read(&self, name: &str) -> Result<Instance> {
        Ok(self.observe(name).await?.instance)
    }

    pub(crate) async fn observe(&self, name: &str) -> Result<Observation, ProbeError> {
        probe_with(&self.servers, &self.key(name)).await
    }

    /// Acts within the usual time.
    pub(crate) async fn act(&self, name: &str, action: Action) -> Result<ActionOutcome, ActionError> {
        self.act_within(name, action, SOON).await
    }

    pub(crate) async fn act_within(
        &self,
        name: &str,
        action: Action,
        limit: Duration,
    ) -> Result<ActionOutcome, ActionError> {
        self.servers.act(&self.key(name), &action, Deadline::after(limit)).await
    }

    /// Waits until a read of the server satisfies the condition.
    pub(crate) async fn until(
        &self,
        name: &str,
        label: &str,
        is_so: impl Fn(&Instance) -> bool + Send + Sync,
    ) -> Result<Instance> {
        let is_so = &is_so;
        wait_until(&format!("{name} {label}"), SOON, || async move {
            let instance = self.read(name).await?;
            ensure!(is_so(&instance), "{:?}", instance.replication);
            Ok::<_, anyhow::Error>(instance)
        })
        .await
    }

    pub(crate) async fn insert(&self, name: &str, id: u64) -> Result<()> {
        self.lab.server(name).execute(&format!("INSERT INTO app.writes (id) VALUES ({id})")).await
    }

    pub(crate) async fn has_row(&self, name: &str, id: u64) -> Result<bool> {
        let found =
            self.lab.server(name).value(&format!("SELECT COUNT(*) FROM app.writes WHERE id={id}")).await?;
        Ok(found == "1")
    }

    /// Waits until a row has arrived.
    pub(crate) async fn arrives(&self, name: &str, id: u64) -> Result<()> {
        wait_until(&format!("row {id} is on {name}"), SOON, || async {
            ensure!(self.has_row(name, id).await?, "{:?}", self.lab.server(name).replica_status().await?);
            Ok::<_, anyhow::Error>(())
        })
        .await
    }
}
