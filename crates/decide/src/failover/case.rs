//! What a failover is about: the failed primary, its direct replicas, and what operators said about them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::{FailoverPolicy, Fleet, Instance, InstanceKey, PromotionRule, RegroupMode};

/// What kind of primary failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FailoverKind {
    /// The writable primary of a cluster.
    Primary,
    /// One of two servers that replicate from each other. The other one is among the replicas.
    CoPrimary {
        /// The other one.
        other: InstanceKey,
    },
}

/// A failed primary and all that is needed to replace it.
#[derive(Clone, Debug)]
pub struct FailoverCase {
    /// Primary or co-primary.
    pub kind: FailoverKind,
    /// The failed server.
    pub failed: InstanceKey,
    /// The failed server as it was last read; `None` when it never was.
    pub old_primary: Option<Arc<Instance>>,
    /// Its direct replicas as last read, unreachable ones included, each once. The order has no meaning.
    pub replicas: Vec<Arc<Instance>>,
    /// Promotion rules; a server without one is neutral.
    pub rules: BTreeMap<InstanceKey, PromotionRule>,
    /// Servers that the settings exclude from promotion.
    pub ignored: BTreeSet<InstanceKey>,
    /// The only server that may be promoted; `None` when any may.
    pub explicit: Option<InstanceKey>,
    /// Servers that were tried and given up earlier in the same recovery, with the reason. They are not chosen again.
    pub given_up: BTreeMap<InstanceKey, String>,
    /// Settings.
    pub policy: FailoverPolicy,
}

impl FailoverCase {
    /// The failure of a primary of which nothing else is known yet.
    pub fn new(failed: InstanceKey, policy: FailoverPolicy) -> Self {
        Self {
            kind: FailoverKind::Primary,
            failed,
            old_primary: None,
            replicas: Vec::new(),
            rules: BTreeMap::new(),
            ignored: BTreeSet::new(),
            explicit: None,
            given_up: BTreeMap::new(),
            policy,
        }
    }

    /// The failure of a server of a fleet, with all that is known around it.
    pub fn of(
        fleet: &Fleet,
        failed: &Arc<Instance>,
        policy: FailoverPolicy,
        is_never_promoted: &dyn Fn(&InstanceKey) -> bool,
    ) -> Self {
        let mut case = Self::new(failed.key.clone(), policy);
        if failed.is_co_primary && failed.primary_key.is_valid() {
            case.kind = FailoverKind::CoPrimary { other: failed.primary_key.clone() };
        }
        case.old_primary = Some(Arc::clone(failed));
        case.replicas = fleet.replicas_of(&failed.key).cloned().collect();
        let keys = || case.replicas.iter().map(|replica| &replica.key);
        let rules = keys().map(|key| (key.clone(), fleet.promotion_rule(key))).collect();
        let ignored = keys().filter(|key| is_never_promoted(key)).cloned().collect();
        (case.rules, case.ignored) = (rules, ignored);
        case
    }

    /// The promotion rule of a server.
    pub fn rule(&self, key: &InstanceKey) -> PromotionRule {
        self.rules.get(key).copied().unwrap_or_default()
    }

    /// Registered as never to be promoted, or excluded by the settings.
    pub fn is_banned(&self, key: &InstanceKey) -> bool {
        self.rule(key) == PromotionRule::MustNot || self.ignored.contains(key)
    }

    /// How replicas are regrouped, as records name it: by GTID when all valid replicas use one kind of it.
    pub fn mode(&self) -> RegroupMode {
        let valid: Vec<&Arc<Instance>> = self.replicas.iter().filter(|r| r.is_last_check_valid()).collect();
        if valid.is_empty() {
            RegroupMode::PseudoGtid
        } else if valid.iter().all(|r| r.replication.oracle_gtid)
            || valid.iter().all(|r| r.replication.mariadb_gtid)
        {
            RegroupMode::Gtid
        } else if valid.iter().all(|r| r.is_binlog_server()) {
            RegroupMode::BinlogServer
        } else {
            RegroupMode::PseudoGtid
        }
    }

    /// The one server that may be promoted: the explicit candidate, or the other co-primary when it has to be that.
    ///
    /// Differs: a co-primary that is writable is the only choice whatever the setting says, because promoting another
    /// server beside it would make two writers.
    pub fn only_candidate(&self) -> Option<&InstanceKey> {
        match &self.kind {
            FailoverKind::Primary => self.explicit.as_ref(),
            FailoverKind::CoPrimary { other } => {
                let is_read_only = self.replicas.iter().any(|r| r.key == *other && r.read_only);
                let must = self.policy.must_promote_other_co_primary || !is_read_only;
                if must { Some(other) } else { self.explicit.as_ref() }
            }
        }
    }
}
