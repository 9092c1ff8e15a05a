//! Reloading: what is told about changes, and that errors leave everything as it was.

use crate::common::{World, quiet};
use settings::Secrets;

#[test]
fn changed_keys_are_told_with_values_and_those_that_need_a_restart_are_named() {
    let old = quiet(r#""ReadOnly": true, "ListenAddress": ":1", "HTTPAuthPassword": "a""#).settings();
    let world = quiet(r#""ListenAddress": ":2", "HTTPAuthPassword": "b", "InstancePollSeconds": 7"#);
    let reloaded = world.reload(&old).unwrap();
    let changes: Vec<_> = reloaded
        .changed_keys
        .iter()
        .map(|change| format!("{} {} -> {}", change.key, change.old, change.new))
        .collect();
    assert_eq!(
        changes,
        [
            "ListenAddress \":1\" -> \":2\"",
            "InstancePollSeconds 5 -> 7",
            "ReadOnly true -> false",
            "HTTPAuthPassword \"********\" -> \"********\"",
        ]
    );
    assert_eq!(reloaded.needs_restart_keys, ["ListenAddress", "HTTPAuthPassword"]);
    assert_eq!(reloaded.settings.listener.address, ":2");
    assert!(world.reload(&reloaded.settings).unwrap().changed_keys.is_empty());
}

#[test]
fn nothing_depends_on_earlier_loads() {
    let old = quiet(
        r#""PostponeSlaveRecoveryOnLagMinutes": 2, "AutoPseudoGTID": true, "ReasonableReplicationLagSeconds": 30,
           "RaftBind": "10.0.0.9", "DetachLostReplicasAfterMasterFailover": true, "ClusterNameToAlias": {"a": "b"}"#,
    )
    .settings();
    let world =
        quiet(r#""PostponeSlaveRecoveryOnLagMinutes": 3, "ReasonableMaintenanceReplicationLagSeconds": 40"#);
    let reloaded = world.reload(&old).unwrap().settings;
    assert_eq!(reloaded.to_json(Secrets::Shown), world.settings().to_json(Secrets::Shown));
    assert_eq!(reloaded.pseudo_gtid.pattern, "");
}

#[test]
fn a_broken_file_is_reported_and_the_old_settings_stay() {
    let old = quiet(r#""InstancePollSeconds": 7"#).settings();
    let before = old.to_json(Secrets::Shown);
    for text in ["{", r#"{"DefaultInstancePort": 0}"#, r#"{"ReadOnly": 1}"#] {
        assert!(World::of(text).reload(&old).is_err(), "{text}");
    }
    assert_eq!(old.to_json(Secrets::Shown), before);
}
