//! A lab: servers wired in a shape, started together, removed together.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures_util::future::try_join_all;

use crate::binaries::Binaries;
use crate::family::{Dialect, Family};
use crate::firewall::{self, CutKind, Firewall, ORCHESTRATOR_GROUP, Opener, Party};
use crate::home::{Home, RunDir};
use crate::options::{Replication, Role};
use crate::ports::PortLease;
use crate::server::{Server, ServerPlan};
use crate::shape::{Node, Shape};
use crate::spawn::Spawner;
use crate::wait::wait_until;

/// How long replication may take to carry the first rows to every replica.
const WIRED_LIMIT: Duration = Duration::from_secs(30);
/// A start that fails because somebody else took the port is tried again with others.
const START_TRIES: u32 = 3;

/// Running servers. Dropping it kills them and removes their files.
#[derive(Debug)]
pub struct Lab {
    // Dropped in this order: servers first, their directory last.
    servers: BTreeMap<String, Server>,
    order: Vec<String>,
    firewall: Firewall,
    binaries: Binaries,
    shape: Shape,
    run_dir: RunDir,
}

/// What a lab shall be; see [`Lab::builder`].
#[derive(Debug, Clone)]
pub struct LabBuilder {
    family: Family,
    version: Option<String>,
    shape: String,
    replication: Replication,
}

impl Lab {
    /// Starts with: MySQL, shape `a(b,c)`, GTID on, semi-sync off, replica net timeout 60 s.
    pub fn builder() -> LabBuilder {
        LabBuilder {
            family: Family::MySql,
            version: None,
            shape: "a(b,c)".into(),
            replication: Replication {
                gtid: true,
                semi_sync: false,
                semi_sync_timeout: Duration::from_secs(3600),
                net_timeout: Duration::from_secs(60),
                heartbeat_period: None,
                extra: Vec::new(),
            },
        }
    }

    /// A server by name. Panics if the shape has no such name: that is a mistake of the test.
    pub fn server(&self, name: &str) -> &Server {
        self.find(name).unwrap_or_else(|| panic!("the lab has no server `{name}`, only {:?}", self.order))
    }

    /// A server by name, if there is one.
    pub fn find(&self, name: &str) -> Option<&Server> {
        self.servers.get(name)
    }

    /// All servers in the order of the shape.
    pub fn servers(&self) -> impl Iterator<Item = &Server> {
        self.order.iter().map(|name| self.server(name))
    }

    /// The server with this address, if it is one of ours.
    pub fn server_at(&self, address: &str) -> Option<&Server> {
        self.servers().find(|server| server.address() == address)
    }

    /// `127.0.0.1:PORT` of a server. Panics as [`server`](Self::server).
    pub fn address(&self, name: &str) -> String {
        self.server(name).address()
    }

    /// The addresses of all servers in the order of the shape.
    pub fn addresses(&self) -> Vec<String> {
        self.servers().map(Server::address).collect()
    }

    /// The shape that the lab was started with.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// The programs that run.
    pub fn binaries(&self) -> &Binaries {
        &self.binaries
    }

    /// A directory for the test's own files, removed with the lab.
    pub fn folder(&self, name: &str) -> Result<std::path::PathBuf> {
        let path = self.run_dir.path().join("files").join(name);
        std::fs::create_dir_all(&path)?;
        Ok(path)
    }

    /// Cuts a party off from a server, existing connections included. Cuts add up until [`heal`](Self::heal).
    ///
    /// Errors: not root, no packet filter on this machine, unknown server.
    pub fn cut(&self, party: Party<'_>, server: &str, kind: CutKind) -> Result<()> {
        let port = self.find(server).with_context(|| format!("no server `{server}`"))?.port();
        let opener = match party {
            Party::Orchestrator => Opener::Group(ORCHESTRATOR_GROUP),
            Party::Server(name) => {
                let index = self.order.iter().position(|known| known == name);
                Opener::Group(firewall::server_group(index.with_context(|| format!("no server `{name}`"))?))
            }
            Party::Clients => Opener::Clients,
            Party::Everyone => Opener::Everyone,
        };
        self.firewall.cut(opener, port, kind)
    }

    /// Ends all cuts.
    pub fn heal(&self) -> Result<()> {
        self.firewall.heal()
    }

    async fn wire(&self) -> Result<()> {
        let replicas = self.shape.nodes().iter().filter_map(|node| Some((node, node.source.as_deref()?)));
        try_join_all(replicas.map(|(node, source)| async move {
            self.server(&node.name).follow(self.server(source).port()).await
        }))
        .await?;
        // The first transaction of each cluster also proves that replication works. With semi-sync it waits for a replica.
        let primaries = self.shape.nodes().iter().filter(|node| node.source.is_none());
        try_join_all(primaries.map(|node| self.server(&node.name).execute_all(first_rows(&node.name))))
            .await?;
        try_join_all(self.servers().map(wait_for_first_rows)).await.map(drop)
    }
}

impl LabBuilder {
    /// The server family.
    pub fn family(mut self, family: Family) -> Self {
        self.family = family;
        self
    }

    /// The version, or how it begins (`10.5`), instead of the one that is used otherwise; see [`Binaries::find`].
    pub fn version(mut self, version: &str) -> Self {
        self.version = Some(version.into());
        self
    }

    /// The family that was chosen.
    pub fn chosen_family(&self) -> Family {
        self.family
    }

    /// Who replicates from whom; see [`Shape`].
    pub fn shape(mut self, shape: &str) -> Self {
        self.shape = shape.into();
        self
    }

    /// Whether servers use GTID (MySQL: auto-position; MariaDB: `slave_pos`) or file and position.
    pub fn gtid(mut self, on: bool) -> Self {
        self.replication.gtid = on;
        self
    }

    /// Whether a primary's commits wait for the acknowledgement of one replica. Every replica acknowledges; a primary
    /// without replicas does not wait.
    pub fn semi_sync(mut self, on: bool) -> Self {
        self.replication.semi_sync = on;
        self
    }

    /// How long a semi-sync primary waits before it goes on without acknowledgement; an hour by default, so that nothing
    /// is acknowledged to a client that no replica has.
    pub fn semi_sync_timeout(mut self, timeout: Duration) -> Self {
        self.replication.semi_sync_timeout = timeout;
        self
    }

    /// After how many seconds of silence a replica takes its primary for dead.
    pub fn replica_net_timeout(mut self, seconds: u64) -> Self {
        self.replication.net_timeout = Duration::from_secs(seconds);
        self
    }

    /// How often an idle primary sends a sign of life to each replica; half the net timeout by default.
    pub fn heartbeat_period(mut self, period: Duration) -> Self {
        self.replication.heartbeat_period = Some(period);
        self
    }

    /// A further option of every server, such as `--ssl-ca=/some/file`.
    pub fn server_option(mut self, option: impl Into<std::ffi::OsString>) -> Self {
        self.replication.extra.push(option.into());
        self
    }

    /// Starts everything; returns when each replica has its primary's first transaction.
    ///
    /// Errors: no servers installed, a bad shape, a server that does not start (with the end of its log).
    pub async fn start(self) -> Result<Lab> {
        let shape = Shape::parse(&self.shape)?;
        let binaries = match &self.version {
            Some(version) => Binaries::of_version(self.family, version)?,
            None => Binaries::find(self.family)?,
        };
        ensure!(
            !self.replication.semi_sync || binaries.dialect() != Dialect::OldMySql,
            "MySQL {} comes without the semi-sync plugins",
            binaries.version()
        );
        let template = crate::template::ensure(&binaries).await?;
        let mut failures = Vec::new();
        for _ in 0..START_TRIES {
            match self.try_start(&shape, &binaries, &template).await {
                Ok(lab) => {
                    lab.wire().await?;
                    return Ok(lab);
                }
                Err(error) if is_port_taken(&error) => failures.push(format!("{error:#}")),
                Err(error) => return Err(error),
            }
        }
        anyhow::bail!("no start in {START_TRIES} tries: {}", failures.join("\n"))
    }

    async fn try_start(&self, shape: &Shape, binaries: &Binaries, template: &std::path::Path) -> Result<Lab> {
        let run_dir = Home::locate()?.run_dir()?;
        let spawner = Arc::new(Spawner::start()?);
        let plans = shape
            .nodes()
            .iter()
            .enumerate()
            .map(|(index, node)| plan_server(shape, index, node, &run_dir))
            .collect::<Result<Vec<_>>>()?;
        let ports: Vec<u16> = plans.iter().map(|plan| plan.lease.port()).collect();
        // Before any server starts: connections are marked only when they are opened.
        let firewall = Firewall::install(run_dir.table(), &ports, plans.len());
        let started = try_join_all(
            plans
                .into_iter()
                .map(|plan| Server::create(plan, binaries, template, &self.replication, &spawner)),
        )
        .await?;
        Ok(Lab {
            servers: started.into_iter().map(|server| (server.name().to_owned(), server)).collect(),
            order: shape.nodes().iter().map(|node| node.name.clone()).collect(),
            firewall,
            binaries: binaries.clone(),
            shape: shape.clone(),
            run_dir,
        })
    }
}

fn plan_server(shape: &Shape, index: usize, node: &Node, run_dir: &RunDir) -> Result<ServerPlan> {
    let lease = PortLease::take()?;
    let is_replica = node.source.is_some();
    let role = Role {
        server_id: u32::from(lease.port()),
        is_replica,
        waits_for_replicas: !is_replica && shape.replicas_of(&node.name).next().is_some(),
    };
    Ok(ServerPlan {
        name: node.name.clone(),
        role,
        group: firewall::is_possible().then(|| firewall::server_group(index)),
        folder: run_dir.path().join(&node.name),
        lease,
    })
}

fn first_rows(cluster: &str) -> Vec<String> {
    vec![
        format!("INSERT INTO meta.cluster VALUES (1, '{cluster}', '{cluster}.lab.test')"),
        "INSERT INTO meta.heartbeat VALUES (1, UTC_TIMESTAMP(6))".into(),
    ]
}

async fn wait_for_first_rows(server: &Server) -> Result<()> {
    wait_until(&format!("{} has its cluster's first rows", server.name()), WIRED_LIMIT, || async {
        let count = server.value("SELECT COUNT(*) FROM meta.heartbeat").await?;
        ensure!(count == "1", "it has {count} rows; replica status: {:?}", server.replica_status().await?);
        Ok(())
    })
    .await
}

/// Both families say `Do you already have another mysqld server running on port` and end.
fn is_port_taken(error: &anyhow::Error) -> bool {
    format!("{error:#}").contains("server running on port")
}
