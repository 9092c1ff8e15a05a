//! Which primaries others may be told of.
//!
//! Stores outside send clients where they point. A server that may be dead, closed or left behind is therefore never
//! published: what was published before stays, until a failover or a good look says better.

use std::collections::BTreeMap;
use std::time::Duration;

use model::{FailedWrite, Fleet, Instance, InstanceKey, Timestamp};

use crate::cluster_attributes::is_lost_in_recovery;
use crate::clusters::{NameToAlias, all_clusters_primaries, effective_alias};

/// A cluster's writable primary, and whether it is to be published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publication {
    /// Name of the cluster.
    pub cluster_name: String,
    /// Its alias, under which it is published; empty for none.
    pub alias: String,
    /// The first writable primary.
    pub primary: InstanceKey,
    /// Every reason why it is not published; empty when it is.
    pub withheld: Vec<String>,
}

/// The writable primary of each cluster that has one, by cluster name.
///
/// `max_age` is how long ago it may have been read; `None` for as long as it takes, when a person asks for it.
pub fn publications(
    fleet: &Fleet,
    max_age: Option<Duration>,
    name_to_alias: NameToAlias<'_>,
    now: Timestamp,
) -> Vec<Publication> {
    let mut found: Vec<Publication> = all_clusters_primaries(fleet)
        .iter()
        .map(|primary| Publication {
            cluster_name: primary.cluster_name.clone(),
            alias: effective_alias(fleet, &primary.cluster_name, name_to_alias),
            primary: primary.key.clone(),
            withheld: reasons(fleet, primary, max_age, now),
        })
        .collect();
    withhold_rivals(&mut found);
    found
}

fn reasons(fleet: &Fleet, primary: &Instance, max_age: Option<Duration>, now: Timestamp) -> Vec<String> {
    let mut reasons = Vec::new();
    if !primary.is_last_check_valid() {
        reasons.push(format!("{} could not be read the last time", primary.key));
    } else if let Some(age) = max_age.filter(|age| !primary.is_checked_within(*age, now)) {
        reasons.push(format!("{} was not read for {} s", primary.key, age.as_secs()));
    }
    if is_lost_in_recovery(fleet, &primary.key, now) {
        reasons.push(format!("{} was left behind by a failover", primary.key));
    }
    if fleet.failed_writes.get(&primary.key).is_some_and(FailedWrite::is_proven) {
        reasons.push(format!("trial writes on {} fail", primary.key));
    }
    reasons
}

/// Two clusters under one alias would take turns in being published: neither is.
fn withhold_rivals(found: &mut [Publication]) {
    let mut under: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for one in found.iter().filter(|one| one.withheld.is_empty() && !one.alias.is_empty()) {
        under.entry(one.alias.clone()).or_default().push(one.cluster_name.clone());
    }
    for one in found.iter_mut().filter(|one| one.withheld.is_empty()) {
        if let Some(clusters) = under.get(&one.alias).filter(|clusters| clusters.len() > 1) {
            one.withheld.push(format!(
                "clusters {} have the same alias {}",
                clusters.join(" and "),
                one.alias
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Scenario;

    /// `cluster alias primary`, then the reasons against it.
    fn check(text: &str, max_age: Option<u64>, wanted: &[&str]) {
        let scenario = Scenario::parse(text);
        let max_age = max_age.map(Duration::from_secs);
        let found = publications(&scenario.fleet, max_age, &|_| None, scenario.now);
        let shown: Vec<String> = found
            .iter()
            .map(|one| {
                let reasons: Vec<String> = one.withheld.iter().map(|reason| format!(" ({reason})")).collect();
                format!("{} {}{}", one.alias, one.primary.hostname(), reasons.concat())
            })
            .collect();
        assert_eq!(shown, wanted, "{text}");
    }

    #[test]
    fn a_primary_that_lives_and_is_writable_is_published() {
        check("p1 \n r1 <- p1 ro", Some(15), &["p1:3306 p1"]);
        check("p1 ro \n r1 <- p1 ro", Some(15), &[]);
    }

    #[test]
    fn a_primary_that_may_be_dead_is_not_published() {
        check("p1 down=2s \n r1 <- p1 ro", None, &["p1:3306 p1 (p1:3306 could not be read the last time)"]);
        check("p1 age=60s \n r1 <- p1 ro", Some(15), &["p1:3306 p1 (p1:3306 was not read for 15 s)"]);
        check("p1 age=60s \n r1 <- p1 ro", None, &["p1:3306 p1"]);
    }

    #[test]
    fn a_former_primary_is_not_published() {
        check("p1 lost", Some(15), &["p1:3306 p1 (p1:3306 was left behind by a failover)"]);
    }

    #[test]
    fn a_primary_that_takes_no_writes_is_not_published() {
        check("p1 writes=full", Some(15), &["p1:3306 p1 (trial writes on p1:3306 fail)"]);
    }

    #[test]
    fn clusters_of_one_alias_do_not_take_turns() {
        let scenario = Scenario::parse("p1 \n p2 \n other");
        let by_name = |name: &str| name.starts_with('p').then(|| "shop".to_owned());
        let mut found = publications(&scenario.fleet, None, &by_name, scenario.now);
        found.sort_by_key(|one| one.withheld.is_empty());
        let withheld: Vec<usize> = found.iter().map(|one| one.withheld.len()).collect();
        assert_eq!(withheld, [1, 1, 0]);
        assert_eq!(found[0].withheld, ["clusters p1:3306 and p2:3306 have the same alias shop"]);
    }
}
