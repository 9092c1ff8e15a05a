//! The client as a process, against a service over a prepared backend.

use std::process::Command;

use crate::program::{Ended, Prepared, ended};
use crate::service::Service;

fn client(service: &Service, line: &str) -> Ended {
    let api = format!("http://{}", service.address);
    run(&[&["-U", api.as_str()][..], &line.split_whitespace().collect::<Vec<_>>()].concat())
}

fn run(words: &[&str]) -> Ended {
    let mut command = Command::new(env!("CARGO_BIN_EXE_orchestrator-client"));
    for name in ["ORCHESTRATOR_API", "ORCHESTRATOR_INSTANCE", "http_proxy", "HTTP_PROXY"] {
        command.env_remove(name);
    }
    command.env("ORCHESTRATOR_CLIENT_NO_PROFILE", "1");
    ended(command.args(words).output().unwrap())
}

#[test]
fn questions_print_what_scripts_expect() {
    let program = Prepared::new();
    let service = Service::start(&program);
    for (line, stdout) in [
        ("-c all-instances", "db:3306\nother:3306\ndb:3307\ndb:3308\n"),
        ("-c clusters", "db:3306\nother:3306\n"),
        ("-c clusters-alias", "db:3306,shop\nother:3306,other:3306\n"),
        ("-c which-cluster -i db:3307", "db:3306\n"),
        ("-c which-cluster-alias -i db:3307", "shop\n"),
        ("-c which-cluster-domain -a shop", "shop.lan\n"),
        ("-c which-cluster-master -i db:3307", "db:3306\n"),
        ("-c which-master -i db:3307", "db:3306\n"),
        ("-c which-master -i db", ""),
        ("-c which-slaves -i db:3306", "db:3307\ndb:3308\n"),
        ("-c which-broken-replicas -i db:3306", ""),
        ("-c which-cluster-instances -a shop", "db:3306\ndb:3307\ndb:3308\n"),
        ("-c which-instance -i db:3307,db:3308", "db:3307\ndb:3308\n"),
        ("-c which-cluster-osc-running-replicas -a shop", "db:3307\ndb:3308\n"),
        ("-c search -i 3307", "db:3307\n"),
        ("-c find -p ^db:33.[78]$", "db:3307\ndb:3308\n"),
        ("-c tags -i db:3307", "keep=\nrole=billing\n"),
        ("-c tag-value -i db:3307 --tag role", "billing\n"),
        ("-c tagged --tag role=billing", "db:3307\n"),
        ("-c can-replicate-from -i db:3307 -d db:3308", "db:3308\n"),
        ("-c is-replicating -i db:3307", "db:3307\n"),
        ("-c is-replication-stopped -i db:3307", ""),
        ("-c which-gtid-errant -i db:3307", "\n"),
        ("-c check-global-recoveries", "enabled\n"),
        ("-c replication-analysis", ""),
        ("-c downtimed", ""),
        ("-c dominant-dc", "\n"),
        ("-c api -P clusters", "[ \"db:3306\", \"other:3306\" ]\n"),
        (
            "-c topology -a shop",
            "db:3306   [0s,ok,8.0.36,rw,ROW,>>,GTID]\n+ db:3307 [0s,ok,8.0.36,ro,ROW,>>,GTID]\n+ db:3308 [0s,ok,8.0.36,ro,ROW,>>,GTID]\n",
        ),
    ] {
        let ended = client(&service, line);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), stdout), "{line}: {}", ended.stderr);
    }
}

#[test]
fn changes_are_made_and_refusals_told() {
    let program = Prepared::new();
    let service = Service::start(&program);
    for (line, stdout) in [
        ("-c begin-downtime -i db:3307 -r disk/fan -o ann -u 30m", "db:3307\n"),
        ("-c downtimed", "db:3307\n"),
        ("-c end-downtime -i db:3307", "db:3307\n"),
        ("-c begin-maintenance -i db:3307 -r disk", "db:3307\n"),
        ("-c in-maintenance -i db:3307", "db:3307\n"),
        ("-c end-maintenance -i db:3307", "db:3307\n"),
        ("-c tag -i db:3308 -t role=x", "db:3308\n"),
        ("-c untag -i db:3308 -t role", "db:3308\n"),
        ("-c untag-all -t role=billing", "db:3307\n"),
        ("-c register-candidate -i db:3308 -R prefer", "db:3308\n"),
        ("-c bulk-promotion-rules", "db:3308 prefer\n"),
        ("-c submit-pool-instances -l web -i db:3307,db:3308", "web\n"),
        ("-c which-heuristic-cluster-pool-instances -a shop", "db:3307\ndb:3308\n"),
        ("-c disable-global-recoveries", "disabled\n"),
        ("-c check-global-recoveries", "disabled\n"),
        ("-c enable-global-recoveries", "enabled\n"),
        ("-c ack-all-recoveries -r seen", "seen\n"),
        ("-c async-discover -i db:3307", "db:3307\n"),
        ("-c forget -i other:3306", ""),
    ] {
        let ended = client(&service, line);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), stdout), "{line}: {}", ended.stderr);
    }
    for (line, stdout, stderr) in [
        ("-c which-master -i nosuch:1", "", "Cannot read instance: nosuch:1\n"),
        (
            "-c can-replicate-from -i db:3307 -d db:3307",
            "",
            "instance cannot replicate from itself: db:3307\n",
        ),
        ("-c raft-leader", "", "raft-state: not running with raft setup\n"),
        ("-c move-up -i nosuch:1", "", ""),
    ] {
        let ended = client(&service, line);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), stdout), "{line}: {}", ended.stderr);
        assert!(ended.stderr.contains(stderr), "{line}: {}", ended.stderr);
    }
}

#[test]
fn mistakes_are_told_without_a_server() {
    for (words, text) in [
        (&["-c", "topology"][..], "]: instance|alias must be provided\n"),
        (&["-c", "begin-downtime", "-i", "db"], "]: reason must be provided\n"),
        (&["-c", "nosuchcommand"], "]: Unsupported command nosuchcommand\n"),
        (&[], "]: No command given. Use orchestrator-client -c <command>"),
        (&["--nosuch", "x"], "]: --nosuch: unknown option"),
        (
            &["-c", "clusters", "-U", "http://127.0.0.1:1 http://u:secret@127.0.0.1:1"],
            "]: Cannot determine leader from http://127.0.0.1:1 http://u:<REMOVED>@127.0.0.1:1\n",
        ),
    ] {
        let ended = run(words);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{words:?}");
        assert!(ended.stderr.starts_with("orchestrator-client["), "{}", ended.stderr);
        assert!(ended.stderr.contains(text), "{words:?}: {}", ended.stderr);
    }
    let help = run(&["--help"]);
    assert_eq!(help.code, Some(0));
    assert!(
        help.stdout.starts_with("Usage: orchestrator-client -c <command> [flags...]\n"),
        "{}",
        help.stdout
    );
}

#[test]
fn of_several_nodes_the_leading_one_is_asked() {
    let program = Prepared::new();
    let service = Service::start(&program);
    let both = format!("http://127.0.0.1:1/ http://{}/api", service.address);
    let ended = run(&["-U", &both, "-c", "which-api"]);
    assert_eq!(ended.stdout, format!("http://{}/api\n", service.address), "{}", ended.stderr);
}
