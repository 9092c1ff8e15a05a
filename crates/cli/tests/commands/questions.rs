//! Commands that only ask.

use crate::program::Prepared;

cases! {
    questions_print_what_scripts_expect,
    topologies_are_printed_in_three_forms,
    topologies_of_the_past_are_printed_by_their_moment,
    who_forgets_the_instance_is_told_which_one_was_meant,
    without_instance_or_alias_an_unknown_host_means_no_cluster,
    what_was_given_and_is_not_known_is_an_error,
    results_of_earlier_instances_are_printed_before_an_error,
    json_is_what_the_api_answers,
    the_configuration_is_printed_without_secrets,
}

const ALL: &str = "db:3306\nother:3306\ndb:3307\ndb:3308\n";
const CLUSTER: &str = "db:3306\ndb:3307\ndb:3308\n";

fn questions_print_what_scripts_expect() {
    let program = Prepared::new();
    for (line, stdout) in [
        ("-c all-instances", ALL),
        ("-c clusters", "db:3306\nother:3306\n"),
        ("-c clusters-alias", "db:3306\tshop\nother:3306\tother:3306\n"),
        ("-c all-clusters-masters", "db:3306\nother:3306\n"),
        ("-c which-instance -i db:3307", "db:3307\n"),
        ("-c which-instance -i alias:3307", "db:3307\n"),
        ("-c which-instance -i oth", "other:3306\n"),
        ("-c which-cluster -i db:3308", "db:3306\n"),
        ("-c which-cluster --alias shop", "db:3306\n"),
        ("-c which-cluster -alias=db:3306", "db:3306\n"),
        ("-c which-cluster-alias -i db:3308", "shop\n"),
        ("-c which-cluster-alias -i other", "other:3306\n"),
        ("-c which-cluster-domain -i db:3308", "shop.lan\n"),
        ("-c which-cluster-domain -i other", "\n"),
        ("-c which-cluster-master -i db:3308", "db:3306\n"),
        ("-c which-cluster-instances --alias shop", CLUSTER),
        ("-c which-cluster-osc-replicas --alias shop", "db:3307\ndb:3308\n"),
        ("-c which-cluster-osc-slaves --alias shop", "db:3307\ndb:3308\n"),
        ("-c which-cluster-gh-ost-replicas --alias shop", "db:3307\ndb:3308\n"),
        ("-c get-cluster-heuristic-lag --alias shop", "0\n"),
        ("-c which-master -i db:3307", "db:3306\n"),
        ("-c which-master -i db:3306", ""),
        ("-c which-replicas -i db:3306", "db:3307\ndb:3308\n"),
        ("-c which-slaves -i db:3306", "db:3307\ndb:3308\n"),
        ("-c which-replicas -i nosuch:3306", ""),
        ("-c which-downtimed-instances", ""),
        ("-c which-lost-in-recovery", ""),
        ("-c instance-status -i db:3307", "[0s,ok,8.0.36,ro,ROW,>>,GTID]\n"),
        ("-c is-replicating -i db:3307", "db:3307\n"),
        ("-c is-replicating -i db:3306", ""),
        ("-c is-replication-stopped -i db:3307", ""),
        ("-c can-replicate-from -i db:3307 -d db:3308", "db:3308\n"),
        ("-c can-replicate-from -i db:3307 -d db:3307", ""),
        ("-c find --pattern ^db:33.[78]$", "db:3307\ndb:3308\n"),
        ("-c search --pattern 3307", "db:3307\n"),
        ("-c problems", ""),
        ("-c tags -i db:3307", "keep=\nrole=billing\n"),
        ("-c tag-value -i db:3307 --tag role", "billing\n"),
        ("-c tag-value -i db:3307 --tag nosuch", ""),
        ("-c tagged --tag role=billing,keep", "db:3307\n"),
        ("-c in-maintenance -i db:3307", ""),
        ("-c bulk-instances", "db:3306\ndb:3307\ndb:3308\nother:3306\n"),
        ("-c bulk-promotion-rules", "\n"),
        ("-c show-resolve-hosts", "alias db\n"),
        ("-c show-unresolve-hosts", ""),
        ("-c check-global-recoveries", "OK: Global recoveries disabled: false\n"),
        ("-c replication-analysis", ""),
        ("cli -c clusters", "db:3306\nother:3306\n"),
        ("clusters", "db:3306\nother:3306\n"),
        ("which-instance -i db:3307,db:3308", "db:3307\ndb:3308\n"),
    ] {
        program.prints(line, stdout);
    }
}

fn topologies_are_printed_in_three_forms() {
    let program = Prepared::new();
    program.prints(
        "-c topology -i db:3307",
        "db:3306   [0s,ok,8.0.36,rw,ROW,>>,GTID]\n+ db:3307 [0s,ok,8.0.36,ro,ROW,>>,GTID]\n+ db:3308 [0s,ok,8.0.36,ro,ROW,>>,GTID]\n",
    );
    program.prints(
        "-c topology-tabulated --alias shop",
        "db:3306  |0s|ok|8.0.36|rw|ROW|>>,GTID\n+ db:3307|0s|ok|8.0.36|ro|ROW|>>,GTID\n+ db:3308|0s|ok|8.0.36|ro|ROW|>>,GTID\n",
    );
    program.prints(
        "-c topology-tags --alias shop",
        "db:3306   [0s,ok,8.0.36,rw,ROW,>>,GTID] []\n+ db:3307 [0s,ok,8.0.36,ro,ROW,>>,GTID] [keep,role=billing]\n+ db:3308 [0s,ok,8.0.36,ro,ROW,>>,GTID] []\n",
    );
}

fn topologies_of_the_past_are_printed_by_their_moment() {
    let program = Prepared::new();
    program.prints("-c topology --alias shop --pattern .", "\n");
    program.prints("-c snapshot-topologies", "");
    let past = "db:3306\n- db:3307\n- db:3308\n";
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let recorded = runtime.block_on(async { program.store().await.snapshots("db:3306").await.unwrap() });
    let moment = recorded[0].at.as_secs();
    program.prints(&format!("-c topology --alias shop --pattern {moment}"), past);
    program.prints(&format!("-c topology-tabulated -i db:3307 --pattern {moment}"), past);
    program.prints(&format!("-c topology --alias shop --pattern {moment}0"), "\n");
}

fn who_forgets_the_instance_is_told_which_one_was_meant() {
    let program = Prepared::new();
    for line in ["-c is-replicating", "-c stop-replica", "-c forget -i nosuch:1"] {
        let ended = program.run(line);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{line}: {}", ended.stderr);
        let is_told =
            ended.stderr.contains("(no -i was given, so this host is meant; name an instance with -i");
        assert_eq!(is_told, !line.contains("-i"), "{line}: {}", ended.stderr);
    }
}

fn without_instance_or_alias_an_unknown_host_means_no_cluster() {
    let program = Prepared::new();
    program.prints("-c topology", "\n");
    program.prints("-c which-cluster", "\n");
    program.prints("-c which-cluster-instances", "");
    program.fails("-c which-cluster-master", "No writeable masters found for cluster");
    program.fails("-c which-cluster-alias", "No cluster info found for \n");
    program.fails("-c which-cluster-domain", "No cluster info found for \n");
    program.prints("-c forget -i other:3306", "other:3306\n");
    program.prints("-c which-cluster-alias", "shop\n");
    program.prints("-c which-cluster-domain", "shop.lan\n");
}

fn what_was_given_and_is_not_known_is_an_error() {
    let program = Prepared::new();
    program.fails("-c which-master -i nosuch:1", "Instance not found: nosuch:1\n");
    program.fails("-c which-instance -i db:33o6", "Cannot parse address: db:33o6\n");
    program.fails("-c topology --alias nosuch", "Unable to determine cluster name. clusterHint=nosuch\n");
    program.fails("-c which-cluster -i nosuch:1", "Unable to determine cluster name. clusterHint=nosuch:1\n");
    program.fails("-c can-replicate-from -i db:3307", "Cannot deduce target instance: \n");
    program.fails("-c search", "No pattern given\n");
    program.fails("-c find -i db:3307", "No pattern given\n");
    program.fails("-c find --pattern (", "\"(\" is no regular expression");
    program.fails("-c tagged --tag ~", "Unable to parse tag: ~\n");
    program.fails("-c which-instance -i ,", "-i \",\" names no instance\n");
}

fn results_of_earlier_instances_are_printed_before_an_error() {
    let program = Prepared::new();
    let ended = program.run("-c which-instance -i db:3307,nosuch:1,db:3308");
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), "db:3307\n"));
}

fn json_is_what_the_api_answers() {
    let program = Prepared::new();
    program.prints("-c clusters --json", "[\"db:3306\",\"other:3306\"]\n");
    let ended = program.run("-c which-instance -i db:3307 --json");
    assert!(
        ended.stdout.starts_with(r#"{"Key":{"Hostname":"db","Port":3307},"InstanceAlias":"#),
        "{}",
        ended.stdout
    );
}

fn the_configuration_is_printed_without_secrets() {
    let program = Prepared::new();
    let ended = program.run("-c dump-config");
    assert!(
        ended.stdout.starts_with("{\"Debug\":false,\"EnableSyslog\":false,\"ListenAddress\":"),
        "{}",
        ended.stdout
    );
    assert!(!ended.stdout.contains("tiger"));
    assert!(
        program.run("-c dump-config --show-secrets").stdout.contains("\"MySQLTopologyPassword\":\"tiger\"")
    );
}

#[test]
fn explain_says_what_was_seen_and_why_nothing_is_done() {
    let program = Prepared::new();
    let told = program.run("-c explain -i db:3306").stdout;
    assert_eq!(told.lines().next(), Some("db:3306 (cluster db:3306): NoProblem"));
    for part in
        ["  seen: ", " db:3307 receives from it", "  no action: it is reachable", "    to change that: "]
    {
        assert!(told.contains(part), "{part}: {told}");
    }
    let cluster = program.run("-c explain-cluster --alias shop").stdout;
    assert_eq!(
        cluster.lines().count(),
        told.lines().count(),
        "replicas have neither replicas nor problems: {cluster}"
    );
    let json = program.run("-c explain -i db:3306 --json").stdout;
    assert!(json.contains(r#""Reason":"reachable""#), "{json}");
}
