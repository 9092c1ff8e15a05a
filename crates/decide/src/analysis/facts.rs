//! From a server and its direct replicas to [`Facts`]: the only place where analysis looks at instances.
//!
//! Replicas are found by what they report themselves. A replica under maintenance counts like any other.

use std::collections::BTreeSet;
use std::time::Duration;

use model::{AnalysisPolicy, Facts, FailedWrite, Fleet, Instance, InstanceKey, Timestamp, is_turned_away};

/// Counts and flags of one server, as the rules need them.
pub fn facts(fleet: &Fleet, instance: &Instance, policy: &AnalysisPolicy, now: Timestamp) -> Facts {
    let mut facts = Facts {
        is_primary: is_primary(instance),
        is_group_member: instance.is_group_member() && instance.group.member_state != "OFFLINE",
        is_co_primary: instance.is_co_primary,
        check_valid: is_reachable(instance, policy, now),
        check_partial: instance.last_check_partial_success,
        check_stale: is_stale(instance, policy, now),
        failing_to_connect: fails_to_connect(instance),
        writes_fail: fleet.failed_writes.get(&instance.key).is_some_and(FailedWrite::is_proven),
        stale_coordinates: stands_still(fleet, instance, policy, now),
        read_only: instance.read_only,
        is_binlog_server: instance.is_recorded_binlog_server(),
        depth: instance.depth,
        semi_sync_enabled: instance.semi_sync.primary_enabled,
        semi_sync_active: instance.semi_sync.primary_active,
        // Differs: the reference takes the missing variable of MariaDB for "waits for nobody".
        semi_sync_wait_count: instance.awaited_acknowledgements(),
        semi_sync_clients: instance.semi_sync.primary_clients,
        semi_sync_wait_sessions: instance.semi_sync.wait_sessions,
        gtid_mode: instance.gtid_mode.clone(),
        pseudo_gtid: instance.pseudo_gtid,
        ..Facts::default()
    };
    let mut tally = Tally::default();
    for replica in replicas(fleet, &instance.key) {
        count_replica(&mut facts, &mut tally, fleet, replica, policy, now);
    }
    facts.logging_major_versions = u32::try_from(tally.major_versions.len()).unwrap_or(u32::MAX);
    facts.min_replica_gtid_mode = tally.min_gtid_mode.unwrap_or_default().to_owned();
    facts.max_replica_gtid_mode = tally.max_gtid_mode.to_owned();
    facts.max_replica_errant = tally.max_errant.to_owned();
    facts
}

/// Direct replicas of a server: those that name it, or what its name resolves to, as their source. Sorted by key.
pub fn replicas<'a>(fleet: &'a Fleet, key: &InstanceKey) -> impl Iterator<Item = &'a Instance> {
    let resolved = fleet.resolve(key.hostname());
    let iter = if resolved == key.hostname() {
        fleet.replicas_of(key)
    } else {
        fleet.replicas_of(&InstanceKey::new(resolved, key.port()))
    };
    iter.map(|replica| &**replica)
}

/// Has no source it could replicate from, and is not a secondary of a group.
pub fn is_primary(instance: &Instance) -> bool {
    let source = &instance.primary_key;
    let has_no_source = source.hostname().is_empty()
        || source.hostname() == "_"
        || source.port() == 0
        || source.is_detached();
    has_no_source && (!instance.is_group_member() || instance.group.member_role == "PRIMARY")
}

/// The last check succeeded, recently enough, and no attempt since then hangs.
pub fn is_reachable(instance: &Instance, policy: &AnalysisPolicy, now: Timestamp) -> bool {
    instance.is_last_check_valid()
        && !is_hung(instance, policy)
        && !is_too_old(instance.last_checked, policy, now)
}

/// A replica's facts can be used: its last check succeeded, recently enough. Unlike for the analysed server itself a
/// hanging read does not count against a replica until it fails.
pub fn is_readable(replica: &Instance, policy: &AnalysisPolicy, now: Timestamp) -> bool {
    replica.is_last_check_valid() && !is_too_old(replica.last_checked, policy, now)
}

/// A read has begun too long after the last success: by then that read should have been the next success.
fn is_hung(instance: &Instance, policy: &AnalysisPolicy) -> bool {
    match (instance.last_attempted_check, instance.last_seen) {
        (Some(attempted), Some(seen)) => attempted > seen + (policy.poll + policy.reasonable_check),
        // Rows that people wrote need not say when the last read began. Without a success the check is not valid anyhow.
        (None, _) | (_, None) => false,
    }
}

// Differs: the reference believes a success of whatever age. What nobody looked at for several polls is unknown here:
// a replica is not readable then, but neither is a server called unreachable because this program slept.
pub(super) fn is_stale(instance: &Instance, policy: &AnalysisPolicy, now: Timestamp) -> bool {
    let last_sign = instance.last_checked.max(instance.last_attempted_check);
    last_sign.is_some() && is_too_old(last_sign, policy, now)
}

fn is_too_old(checked: Option<Timestamp>, policy: &AnalysisPolicy, now: Timestamp) -> bool {
    let age: Option<Duration> = checked.map(|at| now.saturating_since(at));
    policy.max_age.is_some_and(|limit| age.is_some_and(|age| age > limit))
}

/// The receiver is configured and wanted, but cannot reach the source.
pub fn fails_to_connect(instance: &Instance) -> bool {
    let replication = &instance.replication;
    !instance.receiver_runs()
        && instance.applier_runs()
        && match replication.last_io_errno {
            0 => says_connecting(&replication.last_io_error),
            number => is_connection_error(number),
        }
}

/// Errors with which opening a connection ends: those of the client library, those of a server that turns connections
/// away, and those of one that shuts down or of a connection that breaks on the way.
// Differs: the reference searches the message, which changes between versions. It still decides where no number is
// known, as in rows that the reference stored.
fn is_connection_error(number: u32) -> bool {
    is_turned_away(number) || matches!(number, 2000..=2999 | 1042 | 1043 | 1053 | 1158..=1161)
}

/// The text holds `error `, then anything, then `connecting to master` or `connecting to source`, in any letter case.
fn says_connecting(message: &str) -> bool {
    if message.is_empty() {
        return false;
    }
    let lower = message.to_ascii_lowercase();
    let Some((_, rest)) = lower.split_once("error ") else { return false };
    rest.contains("connecting to master") || rest.contains("connecting to source")
}

/// The binary log still stands where it was noticed, or sessions wait ever since, longer ago than a lock is given time
/// for.
// Differs: the reference takes a moving binary log for the end of a lock. It moves, though nothing is ever acknowledged,
// as long as clients give up and try again.
fn stands_still(fleet: &Fleet, instance: &Instance, policy: &AnalysisPolicy, now: Timestamp) -> bool {
    fleet.stale_coordinates.get(&instance.key).is_some_and(|noted| {
        let is_stuck = noted.coordinates.same_place(&instance.self_coordinates)
            || instance.semi_sync.wait_sessions.is_some_and(|waiting| waiting > 0);
        is_stuck && noted.first_seen < now - policy.reasonable_locked_semi_sync
    })
}

/// Values that are compared among replicas before they become facts.
#[derive(Default)]
struct Tally<'a> {
    major_versions: BTreeSet<&'a str>,
    min_gtid_mode: Option<&'a str>,
    max_gtid_mode: &'a str,
    max_errant: &'a str,
}

fn count_replica<'a>(
    facts: &mut Facts,
    tally: &mut Tally<'a>,
    fleet: &Fleet,
    replica: &'a Instance,
    policy: &AnalysisPolicy,
    now: Timestamp,
) {
    let is_downtimed = fleet.is_downtimed(&replica.key, now);
    facts.replicas += 1;
    facts.is_co_primary |= replica.is_co_primary;
    facts.downtimed_replicas += u32::from(is_downtimed);
    facts.delayed_replicas += u32::from(replica.replication.sql_delay > 0);
    facts.lagging_replicas +=
        u32::from(replica.lag_seconds.is_some_and(|lag| lag > policy.reasonable_lag_seconds));
    facts.semi_sync_replicas += u32::from(replica.semi_sync.replica_enabled);
    if is_readable(replica, policy, now) {
        count_readable(facts, replica);
    } else if replica.is_last_check_valid() && is_stale(replica, policy, now) {
        // Nobody looked, so nothing speaks against what it was last seen to do. To count it as silent would turn our
        // own slowness into a death; the emergency read that follows settles it.
        facts.receiving += u32::from(replica.is_receiving());
    }
    if replica.logs_updates() {
        facts.logging_replicas += 1;
        facts.logging_statement += u32::from(replica.binlog_format == "STATEMENT");
        facts.logging_mixed += u32::from(replica.binlog_format == "MIXED");
        facts.logging_row += u32::from(replica.binlog_format == "ROW");
        tally.major_versions.insert(replica.major_version());
    }
    let mode = replica.gtid_mode.as_str();
    tally.min_gtid_mode = Some(tally.min_gtid_mode.map_or(mode, |least| least.min(mode)));
    tally.max_gtid_mode = tally.max_gtid_mode.max(mode);
    if !is_downtimed {
        tally.max_errant = tally.max_errant.max(&replica.gtid_errant);
    }
}

fn count_readable(facts: &mut Facts, replica: &Instance) {
    facts.valid_replicas += 1;
    facts.replicating += u32::from(replica.receiver_runs() && replica.applier_runs());
    facts.receiving += u32::from(replica.is_receiving());
    facts.replicas_failing_to_connect += u32::from(fails_to_connect(replica));
    facts.replicas_connecting += u32::from(replica.is_connecting());
    facts.valid_oracle_gtid += u32::from(replica.replication.oracle_gtid);
    facts.valid_mariadb_gtid += u32::from(replica.replication.mariadb_gtid);
    facts.valid_binlog_servers += u32::from(replica.is_recorded_binlog_server());
}
