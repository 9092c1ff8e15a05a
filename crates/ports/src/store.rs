//! The backend: loading, write-behind of observed servers, applying commands, and the listings people ask for.

use async_trait::async_trait;
use model::{
    Agent, AuditRecord, BinlogCoordinates, BlockedRecovery, Command, CommandOutcome, Detection, Fleet,
    HostAttribute, Instance, InstanceKey, NodeIdentity, Recovery, RecoveryStep, Seed, SeedState, Timestamp,
};

/// A backend failure.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The backend could not be opened.
    #[error("cannot open the backend {backend}: {message}")]
    Open {
        /// File or address.
        backend: String,
        /// Why, and the cure.
        message: String,
    },
    /// A statement failed.
    #[error("backend {operation} failed: {message}")]
    Statement {
        /// What was being done.
        operation: String,
        /// Why.
        message: String,
    },
    /// A stored value cannot be understood.
    #[error("backend table {table}: {message}")]
    Corrupt {
        /// Table.
        table: String,
        /// Which row and value.
        message: String,
    },
}

/// One observed fact to write behind.
#[derive(Clone, Debug)]
pub enum InstanceWrite {
    /// The server was read (its three timestamps say how well): insert or update the whole row.
    Observed(std::sync::Arc<Instance>),
    /// The read failed: only the check columns change, and only of an existing row.
    CheckFailed {
        /// The server.
        key: InstanceKey,
        /// `last_checked`; `None` leaves it (the read is still running).
        checked: Option<Timestamp>,
        /// `last_attempted_check`.
        attempted: Timestamp,
        /// Got as far as the basic variables.
        partial: bool,
    },
}

/// What a write of observed facts found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Servers whose rows somebody else changed since this process wrote them last. They stay as they are: what was to be
    /// written may be older. The next write of them, after a new read, counts. Always empty in a schema on MySQL that has
    /// not been brought up to date.
    pub changed_by_others: Vec<InstanceKey>,
}

/// Which recoveries to list. Newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecoveryQuery {
    /// A page of 20.
    Page {
        /// Only this cluster name.
        cluster_name: Option<String>,
        /// Only this cluster alias.
        cluster_alias: Option<String>,
        /// Only unacknowledged ones.
        unacknowledged: bool,
        /// From 0.
        page: u32,
    },
    /// By row id.
    Id(i64),
    /// By UID.
    Uid(String),
    /// In their active period and not ended, of a cluster.
    ActiveOfCluster(String),
    /// Ended within five minutes, of a cluster.
    RecentOfCluster(String),
    /// Ended within five minutes, with this successor.
    RecentWithSuccessor(InstanceKey),
    /// In their active period with this successor: blocks a failover of the successor.
    ActiveWithSuccessor(InstanceKey),
    /// In their active period in this cluster, ended or not: blocks a failover of the cluster.
    InActivePeriodOfCluster(String),
    /// Registered and never ended, by whatever process: to be resumed or undone.
    Unfinished,
}

/// Which detections to list. Newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DetectionQuery {
    /// A page of 20.
    Page {
        /// Only this cluster alias.
        cluster_alias: Option<String>,
        /// From 0.
        page: u32,
    },
    /// By row id.
    Id(i64),
}

/// Which seeds to list. Newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SeedQuery {
    /// The newest hundred.
    Recent,
    /// Running ones with this host as target or source.
    ActiveOf(String),
    /// The newest ten that have ended, with this host as target or source.
    EndedOf(String),
    /// By number.
    Id(i64),
}

/// Which audit lines to list. Newest first, 20 per page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditQuery {
    /// Only of this server.
    pub key: Option<InstanceKey>,
    /// From 0.
    pub page: u32,
}

/// The changelog of one server, oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnalysisChange {
    /// The server.
    pub key: InstanceKey,
    /// When and which code.
    pub changes: Vec<(Timestamp, String)>,
}

/// Where a server stood at some moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotRow {
    /// When.
    pub at: Timestamp,
    /// The server.
    pub key: InstanceKey,
    /// The server it replicated from; invalid for none.
    pub primary_key: InstanceKey,
}

/// A process in the registry of nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeRecord {
    /// Which.
    pub node: NodeIdentity,
    /// Version text of its program; empty for the active node.
    pub version: String,
    /// Since when it is known, or active.
    pub first_seen: Option<Timestamp>,
    /// When it last reported.
    pub last_seen: Option<Timestamp>,
    /// Its backend in words; empty for the active node.
    pub backend: String,
}

/// How people and programs that ask the original see times of the backend.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimestampStyle {
    /// `2026-01-31 10:00:00`: MySQL and MariaDB.
    #[default]
    Sql,
    /// `2026-01-31T10:00:00Z`: SQLite.
    Rfc3339,
}

/// How a backend searches texts. People know the answers of each, so they are the same where the search is ours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TextSearch {
    /// Whatever the letter case; patterns are regular expressions. MySQL and MariaDB.
    #[default]
    AnyCase,
    /// By letter case; patterns are for `like`, on the whole text. SQLite.
    ExactCase,
}

/// The backend of one node.
#[async_trait]
pub trait Store: Send + Sync {
    /// How times of this backend are shown.
    fn timestamp_style(&self) -> TimestampStyle {
        TimestampStyle::default()
    }

    /// How this backend searches texts.
    fn text_search(&self) -> TextSearch {
        TextSearch::default()
    }

    /// Loads everything decisions need.
    async fn load_fleet(&self) -> Result<Fleet, StoreError>;

    /// Writes observed facts in one transaction. The newest per key wins. For a process that reads servers again and again.
    async fn write_instances(&self, writes: Vec<InstanceWrite>) -> Result<Written, StoreError>;

    /// As [`write_instances`](Self::write_instances), for a process that writes what it saw of a single act: every such write
    /// is news for others.
    async fn write_instances_once(&self, writes: Vec<InstanceWrite>) -> Result<Written, StoreError> {
        self.write_instances(writes).await
    }

    /// Asking for foreign changes costs next to nothing: it may be done before each answer.
    fn tells_changes_cheaply(&self) -> bool {
        false
    }

    /// A number that differs from the last one when somebody else changed the backend.
    async fn foreign_changes(&self) -> Result<u64, StoreError>;

    /// Automatic recoveries are switched off. Read from the database each time.
    async fn recoveries_disabled(&self) -> Result<bool, StoreError>;

    /// Lists recoveries.
    async fn recoveries(&self, query: RecoveryQuery, now: Timestamp) -> Result<Vec<Recovery>, StoreError>;

    /// Lists detections.
    async fn detections(&self, query: DetectionQuery) -> Result<Vec<Detection>, StoreError>;

    /// Steps of a recovery, oldest first.
    async fn recovery_steps(&self, uid: &str) -> Result<Vec<RecoveryStep>, StoreError>;

    /// Saved state and plan of a recovery: state name and JSON.
    async fn recovery_journal(&self, uid: &str) -> Result<Option<(String, String)>, StoreError>;

    /// Blocked recoveries, newest first; all clusters when `None`.
    async fn blocked_recoveries(
        &self,
        cluster_name: Option<&str>,
    ) -> Result<Vec<BlockedRecovery>, StoreError>;

    /// General audit.
    async fn audit(&self, query: AuditQuery) -> Result<Vec<AuditRecord>, StoreError>;

    /// Analysis changelog by server.
    async fn analysis_changelog(&self) -> Result<Vec<AnalysisChange>, StoreError>;

    /// Members of all pools, by pool and server.
    async fn pools(&self) -> Result<Vec<(String, InstanceKey)>, StoreError> {
        Err(not_kept("pools"))
    }

    /// Places that hold the same history as this one, each with its server.
    async fn equivalents(
        &self,
        _key: &InstanceKey,
        _at: &BinlogCoordinates,
    ) -> Result<Vec<(InstanceKey, BinlogCoordinates)>, StoreError> {
        Ok(Vec::new())
    }

    /// Processes that renewed their registration since then, with the time they first did.
    async fn live_nodes(&self, _since: Timestamp) -> Result<Vec<NodeIdentity>, StoreError> {
        Err(not_kept("the registry of nodes"))
    }

    /// Where the servers of a cluster stood at all recorded moments, by moment and server.
    async fn snapshots(&self, _cluster_name: &str) -> Result<Vec<SnapshotRow>, StoreError> {
        Err(not_kept("snapshots of topologies"))
    }

    /// Processes that serve the API and renewed their registration since then, by host name.
    async fn serving_nodes(&self, _since: Timestamp) -> Result<Vec<NodeRecord>, StoreError> {
        Err(not_kept("the registry of nodes"))
    }

    /// Who the backend says is the active node of those that share it; `None` when nobody was ever elected.
    async fn active_node(&self) -> Result<Option<NodeRecord>, StoreError> {
        Ok(None)
    }

    /// An attribute of a host (`*` for general ones).
    async fn attribute(&self, _hostname: &str, _name: &str) -> Result<Option<String>, StoreError> {
        Err(not_kept("attributes"))
    }

    /// The IPv4 and IPv6 address of a host as they were last found, each empty when there was none.
    async fn host_addresses(&self, _hostname: &str) -> Result<Option<(String, String)>, StoreError> {
        Err(not_kept("addresses"))
    }

    /// The secret of a redeemed token that was issued no earlier than that, or may be used again and again.
    async fn token_secret(
        &self,
        _public: &str,
        _issued_since: Timestamp,
    ) -> Result<Option<String>, StoreError> {
        Err(not_kept("access tokens"))
    }

    /// Registered agents, by host.
    async fn agents(&self) -> Result<Vec<Agent>, StoreError> {
        Err(not_kept("agents"))
    }

    /// The agent of a host.
    async fn agent(&self, _hostname: &str) -> Result<Option<Agent>, StoreError> {
        Err(not_kept("agents"))
    }

    /// Lists seeds.
    async fn seeds(&self, _query: SeedQuery) -> Result<Vec<Seed>, StoreError> {
        Err(not_kept("seeds"))
    }

    /// Steps of a seed, newest first.
    async fn seed_states(&self, _seed: i64) -> Result<Vec<SeedState>, StoreError> {
        Err(not_kept("seeds"))
    }

    /// Hosts that have an attribute, by host; with a pattern those whose value fits, as this backend searches texts.
    async fn host_attributes(
        &self,
        _name: &str,
        _pattern: Option<&str>,
    ) -> Result<Vec<HostAttribute>, StoreError> {
        Err(not_kept("attributes"))
    }

    /// Applies a command in one transaction. Called by the command log only.
    async fn apply(&self, command: &Command) -> Result<CommandOutcome, StoreError>;
}

/// The answer of a backend without these tables.
fn not_kept(what: &str) -> StoreError {
    StoreError::Statement {
        operation: format!("reading of {what}"),
        message: "this backend does not keep them".to_owned(),
    }
}

/// The one way by which durable changes are made.
#[async_trait]
pub trait CommandLog: Send + Sync {
    /// Applies the command here and, in a cluster, everywhere; returns when it is durable.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was changed then.
    async fn submit(&self, command: Command) -> Result<CommandOutcome, StoreError>;
}
