//! What is true of each simulated server: alive, hung or dead, and how much its cluster has written.

use std::collections::{BTreeMap, HashMap};
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::places;
use super::statements::Script;
use super::tables::Templates;

/// How long a replica waits for a silent primary before it connects anew: `slave_net_timeout`.
const NET_TIMEOUT: Duration = Duration::from_secs(60);
/// Transactions of a cluster before the fleet was started: account and schema.
const FIRST_WRITES: u64 = 2;
/// Most request texts whose meaning is kept, and most unknown statements that are told apart.
const KEPT: usize = 1_000;

/// What has become of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It answers.
    Alive,
    /// It accepts connections and requests, and answers nothing.
    Hung,
    /// Its connections are broken.
    Dead,
}

/// How a replica's receiver sees its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Receiving {
    /// Connected.
    Yes,
    /// The source is gone.
    Refused,
    /// The source was silent for too long.
    Silent,
}

#[derive(Debug)]
struct State {
    started: Instant,
    /// Since when it is what it is.
    since: Instant,
    /// Transactions written by a primary up to `since`.
    written: u64,
}

#[derive(Debug)]
struct Server {
    mode: watch::Sender<Mode>,
    state: Mutex<State>,
}

/// All servers.
#[derive(Debug)]
pub(super) struct Servers {
    all: Vec<Server>,
    per_cluster: usize,
    pub(super) port: u16,
    pub(super) templates: Templates,
    scripts: RwLock<HashMap<Vec<u8>, Arc<Script>>>,
    unknown: Mutex<BTreeMap<String, u64>>,
    answered: AtomicU64,
    connections: AtomicU32,
}

impl Servers {
    pub(super) fn new(count: usize, per_cluster: usize, port: u16) -> Self {
        let now = Instant::now();
        let server = || Server {
            mode: watch::Sender::new(Mode::Alive),
            state: Mutex::new(State { started: now, since: now, written: FIRST_WRITES }),
        };
        Self {
            all: (0..count).map(|_| server()).collect(),
            per_cluster,
            port,
            templates: Templates::load(),
            scripts: RwLock::default(),
            unknown: Mutex::default(),
            answered: AtomicU64::new(0),
            connections: AtomicU32::new(0),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// The primary of the server's cluster: itself, for a primary.
    pub(super) fn primary_of(&self, index: usize) -> usize {
        index - index % self.per_cluster
    }

    /// The replicas that are connected to a server.
    pub(super) fn connected_to(&self, source: usize) -> impl Iterator<Item = usize> + use<'_> {
        let end = if self.primary_of(source) == source { source + self.per_cluster } else { source };
        (source + 1..end).filter(|replica| self.mode(*replica) != Mode::Dead)
    }

    pub(super) fn at(&self, address: Ipv4Addr) -> Option<usize> {
        places::index(address).filter(|index| *index < self.all.len())
    }

    pub(super) fn mode(&self, index: usize) -> Mode {
        *self.all[index].mode.borrow()
    }

    /// Follows the mode of a server.
    pub(super) fn follow(&self, index: usize) -> watch::Receiver<Mode> {
        self.all[index].mode.subscribe()
    }

    pub(super) fn set_mode(&self, index: usize, mode: Mode) {
        let former = self.mode(index);
        if former == mode {
            return;
        }
        let now = Instant::now();
        {
            let mut state = self.state(index);
            state.written = written(&state, former, now);
            state.since = now;
            if former == Mode::Dead {
                state.started = now;
            }
        }
        self.all[index].mode.send_replace(mode);
    }

    fn state(&self, index: usize) -> std::sync::MutexGuard<'_, State> {
        self.all[index].state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn uptime(&self, index: usize) -> Duration {
        self.state(index).started.elapsed()
    }

    /// Transactions of the server's cluster. Replicas have each of them at once.
    pub(super) fn written(&self, index: usize) -> u64 {
        let primary = self.primary_of(index);
        written(&self.state(primary), self.mode(primary), Instant::now())
    }

    /// What the receivers of a primary's replicas say.
    pub(super) fn receiving(&self, primary: usize) -> Receiving {
        match self.mode(primary) {
            Mode::Alive => Receiving::Yes,
            Mode::Dead => Receiving::Refused,
            Mode::Hung if self.state(primary).since.elapsed() < NET_TIMEOUT => Receiving::Yes,
            Mode::Hung => Receiving::Silent,
        }
    }

    /// The meaning of a request, found once for each text.
    pub(super) fn script(&self, text: &[u8]) -> Arc<Script> {
        if let Some(known) = self.scripts.read().unwrap_or_else(PoisonError::into_inner).get(text) {
            return known.clone();
        }
        let script = Arc::new(Script::read(&String::from_utf8_lossy(text), &self.templates));
        let mut scripts = self.scripts.write().unwrap_or_else(PoisonError::into_inner);
        if scripts.len() < KEPT {
            scripts.insert(text.to_vec(), script.clone());
        }
        script
    }

    pub(super) fn note_answered(&self) {
        self.answered.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn note_unknown(&self, statement: &str) {
        let mut unknown = self.unknown.lock().unwrap_or_else(PoisonError::into_inner);
        if unknown.len() < KEPT || unknown.contains_key(statement) {
            *unknown.entry(statement.to_owned()).or_default() += 1;
        }
    }

    pub(super) fn answered(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }

    pub(super) fn unknown(&self) -> BTreeMap<String, u64> {
        self.unknown.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn next_connection(&self) -> u32 {
        self.connections.fetch_add(1, Ordering::Relaxed) + 1
    }
}

/// One transaction a second for as long as the server is alive.
fn written(state: &State, mode: Mode, now: Instant) -> u64 {
    let more = if mode == Mode::Alive { now.duration_since(state.since).as_secs() } else { 0 };
    state.written + more
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_cluster_writes_while_its_primary_lives() {
        let servers = Servers::new(10, 5, 3306);
        tokio::time::advance(Duration::from_secs(10)).await;
        assert_eq!((servers.written(0), servers.written(4)), (12, 12));
        servers.set_mode(0, Mode::Hung);
        tokio::time::advance(Duration::from_secs(59)).await;
        assert_eq!((servers.written(4), servers.receiving(0)), (12, Receiving::Yes));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!((servers.receiving(0), servers.receiving(5)), (Receiving::Silent, Receiving::Yes));
        servers.set_mode(0, Mode::Dead);
        assert_eq!((servers.receiving(0), servers.uptime(0).as_secs()), (Receiving::Refused, 70));
        servers.set_mode(0, Mode::Alive);
        tokio::time::advance(Duration::from_secs(3)).await;
        assert_eq!((servers.written(1), servers.written(5), servers.uptime(0).as_secs()), (15, 75, 3));
    }
}
