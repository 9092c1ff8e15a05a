//! The backend in a SQLite file.

use std::path::Path;

use async_trait::async_trait;
use model::{
    AuditRecord, BlockedRecovery, Command, CommandOutcome, Detection, Fleet, Recovery, RecoveryStep,
    Timestamp,
};
use ports::{AnalysisChange, AuditQuery, DetectionQuery, InstanceWrite, RecoveryQuery, Store, StoreError};
use rusqlite::{Connection, TransactionBehavior};

use crate::lane::{Lane, Worker};
use crate::open::{self, Location, OpenOptions};
use crate::tables::{
    analysis, annotations, audit, blocked, clusters, detections, journal, maintenance, names, recoveries,
    stale_coordinates, steps,
};
use crate::{apply, instances};

/// A SQLite file (write-ahead log, `synchronous=NORMAL`): one connection that writes, and, for files, a second one that
/// reads, so that listings and writes do not wait for each other. Whoever awaits a write sees it in every later read.
pub struct SqliteStore {
    writer: Lane,
    reader: Option<Lane>,
    backend: String,
}

impl SqliteStore {
    /// Opens the file named by `path` (`:memory:` for a private database), creates it if allowed, and brings its schema
    /// up to date: a file of the original is taken over in place and stays readable for the original. Blocks; at most a
    /// few seconds when other processes hold locks.
    ///
    /// # Errors
    /// [`StoreError::Open`] with cause and cure: directory or file missing, no rights, not a database, damaged, made by
    /// a newer version. The file is unchanged then.
    pub fn open(path: &Path, options: &OpenOptions) -> Result<Self, StoreError> {
        let location = Location::parse(path);
        let writer = open::writer(&location, options)?;
        let start = |name, db| {
            Lane::start(name, db)
                .map_err(|error| open::refuse(&location, format!("no thread for it: {error}")))
        };
        let (reader, backend) = match &location {
            Location::Memory => (None, ":memory:".to_owned()),
            Location::File(file) => {
                (Some(start("store-reader", open::reader(file)?)?), file.display().to_string())
            }
        };
        Ok(Self { writer: start("store-writer", writer)?, reader, backend })
    }

    /// What the node registry calls this backend: the file.
    pub fn backend(&self) -> &str {
        &self.backend
    }

    async fn write<T: Send + 'static>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.writer
            .run(operation, move |worker| {
                let transaction = worker.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
                let result = work(&transaction)?;
                transaction.commit()?;
                Ok(result)
            })
            .await
    }

    /// Reads in one transaction, so that several statements see the same state.
    async fn read<T: Send + 'static>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let lane = self.reader.as_ref().unwrap_or(&self.writer);
        lane.run(operation, move |worker| work(&*worker.db.transaction()?)).await
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn load_fleet(&self) -> Result<Fleet, StoreError> {
        self.read("loading of the fleet", load_fleet).await
    }

    async fn write_instances(&self, writes: Vec<InstanceWrite>) -> Result<(), StoreError> {
        if writes.is_empty() {
            return Ok(());
        }
        self.writer.run("writing of servers", move |worker| write_instances(worker, &writes)).await
    }

    async fn foreign_changes(&self) -> Result<u64, StoreError> {
        // Asked on the connection that writes, the number changes only with commits of other connections, and the
        // reader makes none.
        let version = self.writer.run("look for foreign changes", |worker| data_version(&worker.db)).await?;
        Ok(version.unsigned_abs())
    }

    async fn recoveries_disabled(&self) -> Result<bool, StoreError> {
        self.read("reading of the recovery switch", recoveries::are_disabled).await
    }

    async fn recoveries(&self, query: RecoveryQuery, now: Timestamp) -> Result<Vec<Recovery>, StoreError> {
        self.read("listing of recoveries", move |db| recoveries::list(db, &query, now)).await
    }

    async fn detections(&self, query: DetectionQuery) -> Result<Vec<Detection>, StoreError> {
        self.read("listing of detections", move |db| detections::list(db, &query)).await
    }

    async fn recovery_steps(&self, uid: &str) -> Result<Vec<RecoveryStep>, StoreError> {
        let uid = uid.to_owned();
        self.read("listing of recovery steps", move |db| steps::list(db, &uid)).await
    }

    async fn recovery_journal(&self, uid: &str) -> Result<Option<(String, String)>, StoreError> {
        let uid = uid.to_owned();
        self.read("reading of a recovery's journal", move |db| journal::load(db, &uid)).await
    }

    async fn blocked_recoveries(
        &self,
        cluster_name: Option<&str>,
    ) -> Result<Vec<BlockedRecovery>, StoreError> {
        let cluster_name = cluster_name.map(str::to_owned);
        self.read("listing of blocked recoveries", move |db| blocked::list(db, cluster_name.as_deref())).await
    }

    async fn audit(&self, query: AuditQuery) -> Result<Vec<AuditRecord>, StoreError> {
        self.read("listing of the audit", move |db| audit::list(db, &query)).await
    }

    async fn analysis_changelog(&self) -> Result<Vec<AnalysisChange>, StoreError> {
        self.read("listing of the analysis changelog", analysis::changelog).await
    }

    async fn apply(&self, command: &Command) -> Result<CommandOutcome, StoreError> {
        let command = command.clone();
        self.write("change", move |db| apply::apply(db, &command)).await
    }
}

fn load_fleet(db: &Connection) -> rusqlite::Result<Fleet> {
    let mut fleet = Fleet::default();
    fleet.downtimes = annotations::load_downtimes(db)?;
    fleet.maintenance = maintenance::load(db)?;
    fleet.candidates = annotations::load_candidates(db)?;
    fleet.cluster_aliases = clusters::load_aliases(db)?;
    fleet.cluster_alias_overrides = clusters::load_overrides(db)?;
    fleet.cluster_domains = clusters::load_domains(db)?;
    fleet.resolved = names::load_resolved(db)?;
    fleet.unresolved = names::load_unresolved(db)?;
    fleet.stale_coordinates = stale_coordinates::load(db)?;
    fleet.tags = annotations::load_tags(db)?;
    for instance in instances::load(db)? {
        fleet.insert(instance);
    }
    Ok(fleet)
}

fn write_instances(worker: &mut Worker, writes: &[InstanceWrite]) -> rusqlite::Result<()> {
    let Worker { db, last_written } = worker;
    let mut attempt = || {
        let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let version = data_version(&transaction)?;
        instances::write(&transaction, last_written, version, writes)?;
        transaction.commit()
    };
    let outcome = attempt();
    if outcome.is_err() {
        last_written.forget();
    }
    outcome
}

fn data_version(db: &Connection) -> rusqlite::Result<i64> {
    db.prepare_cached("pragma data_version")?.query_row([], |row| row.get("data_version"))
}
