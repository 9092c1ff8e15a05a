//! Which files are read, in which order, and how their contents are decoded and merged.

use std::time::Duration;

use crate::common::{FORBIDDEN, World, quiet};

const FIRST: &str = "/etc/orchestrator.conf.json";

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

#[test]
fn without_any_file_the_defaults_hold_and_are_normalised_as_with_an_empty_one() {
    let none = World::new().load().unwrap();
    assert!(none.files_read.is_empty());
    let empty = World::of("{}").settings();
    assert_eq!(none.settings.to_json(settings::Secrets::Shown), empty.to_json(settings::Secrets::Shown));
    assert_eq!(none.settings.publication.prefix, "mysql/master/");
    assert_eq!(none.settings.raft.advertise, "127.0.0.1:10008");
    assert_eq!(none.settings.detection.reasonable_locked_semi_sync, seconds(10));
    assert!(none.settings.recovery.detach_lost_replicas);
}

#[test]
fn all_files_are_read_in_order_and_later_ones_override_what_they_hold() {
    let world =
        World::of(r#"{"InstancePollSeconds": 1, "DefaultInstancePort": 1, "DiscoverySeeds": ["a", "b"]}"#)
            .file("conf/orchestrator.conf.json", r#"{"InstancePollSeconds": 2}"#)
            .file("orchestrator.conf.json", r#"{"InstancePollSeconds": 3, "DiscoverySeeds": ["c"]}"#)
            .file("/etc/orchestrator.conf.d/20.json", r#"{"InstancePollSeconds": 5}"#)
            .file("/etc/orchestrator.conf.d/10.json", r#"{"InstancePollSeconds": 4}"#)
            .file("/etc/orchestrator.conf.d/30.json.off", "broken");
    let loaded = world.load().unwrap();
    let read: Vec<_> = loaded.files_read.iter().map(|file| file.to_str().unwrap()).collect();
    assert_eq!(
        read,
        [
            FIRST,
            "conf/orchestrator.conf.json",
            "orchestrator.conf.json",
            "/etc/orchestrator.conf.d/10.json",
            "/etc/orchestrator.conf.d/20.json"
        ]
    );
    assert_eq!(loaded.settings.discovery.poll, seconds(5));
    assert_eq!(loaded.settings.topology.default_port, 1);
    assert_eq!(loaded.settings.discovery.seeds, ["c"]);
}

#[test]
fn an_explicit_file_is_the_only_one_and_must_be_readable() {
    let world = World::of("broken").file("/x.json", r#"{"InstancePollSeconds": 7}"#);
    let loaded = world.load_explicit("/x.json").unwrap();
    assert_eq!(loaded.settings.discovery.poll, seconds(7));
    assert_eq!(loaded.files_read.len(), 1);
    let error = world.load_explicit("/gone.json").unwrap_err().to_string();
    assert!(error.contains("Cannot read config file: /gone.json "), "{error}");
}

#[test]
fn a_file_that_exists_but_cannot_be_read_is_an_error() {
    let error = World::of(FORBIDDEN).complaints();
    assert!(error.starts_with("error /etc/orchestrator.conf.json: Cannot read config file:"), "{error}");
}

#[test]
fn an_extra_file_is_read_last_and_only_from_the_directory_of_the_others() {
    let world = World::of(r#"{"InstancePollSeconds": 1}"#)
        .file("/etc/extra.json", r#"{"InstancePollSeconds": 2}"#)
        .file("/home/x.json", "{}");
    assert_eq!(world.load_extra("/etc/extra.json").unwrap().settings.discovery.poll, seconds(2));
    for file in ["/home/x.json", "/etc/../home/x.json", "/", ""] {
        let error = world.load_extra(file).unwrap_err().to_string();
        assert!(error.contains("files of this directory are not read"), "{file}: {error}");
    }
    assert!(world.load_extra("/etc/gone.json").is_err());
}

#[test]
fn names_match_without_case_the_last_repeat_wins_and_null_changes_nothing() {
    let world = quiet(
        r##""#": "x", "#": [1], "debug": true, "READONLY": true, "ReadOnly": false, "instancepollseconds": 9,
           "InstancePollSeconds": null, "PowerAuthUsers": null, "StatusSimpleHealth": {"a": 1},
           "DiscoverySeeds": ["a", null]"##,
    );
    let text = world.complaints();
    assert!(text.contains("DiscoverySeeds = [\"a\",\"\"]: \"\" is not host or host:port"), "{text}");
    let world = quiet(
        r#""debug": true, "READONLY": true, "ReadOnly": false, "instancepollseconds": 9,
           "InstancePollSeconds": null, "PowerAuthUsers": null, "maxoutdatedkeystoshow": {"a": 1},"#,
    );
    assert_eq!(world.complaints(), "");
    let settings = world.settings();
    assert!(settings.logging.debug);
    assert!(!settings.authority.read_only);
    assert_eq!(settings.discovery.poll, seconds(9));
    assert!(settings.authority.power_users.is_empty());
}

#[test]
fn the_alias_object_is_merged_and_only_null_clears_it() {
    let alias = |second: &str, cluster: &str| {
        let world = World::of(r#"{"ClusterNameToAlias": {"^a": "one", "^b": "two"}}"#)
            .file("orchestrator.conf.json", &format!(r#"{{"ClusterNameToAlias": {second}}}"#));
        world.settings().attributes.cluster_aliases.alias_of(cluster).map(str::to_owned)
    };
    assert_eq!(alias(r#"{"^c": "three"}"#, "a1").as_deref(), Some("one"));
    assert_eq!(alias(r#"{"^a": "other"}"#, "a1").as_deref(), Some("other"));
    assert_eq!(alias(r#"{"^a": null}"#, "a1"), None);
    assert_eq!(alias("null", "b1"), None);
}

#[test]
fn wrong_types_are_told_with_file_line_key_and_expected_type() {
    for (members, wanted) in [
        (r#""ReadOnly": "true""#, "ReadOnly = \"true\": the type must be boolean, but it is a string"),
        (r#""DefaultInstancePort": 5.0"#, "DefaultInstancePort = 5.0: a whole number without"),
        (r#""DefaultInstancePort": 1e3"#, "DefaultInstancePort = 1e3: a whole number without"),
        (r#""InstancePollSeconds": -1"#, "InstancePollSeconds = -1: the number must not be negative"),
        (r#""DefaultInstancePort": 99999999999999999999"#, "the number is out of range"),
        (r#""MySQLTopologyMaxAllowedPacket": 3000000000"#, "the number is out of range"),
        (r#""DiscoverySeeds": "a""#, "the type must be array of strings, but it is a string"),
        (r#""DiscoverySeeds": ["a", 1]"#, "each element must be a string, but at line 1 is a number"),
        (r#""ClusterNameToAlias": []"#, "the type must be object string->string, but it is an array"),
        (r#""listenaddress": 1"#, "ListenAddress = 1: the type must be string, but it is a number"),
    ] {
        let text = quiet(members).complaints();
        assert!(
            text.starts_with("error Cannot read config file: /etc/orchestrator.conf.json line 1, column "),
            "{members}: {text}"
        );
        assert!(text.contains(wanted), "{members}: {text}");
    }
    assert_eq!(
        quiet(r#""DeadInstancePollSecondsMultiplyFactor": 15e-1"#).settings().discovery.dead_poll_factor,
        1.5
    );
}

#[test]
fn syntax_errors_name_line_and_column_and_do_not_hide_those_of_other_files() {
    let world = World::of("{\n  \"Debug\" true\n}")
        .file("conf/orchestrator.conf.json", "[]")
        .file("orchestrator.conf.json", r#"{"ReadOnly": 1}"#);
    let text = world.complaints();
    for wanted in [
        "error Cannot read config file: /etc/orchestrator.conf.json line 2, column 11: not valid JSON: unexpected 't'",
        "error Cannot read config file: conf/orchestrator.conf.json line 1, column 1: a JSON object was expected",
        "error Cannot read config file: orchestrator.conf.json line 1, column 2: ReadOnly = 1:",
    ] {
        assert!(text.contains(wanted), "{text}");
    }
    assert!(World::of("").complaints().contains("(EOF)"));
    assert!(World::of("null").load().is_ok());
}

#[test]
fn unknown_old_and_idle_keys_are_warned_about_once() {
    let world = quiet(
        r#""RecoverMasterClusterFilter": ["*"], "Colour": 1, "Colour": 2, "OAuthClientId": "x",
           "SlaveLagQuery": "select 1""#,
    )
    .file("orchestrator.conf.json", r#"{"Colour": 3} {"ReadOnly": 5}"#);
    assert_eq!(
        world
            .complaints()
            .lines()
            .map(|line| line.split(": ").skip(1).collect::<Vec<_>>().join(": "))
            .collect::<Vec<_>>(),
        [
            "RecoverMasterClusterFilter: unknown key, ignored; did you mean RecoverMasterClusterFilters?",
            "Colour: unknown key, ignored",
            "what follows the first value is ignored",
            "OAuthClientId: this key has no effect",
            "SlaveLagQuery: this is the old name of ReplicationLagQuery; use that",
        ]
    );
}
