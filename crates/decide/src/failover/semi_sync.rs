//! What semi-sync may have promised to clients and no readable replica can show.
//!
//! A primary that waits for `n` replicas tells a client "done" when `n` of them have the write. As long as fewer than
//! `n` semi-sync replicas cannot be read, at least one that can be read has every such write. From there on a write may
//! be on unreadable replicas only, and nobody can tell.

use std::fmt;
use std::sync::Arc;

use model::{Instance, InstanceKey};

use super::case::FailoverCase;

/// Writes may have been acknowledged by these replicas alone, and none of them can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PossibleLoss {
    /// The failed server.
    pub failed: InstanceKey,
    /// Semi-sync replicas that cannot be read, by key.
    pub replicas: Vec<InstanceKey>,
    /// How many replicas the failed server waited for.
    pub waited_for: u32,
}

impl fmt::Display for PossibleLoss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> = self.replicas.iter().map(ToString::to_string).collect();
        write!(
            f,
            "writes that only {} acknowledged may be missing: {} waited for {} semi-sync replica(s), and of these none \
             can be read",
            names.join(", "),
            self.failed,
            self.waited_for
        )
    }
}

/// Whether writes acknowledged by semi-sync may be missing on every replica of which `is_readable` is true.
///
/// A replica that was out of sight well before the primary was last seen did not acknowledge anything since, unless the
/// primary counted more semi-sync replicas than the readable ones at that time.
pub fn possible_loss(
    case: &FailoverCase,
    is_readable: impl Fn(&InstanceKey) -> bool,
) -> Option<PossibleLoss> {
    let primary = case.old_primary.as_ref().filter(|primary| primary.semi_sync.primary_enabled)?;
    let waited_for = primary.semi_sync.wait_for_replica_count.max(1);
    let enabled = || case.replicas.iter().filter(|replica| replica.semi_sync.replica_enabled);
    let mut unread: Vec<&Arc<Instance>> = enabled().filter(|replica| !is_readable(&replica.key)).collect();
    unread.sort_by(|a, b| a.key.cmp(&b.key));
    unread.dedup_by(|a, b| a.key == b.key);
    let readable = enabled().filter(|replica| is_readable(&replica.key)).count();
    let unseen = (primary.semi_sync.primary_clients as usize).saturating_sub(readable);
    let is_recent = |replica: &&Arc<Instance>| match (replica.last_seen, primary.last_seen) {
        (Some(replica), Some(primary)) => primary.saturating_since(replica) <= case.policy.recently_seen,
        (None, _) | (_, None) => false,
    };
    let recent: Vec<&Arc<Instance>> = unread.iter().copied().filter(|replica| is_recent(replica)).collect();
    let suspects = if unseen.min(unread.len()) > recent.len() { unread } else { recent };
    (suspects.len() >= waited_for as usize).then(|| PossibleLoss {
        failed: case.failed.clone(),
        replicas: suspects.iter().map(|replica| replica.key.clone()).collect(),
        waited_for,
    })
}

#[cfg(test)]
mod tests {
    use super::super::scenario::world;
    use super::*;

    fn suspects(text: &str) -> Option<String> {
        let case = world(text);
        let is_readable = |key: &InstanceKey| {
            case.replicas.iter().any(|replica| replica.key == *key && replica.is_last_check_valid())
        };
        possible_loss(&case, is_readable).map(|loss| {
            loss.replicas.iter().map(|key| key.hostname().to_owned()).collect::<Vec<_>>().join(",")
        })
    }

    #[test]
    fn a_write_may_be_on_the_unreadable_replica_only() {
        let text = "p1 semi_wait=1\n r1 <- p1 semi=1\n r2 <- p1 semi=1 valid=off";
        assert_eq!(suspects(text).as_deref(), Some("r2"));
    }

    #[test]
    fn nothing_is_in_doubt_while_more_acknowledge_than_cannot_be_read() {
        assert_eq!(suspects("p1 semi_wait=2\n r1 <- p1 semi=1\n r2 <- p1 semi=1 valid=off"), None);
        assert_eq!(suspects("p1 semi_wait=1\n r1 <- p1 semi=1\n r2 <- p1 semi=1"), None);
    }

    #[test]
    fn replicas_without_semi_sync_acknowledge_nothing() {
        assert_eq!(suspects("p1 semi_wait=1\n r1 <- p1 semi=1\n r2 <- p1 valid=off"), None);
        assert_eq!(suspects("p1\n r1 <- p1 semi=1\n r2 <- p1 semi=1 valid=off"), None);
    }

    #[test]
    fn a_replica_long_out_of_sight_counts_only_if_the_primary_counted_it() {
        let long_gone = "r1 <- p1 semi=1\n r2 <- p1 semi=1 valid=off seen=10";
        assert_eq!(suspects(&format!("p1 semi_wait=1 clients=1\n {long_gone}")), None);
        assert_eq!(suspects(&format!("p1 semi_wait=1 clients=2\n {long_gone}")).as_deref(), Some("r2"));
    }
}
