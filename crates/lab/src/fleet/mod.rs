//! Thousands of servers in one process: they speak the MySQL protocol and answer what the probe and the watch ask, as
//! MariaDB 10.11 does.
//!
//! Servers stand in clusters, a primary and its replicas, each at a loopback address of its own and all at one
//! port: one listener serves them, and the local address of a connection says which of them is meant. Clusters write
//! without end. A server can be killed or hung and brought back, which its neighbours show. Whoever asks
//! something that was not foreseen gets an error, and the statement is counted. Nothing here obeys: a simulated server
//! cannot be changed by statements. The answers were taken from a real server and hold placeholders for what differs.

mod connection;
mod facts;
mod limits;
mod packets;
mod places;
mod servers;
mod statements;
mod tables;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinSet;

pub use limits::raise_open_files;
pub use servers::Mode;

use self::servers::Servers;

/// Connections that wait to be accepted; the kernel takes it down to `net.core.somaxconn`.
const BACKLOG: u32 = 4_096;
/// Pause after an accept that failed, as when no file descriptor is left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What a fleet shall be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FleetPlan {
    /// How many servers; a last cluster that would not be whole is filled up.
    pub servers: usize,
    /// How many of them form a cluster: the first is the primary of the others.
    pub per_cluster: usize,
    /// The port of all of them; 0 takes a free one.
    pub port: u16,
}

impl Default for FleetPlan {
    /// A hundred servers in clusters of five.
    fn default() -> Self {
        Self { servers: 100, per_cluster: 5, port: 0 }
    }
}

/// A running fleet of simulated servers. Dropping it closes everything.
#[derive(Debug)]
pub struct SimulatedFleet {
    servers: Arc<Servers>,
    port: u16,
    /// Dropping it ends the listener, and with that the connections.
    _listening: JoinSet<()>,
}

impl SimulatedFleet {
    /// Starts the servers, on the present runtime.
    ///
    /// # Errors
    /// None or too many servers; the port is taken.
    pub async fn start(plan: FleetPlan) -> Result<Self> {
        ensure!(plan.servers > 0 && plan.per_cluster > 0, "a fleet needs at least one server");
        let count = plan.servers.div_ceil(plan.per_cluster) * plan.per_cluster;
        ensure!(count <= places::MOST, "no more than {} servers have an address", places::MOST);
        let port = plan.port;
        let socket = TcpSocket::new_v4()?;
        socket.set_reuseaddr(true)?;
        socket.bind(SocketAddr::from(([0, 0, 0, 0], port)))?;
        let listener = socket.listen(BACKLOG).with_context(|| format!("cannot listen at port {port}"))?;
        let port = listener.local_addr()?.port();
        let servers = Arc::new(Servers::new(count, plan.per_cluster, port));
        let mut listening = JoinSet::new();
        listening.spawn(listen(listener, servers.clone()));
        Ok(Self { servers, port, _listening: listening })
    }

    /// The port of all servers.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// How many servers there are.
    pub fn len(&self) -> usize {
        self.servers.len()
    }

    /// Never: a fleet has at least one server.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// `127.A.B.C:PORT` of a server, from 0; the first of each cluster is its primary.
    pub fn address(&self, index: usize) -> String {
        format!("{}:{}", places::address(index), self.port)
    }

    /// The server with this address, with or without port.
    pub fn find(&self, address: &str) -> Option<usize> {
        let host = address.strip_suffix(&format!(":{}", self.port)).unwrap_or(address);
        self.servers.at(host.parse().ok()?)
    }

    /// Kills a server, hangs it, or brings it back.
    ///
    /// One that was killed breaks the connections that others have to it, and resets new ones as soon as they are made:
    /// the listener belongs to all servers, so that none can be refused.
    pub fn set_mode(&self, index: usize, mode: Mode) {
        self.servers.set_mode(index, mode);
    }

    /// About that share of all servers, primaries and replicas alike; the same ones each time.
    pub fn sample(&self, percent: usize) -> impl Iterator<Item = usize> + use<> {
        // Coprime to both 100 and the size of a cluster, so that each place of a cluster has its turn.
        (0..self.len()).filter(move |index| index * 37 % 100 < percent)
    }

    /// Statements that no simulated server knows, and how often they came.
    pub fn unknown_statements(&self) -> BTreeMap<String, u64> {
        self.servers.unknown()
    }

    /// Statements that were answered.
    pub fn answered(&self) -> u64 {
        self.servers.answered()
    }
}

/// Accepts for ever; the tasks of the connections end with it.
async fn listen(listener: TcpListener, servers: Arc<Servers>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) if peer.ip().is_loopback() => {
                    connections.spawn(welcome(stream, servers.clone()));
                }
                Ok(_) => {}
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Finds out which server is meant. An address without one resets the connection, as a dead server does.
async fn welcome(stream: TcpStream, servers: Arc<Servers>) {
    let index = match stream.local_addr() {
        Ok(SocketAddr::V4(address)) => servers.at(*address.ip()),
        Ok(SocketAddr::V6(_)) | Err(_) => None,
    };
    match index {
        Some(index) if servers.mode(index) != Mode::Dead => connection::serve(stream, index, &servers).await,
        Some(_) | None => drop(stream.set_zero_linger()),
    }
}
