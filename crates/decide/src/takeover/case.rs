//! What a planned takeover is about, and what may stand in its way.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use model::{FailoverPolicy, Instance, InstanceKey, PromotionRule};

/// A live primary that is to hand over to one of its replicas.
#[derive(Clone, Debug)]
pub struct TakeoverCase {
    /// The primary, as just read.
    pub primary: Arc<Instance>,
    /// Its direct replicas, as just read where that was possible, each once. The order has no meaning.
    pub replicas: Vec<Arc<Instance>>,
    /// The replica that is to take over; `None` when none was named.
    pub designated: Option<InstanceKey>,
    /// Choose one when none is named, and start replication on the former primary in the end.
    pub auto: bool,
    /// Promotion rules; a server without one is neutral.
    pub rules: BTreeMap<InstanceKey, PromotionRule>,
    /// Servers that the settings exclude from promotion.
    pub ignored: BTreeSet<InstanceKey>,
    /// Servers that may be left behind.
    pub downtimed: BTreeSet<InstanceKey>,
    /// Longest wait for the designated server while the primary is read-only
    /// (`ReasonableMaintenanceReplicationLagSeconds`); zero means the drain timeout of the policy.
    pub wait_max: Duration,
    /// Settings. A takeover always promotes, whatever `apply_promotion` says.
    pub policy: FailoverPolicy,
}

impl TakeoverCase {
    /// The promotion rule of a server.
    pub fn rule(&self, key: &InstanceKey) -> PromotionRule {
        self.rules.get(key).copied().unwrap_or_default()
    }

    /// Registered as never to be promoted, or excluded by the settings.
    pub fn is_banned(&self, key: &InstanceKey) -> bool {
        self.rule(key) == PromotionRule::MustNot || self.ignored.contains(key)
    }

    pub(crate) fn replica(&self, key: &InstanceKey) -> Option<&Arc<Instance>> {
        self.replicas.iter().find(|replica| replica.key == *key)
    }

    pub(crate) fn wait_limit(&self) -> Duration {
        let limit = if self.wait_max.is_zero() { self.policy.drain_timeout } else { self.wait_max };
        limit.max(Duration::from_secs(1))
    }
}

/// Why a takeover is refused. The texts of the first group are those users of the original know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// Not exactly one primary was found.
    NoSinglePrimary {
        /// The cluster.
        cluster: String,
        /// How many were found.
        found: usize,
    },
    /// The primary has no replica.
    NoReplicas(InstanceKey),
    /// The named server is no direct replica.
    NotDirectReplica {
        /// The named server.
        designated: InstanceKey,
        /// The primary.
        primary: InstanceKey,
    },
    /// None was named, and none may be chosen.
    NotIndicated {
        /// The primary.
        primary: InstanceKey,
        /// Number of its replicas.
        replicas: usize,
    },
    /// None was named, and none is fit.
    NoneFit {
        /// The primary.
        primary: InstanceKey,
        /// Each replica with what stands against it.
        why: Vec<(InstanceKey, Vec<Obstacle>)>,
    },
    /// The named server must not be promoted.
    Banned(InstanceKey),
    /// The named server replicates from somebody else by now.
    Elsewhere {
        /// The named server.
        designated: InstanceKey,
        /// The primary.
        primary: InstanceKey,
        /// What it replicates from.
        source: InstanceKey,
    },
    /// It lags too much.
    Lagging(InstanceKey),
    /// Its siblings cannot follow it.
    Siblings {
        /// The named server.
        designated: InstanceKey,
        /// Each sibling with the reason.
        why: Vec<(InstanceKey, String)>,
    },
    /// A server could not be read.
    Unreadable(InstanceKey),
    /// Its replication does not run.
    NotReplicating(InstanceKey),
    /// Another rule, in words.
    Unfit {
        /// The named server.
        designated: InstanceKey,
        /// The rule.
        reason: String,
    },
    /// After the primary was made read-only it still changed, or the designated server lacks something.
    NotComplete {
        /// The named server.
        designated: InstanceKey,
        /// What is wrong.
        reason: String,
    },
}

/// Everything that stands in the way of a takeover; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obstacles(pub Vec<Obstacle>);

impl From<Obstacle> for Obstacles {
    fn from(obstacle: Obstacle) -> Self {
        Self(vec![obstacle])
    }
}

impl fmt::Display for Obstacles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
    }
}

impl std::error::Error for Obstacles {}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSinglePrimary { cluster, found } => {
                write!(f, "Cannot deduce cluster master for {cluster}. Found {found} potential masters")
            }
            Self::NoReplicas(primary) => write!(f, "Master {primary} doesn't seem to have replicas"),
            Self::NotDirectReplica { designated, primary } => write!(
                f,
                "GracefulMasterTakeover: indicated designated instance {designated} must be directly replicating \
                 from the master {primary}"
            ),
            Self::NotIndicated { primary, replicas } => write!(
                f,
                "GracefulMasterTakeover: target instance not indicated, auto=false, and master {primary} has {replicas} \
                 replicas. orchestrator cannot choose where to failover to. Aborting"
            ),
            Self::NoneFit { primary, why } => {
                write!(
                    f,
                    "GracefulMasterTakeover: no target instance indicated, failed to auto-detect candidate replica for \
                     master {primary}. Aborting"
                )?;
                for (key, obstacles) in why {
                    let texts: Vec<String> = obstacles.iter().map(ToString::to_string).collect();
                    write!(f, "; {key}: {}", texts.join(", "))?;
                }
                Ok(())
            }
            Self::Banned(key) => write!(
                f,
                "GracefulMasterTakeover: designated instance {key} cannot be promoted due to promotion rule or it is \
                 explicitly ignored in PromotionIgnoreHostnameFilters configuration"
            ),
            Self::Elsewhere { designated, primary, source } => write!(
                f,
                "Sanity check failure. It seems like the designated instance {designated} does not replicate from the \
                 master {primary} (designated instance's master key is {source})"
            ),
            // The misspelling is the original's, and scripts may look for it.
            Self::Lagging(key) => {
                write!(
                    f,
                    "Desginated instance {key} seems to be lagging too much for this operation. Aborting."
                )
            }
            Self::Siblings { designated, why } => {
                let texts: Vec<String> = why.iter().map(|(key, reason)| format!("{key}: {reason}")).collect();
                write!(
                    f,
                    "Desginated instance {designated} cannot take over all of its siblings. Error: {}",
                    texts.join("; ")
                )
            }
            Self::Unreadable(key) => write!(f, "{key} could not be read"),
            Self::NotReplicating(key) => write!(f, "{key}: instance is not replicating"),
            Self::Unfit { designated, reason } => write!(f, "{designated} cannot be promoted: {reason}"),
            Self::NotComplete { designated, reason } => {
                write!(f, "{designated} was not promoted after the write pause: {reason}")
            }
        }
    }
}
