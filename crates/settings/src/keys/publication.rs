//! Keys of what goes out: key-value stores, audit, logs, figures, texts of web pages.

use std::path::PathBuf;
use std::time::Duration;

use model::Secret;

use crate::addresses::HostPort;
use crate::choices::{ConsulScheme, ConsulWrites};
use crate::key::Literal;
use crate::key::Unit::{Days, Seconds};
use crate::key::group;
use crate::resolve::{
    choice, count, flag, optional, optional_span, path, secret, span, text, zookeeper_servers,
};

group! {
    /// Key-value stores that tell others who the primary of each cluster is.
    "Key-value stores" Publication {
        /// Before the name of a cluster in keys; normalised to end in one slash.
        194 KVClusterMasterPrefix => prefix: String = text("mysql/master");
        /// `host:port` of the Consul agent; empty is off.
        187 ConsulAddress => consul_address: Option<String> = optional(), restart, expanded;
        /// `http` or `https`.
        188 ConsulScheme => consul_scheme: ConsulScheme = choice("http"), restart;
        /// Token for Consul. It needs the right to write keys below `KVClusterMasterPrefix`.
        189 ConsulAclToken => consul_token: Secret = secret(), restart, expanded;
        /// Write to all data centers of Consul as well. Needs `ConsulAddress`.
        190 ConsulCrossDataCenterDistribution => consul_all_data_centers: bool = flag(false);
        /// `consul` writes keys one by one, `consul-txn` those of a cluster in one transaction.
        191 ConsulKVStoreProvider => consul_writes: ConsulWrites = choice("consul"), restart;
        /// Operations in one transaction of Consul; brought into 5 to 64.
        192 ConsulMaxKVsPerTransaction => consul_transaction_size: u32 = count(5);
        /// Do not verify the certificate of Consul. The original never did.
        207 ConsulSSLSkipVerify => consul_tls_skip_verify: bool = flag(false), restart, extension;
        /// Certificate authority for the certificate of Consul (PEM), beside those of the machine.
        208 ConsulSSLCAFile => consul_tls_authority: Option<PathBuf> = path(), restart, expanded, extension;
        /// ZooKeeper servers `host[:port]`, separated by commas; empty is off.
        193 ZkAddress => zookeeper: Vec<HostPort> = zookeeper_servers(), restart, expanded;
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
        /// Folder with `js/custom.js` and `css/custom.css`, which every page loads. Empty means `resources/public` beside
        /// the program or, if there is none, in the directory it runs in.
        209 WebCustomFolder => custom_folder: String = text(""), extension;
    }
}
