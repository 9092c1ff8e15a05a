//! Recoveries: the lock, the result, acknowledgement, the journal, and every listing.

use model::AnalysisCode::{DeadIntermediateMaster, DeadMaster};
use model::{AcknowledgeScope, Command, CommandOutcome, InstanceKey};
use ports::RecoveryQuery;

use crate::cases;
use crate::support::{Bench, Ground, at, case, key, node};

async fn begin(bench: &Bench, uid: &str, number: u16, second: i64) -> Option<i64> {
    let uid = uid.to_owned();
    let command =
        Command::RegisterRecovery { uid, case: case(number, DeadMaster), node: node(), at: at(second) };
    match bench.apply(command).await {
        CommandOutcome::Inserted(id) => id,
        other => panic!("unexpected outcome {other:?}"),
    }
}

async fn resolve(bench: &Bench, uid: &str, successor: Option<InstanceKey>, second: i64) {
    bench
        .apply(Command::ResolveRecovery {
            uid: uid.to_owned(),
            is_successful: successor.is_some(),
            successor_alias: successor.as_ref().map_or(String::new(), |_| "heir".to_owned()),
            successor,
            lost_replicas: vec![key(5), key(4)],
            participating: vec![key(3)],
            errors: vec!["one".to_owned(), "two".to_owned()],
            at: at(second),
        })
        .await;
}

async fn acknowledge(bench: &Bench, scope: AcknowledgeScope, second: i64) -> CommandOutcome {
    let (owner, comment) = ("joe".to_owned(), "seen".to_owned());
    bench.apply(Command::AcknowledgeRecoveries { scope, owner, comment, at: at(second) }).await
}

async fn uids(bench: &Bench, query: RecoveryQuery, second: i64) -> Vec<String> {
    bench
        .store
        .recoveries(query, at(second))
        .await
        .unwrap()
        .into_iter()
        .map(|recovery| recovery.uid)
        .collect()
}

async fn one_active_recovery_per_server(ground: &dyn Ground) {
    let bench = Bench::new(ground).await;
    bench
        .apply(Command::RegisterDetection {
            case: case(1, DeadMaster),
            is_actionable: true,
            node: node(),
            at: at(0),
        })
        .await;
    assert_eq!(begin(&bench, "1:a", 1, 0).await, Some(1));
    assert_eq!(begin(&bench, "1:b", 1, 1).await, None);
    assert!(begin(&bench, "1:c", 2, 1).await.is_some());
    resolve(&bench, "1:a", None, 5).await;
    assert_eq!(begin(&bench, "1:d", 1, 6).await, None, "the active period outlasts the recovery");
    assert_eq!(
        acknowledge(&bench, AcknowledgeScope::Uid("1:a".to_owned()), 7).await,
        CommandOutcome::Count(1)
    );
    assert!(begin(&bench, "1:e", 1, 8).await.is_some());
    assert_eq!(
        bench.rows("select * from topology_recovery where recovery_id = 1"),
        [
            "1|db1|3306|0|2026-01-31 10:00:00|1769853607|2026-01-31 10:00:05|node1|token1||0|DeadMaster|db1:3306|shop|2|\
          db2:3306,db3:3306|0|1|joe|seen|db3:3306|db4:3306,db5:3306|one\ntwo|2026-01-31 10:00:07|1||1:a"
        ]
    );
}

async fn a_result_is_read_as_it_was_written(ground: &dyn Ground) {
    let bench = Bench::new(ground).await;
    begin(&bench, "1:a", 1, 0).await;
    let running = bench.store.recoveries(RecoveryQuery::Id(1), at(1)).await.unwrap().remove(0);
    assert!(
        running.in_active_period
            && running.end.is_none()
            && running.successor.is_none()
            && running.errors.is_empty()
    );
    assert_eq!((running.start, running.node, running.last_detection_id), (at(0), node(), 0));
    resolve(&bench, "1:a", Some(key(2)), 5).await;
    let ended = bench.store.recoveries(RecoveryQuery::Uid("1:a".to_owned()), at(6)).await.unwrap().remove(0);
    assert!(ended.is_successful && ended.in_active_period && !ended.acknowledged);
    assert_eq!(
        (ended.end, ended.successor, ended.successor_alias.as_str()),
        (Some(at(5)), Some(key(2)), "heir")
    );
    assert_eq!((ended.lost_replicas, ended.participating), (vec![key(4), key(5)], vec![key(3)]));
    assert_eq!(ended.errors, ["one", "two"]);
    acknowledge(&bench, AcknowledgeScope::Id(1), 9).await;
    let known = bench.store.recoveries(RecoveryQuery::Id(1), at(9)).await.unwrap().remove(0);
    assert!(known.acknowledged && !known.in_active_period);
    assert_eq!(
        (known.acknowledged_at, known.acknowledged_by, known.acknowledge_comment),
        (Some(at(9)), "joe".into(), "seen".into())
    );
}

async fn acknowledgement_scopes(ground: &dyn Ground) {
    let scopes = [
        (AcknowledgeScope::All, 3),
        (AcknowledgeScope::Id(2), 1),
        (AcknowledgeScope::Id(9), 0),
        (AcknowledgeScope::Uid("1:c".to_owned()), 1),
        (AcknowledgeScope::Instance(key(1)), 1),
        (AcknowledgeScope::Cluster { name: "db1:3306".to_owned(), alias: String::new() }, 3),
        (AcknowledgeScope::Cluster { name: "x".to_owned(), alias: "shop".to_owned() }, 3),
        (AcknowledgeScope::Cluster { name: "x".to_owned(), alias: String::new() }, 0),
        (AcknowledgeScope::FinishedOf(key(1)), 1),
        (AcknowledgeScope::FinishedOf(key(2)), 0),
    ];
    for (scope, expected) in scopes {
        let bench = Bench::new(ground).await;
        for (uid, number) in [("1:a", 1), ("1:b", 2), ("1:c", 3)] {
            begin(&bench, uid, number, 0).await;
        }
        resolve(&bench, "1:a", None, 1).await;
        let text = format!("{scope:?}");
        assert_eq!(acknowledge(&bench, scope.clone(), 2).await, CommandOutcome::Count(expected), "{text}");
        assert_eq!(acknowledge(&bench, scope, 3).await, CommandOutcome::Count(0), "{text}");
        let open = bench.rows("select count(*) from topology_recovery where in_active_period = 1");
        assert_eq!(open, [(3 - expected).to_string()], "{text}");
    }
}

async fn recoveries_of_processes_that_are_gone_are_acknowledged_and_ended(ground: &dyn Ground) {
    let bench = Bench::new(ground).await;
    for (uid, number) in [("1:a", 1), ("1:b", 2)] {
        begin(&bench, uid, number, 0).await;
    }
    resolve(&bench, "1:b", None, 1).await;
    let (version, backend, app) = (String::new(), String::new(), "http".to_owned());
    bench.apply(Command::RegisterNode { node: node(), version, backend, app, at: at(0) }).await;
    assert_eq!(bench.apply(Command::AcknowledgeCrashed { at: at(2) }).await, CommandOutcome::Count(0));
    bench.sql("delete from node_health");
    assert_eq!(bench.apply(Command::AcknowledgeCrashed { at: at(3) }).await, CommandOutcome::Count(1));
    assert_eq!(
        bench.rows("select uid, in_active_period, end_recovery, acknowledged, acknowledged_by, acknowledge_comment from topology_recovery"),
        ["1:a|0|2026-01-31 10:00:03|1|orchestrator|detected crashed recovery", "1:b|1|2026-01-31 10:00:01|0||"]
    );
}

async fn listings(ground: &dyn Ground) {
    let bench = Bench::new(ground).await;
    begin(&bench, "1:a", 1, 0).await;
    resolve(&bench, "1:a", Some(key(2)), 10).await;
    begin(&bench, "1:b", 2, 20).await;
    let cluster = || "db1:3306".to_owned();
    let all = |unacknowledged| RecoveryQuery::Page {
        cluster_name: None,
        cluster_alias: None,
        unacknowledged,
        page: 0,
    };
    assert_eq!(uids(&bench, all(false), 30).await, ["1:b", "1:a"]);
    assert_eq!(uids(&bench, RecoveryQuery::ActiveOfCluster(cluster()), 30).await, ["1:b"]);
    assert_eq!(uids(&bench, RecoveryQuery::RecentOfCluster(cluster()), 30).await, ["1:a"]);
    assert_eq!(uids(&bench, RecoveryQuery::RecentOfCluster(cluster()), 311).await, [""; 0]);
    assert_eq!(uids(&bench, RecoveryQuery::RecentWithSuccessor(key(2)), 30).await, ["1:a"]);
    assert_eq!(uids(&bench, RecoveryQuery::RecentWithSuccessor(key(2)), 311).await, [""; 0]);
    assert_eq!(uids(&bench, RecoveryQuery::ActiveWithSuccessor(key(2)), 9999).await, ["1:a"]);
    assert_eq!(uids(&bench, RecoveryQuery::ActiveWithSuccessor(key(1)), 9999).await, [""; 0]);
    assert_eq!(uids(&bench, RecoveryQuery::InActivePeriodOfCluster(cluster()), 30).await, ["1:b", "1:a"]);
    assert_eq!(uids(&bench, RecoveryQuery::InActivePeriodOfCluster("x".to_owned()), 30).await, [""; 0]);
    assert_eq!(uids(&bench, RecoveryQuery::Unfinished, 30).await, ["1:b"]);
    acknowledge(&bench, AcknowledgeScope::Id(1), 40).await;
    assert_eq!(uids(&bench, all(true), 50).await, ["1:b"]);
    assert_eq!(uids(&bench, RecoveryQuery::ActiveWithSuccessor(key(2)), 50).await, [""; 0]);
}

async fn pages_are_filtered_by_name_and_alias(ground: &dyn Ground) {
    let bench = Bench::new(ground).await;
    for number in 0..25 {
        begin(&bench, &format!("1:{number}"), number, 0).await;
    }
    bench.sql("update topology_recovery set cluster_name = 'x', cluster_alias = 'y' where recovery_id <= 3");
    let page = |name: Option<&str>, alias: Option<&str>, page| RecoveryQuery::Page {
        cluster_name: name.map(str::to_owned),
        cluster_alias: alias.map(str::to_owned),
        unacknowledged: false,
        page,
    };
    assert_eq!(uids(&bench, page(None, None, 0), 0).await.len(), 20);
    assert_eq!(uids(&bench, page(None, None, 1), 0).await, ["1:4", "1:3", "1:2", "1:1", "1:0"]);
    assert_eq!(uids(&bench, page(Some("x"), None, 0), 0).await, ["1:2", "1:1", "1:0"]);
    assert_eq!(uids(&bench, page(None, Some("y"), 0), 0).await, ["1:2", "1:1", "1:0"]);
    assert_eq!(uids(&bench, page(Some("x"), Some("shop"), 0), 0).await, [""; 0]);
}

async fn steps_and_journal(ground: &dyn Ground) {
    let bench = Bench::new(ground).await;
    for (second, message) in [(0, "first"), (0, "second"), (1, "third")] {
        let (uid, message) = ("1:a".to_owned(), message.to_owned());
        bench.apply(Command::WriteRecoveryStep { uid, at: at(second), message }).await;
    }
    let steps = bench.store.recovery_steps("1:a").await.unwrap();
    assert_eq!(
        steps.iter().map(|step| (step.id, &*step.message)).collect::<Vec<_>>(),
        [(1, "first"), (2, "second"), (3, "third")]
    );
    assert_eq!((steps[2].at, steps[2].recovery_uid.as_str()), (at(1), "1:a"));
    assert!(bench.store.recovery_steps("1:b").await.unwrap().is_empty());

    assert_eq!(bench.store.recovery_journal("1:a").await.unwrap(), None);
    for state in ["collect", "promote"] {
        let (state, plan) = (state.to_owned(), format!("{{\"phase\":\"{state}\"}}"));
        bench.apply(Command::JournalRecovery { uid: "1:a".to_owned(), state, plan, at: at(2) }).await;
    }
    let saved = bench.store.recovery_journal("1:a").await.unwrap();
    assert_eq!(saved, Some(("promote".to_owned(), "{\"phase\":\"promote\"}".to_owned())));
}

async fn refusals_are_listed_newest_first(ground: &dyn Ground) {
    let bench = Bench::new(ground).await;
    begin(&bench, "1:a", 1, 0).await;
    let refuse = |number, code, second| Command::WriteBlockedRecovery {
        case: case(number, code),
        blocking_recovery_id: 1,
        at: at(second),
    };
    bench.apply(refuse(2, DeadMaster, 1)).await;
    bench.apply(refuse(3, DeadIntermediateMaster, 2)).await;
    bench.apply(refuse(2, DeadMaster, 3)).await;
    let blocked = bench.store.blocked_recoveries(None).await.unwrap();
    let seen: Vec<_> = blocked.iter().map(|row| (row.key.clone(), row.code, row.last_blocked)).collect();
    assert_eq!(seen, [(key(2), DeadMaster, at(3)), (key(3), DeadIntermediateMaster, at(2))]);
    assert_eq!(blocked[0].blocking_recovery_id, 1);
    assert_eq!(bench.store.blocked_recoveries(Some("db1:3306")).await.unwrap().len(), 2);
    assert!(bench.store.blocked_recoveries(Some("x")).await.unwrap().is_empty());
}

cases! {
    one_active_recovery_per_server,
    a_result_is_read_as_it_was_written,
    acknowledgement_scopes,
    recoveries_of_processes_that_are_gone_are_acknowledged_and_ended,
    listings,
    pages_are_filtered_by_name_and_alias,
    steps_and_journal,
    refusals_are_listed_newest_first,
}
