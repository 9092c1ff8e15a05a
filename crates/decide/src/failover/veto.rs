//! Why a replica is not promoted. All vetoes are found before anything moves, and all of them are reported.
//!
//! A *veto* excludes a server for good. A *doubt* only makes it worse than every server without one: with nobody else
//! left, a replica that logs nothing is still better than no primary.

use std::collections::BTreeMap;
use std::fmt;

use model::{FailoverPolicy, Instance, InstanceKey, PromotionRule, ThreadState};

use super::case::FailoverCase;
use super::received::Holdings;
use crate::replication_rules::format_rank;

/// A reason against promoting a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Veto {
    /// It could not be read.
    Unreachable,
    /// It no longer replicates from the failed server.
    Elsewhere {
        /// What it replicates from; the empty key when from nothing.
        source: InstanceKey,
    },
    /// Only this server may be promoted.
    NotWanted {
        /// The explicit candidate, or the other co-primary.
        wanted: InstanceKey,
    },
    /// It was tried before in this recovery.
    GivenUp(String),
    /// Its rule is `must_not`.
    MustNot,
    /// The settings exclude it.
    Ignored,
    /// It only relays binary logs.
    BinlogServer,
    /// Its replication group elects its own primary.
    GroupSecondary,
    /// It is in another data center.
    CrossDataCenter {
        /// The server.
        key: InstanceKey,
        /// Its data center.
        of_candidate: String,
        /// The failed server's.
        of_failed: String,
    },
    /// It is in another region.
    CrossRegion {
        /// The server.
        key: InstanceKey,
        /// Its region.
        of_candidate: String,
        /// The failed server's.
        of_failed: String,
    },
    /// It lags too much.
    Lag {
        /// The server.
        key: InstanceKey,
        /// The limit, minutes.
        limit_minutes: u64,
        /// Its lag, seconds.
        seconds: i64,
    },
    /// Its lag is limited and not known, and it has not applied everything.
    LagUnknown,
    /// It has not applied everything, and the settings forbid to wait.
    ApplierBehind(InstanceKey),
    /// Its applier stopped with an error before everything was applied, so that it never will be.
    ApplierBroken {
        /// Error number.
        number: u32,
        /// Error text of the server.
        text: String,
    },
    /// Doubt: it writes no binary log.
    NoBinaryLog,
    /// Doubt: it does not log what it applies.
    UpdatesNotLogged,
    /// Doubt: its series is newer than that of most replicas.
    NewerVersion {
        /// Its version.
        own: String,
        /// Series of most replicas.
        most: String,
    },
    /// Doubt: its binary log format is one that most replicas cannot log.
    LargerFormat {
        /// Its format.
        own: String,
        /// Format of most replicas.
        most: String,
    },
}

/// What most replicas have; ties go to the older series and the smaller format.
#[derive(Clone, Debug, Default)]
pub(crate) struct Majority {
    version: Option<(u32, u32)>,
    format: Option<u8>,
}

impl Majority {
    pub(crate) fn of<'a>(replicas: impl Iterator<Item = &'a Instance> + Clone) -> Self {
        Self {
            version: most_common(replicas.clone().map(|r| (r.version.numbers.0, r.version.numbers.1))),
            format: most_common(replicas.filter_map(|r| format_rank(&r.binlog_format))),
        }
    }
}

fn most_common<T: Ord + Copy>(values: impl Iterator<Item = T>) -> Option<T> {
    let mut counts = BTreeMap::<T, usize>::new();
    for value in values {
        *counts.entry(value).or_default() += 1;
    }
    // The last of equal maxima wins, so the smallest value has to come last.
    counts.into_iter().rev().max_by_key(|(_, count)| *count).map(|(value, _)| value)
}

/// Vetoes against a replica, in the order of the rules. An explicitly wanted server may be promoted against its
/// promotion rule and the ignore filters, because an operator asked for it.
pub(crate) fn vetoes(case: &FailoverCase, replica: &Instance, held: &Holdings) -> Vec<Veto> {
    if !replica.is_last_check_valid() {
        return vec![Veto::Unreachable];
    }
    let mut found = Vec::new();
    if !replica.primary_key.names_same_server_as(&case.failed) {
        found.push(Veto::Elsewhere { source: replica.primary_key.clone() });
    }
    let only = case.only_candidate();
    if let Some(wanted) = only.filter(|wanted| **wanted != replica.key) {
        found.push(Veto::NotWanted { wanted: wanted.clone() });
    }
    if let Some(reason) = case.given_up.get(&replica.key) {
        found.push(Veto::GivenUp(reason.clone()));
    }
    if only.is_none() && case.rule(&replica.key) == PromotionRule::MustNot {
        found.push(Veto::MustNot);
    }
    if only.is_none() && case.ignored.contains(&replica.key) {
        found.push(Veto::Ignored);
    }
    if replica.is_binlog_server() {
        found.push(Veto::BinlogServer);
    }
    if replica.is_group_member() && replica.group.member_role != "PRIMARY" {
        found.push(Veto::GroupSecondary);
    }
    found.extend(geographic(case, replica));
    found.extend(applier(&case.policy, replica, held));
    found
}

/// Geographic vetoes. Places that are not known are compared as empty names, as users of the original expect.
pub(crate) fn geographic(case: &FailoverCase, replica: &Instance) -> Vec<Veto> {
    let (data_center, region) =
        case.old_primary.as_ref().map_or(("", ""), |old| (old.data_center.as_str(), old.region.as_str()));
    let mut found = Vec::new();
    if case.policy.prevent_cross_data_center && replica.data_center != data_center {
        found.push(Veto::CrossDataCenter {
            key: replica.key.clone(),
            of_candidate: replica.data_center.clone(),
            of_failed: data_center.to_owned(),
        });
    }
    if case.policy.prevent_cross_region && replica.region != region {
        found.push(Veto::CrossRegion {
            key: replica.key.clone(),
            of_candidate: replica.region.clone(),
            of_failed: region.to_owned(),
        });
    }
    found
}

fn applier(policy: &FailoverPolicy, replica: &Instance, held: &Holdings) -> Vec<Veto> {
    let mut found = Vec::new();
    let limit = policy.fail_on_lag;
    if !limit.is_zero() {
        match replica.lag_seconds {
            Some(seconds) if u64::try_from(seconds).unwrap_or(0) >= limit.as_secs() => found
                .push(Veto::Lag { key: replica.key.clone(), limit_minutes: limit.as_secs() / 60, seconds }),
            // Differs: an unknown lag does not count as none.
            None if held.is_pending() => found.push(Veto::LagUnknown),
            Some(_) | None => {}
        }
    }
    if held.is_pending() && policy.fail_if_applier_behind {
        found.push(Veto::ApplierBehind(replica.key.clone()));
    }
    if held.is_pending() && is_applier_broken(replica) {
        found.push(Veto::ApplierBroken {
            number: replica.replication.last_sql_errno,
            text: replica.replication.last_sql_error.clone(),
        });
    }
    found
}

/// Its applier is stopped and says why.
pub(crate) fn is_applier_broken(replica: &Instance) -> bool {
    replica.replication.sql_thread == ThreadState::Stopped && replica.replication.last_sql_errno != 0
}

/// Doubts about a replica, in the order of the rules.
pub(crate) fn doubts(replica: &Instance, majority: &Majority) -> Vec<Veto> {
    let mut found = Vec::new();
    if !replica.log_bin {
        found.push(Veto::NoBinaryLog);
    } else if !replica.log_replica_updates {
        found.push(Veto::UpdatesNotLogged);
    }
    let series = (replica.version.numbers.0, replica.version.numbers.1);
    if let Some(most) = majority.version.filter(|most| series > *most) {
        found.push(Veto::NewerVersion {
            own: replica.version.text.clone(),
            most: format!("{}.{}", most.0, most.1),
        });
    }
    let format = format_rank(&replica.binlog_format);
    if let (Some(own), Some(most)) = (format, majority.format)
        && own > most
    {
        let name = if most == 0 { "STATEMENT" } else { "MIXED" };
        found.push(Veto::LargerFormat { own: replica.binlog_format.clone(), most: name.to_owned() });
    }
    found
}

impl fmt::Display for Veto {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable => f.write_str("it could not be read"),
            Self::Elsewhere { source } if source.is_none() => f.write_str("it replicates from no server"),
            Self::Elsewhere { source } => write!(f, "it replicates from {source}"),
            Self::NotWanted { wanted } => write!(f, "only {wanted} may be promoted"),
            Self::GivenUp(reason) => write!(f, "given up earlier in this recovery: {reason}"),
            Self::MustNot => f.write_str("its promotion rule is must_not"),
            Self::Ignored => f.write_str("PromotionIgnoreHostnameFilters excludes it"),
            Self::BinlogServer => f.write_str("it is a binlog server"),
            Self::GroupSecondary => f.write_str("it is a secondary of a replication group"),
            Self::CrossDataCenter { key, of_candidate, of_failed } => write!(
                f,
                "RecoverDeadMaster: failed {key} promotion; PreventCrossDataCenterMasterFailover: \
                 will not promote server in {of_candidate} when failed server in {of_failed}"
            ),
            Self::CrossRegion { key, of_candidate, of_failed } => write!(
                f,
                "RecoverDeadMaster: failed {key} promotion; PreventCrossRegionMasterFailover: \
                 will not promote server in {of_candidate} when failed server in {of_failed}"
            ),
            Self::Lag { key, limit_minutes, seconds } => write!(
                f,
                "RecoverDeadMaster: failed promotion. FailMasterPromotionOnLagMinutes is set to {limit_minutes} \
                 (minutes) and promoted replica {key} 's lag is {seconds} (seconds)"
            ),
            Self::LagUnknown => f.write_str(
                "FailMasterPromotionOnLagMinutes is set, its lag is not known, and relay logs are still unapplied",
            ),
            Self::ApplierBehind(key) => write!(
                f,
                "RecoverDeadMaster: failed promotion. FailMasterPromotionIfSQLThreadNotUpToDate is set and promoted \
                 replica {key} 's sql thread is not up to date (relay logs still unapplied). Aborting promotion"
            ),
            Self::ApplierBroken { number, text } => {
                write!(f, "its applier stopped with error {number} while relay logs are still unapplied: {text}")
            }
            Self::NoBinaryLog => f.write_str("it writes no binary log"),
            Self::UpdatesNotLogged => f.write_str("it does not log what it applies"),
            Self::NewerVersion { own, most } => write!(f, "its version {own} is newer than {most}, which most replicas have"),
            Self::LargerFormat { own, most } => {
                write!(f, "its binary log format {own} cannot be logged by most replicas, which have {most}")
            }
        }
    }
}
