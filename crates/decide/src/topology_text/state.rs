//! The state of one server in six tokens: lag, status, version, writable or not, binary log, and extras.

use model::{Fleet, Instance, Timestamp};

use super::TopologyTextPolicy;

/// Polls within which a check counts as recent.
const RECENT_POLLS: u32 = 5;

/// The six tokens, in the order shown. Only the last, and what a server did not report, may be empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateTokens(pub [String; 6]);

/// Checked within the last few polls.
pub(super) fn is_recent(instance: &Instance, policy: &TopologyTextPolicy, now: Timestamp) -> bool {
    instance.is_checked_within(policy.poll.saturating_mul(RECENT_POLLS), now)
}

/// The tokens of one server.
pub fn state_tokens(
    fleet: &Fleet,
    instance: &Instance,
    policy: &TopologyTextPolicy,
    now: Timestamp,
) -> StateTokens {
    let binlog = if instance.log_bin { instance.binlog_format.as_str() } else { "nobinlog" };
    StateTokens([
        lag(instance, policy, now),
        status(instance, policy, now).to_owned(),
        instance.version.text.clone(),
        if instance.read_only { "ro" } else { "rw" }.to_owned(),
        binlog.to_owned(),
        extras(fleet, instance, now),
    ])
}

/// `[a,b,...]` of the tokens that are not empty.
pub fn state_text(tokens: &StateTokens) -> String {
    let shown: Vec<&str> = tokens.0.iter().map(String::as_str).filter(|token| !token.is_empty()).collect();
    format!("[{}]", shown.join(","))
}

fn is_broken_replica(instance: &Instance) -> bool {
    instance.is_replica() && !instance.is_replicating()
}

fn lag(instance: &Instance, policy: &TopologyTextPolicy, now: Timestamp) -> String {
    let is_behind_unknown = instance.is_replica() && instance.replication.seconds_behind.is_none();
    if instance.is_detached() {
        "detached".to_owned()
    } else if !instance.is_last_check_valid() || !is_recent(instance, policy, now) {
        "unknown".to_owned()
    } else if is_broken_replica(instance) || is_behind_unknown {
        "null".to_owned()
    } else {
        format!("{}s", instance.lag_seconds.unwrap_or(0))
    }
}

fn status(instance: &Instance, policy: &TopologyTextPolicy, now: Timestamp) -> &'static str {
    if !instance.is_last_check_valid() {
        "invalid"
    } else if !is_recent(instance, policy, now) {
        "unchecked"
    } else if is_broken_replica(instance) {
        "nonreplicating"
    } else if instance.is_replica()
        && !instance.has_maintenance_lag(policy.reasonable_maintenance_lag_seconds)
    {
        "lag"
    } else {
        "ok"
    }
}

fn extras(fleet: &Fleet, instance: &Instance, now: Timestamp) -> String {
    let gtid = match (instance.uses_gtid() || instance.supports_oracle_gtid, instance.gtid_errant.is_empty())
    {
        (false, _) => None,
        (true, true) => Some("GTID"),
        (true, false) => Some("GTID:errant"),
    };
    let marks = [
        instance.logs_updates().then_some(">>"),
        gtid,
        instance.pseudo_gtid.then_some("P-GTID"),
        instance.semi_sync.primary_enabled.then_some("semi:master"),
        instance.semi_sync.replica_enabled.then_some("semi:replica"),
        fleet.is_downtimed(&instance.key, now).then_some("downtimed"),
    ];
    marks.into_iter().flatten().collect::<Vec<_>>().join(",")
}
