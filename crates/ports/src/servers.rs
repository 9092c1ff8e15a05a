//! Observed servers: reading them, changing them, and hearing at once when a connection to one breaks.

use std::time::Duration;

use async_trait::async_trait;
use model::{Action, CoordinateKind, InstanceKey, Observation, ReadProgress};

use crate::Deadline;

/// What kind of failure an error is. Decided by error numbers and I/O kinds, never by message text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorClass {
    /// Nobody listens there.
    Refused,
    /// Connection broken or could not be made.
    Connection,
    /// No answer in time, though the connection was accepted, or nothing is known about that.
    TimedOut,
    /// Not even the connection was accepted in time.
    Unanswered,
    /// User or password wrong, or a privilege is missing.
    AccessDenied,
    /// The server has no connection left (1040, 1203, 1226).
    TooManyConnections,
    /// The server answered with another error.
    Server,
    /// The answer could not be understood.
    Protocol,
    /// The request was not sent: bad key, bad configuration, dry run.
    Rejected,
}

/// A read that failed.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{}", under_name(key, message))]
pub struct ProbeError {
    /// The server asked.
    pub key: InstanceKey,
    /// How far the read got.
    pub progress: ReadProgress,
    /// The kind.
    pub class: ErrorClass,
    /// Server error number, when the server answered with one.
    pub number: Option<u16>,
    /// Text for people.
    pub message: String,
    /// The read was skipped by `DiscoveryIgnoreReplicationUsernameFilters`: no failure of the server.
    pub skipped_by_filter: bool,
}

/// What a read may know in advance, to save round trips.
#[derive(Clone, Debug, Default)]
pub struct ProbeRequest {
    /// The cluster name known for the server, for logs only.
    pub cluster_name: String,
    /// Ask the cluster alias query.
    pub ask_cluster_alias: bool,
    /// Ask the cluster domain query (primaries only).
    pub ask_cluster_domain: bool,
}

/// An action that failed.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{key}: could not {action}: {message}")]
pub struct ActionError {
    /// The server.
    pub key: InstanceKey,
    /// What was tried, in words.
    pub action: String,
    /// The kind.
    pub class: ErrorClass,
    /// Server error number, when the server answered with one.
    pub number: Option<u16>,
    /// Text for people.
    pub message: String,
    /// The request may have reached the server. Not when the connection for it could not be made.
    pub is_sent: bool,
}

/// The error as people read it: under the name of the server, unless that is in the text already.
fn under_name(key: &InstanceKey, text: &str) -> String {
    if text.contains(&key.to_string()) { text.to_owned() } else { format!("{key}: {text}") }
}

/// What an action tells.
#[derive(Clone, Debug, Default)]
pub struct ActionOutcome {
    /// A read made after the action, when the action makes one.
    pub observation: Option<Box<Observation>>,
    /// How long it took.
    pub elapsed: Duration,
    /// Statements sent, without secrets, for the audit.
    pub statements: Vec<String>,
}

/// A persistent connection that broke: reason enough to look at the server at once.
#[derive(Clone, Debug)]
pub struct LostConnection {
    /// The server.
    pub key: InstanceKey,
    /// Why, for logs.
    pub reason: String,
}

/// A binary log of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BinaryLog {
    /// Its name.
    pub file: String,
    /// Transactions executed before its first event, as the server prints them; `None` where logs do not say so
    /// (MariaDB, or MySQL without GTID).
    pub previous_gtids: Option<String>,
}

/// A stretch of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogPage {
    /// Binary or relay log.
    pub kind: CoordinateKind,
    /// Its name.
    pub file: String,
    /// Where it begins: the place of an event; `None` for the beginning of the file.
    pub from: Option<u64>,
    /// Events passed over from there. What a relay log says about the end of its events are places of the source's log,
    /// so that it can only be leafed through by counting.
    pub skip: u64,
    /// Most events.
    pub limit: u32,
}

/// An event of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEvent {
    /// Where it begins.
    pub pos: u64,
    /// Where the next one begins: in the source's log, for a relay log.
    pub next: u64,
    /// Its type, as the server names it.
    pub kind: String,
    /// What it holds, as the server shows it.
    pub info: String,
}

/// Access to observed servers.
#[async_trait]
pub trait Servers: Send + Sync {
    /// Reads everything an instance holds, over a kept connection where there is one.
    ///
    /// # Errors
    /// See [`ProbeError`]. Statements that fail without failing the read are listed in the observation.
    async fn probe(
        &self,
        key: &InstanceKey,
        request: &ProbeRequest,
        deadline: Deadline,
    ) -> Result<Observation, ProbeError>;

    /// Performs one action. Waiting actions poll until done or the deadline. Idempotent: repeating an action that
    /// already took effect succeeds.
    ///
    /// # Errors
    /// See [`ActionError`].
    async fn act(
        &self,
        key: &InstanceKey,
        action: &Action,
        deadline: Deadline,
    ) -> Result<ActionOutcome, ActionError>;

    /// Waits until the watched connection to the server breaks, making the connection first when there is none.
    /// Returns as soon as the peer is known to be gone. Never returns while the server is well.
    ///
    /// `on_late` is called each time an answer is late, well before the server counts as gone: time to look at what may
    /// become evidence.
    async fn watch(&self, key: &InstanceKey, on_late: &(dyn Fn() + Send + Sync)) -> LostConnection;

    /// Closes what is kept open for a server that is no longer observed.
    async fn forget(&self, key: &InstanceKey);

    /// User and password that a replica of this server could use, from `ReplicationCredentialsQuery` or the server's
    /// own tables; `None` when neither gives any.
    ///
    /// # Errors
    /// See [`ActionError`].
    async fn replication_credentials(
        &self,
        key: &InstanceKey,
        deadline: Deadline,
    ) -> Result<Option<(String, model::Secret)>, ActionError>;

    /// Sets the account that a server replicates with. Its threads must be stopped or absent; the source stays as it is.
    ///
    /// # Errors
    /// See [`ActionError`].
    async fn set_replication_credentials(
        &self,
        key: &InstanceKey,
        user: &str,
        password: &model::Secret,
        deadline: Deadline,
    ) -> Result<(), ActionError>;

    /// The events of a stretch of a log, in order; none behind its end.
    ///
    /// # Errors
    /// See [`ActionError`]; there is no such log, for one.
    async fn log_events(
        &self,
        key: &InstanceKey,
        page: &LogPage,
        _deadline: Deadline,
    ) -> Result<Vec<LogEvent>, ActionError> {
        Err(ActionError {
            key: key.clone(),
            action: format!("read {}", page.file),
            class: ErrorClass::Rejected,
            number: None,
            message: "the logs of this server cannot be read".to_owned(),
            is_sent: false,
        })
    }

    /// Writes one row of a table of our own in this schema, and commits it. The schema and the table are made when they
    /// are missing. An error of class [`ErrorClass::TimedOut`]: the commit did not return.
    ///
    /// # Errors
    /// See [`ActionError`]; servers that cannot be written to reject it.
    async fn try_write(
        &self,
        key: &InstanceKey,
        _schema: &str,
        _deadline: Deadline,
    ) -> Result<(), ActionError> {
        Err(ActionError {
            key: key.clone(),
            action: "write".to_owned(),
            class: ErrorClass::Rejected,
            number: None,
            message: "trial writes are not possible here".to_owned(),
            is_sent: false,
        })
    }

    /// The binary logs of a server, oldest first.
    ///
    /// # Errors
    /// See [`ActionError`]; servers whose logs cannot be listed reject it.
    async fn binary_logs(
        &self,
        key: &InstanceKey,
        _deadline: Deadline,
    ) -> Result<Vec<BinaryLog>, ActionError> {
        Err(ActionError {
            key: key.clone(),
            action: "list binary logs".to_owned(),
            class: ErrorClass::Rejected,
            number: None,
            message: "the logs of this server cannot be listed".to_owned(),
            is_sent: false,
        })
    }
}
