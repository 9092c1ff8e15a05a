//! The sum of the migrations, compared with the facts about the original's schema and a list of own additions.

use std::collections::BTreeSet;

use rusqlite::Connection;

use crate::on_sqlite::{SqliteFile, rows};
use crate::support::Place;

/// Own tables, columns and indexes, in the form of the fixture. Nothing else may differ from the original.
const OWN: &str = "
database_instance_facts: hostname: varchar(128) required key#1
database_instance_facts: port: smallint required key#2
database_instance_facts: super_read_only: tinyint = null
database_instance_facts: mariadb_gtid_position: text required = ''
database_instance_facts: retrieved_gtid_set: text required = ''
database_instance_facts: last_io_errno: int required = 0
database_instance_facts: last_sql_errno: int required = 0
database_instance_facts: semi_sync_master_plugin_new_version: tinyint required = 0
database_instance_facts: semi_sync_replica_plugin_new_version: tinyint required = 0
database_instance_facts: semi_sync_master_wait_sessions: int = null
database_instance_facts: receiver_heartbeat_period: bigint = null
database_instance_facts: receiver_heartbeats_received: bigint required = 0
database_instance_facts: receiver_heartbeat_age: bigint = null
database_instance_facts: replication_ssl_ca_file: text required = ''
database_instance_facts: replication_ssl_ca_path: text required = ''
database_instance_facts: replication_ssl_cert: text required = ''
database_instance_facts: replication_ssl_cipher: text required = ''
database_instance_facts: replication_ssl_crl_file: text required = ''
database_instance_facts: replication_ssl_crl_path: text required = ''
database_instance_facts: replication_ssl_key: text required = ''
database_instance_facts: replication_ssl_verify_server_cert: tinyint = null
database_instance_facts: replication_tls_version: text required = ''
database_instance_facts: replication_tls_ciphersuites: text required = ''
database_instance_facts: replication_source_public_key_path: text required = ''
database_instance_facts: replication_get_source_public_key: tinyint = null
orchestrator_schema_migration: applied_at: timestamp required
orchestrator_schema_migration: name: varchar(128) required
orchestrator_schema_migration: number: INTEGER key#1
recovery_journal: plan: TEXT required
recovery_journal: recovery_uid: varchar(128) required key#1
recovery_journal: state: varchar(128) required
recovery_journal: updated_at: timestamp required = ''
topology_failure_detection: index start_active_period_idx_topology_failure_detection (start_active_period)
topology_recovery_steps: index audit_at_idx_topology_recovery_steps (audit_at)
";

#[test]
fn a_new_database_has_what_the_original_has_and_the_own_additions() {
    let bench = SqliteFile::new();
    let live = facts(&Connection::open(&bench.path).unwrap());
    let original = fixture();
    let own: BTreeSet<String> = OWN.lines().filter(|line| !line.is_empty()).map(canonical).collect();
    let missing: Vec<_> = original.union(&own).filter(|fact| !live.contains(*fact)).collect();
    let extra: Vec<_> =
        live.iter().filter(|fact| !original.contains(*fact) && !own.contains(*fact)).collect();
    assert!(missing.is_empty() && extra.is_empty(), "missing {missing:#?}, extra {extra:#?}");
    assert!(original.is_disjoint(&own));
}

#[test]
fn columns_stand_in_the_order_of_the_original_and_no_others_beside_them() {
    let bench = SqliteFile::new();
    let db = Connection::open(&bench.path).unwrap();
    for (table, columns) in fixture_columns() {
        let live = rows(&db, &format!("select name from pragma_table_info('{table}')"));
        assert_eq!(live, columns, "{table}");
    }
}

#[test]
fn a_file_of_an_older_original_gets_what_it_lacks_and_keeps_its_rows() {
    let bench = SqliteFile::prepared(
        "create table database_instance (
           hostname varchar(128) not null, port smallint not null, last_checked timestamp not null default '',
           last_seen timestamp null default null, server_id int not null, version varchar(128) not null,
           primary key (hostname, port));
         insert into database_instance values ('old', 3306, '2020-01-01 00:00:00', '2020-01-01 00:00:00', 7, '5.6.1');",
    );
    drop(bench.open());
    let expected = ["old|3306|7|5.6.1||0|"];
    let query =
        "select hostname, port, server_id, version, cluster_name, read_only, region from database_instance";
    assert_eq!(bench.rows(query), expected);
    assert_eq!(bench.rows("select count(*) from sqlite_master where name = 'topology_recovery'"), ["1"]);
}

#[test]
fn the_election_row_and_the_deployment_are_there() {
    let bench = SqliteFile::new();
    assert_eq!(
        bench.rows("select anchor, hostname, token, last_seen_active from active_node"),
        ["1|||2026-01-31 10:00:00"]
    );
    assert_eq!(bench.rows("select * from orchestrator_db_deployments"), ["test|2026-01-31 10:00:00"]);
}

/// Every column and index of a database, one fact a line.
fn facts(db: &Connection) -> BTreeSet<String> {
    let columns = "select m.name || ': ' || c.name || ': ' || c.type
        || case when c.\"notnull\" then ' required' else '' end
        || case when c.dflt_value is null then '' else ' = ' || c.dflt_value end
        || case when c.pk > 0 then ' key#' || c.pk else '' end
      from sqlite_master m, pragma_table_info(m.name) c where m.type = 'table'";
    let indexes = "select m.name || ': ' || case when i.\"unique\" then 'unique ' else 'index ' end || i.name || ' ('
        || (select group_concat(name, ',') from (select name from pragma_index_info(i.name) order by seqno)) || ')'
      from sqlite_master m, pragma_index_list(m.name) i where m.type = 'table' and i.origin = 'c'";
    rows(db, columns).into_iter().chain(rows(db, indexes)).map(|fact| canonical(&fact)).collect()
}

/// Letter case of types and of NULL carries no meaning.
fn canonical(fact: &str) -> String {
    fact.to_lowercase()
}

fn fixture() -> BTreeSet<String> {
    let mut table = "";
    let mut facts = BTreeSet::new();
    for line in include_str!("fixtures/original_schema.txt").lines() {
        match line.strip_prefix("table ") {
            Some(name) => table = name,
            None => drop(facts.insert(canonical(&format!("{table}: {}", line.trim())))),
        }
    }
    facts
}

fn fixture_columns() -> Vec<(&'static str, Vec<String>)> {
    let mut tables: Vec<(&str, Vec<String>)> = Vec::new();
    for line in include_str!("fixtures/original_schema.txt").lines() {
        if let Some(name) = line.strip_prefix("table ") {
            tables.push((name, Vec::new()));
        } else if let (Some((column, _)), Some((_, columns))) =
            (line.trim().split_once(": "), tables.last_mut())
        {
            columns.push(column.to_owned());
        }
    }
    tables
}
