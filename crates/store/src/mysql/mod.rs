//! The backend on a MySQL or MariaDB server.
//!
//! Work on tables is written for a thread that may block, so it runs on one of Tokio's blocking threads with a
//! connection of its own; the connection's traffic is driven by the runtime. Every statement has a time limit; a
//! connection that did not answer in time is thrown away.

mod changes;
mod clock;
mod connect;
mod explain;
mod lease;
mod options;
mod session;
mod work;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use model::{Command, CommandOutcome, InstanceKey};
use ports::{InstanceWrite, StoreError, TextSearch, TimestampStyle, Written};

pub use clock::BackendClock;
pub use lease::{ActiveNodeLease, OperatorLease};
pub use options::{MaxPacket, MySqlBackend, MySqlBackendTls};
pub(crate) use session::Session;

use crate::instances::Author;
use crate::open::OpenOptions;
use crate::sql::{self, Db};
use crate::store::implement_store;
use crate::{apply, instances, schema};
use changes::OwnChanges;
use work::{Kind, Worker};

/// A schema on a MySQL or MariaDB server, which several nodes may share.
///
/// Connections speak UTC, so that stored times mean the same to every client whatever its time zone, and write without
/// strict mode: a value longer than its column is cut instead of losing the whole row.
pub struct MySqlStore {
    worker: Worker,
    changes: OwnChanges,
    /// What this process leaves on the rows of servers; `None` where the schema has no room for it.
    signature: Option<i64>,
    rows: Mutex<Rows>,
    clock: BackendClock,
    address: String,
}

/// What this process knows of the rows of servers.
#[derive(Default)]
struct Rows {
    /// Those that there are for sure, so that writing them is no change of who is known.
    known: BTreeSet<InstanceKey>,
    /// The numbers of their authors when this process had to do with them last.
    authors: HashMap<InstanceKey, i64>,
}

impl MySqlStore {
    /// Takes over another account, other limits or other TLS files (reload). Host, port and database stay: other data
    /// would not match what is held in memory.
    pub fn reconfigure(&self, backend: MySqlBackend) {
        self.worker.reconfigure(backend);
    }

    /// Connects, creates the database if it is missing, and brings its schema up to date: a database of the original is
    /// taken over in place and stays readable for the original. `options.create` is not looked at.
    ///
    /// # Errors
    /// [`StoreError::Open`] with cause and cure: server down, wrong credentials, missing rights, made by a newer
    /// version. Nothing is changed then.
    pub async fn open(backend: MySqlBackend, options: &OpenOptions) -> Result<Self, StoreError> {
        let address = backend.address();
        let refuse = |message: String| StoreError::Open { backend: address.clone(), message };
        connect::ensure_database(&backend)
            .await
            .map_err(|error| refuse(explain::opening(&error, &backend)))?;
        let worker = Worker::new(backend.clone());
        let wanted = options.clone();
        let checked = worker
            .attempt(Kind::Separate, move |db| {
                let Db::MySql(session) = db else { unreachable!("this backend is MySQL") };
                let verdict = prepare(session, &wanted)?;
                Ok((verdict, clock::offset(db)?, schema::present_mysql(session)? >= schema::INSTANCE_AUTHORS))
            })
            .await
            .map_err(|error| refuse(explain::opening(&error, &backend)))?;
        let (verdict, offset, has_authors) = checked;
        verdict.map_err(refuse)?;
        let clock = BackendClock::default();
        clock.adjust(offset);
        Ok(Self {
            worker,
            changes: OwnChanges::default(),
            signature: has_authors.then(Author::new_number),
            rows: Mutex::default(),
            clock,
            address: backend.host_and_port(),
        })
    }

    /// The clock of the backend, by which all nodes that share it write their times.
    pub fn clock(&self) -> BackendClock {
        self.clock.clone()
    }

    /// What the node registry calls this backend: `host:port`.
    pub fn backend(&self) -> &str {
        &self.address
    }

    const TIMESTAMPS: TimestampStyle = TimestampStyle::Sql;
    const TEXT_SEARCH: TextSearch = TextSearch::AnyCase;
    const TELLS_CHANGES_CHEAPLY: bool = false;

    async fn read<T: Send + 'static>(
        &self,
        operation: &'static str,
        work: impl Fn(&Db<'_>) -> sql::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.worker.run(operation, Kind::Read, work).await
    }

    async fn write_batch(&self, writes: Vec<InstanceWrite>, is_routine: bool) -> Result<Written, StoreError> {
        let keys: Vec<InstanceKey> = instances::written_keys(&writes).cloned().collect();
        let number = self.signature.map(|own| if is_routine { own } else { Author::new_number() });
        let (author, is_known) = {
            let rows = self.rows();
            let expected = |key: &InstanceKey| Some((key.clone(), *rows.authors.get(key)?));
            let author =
                number.map(|number| Author { number, expected: keys.iter().filter_map(expected).collect() });
            let is_signed = |key| number.is_none_or(|number| rows.authors.get(key) == Some(&number));
            (author, keys.iter().all(|key| rows.known.contains(key) && is_signed(key)))
        };
        let own = self.changes.begin(!is_known);
        let writes: Arc<[InstanceWrite]> = writes.into();
        let outcome = self
            .worker
            .run("writing of servers", Kind::Write, move |db| {
                let has_authors = author.is_some();
                changes::measured(db, !is_known, has_authors, |db| {
                    instances::write_bulk(db, author.as_ref(), &writes)
                })
            })
            .await;
        let mut rows = self.rows();
        match outcome {
            Ok((left, change)) => {
                if let Some(number) = number {
                    rows.authors.extend(keys.iter().map(|key| (key.clone(), number)));
                }
                rows.known.extend(keys);
                let changed_by_others = left.keys().cloned().collect();
                rows.authors.extend(left);
                own.finish(change);
                Ok(Written { changed_by_others })
            }
            Err(error) => {
                rows.known.clear();
                Err(error)
            }
        }
    }

    async fn probe_changes(&self) -> Result<u64, StoreError> {
        let look = self.changes.look();
        let has_authors = self.signature.is_some();
        let work = move |db: &Db<'_>| Ok((changes::fingerprint(db, has_authors)?, clock::offset(db)?));
        let (found, offset) = self.worker.run("look for foreign changes", Kind::Read, work).await?;
        self.clock.adjust(offset);
        let (number, is_new) = look.finish(found);
        if is_new {
            self.rows().known.clear();
        }
        Ok(number)
    }

    async fn apply_command(&self, command: Command) -> Result<CommandOutcome, StoreError> {
        let is_watched = changes::is_watched(&command);
        let own = self.changes.begin(is_watched);
        let has_authors = self.signature.is_some();
        let work = move |db: &Db<'_>| {
            changes::measured(db, is_watched, has_authors, |db| apply::apply(db, &command))
        };
        let (outcome, change) = self.worker.run("change", Kind::Write, work).await?;
        own.finish(change);
        Ok(outcome)
    }

    fn rows(&self) -> MutexGuard<'_, Rows> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

implement_store!(MySqlStore);

/// Everything that can speak against using the database, by reading only; then the schema. The inner error is a refusal
/// in words.
fn prepare(session: &Session, options: &OpenOptions) -> sql::Result<Result<(), String>> {
    let present = schema::present_mysql(session)?;
    if present > schema::LATEST {
        return Ok(Err(schema::too_new(present, "another MySQLOrchestratorDatabase")));
    }
    if options.skip_update {
        return Ok(Ok(()));
    }
    let is_deployed = !options.version.is_empty() && schema::is_deployed_mysql(session, &options.version)?;
    if options.refuse_other_version && !options.version.is_empty() && !is_deployed {
        return Ok(Err(schema::other_version(&options.version)));
    }
    if !is_deployed || options.redeploy || present < schema::LATEST {
        schema::deploy_mysql(session, &options.version, options.now)?;
    }
    Ok(Ok(()))
}
