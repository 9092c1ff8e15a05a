//! The simulated fleet answers as real servers do: the same columns, and the same values where servers do not differ.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use lab::fleet::{FleetPlan, SimulatedFleet};
use lab::{Family, Lab, ORCHESTRATOR};
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Opts, OptsBuilder, Row, Value};

/// What the probe and the watch send to MariaDB.
const STATEMENTS: [&str; 9] = [
    "select @@global.version as version, @@global.version_comment as comment, @@session.sql_mode as sql_mode, \
     @@global.performance_schema as performance_schema",
    "select @@global.hostname as hostname, @@global.report_host as report_host, @@global.server_id as server_id, \
     @@global.read_only as read_only, @@global.binlog_format as binlog_format, @@global.log_bin as log_bin, \
     @@global.log_slave_updates as log_slave_updates, @@global.gtid_current_pos as gtid_current_pos, \
     @@global.gtid_binlog_pos as gtid_binlog_pos",
    "select @@global.rpl_semi_sync_master_enabled as primary_enabled, \
     @@global.rpl_semi_sync_master_timeout as primary_timeout, @@global.rpl_semi_sync_slave_enabled as replica_enabled",
    "show all slaves status",
    "show slave hosts",
    "show master status",
    "select user, host from information_schema.processlist where command in ('Binlog Dump', 'Binlog Dump GTID')",
    "show global variables where variable_name like 'rpl_semi_sync_%_enabled' or variable_name = 'group_replication_group_name'",
    "show variables like 'maxscale%'",
];

/// Columns whose values belong to one server, one version or one moment.
const OWN: [&str; 26] = [
    "version",
    "comment",
    "hostname",
    "report_host",
    "server_id",
    "gtid_current_pos",
    "gtid_binlog_pos",
    "host",
    "Server_id",
    "Host",
    "Port",
    "Master_id",
    "Position",
    "Master_Host",
    "Master_Port",
    "Read_Master_Log_Pos",
    "Relay_Log_Pos",
    "Exec_Master_Log_Pos",
    "Relay_Log_Space",
    "Master_Server_Id",
    "Gtid_IO_Pos",
    "Gtid_Slave_Pos",
    "Slave_Transactional_Groups",
    "Executed_log_entries",
    "Slave_received_heartbeats",
    "Slave_heartbeat_period",
];

type Answer = Vec<BTreeMap<String, Option<String>>>;

async fn connect(address: &str) -> Result<Conn> {
    let (host, port) = address.split_once(':').context("an address has a port")?;
    let options = OptsBuilder::default()
        .ip_or_hostname(host)
        .tcp_port(port.parse()?)
        .user(Some(ORCHESTRATOR.name))
        .pass(Some(ORCHESTRATOR.password))
        .prefer_socket(false)
        .max_allowed_packet(Some(1 << 20))
        .wait_timeout(Some(100));
    Ok(Conn::new(Opts::from(options)).await?)
}

async fn ask(conn: &mut Conn, statement: &str) -> Result<(Vec<String>, Answer)> {
    let mut result = conn.query_iter(statement).await?;
    let columns: Vec<String> =
        result.columns_ref().iter().map(|column| column.name_str().into_owned()).collect();
    let rows: Vec<Row> = result.collect().await?;
    let text = |value: Value| match value {
        Value::Bytes(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
        _ => None,
    };
    let named = |row: Row| columns.iter().cloned().zip(row.unwrap().into_iter().map(text)).collect();
    let answer = rows.into_iter().map(named).collect();
    Ok((columns, answer))
}

/// Without the values that differ from server to server; of these it still counts whether there is one.
fn comparable(answer: Answer) -> Answer {
    let blank = |(name, value): (String, Option<String>)| {
        let value = if OWN.contains(&name.as_str()) { value.map(|_| "*".to_owned()) } else { value };
        (name, value)
    };
    answer.into_iter().map(|row| row.into_iter().map(blank).collect()).collect()
}

#[tokio::test]
async fn simulated_servers_answer_as_real_ones() -> Result<()> {
    let lab = Lab::builder().family(Family::MariaDb).shape("a(b,c)").start().await?;
    let fleet = SimulatedFleet::start(FleetPlan { servers: 3, per_cluster: 3, port: 0 }).await?;
    for (index, name) in ["a", "b", "c"].into_iter().enumerate() {
        let mut real = connect(&lab.address(name)).await?;
        let mut simulated = connect(&fleet.address(index)).await?;
        for statement in STATEMENTS {
            let (real_columns, expected) = ask(&mut real, statement).await?;
            let (columns, answer) = ask(&mut simulated, statement).await?;
            assert_eq!(columns, real_columns, "{statement} on {name}");
            assert_eq!(comparable(answer), comparable(expected), "{statement} on {name}");
        }
        for statement in
            ["do sleep(0.01)", "set session autocommit=1", "set session long_query_time=31536000"]
        {
            simulated.query_drop(statement).await?;
        }
    }
    assert!(fleet.unknown_statements().is_empty(), "{:?}", fleet.unknown_statements());
    Ok(())
}

#[tokio::test]
async fn what_is_not_known_fails_and_is_counted() -> Result<()> {
    let fleet = SimulatedFleet::start(FleetPlan { servers: 1, per_cluster: 1, port: 0 }).await?;
    let mut conn = connect(&fleet.address(0)).await?;
    let error = conn.query_drop("set global read_only = 1").await.expect_err("nothing is obeyed");
    assert!(error.to_string().contains("does not know the statement: set global read_only = 1"), "{error}");
    let error = conn.query_drop("select @@super_read_only").await.expect_err("MariaDB has none");
    assert!(error.to_string().contains("1193"), "{error}");
    conn.ping().await?;
    assert_eq!(fleet.unknown_statements(), BTreeMap::from([("set global read_only = 1".to_owned(), 1)]));
    Ok(())
}
