//! Median, best and worst of a few measurements.

use std::time::Duration;

/// Measurements in seconds.
#[derive(Debug, Default)]
pub(crate) struct Spread(Vec<f64>);

impl Spread {
    pub(crate) fn add(&mut self, took: Duration) {
        self.0.push(took.as_secs_f64());
    }

    /// Seconds; `None` when nothing was measured.
    pub(crate) fn median(&self) -> Option<f64> {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted.get(sorted.len() / 2).copied()
    }

    /// `median (best – worst)` in milliseconds; `-` when nothing was measured.
    pub(crate) fn milliseconds(&self) -> String {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        match (sorted.first(), sorted.get(sorted.len() / 2), sorted.last()) {
            (Some(best), Some(median), Some(worst)) => {
                format!("{:.2} ms ({:.2} – {:.2})", median * 1e3, best * 1e3, worst * 1e3)
            }
            _ => "-".to_owned(),
        }
    }
}
