//! Questions about a backend file in which people edited rows by SQL, or whose tables the original made.

use rusqlite::Connection;

use crate::program::Prepared;

/// A prepared file after these statements.
fn edited(statements: &str) -> Prepared {
    let program = Prepared::new();
    edit(&program, statements);
    program
}

fn edit(program: &Prepared, statements: &str) {
    let file = Connection::open(program.file("orchestrator.db")).unwrap();
    file.execute_batch(statements).unwrap();
}

const PRIMARY_IS_DEAD: &str = "
    update database_instance set last_seen = datetime('now', '-1 hour'), last_check_partial_success = 0
    where port = 3306 and hostname = 'db';";
const REPLICAS: &str = "cluster_name = 'db:3306' and port in (3307, 3308)";

#[test]
fn analysis_goes_by_the_columns_that_say_whether_threads_run() {
    let stopped =
        format!("{PRIMARY_IS_DEAD} update database_instance set slave_io_running = 0 where {REPLICAS};");
    let program = edited(&stopped);
    program.prints("-c replication-analysis", "db:3306 (cluster db:3306): DeadMaster\n");
    // The tree goes by the states.
    program.prints("-c is-replicating -i db:3307", "db:3307\n");
    let unset = format!(
        "{PRIMARY_IS_DEAD} update database_instance
         set replication_io_thread_state = 0, replication_sql_thread_state = 0 where {REPLICAS};"
    );
    let program = edited(&unset);
    program.prints("-c replication-analysis", "db:3306 (cluster db:3306): UnreachableMaster\n");
    program.prints("-c is-replicating -i db:3307", "");
    edit(
        &program,
        "update database_instance set slave_io_running = 0, last_io_error = 'error connecting to master'
         where port in (3307, 3308)",
    );
    program.prints(
        "-c replication-analysis",
        "db:3306 (cluster db:3306): DeadMaster\n\
         db:3307 (cluster db:3306): FirstTierReplicaFailingToConnectToMaster\n\
         db:3308 (cluster db:3306): FirstTierReplicaFailingToConnectToMaster\n",
    );
}

#[test]
fn a_server_that_was_never_tried_again_is_not_taken_for_hanging() {
    for never in ["1971-01-01 00:00:00", "", "0000-00-00 00:00:00"] {
        let program = edited(&format!("update database_instance set last_attempted_check = '{never}'"));
        program.prints("-c replication-analysis", "");
    }
}

#[test]
fn columns_that_repeat_other_facts_are_believed() {
    let program = edited("update database_instance set major_version = '5.7' where port = 3307");
    program.prints(
        "-c replication-analysis",
        "db:3306 (cluster db:3306): MultipleMajorVersionsLoggingReplicasStructureWarning\n",
    );
    let program = edited(
        "update database_instance set replication_io_thread_state = 0, slave_io_running = 0, binlog_server = 1,
           replication_depth = 2, last_io_error = 'error connecting to master' where port = 3308",
    );
    program.prints(
        "-c replication-analysis",
        "db:3308 (cluster db:3306): BinlogServerFailingToConnectToMaster\n",
    );
    let program = edited(
        "update database_instance set num_slave_hosts = 5 where port = 3308;
         update database_instance set num_slave_hosts = 3 where hostname = 'other'",
    );
    program.prints("-c all-instances", "other:3306\ndb:3306\ndb:3308\ndb:3307\n");
    program.prints("-c which-cluster-gh-ost-replicas --alias shop", "db:3307\ndb:3308\n");
    edit(&program, "update database_instance set num_slave_hosts = 9 where port = 3307");
    program.prints("-c which-cluster-gh-ost-replicas --alias shop", "db:3308\ndb:3307\n");
}

#[test]
fn a_candidate_below_the_promoted_server_is_suggested() {
    let program = edited(
        "update database_instance set master_port = 3307, replication_depth = 2 where port = 3308;
         insert into candidate_database_instance (hostname, port, last_suggested, promotion_rule)
           values ('db', 3308, datetime('now'), 'prefer')",
    );
    program.prints("-c internal-suggest-promoted-replacement -i db:3306 -d db:3307", "db:3308\n");
}

#[test]
fn downtime_holds_while_it_is_active() {
    let downtime = "insert into database_instance_downtime
        (hostname, port, downtime_active, begin_timestamp, end_timestamp, owner, reason)
        values ('db', 3307, 1, datetime('now'), datetime('now', '+1 hour'), 'dba', 'work');";
    let program = edited(downtime);
    program.prints("-c which-downtimed-instances", "db:3307\n");
    edit(&program, "update database_instance_downtime set downtime_active = 0");
    program.prints("-c which-downtimed-instances", "");
}

#[test]
fn key_value_pairs_bear_the_stored_addresses_and_the_alias() {
    let program = edited(
        "delete from database_instance where hostname = 'other';
         insert into hostname_ips (hostname, ipv4, ipv6) values ('db', '10.0.0.7', 'fd00::7')",
    );
    program.prints(
        "-c submit-masters-to-kv-stores",
        "mysql/master/shop:db:3306\nmysql/master/shop/hostname:db\nmysql/master/shop/port:3306\n\
         mysql/master/shop/ipv4:10.0.0.7\nmysql/master/shop/ipv6:fd00::7\n",
    );
    edit(&program, "update cluster_alias set alias = 'db:3306'");
    program.configure(r#""ClusterNameToAlias":{"^db:":"store"}"#);
    let ended = program.run("-c submit-masters-to-kv-stores");
    assert!(ended.stdout.starts_with("mysql/master/store:db:3306\n"), "{}", ended.stdout);
    edit(&program, "update cluster_alias set alias = ''");
    program.configure("");
    program.prints("-c submit-masters-to-kv-stores", "");
}

#[test]
fn a_primary_that_may_be_dead_is_not_published() {
    let program = edited(PRIMARY_IS_DEAD);
    program.fails("-c submit-masters-to-kv-stores --alias shop", "db:3306 could not be read the last time");
    let all = program.run("-c submit-masters-to-kv-stores");
    assert!(!all.stdout.contains("db:3306"), "{}", all.stdout);
}

#[test]
fn a_store_that_does_not_answer_is_named_and_keeps_no_other_one_waiting() {
    let program = Prepared::new();
    // Nobody listens on the first port.
    program.configure(r#""ConsulAddress": "127.0.0.1:1", "ZkAddress": "127.0.0.1:1""#);
    let ended = program.run("-c submit-masters-to-kv-stores --alias shop");
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    for told in [
        "Consul at http://127.0.0.1:1: shop: ",
        "ZooKeeper at 127.0.0.1:1: shop: ",
        "ConsulAddress",
        "ZkAddress",
    ] {
        assert!(ended.stderr.contains(told), "{told}: {}", ended.stderr);
    }
    let file = Connection::open(program.file("orchestrator.db")).unwrap();
    let stored: String = file
        .query_row("select store_value from kv_store where store_key = 'mysql/master/shop'", [], |row| {
            row.get(0)
        })
        .unwrap();
    assert_eq!(stored, "db:3306");
}

#[test]
fn what_was_done_stands_in_the_audit_as_the_original_writes_it() {
    let program = Prepared::new();
    for line in [
        "-c untag -i db:3307 --tag role",
        "-c begin-maintenance -i db:3307 --reason work --owner me",
        "-c end-maintenance -i db:3307",
        "-c begin-downtime -i nosuch:1 --reason work --owner me",
        "-c register-candidate -i nosuch:2 --promotion-rule prefer",
    ] {
        assert_eq!(program.run(line).code, Some(0), "{line}");
    }
    let file = Connection::open(program.file("orchestrator.db")).unwrap();
    let mut rows = file.prepare("select audit_type, hostname, message from audit order by audit_id").unwrap();
    let rows: Vec<[String; 3]> = rows
        .query_map([], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?]))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let expected = [
        ["delete-instance-tag", "db", "role=billing"],
        ["begin-maintenance", "db", "maintenanceToken: 1, owner: me, reason: work"],
        ["end-maintenance", "db", ""],
        ["begin-downtime", "nosuch", "owner: me, reason: work"],
        ["register-candidate", "nosuch", "prefer"],
    ];
    assert_eq!(rows, expected);
}

#[test]
fn the_record_of_a_recovery_that_could_take_nothing_is_closed() {
    let program = edited(&format!(
        "{PRIMARY_IS_DEAD} update database_instance set slave_io_running = 0, hostname = 'nosuch.invalid',
           master_host = 'db' where {REPLICAS};"
    ));
    program.configure(r#""RecoverMasterClusterFilters":["*"]"#);
    let ended = program.run("-c recover -i db:3306");
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{}", ended.stderr);
    assert!(ended.stderr.contains("Recovery attempted yet no replica promoted"), "{}", ended.stderr);
    let file = Connection::open(program.file("orchestrator.db")).unwrap();
    let open = "select count(*) from topology_recovery where hostname = 'db' and port = 3306 and end_recovery is null";
    assert_eq!(file.query_row(open, [], |row| row.get::<_, u32>(0)), Ok(0));
    let all = "select count(*) from topology_recovery where hostname = 'db' and port = 3306";
    assert_eq!(file.query_row(all, [], |row| row.get::<_, u32>(0)), Ok(1));
}

#[test]
fn a_closed_port_is_told_in_the_words_that_scripts_know() {
    let program = Prepared::new();
    program.fails("-c discover -i 127.0.0.1:9", "dial tcp 127.0.0.1:9: connect: connection refused\n");
}

#[test]
fn texts_are_compared_as_the_backend_compares_them() {
    let program = edited("update database_instance set suggested_cluster_alias = 'Shop' where port = 3307");
    program.prints("-c search --pattern Shop", "db:3307\n");
    program.prints("-c search --pattern shop", "");
    program.prints("-c snapshot-topologies", "");
    program.prints("-c topology --alias shop --pattern 1%", "db:3306\n- db:3307\n- db:3308\n");
    program.prints("-c topology --alias shop --pattern ^1", "\n");
}

#[test]
fn structure_is_told_although_all_replicas_are_downtimed_and_dead() {
    let program = edited(&format!(
        "update database_instance set last_seen = datetime('now', '-1 hour') where {REPLICAS};
         update database_instance set read_only = 1 where hostname = 'db' and port = 3306;"
    ));
    let dead = "AllMasterReplicasDead, NoFailoverSupportStructureWarning, NoWriteableMasterStructureWarning";
    program.prints("-c replication-analysis", &format!("db:3306 (cluster db:3306): {dead}\n"));
    edit(
        &program,
        "insert into database_instance_downtime
           (hostname, port, downtime_active, begin_timestamp, end_timestamp, owner, reason)
         select hostname, port, 1, datetime('now'), datetime('now', '+1 hour'), 'dba', 'work'
         from database_instance where port in (3307, 3308)",
    );
    let structure = "NoFailoverSupportStructureWarning, NoWriteableMasterStructureWarning";
    program.prints("-c replication-analysis", &format!("db:3306 (cluster db:3306): {structure}\n"));
}

#[test]
fn configurations_of_the_original_are_taken_with_a_warning() {
    let program = Prepared::new();
    for (settings, warning) in [
        (r#""PromotionIgnoreHostnameFilters":["*"]"#, "is not a valid regular expression"),
        (r#""RecoverMasterClusterFilters":["("]"#, "it selects nothing"),
        (r#""DiscoveryMaxConcurrency":0"#, "0 is too small and counts as 1"),
        (
            r#""UseSSL":true,"SSLCertFile":"/nonexistent/c","SSLPrivateKeyFile":"/nonexistent/k""#,
            "there is no such file",
        ),
        (
            r#""MySQLTopologyUseMutualTLS":true,"MySQLTopologySSLCAFile":"/nonexistent/c""#,
            "there is no such file",
        ),
    ] {
        program.configure(settings);
        let ended = program.run("-c clusters -verbose");
        assert_eq!(
            (ended.code, ended.stdout.as_str()),
            (Some(0), "db:3306\nother:3306\n"),
            "{}",
            ended.stderr
        );
        assert!(ended.stderr.contains(warning), "{settings}: {}", ended.stderr);
    }
    for settings in [r#""ReadOnly":"true""#, r#""Debug":}"#] {
        program.configure(settings);
        let file = program.file("orchestrator.conf.json");
        program.fails("-c clusters", &format!("Cannot read config file: {} line ", file.display()));
    }
}
