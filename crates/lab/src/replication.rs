//! The statements that make a fresh server the replica of another, in each family's own words.

use crate::credentials::REPLICATION;
use crate::family::Dialect;
use crate::options::Replication;

/// Points a fresh server at its source and starts replicating. All servers start from the same data and an empty binary
/// log, so without GTID the first position is the right one.
pub(crate) fn attach(dialect: Dialect, source_port: u16, settings: &Replication) -> [String; 2] {
    match dialect {
        Dialect::MySql => [mysql_change(source_port, settings), "START REPLICA".into()],
        Dialect::OldMySql => [old_mysql_change(source_port, settings), "START SLAVE".into()],
        Dialect::MariaDb => [mariadb_change(source_port, settings), "START SLAVE".into()],
    }
}

/// The statement that shows a replica's state.
pub(crate) fn status(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::MySql => "SHOW REPLICA STATUS",
        Dialect::OldMySql | Dialect::MariaDb => "SHOW SLAVE STATUS",
    }
}

fn mysql_change(port: u16, settings: &Replication) -> String {
    let place = if settings.gtid {
        "SOURCE_AUTO_POSITION=1".to_owned()
    } else {
        "SOURCE_LOG_FILE='binlog.000001', SOURCE_LOG_POS=4".to_owned()
    };
    format!(
        "CHANGE REPLICATION SOURCE TO SOURCE_HOST='127.0.0.1', SOURCE_PORT={port}, SOURCE_USER='{}', \
         SOURCE_PASSWORD='{}', SOURCE_CONNECT_RETRY=1, SOURCE_RETRY_COUNT=86400, GET_SOURCE_PUBLIC_KEY=1, {place}{}",
        REPLICATION.name,
        REPLICATION.password,
        heartbeat("SOURCE", settings)
    )
}

fn old_mysql_change(port: u16, settings: &Replication) -> String {
    let place = if settings.gtid {
        "MASTER_AUTO_POSITION=1".to_owned()
    } else {
        "MASTER_LOG_FILE='binlog.000001', MASTER_LOG_POS=4".to_owned()
    };
    format!(
        "CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT={port}, MASTER_USER='{}', MASTER_PASSWORD='{}', \
         MASTER_CONNECT_RETRY=1, MASTER_RETRY_COUNT=86400, {place}{}",
        REPLICATION.name,
        REPLICATION.password,
        heartbeat("MASTER", settings)
    )
}

fn mariadb_change(port: u16, settings: &Replication) -> String {
    let place = if settings.gtid {
        "MASTER_USE_GTID=slave_pos".to_owned()
    } else {
        "MASTER_USE_GTID=no, MASTER_LOG_FILE='binlog.000001', MASTER_LOG_POS=4".to_owned()
    };
    format!(
        "CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT={port}, MASTER_USER='{}', MASTER_PASSWORD='{}', \
         MASTER_CONNECT_RETRY=1, {place}{}",
        REPLICATION.name,
        REPLICATION.password,
        heartbeat("MASTER", settings)
    )
}

fn heartbeat(word: &str, settings: &Replication) -> String {
    match settings.heartbeat_period {
        Some(period) => format!(", {word}_HEARTBEAT_PERIOD={:.3}", period.as_secs_f64()),
        None => String::new(),
    }
}
