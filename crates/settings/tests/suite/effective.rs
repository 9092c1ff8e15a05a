//! How the effective configuration follows from what was read: old names, normal forms, secrets, checks.

use std::time::Duration;

use crate::common::{FORBIDDEN, World, quiet};
use settings::{BackendKind, PacketSize, Secrets, Settings};

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// Loads each text; either the picture of the settings or a part of the complaint is as wanted.
fn check<T: PartialEq + std::fmt::Debug>(view: impl Fn(&Settings) -> T, rows: &[(&str, T)]) {
    for (members, wanted) in rows {
        assert_eq!(view(&quiet(members).settings()), *wanted, "{members}");
    }
}

fn refused(rows: &[(&str, &str)]) {
    for (members, wanted) in rows {
        let text = quiet(members).complaints();
        assert!(text.starts_with("error ") && text.contains(wanted), "{members}: {text}");
        assert_eq!(text.lines().count(), 1, "{members}: {text}");
    }
}

fn warned(rows: &[(&str, &str)]) {
    for (members, wanted) in rows {
        let text = quiet(members).complaints();
        assert!(text.starts_with("warning ") && text.contains(wanted), "{members}: {text}");
    }
}

#[test]
fn the_block_period_follows_whichever_key_is_given() {
    check(
        |s| s.recovery.block_period,
        &[
            (r#""Debug": false"#, seconds(3600)),
            (r#""RecoveryPeriodBlockSeconds": 5"#, seconds(5)),
            (r#""RecoveryPeriodBlockSeconds": 0"#, seconds(0)),
            (r#""RecoveryPeriodBlockMinutes": 5"#, seconds(300)),
            (r#""RecoveryPeriodBlockMinutes": 5, "RecoveryPeriodBlockSeconds": 0"#, seconds(300)),
            (r#""RecoveryPeriodBlockMinutes": 0, "RecoveryPeriodBlockSeconds": 0"#, seconds(0)),
            (r#""RecoveryPeriodBlockMinutes": -1, "RecoveryPeriodBlockSeconds": 0"#, seconds(0)),
            (r#""RecoveryPeriodBlockMinutes": 5, "RecoveryPeriodBlockSeconds": 7"#, seconds(7)),
            (r#""RecoveryPeriodBlockSeconds": -7"#, seconds(0)),
        ],
    );
    warned(&[
        (r#""RecoveryPeriodBlockSeconds": 0"#, "the original takes 3600"),
        (r#""RecoveryPeriodBlockMinutes": 5"#, "the original ignores it"),
    ]);
}

#[test]
fn lost_replicas_are_detached_unless_a_given_key_says_no() {
    let (old, new) = ("\"DetachLostSlavesAfterMasterFailover\"", "\"DetachLostReplicasAfterMasterFailover\"");
    for (members, wanted) in [
        ("\"Debug\": false".to_owned(), true),
        (format!("{new}: false"), false),
        (format!("{new}: true"), true),
        (format!("{old}: false"), false),
        (format!("{old}: false, {new}: true"), true),
        (format!("{old}: true, {new}: false"), true),
        (format!("{old}: false, {new}: false"), false),
    ] {
        assert_eq!(quiet(&members).settings().recovery.detach_lost_replicas, wanted, "{members}");
    }
    check(
        |s| s.recovery.detach_promoted_source,
        &[
            (r#""MasterFailoverDetachSlaveMasterHost": true"#, true),
            (r#""MasterFailoverDetachReplicaMasterHost": true"#, true),
            (r#""Debug": false"#, false),
        ],
    );
}

#[test]
fn old_names_of_queries_and_lags_are_honoured_and_contradictions_refused() {
    check(
        |s| s.attributes.lag_query.clone(),
        &[
            (r#""SlaveLagQuery": "old""#, Some("old".to_owned())),
            (r#""ReplicationLagQuery": "new""#, Some("new".to_owned())),
            (r#""ReplicationLagQuery": "same", "SlaveLagQuery": "same""#, Some("same".to_owned())),
            (r#""Debug": false"#, None),
        ],
    );
    check(
        |s| s.recovery.postpone_delayed,
        &[
            (r#""PostponeSlaveRecoveryOnLagMinutes": 2"#, Some(seconds(120))),
            (r#""PostponeReplicaRecoveryOnLagMinutes": 3"#, Some(seconds(180))),
            (r#""Debug": false"#, None),
        ],
    );
    refused(&[
        (
            r#""SlaveLagQuery": "a", "ReplicationLagQuery": "b""#,
            "config's ReplicationLagQuery and SlaveLagQuery are synonyms and cannot both be defined",
        ),
        (
            r#""PostponeSlaveRecoveryOnLagMinutes": 2, "PostponeReplicaRecoveryOnLagMinutes": 3"#,
            "config's PostponeReplicaRecoveryOnLagMinutes and PostponeSlaveRecoveryOnLagMinutes are synonyms",
        ),
    ]);
}

#[test]
fn values_are_brought_into_normal_form() {
    check(
        |s| s.listener.url_prefix.clone(),
        &[
            (r#""URLPrefix": "a/b//""#, "/a/b".to_owned()),
            (r#""URLPrefix": "//a""#, "/a".to_owned()),
            (r#""URLPrefix": "/""#, String::new()),
        ],
    );
    check(
        |s| s.publication.prefix.clone(),
        &[
            (r#""KVClusterMasterPrefix": """#, "/".to_owned()),
            (r#""KVClusterMasterPrefix": "/""#, "/".to_owned()),
            (r#""KVClusterMasterPrefix": "a//""#, "a/".to_owned()),
        ],
    );
    check(
        |s| s.publication.consul_transaction_size,
        &[(r#""ConsulMaxKVsPerTransaction": -3"#, 5), (r#""ConsulMaxKVsPerTransaction": 1000"#, 64)],
    );
    check(
        |s| s.detection.reasonable_locked_semi_sync,
        &[
            (r#""ReasonableReplicationLagSeconds": 15"#, seconds(15)),
            (r#""ReasonableLockedSemiSyncMasterSeconds": 3"#, seconds(3)),
        ],
    );
    check(
        |s| s.naming.expiry,
        &[(r#""ExpiryHostnameResolvesMinutes": 0"#, seconds(60)), (r#""Debug": false"#, seconds(3600))],
    );
    check(
        |s| s.discovery.buffer_writes,
        &[
            (r#""BufferInstanceWrites": true, "InstanceWriteBufferSize": 0"#, false),
            (r#""BufferInstanceWrites": true, "InstanceWriteBufferSize": 1"#, true),
        ],
    );
    check(
        |s| s.topology.packet_size,
        &[
            (r#""MySQLTopologyMaxAllowedPacket": -1"#, PacketSize::DriverDefault),
            (r#""MySQLTopologyMaxAllowedPacket": 0"#, PacketSize::AskServer),
            (r#""MySQLTopologyMaxAllowedPacket": 1024"#, PacketSize::Bytes(1024)),
        ],
    );
    let settings =
        quiet(r#""AutoPseudoGTID": true, "PseudoGTIDPattern": "x", "RaftBind": "10.0.0.1""#).settings();
    assert_eq!(settings.pseudo_gtid.pattern, "drop view if exists `_pseudo_gtid_`");
    assert!(settings.pseudo_gtid.pattern_is_text);
    assert_eq!(
        (settings.pseudo_gtid.monotonic_hint.as_str(), settings.pseudo_gtid.detect_query.as_str()),
        ("asc:", "select 1")
    );
    assert_eq!(settings.raft.advertise, "10.0.0.1");
    assert_eq!(settings.backend.kind, BackendKind::Sqlite);
    assert_eq!(settings.tls_cache_time(), seconds(500));
    assert_eq!(settings.lost_downtime(), seconds(365 * 86_400));
}

#[test]
fn values_and_pairs_that_cannot_work_are_refused_with_a_cure() {
    refused(&[
        (
            r#""FailMasterPromotionIfSQLThreadNotUpToDate": true, "DelayMasterPromotionIfSQLThreadNotUpToDate": true"#,
            "Cannot have both FailMasterPromotionIfSQLThreadNotUpToDate and DelayMasterPromotionIfSQLThreadNotUpToDate enabled",
        ),
        (
            r#""FailMasterPromotionOnLagMinutes": 1"#,
            "nonzero FailMasterPromotionOnLagMinutes requires ReplicationLagQuery to be set",
        ),
        (r#""SQLite3DataFile": """#, "SQLite3DataFile must be set when BackendDB is sqlite3"),
        (r#""BackendDB": "SQLite""#, "not a known word; use one of sqlite, mysql"),
        (r#""RaftEnabled": true"#, "RaftDataDir must be defined since raft is enabled (RaftEnabled)"),
        (
            r#""RaftEnabled": true, "RaftDataDir": "/r", "RaftBind": """#,
            "RaftBind must be defined since raft is enabled",
        ),
        (
            r#""RaftEnabled": true, "RaftDataDir": "/r", "RaftBind": "10.0.0.1", "RaftNodes": ["10.0.0.2"]"#,
            "this node, 10.0.0.1:10008 (RaftAdvertise), is not among RaftNodes",
        ),
        (r#""HTTPAdvertise": "http://a:80/x""#, "If specified, HTTPAdvertise must not specify a path"),
        (
            r#""InstancePollSeconds": 301"#,
            "DeadInstancePollSecondsMax can not be smaller than InstancePollSeconds; set it to 301 or more",
        ),
        (r#""DefaultInstancePort": 70000"#, "must not be larger than 65535"),
        (r#""AuthenticationMethod": "none""#, "not a known word; use one of"),
        (
            r#""AuthenticationMethod": "multi""#,
            "AuthenticationMethod is configured as 'multi' but HTTPAuthUser undefined",
        ),
        (r#""ListenAddress": "3000""#, "there is no port number behind a colon"),
        (r#""StatusEndpoint": "x""#, "the path must begin with a slash"),
        (r#""DataCenterPattern": "north""#, "the expression has no group"),
        (r#""PseudoGTIDPattern": "(""#, "is not a valid regular expression"),
        (r#""RejectHostnameResolvePattern": "(""#, "is not a valid regular expression"),
        (r#""PromotionIgnoreHostnameFilters": [""]"#, "entry 1 is empty"),
        (r#""ClusterNameToAlias": {"(": "x"}"#, "is not a valid regular expression"),
        (r#""ConsulCrossDataCenterDistribution": true"#, "needs ConsulAddress"),
        (r#""ConsulAddress": "http://consul:8500""#, "it is not host:port"),
        (r#""ZkAddress": "zk1,zk2:x""#, "\"zk2:x\" is not host or host:port"),
        (r#""DiscoverySeeds": ["db:0"]"#, "\"db:0\" is not host or host:port"),
    ]);
}

#[test]
fn seeds_are_hosts_with_or_without_port() {
    let seeds = ["db", "db:3306", "10.0.0.1:1", "::1", "fe80::1", "[::1]:3306"];
    let text = seeds.map(|seed| format!("{seed:?}")).join(",");
    assert_eq!(quiet(&format!(r#""DiscoverySeeds": [{text}]"#)).settings().discovery.seeds, seeds);
    refused(&[
        (r#""DiscoverySeeds": [":3306"]"#, "is not host or host:port"),
        (r#""DiscoverySeeds": ["a:b"]"#, "\"a:b\""),
    ]);
}

#[test]
fn files_of_certificates_that_do_not_exist_are_warned_about_once_tls_is_on() {
    let pair = r#""SSLCertFile": "/cert.pem", "SSLPrivateKeyFile": "/key.pem""#;
    assert_eq!(quiet(pair).complaints(), "", "unused files are not looked at");
    assert_eq!(quiet(r#""UseSSL": true"#).complaints().matches("UseSSL needs").count(), 2);
    let world = quiet(&format!(r#""UseSSL": true, {pair}"#)).file("/cert.pem", "pem");
    assert!(world.complaints().starts_with("warning "));
    assert!(world.complaints().contains("SSLPrivateKeyFile: there is no such file"));
    assert!(world.clone().file("/key.pem", FORBIDDEN).complaints().starts_with("warning "));
    assert_eq!(world.file("/key.pem", "pem").complaints(), "");
    let half = quiet(r#""MySQLTopologyUseMutualTLS": true, "MySQLTopologySSLCertFile": "/cert.pem""#);
    assert!(half.file("/cert.pem", "pem").complaints().contains("MySQLTopologyUseMutualTLS needs"));
}

#[test]
fn dubious_values_are_warned_about() {
    warned(&[
        (r#""MySQLTopologyUser": """#, "none of them can be read"),
        (r#""BackendDB": "mysql""#, "there is no backend"),
        (r#""HostnameResolveMethod": "dns""#, "it acts as default"),
        (r#""AuthenticationMethod": "Basic""#, "callers must send empty credentials"),
        (r#""AuthenticationMethod": "proxy""#, "nobody is a power user by name"),
        (r#""UseMutualTLS": true"#, "admits nobody"),
        (r#""ReasonableMaintenanceReplicationLagSeconds": 5"#, "cannot be moved"),
        (
            r#""RaftEnabled": true, "RaftDataDir": "/r", "RaftBind": "10.0.0.1", "RaftNodes": ["10.0.0.1", "b"]"#,
            "2 nodes survive no more failures than 1",
        ),
        (r#""GraphiteAddr": "g:2003""#, "GraphitePath is empty"),
        (r#""DeadInstancePollSecondsMultiplyFactor": 0.5"#, "0.5 is too small and counts as 1"),
        (r#""InstancePollSeconds": 0"#, "0 is too small and counts as 1"),
        (r#""MaxConcurrentReplicaOperations": -2"#, "-2 is too small and counts as 1"),
        (r#""RecoverMasterClusterFilters": [""]"#, "an empty entry selects nothing"),
        (r#""RecoverMasterClusterFilters": ["("]"#, "not a valid regular expression"),
        (r#""PromotionIgnoreHostnameFilters": ["*"]"#, "it selects nothing"),
    ]);
    check(
        |s| s.authority.power_users.clone(),
        &[
            (r#""AuthenticationMethod": "proxy""#, vec![]),
            (r#""AuthenticationMethod": "proxy", "PowerAuthUsers": ["*"]"#, vec!["*".to_owned()]),
        ],
    );
}

#[test]
fn all_errors_are_reported_at_once() {
    let text = World::of(
        r#"{"InstancePollSeconds": "5", "DataCenterPattern": "(", "RecoverMasterClusterFilters": ["(", "["],
            "FailMasterPromotionOnLagMinutes": 1, "HTTPAuthPassword": "${GONE}", "BackendDB": "oracle"}"#,
    )
    .load()
    .unwrap_err()
    .to_string();
    assert!(
        text.starts_with(
            "5 errors in the configuration:\n  Cannot read config file: /etc/orchestrator.conf.json line 1, column 2: "
        ),
        "{text}"
    );
}

#[test]
fn references_are_replaced_in_marked_keys_only() {
    let world = quiet(
        r#""MySQLTopologyUser": "${U}", "MySQLTopologyPassword": "${P}", "ConsulAclToken": "${file:/run/token}",
           "WebMessage": "${U}", "RaftNodes": ["${U}:1"], "HTTPAuthUser": "${NONE:-admin}""#,
    )
    .variable("U", "ann")
    .variable("P", "tiger")
    .file("/run/token", "abc\n");
    let settings = world.settings();
    assert_eq!(settings.topology.user, "ann");
    assert_eq!(settings.topology.password.expose(), "tiger");
    assert_eq!(settings.publication.consul_token.expose(), "abc");
    assert_eq!(settings.web.message, "${U}");
    assert_eq!(settings.raft.nodes, ["ann:1"]);
    assert_eq!(settings.authority.user, "admin");
    refused(&[(
        r#""MySQLTopologyPassword": "${GONE}""#,
        "MySQLTopologyPassword: the environment variable GONE is not set",
    )]);
    let world = quiet(r#""MySQLTopologyPassword": "a${P}""#).variable("P", "b");
    assert!(world.complaints().contains("text around ${...} is kept"));
}

#[test]
fn credentials_files_override_what_they_hold() {
    let members = r#""MySQLTopologyUser": "json", "MySQLTopologyPassword": "json",
                     "MySQLTopologyCredentialsConfigFile": "${DIR}/probe.cnf""#;
    let world = quiet(members).variable("DIR", "/etc").variable("P", "tiger");
    let full = world.clone().file("/etc/probe.cnf", "[client]\nuser=file\npassword=\"${P}\"\n");
    let settings = full.settings();
    assert_eq!((settings.topology.user.as_str(), settings.topology.password.expose()), ("file", "tiger"));
    assert_eq!(full.complaints(), "");

    let partial = world.clone().file("/etc/probe.cnf", "[client]\nuser=file\n").settings();
    assert_eq!((partial.topology.user.as_str(), partial.topology.password.expose()), ("file", "json"));

    let open = World { world_readable: true, ..full };
    assert!(open.complaints().contains("everybody on this host can read /etc/probe.cnf"));

    assert!(world.complaints().contains("cannot read the credentials file"));
    let broken = world.file("/etc/probe.cnf", "[client]\npassword=\"tiger\n").complaints();
    assert!(broken.starts_with(
        "error /etc/probe.cnf:2:1: MySQLTopologyCredentialsConfigFile: Failed to parse gcfg data"
    ));
    assert!(!broken.contains("tiger"));
}

#[test]
fn secrets_appear_in_no_output_unless_asked_for() {
    let world = quiet(
        r#""MySQLTopologyPassword": "tiger", "HTTPAuthPassword": "tiger", "ConsulAclToken": "tiger",
           "OAuthClientSecret": "tiger", "MySQLOrchestratorPassword": "tiger", "SSLPrivateKeyPassword": "tiger",
           "WebMessage": "<&>""#,
    );
    let settings = world.settings();
    assert!(!format!("{settings:?}").contains("tiger"));
    let line = settings.to_json_line(Secrets::Hidden);
    assert!(!line.contains("tiger") && line.contains(r#""HTTPAuthPassword":"********""#));
    assert!(line.contains(r#""WebMessage":"\u003c\u0026\u003e""#));
    assert_eq!(settings.to_json_line(Secrets::Shown).matches("tiger").count(), 6);
    assert!(!quiet(r#""MySQLTopologyPassword": ["tiger"]"#).complaints().contains("tiger"));
}

#[test]
fn the_original_printed_the_same_for_the_same_file() {
    let settings = World::of(include_str!("../fixtures/orchestrator.conf.json")).settings();
    let printed_by_the_original = include_str!("../fixtures/dump-config.json").trim_end();
    assert_eq!(settings.to_json_line(Secrets::Shown), printed_by_the_original);
}

#[test]
fn the_printed_configuration_holds_all_keys_in_order_and_loads_again() {
    let settings =
        quiet(r#""InstancePollSeconds": 2, "ClusterNameToAlias": {"b": "1", "a": "2"}"#).settings();
    let line = settings.to_json_line(Secrets::Shown);
    assert!(
        line.starts_with(r#"{"Debug":false,"EnableSyslog":false,"ListenAddress":":3000","ListenSocket":"","#)
    );
    assert!(line.ends_with(r#""PrependMessagesWithOrcIdentity":"","CustomOrcIdentity":""}"#));
    assert!(line.contains(r#""DeadInstancePollSecondsMultiplyFactor":1,"#));
    assert!(line.contains(r#""ClusterNameToAlias":{"a":"2","b":"1"}"#));
    assert!(line.contains(r#""DiscoveryIgnoreHostnameFilters":null"#));
    assert_eq!(settings.to_json(Secrets::Shown).as_object().unwrap().len(), 201);
    assert_eq!(World::of(&line).settings().to_json_line(Secrets::Shown), line);
}
