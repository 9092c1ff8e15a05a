//! Opening a SQLite file: what can be wrong with it, and what is set on every connection.
//!
//! A file that cannot be used is left as it is: everything that could refuse it is asked before anything is written.

use std::path::{Path, PathBuf};
use std::time::Duration;

use model::Timestamp;
use ports::StoreError;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::schema;

/// How long a statement waits for a lock of another process.
const BUSY: Duration = Duration::from_secs(5);

/// Prepared statements kept per connection; more than this crate has.
const STATEMENTS: usize = 192;

/// How to open a backend.
#[derive(Clone, Debug, Default)]
pub struct OpenOptions {
    /// Create the file when there is none.
    pub create: bool,
    /// `SkipOrchestratorDatabaseUpdate`: neither check nor change the schema.
    pub skip_update: bool,
    /// `PanicIfDifferentDatabaseDeploy`: refuse a database that `version` was never deployed to, an empty one included.
    pub refuse_other_version: bool,
    /// Deploy the schema even when `version` was deployed before (`redeploy-internal-db`).
    pub redeploy: bool,
    /// Version text of the program, logged in `orchestrator_db_deployments`; empty: deploy at every opening.
    pub version: String,
    /// Now, for the log of deployments.
    pub now: Timestamp,
}

/// Where a database is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Location {
    /// In memory: private, gone with its connection.
    Memory,
    /// A file.
    File(PathBuf),
}

impl Location {
    /// From the text of `SQLite3DataFile`. Parameters of the original's driver (`?_name=value`) and a `file:` prefix
    /// are dropped.
    pub(crate) fn parse(path: &Path) -> Self {
        let Some(text) = path.to_str() else { return Self::File(path.to_owned()) };
        if text.contains(":memory:") {
            return Self::Memory;
        }
        let file = text.split_once('?').map_or(text, |(file, _)| file);
        Self::File(file.strip_prefix("file:").unwrap_or(file).into())
    }
}

/// Opens the writer's connection and brings the schema up to date.
pub(crate) fn writer(location: &Location, options: &OpenOptions) -> Result<Connection, StoreError> {
    let mut db = match location {
        Location::Memory => {
            Connection::open_in_memory().map_err(|error| refuse(location, explain(&error)))?
        }
        Location::File(path) => {
            let is_there = path.exists();
            check_place(location, path, is_there || options.create)?;
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let flags = if options.create { flags | OpenFlags::SQLITE_OPEN_CREATE } else { flags };
            Connection::open_with_flags(path, flags).map_err(|error| refuse(location, explain(&error)))?
        }
    };
    check_content(location, &db, options)?;
    prepare(location, &db)?;
    let is_current = !options.version.is_empty()
        && !options.redeploy
        && schema::is_deployed(&db, &options.version).map_err(|error| refuse(location, explain(&error)))?
        && schema::present(&db).map_err(|error| refuse(location, explain(&error)))? == schema::LATEST;
    if !options.skip_update && !is_current {
        schema::deploy(&mut db, &options.version, options.now).map_err(|error| {
            refuse(
                location,
                format!("the schema could not be brought up to date, nothing was changed: {error}"),
            )
        })?;
    }
    Ok(db)
}

/// Opens a second connection for reading.
pub(crate) fn reader(path: &Path) -> Result<Connection, StoreError> {
    let location = Location::File(path.to_owned());
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags).map_err(|error| refuse(&location, explain(&error)))?;
    configure(&db)
        .and_then(|()| db.pragma_update(None, "query_only", true))
        .map_err(|error| refuse(&location, explain(&error)))?;
    Ok(db)
}

/// The error for a backend that cannot be opened.
pub(crate) fn refuse(location: &Location, message: impl Into<String>) -> StoreError {
    let backend = match location {
        Location::Memory => ":memory:".to_owned(),
        Location::File(path) => path.display().to_string(),
    };
    StoreError::Open { backend, message: message.into() }
}

fn check_place(location: &Location, path: &Path, may_be_missing: bool) -> Result<(), StoreError> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) | None => Path::new("."),
    };
    if !directory.is_dir() {
        let message =
            format!("directory {} does not exist; create it or change SQLite3DataFile", directory.display());
        return Err(refuse(location, message));
    }
    if path.is_dir() {
        return Err(refuse(location, "it is a directory; SQLite3DataFile must name a file"));
    }
    if !may_be_missing {
        return Err(refuse(
            location,
            "the file does not exist; check SQLite3DataFile, or start the daemon, which creates it",
        ));
    }
    Ok(())
}

/// Everything that can speak against using the database, by reading only.
fn check_content(location: &Location, db: &Connection, options: &OpenOptions) -> Result<(), StoreError> {
    let refused = |error: rusqlite::Error| refuse(location, explain(&error));
    db.busy_timeout(BUSY).map_err(refused)?;
    db.query_row("select count(*) from sqlite_master", [], |_| Ok(())).map_err(refused)?;
    check_writable(location, db)?;
    let present = schema::present(db).map_err(refused)?;
    if present > schema::LATEST {
        let message = schema::too_new(present, "another SQLite3DataFile");
        return Err(refuse(location, message));
    }
    let is_refused = options.refuse_other_version
        && !options.skip_update
        && !options.version.is_empty()
        && !schema::is_deployed(db, &options.version).map_err(refused)?;
    if is_refused {
        return Err(refuse(location, schema::other_version(&options.version)));
    }
    Ok(())
}

fn check_writable(location: &Location, db: &Connection) -> Result<(), StoreError> {
    match db.is_readonly("main") {
        Ok(false) => Ok(()),
        Ok(true) => Err(refuse(location, READ_ONLY)),
        Err(error) => Err(refuse(location, explain(&error))),
    }
}

/// Sets what every connection needs. Switching a file to write-ahead logging needs it alone for a moment; SQLite does
/// not wait for that by itself, so it is tried until the usual waiting time is over.
fn prepare(location: &Location, db: &Connection) -> Result<(), StoreError> {
    let pause = Duration::from_millis(50);
    let mut waited = Duration::ZERO;
    loop {
        match db.pragma_update(None, "journal_mode", "wal").and_then(|()| configure(db)) {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && waited < BUSY => {
                std::thread::sleep(pause);
                waited += pause;
            }
            outcome => return outcome.map_err(|error| refuse(location, explain(&error))),
        }
    }
}

fn configure(db: &Connection) -> rusqlite::Result<()> {
    db.busy_timeout(BUSY)?;
    db.set_prepared_statement_cache_capacity(STATEMENTS);
    db.pragma_update(None, "synchronous", "normal")
}

const READ_ONLY: &str = "it can be read but not written; give the user this program runs as the right to write the file and its directory";

/// What an error means for the person who has to mend it.
fn explain(error: &rusqlite::Error) -> String {
    let cure = match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => {
            "it is not a SQLite database; check SQLite3DataFile, or move the file away to start with a new one"
        }
        Some(ErrorCode::DatabaseCorrupt) => {
            "the file is damaged; restore it from a backup, or move it away to start with a new one"
        }
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            "the file cannot be opened; check the rights of the file and its directory"
        }
        Some(ErrorCode::ReadOnly) => READ_ONLY,
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            "another process keeps it locked; find it with `fuser` or `lsof`"
        }
        Some(ErrorCode::DiskFull) => "the disk is full",
        _ => return error.to_string(),
    };
    format!("{cure} ({error})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_are_read_as_the_original_wrote_them() {
        let parse = |text: &str| Location::parse(Path::new(text));
        assert_eq!(parse(":memory:"), Location::Memory);
        assert_eq!(parse("file::memory:?cache=shared"), Location::Memory);
        assert_eq!(parse("/var/lib/o.db"), Location::File("/var/lib/o.db".into()));
        assert_eq!(parse("file:/var/lib/o.db?_busy_timeout=9"), Location::File("/var/lib/o.db".into()));
    }

    #[test]
    fn a_connection_that_cannot_write_is_refused_with_the_cure() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("o.db");
        Connection::open(&path).unwrap().execute_batch("create table t (a)").unwrap();
        let db = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        let error = check_writable(&Location::File(path), &db).unwrap_err().to_string();
        assert!(error.contains("it can be read but not written; give the user"), "{error}");
    }
}
