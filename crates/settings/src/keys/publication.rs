//! Keys of what goes out: key-value stores, audit, logs, figures, texts of web pages.

use std::path::PathBuf;
use std::time::Duration;

use model::Secret;

use crate::choices::{ConsulScheme, ConsulWrites};
use crate::key::Literal;
use crate::key::Unit::{Days, Seconds};
use crate::key::group;
use crate::resolve::{choice, count, flag, optional, optional_span, path, secret, span, text};

group! {
    /// Key-value stores that tell others who the primary of each cluster is.
    "Key-value stores" Publication {
        /// Before the name of a cluster in keys; normalised to end in one slash.
        194 KVClusterMasterPrefix => prefix: String = text("mysql/master");
        /// `host:port` of the Consul agent; empty is off.
        187 ConsulAddress => consul_address: Option<String> = optional(), restart, expanded,
            no_effect("primaries are not published to Consul; use a hook");
        /// `http` or `https`.
        188 ConsulScheme => consul_scheme: ConsulScheme = choice("http"), restart,
            no_effect("primaries are not published to Consul; use a hook");
        /// Token for Consul.
        189 ConsulAclToken => consul_token: Secret = secret(), restart, expanded,
            no_effect("primaries are not published to Consul; use a hook");
        /// Write to all data centers of Consul, once a minute. Needs `ConsulAddress`.
        190 ConsulCrossDataCenterDistribution => consul_all_data_centers: bool = flag(false),
            no_effect("primaries are not published to Consul; use a hook");
        /// `consul` writes keys one by one, `consul-txn` in transactions.
        191 ConsulKVStoreProvider => consul_writes: ConsulWrites = choice("consul"), restart,
            no_effect("primaries are not published to Consul; use a hook");
        /// Operations in one transaction of Consul; brought into 5 to 64.
        192 ConsulMaxKVsPerTransaction => consul_transaction_size: u32 = count(5),
            no_effect("primaries are not published to Consul; use a hook");
        /// ZooKeeper servers `host[:port]`, separated by commas; empty is off.
        193 ZkAddress => zookeeper: Option<String> = optional(), restart, expanded,
            no_effect("primaries are not published to ZooKeeper; use a hook");
    }
}

group! {
    /// The record of operations.
    "Audit" Audit {
        /// File that gets a line for each operation; empty is off.
        83 AuditLogFile => file: Option<PathBuf> = path(), expanded;
        /// Send a line for each operation to syslog.
        84 AuditToSyslog => syslog: bool = flag(false), restart;
        /// Write each operation to the table `audit` of the backend.
        85 AuditToBackendDB => backend: bool = flag(false), sample(Literal::Flag(true));
        /// Records of operations, detections and recoveries are dropped after this time.
        86 AuditPurgeDays => purge_after: Duration = span(7, Days).unsigned();
    }
}

group! {
    /// The log of the process.
    "Log" Logging {
        /// Log at debug level. `--quiet` wins.
        1 Debug => debug: bool = flag(false), restart;
        /// Send log lines to the local syslog, too.
        2 EnableSyslog => syslog: bool = flag(false), restart;
    }
}

group! {
    /// Figures for Graphite.
    "Graphite" Metrics {
        /// `host:port` of a Graphite server; empty is off.
        177 GraphiteAddr => graphite_address: Option<String> = optional(), restart, expanded;
        /// Before each figure; `{hostname}` is replaced. Required with `GraphiteAddr`.
        178 GraphitePath => graphite_path: Option<String> = optional(), restart;
        /// Replace dots in that host name by underscores.
        179 GraphiteConvertHostnameDotsToUnderscores => graphite_underscores: bool = flag(true), restart;
        /// Time between two transmissions; 0 or less is off.
        180 GraphitePollSeconds => graphite_every: Option<Duration> = optional_span(60, Seconds), restart;
    }
}

group! {
    /// Texts of web pages.
    "Web pages" Web {
        /// Text taken out of host names on web pages.
        87 RemoveTextFromHostnameDisplay => removed_text: String = text("");
        /// Message on every page.
        195 WebMessage => message: String = text("");
    }
}
