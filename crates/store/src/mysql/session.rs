//! One connection on a thread that may block: statements, their time limit, and whether the connection is still sound.

use std::cell;
use std::cell::RefCell;
use std::future::Future;
use std::time::Duration;

use mysql_async::prelude::Queryable;
use mysql_async::{Params as DriverParams, Row};
use ports::Deadline;
use tokio::runtime::Handle;
use tokio::time::timeout_at;

use super::connect::Link;
use crate::sql::{self, Params, translate};

/// A connection in use. Not shared between threads.
pub(crate) struct Session {
    link: RefCell<Link>,
    runtime: Handle,
    deadline: Deadline,
    statement_max: Duration,
    is_broken: cell::Cell<bool>,
    last_insert_id: cell::Cell<i64>,
}

impl Session {
    /// `deadline` is for everything done with it, `statement_max` for each statement.
    pub(super) fn new(link: Link, runtime: Handle, deadline: Deadline, statement_max: Duration) -> Self {
        Self {
            link: RefCell::new(link),
            runtime,
            deadline,
            statement_max,
            is_broken: cell::Cell::new(false),
            last_insert_id: cell::Cell::new(0),
        }
    }

    /// It was lost, or its answers can no longer be told apart.
    pub(super) fn is_broken(&self) -> bool {
        self.is_broken.get()
    }

    /// It was idle before.
    pub(super) fn is_reused(&self) -> bool {
        self.link.borrow().is_reused
    }

    /// Gives the connection back.
    pub(super) fn into_link(self) -> Link {
        self.link.into_inner()
    }

    /// Key that the last insert made.
    pub(crate) fn last_insert_id(&self) -> i64 {
        self.last_insert_id.get()
    }

    /// Runs a prepared statement; the number of rows matched, inserted or deleted.
    pub(crate) fn execute(&self, statement: &str, params: &impl Params) -> sql::Result<usize> {
        let (text, values) = prepare(statement, params);
        let mut link = self.link.borrow_mut();
        let connection = &mut link.connection;
        self.wait(connection.exec_drop(text, values))?;
        let id = connection.last_insert_id().unwrap_or(0);
        self.last_insert_id.set(i64::try_from(id).unwrap_or(i64::MAX));
        Ok(usize::try_from(connection.affected_rows()).unwrap_or(usize::MAX))
    }

    /// Runs a prepared query; all rows.
    pub(crate) fn query(&self, statement: &str, params: &impl Params) -> sql::Result<Vec<Row>> {
        let (text, values) = prepare(statement, params);
        self.wait(self.link.borrow_mut().connection.exec(text, values))
    }

    /// Runs a statement that cannot be prepared, or need not.
    pub(crate) fn batch(&self, statement: &str) -> sql::Result<()> {
        self.wait(self.link.borrow_mut().connection.query_drop(statement))
    }

    fn wait<T>(&self, work: impl Future<Output = mysql_async::Result<T>>) -> sql::Result<T> {
        let deadline = self.deadline.at_most(self.statement_max);
        match self.runtime.block_on(timeout_at(deadline.instant(), work)) {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => {
                // An error that the server told leaves the conversation in order.
                if !matches!(error, mysql_async::Error::Server(_)) {
                    self.is_broken.set(true);
                }
                Err(error.into())
            }
            Err(_) => {
                self.is_broken.set(true);
                Err(sql::Error::TimedOut(self.statement_max))
            }
        }
    }
}

fn prepare(statement: &str, params: &impl Params) -> (String, DriverParams) {
    let (text, order) = translate(statement);
    if order.is_empty() {
        return (text, DriverParams::Empty);
    }
    let values = order.into_iter().map(|index| params.value(index).to_mysql()).collect();
    (text, DriverParams::Positional(values))
}
