//! The options a lab server is started with: small and quick, yet configured as an operator would for failover.
//!
//! Nothing is synced to disk: a killed process loses nothing that way (the kernel keeps its pages), only a machine that
//! loses power would.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use crate::family::Dialect;

/// What a lab's servers have in common.
#[derive(Debug, Clone)]
pub(crate) struct Replication {
    pub(crate) gtid: bool,
    pub(crate) semi_sync: bool,
    pub(crate) semi_sync_timeout: Duration,
    pub(crate) net_timeout: Duration,
    pub(crate) heartbeat_period: Option<Duration>,
    /// Further options, at the end.
    pub(crate) extra: Vec<OsString>,
}

/// What tells one server of a lab from another.
#[derive(Debug, Clone)]
pub(crate) struct Role {
    pub(crate) server_id: u32,
    pub(crate) is_replica: bool,
    /// Whether replicas acknowledge this server's commits, if the lab has semi-sync at all.
    pub(crate) waits_for_replicas: bool,
}

/// `--name=/some/path`.
pub(crate) fn path_option(name: &str, path: &Path) -> OsString {
    let mut option = OsString::from(name);
    option.push("=");
    option.push(path);
    option
}

/// Options for a server that only fills the template: no network, no binary log.
pub(crate) fn template_options(dialect: Dialect, folder: &Path) -> Vec<OsString> {
    let mut options = files(folder);
    options.extend(words(&["--skip-networking", "--skip-log-bin", "--skip-name-resolve"]));
    options.extend(small(dialect));
    options
}

/// Options for a server of a lab.
pub(crate) fn server_options(
    dialect: Dialect,
    folder: &Path,
    port: u16,
    role: &Role,
    replication: &Replication,
) -> Vec<OsString> {
    let mut options = files(folder);
    options.extend(words(&[
        "--bind-address=127.0.0.1",
        "--report-host=127.0.0.1",
        "--skip-name-resolve",
        "--log-bin=binlog",
        "--relay-log=relay",
        "--binlog-format=ROW",
        "--sync-binlog=0",
        "--innodb-flush-log-at-trx-commit=2",
        "--max-connections=400",
    ]));
    options.push(format!("--port={port}").into());
    options.push(format!("--report-port={port}").into());
    options.push(format!("--server-id={}", role.server_id).into());
    options.push(format!("--read-only={}", u8::from(role.is_replica)).into());
    options.extend(small(dialect));
    match dialect {
        Dialect::MySql => mysql(&mut options, role, replication),
        Dialect::OldMySql => old_mysql(&mut options, replication),
        Dialect::MariaDb => mariadb(&mut options, role, replication),
    }
    options.extend(replication.extra.iter().cloned());
    options
}

fn files(folder: &Path) -> Vec<OsString> {
    vec![
        path_option("--datadir", &folder.join("data")),
        path_option("--socket", &folder.join("s")),
        path_option("--pid-file", &folder.join("pid")),
        // A starting MariaDB deletes everything that looks like a temporary table, also those of other servers.
        path_option("--tmpdir", &folder.join("tmp")),
    ]
}

fn words(options: &[&str]) -> Vec<OsString> {
    options.iter().map(OsString::from).collect()
}

/// What keeps a server's start under a second and its memory small.
fn small(dialect: Dialect) -> Vec<OsString> {
    let mut options = words(&[
        "--innodb-buffer-pool-size=16M",
        "--innodb-buffer-pool-load-at-startup=OFF",
        "--innodb-buffer-pool-dump-at-shutdown=OFF",
        "--innodb-flush-method=nosync",
        "--innodb-doublewrite=OFF",
        "--innodb-log-buffer-size=1M",
        "--innodb-purge-threads=1",
        "--innodb-read-io-threads=1",
        "--innodb-write-io-threads=1",
        "--innodb-use-native-aio=OFF",
        "--table-open-cache=200",
    ]);
    match dialect {
        Dialect::MariaDb | Dialect::OldMySql => {
            options.extend(words(&["--innodb-log-file-size=8M", "--performance-schema=OFF"]));
        }
        Dialect::MySql => {
            // With the defaults, clearing the performance schema's 250 MiB takes longer than all the rest of the start.
            options.extend(words(&[
                "--mysqlx=OFF",
                "--secure-file-priv=NULL",
                "--innodb-redo-log-capacity=8M",
                "--innodb-page-cleaners=1",
                "--performance-schema=ON",
                "--performance-schema-instrument=memory/%=OFF",
                "--performance-schema-instrument=wait/%=OFF",
                "--performance-schema-instrument=stage/%=OFF",
                "--performance-schema-digests-size=100",
                "--performance-schema-error-size=0",
                "--performance-schema-events-statements-history-long-size=0",
                "--performance-schema-events-stages-history-long-size=0",
                "--performance-schema-events-waits-history-long-size=0",
                "--performance-schema-events-transactions-history-long-size=0",
                "--performance-schema-max-index-stat=100",
                "--performance-schema-max-table-lock-stat=100",
                "--performance-schema-accounts-size=20",
                "--performance-schema-hosts-size=20",
                "--performance-schema-users-size=20",
            ]));
        }
    }
    options
}

fn mysql(options: &mut Vec<OsString>, role: &Role, replication: &Replication) {
    let gtid = if replication.gtid { "ON" } else { "OFF" };
    options.push(format!("--gtid-mode={gtid}").into());
    options.push(format!("--enforce-gtid-consistency={gtid}").into());
    options.push("--log-replica-updates=ON".into());
    options.push("--relay-log-recovery=ON".into());
    options.push(format!("--super-read-only={}", u8::from(role.is_replica)).into());
    options.push(format!("--replica-net-timeout={}", whole_seconds(replication.net_timeout)).into());
    if replication.semi_sync {
        options.push("--plugin-load-add=semisync_source.so".into());
        options.push("--plugin-load-add=semisync_replica.so".into());
        options.push(format!("--rpl-semi-sync-source-enabled={}", u8::from(role.waits_for_replicas)).into());
        options.push(format!("--rpl-semi-sync-replica-enabled={}", u8::from(role.is_replica)).into());
        options.push(
            format!("--rpl-semi-sync-source-timeout={}", replication.semi_sync_timeout.as_millis()).into(),
        );
    }
}

/// There is no semi-synchronous replication here: the program comes without plugins.
fn old_mysql(options: &mut Vec<OsString>, replication: &Replication) {
    let gtid = if replication.gtid { "ON" } else { "OFF" };
    options.push(format!("--gtid-mode={gtid}").into());
    options.push(format!("--enforce-gtid-consistency={gtid}").into());
    options.push(format!("--slave-net-timeout={}", whole_seconds(replication.net_timeout)).into());
    options.extend(words(&[
        "--log-slave-updates=ON",
        "--relay-log-recovery=ON",
        "--master-info-repository=TABLE",
        "--relay-log-info-repository=TABLE",
    ]));
}

fn mariadb(options: &mut Vec<OsString>, role: &Role, replication: &Replication) {
    options.push("--log-slave-updates=ON".into());
    options.push(format!("--gtid-strict-mode={}", u8::from(replication.gtid)).into());
    options.push("--master-retry-count=86400".into());
    options.push(format!("--slave-net-timeout={}", whole_seconds(replication.net_timeout)).into());
    if replication.semi_sync {
        options.push(format!("--rpl-semi-sync-master-enabled={}", u8::from(role.waits_for_replicas)).into());
        options.push(format!("--rpl-semi-sync-slave-enabled={}", u8::from(role.is_replica)).into());
        options.push("--rpl-semi-sync-master-wait-point=AFTER_SYNC".into());
        options.push(
            format!("--rpl-semi-sync-master-timeout={}", replication.semi_sync_timeout.as_millis()).into(),
        );
    }
}

/// Servers take this timeout in whole seconds, one at least.
fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs().max(1)
}
