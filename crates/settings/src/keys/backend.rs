//! Keys of orchestrator's own database and of connections to the managed servers.

use std::path::PathBuf;
use std::time::Duration;

use model::Secret;

use crate::choices::BackendKind;
use crate::key::Literal;
use crate::key::Unit::Seconds;
use crate::key::group;
use crate::resolve::{
    PacketSize, choice, count, flag, optional, optional_count, optional_span, packet_size, path, port,
    secret, span, text,
};

group! {
    /// orchestrator's own database.
    "Backend" Backend {
        /// Where orchestrator keeps its data: `mysql` (also empty), or `sqlite` (any text containing it).
        18 BackendDB => kind: BackendKind = choice("mysql"), restart, sample(Literal::Text("sqlite"));
        /// File of the SQLite backend, required with `sqlite`. A text containing `:memory:` keeps everything in memory.
        19 SQLite3DataFile => sqlite_file: Option<PathBuf> = path(), restart, expanded,
            sample(Literal::Text("/var/lib/orchestrator/orchestrator.db"));
        /// Never check or migrate the schema of the backend. Overridden by `--enable-database-update`.
        20 SkipOrchestratorDatabaseUpdate => skip_schema_update: bool = flag(false), restart;
        /// End with an error if the schema was deployed by another version, instead of migrating it.
        21 PanicIfDifferentDatabaseDeploy => refuse_other_schema: bool = flag(false), restart;
        /// Host of the MySQL backend.
        29 MySQLOrchestratorHost => host: Option<String> = optional(), restart, expanded;
        /// Port of the MySQL backend.
        31 MySQLOrchestratorPort => port: u16 = port(3306).unsigned(), restart;
        /// Schema on the MySQL backend; created if missing.
        32 MySQLOrchestratorDatabase => database: Option<String> = optional(), restart, expanded;
        /// User on the MySQL backend; replaced by the user of the credentials file.
        33 MySQLOrchestratorUser => user: String = text(""), expanded;
        /// Password on the MySQL backend; replaced by the password of the credentials file.
        34 MySQLOrchestratorPassword => password: Secret = secret(), expanded;
        /// Credentials file for the backend, see above. Read again on reload.
        35 MySQLOrchestratorCredentialsConfigFile => credentials_file: Option<PathBuf> = path(), expanded;
        /// Most open connections to the MySQL backend; 0 is no limit.
        30 MySQLOrchestratorMaxPoolConnections => connections_max: Option<u32> = optional_count(128);
        /// Time to wait for an answer of the MySQL backend.
        41 MySQLOrchestratorReadTimeoutSeconds => read_timeout: Duration = span(30, Seconds).at_least(1);
        /// Take a read-only error of the backend for a broken connection and connect again; right behind a proxy.
        42 MySQLOrchestratorRejectReadOnly => reject_read_only: bool = flag(false);
        /// Packet size: -1 as the driver likes, 0 ask the server, otherwise bytes.
        43 MySQLOrchestratorMaxAllowedPacket => packet_size: PacketSize = packet_size();
        /// Use TLS to the backend.
        40 MySQLOrchestratorUseMutualTLS => tls: bool = flag(false);
        /// Do not verify the certificate of the backend.
        39 MySQLOrchestratorSSLSkipVerify => tls_skip_verify: bool = flag(false);
        /// Private key of our client certificate for the backend (PEM).
        36 MySQLOrchestratorSSLPrivateKeyFile => tls_key: Option<PathBuf> = path(), expanded;
        /// Our client certificate for the backend (PEM).
        37 MySQLOrchestratorSSLCertFile => tls_certificate: Option<PathBuf> = path(), expanded;
        /// Certificate authority of the backend (PEM).
        38 MySQLOrchestratorSSLCAFile => tls_authority: Option<PathBuf> = path(), expanded;
    }
}

group! {
    /// Connections to the managed servers. One account serves them all.
    "Access to managed servers" Topology {
        /// User on the managed servers; replaced by the user of the credentials file.
        7 MySQLTopologyUser => user: String = text(""), expanded, sample(Literal::Text("orchestrator"));
        /// Password on the managed servers; replaced by the password of the credentials file.
        8 MySQLTopologyPassword => password: Secret = secret(), expanded,
            sample(Literal::Text("${ORCHESTRATOR_TOPOLOGY_PASSWORD}"));
        /// Credentials file for the managed servers, see above. Read again on reload.
        9 MySQLTopologyCredentialsConfigFile => credentials_file: Option<PathBuf> = path(), expanded;
        /// Port of servers that are named without one.
        48 DefaultInstancePort => default_port: u16 = port(3306);
        /// Time to establish a connection, to managed servers and to a MySQL backend.
        44 MySQLConnectTimeoutSeconds => connect_timeout: Duration = span(2, Seconds).at_least(1);
        /// Time to wait for an answer while polling.
        45 MySQLDiscoveryReadTimeoutSeconds => discovery_read_timeout: Duration = span(10, Seconds).at_least(1);
        /// Time to wait for an answer to all other statements. Must cover long FLUSH, STOP and wait statements: a few
        /// seconds break takeovers.
        46 MySQLTopologyReadTimeoutSeconds => operation_read_timeout: Duration = span(600, Seconds).at_least(1);
        /// Connections older than this are replaced; 0 is no limit. Also for a MySQL backend.
        47 MySQLConnectionLifetimeSeconds => connection_lifetime: Option<Duration> = optional_span(0, Seconds);
        /// Packet size: -1 as the driver likes, 0 ask the server, otherwise bytes.
        16 MySQLTopologyMaxAllowedPacket => packet_size: PacketSize = packet_size();
        /// Always use TLS, and present the client certificate.
        14 MySQLTopologyUseMutualTLS => mutual_tls: bool = flag(false);
        /// Try each server in clear text first, and use TLS for those that demand it.
        15 MySQLTopologyUseMixedTLS => mixed_tls: bool = flag(true);
        /// What was found for `MySQLTopologyUseMixedTLS` is kept for this many times `InstancePollSeconds`.
        17 TLSCacheTTLFactor => tls_cache_polls: u32 = count(100).unsigned();
        /// Do not verify certificates of the managed servers.
        13 MySQLTopologySSLSkipVerify => tls_skip_verify: bool = flag(false);
        /// Private key of our client certificate for the managed servers (PEM).
        10 MySQLTopologySSLPrivateKeyFile => tls_key: Option<PathBuf> = path(), expanded;
        /// Our client certificate for the managed servers (PEM).
        11 MySQLTopologySSLCertFile => tls_certificate: Option<PathBuf> = path(), expanded;
        /// Certificate authority of the managed servers (PEM).
        12 MySQLTopologySSLCAFile => tls_authority: Option<PathBuf> = path(), expanded;
    }
}
