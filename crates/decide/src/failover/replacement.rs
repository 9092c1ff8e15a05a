//! Whether another server should take the place of one that was just promoted.
//!
//! This is the original's question after a failover by promotion of whoever was most advanced: now that its siblings
//! replicate from the promoted server, is one of them a better primary? Our own failovers weigh all of this before
//! they promote ([`super::choose`]), so only operators and scripts ask it.

use std::sync::Arc;

use model::{FailoverPolicy, Fleet, Instance, InstanceKey, PromotionRule};

use super::fate::obstacles;

/// A promoted server and what is known around it.
pub struct ReplacementCase<'a> {
    /// All servers.
    pub fleet: &'a Fleet,
    /// The failed server; `None` when it is not known.
    pub failed: Option<&'a Instance>,
    /// The promoted server.
    pub promoted: &'a Instance,
    /// Settings.
    pub policy: &'a FailoverPolicy,
    /// The settings exclude this server from promotion.
    pub is_never_promoted: &'a dyn Fn(&InstanceKey) -> bool,
}

/// The server to promote in the place of the promoted one, or that one itself.
///
/// Asked in this order, and the first answer counts: the promoted server stays when it is a registered candidate in the
/// place (data center and environment) of the failed one; a candidate there; the promoted server, when it is a candidate
/// in an allowed place; a candidate in its own place; any candidate in an allowed place. When the promoted server is in
/// a place that is not allowed, or preferably not promoted at all, a neutral server will do, by the same order of places.
// Differs: of several that fit the best is taken (rule, most executed, then key), not the one that happens to be last.
pub fn replacement(case: &ReplacementCase<'_>) -> InstanceKey {
    let promoted = case.promoted;
    let registered = |instance: &Instance| case.rule(&instance.key).is_candidate();
    let neutral = |instance: &Instance| case.rule(&instance.key) == PromotionRule::Neutral;
    let in_failed_place =
        |instance: &Instance| case.failed.is_some_and(|failed| same_place(instance, failed));
    let in_own_place = |instance: &Instance| same_place(instance, promoted);
    let allowed = |instance: &Instance| case.is_allowed_place(instance);

    if registered(promoted) && in_failed_place(promoted) {
        return promoted.key.clone();
    }
    if let Some(better) = case.best(|x| registered(x) && in_failed_place(x)) {
        return better;
    }
    if registered(promoted) && allowed(promoted) {
        return promoted.key.clone();
    }
    let candidate = case
        .best(|x| registered(x) && in_own_place(x))
        .or_else(|| case.best(|x| registered(x) && allowed(x)));
    let is_unwanted = !allowed(promoted) || case.rule(&promoted.key) == PromotionRule::PreferNot;
    let other = || {
        case.best(|x| neutral(x) && in_failed_place(x))
            .or_else(|| case.best(|x| neutral(x) && in_own_place(x)))
            .or_else(|| case.best(|x| neutral(x) && allowed(x)))
    };
    candidate.or_else(|| is_unwanted.then(other).flatten()).unwrap_or_else(|| promoted.key.clone())
}

fn same_place(one: &Instance, other: &Instance) -> bool {
    one.data_center == other.data_center && one.physical_environment == other.physical_environment
}

impl ReplacementCase<'_> {
    fn rule(&self, key: &InstanceKey) -> PromotionRule {
        self.fleet.promotion_rule(key)
    }

    /// The settings allow a primary there. Places that are not known are empty names.
    fn is_allowed_place(&self, instance: &Instance) -> bool {
        let (data_center, region) =
            self.failed.map_or(("", ""), |failed| (failed.data_center.as_str(), failed.region.as_str()));
        (!self.policy.prevent_cross_data_center || instance.data_center == data_center)
            && (!self.policy.prevent_cross_region || instance.region == region)
    }

    /// The best of the servers that can take the place and satisfy the test.
    fn best(&self, is_meant: impl Fn(&Instance) -> bool) -> Option<InstanceKey> {
        let executed = |x: &Arc<Instance>| x.replication.exec.clone();
        self.fleet
            .cluster_members(&self.promoted.cluster_name)
            .filter(|x| is_meant(x) && self.can_take_over(x))
            .max_by(|x, y| {
                let by_rule = self.rule(&y.key).cmp(&self.rule(&x.key));
                by_rule.then_with(|| executed(x).cmp_place(&executed(y))).then_with(|| x.key.cmp(&y.key))
            })
            .map(|x| x.key.clone())
    }

    fn can_take_over(&self, x: &Instance) -> bool {
        self.failed.is_none_or(|failed| failed.key != x.key)
            && x.key != self.promoted.key
            && x.is_last_check_valid()
            && x.logs_updates()
            && !x.is_binlog_server()
            && self.rule(&x.key) != PromotionRule::MustNot
            && !(self.is_never_promoted)(&x.key)
            && x.primary_key == self.promoted.key
            && obstacles(self.promoted, x, &self.policy.replication).is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::super::scenario::policy;
    use super::*;
    use crate::scenario::{Scenario, key};

    fn suggested(text: &str, policy: &FailoverPolicy) -> String {
        let scenario = Scenario::parse(text);
        let case = ReplacementCase {
            fleet: &scenario.fleet,
            failed: scenario.fleet.get(&key("p1")).map(AsRef::as_ref),
            promoted: scenario.instance("r1"),
            policy,
            is_never_promoted: &|key| key.hostname() == "r9",
        };
        replacement(&case).hostname().to_owned()
    }

    #[test]
    fn every_step_in_its_order() {
        for (name, text, expected) in [
            ("nobody is registered", "p1 dc=a\nr1 <- p1 dc=a\nr2 <- r1 dc=a", "r1"),
            (
                "promoted is a candidate there",
                "p1 dc=a\nr1 <- p1 dc=a rule=prefer\nr2 <- r1 dc=a rule=prefer",
                "r1",
            ),
            ("a candidate there", "p1 dc=a\nr1 <- p1 dc=a\nr2 <- r1 dc=a rule=prefer", "r2"),
            ("rather there", "p1 dc=a\nr1 <- p1 dc=b rule=prefer\nr2 <- r1 dc=a rule=prefer", "r2"),
            (
                "promoted is a candidate elsewhere",
                "p1 dc=a\nr1 <- p1 dc=b rule=prefer\nr2 <- r1 dc=b rule=prefer",
                "r1",
            ),
            (
                "a candidate beside it",
                "p1 dc=a\nr1 <- p1 dc=b\nr2 <- r1 dc=b rule=prefer\nr3 <- r1 dc=c rule=prefer",
                "r2",
            ),
            ("a candidate anywhere", "p1 dc=a\nr1 <- p1 dc=b\nr3 <- r1 dc=c rule=prefer", "r3"),
            (
                "preferably not that one",
                "p1 dc=a\nr1 <- p1 dc=a rule=prefer_not\nr2 <- r1 dc=b\nr3 <- r1 dc=a",
                "r3",
            ),
            (
                "nor another such",
                "p1 dc=a\nr1 <- p1 dc=a rule=prefer_not\nr2 <- r1 dc=a rule=prefer_not",
                "r1",
            ),
            ("without a row of the failed one", "r1 <- p1 dc=b\nr2 <- r1 dc=b rule=prefer", "r2"),
            (
                "candidates that do not fit",
                "p1\nr1 <- p1\nr2 <- r1 rule=prefer noupdates\nr3 <- r2 rule=prefer\nr4 <- r1 rule=prefer down=9s\nr9 <- r1 rule=prefer\nr5 <- r1 version=9.1.0 rule=prefer",
                "r1",
            ),
            ("the best of several", "p1\nr1 <- p1\nr2 <- r1 rule=must\nr3 <- r1 rule=prefer", "r2"),
            ("the last of equal ones", "p1\nr1 <- p1\nr2 <- r1 rule=prefer\nr3 <- r1 rule=prefer", "r3"),
        ] {
            assert_eq!(suggested(text, &policy()), expected, "{name}");
        }
    }

    #[test]
    fn geographic_limits_hold() {
        let mut policy = policy();
        policy.prevent_cross_data_center = true;
        let elsewhere = "p1 dc=a\nr1 <- p1 dc=a\nr2 <- r1 dc=b rule=prefer";
        assert_eq!(suggested(elsewhere, &policy), "r1");
        let back = "p1 dc=a\nr1 <- p1 dc=b\nr2 <- r1 dc=b\nr3 <- r1 dc=a";
        assert_eq!(suggested(back, &policy), "r3");
        policy.prevent_cross_data_center = false;
        assert_eq!(suggested(back, &policy), "r1");
    }
}
