//! Commands that move replicas or change servers, where none answers: what they refuse, and that nothing is left behind.

use crate::program::Prepared;

cases! {
    what_is_missing_is_told,
    pseudo_gtid_is_refused_by_name,
    a_dry_run_moves_nothing,
    servers_that_do_not_answer_are_not_moved_nor_left_locked,
}

fn what_is_missing_is_told() {
    let program = Prepared::new();
    for command in ["relocate", "relocate-replicas", "move-gtid", "move-replicas-gtid", "move-equivalent"] {
        program.fails(&format!("-c {command} -i db:3307"), "Cannot deduce destination: \n");
    }
    program.fails("-c move-below -i db:3307", "Cannot deduce destination/sibling: \n");
    program.fails("-c relocate -i nosuch:1 -d db:3307", "Error reading nosuch:1\n");
    program.fails("-c relocate -i db:3307 -d nosuch:1", "Error reading nosuch:1\n");
    program.fails("-c find-binlog-entry -i db:3307", "No pattern given\n");
    program.fails("-c correlate-binlog-pos -i db:3307", "Cannot deduce target instance: \n");
    program
        .fails("-c correlate-relaylog-pos -i db:3307 -d db:3308 --binlog x", "--binlog must be file:pos: ");
    program.fails(
        "-c regroup-replicas-bls -i db:3306",
        "Could not regroup binlog server replicas of db:3306; error: No binlog servers found below db:3306\n",
    );
    program.fails("-c regroup-replicas-bls -i nosuch:1", "Instance not found: nosuch:1\n");
    program.fails("-c purge-binary-logs -i db:3307", "expecting --binlog value\n");
    program.fails("-c master-pos-wait -i db:3307 --binlog x", "Expecing --binlog argument as file:pos\n");
    program.fails("-c kill-query -i db:3307 --process x", "\"x\" is no process id\n");
    program.fails("-c delay-replication -i db:3307 --seconds x", "Invalid value provided for seconds\n");
    program
        .fails("-c delay-replication -i db:3307 --seconds -1", "invalid seconds: -1, it should be greater");
    program.fails("-c regroup-replicas -i nosuch:1", "Instance not found: nosuch:1\n");
    program.fails("-c regroup-replicas-gtid -i db:3307", "Could not regroup replicas of db:3307; error: ");
}

fn pseudo_gtid_is_refused_by_name() {
    let program = Prepared::new();
    for command in [
        "match",
        "match-up",
        "rematch",
        "match-replicas",
        "match-up-replicas",
        "regroup-replicas-pgtid",
        "last-pseudo-gtid",
    ] {
        program.fails(
            &format!("-c {command} -i db:3307 -d db:3308"),
            "PseudoGTIDPattern not configured; cannot use Pseudo-GTID\n",
        );
    }
    program.configure(r#""PseudoGTIDPattern":"drop view if exists""#);
    program.fails("-c match-up -i db:3307", "Pseudo-GTID is not supported; use GTID");
}

fn a_dry_run_moves_nothing() {
    let program = Prepared::new();
    for (command, name) in [
        ("relocate -d db:3308", "relocate"),
        ("move-up", "move-up"),
        ("take-siblings", "take-siblings"),
        ("make-co-master", "make-co-master"),
        ("flush-binary-logs", "flush-binary-logs"),
        ("reset-replica", "reset-replication"),
        ("enable-gtid", "CHANGE MASTER TO"),
        ("skip-query", "skip-query"),
    ] {
        program.fails(
            &format!("-c {command} -i db:3307 --noop"),
            &format!(
                "noop: aborting {name} operation on db:3307; signalling error but nothing went wrong.\n"
            ),
        );
    }
}

fn servers_that_do_not_answer_are_not_moved_nor_left_locked() {
    let program = Prepared::new();
    for line in [
        "relocate -d db:3308",
        "relocate-slaves -d db:3308",
        "move-up",
        "move-up-slaves",
        "move-below -d db:3308",
        "move-equivalent -d db:3308",
        "move-gtid -d db:3308",
        "repoint",
        "take-master",
        "enslave-siblings",
        "make-co-master",
        "enable-gtid",
        "disable-gtid",
        "which-gtid-errant",
        "locate-gtid-errant",
        "gtid-errant-reset-master",
        "gtid-errant-inject-empty",
        "skip-query",
        "stop-replica-nice",
        "reset-slave",
        "change-master-credentials",
        "detach-slave",
        "reattach-replica",
        "enable-semi-sync-master",
        "disable-semi-sync-master",
        "enable-semi-sync-replica",
        "disable-semi-sync-replica",
        "restart-slave-statements",
        "flush-binary-logs",
        "purge-binary-logs --binlog bin.000001",
        "kill-query --process 1",
        "delay-replication --seconds 1",
        "master-pos-wait --binlog bin.000001:4",
        "find-binlog-entry --pattern x",
        "last-executed-relay-entry",
        "correlate-binlog-pos -d db:3308",
        "correlate-relaylog-pos -d db:3308",
    ] {
        let ended = program.run(&format!("-c {line} -i db:3307"));
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{line}: {}", ended.stderr);
        assert!(ended.stderr.contains(" FATAL "), "{line}: {}", ended.stderr);
        assert!(!ended.stderr.contains("tiger"), "{line} shows the password: {}", ended.stderr);
    }
    program.prints("-c in-maintenance -i db:3307", "");
    program.prints("-c repoint-replicas -i db:3308", "");
}
