//! What is not well with one server, and the list of servers that are not well.

use std::sync::Arc;
use std::time::Duration;

use model::{Fleet, Instance, InstanceKey, ThreadState, Timestamp};

/// One thing that is not well. The text is part of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Problem {
    /// The last check failed.
    LastCheckInvalid,
    /// No check for several polls.
    NotRecentlyChecked,
    /// It has replication threads, and not both run.
    NotReplicating,
    /// Its lag is off its configured delay by too much.
    ReplicationLag,
    /// It has transactions that its source lacks.
    ErrantGtid,
    /// It is a group member, and not online.
    GroupMemberNotOnline,
}

impl Problem {
    /// Spelling at the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LastCheckInvalid => "last_check_invalid",
            Self::NotRecentlyChecked => "not_recently_checked",
            Self::NotReplicating => "not_replicating",
            Self::ReplicationLag => "replication_lag",
            Self::ErrantGtid => "errant_gtid",
            Self::GroupMemberNotOnline => "group_replication_member_not_online",
        }
    }
}

/// Settings that problems depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProblemPolicy {
    /// `InstancePollSeconds`.
    pub poll: Duration,
    /// `ReasonableReplicationLagSeconds`.
    pub reasonable_lag_seconds: i64,
}

impl ProblemPolicy {
    /// Polls within which a check counts as recent.
    const RECENT_POLLS: u32 = 5;

    /// Checked within the last few polls.
    pub fn is_recently_checked(&self, instance: &Instance, now: Timestamp) -> bool {
        instance.is_checked_within(self.poll.saturating_mul(Self::RECENT_POLLS), now)
    }

    fn is_off_delay(&self, lag_seconds: Option<i64>, instance: &Instance) -> bool {
        let delay = i64::from(instance.replication.sql_delay);
        lag_seconds.is_some_and(|lag| lag.saturating_sub(delay).abs() > self.reasonable_lag_seconds)
    }
}

/// What is not well with a server. Of check, replication and lag only the first is named, because each hides the next.
pub fn problems_of(instance: &Instance, policy: &ProblemPolicy, now: Timestamp) -> Vec<Problem> {
    let threads = [instance.replication.io_thread, instance.replication.sql_thread];
    let has_threads = threads.iter().all(|state| *state != ThreadState::Absent);
    let first = if !instance.is_last_check_valid() {
        Some(Problem::LastCheckInvalid)
    } else if !policy.is_recently_checked(instance, now) {
        Some(Problem::NotRecentlyChecked)
    } else if has_threads && !instance.is_replicating() {
        Some(Problem::NotReplicating)
    } else if policy.is_off_delay(instance.lag_seconds, instance) {
        Some(Problem::ReplicationLag)
    } else {
        None
    };
    let errant = (!instance.gtid_errant.is_empty()).then_some(Problem::ErrantGtid);
    let group = is_offline_member(instance).then_some(Problem::GroupMemberNotOnline);
    [first, errant, group].into_iter().flatten().collect()
}

fn is_offline_member(instance: &Instance) -> bool {
    instance.is_group_member() && instance.group.member_state != "ONLINE"
}

/// Servers of a cluster (exact name), or of all, that are not well, by key. Downtimed servers and those that `ignores`
/// names (`ProblemIgnoreHostnameFilters`) are left out.
// Differs: a server that was never read is listed too; the reference forgets it although its check is invalid.
pub fn problem_instances(
    fleet: &Fleet,
    cluster_name: Option<&str>,
    policy: &ProblemPolicy,
    ignores: &dyn Fn(&InstanceKey) -> bool,
    now: Timestamp,
) -> Vec<Arc<Instance>> {
    fleet
        .iter()
        .filter(|instance| cluster_name.is_none_or(|name| name == instance.cluster_name))
        .filter(|instance| is_unwell(instance, policy, now))
        .filter(|instance| !fleet.is_downtimed(&instance.key, now) && !ignores(&instance.key))
        .cloned()
        .collect()
}

/// Looser than [`problems_of`]: one broken thread, or either measure of lag, is enough.
fn is_unwell(instance: &Instance, policy: &ProblemPolicy, now: Timestamp) -> bool {
    let replication = &instance.replication;
    let is_broken = |state| matches!(state, ThreadState::Stopped | ThreadState::Other);
    !instance.is_last_check_valid()
        || !policy.is_recently_checked(instance, now)
        || is_broken(replication.io_thread)
        || is_broken(replication.sql_thread)
        || policy.is_off_delay(replication.seconds_behind, instance)
        || policy.is_off_delay(instance.lag_seconds, instance)
        || !instance.gtid_errant.is_empty()
        || is_offline_member(instance)
}
