//! What is remembered about a server between connections.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Remembered facts of one server.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    heartbeats: Option<(u64, Instant)>,
    /// Either side of semi-sync was on at the last read.
    semi_sync_on: Option<bool>,
    /// Questions about the binary log hang; it is not asked about before then.
    binary_log_rests_until: Option<Instant>,
}

impl Memory {
    fn with<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        f(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Either side of semi-sync was on at the last read; `None` before the first.
    pub(crate) fn semi_sync_on(&self) -> Option<bool> {
        self.with(|state| state.semi_sync_on)
    }

    /// Stores the answer for [`Self::semi_sync_on`].
    pub(crate) fn note_semi_sync(&self, on: bool) {
        self.with(|state| state.semi_sync_on = Some(on));
    }

    /// A question about the binary log hung a short while ago.
    pub(crate) fn is_binary_log_resting(&self) -> bool {
        self.with(|state| state.binary_log_rests_until.is_some_and(|until| until > Instant::now()))
    }

    /// A question about the binary log hangs: none is asked for that long, because each leaves a session behind.
    pub(crate) fn rest_binary_log(&self, time: Duration) {
        self.with(|state| state.binary_log_rests_until = Some(Instant::now() + time));
    }

    /// How long the count of heartbeats has stood still, for servers that do not tell when the last one came: at
    /// least this old, never older than our first look. `None` = no heartbeat was ever received.
    pub(crate) fn heartbeat_age(&self, received: u64) -> Option<Duration> {
        self.with(|state| match state.heartbeats {
            Some((count, since)) if count == received => (received > 0).then(|| since.elapsed()),
            _ => {
                state.heartbeats = Some((received, Instant::now()));
                (received > 0).then_some(Duration::ZERO)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn heartbeat_age_counts_from_the_last_change() {
        let memory = Memory::default();
        assert_eq!(memory.heartbeat_age(0), None);
        assert_eq!(memory.heartbeat_age(1), Some(Duration::ZERO));
        tokio::time::advance(Duration::from_secs(3)).await;
        assert_eq!(memory.heartbeat_age(1), Some(Duration::from_secs(3)));
        assert_eq!(memory.heartbeat_age(2), Some(Duration::ZERO));
    }
}
