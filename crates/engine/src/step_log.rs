//! The steps of recoveries on their way to the backend: in the order in which they happened, and never in the way of
//! what happens.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use model::Command;
use tracing::{info, warn};

use crate::Engine;

/// Steps that wait while the backend does not keep up; more are only in the log.
const WAITING_MAX: usize = 1_000;

/// Steps not written yet.
#[derive(Debug, Default)]
pub(crate) struct StepLog {
    waiting: Mutex<VecDeque<Command>>,
    /// Held by whoever writes: one at a time keeps the order.
    writer: tokio::sync::Mutex<()>,
}

impl StepLog {
    fn push(&self, step: Command) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() < WAITING_MAX {
            waiting.push_back(step);
        } else {
            warn!(waiting = WAITING_MAX, "the backend does not keep up: a recovery step is only in this log");
        }
    }

    fn pop(&self) -> Option<Command> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }
}

impl Engine {
    /// Writes a step message under a recovery (or detection) UID, after all earlier ones.
    pub(crate) async fn write_step(&self, uid: &str, message: impl Into<String>) {
        self.note_step(uid, message.into());
        self.write_waiting_steps().await;
    }

    /// As [`Self::write_step`], off the critical path: a failover does not wait for its audit.
    pub(crate) fn write_step_later(&self, uid: &str, message: String) {
        self.note_step(uid, message);
        let engine = self.clone();
        self.inner.supervisor.start("recovery step", async move { engine.write_waiting_steps().await });
    }

    fn note_step(&self, uid: &str, message: String) {
        info!(recovery = uid, message = %message, "recovery step");
        let step = Command::WriteRecoveryStep { uid: uid.to_owned(), at: self.now(), message };
        self.inner.steps.push(step);
    }

    /// Returns when every step noted before the call is written, or was refused by the backend.
    pub(crate) async fn write_waiting_steps(&self) {
        let _one_at_a_time = self.inner.steps.writer.lock().await;
        while let Some(step) = self.inner.steps.pop() {
            self.submit_quietly(step).await;
        }
    }
}
