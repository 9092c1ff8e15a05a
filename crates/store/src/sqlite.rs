//! The backend in a SQLite file.

use std::path::Path;

use model::{Command, CommandOutcome};
use ports::{InstanceWrite, StoreError, TextSearch, TimestampStyle, Written};
use rusqlite::{Connection, TransactionBehavior};

use crate::lane::{Lane, Worker};
use crate::open::{self, Location, OpenOptions};
use crate::sql::{self, Db};
use crate::store::implement_store;
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

    /// The original's driver prints times of SQLite in this form.
    const TIMESTAMPS: TimestampStyle = TimestampStyle::Rfc3339;
    const TEXT_SEARCH: TextSearch = TextSearch::ExactCase;
    const TELLS_CHANGES_CHEAPLY: bool = true;

    /// Reads in one transaction, so that several statements see the same state.
    async fn read<T: Send + 'static>(
        &self,
        operation: &'static str,
        work: impl Fn(&Db<'_>) -> sql::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let lane = self.reader.as_ref().unwrap_or(&self.writer);
        lane.run(operation, move |worker| work(&Db::Sqlite(&*worker.db.transaction()?))).await
    }

    async fn write_batch(
        &self,
        writes: Vec<InstanceWrite>,
        _is_routine: bool,
    ) -> Result<Written, StoreError> {
        self.writer.run("writing of servers", move |worker| write_instances(worker, &writes)).await
    }

    /// Asked on the connection that writes, the number changes only with commits of other connections, and the reader
    /// makes none.
    async fn probe_changes(&self) -> Result<u64, StoreError> {
        let look = |worker: &mut Worker| Ok(data_version(&worker.db)?);
        Ok(self.writer.run("look for foreign changes", look).await?.unsigned_abs())
    }

    async fn apply_command(&self, command: Command) -> Result<CommandOutcome, StoreError> {
        self.writer
            .run("change", move |worker| {
                let transaction = worker.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
                let outcome = apply::apply(&Db::Sqlite(&transaction), &command)?;
                transaction.commit()?;
                Ok(outcome)
            })
            .await
    }
}

implement_store!(SqliteStore);

fn write_instances(worker: &mut Worker, writes: &[InstanceWrite]) -> sql::Result<Written> {
    let transaction = worker.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version = data_version(&transaction)?;
    let batch = instances::write(&Db::Sqlite(&transaction), &worker.last_written, version, writes)?;
    transaction.commit()?;
    Ok(Written { changed_by_others: worker.last_written.note(batch) })
}

fn data_version(db: &Connection) -> rusqlite::Result<i64> {
    db.prepare_cached("pragma data_version")?.query_row([], |row| row.get("data_version"))
}
