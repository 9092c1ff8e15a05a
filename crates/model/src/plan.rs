//! Intended changes of servers, spelled out: steps, the order between them, the condition and time limit of each, and
//! the way back.
//!
//! Planners in `decide` write plans without asking anybody; a checker there, which has not seen the planner, looks for
//! faults; the engine's executor does the work. People are shown, and the journal keeps, this same value. What depends
//! on a look at the servers half-way (how far is each replica once it is stopped?) takes several plans: one up to that
//! look, then a decision, then the next.

use std::fmt;
use std::time::Duration;

use crate::{BinlogCoordinates, InstanceKey};

/// Which replication threads an action is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Threads {
    /// Receiver and applier.
    Both,
    /// The receiver (IO thread).
    Receiver,
    /// The applier (SQL thread).
    Applier,
}

/// Where a replica starts to read from its new source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourcePosition {
    /// Keep the way the replica finds its place (GTID stays GTID); only host and port change.
    Keep,
    /// Switch to, or stay with, Oracle auto-position.
    OracleAutoPosition,
    /// MariaDB `master_use_gtid=slave_pos`.
    MariaDbSlavePos,
    /// MariaDB `master_use_gtid=current_pos`: for a server that was a primary.
    MariaDbCurrentPos,
    /// File and position; switches GTID off on the channel when it is on.
    File(BinlogCoordinates),
}

/// One change, or one wait, on one server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Stop replication threads. Stopping what is stopped succeeds.
    StopReplication(Threads),
    /// Start replication threads.
    StartReplication(Threads),
    /// Stop the receiver and start it at once, in one request: nothing that happens to orchestrator leaves it stopped.
    ReconnectReceiver,
    /// Let the applier give up a transaction whose rest never came, if it holds one: MySQL's parallel applier would not stop
    /// for a minute. The receiver must be stopped; where it runs, nothing happens.
    DropPartialTransaction {
        /// A server to receive from for a moment. It has nothing that this one lacks, or all that it shall get.
        through: Option<InstanceKey>,
    },
    /// Wait until everything in the relay log is applied.
    WaitApplied,
    /// Wait until the given GTID set (or MariaDB position) is executed.
    WaitExecutedGtid(String),
    /// Wait until these coordinates of the source are executed.
    WaitExecutedCoordinates(BinlogCoordinates),
    /// Replicate from another server. Threads must be stopped.
    ChangeSource {
        /// The new source.
        source: InstanceKey,
        /// Where to start.
        position: SourcePosition,
    },
    /// Forget the source for good. Threads must be stopped.
    ResetReplication,
    /// Change the recorded source to `//host`, keeping position: replication cannot start until re-attached.
    DetachSource,
    /// Undo [`Action::DetachSource`].
    ReattachSource,
    /// Set or clear `read_only`.
    SetReadOnly {
        /// Wanted state.
        on: bool,
        /// Set `super_read_only` too, where the server has it.
        with_super: bool,
    },
    /// Switch the semi-sync primary side.
    SetSemiSyncPrimary(bool),
    /// Switch the semi-sync replica side.
    SetSemiSyncReplica(bool),
    /// Replicate up to these coordinates of the source and stop there. Threads must be stopped. Fails when they are
    /// passed already.
    ReplicateUntil(BinlogCoordinates),
    /// Set the delay of the applier, seconds. Running threads are stopped for that and started again.
    SetDelay(u32),
    /// Make the applier pass over the transaction it failed at. The applier must be stopped.
    SkipTransaction,
    /// Begin a new binary log.
    FlushBinaryLogs,
    /// Delete the binary logs before this one.
    PurgeBinaryLogs(String),
    /// Delete all binary logs and forget which transactions were executed (MySQL GTID).
    ResetBinaryLogs,
    /// Declare these transactions as executed and purged (MySQL GTID).
    SetPurgedGtid(String),
    /// Commit an empty transaction under each of these identifiers (MySQL GTID), in order. Those executed already are
    /// passed over.
    InjectEmpty(Vec<String>),
    /// End the statement that a connection runs.
    KillQuery(u64),
    /// Read the server again and store the result.
    Probe,
}

impl Action {
    /// Changes the server. Waits and reads do not.
    pub fn is_change(&self) -> bool {
        match self {
            Self::WaitApplied
            | Self::WaitExecutedGtid(_)
            | Self::WaitExecutedCoordinates(_)
            | Self::Probe => false,
            Self::StopReplication(_)
            | Self::StartReplication(_)
            | Self::ReconnectReceiver
            | Self::DropPartialTransaction { .. }
            | Self::ChangeSource { .. }
            | Self::ResetReplication
            | Self::DetachSource
            | Self::ReattachSource
            | Self::SetReadOnly { .. }
            | Self::SetSemiSyncPrimary(_)
            | Self::SetSemiSyncReplica(_)
            | Self::ReplicateUntil(_)
            | Self::SetDelay(_)
            | Self::SkipTransaction
            | Self::FlushBinaryLogs
            | Self::PurgeBinaryLogs(_)
            | Self::ResetBinaryLogs
            | Self::SetPurgedGtid(_)
            | Self::InjectEmpty(_)
            | Self::KillQuery(_) => true,
        }
    }

    /// Opens a server for writes.
    pub fn opens_writes(&self) -> bool {
        matches!(self, Self::SetReadOnly { on: false, .. })
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StopReplication(Threads::Both) => f.write_str("stop replication"),
            Self::StopReplication(Threads::Receiver) => f.write_str("stop receiving"),
            Self::StopReplication(Threads::Applier) => f.write_str("stop applying"),
            Self::StartReplication(Threads::Both) => f.write_str("start replication"),
            Self::StartReplication(Threads::Receiver) => f.write_str("start receiving"),
            Self::StartReplication(Threads::Applier) => f.write_str("start applying"),
            Self::ReconnectReceiver => f.write_str("let the receiver reconnect"),
            Self::DropPartialTransaction { through: Some(other) } => {
                write!(
                    f,
                    "drop what is left of an unfinished transaction, by receiving from {other} for a moment"
                )
            }
            Self::DropPartialTransaction { through: None } => {
                f.write_str("drop what is left of an unfinished transaction")
            }
            Self::WaitApplied => f.write_str("wait until the relay log is applied"),
            Self::WaitExecutedGtid(set) => write!(f, "wait until {set} is executed"),
            Self::WaitExecutedCoordinates(at) => write!(f, "wait until {at} is executed"),
            Self::ChangeSource { source, .. } => write!(f, "replicate from {source}"),
            Self::ResetReplication => f.write_str("forget the source"),
            Self::DetachSource => f.write_str("detach from the source"),
            Self::ReattachSource => f.write_str("re-attach to the source"),
            Self::SetReadOnly { on: true, .. } => f.write_str("make read-only"),
            Self::SetReadOnly { on: false, .. } => f.write_str("make writable"),
            Self::SetSemiSyncPrimary(on) => write!(f, "switch semi-sync primary side {}", on_off(*on)),
            Self::SetSemiSyncReplica(on) => write!(f, "switch semi-sync replica side {}", on_off(*on)),
            Self::ReplicateUntil(at) => write!(f, "replicate up to {at}"),
            Self::SetDelay(seconds) => write!(f, "delay the applier by {seconds} seconds"),
            Self::SkipTransaction => f.write_str("skip the failed transaction"),
            Self::FlushBinaryLogs => f.write_str("flush binary logs"),
            Self::PurgeBinaryLogs(file) => write!(f, "purge binary logs before {file}"),
            Self::ResetBinaryLogs => f.write_str("delete all binary logs and executed transactions"),
            Self::SetPurgedGtid(set) => write!(f, "set purged transactions to {set}"),
            Self::InjectEmpty(gtids) => write!(f, "inject {} empty transactions", gtids.len()),
            Self::KillQuery(id) => write!(f, "kill query {id}"),
            Self::Probe => f.write_str("read again"),
        }
    }
}

fn on_off(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

/// What must hold before a step starts, checked by the executor against a fresh read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Receiver and applier are stopped (or absent).
    ReplicationStopped,
    /// The relay log is applied.
    RelayLogApplied,
    /// The server replicates from this one.
    ReplicatesFrom(InstanceKey),
    /// The server is read-only.
    ReadOnly,
    /// The node still holds its lease.
    LeaseHeld,
}

/// What to do with the rest of the plan when a step fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFailure {
    /// Stop here, undo what was done.
    Abort,
    /// Note it and go on: the step is wanted, not needed.
    Note,
    /// Give this server up (it is lost for the operation) and go on with the others.
    LoseServer,
}

/// Number of a step in its plan, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StepId(pub u32);

impl fmt::Display for StepId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its number.
    pub id: StepId,
    /// The server acted upon.
    pub server: InstanceKey,
    /// What is done.
    pub action: Action,
    /// Steps that must have ended (well, or noted) before. Steps without a path between them run at the same time.
    pub after: Vec<StepId>,
    /// What must hold.
    pub preconditions: Vec<Condition>,
    /// Longest duration.
    pub deadline: Duration,
    /// What a failure means.
    pub on_failure: OnFailure,
    /// How it is undone while undoing still makes sense.
    pub compensation: Option<Action>,
    /// Why this step is here, for the preview and the audit.
    pub reason: String,
}

/// A phase of an operation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Name of the phase: `collect`, `promote`, …
    pub name: String,
    /// Steps, in an order that respects `after`.
    pub steps: Vec<Step>,
}

impl Plan {
    /// An empty plan of that name.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), steps: Vec::new() }
    }

    /// Adds a step after the given ones and returns its number. Aborts on failure, no compensation.
    pub fn push(
        &mut self,
        server: &InstanceKey,
        action: Action,
        after: &[StepId],
        deadline: Duration,
        reason: impl Into<String>,
    ) -> StepId {
        let id = StepId(u32::try_from(self.steps.len()).unwrap_or(u32::MAX - 1) + 1);
        self.steps.push(Step {
            id,
            server: server.clone(),
            action,
            after: after.to_vec(),
            preconditions: Vec::new(),
            deadline,
            on_failure: OnFailure::Abort,
            compensation: None,
            reason: reason.into(),
        });
        id
    }

    /// The step added last, to refine it.
    pub fn last_mut(&mut self) -> Option<&mut Step> {
        self.steps.last_mut()
    }

    /// A step by its number.
    pub fn step(&self, id: StepId) -> Option<&Step> {
        self.steps.iter().find(|step| step.id == id)
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}:", self.name)?;
        for step in &self.steps {
            write!(f, "  {}. {}: {}", step.id, step.server, step.action)?;
            if !step.reason.is_empty() {
                write!(f, " ({})", step.reason)?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}
