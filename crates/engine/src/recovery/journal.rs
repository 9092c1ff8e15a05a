//! The saved state of a running recovery: enough for another process to finish it or to undo it.

use std::sync::Arc;

use model::{Command, Instance, InstanceKey, ThreadState, Timestamp};
use serde::{Deserialize, Serialize};

use crate::Engine;

/// Where a recovery stands. Everything but [`Stage::Committing`] is undone by another process; that one is finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Stage {
    /// Registered; hooks before the recovery may run.
    Registered,
    /// Replicas are stopped from receiving and read.
    Collecting,
    /// A candidate is chosen and applies what was received.
    Draining,
    /// The candidate is being promoted: no way back.
    Committing,
    /// Nobody is promoted: what was taken is given back.
    Releasing,
}

impl Stage {
    fn name(self) -> &'static str {
        match self {
            Self::Registered => "registered",
            Self::Collecting => "collecting",
            Self::Draining => "draining",
            Self::Committing => "committing",
            Self::Releasing => "releasing",
        }
    }
}

/// A server in its persisted form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StoredKey {
    host: String,
    port: u16,
}

impl From<&InstanceKey> for StoredKey {
    fn from(key: &InstanceKey) -> Self {
        Self { host: key.hostname().to_owned(), port: key.port() }
    }
}

impl StoredKey {
    pub(super) fn key(&self) -> InstanceKey {
        InstanceKey::new(self.host.as_str(), self.port)
    }
}

/// The persisted form, version 1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Journal {
    /// Version of this form.
    pub(super) version: u32,
    /// Where it stands.
    pub(super) stage: Stage,
    /// The failed server.
    pub(super) failed: StoredKey,
    /// Direct replicas at the start.
    pub(super) replicas: Vec<StoredKey>,
    /// The chosen server, once chosen.
    pub(super) candidate: Option<StoredKey>,
    /// The failed server was writable before this recovery may have made it read-only: undoing opens it again.
    #[serde(default)]
    pub(super) unfence: bool,
    /// Replicas whose applier stood still before the recovery: undoing leaves it so.
    #[serde(default)]
    pub(super) idle_appliers: Vec<StoredKey>,
    /// It hands over from a primary that lives.
    #[serde(default)]
    pub(super) takeover: Option<Handover>,
    /// No hooks were wanted.
    #[serde(default)]
    pub(super) skip_hooks: bool,
    /// The promotion of the candidate was begun and given up: it may be open, and published.
    #[serde(default)]
    pub(super) given_up: bool,
    /// When it was last tried to make it read-only, microseconds since 1970: a server that started later is not closed
    /// by this recovery.
    #[serde(default)]
    pub(super) fenced_at: Option<i64>,
    /// Replicas that were told to stop receiving.
    #[serde(default)]
    pub(super) stopped: Vec<StoredKey>,
    /// The list above is complete even when it is empty.
    #[serde(default)]
    is_stopped_known: bool,
}

/// What is particular about a takeover.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Handover {
    /// Its successor is a replica that uses GTID, so it can be made a replica of it later, too.
    pub(super) by_gtid: bool,
    /// The former primary is to replicate in the end, not only to have its source set.
    pub(super) start_former: bool,
}

impl Journal {
    pub(super) fn new(failed: &InstanceKey, replicas: &[InstanceKey]) -> Self {
        Self {
            version: 1,
            stage: Stage::Registered,
            failed: failed.into(),
            replicas: replicas.iter().map(StoredKey::from).collect(),
            candidate: None,
            unfence: false,
            idle_appliers: Vec::new(),
            takeover: None,
            skip_hooks: false,
            given_up: false,
            fenced_at: None,
            stopped: Vec::new(),
            is_stopped_known: false,
        }
    }

    /// Notes what undoing must leave as it is.
    pub(super) fn note_idle_appliers(&mut self, replicas: &[Arc<Instance>]) {
        let idle = replicas.iter().filter(|one| one.replication.sql_thread == ThreadState::Stopped);
        self.idle_appliers = idle.map(|replica| (&replica.key).into()).collect();
    }

    /// Replicas that may be stopped: those that were told to, and all of them where that is not on record.
    pub(super) fn stopped(&self) -> Vec<InstanceKey> {
        let is_told = self.is_stopped_known || !self.stopped.is_empty();
        let keys = if is_told { &self.stopped } else { &self.replicas };
        keys.iter().map(StoredKey::key).collect()
    }

    /// After the replicas were told to stop: leaves only those that may have done so.
    pub(super) fn keep_stopped(&mut self, may_have: impl Fn(&InstanceKey) -> bool) {
        self.stopped.retain(|stopped| may_have(&stopped.key()));
        self.is_stopped_known = true;
    }

    /// The server whose promotion was begun and given up.
    pub(super) fn given_up(&self) -> Option<InstanceKey> {
        self.candidate.as_ref().filter(|_| self.given_up).map(StoredKey::key)
    }

    /// The last attempt to fence; the beginning of the recovery when there was none.
    pub(super) fn last_fence(&self, began: Timestamp) -> Timestamp {
        self.fenced_at.map_or(began, Timestamp::from_micros)
    }

    /// Reads a saved journal.
    ///
    /// # Errors
    /// It was written by a newer version, or is damaged.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let journal: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if journal.version == 1 {
            Ok(journal)
        } else {
            Err(format!("unknown journal version {}", journal.version))
        }
    }
}

impl Engine {
    /// Saves the stage before its work starts.
    ///
    /// # Errors
    /// The backend refused: the stage must not be entered.
    pub(super) async fn enter_stage(
        &self,
        uid: &str,
        journal: &mut Journal,
        stage: Stage,
    ) -> Result<(), String> {
        journal.stage = stage;
        let plan = serde_json::to_string(journal).unwrap_or_default();
        let command = Command::JournalRecovery {
            uid: uid.to_owned(),
            state: stage.name().to_owned(),
            plan,
            at: self.now(),
        };
        match self.submit(command).await {
            Ok(_) => Ok(()),
            Err(error) => Err(format!("the backend does not record the stage {}: {error}", stage.name())),
        }
    }
}
