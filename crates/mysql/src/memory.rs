//! What is remembered about a server between connections.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::statements::Channel;

/// Remembered facts of one server.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    channel: Option<Channel>,
    heartbeats: Option<(u64, Instant)>,
}

impl Memory {
    fn with<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        f(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The channel that the last read chose; `None` before the first read and after [`Self::forget_channel`].
    pub(crate) fn channel(&self) -> Option<Channel> {
        self.with(|state| state.channel.clone())
    }

    pub(crate) fn remember_channel(&self, name: &str) {
        self.with(|state| {
            if state.channel.as_ref().is_none_or(|known| known.0 != name) {
                state.channel = Some(Channel(name.to_owned()));
            }
        });
    }

    pub(crate) fn forget_channel(&self) {
        self.with(|state| state.channel = None);
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
