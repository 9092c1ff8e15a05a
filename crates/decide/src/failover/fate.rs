//! What becomes of a replica when another one is promoted.

use std::fmt;

use model::{GtidSet, GtidUse, Instance, InstanceKey, ReplicationPolicy};

use super::received::{Holdings, Surplus};
use crate::replication_rules::{Reason, can_replicate_from, gtid_obstacles};

/// What becomes of one replica of the failed server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is the new primary.
    Promote,
    /// It will replicate from the new primary.
    Repoint {
        /// It must apply what it received first, because the new primary no longer has all of that in its binary log.
        drain_first: bool,
    },
    /// It cannot replicate from the new primary. Every reason, at least one.
    Lost(Vec<LostReason>),
    /// It could not be read, and is left as it is; it may be re-pointed when it returns.
    Unreachable,
    /// It no longer replicates from the failed server, and is left as it is.
    Elsewhere(InstanceKey),
}

/// Why a replica is lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LostReason {
    /// A replication rule forbids it.
    Rule(Reason),
    /// It has transactions of the failed primary that the new one will not have.
    Ahead {
        /// The transactions, or the place in the binary log.
        transactions: String,
        /// How many; `None` when they cannot be counted.
        count: Option<u64>,
    },
    /// It has transactions of its own.
    Errant {
        /// The transactions.
        transactions: String,
    },
}

impl fmt::Display for LostReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rule(reason) => write!(f, "{}", reason.to_string().trim_end()),
            Self::Ahead { transactions, count: Some(count) } => {
                write!(f, "it has {count} transactions that the new primary lacks: {transactions}")
            }
            Self::Ahead { transactions, count: None } => {
                write!(f, "it received more than the new primary, {transactions}")
            }
            Self::Errant { transactions } => write!(f, "it has transactions of its own: {transactions}"),
        }
    }
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Promote => f.write_str("is promoted"),
            Self::Repoint { drain_first: false } => f.write_str("replicates from the new primary"),
            Self::Repoint { drain_first: true } => {
                f.write_str("replicates from the new primary once it has applied what it received")
            }
            Self::Lost(reasons) => {
                f.write_str("is lost: ")?;
                for (index, reason) in reasons.iter().enumerate() {
                    write!(f, "{}{reason}", if index > 0 { "; " } else { "" })?;
                }
                Ok(())
            }
            Self::Unreachable => f.write_str("could not be read and is left as it is"),
            Self::Elsewhere(source) => write!(f, "replicates from {source} and is left as it is"),
        }
    }
}

/// The fate of a replica that was read and still replicates from the failed server, when `candidate` is promoted with
/// `expected` in it.
pub(crate) fn fate_below(
    replica: &Instance,
    held: &Holdings,
    candidate: &Instance,
    expected: &Holdings,
    policy: &ReplicationPolicy,
) -> Fate {
    let mut reasons: Vec<LostReason> =
        obstacles(replica, candidate, policy).into_iter().map(LostReason::Rule).collect();
    let mut drain_first = false;
    for obstacle in gtid_obstacles(replica, candidate) {
        match obstacle {
            Reason::Purged { .. } if covers_purged(held, replica, candidate) => drain_first = true,
            other => reasons.push(LostReason::Rule(other)),
        }
    }
    let Surplus { from_primary, count, errant } = held.surplus_over(expected);
    if !from_primary.is_empty() {
        reasons.push(LostReason::Ahead { transactions: from_primary, count });
    }
    if !errant.is_empty() {
        reasons.push(LostReason::Errant { transactions: errant });
    }
    if reasons.is_empty() { Fate::Repoint { drain_first } } else { Fate::Lost(reasons) }
}

/// Rules against one direct replica of the failed server below another. A circle does not count: it can only go through
/// the failed server, from which all of them are cut off.
pub(crate) fn obstacles(replica: &Instance, source: &Instance, policy: &ReplicationPolicy) -> Vec<Reason> {
    match can_replicate_from(replica, source, policy) {
        Ok(_) => Vec::new(),
        Err(reasons) => reasons.into_iter().filter(|reason| !matches!(reason, Reason::Loop { .. })).collect(),
    }
}

/// What the candidate purged and the replica has not executed waits in the replica's relay log.
fn covers_purged(held: &Holdings, replica: &Instance, candidate: &Instance) -> bool {
    if replica.gtid_use() != GtidUse::Oracle {
        return false;
    }
    let (purged, _) = GtidSet::parse_lenient(&candidate.gtid_purged);
    match &held.all {
        super::received::Stream::Oracle(all) => all.contains(&purged),
        super::received::Stream::MariaDb(_) | super::received::Stream::File => false,
    }
}
