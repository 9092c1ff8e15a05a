//! The one place where tasks are started: each has a name, is cancelled at shutdown, and is waited for.
//!
//! A task that panics ends alone; the panic is logged with the task's name and counted.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{error, warn};

/// Starts, cancels and awaits tasks. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Supervisor {
    tracker: TaskTracker,
    stop: CancellationToken,
    panics: Arc<AtomicU64>,
}

impl Supervisor {
    /// A supervisor without tasks.
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts a task that is dropped when shutdown begins. For loops that hold nothing half-done at an await.
    pub fn start_loop(&self, name: &'static str, work: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        // What is moved into a future before it is awaited has its place in it twice.
        let work = Box::pin(work);
        self.start(name, async move {
            tokio::select! {
                // Fixed order: the same events give the same history.
                biased;
                () = stop.cancelled() => {}
                () = work => {}
            }
        });
    }

    /// Starts a task that runs to its end, also during shutdown (which waits for it within limits).
    #[expect(clippy::disallowed_methods, reason = "the one place that spawns")]
    pub fn start(&self, name: &'static str, work: impl Future<Output = ()> + Send + 'static) {
        let panics = self.panics.clone();
        let guarded = std::panic::AssertUnwindSafe(Box::pin(work)).catch_unwind();
        tokio::spawn(self.tracker.track_future(async move {
            if let Err(panic) = guarded.await {
                panics.fetch_add(1, Ordering::Relaxed);
                error!(
                    task = name,
                    panic = panic_text(panic.as_ref()),
                    "a task ended by a defect; the others go on"
                );
            }
        }));
    }

    /// Cancelled when shutdown begins.
    pub fn stopping(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Number of tasks that ended by a panic.
    pub fn panics(&self) -> u64 {
        self.panics.load(Ordering::Relaxed)
    }

    /// Begins shutdown and waits for tasks at most that long. Stragglers are dropped with the runtime.
    pub async fn shut_down(&self, wait_max: Duration) {
        self.stop.cancel();
        self.tracker.close();
        if tokio::time::timeout(wait_max, self.tracker.wait()).await.is_err() {
            warn!(tasks = self.tracker.len(), "tasks still running at the end of shutdown are dropped");
        }
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "panic without text".to_owned())
}
