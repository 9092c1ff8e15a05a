//! Replication status: which channel counts, and what its columns mean.

use std::time::Duration;

use model::{BinlogCoordinates, InstanceKey, ReceiverHeartbeat, Replication, ReplicationTls, ThreadState};

use crate::tables::{Record, Table, is_on};

/// The channel that stands for the server: the unnamed one, else the only one. Channels of group replication do not
/// count. `None`: no replica. The name comes with it.
pub(crate) fn choose_channel(status: &Table) -> Option<(Record<'_>, String)> {
    let mut channels: Vec<(Record<'_>, String)> = status
        .records()
        .map(|row| (row, row.owned(&["Channel_Name", "Connection_name"])))
        .filter(|(_, name)| !name.starts_with("group_replication_"))
        .collect();
    if let Some(unnamed) = channels.iter().position(|(_, name)| name.is_empty()) {
        return Some(channels.swap_remove(unnamed));
    }
    channels.sort_by(|a, b| a.1.cmp(&b.1));
    channels.into_iter().next()
}

/// The source of a channel, as the server names it.
pub(crate) fn source_of(row: &Record<'_>) -> InstanceKey {
    let host = row.owned(&["Source_Host", "Master_Host"]);
    let port = row.number::<u16>(&["Source_Port", "Master_Port"]).unwrap_or(0);
    if host.is_empty() { InstanceKey::none() } else { InstanceKey::new(host, port) }
}

/// The replication user of a channel; empty when none is set.
pub(crate) fn user_of(row: &Record<'_>) -> String {
    row.owned(&["Source_User", "Master_User"])
}

/// Everything a status row says. `receivers` is the table of receiver state, when the server has one.
pub(crate) fn read(row: &Record<'_>, channel: &str, receivers: Option<&Table>) -> Replication {
    let receiver = receivers
        .and_then(|table| table.records().find(|receiver| receiver.owned(&["channel_name"]) == channel));
    let coordinates = |file: &[&str], pos: &[&str]| {
        BinlogCoordinates::binary(row.owned(file), row.number(pos).unwrap_or(0))
    };
    let seconds_behind: Option<i64> = row.number(&["Seconds_Behind_Source", "Seconds_Behind_Master"]);
    Replication {
        io_thread: thread(row, &["Replica_IO_Running", "Slave_IO_Running"]),
        sql_thread: thread(row, &["Replica_SQL_Running", "Slave_SQL_Running"]),
        read: coordinates(
            &["Source_Log_File", "Master_Log_File"],
            &["Read_Source_Log_Pos", "Read_Master_Log_Pos"],
        ),
        exec: coordinates(
            &["Relay_Source_Log_File", "Relay_Master_Log_File"],
            &["Exec_Source_Log_Pos", "Exec_Master_Log_Pos"],
        ),
        relay: BinlogCoordinates::relay(
            row.owned(&["Relay_Log_File"]),
            row.number(&["Relay_Log_Pos"]).unwrap_or(0),
        ),
        last_io_error: row.owned(&["Last_IO_Error"]),
        last_io_errno: row.number(&["Last_IO_Errno"]).unwrap_or(0),
        last_sql_error: row.owned(&["Last_SQL_Error"]),
        last_sql_errno: row.number(&["Last_SQL_Errno"]).unwrap_or(0),
        seconds_behind: seconds_behind.map(|seconds| seconds.max(0)),
        sql_delay: row.number(&["SQL_Delay"]).unwrap_or(0),
        oracle_gtid: row.text(&["Auto_Position"]).is_some_and(|text| text == "1"),
        mariadb_gtid: row.text(&["Using_Gtid"]).is_some_and(|text| text != "No"),
        primary_uuid: if row.has("Source_UUID") || row.has("Master_UUID") {
            row.owned(&["Source_UUID", "Master_UUID"])
        } else {
            "No".to_owned()
        },
        has_filters: has_filters(row),
        has_credentials: !user_of(row).is_empty(),
        retrieved_gtid: row.owned(&["Retrieved_Gtid_Set", "Gtid_IO_Pos"]),
        tls: tls(row, receiver.as_ref()),
        heartbeat: heartbeat(row, receiver.as_ref()),
        receiver_idle: Duration::ZERO,
    }
}

fn thread(row: &Record<'_>, names: &[&str]) -> ThreadState {
    ThreadState::from_status(&row.owned(names))
}

fn has_filters(row: &Record<'_>) -> bool {
    [
        "Replicate_Do_DB",
        "Replicate_Ignore_DB",
        "Replicate_Do_Table",
        "Replicate_Ignore_Table",
        "Replicate_Wild_Do_Table",
        "Replicate_Wild_Ignore_Table",
    ]
    .iter()
    .any(|name| row.text(&[name]).is_some_and(|text| !text.is_empty()))
}

fn heartbeat(row: &Record<'_>, receiver: Option<&Record<'_>>) -> Option<ReceiverHeartbeat> {
    let (source, period_column, received_column) = match receiver {
        Some(receiver) => (receiver, "heartbeat_interval", "received_heartbeats"),
        None => (row, "Slave_heartbeat_period", "Slave_received_heartbeats"),
    };
    let period: f64 = source.number(&[period_column])?;
    Some(ReceiverHeartbeat {
        period: Duration::try_from_secs_f64(period).unwrap_or_default(),
        received: source.number(&[received_column]).unwrap_or(0),
        age: source
            .number::<i64>(&["heartbeat_age_us"])
            .map(|age| Duration::from_micros(age.max(0).unsigned_abs())),
    })
}

fn tls(row: &Record<'_>, receiver: Option<&Record<'_>>) -> ReplicationTls {
    let yes = |names: &[&str]| row.text(names).filter(|text| !text.is_empty()).map(|text| is_on(&text));
    let public_key_path = row.owned(&["Source_public_key_path", "Master_public_key_path"]);
    let suites = row.owned(&["Source_TLS_Ciphersuites", "Master_TLS_Ciphersuites"]);
    ReplicationTls {
        allowed: row.text(&["Source_SSL_Allowed", "Master_SSL_Allowed"]).is_some_and(|text| text == "Yes"),
        ca_file: row.owned(&["Source_SSL_CA_File", "Master_SSL_CA_File"]),
        ca_path: row.owned(&["Source_SSL_CA_Path", "Master_SSL_CA_Path"]),
        cert: row.owned(&["Source_SSL_Cert", "Master_SSL_Cert"]),
        cipher: row.owned(&["Source_SSL_Cipher", "Master_SSL_Cipher"]),
        crl_file: row.owned(&["Source_SSL_Crl", "Master_SSL_Crl"]),
        crl_path: row.owned(&["Source_SSL_Crlpath", "Master_SSL_Crlpath"]),
        key: row.owned(&["Source_SSL_Key", "Master_SSL_Key"]),
        verify_server_cert: yes(&["Source_SSL_Verify_Server_Cert", "Master_SSL_Verify_Server_Cert"]),
        tls_version: row.owned(&["Source_TLS_Version", "Master_TLS_Version"]),
        ciphersuites: if suites.is_empty() {
            receiver.map(|receiver| receiver.owned(&["tls_ciphersuites"])).unwrap_or_default()
        } else {
            suites
        },
        get_public_key: yes(&["Get_Source_public_key", "Get_master_public_key"])
            .or_else(|| (!public_key_path.is_empty()).then_some(false)),
        public_key_path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables::fixtures::{table, vertical};

    #[test]
    fn a_mysql_row_is_read_by_new_names() {
        let status = vertical(
            "Source_Host: 127.0.0.1
             Source_User: repl
             Source_Port: 21001
             Source_Log_File: binlog.000003
             Read_Source_Log_Pos: 900
             Relay_Log_File: relay.000002
             Relay_Log_Pos: 77
             Relay_Source_Log_File: binlog.000003
             Exec_Source_Log_Pos: 800
             Replica_IO_Running: Connecting
             Replica_SQL_Running: Yes
             Last_IO_Errno: 2003
             Last_IO_Error: error reconnecting
             Seconds_Behind_Source: NULL
             Auto_Position: 1
             Retrieved_Gtid_Set: 00000000-0000-0000-0000-000000000001:1-5
             Source_UUID: 00000000-0000-0000-0000-000000000001
             Source_SSL_Allowed: No
             Channel_Name:",
        );
        let (row, channel) = choose_channel(&status).expect("one channel");
        let read = read(&row, &channel, None);
        assert_eq!((read.io_thread, read.sql_thread), (ThreadState::Other, ThreadState::Running));
        assert_eq!((read.read.pos, read.exec.pos, read.last_io_errno), (900, 800, 2003));
        assert!(
            read.oracle_gtid && !read.mariadb_gtid && read.has_credentials && read.seconds_behind.is_none()
        );
        assert_eq!(source_of(&row), InstanceKey::new("127.0.0.1", 21001));
    }

    #[test]
    fn a_mariadb_row_brings_its_own_heartbeats() {
        let status = vertical(
            "Connection_name:
             Master_Host: db1
             Master_Port: 3306
             Slave_IO_Running: Yes
             Slave_SQL_Running: Yes
             Using_Gtid: Slave_Pos
             Gtid_IO_Pos: 0-1-5
             Slave_heartbeat_period: 1.500
             Slave_received_heartbeats: 12",
        );
        let (row, channel) = choose_channel(&status).expect("one channel");
        let read = read(&row, &channel, None);
        let heartbeat = read.heartbeat.expect("heartbeats");
        assert_eq!((heartbeat.period, heartbeat.received), (Duration::from_millis(1500), 12));
        assert!(read.mariadb_gtid && read.primary_uuid == "No" && read.retrieved_gtid == "0-1-5");
    }

    #[test]
    fn the_unnamed_channel_counts_and_those_of_groups_never() {
        let named = |names: &[&str]| {
            let rows: Vec<Vec<Option<&str>>> = names.iter().map(|name| vec![Some(*name)]).collect();
            let rows: Vec<&[Option<&str>]> = rows.iter().map(Vec::as_slice).collect();
            let status = table(&["Channel_Name"], &rows);
            choose_channel(&status).map(|(_, name)| name)
        };
        assert_eq!(named(&["b", "", "a"]).as_deref(), Some(""));
        assert_eq!(named(&["group_replication_applier", "c1"]).as_deref(), Some("c1"));
        assert_eq!(named(&["group_replication_recovery"]), None);
        assert_eq!(named(&[]), None);
    }
}
