//! One connection and the one thread that owns it.
//!
//! SQLite calls block, so they never run on an async thread: work is sent here as a closure and its result awaited.
//! The queue is bounded; when it is full, callers wait. How long a piece of work may take is bounded by the busy
//! timeout of the connection, because SQLite waits for nothing but locks. Work that panics is rolled back by its
//! transaction and reported as an error; the thread goes on.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::JoinHandle;

use ports::StoreError;
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use crate::instances::LastWritten;
use crate::sql;

/// Pieces of work that may wait.
const QUEUE: usize = 256;

/// What the thread owns.
pub(crate) struct Worker {
    /// The connection.
    pub(crate) db: Connection,
    /// Rows written last.
    pub(crate) last_written: LastWritten,
}

type Job = Box<dyn FnOnce(&mut Worker) + Send>;

/// A handle to the thread. Dropping it ends the thread after the work already queued.
pub(crate) struct Lane {
    queue: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Lane {
    /// Hands a connection to a new thread.
    ///
    /// # Errors
    /// The operating system gives no thread.
    pub(crate) fn start(name: &str, db: Connection) -> std::io::Result<Self> {
        let (queue, mut jobs) = mpsc::channel::<Job>(QUEUE);
        let mut worker = Worker { db, last_written: LastWritten::default() };
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            while let Some(job) = jobs.blocking_recv() {
                job(&mut worker);
            }
        })?;
        Ok(Self { queue: Some(queue), thread: Some(thread) })
    }

    /// Runs a piece of work and waits for it. `operation` names it in errors. Once queued, the work is done even when
    /// the caller stops waiting.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&mut Worker) -> sql::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, result) = oneshot::channel();
        let job: Job = Box::new(move |worker| {
            let outcome = catch_unwind(AssertUnwindSafe(|| work(worker)));
            // Nobody waits any more when sending fails; the work is done all the same.
            let _ = answer.send(outcome);
        });
        let queue = self.queue.as_ref().expect("the queue lives as long as the lane");
        queue.send(job).await.map_err(|_| failed(operation, "the thread of the connection has ended"))?;
        match result.await {
            Ok(Ok(outcome)) => outcome.map_err(|error| failed(operation, &error.to_string())),
            Ok(Err(_)) => Err(failed(operation, "the work panicked and was rolled back")),
            Err(_) => Err(failed(operation, "the thread of the connection has ended")),
        }
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        drop(self.queue.take());
        if let Some(thread) = self.thread.take() {
            // Jobs cannot panic out of the loop, so there is nothing to learn from the result.
            let _ = thread.join();
        }
    }
}

fn failed(operation: &str, message: &str) -> StoreError {
    StoreError::Statement { operation: operation.to_owned(), message: message.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_an_error_and_not_the_end() {
        let lane = Lane::start("test", Connection::open_in_memory().unwrap()).unwrap();
        let error = lane.run::<()>("trial", |_| panic!("on purpose")).await.unwrap_err();
        assert!(error.to_string().starts_with("backend trial failed: the work panicked"), "{error}");
        let one: i64 = lane
            .run("trial", |worker| Ok(worker.db.query_row("select 1", [], |row| row.get(0))?))
            .await
            .unwrap();
        assert_eq!(one, 1);
    }
}
