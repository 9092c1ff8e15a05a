//! What a [`Writer`](crate::Writer) saw: acknowledgements, gaps between them, and what became of the rows.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::server::Server;

/// A row that a server acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acknowledged {
    /// The row's id.
    pub id: u64,
    /// When the acknowledgement arrived.
    pub at: Instant,
    /// The server's address, as given to the writer.
    pub server: Arc<str>,
}

/// A time without acknowledgement, between two neighbours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// The last one before.
    pub before: Acknowledged,
    /// The first one after.
    pub after: Acknowledged,
}

impl Gap {
    /// How long it was.
    pub fn length(&self) -> Duration {
        self.after.at.saturating_duration_since(self.before.at)
    }
}

/// What a writer saw so far.
#[derive(Debug, Clone, Default)]
pub struct WriterReport {
    /// In order of arrival.
    pub acknowledged: Vec<Acknowledged>,
    /// Ids that a server said it did not write.
    pub refused: Vec<u64>,
    /// Ids whose outcome nobody knows: perhaps written, perhaps not.
    pub unknown: Vec<u64>,
}

impl WriterReport {
    /// The longest time between two acknowledgements; `None` with fewer than two.
    pub fn longest_gap(&self) -> Option<Gap> {
        self.gaps().max_by_key(Gap::length)
    }

    /// The times in which the writer moved from one server to another, in order.
    pub fn moves(&self) -> Vec<Gap> {
        self.gaps().filter(|gap| gap.before.server != gap.after.server).collect()
    }

    fn gaps(&self) -> impl Iterator<Item = Gap> {
        self.acknowledged.windows(2).map(|pair| Gap { before: pair[0].clone(), after: pair[1].clone() })
    }

    /// The first acknowledgement by a server at or after a moment.
    pub fn first_on(&self, address: &str, since: Instant) -> Option<&Acknowledged> {
        self.acknowledged.iter().find(|row| &*row.server == address && row.at >= since)
    }

    /// The acknowledged ids that a server does not have, ascending.
    ///
    /// Errors: the server does not answer.
    pub async fn missing_on(&self, server: &Server) -> Result<Vec<u64>> {
        let rows = server.query("SELECT id FROM app.writes").await?;
        let present = rows
            .iter()
            .flatten()
            .map(|text| text.parse().with_context(|| format!("`{text}` is no id")))
            .collect::<Result<BTreeSet<u64>>>()?;
        let acknowledged: BTreeSet<u64> = self.acknowledged.iter().map(|row| row.id).collect();
        Ok(acknowledged.difference(&present).copied().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_gap_is_between_neighbours() {
        let begin = Instant::now();
        let row = |id: u64, millis: u64, server: &str| Acknowledged {
            id,
            at: begin + Duration::from_millis(millis),
            server: server.into(),
        };
        let report = WriterReport {
            acknowledged: vec![row(1, 0, "a"), row(2, 5, "a"), row(3, 305, "b"), row(4, 310, "b")],
            ..WriterReport::default()
        };
        let gap = report.longest_gap().expect("there are several rows");
        assert_eq!((gap.before.id, gap.after.id, gap.length()), (2, 3, Duration::from_millis(300)));
        assert_eq!(report.moves(), vec![gap]);
        assert_eq!(report.first_on("b", begin).map(|row| row.id), Some(3));
        assert_eq!(WriterReport::default().longest_gap(), None);
    }
}
