//! A failed group member: its asynchronous replicas go below another member. The group heals itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::{Instance, InstanceKey};

use super::choice::Refusals;
use super::intermediate::{IntermediateCase, Rehoming, against, finish, is_able};
use super::ranking::Ranking;

/// Decides where the replicas of a failed group member go. The siblings of the case are the other members, as just
/// read.
///
/// Differs: the reference picks any member it ever knew of, at random. Here only members that are online and readable
/// get replicas: first those in the same data center, secondaries before the primary, then by name; and a replica that
/// cannot follow one member is offered the next.
///
/// # Errors
/// No member is fit, or no replica can follow one.
pub fn rehome_below_group(case: &IntermediateCase) -> Result<Rehoming, Refusals> {
    let members = fit_members(case);
    if members.is_empty() {
        let summary = "RecoverDeadReplicationGroupMemberWithReplicas: unable to find a candidate group member to \
                       relocate replicas to";
        return Err(Refusals::new(summary, Ranking::default()));
    }
    let mut moves: BTreeMap<InstanceKey, InstanceKey> = BTreeMap::new();
    let mut left: BTreeMap<InstanceKey, Vec<String>> = BTreeMap::new();
    for replica in &case.replicas {
        let mut reasons = Vec::new();
        for member in &members {
            let found = against(case, replica, member);
            if found.is_empty() {
                moves.insert(replica.key.clone(), member.key.clone());
                break;
            }
            reasons.extend(found);
        }
        if !moves.contains_key(&replica.key) {
            reasons.dedup();
            left.insert(replica.key.clone(), reasons);
        }
    }
    finish(case, None, moves, left)
}

fn fit_members(case: &IntermediateCase) -> Vec<&Arc<Instance>> {
    let failed = &case.failed;
    let mut members: Vec<&Arc<Instance>> = case
        .siblings
        .iter()
        .filter(|member| member.key != failed.key && is_able(member))
        .filter(|member| member.group.name == failed.group.name && member.group.member_state == "ONLINE")
        .collect();
    members.sort_by_cached_key(|member| {
        let is_elsewhere = member.data_center != failed.data_center;
        (is_elsewhere, member.group.member_role == "PRIMARY", member.key.clone())
    });
    members
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::failover::scenario::policy;
    use crate::plan_checker::{CheckContext, check_plan};
    use crate::scenario::{Scenario, key};

    /// `g1` is the failed member; every other member named `g…` is a sibling.
    fn moved(text: &str) -> Result<Vec<String>, String> {
        let fleet = Scenario::parse(text).fleet;
        let case = IntermediateCase {
            failed: fleet.get(&key("g1")).unwrap().clone(),
            source: None,
            siblings: fleet.iter().filter(|s| s.key.hostname().starts_with('g')).cloned().collect(),
            replicas: fleet.replicas_of(&key("g1")).cloned().collect(),
            rules: BTreeMap::new(),
            ignored: BTreeSet::new(),
            policy: policy(),
        };
        let rehoming = rehome_below_group(&case).map_err(|refusals| refusals.to_string())?;
        let mut context = CheckContext::new(case.replicas.iter().cloned());
        context.failed = Some(key("g1"));
        assert_eq!(check_plan(&rehoming.plan, &mut context), []);
        Ok(rehoming.moves.iter().map(|(a, b)| format!("{} below {}", a.hostname(), b.hostname())).collect())
    }

    const DEAD: &str = "g1 group=PRIMARY/ONLINE/g1 down=5s dc=a";

    #[test]
    fn a_secondary_in_the_same_data_center_is_best() {
        let text = format!(
            "{DEAD} \n g2 group=PRIMARY/ONLINE/g2 dc=a \n g3 group=SECONDARY/ONLINE/g2 dc=a \n \
             g0 group=SECONDARY/ONLINE/g2 dc=b \n r1 <- g1 failing \n r2 <- g1 failing"
        );
        assert_eq!(moved(&text), Ok(vec!["r1 below g3".to_owned(), "r2 below g3".to_owned()]));
        let away = format!("{DEAD} \n g2 group=PRIMARY/ONLINE/g2 dc=b \n r1 <- g1 failing");
        assert_eq!(moved(&away), Ok(vec!["r1 below g2".to_owned()]));
    }

    #[test]
    fn members_that_are_not_online_or_not_readable_get_nothing() {
        let unfit = format!(
            "{DEAD} \n g2 group=SECONDARY/RECOVERING/g1 \n g3 group=SECONDARY/ONLINE/g1 down=3s \n g4 \n r1 <- g1 failing"
        );
        let error = moved(&unfit).unwrap_err();
        assert!(error.contains("unable to find a candidate group member"), "{error}");
    }

    #[test]
    fn a_replica_that_cannot_follow_one_member_is_offered_the_next() {
        let text = format!(
            "{DEAD} \n g2 group=SECONDARY/ONLINE/g1 mode=OFF dc=a \n g3 group=SECONDARY/ONLINE/g1 dc=b \n r1 <- g1 failing"
        );
        assert_eq!(moved(&text), Ok(vec!["r1 below g3".to_owned()]));
        let none = format!("{DEAD} \n g2 group=SECONDARY/ONLINE/g1 \n r1 <- g1 gtid=off mode=OFF failing");
        assert!(moved(&none).is_err());
    }
}
