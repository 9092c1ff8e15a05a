//! What ends, what is deleted, and what stays whatever its age.

use std::time::Duration;

use model::AnalysisCode::DeadMaster;
use model::{AcknowledgeScope, Command, CommandOutcome, Retention};
use ports::TimestampStyle;

use crate::cases;
use crate::support::{Bench, Ground, at, case, key, node};

const HOUR: Duration = Duration::from_secs(3600);
const DAY: i64 = 24 * 3600;

async fn expire(bench: &Bench, second: i64) -> u64 {
    let retention = Retention {
        detection_active: HOUR,
        recovery_active: 2 * HOUR,
        audit: 7 * 24 * HOUR,
        unseen_instance: 240 * HOUR,
        candidate: HOUR,
        resolve: HOUR,
        stale_coordinates: Duration::from_secs(60),
        pool: HOUR,
        access_token: 24 * HOUR,
    };
    match bench.apply(Command::Expire { retention, at: at(second) }).await {
        CommandOutcome::Count(count) => count,
        other => panic!("unexpected outcome {other:?}"),
    }
}

async fn fail(bench: &Bench, second: i64) {
    let case = case(1, DeadMaster);
    bench
        .apply(Command::RegisterDetection {
            case: case.clone(),
            is_actionable: true,
            node: node(),
            at: at(second),
        })
        .await;
    bench
        .apply(Command::RegisterRecovery { uid: "1:a".to_owned(), case, node: node(), at: at(second) })
        .await;
    let (uid, message) = ("1:a".to_owned(), "step".to_owned());
    bench.apply(Command::WriteRecoveryStep { uid: uid.clone(), at: at(second), message }).await;
    let (state, plan) = ("done".to_owned(), "{}".to_owned());
    bench.apply(Command::JournalRecovery { uid, state, plan, at: at(second) }).await;
}

async fn active_periods_end_but_records_stay_for_their_time(ground: &dyn Ground) {
    let bench = Bench::new(ground).await;
    fail(&bench, 0).await;
    let query = "select (select in_active_period from topology_failure_detection), in_active_period from topology_recovery";
    expire(&bench, 3600).await;
    assert_eq!(bench.rows(query), ["1|1"]);
    // By itself, as it is done every second.
    let ended = Command::EndPeriods { detection_active: HOUR, recovery_active: 2 * HOUR, at: at(3601) };
    bench.apply(ended).await;
    assert_eq!(bench.rows(query), ["0|1"]);
    expire(&bench, 7201).await;
    assert_eq!(bench.rows(query), ["0|0"]);
    assert_eq!(bench.rows("select end_active_period_unixtime - 1769853600 from topology_recovery"), ["7201"]);
}

async fn recoveries_that_nobody_acknowledged_are_kept_with_steps_and_journal(ground: &dyn Ground) {
    let bench = Bench::new(ground).await;
    fail(&bench, 0).await;
    let count =
        "select (select count(*) from topology_failure_detection), (select count(*) from topology_recovery),
        (select count(*) from topology_recovery_steps), (select count(*) from recovery_journal)";
    expire(&bench, 8 * DAY).await;
    assert_eq!(bench.rows(count), ["0|1|1|1"]);
    let (owner, comment) = ("joe".to_owned(), "seen".to_owned());
    bench
        .apply(Command::AcknowledgeRecoveries {
            scope: AcknowledgeScope::All,
            owner,
            comment,
            at: at(8 * DAY),
        })
        .await;
    expire(&bench, 8 * DAY + 2).await;
    assert_eq!(bench.rows(count), ["0|0|0|0"]);
}

async fn refusals_are_over_when_not_repeated_or_when_the_obstacle_is_gone(ground: &dyn Ground) {
    let bench = Bench::new(ground).await;
    fail(&bench, 0).await;
    let refuse = |second| Command::WriteBlockedRecovery {
        case: case(2, DeadMaster),
        blocking_recovery_id: 1,
        at: at(second),
    };
    let count = async || bench.store.blocked_recoveries(None).await.unwrap().len();
    bench.apply(refuse(10)).await;
    expire(&bench, 12).await;
    assert_eq!(count().await, 1);
    expire(&bench, 13).await;
    assert_eq!(count().await, 0);
    bench.apply(refuse(20)).await;
    let (owner, comment) = ("joe".to_owned(), "seen".to_owned());
    bench
        .apply(Command::AcknowledgeRecoveries { scope: AcknowledgeScope::All, owner, comment, at: at(20) })
        .await;
    expire(&bench, 20).await;
    assert_eq!(count().await, 0);
}

async fn locks_end_with_their_time_or_their_process(ground: &dyn Ground) {
    let bench = Bench::new(ground).await;
    let lock = |number, explicitly_bounded| Command::BeginMaintenance {
        key: key(number),
        owner: "joe".to_owned(),
        reason: "move".to_owned(),
        begin: at(0),
        end: at(600),
        explicitly_bounded,
        node: node(),
    };
    let (version, backend, app) = (String::new(), String::new(), "http".to_owned());
    bench.apply(Command::RegisterNode { node: node(), version, backend, app, at: at(0) }).await;
    bench.apply(lock(1, true)).await;
    bench.apply(lock(2, false)).await;
    let names = "select hostname from database_instance_maintenance order by 1";
    expire(&bench, 5).await;
    assert_eq!(bench.rows(names), ["db1", "db2"]);
    expire(&bench, 6).await;
    assert_eq!(bench.rows(names), ["db1"], "the process has not been seen for more than five seconds");
    assert_eq!(bench.rows("select count(*) from node_health"), ["0"]);
    expire(&bench, 601).await;
    assert_eq!(bench.rows(names), [""; 0]);
    bench.apply(lock(3, true)).await;
    bench.apply(Command::EndMaintenance { key: key(3), at: at(10) }).await;
    expire(&bench, 7 * DAY).await;
    assert_eq!(bench.rows(names), ["db3"], "history");
    expire(&bench, 7 * DAY + 11).await;
    assert_eq!(bench.rows(names), [""; 0]);
}

async fn each_table_has_its_own_limit(ground: &dyn Ground) {
    // Table, row, and the second at which it is just not deleted yet.
    let table = [
        ("database_instance_downtime", "('h', 1, 1, 'NOW', 'NOW', '', '')", 0),
        ("candidate_database_instance", "('h', 1, 'NOW', 1, 'prefer')", 3600),
        ("cluster_alias", "('c', 'a', 'NOW')", 240 * 3600),
        ("cluster_domain_name", "('c', 'd', 'NOW')", 3600),
        ("hostname_unresolve", "('h', 'v', 'NOW')", 3600),
        ("hostname_resolve", "('h', 'r', 'NOW')", 7200),
        ("database_instance_stale_binlog_coordinates", "('h', 1, 'f', 4, 'NOW')", 60),
        ("database_instance_pool", "('h', 1, 'p', 'NOW')", 3600),
        ("database_instance_analysis_changelog", "(1, 'h', 1, 'NOW', 'DeadMaster')", 240 * 3600),
        ("database_instance_last_analysis", "('h', 1, 'NOW', 'DeadMaster')", 240 * 3600),
        ("node_health_history", "(1, 'n', 't', 'NOW', '', '', '')", 240 * 3600),
        ("master_position_equivalence", "(1, 'a', 1, 'f', 1, 'b', 1, 'f', 1, 'NOW')", 240 * 3600),
        ("database_instance_coordinates_history", "(1, 'h', 1, 'NOW', 'f', 4, 'r', 4, 'NOW')", 240),
        ("cluster_injected_pseudo_gtid", "('c', 'NOW')", 3600),
        ("audit", "(1, 'NOW', 'discover', '', 0, '', '')", 7 * DAY),
    ];
    for (name, row, last) in table {
        let bench = Bench::new(ground).await;
        bench.sql(&format!("insert into {name} values {}", row.replace("NOW", "2026-01-31 10:00:00")));
        assert_eq!(expire(&bench, last).await, 0, "{name}");
        assert_eq!(expire(&bench, last + 1).await, 1, "{name}");
        assert_eq!(bench.rows(&format!("select count(*) from {name}")), ["0"], "{name}");
    }
}

async fn servers_unseen_for_long_go_and_those_never_seen_by_their_last_check(ground: &dyn Ground) {
    let bench = Bench::new(ground).await;
    bench.sql(&
        "insert into database_instance (hostname, port, last_checked, last_seen, server_id, version, binlog_format,
           log_bin, log_slave_updates, binary_log_file, binary_log_pos, master_host, master_port, slave_sql_running,
           slave_io_running, master_log_file, read_master_log_pos, relay_master_log_file, exec_master_log_pos,
           num_slave_hosts, slave_hosts, cluster_name)
         select name, 1, checked, seen, 1, '', '', 0, 0, '', 0, '', 0, 0, 0, '', 0, '', 0, 0, '', ''
         from (select 'seen' as name, '2026-01-31 10:00:00' as checked, '2026-01-31 10:00:00' as seen
           union all select 'dead', '2026-02-10 10:00:00', '2026-01-31 10:00:00'
           union all select 'never', '2026-01-31 10:00:00', null
           union all select 'new', 'NEVER', null
           union all select 'well', '2026-02-10 10:00:00', '2026-02-10 10:00:00') as instances"
            .replace("NEVER", if bench.store.timestamp_style() == TimestampStyle::Sql { "1971-01-01" } else { "" }),
    );
    expire(&bench, 240 * 3600 + 1).await;
    assert_eq!(bench.rows("select hostname from database_instance order by 1"), ["new", "well"]);
}

async fn the_alias_of_a_living_cluster_stays(ground: &dyn Ground) {
    let bench = Bench::new(ground).await;
    let mut instance = model::Instance::unknown(key(1));
    instance.cluster_name = "db1:3306".to_owned();
    bench.store.write_instances(vec![ports::InstanceWrite::Observed(instance.into())]).await.unwrap();
    for cluster_name in ["db1:3306", "gone:3306"] {
        let (cluster_name, alias) = (cluster_name.to_owned(), format!("alias of {cluster_name}"));
        bench.apply(Command::SetClusterAlias { cluster_name, alias, at: at(0) }).await;
    }
    expire(&bench, 300 * 3600).await;
    assert_eq!(bench.rows("select alias from cluster_alias"), ["alias of db1:3306"]);
}

cases! {
    active_periods_end_but_records_stay_for_their_time,
    recoveries_that_nobody_acknowledged_are_kept_with_steps_and_journal,
    refusals_are_over_when_not_repeated_or_when_the_obstacle_is_gone,
    locks_end_with_their_time_or_their_process,
    each_table_has_its_own_limit,
    servers_unseen_for_long_go_and_those_never_seen_by_their_last_check,
    the_alias_of_a_living_cluster_stays,
}
