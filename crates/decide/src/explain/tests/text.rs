//! The whole text of an explanation.

use std::time::Duration;

use super::Setting;

#[track_caller]
fn check(setting: &Setting, name: &str, expected: &str) {
    let shown = setting.explain(name).to_string();
    let shown: Vec<&str> = shown.lines().map(str::trim).collect();
    let wanted: Vec<&str> = expected.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    assert_eq!(shown, wanted);
}

#[test]
fn an_unreachable_primary_that_somebody_still_hears() {
    let text = "p1 down=12s check=unanswered \n r1 <- p1 io=connecting \n r2 <- p1 sql=stopped";
    check(
        &Setting::new(text),
        "p1",
        "p1:3306 (cluster p1:3306): UnreachableMaster
         seen: 2027-01-15 07:59:48 p1:3306 is a primary, unreachable, last read 12.0 s ago
         seen: 2027-01-15 07:59:59 r1:3306 is connecting to it
         seen: 2027-01-15 07:59:59 r2:3306 receives from it, its applier is stopped
         cause: connections are not even accepted, the host or the way to it is gone
         evidence: 2027-01-15 07:59:59 p1:3306: the server did not accept the connection in time
         because: is a primary
         because: is unreachable
         because: the last check read nothing
         because: some replica receives from it
         not DeadMasterWithoutReplicas: that needs: has no replica
         not DeadMaster: that needs: no replica receives from it
         not UnreachableMasterWithLaggingReplicas: that needs: every replica lags
         not AllMasterReplicasNotReplicating: that needs: is reachable
         no action: replicas still receive from it, which proves that it lives (r2:3306)
         to change that: check the way from orchestrator to it; it counts as dead when no replica receives any more",
    );
}

#[test]
fn a_dead_primary_that_is_replaced_or_would_be() {
    let dead = Setting::new("p1 down=12s \n r1 <- p1 failing");
    let shown = dead.explain("p1").to_string();
    assert!(shown.ends_with("  action: r1:3306 would be promoted\n"), "{shown}");
    let blocked = dead.with(|setting| setting.gates.failed_over = Some(setting.record("p0", true)));
    let shown = blocked.explain("p1").to_string();
    let expected = "  no action: the cluster has been failed over a short while ago (DeadMaster of p0:3306, uid uid7), \
                    until 2027-01-15 08:50:00\n    to change that: acknowledge that recovery (-c ack-cluster-recoveries)\n  \
                    otherwise: r1:3306 would be promoted\n";
    assert!(shown.ends_with(expected), "{shown}");
}

#[test]
fn what_ends_by_itself_says_when() {
    let now = Setting::new("p1").now();
    let until = |text: &str| Setting::new(text).explain("p1").reasons[0].until;
    assert_eq!(until("p1 down=9s downtime=60s \n r1 <- p1 failing"), Some(now + Duration::from_secs(60)));
    assert_eq!(until("p1 semi=1/0 still=3s \n r1 <- p1"), Some(now + Duration::from_secs(7)));
    assert_eq!(until("p1 semi=1/0 still=3s pos=binlog.000001:1001 \n r1 <- p1"), None, "it moved meanwhile");
    assert_eq!(until("p1 semi=1/0 \n r1 <- p1"), None, "nothing was noted yet");
    assert_eq!(until("p1 down=9s"), None);
}

#[test]
fn structure_is_named_and_unknown_servers_have_no_explanation() {
    let found = Setting::new("p1 ro \n r1 <- p1").explain("p1");
    assert_eq!(found.structure, ["NoWriteableMasterStructureWarning"]);
    assert_eq!(found.nearly[0].code.as_str(), "NoWriteableMasterStructureWarning");
    let setting = Setting::new("p1");
    let world = crate::explain::World {
        fleet: &setting.scenario.fleet,
        policy: &setting.scenario.policy,
        filters: &setting.filters,
        promotion: &setting.promotion,
        is_never_promoted: &|_| false,
        now: setting.now(),
    };
    assert_eq!(crate::explain::explain(&world, &crate::scenario::key("p2"), &setting.gates), None);
}

#[test]
fn what_each_recovery_would_do() {
    let would = |text: &str, name: &str| Setting::new(text).explain(name).would_do.unwrap_or_default();
    let middle = "p1 \n m <- p1 down=9s \n s <- p1 \n a <- m failing \n b <- m failing";
    assert_eq!(would(middle, "m"), "would be moved: a:3306 below s:3306, b:3306 below s:3306");
    let locked = "policy recover_locked_semi_sync \n p1 semi=1/0 still=11s \n r1 <- p1 priority=1";
    assert_eq!(would(locked, "p1"), "semi-sync would be switched on on r1:3306");
    assert_eq!(would("policy repair_read_only \n p1 ro \n r1 <- p1", "p1"), "p1:3306 would be made writable");
    assert_eq!(would("p1 \n r1 <- p1", "p1"), "");
}
