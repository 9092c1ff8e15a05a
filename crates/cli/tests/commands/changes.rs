//! Commands that change something. Those that need a database server are tried on a port where none listens.

use crate::program::Prepared;

cases! {
    downtime_begins_and_ends,
    candidates_are_registered_and_servers_forgotten,
    recoveries_are_switched_and_acknowledged,
    servers_that_do_not_answer_are_an_error,
    a_dry_run_changes_no_server,
    the_audit_goes_where_the_configuration_says,
}

fn downtime_begins_and_ends() {
    let program = Prepared::new();
    program.fails("-c begin-downtime -i db:3307", "--reason option required\n");
    program.fails("-c begin-downtime -i db:3307 --reason x --duration 5y", "Cannot parse simple time: 5y\n");
    program.prints("-c begin-downtime -i db:3307 --reason disk --owner ann --duration 30m", "db:3307\n");
    program.prints("-c which-downtimed-instances", "db:3307\n");
    program.prints("-c which-downtimed-instances --alias other:3306", "");
    program.prints("-c instance-status -i db:3307", "[0s,ok,8.0.36,ro,ROW,>>,GTID,downtimed]\n");
    let shown = program.run("-c which-instance -i db:3307 --json").stdout;
    assert!(shown.contains(r#""IsDowntimed":true,"DowntimeReason":"disk","DowntimeOwner":"ann""#), "{shown}");
    program.prints("-c end-downtime -i db:3307,db:3308", "db:3307\ndb:3308\n");
    program.prints("-c which-downtimed-instances", "");
}

fn candidates_are_registered_and_servers_forgotten() {
    let program = Prepared::new();
    program.prints("-c register-candidate -i db:3307 --promotion-rule prefer_not", "db:3307\n");
    program.prints("-c register-candidate -i db:3308", "db:3308\n");
    program.prints("-c bulk-promotion-rules", "db:3307 prefer_not\ndb:3308 prefer\n");
    program.fails("-c forget", "Cannot deduce instance: ");
    program.fails("-c forget -i nosuch:1", "ForgetInstance(): instance nosuch:1 not found\n");
    program.fails("-c forget -i oth:3306", "ForgetInstance(): instance oth:3306 not found\n");
    program.prints("-c forget -i other:3306", "other:3306\n");
    program.prints("-c clusters", "db:3306\n");
    program.prints("-c forget-cluster --alias shop", "db:3306\n");
    program.prints("-c clusters", "\n");
    program.prints("-c all-instances", "");
}

fn recoveries_are_switched_and_acknowledged() {
    let program = Prepared::new();
    program.prints("-c disable-global-recoveries", "OK: Orchestrator recoveries DISABLED globally\n");
    program.prints("-c check-global-recoveries", "OK: Global recoveries disabled: true\n");
    program.prints("-c enable-global-recoveries", "OK: Orchestrator recoveries ENABLED globally\n");
    program.fails("-c ack-all-recoveries", "--reason option required (comment your ack)\n");
    program.prints("-c ack-instance-recoveries -i db:3307 --reason done", "0 recoveries acknowledged\n");
    program.prints("-c ack-cluster-recoveries --alias shop --reason done", "1 recoveries acknowledged\n");
    program.prints("-c ack-all-recoveries --reason done", "0 recoveries acknowledged\n");
}

fn servers_that_do_not_answer_are_an_error() {
    let program = Prepared::new();
    for command in [
        "discover",
        "refresh",
        "set-read-only",
        "set-writeable",
        "start-replica",
        "stop-slave",
        "restart-replica",
    ] {
        let ended = program.run(&format!("-c {command} -i 127.0.0.1:1"));
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{command}: {}", ended.stderr);
        assert!(ended.stderr.contains(" FATAL "), "{command}: {}", ended.stderr);
        assert!(!ended.stderr.contains("tiger"), "{command} shows the password: {}", ended.stderr);
    }
    // Nothing to do is no failure of a command.
    program.prints("-c recover -i db:3306", "");
    program.prints("-c recover-lite -i db:3306", "");
    program
        .fails("-c force-master-takeover --alias shop", "Cannot deduce destination, the instance to promote");
    program.fails(
        "-c graceful-master-takeover --alias nosuch",
        "Unable to determine cluster name. clusterHint=nosuch",
    );
    for line in [
        "-c graceful-master-takeover --alias shop -d x:y:z",
        "-c graceful-master-takeover --alias shop -d db:3307",
        "-c graceful-master-takeover-auto --alias shop",
        "-c plan-takeover --alias shop",
        "-c force-master-takeover --alias shop -d other:3306",
    ] {
        let ended = program.run(line);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{line}: {}", ended.stderr);
    }
}

fn a_dry_run_changes_no_server() {
    let program = Prepared::new();
    for command in ["recover -i db:3306", "force-master-failover --alias shop", "plan-failover --alias shop"]
    {
        let ended = program.run(&format!("-c {command} --noop"));
        assert_eq!(ended.code, Some(0), "{command}: {}", ended.stderr);
        let first = ended.stdout.lines().next();
        assert_eq!(first, Some("If db:3306 failed now, db:3307 would be promoted:"), "{command}");
        assert!(ended.stdout.contains("db:3307: make writable"), "{command}: {}", ended.stdout);
    }
    // The one that was on record before.
    program.prints("-c ack-all-recoveries --reason done", "1 recoveries acknowledged\n");
    program.fails("-c recover -i db:3307 --noop", "noop: aborting recover operation on db:3307");
    for (command, operation) in [("stop-replica", "stop-replica"), ("set-writeable", "set-read-only")] {
        program.fails(
            &format!("-c {command} -i db:3307 --noop"),
            &format!(
                "noop: aborting {operation} operation on db:3307; signalling error but nothing went wrong.\n"
            ),
        );
    }
}

fn the_audit_goes_where_the_configuration_says() {
    let program = Prepared::new();
    let file = program.file("audit.log");
    program.configure(&format!(r#""AuditToBackendDB":false,"AuditLogFile":"{}""#, file.display()));
    program.prints("-c begin-downtime -i db:3307 --reason disk --owner ann", "db:3307\n");
    program.prints("-c end-downtime -i db:3307", "db:3307\n");
    let text = std::fs::read_to_string(&file).unwrap();
    let fields: Vec<Vec<&str>> = text.lines().map(|line| line.split('\t').skip(1).collect()).collect();
    assert_eq!(
        fields,
        [
            ["begin-downtime", "db", "3307", "[db:3306]", "owner: ann, reason: disk", ""],
            ["end-downtime", "db", "3307", "[db:3306]", "", ""],
        ]
    );
}
