//! Replication status of one channel.

use std::time::Duration;

use model::{
    BinlogCoordinates, CoordinateKind, GtidSet, InstanceKey, ReceiverHeartbeat, Replication, ReplicationTls,
    ThreadState,
};

use crate::memory::Memory;
use crate::tables::{Record, Table, is_on};

/// What a channel of group replication is called; such channels are no source of their own.
const GROUP_CHANNELS: &str = "group_replication_";

/// The channel that counts, and the names of others that were passed over.
#[derive(Debug, Default)]
pub(crate) struct Choice<'a> {
    pub(crate) row: Option<Record<'a>>,
    pub(crate) name: String,
    pub(crate) others: Vec<String>,
}

/// The default channel, else the first by name. Channels of group replication do not count.
pub(crate) fn choose_channel(status: &Table) -> Choice<'_> {
    let name = |row: &Record<'_>| row.owned(&["Channel_Name", "Connection_name"]);
    let mut rows: Vec<(String, Record<'_>)> = status
        .records()
        .map(|row| (name(&row), row))
        .filter(|(name, _)| !name.starts_with(GROUP_CHANNELS))
        .collect();
    rows.sort_by(|a, b| a.0.cmp(&b.0));
    let mut rows = rows.into_iter();
    let Some((name, row)) = rows.next() else { return Choice::default() };
    Choice { row: Some(row), name, others: rows.map(|(name, _)| name).collect() }
}

/// The source that a channel names.
pub(crate) fn source_key(row: Record<'_>) -> InstanceKey {
    let host = row.owned(&["Source_Host", "Master_Host"]);
    let port = row.number(&["Source_Port", "Master_Port"]).unwrap_or(0);
    if host.is_empty() { InstanceKey::none() } else { InstanceKey::new(host, port) }
}

/// The replication user; empty when none is configured.
pub(crate) fn user(row: Record<'_>) -> String {
    row.owned(&["Source_User", "Master_User"])
}

/// The applier has read its whole relay log and waits for more, by the state of its session.
pub(crate) fn is_applier_idle(row: Record<'_>) -> bool {
    let state = row.text(&["Replica_SQL_Running_State", "Slave_SQL_Running_State"]);
    state.is_some_and(|state| state.contains("has read all relay log"))
}

/// Leaves out of the received set the transaction whose start is at the end of the relay log: receiving and applying have
/// ended, and it is not `executed` (which was read afterwards). For servers that count transactions that began.
pub(super) fn without_begun(replication: &mut Replication, row: Record<'_>, executed: &str) {
    if replication.io_thread.is_running() || !replication.sql_thread.is_running() || !is_applier_idle(row) {
        return;
    }
    let (received, _) = GtidSet::parse_lenient(&replication.retrieved_gtid);
    let (executed, _) = GtidSet::parse_lenient(executed);
    replication.retrieved_gtid = received.intersect(&executed).to_string();
}

/// Everything the status row says.
pub(crate) fn read(row: Record<'_>) -> Replication {
    let coordinates = |file: [&str; 2], pos: [&str; 2], kind| {
        BinlogCoordinates::new(row.owned(&file), row.number(&pos).unwrap_or(0), kind)
    };
    let thread = |names: [&str; 2]| {
        row.text(&names).map_or(ThreadState::Other, |text| ThreadState::from_status(&text))
    };
    let filters = [
        "Replicate_Do_DB",
        "Replicate_Ignore_DB",
        "Replicate_Do_Table",
        "Replicate_Ignore_Table",
        "Replicate_Wild_Do_Table",
        "Replicate_Wild_Ignore_Table",
    ];
    let seconds_behind: Option<i64> = row.number(&["Seconds_Behind_Source", "Seconds_Behind_Master"]);
    Replication {
        io_thread: thread(["Replica_IO_Running", "Slave_IO_Running"]),
        sql_thread: thread(["Replica_SQL_Running", "Slave_SQL_Running"]),
        read: coordinates(
            ["Source_Log_File", "Master_Log_File"],
            ["Read_Source_Log_Pos", "Read_Master_Log_Pos"],
            CoordinateKind::Binary,
        ),
        exec: coordinates(
            ["Relay_Source_Log_File", "Relay_Master_Log_File"],
            ["Exec_Source_Log_Pos", "Exec_Master_Log_Pos"],
            CoordinateKind::Binary,
        ),
        relay: coordinates(["Relay_Log_File"; 2], ["Relay_Log_Pos"; 2], CoordinateKind::Relay),
        last_io_error: row.owned(&["Last_IO_Error"]),
        last_io_errno: row.number(&["Last_IO_Errno"]).unwrap_or(0),
        last_sql_error: row.owned(&["Last_SQL_Error"]),
        last_sql_errno: row.number(&["Last_SQL_Errno"]).unwrap_or(0),
        seconds_behind: seconds_behind.map(|seconds| seconds.max(0)),
        sql_delay: row.number(&["SQL_Delay"]).unwrap_or(0),
        oracle_gtid: row.text(&["Auto_Position"]).is_some_and(|text| text == "1"),
        mariadb_gtid: row.text(&["Using_Gtid"]).is_some_and(|text| !text.eq_ignore_ascii_case("No")),
        primary_uuid: if row.has("Source_UUID") || row.has("Master_UUID") {
            row.owned(&["Source_UUID", "Master_UUID"])
        } else {
            "No".to_owned()
        },
        has_filters: filters.iter().any(|name| row.text(&[name]).is_some_and(|text| !text.is_empty())),
        has_credentials: !user(row).is_empty(),
        retrieved_gtid: row.owned(&["Retrieved_Gtid_Set", "Gtid_IO_Pos"]),
        tls: tls(row),
        heartbeat: None,
        receiver_idle: Duration::ZERO,
        applier_idle: Duration::ZERO,
    }
}

fn tls(row: Record<'_>) -> ReplicationTls {
    let text = |source: &str, master: &str| row.owned(&[source, master]);
    let flag = |names: &[&str]| row.text(names).filter(|text| !text.is_empty()).map(|text| is_on(&text));
    let public_key_path = text("Source_public_key_path", "Master_public_key_path");
    let get_public_key = flag(&["Get_source_public_key", "Get_master_public_key"]);
    ReplicationTls {
        allowed: row
            .text(&["Source_SSL_Allowed", "Master_SSL_Allowed"])
            .is_some_and(|text| text.eq_ignore_ascii_case("Yes")),
        ca_file: text("Source_SSL_CA_File", "Master_SSL_CA_File"),
        ca_path: text("Source_SSL_CA_Path", "Master_SSL_CA_Path"),
        cert: text("Source_SSL_Cert", "Master_SSL_Cert"),
        cipher: text("Source_SSL_Cipher", "Master_SSL_Cipher"),
        crl_file: text("Source_SSL_Crl", "Master_SSL_Crl"),
        crl_path: text("Source_SSL_Crlpath", "Master_SSL_Crlpath"),
        key: text("Source_SSL_Key", "Master_SSL_Key"),
        verify_server_cert: flag(&["Source_SSL_Verify_Server_Cert", "Master_SSL_Verify_Server_Cert"]),
        tls_version: text("Source_TLS_Version", "Master_TLS_Version"),
        ciphersuites: String::new(),
        get_public_key: get_public_key.or((!public_key_path.is_empty()).then_some(false)),
        public_key_path,
    }
}

/// Adds what the receiver tables say about this channel (MySQL).
pub(crate) fn add_receiver(replication: &mut Replication, receivers: &Table, channel: &str) {
    let named = |row: &Record<'_>| row.text(&["channel_name"]).is_some_and(|name| name == channel);
    let Some(row) = receivers.records().find(named) else { return };
    replication.tls.ciphersuites = row.owned(&["tls_ciphersuites"]);
    let age = |name: &str| {
        row.number::<i64>(&[name]).map(|us| Duration::from_micros(u64::try_from(us).unwrap_or(0)))
    };
    replication.heartbeat = row.number(&["heartbeat_interval"]).map(|period| ReceiverHeartbeat {
        period: seconds(period),
        received: row.number(&["received_heartbeats"]).unwrap_or(0),
        age: age("heartbeat_age_us"),
        silent_for: age("silence_us"),
    });
}

/// Adds what the status row itself says about heartbeats (MariaDB).
pub(crate) fn add_row_heartbeat(replication: &mut Replication, row: Record<'_>, memory: &Memory) {
    let (Some(period), Some(received)) =
        (row.number(&["Slave_heartbeat_period"]), row.number::<u64>(&["Slave_received_heartbeats"]))
    else {
        return;
    };
    replication.heartbeat = Some(ReceiverHeartbeat {
        period: seconds(period),
        received,
        age: memory.heartbeat_age(received),
        silent_for: None,
    });
}

fn seconds(value: f64) -> Duration {
    Duration::try_from_secs_f64(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables::fixtures::{table, vertical};

    const MYSQL: &str = "Replica_IO_State: Waiting for source to send event
        Source_Host: db1
        Source_User: repl
        Source_Port: 3307
        Source_Log_File: bin.000002
        Read_Source_Log_Pos: 528
        Relay_Log_File: relay.000004
        Relay_Log_Pos: 733
        Relay_Source_Log_File: bin.000001
        Replica_IO_Running: Connecting
        Replica_SQL_Running: Yes
        Replicate_Do_DB:
        Replicate_Wild_Do_Table: shop.%
        Exec_Source_Log_Pos: 400
        Source_SSL_Allowed: Yes
        Source_SSL_CA_File: /etc/ca.pem
        Source_SSL_Verify_Server_Cert: No
        Seconds_Behind_Source: NULL
        Last_IO_Errno: 2003
        Last_IO_Error: error connecting to source 'repl@db1:3307'
        Last_SQL_Errno: 0
        Last_SQL_Error:
        Source_UUID: 05128e1d-e565-11f1-aafd-02fc00000001
        SQL_Delay: 30
        Source_SSL_Crl: /etc/crl.pem
        Retrieved_Gtid_Set: 05128e1d-e565-11f1-aafd-02fc00000001:1-2
        Auto_Position: 1
        Channel_Name:
        Source_TLS_Version: TLSv1.3
        Source_public_key_path: /etc/key.pem
        Get_Source_public_key: 1";

    const MARIADB: &str = "Connection_name:
        Master_Host: //db1
        Master_User:
        Master_Port: 3306
        Master_Log_File: bin.000001
        Read_Master_Log_Pos: 595
        Relay_Log_File: relay.000002
        Relay_Log_Pos: 888
        Relay_Master_Log_File: bin.000001
        Slave_IO_Running: No
        Slave_SQL_Running: No
        Exec_Master_Log_Pos: 595
        Seconds_Behind_Master: -1
        Using_Gtid: Slave_Pos
        Gtid_IO_Pos: 0-1-2
        SQL_Delay: 0
        Slave_received_heartbeats: 4
        Slave_heartbeat_period: 30.500";

    #[test]
    fn the_start_of_a_transaction_is_not_received() {
        const STATUS: &str = "Slave_IO_Running: No
            Slave_SQL_Running: Yes
            Slave_SQL_Running_State: Slave has read all relay log; waiting for the slave I/O thread to update it
            Retrieved_Gtid_Set: 05128e1d-e565-11f1-aafd-02fc00000001:3-9";
        let received = |status: &str, executed| {
            let status = vertical(status);
            let row = status.first().unwrap();
            let mut replication = read(row);
            without_begun(&mut replication, row, executed);
            replication.retrieved_gtid.rsplit(':').next().unwrap().to_owned()
        };
        let executed = "05128e1d-e565-11f1-aafd-02fc00000001:1-8,\n0000000d-e565-11f1-aafd-02fc00000001:7";
        assert_eq!(received(STATUS, executed), "3-8");
        let whole = "05128e1d-e565-11f1-aafd-02fc00000001:1-9";
        assert_eq!(received(STATUS, whole), "3-9");
        // While either thread has something to do, it cannot be known.
        assert_eq!(received(&STATUS.replace("IO_Running: No", "IO_Running: Yes"), executed), "3-9");
        assert_eq!(received(&STATUS.replace("SQL_Running: Yes", "SQL_Running: No"), executed), "3-9");
        let busy = STATUS.replace("Slave has read all relay log;", "System lock");
        assert_eq!(received(&busy, executed), "3-9");
    }

    #[test]
    fn a_mysql_row_is_read_completely() {
        let status = vertical(MYSQL);
        let row = status.first().unwrap();
        let facts = read(row);
        assert_eq!(source_key(row), InstanceKey::new("db1", 3307));
        assert_eq!((facts.io_thread, facts.sql_thread), (ThreadState::Other, ThreadState::Running));
        assert_eq!(facts.read, BinlogCoordinates::binary("bin.000002", 528));
        assert_eq!(facts.exec, BinlogCoordinates::binary("bin.000001", 400));
        assert_eq!(facts.relay, BinlogCoordinates::relay("relay.000004", 733));
        assert_eq!(
            (facts.last_io_errno, facts.last_io_error.as_str()),
            (2003, "error connecting to source 'repl@db1:3307'")
        );
        assert_eq!((facts.seconds_behind, facts.sql_delay), (None, 30));
        assert!(facts.oracle_gtid && !facts.mariadb_gtid && facts.has_filters && facts.has_credentials);
        assert_eq!(facts.primary_uuid, "05128e1d-e565-11f1-aafd-02fc00000001");
        assert!(facts.tls.allowed && facts.tls.verify_server_cert == Some(false));
        assert_eq!(
            (facts.tls.crl_file.as_str(), facts.tls.tls_version.as_str()),
            ("/etc/crl.pem", "TLSv1.3")
        );
        assert_eq!(
            (facts.tls.public_key_path.as_str(), facts.tls.get_public_key),
            ("/etc/key.pem", Some(true))
        );
    }

    #[test]
    fn a_mariadb_row_is_read_completely() {
        let status = vertical(MARIADB);
        let row = status.first().unwrap();
        let mut facts = read(row);
        assert_eq!(source_key(row), InstanceKey::new("//db1", 3306));
        assert_eq!((facts.io_thread, facts.sql_thread), (ThreadState::Stopped, ThreadState::Stopped));
        assert!(facts.mariadb_gtid && !facts.oracle_gtid && !facts.has_filters && !facts.has_credentials);
        assert_eq!((facts.primary_uuid.as_str(), facts.retrieved_gtid.as_str()), ("No", "0-1-2"));
        assert_eq!((facts.seconds_behind, facts.tls.get_public_key), (Some(0), None));
        add_row_heartbeat(&mut facts, row, &Memory::default());
        let heartbeat = facts.heartbeat.unwrap();
        assert_eq!((heartbeat.period, heartbeat.received), (Duration::from_millis(30_500), 4));
    }

    #[test]
    fn receiver_tables_belong_to_a_channel() {
        let receivers = table(
            &[
                "CHANNEL_NAME",
                "heartbeat_interval",
                "received_heartbeats",
                "heartbeat_age_us",
                "silence_us",
                "tls_ciphersuites",
            ],
            &[
                &[Some("x"), Some("1.000"), Some("9"), Some("5"), Some("5"), None],
                &[
                    Some(""),
                    Some("30.000"),
                    Some("2"),
                    Some("1500000"),
                    Some("700000"),
                    Some("TLS_AES_128_GCM_SHA256"),
                ],
            ],
        );
        let mut facts = Replication::default();
        add_receiver(&mut facts, &receivers, "");
        let heartbeat = facts.heartbeat.unwrap();
        assert_eq!(heartbeat.age, Some(Duration::from_micros(1_500_000)));
        assert_eq!(heartbeat.silent_for, Some(Duration::from_micros(700_000)));
        assert_eq!((heartbeat.period, heartbeat.received), (Duration::from_secs(30), 2));
        assert_eq!(facts.tls.ciphersuites, "TLS_AES_128_GCM_SHA256");
    }

    #[test]
    fn the_default_channel_counts_then_the_only_one_and_never_the_groups() {
        let status = |names: &[&str]| {
            let rows: Vec<[Option<&str>; 1]> = names.iter().map(|name| [Some(*name)]).collect();
            let rows: Vec<&[Option<&str>]> = rows.iter().map(|row| &row[..]).collect();
            table(&["Channel_Name"], &rows)
        };
        let chosen = |names: &[&str]| {
            let table = status(names);
            let choice = choose_channel(&table);
            (choice.row.is_some(), choice.name, choice.others)
        };
        assert_eq!(chosen(&[]), (false, String::new(), vec![]));
        assert_eq!(chosen(&["group_replication_applier"]), (false, String::new(), vec![]));
        assert_eq!(chosen(&["b", ""]), (true, String::new(), vec!["b".to_owned()]));
        assert_eq!(chosen(&["group_replication_recovery", "only"]), (true, "only".to_owned(), vec![]));
    }
}
