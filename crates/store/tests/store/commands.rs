//! What each command does to the tables, apart from detections, recoveries and expiry.

use model::{
    AuditRecord, BinlogCoordinates, Candidate, Command, CommandOutcome, Downtime, Instance, PromotionRule,
    Tag,
};
use ports::{AuditQuery, InstanceWrite};

use crate::cases;
use crate::support::{Bench, Ground, at, key, node};

async fn write(bench: &Bench, numbers: &[u16], cluster_name: &str) {
    let observed = |number: &u16| {
        let mut instance = Instance::unknown(key(*number));
        instance.cluster_name = cluster_name.to_owned();
        InstanceWrite::Observed(instance.into())
    };
    bench.store.write_instances(numbers.iter().map(observed).collect()).await.unwrap();
}

async fn downtime_replaces_the_former_one_and_ends_once(ground: &dyn Ground) {
    let bench = Bench::new(ground).await;
    let downtime = |reason: &str, end| Downtime {
        key: key(1),
        owner: "joe".to_owned(),
        reason: reason.to_owned(),
        begin: at(0),
        end,
    };
    bench.apply(Command::BeginDowntime(downtime("first", None))).await;
    bench.apply(Command::BeginDowntime(downtime("second", Some(at(600))))).await;
    assert_eq!(
        bench.rows("select * from database_instance_downtime"),
        ["db1|3306|1|2026-01-31 10:00:00|2026-01-31 10:10:00|joe|second"]
    );
    assert_eq!(bench.store.load_fleet().await.unwrap().downtimes[&key(1)], downtime("second", Some(at(600))));
    assert_eq!(bench.apply(Command::EndDowntime(key(1))).await, CommandOutcome::Existed(true));
    assert_eq!(bench.apply(Command::EndDowntime(key(1))).await, CommandOutcome::Existed(false));
}

async fn maintenance_is_an_exclusive_lock(ground: &dyn Ground) {
    let bench = Bench::new(ground).await;
    let begin = |second| Command::BeginMaintenance {
        key: key(1),
        owner: "joe".to_owned(),
        reason: "move".to_owned(),
        begin: at(second),
        end: at(second + 600),
        explicitly_bounded: false,
        node: node(),
    };
    assert_eq!(bench.apply(begin(0)).await, CommandOutcome::Inserted(Some(1)));
    assert_eq!(bench.apply(begin(600)).await, CommandOutcome::Inserted(None));
    let fleet = bench.store.load_fleet().await.unwrap();
    assert_eq!((fleet.maintenance[&key(1)].id, fleet.maintenance[&key(1)].end), (1, Some(at(600))));
    // Run out, though nobody has tidied up yet.
    assert!(matches!(bench.apply(begin(601)).await, CommandOutcome::Inserted(Some(_))));
    let end = Command::EndMaintenance { key: key(1), at: at(700) };
    assert_eq!(bench.apply(end.clone()).await, CommandOutcome::Existed(true));
    assert_eq!(bench.apply(end).await, CommandOutcome::Existed(false));
    assert!(matches!(bench.apply(begin(701)).await, CommandOutcome::Inserted(Some(_))));
    assert_eq!(
        bench.rows(
            "select maintenance_active, begin_timestamp, end_timestamp, owner, processing_node_token, explicitly_bounded
             from database_instance_maintenance order by begin_timestamp"
        ),
        [
            "NULL|2026-01-31 10:10:01|2026-01-31 10:11:40|joe|token1|0",
            "1|2026-01-31 10:11:41|2026-01-31 10:21:41|joe|token1|0"
        ]
    );
}

async fn candidates_keep_columns_they_do_not_own(ground: &dyn Ground) {
    let bench = Bench::new(ground).await;
    bench.sql("insert into candidate_database_instance (hostname, port, priority) values ('db1', 3306, 5)");
    let candidate = Candidate { key: key(1), rule: PromotionRule::MustNot, last_suggested: at(3) };
    bench.apply(Command::RegisterCandidate(candidate.clone())).await;
    assert_eq!(
        bench.rows(
            "select hostname, promotion_rule, priority, last_suggested from candidate_database_instance"
        ),
        ["db1|must_not|5|2026-01-31 10:00:03"]
    );
    assert_eq!(bench.store.load_fleet().await.unwrap().candidates[&key(1)], candidate);
}

async fn forgetting_removes_rows_and_their_last_analysis_only(ground: &dyn Ground) {
    let bench = Bench::new(ground).await;
    write(&bench, &[1, 2, 3], "a").await;
    write(&bench, &[4], "b").await;
    for number in 1..=4 {
        let code = "DeadMaster".to_owned();
        bench.apply(Command::WriteAnalysis { key: key(number), analysis: code, at: at(0) }).await;
    }
    let tag = Tag { name: "role".to_owned(), value: String::new() };
    bench.apply(Command::PutTag { key: key(1), tag, at: at(0) }).await;
    assert_eq!(bench.apply(Command::ForgetInstance(key(1))).await, CommandOutcome::Existed(true));
    assert_eq!(bench.apply(Command::ForgetInstance(key(1))).await, CommandOutcome::Existed(false));
    assert_eq!(bench.apply(Command::ForgetCluster("a".to_owned())).await, CommandOutcome::Count(2));
    assert_eq!(bench.apply(Command::ForgetCluster("none".to_owned())).await, CommandOutcome::Count(0));
    assert_eq!(bench.rows("select hostname from database_instance"), ["db4"]);
    assert_eq!(bench.rows("select hostname from database_instance_last_analysis"), ["db4"]);
    assert_eq!(bench.rows("select hostname from database_instance_tags"), ["db1"]);
}

async fn an_alias_names_one_cluster(ground: &dyn Ground) {
    let bench = Bench::new(ground).await;
    let alias = |cluster: &str, alias: &str, second| Command::SetClusterAlias {
        cluster_name: cluster.to_owned(),
        alias: alias.to_owned(),
        at: at(second),
    };
    bench.apply(alias("a", "shop", 0)).await;
    bench.apply(alias("a", "shop", 1)).await;
    bench.apply(alias("b", "shop", 2)).await;
    assert_eq!(bench.rows("select * from cluster_alias"), ["b|shop|2026-01-31 10:00:02"]);
    let domain = |text: &str| Command::SetClusterDomain {
        cluster_name: "b".to_owned(),
        domain: text.to_owned(),
        at: at(5),
    };
    bench.apply(domain("x")).await;
    bench.apply(domain("y")).await;
    assert_eq!(bench.rows("select * from cluster_domain_name"), ["b|y|2026-01-31 10:00:05"]);
}

async fn alias_override_and_domain_follow_a_failover(ground: &dyn Ground) {
    let bench = Bench::new(ground).await;
    let rename = |from: &str, to: &str, alias: &str| Command::RenameCluster {
        from: from.to_owned(),
        to: to.to_owned(),
        alias: alias.to_owned(),
        at: at(9),
    };
    let alias = |cluster: &str, alias: &str| Command::SetClusterAlias {
        cluster_name: cluster.to_owned(),
        alias: alias.to_owned(),
        at: at(0),
    };
    bench.apply(alias("db1:3306", "shop")).await;
    let chosen =
        Command::SetClusterAliasOverride { cluster_name: "db1:3306".to_owned(), alias: "store".to_owned() };
    bench.apply(chosen).await;
    let domain = "shop.example.com".to_owned();
    bench.apply(Command::SetClusterDomain { cluster_name: "db1:3306".to_owned(), domain, at: at(0) }).await;
    bench.apply(rename("db1:3306", "db2:3306", "")).await;
    assert_eq!(
        bench.rows("select cluster_name, domain_name from cluster_domain_name order by cluster_name"),
        ["db1:3306|shop.example.com", "db2:3306|shop.example.com"]
    );
    assert_eq!(bench.rows("select * from cluster_alias"), ["db2:3306|shop|2026-01-31 10:00:09"]);
    assert_eq!(bench.rows("select * from cluster_alias_override"), ["db2:3306|store"]);
    bench.apply(rename("db2:3306", "db3:3306", "market")).await;
    bench.apply(rename("db3:3306", "db3:3306", "")).await;
    assert_eq!(bench.rows("select cluster_name, alias from cluster_alias"), ["db3:3306|market"]);
    assert_eq!(bench.store.load_fleet().await.unwrap().cluster_alias_overrides["db3:3306"], "store");
    // An alias that repeats the name is none, and must not stick to the cluster under its new name.
    bench.apply(alias("db3:3306", "db3:3306")).await;
    bench.apply(rename("db3:3306", "db4:3306", "")).await;
    assert_eq!(bench.rows("select cluster_name, alias from cluster_alias"), [""; 0]);
}

async fn names_are_stored_with_history(ground: &dyn Ground) {
    let bench = Bench::new(ground).await;
    let resolved =
        |to: &str| Command::SetResolved { hostname: "vip".to_owned(), resolved: to.to_owned(), at: at(1) };
    for to in ["db1", "db2", "", "vip"] {
        bench.apply(resolved(to)).await;
    }
    assert_eq!(bench.rows("select * from hostname_resolve"), ["vip|vip|2026-01-31 10:00:01"]);
    assert_eq!(
        bench.rows("select resolved_hostname, hostname from hostname_resolve_history order by 1"),
        ["db1|vip", "db2|vip"]
    );
    let unresolved = |to: &str| Command::SetUnresolved {
        hostname: "db1".to_owned(),
        unresolved: to.to_owned(),
        at: at(2),
    };
    bench.apply(unresolved("vip")).await;
    assert_eq!(bench.store.load_fleet().await.unwrap().unresolved["db1"], "vip");
    bench.apply(unresolved("")).await;
    assert_eq!(bench.rows("select count(*) from hostname_unresolve"), ["0"]);
    assert_eq!(bench.rows("select * from hostname_unresolve_history"), ["vip|db1|2026-01-31 10:00:02"]);
}

async fn the_recovery_switch_is_a_row(ground: &dyn Ground) {
    let bench = Bench::new(ground).await;
    assert!(!bench.store.recoveries_disabled().await.unwrap());
    for _ in 0..2 {
        bench.apply(Command::DisableRecoveries(true)).await;
        assert!(bench.store.recoveries_disabled().await.unwrap());
    }
    assert_eq!(bench.rows("select * from global_recovery_disable"), ["1"]);
    bench.apply(Command::DisableRecoveries(false)).await;
    assert!(!bench.store.recoveries_disabled().await.unwrap());
    bench.sql("insert into global_recovery_disable values (1)");
    assert!(bench.store.recoveries_disabled().await.unwrap());
}

async fn the_changelog_has_changes_and_first_problems(ground: &dyn Ground) {
    let bench = Bench::new(ground).await;
    let steps = [
        (1, "NoProblem", 0),
        (1, "DeadMaster", 1),
        (1, "DeadMaster", 2),
        (1, "NoProblem", 3),
        (2, "DeadMaster", 4),
    ];
    for (number, code, second) in steps {
        bench
            .apply(Command::WriteAnalysis { key: key(number), analysis: code.to_owned(), at: at(second) })
            .await;
    }
    let log: Vec<_> = bench
        .store
        .analysis_changelog()
        .await
        .unwrap()
        .into_iter()
        .map(|server| (server.key, server.changes))
        .collect();
    let change = |second, code: &str| (at(second), code.to_owned());
    assert_eq!(
        log,
        [
            (key(1), vec![change(1, "DeadMaster"), change(3, "NoProblem")]),
            (key(2), vec![change(4, "DeadMaster")])
        ]
    );
}

async fn standing_still_is_timed_from_the_first_sight_of_a_place(ground: &dyn Ground) {
    let bench = Bench::new(ground).await;
    for (position, second) in [(100, 0), (100, 5), (200, 7), (200, 9)] {
        let coordinates = BinlogCoordinates::binary("binlog.000001", position);
        bench.apply(Command::WriteStaleCoordinates { key: key(1), coordinates, at: at(second) }).await;
        let fleet = bench.store.load_fleet().await.unwrap();
        let stale = &fleet.stale_coordinates[&key(1)];
        let first_seen = if position == 100 { at(0) } else { at(7) };
        assert_eq!((stale.coordinates.pos, stale.first_seen), (position, first_seen));
    }
}

async fn small_values_are_upserted(ground: &dyn Ground) {
    let bench = Bench::new(ground).await;
    for value in ["old", "new"] {
        let (name, value) = ("n".to_owned(), value.to_owned());
        let tag = Tag { name: name.clone(), value: value.clone() };
        bench.apply(Command::PutTag { key: key(1), tag, at: at(1) }).await;
        let pairs = vec![(name.clone(), value.clone()), (format!("{name}2"), value.clone())];
        bench.apply(Command::PutKeyValues { pairs, at: at(2) }).await;
        bench.apply(Command::SetAttribute { hostname: "*".to_owned(), name, value, at: at(3) }).await;
    }
    assert_eq!(bench.rows("select * from database_instance_tags"), ["db1|3306|n|new|2026-01-31 10:00:01"]);
    assert_eq!(
        bench.rows("select * from kv_store order by store_key"),
        ["n|new|2026-01-31 10:00:02", "n2|new|2026-01-31 10:00:02"]
    );
    assert_eq!(bench.rows("select * from host_attributes"), ["*|n|new|2026-01-31 10:00:03|NULL"]);
}

async fn processes_register_once_and_refresh(ground: &dyn Ground) {
    let bench = Bench::new(ground).await;
    let register = |app: &str, second| Command::RegisterNode {
        node: node(),
        version: "1.0".to_owned(),
        backend: "file.db".to_owned(),
        app: app.to_owned(),
        at: at(second),
    };
    bench.apply(register("http", 0)).await;
    bench.apply(register("http", 1)).await;
    assert_eq!(
        bench.rows("select * from node_health"),
        ["node1|token1|2026-01-31 10:00:01|HttpMode||1.0|2026-01-31 10:00:00|file.db|2"]
    );
    assert_eq!(
        bench.rows(
            "select hostname, token, first_seen_active, extra_info, app_version from node_health_history"
        ),
        ["node1|token1|2026-01-31 10:00:00|HttpMode|1.0"]
    );
    bench.sql("delete from node_health");
    bench.apply(register("cli", 9)).await;
    assert_eq!(
        bench.rows("select extra_info, command, incrementing_indicator from node_health"),
        ["CLIMode|cli|1"]
    );
    assert_eq!(bench.rows("select count(*) from node_health_history"), ["1"]);
}

async fn the_audit_is_listed_newest_first_by_pages_of_twenty(ground: &dyn Ground) {
    let bench = Bench::new(ground).await;
    for number in 0..25 {
        let record = AuditRecord {
            id: 0,
            at: at(0),
            kind: "discover".to_owned(),
            key: (number % 5 == 0).then(|| key(1)),
            cluster_name: "a".to_owned(),
            message: format!("line {number}"),
        };
        bench.apply(Command::WriteAudit(record)).await;
    }
    let list = async |query: AuditQuery| -> Vec<String> {
        bench.store.audit(query).await.unwrap().into_iter().map(|record| record.message).collect()
    };
    let first = list(AuditQuery::default()).await;
    assert_eq!((first.len(), first[0].as_str(), first[19].as_str()), (20, "line 24", "line 5"));
    assert_eq!(list(AuditQuery { page: 1, ..AuditQuery::default() }).await.len(), 5);
    assert_eq!(
        list(AuditQuery { key: Some(key(1)), page: 0 }).await,
        ["line 20", "line 15", "line 10", "line 5", "line 0"]
    );
    assert_eq!(bench.store.audit(AuditQuery::default()).await.unwrap()[0].key, None);
    assert_eq!(bench.rows("select hostname, port from audit where audit_id = 2"), ["|0"]);
}

cases! {
    downtime_replaces_the_former_one_and_ends_once,
    maintenance_is_an_exclusive_lock,
    candidates_keep_columns_they_do_not_own,
    forgetting_removes_rows_and_their_last_analysis_only,
    an_alias_names_one_cluster,
    alias_override_and_domain_follow_a_failover,
    names_are_stored_with_history,
    the_recovery_switch_is_a_row,
    the_changelog_has_changes_and_first_problems,
    standing_still_is_timed_from_the_first_sight_of_a_place,
    small_values_are_upserted,
    processes_register_once_and_refresh,
    the_audit_is_listed_newest_first_by_pages_of_twenty,
}
