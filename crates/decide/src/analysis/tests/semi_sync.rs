//! Codes of semi-synchronous primaries.

use super::check_all;

const HYPOTHESIS: &str = "p1: LockedSemiSyncMasterHypothesis";

#[test]
fn too_few_clients() {
    let locked = "p1: LockedSemiSyncMaster";
    check_all(&[
        ("not watched yet", "p1 semi=1/0 \n r1 <- p1", HYPOTHESIS),
        ("watched for just as long as it takes", "p1 semi=1/0 still=10s \n r1 <- p1", HYPOTHESIS),
        ("watched long enough", "p1 semi=1/0 still=11s \n r1 <- p1", locked),
        ("of several", "p1 semi=2/1 still=11s \n r1 <- p1", locked),
        ("enough clients", "p1 semi=1/1 still=11s \n r1 <- p1", ""),
        ("nobody is waited for", "p1 semi=0/0 still=11s \n r1 <- p1", ""),
        ("switched off", "p1 semi=1/0 disabled still=11s \n r1 <- p1", ""),
        (
            "fell back",
            "p1 semi=1/0 fallen still=11s \n r1 <- p1",
            "p1: NoProblem, NotEnoughValidSemiSyncReplicasStructureWarning",
        ),
        ("a replica", "p1 \n r1 <- p1 semi=1/0 still=11s \n r2 <- r1", ""),
    ]);
}

#[test]
fn the_binary_log_must_stand_where_it_was_noticed() {
    let mut scenario = crate::scenario::Scenario::parse("p1 semi=1/0 still=11s \n r1 <- p1");
    scenario.fleet.update(&crate::scenario::key("p1"), |p1| p1.self_coordinates.pos += 1);
    assert_eq!(crate::scenario::render_analysis(&scenario), HYPOTHESIS);
}

#[test]
fn waiting_sessions_tell_locked_from_idle() {
    check_all(&[
        ("nobody waits", "p1 semi=1/0 still=11s sessions=0 \n r1 <- p1", HYPOTHESIS),
        ("somebody waits", "p1 semi=1/0 still=11s sessions=1 \n r1 <- p1", "p1: LockedSemiSyncMaster"),
    ]);
}

#[test]
fn too_many_clients() {
    let code = "p1: MasterWithTooManySemiSyncReplicas";
    check_all(&[
        ("one too many", "policy exact_semi_sync \n p1 semi=1/2 \n r1 <- p1", code),
        ("exact", "policy exact_semi_sync \n p1 semi=2/2 \n r1 <- p1", ""),
        ("no exact number wanted", "p1 semi=1/2 \n r1 <- p1", ""),
        ("nobody is waited for", "policy exact_semi_sync \n p1 semi=0/2 \n r1 <- p1", ""),
        ("fell back", "policy exact_semi_sync \n p1 semi=1/2 fallen \n r1 <- p1", ""),
        ("switched off", "policy exact_semi_sync \n p1 semi=1/2 disabled \n r1 <- p1", ""),
        ("a replica", "policy exact_semi_sync \n p1 \n r1 <- p1 semi=1/2 \n r2 <- r1", ""),
    ]);
}

#[test]
fn nothing_is_changed_on_a_primary_that_cannot_be_read() {
    check_all(&[
        (
            "locked",
            "p1 down=2s partial semi=1/0 still=11s \n r1 <- p1",
            "p1: LockedSemiSyncMaster (withheld)",
        ),
        (
            "too many",
            "policy exact_semi_sync \n p1 down=2s partial semi=1/2 \n r1 <- p1",
            "p1: MasterWithTooManySemiSyncReplicas (withheld)",
        ),
        ("unreachability comes first", "p1 down=2s semi=1/0 still=11s \n r1 <- p1", "p1: UnreachableMaster"),
    ]);
}

#[test]
fn waiting_sessions_prove_a_lock_wherever_the_binary_log_stands() {
    let primary = |words: &str| format!("p1 semi=1/0 {words} \n r1 <- p1");
    check_all(&[
        (
            "they wait, and clients try again",
            &primary("still=11s pos=binlog.000001:9 sessions=2"),
            "p1: LockedSemiSyncMaster",
        ),
        (
            "not for long enough",
            &primary("still=9s pos=binlog.000001:9 sessions=2"),
            "p1: LockedSemiSyncMasterHypothesis",
        ),
        ("nobody waits", &primary("still=11s sessions=0"), "p1: LockedSemiSyncMasterHypothesis"),
        (
            "nobody says, and the binary log moves",
            &primary("still=11s pos=binlog.000001:9"),
            "p1: LockedSemiSyncMasterHypothesis",
        ),
    ]);
}

#[test]
fn a_mariadb_primary_waits_for_one_replica() {
    let primary =
        |clients: u32| format!("p1 family=mariadb semi=0/{clients} still=11s \n r1 <- p1 family=mariadb");
    check_all(&[("none is connected", &primary(0), "p1: LockedSemiSyncMaster"), ("one is", &primary(1), "")]);
}
