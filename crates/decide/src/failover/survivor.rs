//! Servers that answer again when it is, or was, too late for the failover: the primary that was taken for dead, and
//! replicas that could not be read while another server was promoted.

use std::sync::Arc;
use std::time::Duration;

use model::{Action, FailoverPolicy, GtidSet, GtidUse, Instance, MariaDbPosition, Plan, ServerUuid, Threads};

use super::case::FailoverCase;
use super::choice::drain_target;
use super::fate::{Fate, LostReason, fate_below};
use super::phases::{CHANGE_TIME, push_drain};
use super::promotion::push_repoint;
use super::received::{Holdings, Stream, Yardstick};

/// Transactions that the failed primary itself committed, that replicas received, and that it does not have any more:
/// it came back from a crash that took them. Empty when there are none, or when positions cannot tell.
///
/// A primary that answers again and has everything is better left in its place. One that lost what its replicas have
/// is not: as the primary it would lose that for everybody.
pub fn lost_by_primary(case: &FailoverCase, observed: &[Arc<Instance>], primary: &Instance) -> String {
    let held: Vec<Holdings> = observed
        .iter()
        .filter(|replica| replica.is_last_check_valid() && replica.key != case.failed)
        .map(|replica| Holdings::of(replica, case.old_primary.as_deref()))
        .collect();
    match Yardstick::of(&held.iter().collect::<Vec<_>>()) {
        Yardstick::Gtid(Stream::Oracle(all)) => {
            let (own, _) = GtidSet::parse_lenient(&primary.executed_gtid);
            let mut lost = all.subtract(&own);
            let uuid = ServerUuid::parse(&primary.server_uuid);
            lost.retain_uuids(|committer| Some(*committer) == uuid);
            lost.to_string()
        }
        Yardstick::Gtid(Stream::MariaDb(all)) => {
            let own = MariaDbPosition::parse(&primary.mariadb_gtid_position).unwrap_or_default();
            let is_lost = |gtid: &model::MariaDbGtid| {
                gtid.server == primary.server_id
                    && own.in_domain(gtid.domain).is_none_or(|last| last.sequence < gtid.sequence)
            };
            all.gtids().filter(is_lost).map(|gtid| gtid.to_string()).collect::<Vec<_>>().join(",")
        }
        Yardstick::Gtid(Stream::File) | Yardstick::Places(_) => String::new(),
    }
}

/// What is to be done with a replica that was out of reach during the failover, and still follows the failed server:
/// the plan that puts it below the new primary. `replica` was read after its receiver had been stopped; `held_at_promotion` is
/// what the new primary had when it was promoted ([`super::Choice::holds`]), empty when that is not known.
///
/// # Errors
/// Why it cannot follow: all reasons.
pub fn late_repoint_plan(
    policy: &FailoverPolicy,
    old_primary: Option<&Instance>,
    primary: &Instance,
    held_at_promotion: &str,
    replica: &Instance,
) -> Result<Plan, Vec<LostReason>> {
    let held = Holdings::of(replica, old_primary);
    if let Some(ahead) = ahead_of_promotion(&held, old_primary, held_at_promotion) {
        return Err(vec![ahead]);
    }
    let expected = of_primary(primary, replica.gtid_use());
    let drain_first = match fate_below(replica, &held, primary, &expected, &policy.replication) {
        Fate::Repoint { drain_first } => drain_first,
        Fate::Lost(reasons) => return Err(reasons),
        Fate::Promote | Fate::Unreachable | Fate::Elsewhere(_) => return Err(Vec::new()),
    };
    let mut plan = Plan::new("follow-up");
    let mut after = Vec::new();
    if drain_first {
        let limit = policy.drain_timeout.max(Duration::from_secs(1));
        after = push_drain(&mut plan, replica, &drain_target(replica, &held), limit, &[]);
    }
    let reason = format!("{} replaced its source while it could not be read", primary.key);
    push_repoint(&mut plan, replica, &primary.key, &after, &reason);
    Ok(plan)
}

/// The plan that takes a replica which cannot follow the new primary away from the failed server. It applies what it
/// received before: it may hold the only copy.
pub fn late_detach_plan(policy: &FailoverPolicy, old_primary: Option<&Instance>, replica: &Instance) -> Plan {
    let mut plan = Plan::new("follow-up");
    let reason = "it cannot follow the new primary and must not follow the failed one";
    let held = Holdings::of(replica, old_primary);
    let limit = policy.drain_timeout.max(Duration::from_secs(1));
    let after = push_drain(&mut plan, replica, &drain_target(replica, &held), limit, &[]);
    let stop = plan.push(&replica.key, Action::StopReplication(Threads::Both), &after, CHANGE_TIME, reason);
    plan.push(&replica.key, Action::DetachSource, &[stop], CHANGE_TIME, reason);
    plan
}

/// A MariaDB position tells only the last transaction of a domain. That of the new primary has moved on since, so what a
/// replica has of the old one is compared with what the new one had of it.
fn ahead_of_promotion(
    held: &Holdings,
    old_primary: Option<&Instance>,
    held_at_promotion: &str,
) -> Option<LostReason> {
    let Stream::MariaDb(all) = &held.all else { return None };
    let boundary = MariaDbPosition::parse(held_at_promotion).ok().filter(|position| !position.is_empty())?;
    let old_id = old_primary?.server_id;
    let is_ahead = |gtid: &model::MariaDbGtid| {
        gtid.server == old_id
            && boundary.in_domain(gtid.domain).is_none_or(|last| last.sequence < gtid.sequence)
    };
    let ahead: Vec<String> = all.gtids().filter(is_ahead).map(|gtid| format!("up to {gtid}")).collect();
    (!ahead.is_empty()).then(|| LostReason::Ahead { transactions: ahead.join(","), count: None })
}

/// What a primary has: everything it executed.
fn of_primary(primary: &Instance, kind: GtidUse) -> Holdings {
    let all = match kind {
        GtidUse::Oracle => Stream::Oracle(GtidSet::parse_lenient(&primary.executed_gtid).0),
        GtidUse::MariaDb => {
            Stream::MariaDb(MariaDbPosition::parse(&primary.mariadb_gtid_position).unwrap_or_default())
        }
        GtidUse::None => Stream::File,
    };
    Holdings {
        clean: all.clone(),
        all,
        errant: String::new(),
        read: primary.self_coordinates.clone(),
        pending: 0,
        retrieved: String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::scenario::{instance, policy, world};
    use super::*;

    #[test]
    fn a_primary_that_lost_its_last_commits_is_found_out() {
        let text = "p1 gtid=1:1-90\n r1 <- p1 gtid=1:1-99\n r2 <- p1 gtid=1:1-97 received=1:98-100";
        let case = world(text);
        let lost = |line: &str| lost_by_primary(&case, &case.replicas, &instance(line));
        assert!(lost("p1 gtid=1:1-98").ends_with(":99-100"));
        assert_eq!(lost("p1 gtid=1:1-120"), "");
    }

    #[test]
    fn so_is_a_mariadb_one() {
        let version = "version=11.4.2-MariaDB";
        let case =
            world(&format!("p1 {version} gtid=0-1-90\n r1 <- p1 {version} gtid=0-1-99 received=0-1-99"));
        let lost = |gtid: &str| {
            lost_by_primary(&case, &case.replicas, &instance(&format!("p1 {version} gtid={gtid}")))
        };
        assert_eq!(lost("0-1-98"), "0-1-99");
        assert_eq!(lost("0-1-99"), "");
    }

    #[test]
    fn what_a_replica_committed_itself_is_no_loss_of_the_primary() {
        let case = world("p1 gtid=1:1-90\n r1 <- p1 gtid=1:1-90;11:1-3");
        assert_eq!(lost_by_primary(&case, &case.replicas, &instance("p1 gtid=1:1-90")), "");
    }

    #[test]
    fn a_replica_that_has_no_more_than_the_new_primary_follows_it() {
        let primary = instance("r1 gtid=1:1-90;11:1-5");
        let replica = instance("r2 <- p1 gtid=1:1-80");
        let plan = late_repoint_plan(&policy(), None, &primary, "", &replica).expect("it can follow");
        let steps: Vec<String> = plan.steps.iter().map(|step| step.action.to_string()).collect();
        assert_eq!(steps, ["stop replication", "replicate from r1:3306", "start replication"]);
    }

    #[test]
    fn a_replica_that_has_more_than_the_new_primary_is_lost() {
        let primary = instance("r1 gtid=1:1-90;11:1-5");
        let replica = instance("r2 <- p1 gtid=1:1-92");
        let reasons =
            late_repoint_plan(&policy(), None, &primary, "", &replica).expect_err("it has 91 and 92");
        assert!(matches!(&reasons[..], [LostReason::Ahead { count: Some(2), .. }]), "{reasons:?}");
    }

    #[test]
    fn a_mariadb_replica_is_compared_with_what_was_promoted() {
        let version = "version=11.4.2-MariaDB";
        let old = instance(&format!("p1 {version} gtid=0-1-90"));
        let primary = instance(&format!("r1 {version} gtid=0-11-200"));
        let plan = |gtid: &str| {
            let replica = instance(&format!("r2 <- p1 {version} gtid={gtid}"));
            late_repoint_plan(&policy(), Some(&old), &primary, "0-1-95", &replica)
        };
        assert!(plan("0-1-95").is_ok());
        assert!(plan("0-1-96").is_err());
    }

    #[test]
    fn without_gtid_it_cannot_find_its_place() {
        let primary = instance("r1 gtid=1:1-90");
        let replica = instance("r2 <- p1 use=file gtid=1:1-80");
        assert!(late_repoint_plan(&policy(), None, &primary, "", &replica).is_err());
    }
}
