//! Keys of finding, polling and naming servers.

use std::time::Duration;

use regex::Regex;

use crate::choices::{HostnameResolve, ServerName};
use crate::filters::{HostFilters, TextFilters};
use crate::key::Literal;
use crate::key::Unit::{Hours, Milliseconds, Minutes, Seconds};
use crate::key::group;
use crate::resolve::{
    choice, count, flag, host_filters, list, null_host_filters, number, optional, optional_count,
    optional_span, pattern, span, text_filters,
};

group! {
    /// Finding and polling servers.
    "Discovery" Discovery {
        /// Servers `host[:port]` to start from, looked at once after the start.
        71 DiscoverySeeds => seeds: Vec<String> = list(&[]), restart, expanded,
            sample(Literal::List(Some(&["db1.example.net:3306"])));
        /// Time between two polls of a server. Many periods of validity are multiples of it.
        54 InstancePollSeconds => poll: Duration = span(5, Seconds).unsigned().at_least(1),
            sample(Literal::Integer(5));
        /// The delay between polls of a dead server grows by this factor; 1 keeps it.
        55 DeadInstancePollSecondsMultiplyFactor => dead_poll_factor: f32 = number(1.0).at_least(1);
        /// Longest delay between polls of a dead server; not less than `InstancePollSeconds`.
        56 DeadInstancePollSecondsMax => dead_poll_max: Duration = span(300, Seconds).unsigned();
        /// Dead servers polled at once, in a lane of their own; 0 polls them together with the healthy ones.
        57 DeadInstanceDiscoveryMaxConcurrency => dead_concurrency: Option<u32> =
            optional_count(0).unsigned(), restart;
        /// Log at debug level when a server is found dead or alive again.
        58 DeadInstanceDiscoveryLogsEnabled => dead_logs: bool = flag(false);
        /// Servers polled at once.
        67 DiscoveryMaxConcurrency => concurrency: u32 = count(300).unsigned().at_least(1), restart;
        /// Servers waiting to be polled; more are put off to the next round.
        68 DiscoveryQueueCapacity => queue_capacity: u32 = count(100_000).unsigned().at_least(1), restart;
        /// Samples of one second kept about the queue.
        69 DiscoveryQueueMaxStatisticsSize => queue_samples: u32 = count(120).at_least(0);
        /// Time for which figures about polls are kept.
        70 DiscoveryCollectionRetentionSeconds => metrics_retention: Duration = span(120, Seconds).unsigned();
        /// Collect what polls found, and write it in bulk.
        61 BufferInstanceWrites => buffer_writes: bool = flag(false),
            no_effect("what polls find is always collected and written in bulk");
        /// Most servers per bulk write; with 0 or less each is written by itself.
        60 InstanceWriteBufferSize => write_buffer: u32 = count(100), restart;
        /// Longest time between bulk writes. Keep it far below `InstancePollSeconds`.
        62 InstanceFlushIntervalMilliseconds => write_flush: Duration =
            span(100, Milliseconds).at_least(1), restart;
        /// Find replicas by `SHOW REPLICAS` first (needs `report_host`), and by the process list if that yields none.
        52 DiscoverByShowSlaveHosts => by_reported_hosts: bool = flag(false);
        /// Do not ask whether a server is a MaxScale.
        63 SkipMaxScaleCheck => skip_maxscale_check: bool = flag(true);
        /// Servers never touched.
        184 DiscoveryIgnoreHostnameFilters => ignored_hosts: HostFilters = null_host_filters();
        /// Primaries not discovered by way of their replicas.
        183 DiscoveryIgnoreMasterHostnameFilters => ignored_primaries: HostFilters = null_host_filters();
        /// Replicas not discovered by way of their primary.
        182 DiscoveryIgnoreReplicaHostnameFilters => ignored_replicas: HostFilters = host_filters();
        /// Regular expressions; servers that replicate with a matching user are not discovered.
        185 DiscoveryIgnoreReplicationUsernameFilters => ignored_users: TextFilters = text_filters();
        /// Log which servers the user filters leave out.
        186 EnableDiscoveryFiltersLogs => filter_logs: bool = flag(true);
        /// Servers not seen for this time are forgotten, with all that is kept about them. Longer than any outage.
        65 UnseenInstanceForgetHours => forget_after: Duration = span(240, Hours).unsigned().at_least(1);
        /// Time between snapshots of all topologies; 0 takes none.
        66 SnapshotTopologiesIntervalHours => snapshot_every: Option<Duration> =
            optional_span(0, Hours).unsigned(), restart;
        /// A registered promotion rule is valid for this time. Register more often.
        82 CandidateInstanceExpireMinutes => candidate_expiry: Duration = span(60, Minutes).unsigned();
        /// Time for which a submitted pool is valid.
        113 InstancePoolExpiryMinutes => pool_expiry: Duration = span(60, Minutes).unsigned();
        /// Accept parts of host names in submitted pools, if they fit one server only.
        112 SupportFuzzyPoolHostnames => fuzzy_pool_hosts: bool = flag(true);
        /// Servers left out of the list of problems.
        79 ProblemIgnoreHostnameFilters => problem_ignored: HostFilters = host_filters();
        /// Servers left out of the suggestions for online schema changes.
        176 OSCIgnoreHostnameFilters => osc_ignored: HostFilters = host_filters();
    }
}

group! {
    /// Host names: how they are resolved and which are refused.
    "Host names" Naming {
        /// How names given or found are resolved: `none`, `default` (kept), `cname` or `ip`; case does not matter.
        73 HostnameResolveMethod => resolve: HostnameResolve =
            choice("default"), sample(Literal::Text("default"));
        /// The name a server gives itself: `none`, `@@hostname` or `@@report_host`; case does not matter.
        74 MySQLHostnameResolveMethod => server_name: ServerName = choice("@@hostname"),
            sample(Literal::Text("@@hostname"));
        /// Accept names of binlog servers that do not resolve back.
        75 SkipBinlogServerUnresolveCheck => skip_binlog_server_check: bool = flag(true);
        /// Time for which resolved names and cluster domains are valid; at least 1.
        76 ExpiryHostnameResolvesMinutes => expiry: Duration = span(60, Minutes);
        /// Regular expression; a resolved name that matches is dropped and the original kept.
        77 RejectHostnameResolvePattern => rejected: Option<Regex> = pattern();
        /// Credentials for replication from a query on a managed server: up to five texts user, password, CA,
        /// certificate, key. Used when replication is built after a takeover.
        51 ReplicationCredentialsQuery => replication_credentials_query: Option<String> = optional();
    }
}
