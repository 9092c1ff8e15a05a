//! What is written is what is loaded.

use std::sync::Arc;
use std::time::Duration;

use model::{
    BinlogCoordinates, GroupMembership, Instance, InstanceKey, ReceiverHeartbeat, Replication,
    ReplicationTls, SemiSync, ServerVersion, ThreadState, Timestamp,
};
use ports::{InstanceWrite, Store};
use proptest::collection::btree_set;
use proptest::prelude::*;
use store::SqliteStore;

use crate::support::{NOW, options};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn instances(first in instance(), second in instance()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let store = SqliteStore::open(":memory:".as_ref(), &options()).unwrap();
            for written in [first, second] {
                let key = written.key.clone();
                store.write_instances(vec![InstanceWrite::Observed(Arc::new(written.clone()))]).await.unwrap();
                let fleet = store.load_fleet().await.unwrap();
                prop_assert_eq!(fleet.get(&key).map(|loaded| (**loaded).clone()), Some(written));
            }
            Ok(())
        })?;
    }
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        "[a-zA-Z0-9.:,_' \"\\\\%é-]{1,24}",
        ".{0,12}".prop_map(|text| text.replace('\0', ""))
    ]
}

fn key() -> impl Strategy<Value = InstanceKey> {
    ("(//)?[a-z][a-z0-9.-]{0,12}|[0-9a-f]{1,4}::[0-9a-f]{1,4}", any::<u16>())
        .prop_map(|(host, port)| InstanceKey::new(host, port))
}

fn keys() -> impl Strategy<Value = Vec<InstanceKey>> {
    btree_set(key(), 0..4).prop_map(|keys| keys.into_iter().collect())
}

fn time() -> impl Strategy<Value = Timestamp> {
    (0..NOW * 2).prop_map(Timestamp::from_secs)
}

fn position() -> impl Strategy<Value = u64> {
    0..=i64::MAX.unsigned_abs()
}

fn place() -> impl Strategy<Value = BinlogCoordinates> {
    (text(), position()).prop_map(|(file, pos)| BinlogCoordinates::binary(file, pos))
}

fn thread() -> impl Strategy<Value = ThreadState> {
    prop::sample::select(vec![
        ThreadState::Absent,
        ThreadState::Stopped,
        ThreadState::Running,
        ThreadState::Other,
    ])
}

fn nanos() -> impl Strategy<Value = Duration> {
    position().prop_map(Duration::from_nanos)
}

fn tls() -> impl Strategy<Value = ReplicationTls> {
    let files = (text(), text(), text(), text(), text(), text(), text());
    (files, (text(), text(), text()), any::<(bool, Option<bool>, Option<bool>)>()).prop_map(
        |(files, names, flags)| {
            let (ca_file, ca_path, cert, cipher, crl_file, crl_path, key) = files;
            let (tls_version, ciphersuites, public_key_path) = names;
            let (allowed, verify_server_cert, get_public_key) = flags;
            ReplicationTls {
                allowed,
                ca_file,
                ca_path,
                cert,
                cipher,
                crl_file,
                crl_path,
                key,
                verify_server_cert,
                tls_version,
                ciphersuites,
                public_key_path,
                get_public_key,
            }
        },
    )
}

fn replication() -> impl Strategy<Value = Replication> {
    let places = (thread(), thread(), place(), place(), place());
    let errors = (text(), any::<u32>(), text(), any::<u32>());
    let lag = (prop::option::of(0..i64::MAX), any::<u32>());
    let heartbeat =
        prop::option::of((nanos(), position(), prop::option::of(nanos())).prop_map(
            |(period, received, age)| ReceiverHeartbeat { period, received, age, silent_for: None },
        ));
    (places, errors, lag, any::<[bool; 4]>(), (text(), text()), tls(), heartbeat).prop_map(
        |(places, errors, lag, flags, texts, tls, heartbeat)| Replication {
            io_thread: places.0,
            sql_thread: places.1,
            read: places.2,
            exec: places.3,
            relay: BinlogCoordinates::relay(places.4.file, places.4.pos),
            last_io_error: errors.0,
            last_io_errno: errors.1,
            last_sql_error: errors.2,
            last_sql_errno: errors.3,
            seconds_behind: lag.0,
            sql_delay: lag.1,
            oracle_gtid: flags[0],
            mariadb_gtid: flags[1],
            has_filters: flags[2],
            has_credentials: flags[3],
            primary_uuid: texts.0,
            retrieved_gtid: texts.1,
            tls,
            heartbeat,
            receiver_idle: std::time::Duration::ZERO,
            applier_idle: Duration::ZERO,
        },
    )
}

fn semi_sync() -> impl Strategy<Value = SemiSync> {
    (any::<[bool; 7]>(), position(), any::<(u32, u32, u32)>(), any::<Option<u32>>()).prop_map(
        |(flags, primary_timeout_ms, counts, wait_sessions)| SemiSync {
            available: flags[0],
            primary_enabled: flags[1],
            replica_enabled: flags[2],
            primary_new_names: flags[3],
            replica_new_names: flags[4],
            primary_active: flags[5],
            replica_active: flags[6],
            primary_timeout_ms,
            wait_for_replica_count: counts.0,
            primary_clients: counts.1,
            priority: counts.2,
            wait_sessions,
        },
    )
}

fn group() -> impl Strategy<Value = GroupMembership> {
    (text(), any::<bool>(), text(), text(), keys(), prop::option::of(key())).prop_map(
        |(name, single_primary, member_state, member_role, members, primary)| GroupMembership {
            name,
            single_primary,
            member_state,
            member_role,
            members,
            primary,
        },
    )
}

fn instance() -> impl Strategy<Value = Instance> {
    let own = (key(), position(), any::<u32>(), any::<Option<bool>>(), any::<[bool; 7]>(), nanos());
    let texts = prop::collection::vec(text(), 19);
    let placed = (place(), prop::option::of(key()), keys(), prop::option::of(0..i64::MAX), any::<u32>());
    let times = (prop::option::of(time()), prop::option::of(time()), time());
    (own, texts, placed, times, replication(), semi_sync(), group()).prop_map(
        |(own, texts, placed, times, replication, semi_sync, group)| {
            let (key, uptime, server_id, super_read_only, flags, last_discovery_latency) = own;
            let (self_coordinates, primary, replicas, lag_seconds, depth) = placed;
            let mut texts = texts.into_iter();
            let mut text = || texts.next().unwrap_or_default();
            let (version, version_comment) = (text(), text());
            Instance {
                key,
                alias: text(),
                uptime,
                server_id,
                server_uuid: text(),
                version: ServerVersion::new(&version, &version_comment),
                version_comment,
                read_only: flags[0],
                super_read_only,
                binlog_format: text(),
                binlog_row_image: text(),
                log_bin: flags[1],
                log_replica_updates: flags[2],
                self_coordinates,
                primary_key: primary.unwrap_or_else(InstanceKey::none),
                replication,
                gtid_mode: text(),
                supports_oracle_gtid: flags[3],
                pseudo_gtid: flags[4],
                executed_gtid: text(),
                mariadb_gtid_position: text(),
                gtid_purged: text(),
                gtid_errant: text(),
                lag_seconds,
                replicas,
                cluster_name: text(),
                suggested_cluster_alias: text(),
                data_center: text(),
                region: text(),
                physical_environment: text(),
                depth,
                is_co_primary: flags[5],
                ancestry_uuid: text(),
                credentials_available: flags[6],
                semi_sync,
                group,
                last_discovery_latency,
                last_checked: times.0,
                last_attempted_check: times.1,
                last_seen: Some(times.2),
                last_check_partial_success: flags[0],
                recorded: model::Recorded::default(),
            }
        },
    )
}
