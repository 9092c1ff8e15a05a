//! The clock of the backend.
//!
//! Nodes that share a backend compare times that others wrote: who is alive, when a downtime ends, how long a recovery
//! blocks another one. Their own clocks may disagree by more than these spans, so all of them go by the backend's.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use model::Timestamp;
use ports::{Clock, SystemClock};

use crate::sql::{self, Db};

/// Differences as small as this come from the time that asking takes.
const NOISE_MICROS: u64 = 100_000;

/// The machine's clock, set right by the backend's. Clones are the same clock.
#[derive(Clone, Debug, Default)]
pub struct BackendClock(Arc<AtomicI64>);

impl BackendClock {
    /// Takes over a new difference to the machine's clock, in microseconds, unless it is noise: time must not jump
    /// back and forth.
    pub(super) fn adjust(&self, offset_micros: i64) {
        if offset_micros.abs_diff(self.0.load(Ordering::Relaxed)) > NOISE_MICROS {
            self.0.store(offset_micros, Ordering::Relaxed);
        }
    }
}

impl Clock for BackendClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(SystemClock.now().as_micros() + self.0.load(Ordering::Relaxed))
    }
}

/// By how many microseconds the backend's clock is ahead of the machine's.
pub(super) fn offset(db: &Db<'_>) -> sql::Result<i64> {
    let before = SystemClock.now().as_micros();
    let ask = "select cast(unix_timestamp(now(6)) * 1000000 as signed) as micros";
    let theirs = sql::query_one(db, ask, [], |row| Ok(row.cell("micros")?.int()))?;
    let after = SystemClock.now().as_micros();
    let ours = before + (after - before) / 2;
    Ok(theirs.map_or(0, |theirs| theirs - ours))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_differences_are_noise() {
        let clock = BackendClock::default();
        clock.adjust(90_000);
        assert_eq!(clock.0.load(Ordering::Relaxed), 0);
        clock.adjust(3_600_000_000);
        clock.adjust(3_600_050_000);
        assert_eq!(clock.0.load(Ordering::Relaxed), 3_600_000_000);
        let ahead = clock.now().saturating_since(SystemClock.now());
        assert!(ahead.as_secs().abs_diff(3600) <= 1, "{ahead:?}");
        clock.adjust(0);
        assert_eq!(clock.0.load(Ordering::Relaxed), 0);
    }
}
