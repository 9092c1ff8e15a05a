//! May one server replicate from another?
//!
//! Every rule is checked and every reason is reported, in a fixed order: the rules that users of the original know
//! come first and keep their texts, the added ones follow. The rules look at what was observed; whether the source
//! answers right now is not their business.

use std::fmt;

use model::{Flavor, GtidSet, GtidUse, Instance, InstanceKey, ReplicationPolicy};

/// Why a server must not be made a replica of another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Replica and source are the same server.
    Itself(InstanceKey),
    /// The source writes no binary log.
    NoBinaryLog(InstanceKey),
    /// The source is a replica that does not log what it applies.
    UpdatesNotLogged(InstanceKey),
    /// The replica is of an older series than the source.
    LowerVersion {
        /// The replica.
        replica: InstanceKey,
        /// Its version.
        replica_version: String,
        /// The source.
        source: InstanceKey,
        /// Its version.
        source_version: String,
    },
    /// The replica logs in a format in which events of the source cannot be logged.
    BinlogFormat {
        /// The replica.
        replica: InstanceKey,
        /// Its format.
        replica_format: String,
        /// The source.
        source: InstanceKey,
        /// Its format.
        source_format: String,
    },
    /// The source leaves transactions out, the replica does not.
    Filters(InstanceKey),
    /// Both have this `server_id`.
    SameServerId {
        /// The source.
        source: InstanceKey,
        /// The replica.
        replica: InstanceKey,
        /// The number.
        id: u32,
    },
    /// Both have this `server_uuid`.
    SameServerUuid {
        /// The source.
        source: InstanceKey,
        /// The replica.
        replica: InstanceKey,
        /// The UUID.
        uuid: String,
    },
    /// The source is delayed longer than the replica is to be. Seconds.
    Delay {
        /// The source.
        source: InstanceKey,
        /// Its configured delay.
        source_delay: u32,
        /// The replica.
        replica: InstanceKey,
        /// Its configured delay.
        replica_delay: u32,
    },
    /// One has only transactions with, the other only without GTID.
    GtidMode {
        /// The replica.
        replica: InstanceKey,
        /// Its `gtid_mode`.
        replica_mode: String,
        /// The source.
        source: InstanceKey,
        /// Its `gtid_mode`.
        source_mode: String,
    },
    /// MySQL and MariaDB do not understand each other.
    Flavor {
        /// The replica.
        replica: InstanceKey,
        /// Its flavor.
        replica_flavor: Flavor,
        /// The source.
        source: InstanceKey,
        /// Its flavor.
        source_flavor: Flavor,
    },
    /// The source replicates, directly or not, from the replica.
    Loop {
        /// The replica.
        replica: InstanceKey,
        /// The source.
        source: InstanceKey,
    },
    /// They do not share a kind of GTID that the replica uses.
    NotGtidCompatible {
        /// The replica.
        replica: InstanceKey,
        /// The source.
        source: InstanceKey,
    },
    /// The source no longer has the binary logs of transactions that the replica still needs.
    Purged {
        /// The replica.
        replica: InstanceKey,
        /// The source.
        source: InstanceKey,
        /// The transactions.
        missing: String,
    },
}

/// What should be known about a pair that may replicate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// The replica is of an older series, which the settings allow.
    LowerVersion(Reason),
    /// The replica is more than one release series newer; such a step is not supported by the vendor.
    SeriesDistance {
        /// Version of the source.
        source_version: String,
        /// Version of the replica.
        replica_version: String,
    },
    /// The source has a newer patch level than the replica.
    NewerPatch {
        /// Version of the source.
        source_version: String,
        /// Version of the replica.
        replica_version: String,
    },
}

/// Checks every rule for `replica` below `source`. Warnings when all hold, else every reason against it, in rule
/// order; the list of reasons is never empty.
///
/// # Errors
/// The reasons.
pub fn can_replicate_from(
    replica: &Instance,
    source: &Instance,
    policy: &ReplicationPolicy,
) -> Result<Vec<Warning>, Vec<Reason>> {
    let mut warnings = Vec::new();
    let mut reasons = Vec::new();
    for rule in RULES {
        reasons.extend(rule(replica, source, policy));
    }
    if let Some(reason) = lower_version(replica, source) {
        if policy.lower_replica_version_allowed {
            warnings.push(Warning::LowerVersion(reason));
        } else {
            let place = reasons.iter().filter(|reason| reason.precedes_version()).count();
            reasons.insert(place, reason);
        }
    }
    if !reasons.is_empty() {
        return Err(reasons);
    }
    warnings.extend(version_warning(replica, source));
    Ok(warnings)
}

/// Checks that `replica` finds its place below `source` by GTID: both share the kind it uses, and (MySQL) nothing
/// that it lacks was purged there. Empty when it does.
pub fn gtid_obstacles(replica: &Instance, source: &Instance) -> Vec<Reason> {
    let pair = (replica.key.clone(), source.key.clone());
    match replica.gtid_use() {
        GtidUse::Oracle if source.supports_oracle_gtid => purged_for(replica, source)
            .map(|missing| Reason::Purged { replica: pair.0, source: pair.1, missing: missing.to_string() }),
        GtidUse::MariaDb if source.is_mariadb() => None,
        GtidUse::Oracle | GtidUse::MariaDb | GtidUse::None => {
            Some(Reason::NotGtidCompatible { replica: pair.0, source: pair.1 })
        }
    }
    .into_iter()
    .collect()
}

/// Transactions purged on the source and not executed on the replica; `None` when there are none (MySQL GTID).
fn purged_for(replica: &Instance, source: &Instance) -> Option<GtidSet> {
    let (purged, _) = GtidSet::parse_lenient(&source.gtid_purged);
    let (executed, _) = GtidSet::parse_lenient(&replica.executed_gtid);
    let missing = purged.subtract(&executed);
    (!missing.is_empty()).then_some(missing)
}

type Rule = fn(&Instance, &Instance, &ReplicationPolicy) -> Option<Reason>;

/// In the order in which reasons are reported. The version rule is apart, because it may be only a warning.
const RULES: &[Rule] = &[
    |x, y, _| (x.key == y.key).then(|| Reason::Itself(x.key.clone())),
    |_, y, _| (!y.log_bin).then(|| Reason::NoBinaryLog(y.key.clone())),
    |_, y, _| (y.is_replica() && !y.log_replica_updates).then(|| Reason::UpdatesNotLogged(y.key.clone())),
    |x, y, _| {
        (x.logs_updates() && is_smaller_format(&x.binlog_format, &y.binlog_format)).then(|| {
            Reason::BinlogFormat {
                replica: x.key.clone(),
                replica_format: x.binlog_format.clone(),
                source: y.key.clone(),
                source_format: y.binlog_format.clone(),
            }
        })
    },
    |x, y, policy| {
        (policy.verify_filters && y.replication.has_filters && !x.replication.has_filters)
            .then(|| Reason::Filters(y.key.clone()))
    },
    |x, y, _| {
        (x.server_id == y.server_id && !x.is_binlog_server()).then(|| Reason::SameServerId {
            source: y.key.clone(),
            replica: x.key.clone(),
            id: x.server_id,
        })
    },
    |x, y, _| {
        (!x.server_uuid.is_empty() && x.server_uuid == y.server_uuid && !x.is_binlog_server()).then(|| {
            Reason::SameServerUuid {
                source: y.key.clone(),
                replica: x.key.clone(),
                uuid: x.server_uuid.clone(),
            }
        })
    },
    |x, y, policy| {
        let (of_x, of_y) = (x.replication.sql_delay, y.replication.sql_delay);
        (of_x < of_y && i64::from(of_y) > policy.reasonable_maintenance_lag_seconds).then(|| Reason::Delay {
            source: y.key.clone(),
            source_delay: of_y,
            replica: x.key.clone(),
            replica_delay: of_x,
        })
    },
    |x, y, _| {
        is_gtid_mode_conflict(&x.gtid_mode, &y.gtid_mode).then(|| Reason::GtidMode {
            replica: x.key.clone(),
            replica_mode: x.gtid_mode.clone(),
            source: y.key.clone(),
            source_mode: y.gtid_mode.clone(),
        })
    },
    |x, y, _| {
        is_flavor_conflict(x, y).then(|| Reason::Flavor {
            replica: x.key.clone(),
            replica_flavor: x.version.flavor,
            source: y.key.clone(),
            source_flavor: y.version.flavor,
        })
    },
    |x, y, _| {
        (x.key != y.key && (y.primary_key == x.key || y.is_descendant_of(x)))
            .then(|| Reason::Loop { replica: x.key.clone(), source: y.key.clone() })
    },
];

/// Rank of a binlog format; `None` for formats that are never smaller or larger (such as `INHERIT`).
pub(crate) fn format_rank(format: &str) -> Option<u8> {
    ["STATEMENT", "MIXED", "ROW"]
        .iter()
        .position(|name| name.eq_ignore_ascii_case(format))
        .and_then(|at| u8::try_from(at).ok())
}

fn is_smaller_format(a: &str, b: &str) -> bool {
    matches!((format_rank(a), format_rank(b)), (Some(a), Some(b)) if a < b)
}

fn lower_version(x: &Instance, y: &Instance) -> Option<Reason> {
    // Version numbers of binlog servers say nothing about the binary logs that they pass on.
    let is_lower =
        x.version.is_smaller_major_than(&y.version) && !x.is_binlog_server() && !y.is_binlog_server();
    is_lower.then(|| Reason::LowerVersion {
        replica: x.key.clone(),
        replica_version: x.version.text.clone(),
        source: y.key.clone(),
        source_version: y.version.text.clone(),
    })
}

fn is_gtid_mode_conflict(replica: &str, source: &str) -> bool {
    let is_without = |mode: &str| matches!(mode, "OFF" | "OFF_PERMISSIVE");
    (replica == "ON" && is_without(source)) || (is_without(replica) && source == "ON")
}

fn is_flavor_conflict(x: &Instance, y: &Instance) -> bool {
    match (x.version.flavor, y.version.flavor) {
        (Flavor::MariaDb, source) if source.is_mysql_like() => y.version.at_least(8, 0, 0),
        (replica, Flavor::MariaDb) => replica.is_mysql_like(),
        _ => false,
    }
}

fn version_warning(x: &Instance, y: &Instance) -> Option<Warning> {
    let versions = || (y.version.text.clone(), x.version.text.clone());
    if x.version.flavor.is_mysql_like() && y.version.flavor.is_mysql_like() && series(x) > series(y) + 1 {
        let (source_version, replica_version) = versions();
        return Some(Warning::SeriesDistance { source_version, replica_version });
    }
    let is_newer_patch = x.version.flavor == y.version.flavor
        && x.version.cmp_major(&y.version).is_eq()
        && y.version.numbers.2 > x.version.numbers.2;
    is_newer_patch.then(|| {
        let (source_version, replica_version) = versions();
        Warning::NewerPatch { source_version, replica_version }
    })
}

/// Release series of MySQL in order: up to 5.7, 8.0 (with 8.1 to 8.3), 8.4, 9.x.
fn series(instance: &Instance) -> u8 {
    match instance.version.numbers {
        (0..=7, _, _) => 0,
        (8, 0..=3, _) => 1,
        (8, _, _) => 2,
        _ => 3,
    }
}

impl Reason {
    /// Reported before the version rule.
    fn precedes_version(&self) -> bool {
        matches!(self, Self::Itself(_) | Self::NoBinaryLog(_) | Self::UpdatesNotLogged(_))
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Itself(key) => write!(f, "instance cannot replicate from itself: {key}"),
            Self::NoBinaryLog(key) => write!(f, "instance does not have binary logs enabled: {key}"),
            Self::UpdatesNotLogged(key) => {
                write!(f, "instance does not have log_slave_updates enabled: {key}")
            }
            // The blank at the end belongs to the text that users of the original know.
            Self::LowerVersion { replica, replica_version, source, source_version } => write!(
                f,
                "instance {replica} has version {replica_version}, which is lower than {source_version} on {source} "
            ),
            Self::BinlogFormat { replica, replica_format, source, source_format } => write!(
                f,
                "Cannot replicate from {source_format} binlog format on {source} to {replica_format} on {replica}"
            ),
            Self::Filters(key) => write!(f, "{key} has replication filters"),
            Self::SameServerId { source, replica, id } => {
                write!(f, "Identical server id: {source}, {replica} both have {id}")
            }
            Self::SameServerUuid { source, replica, uuid } => {
                write!(f, "Identical server UUID: {source}, {replica} both have {uuid}")
            }
            Self::Delay { source, source_delay, replica, replica_delay } => write!(
                f,
                "{source} has higher SQL_Delay ({source_delay} seconds) than {replica} does ({replica_delay} seconds)"
            ),
            Self::GtidMode { replica, replica_mode, source, source_mode } => write!(
                f,
                "gtid_mode {replica_mode} on {replica} cannot read the binary log of gtid_mode {source_mode} on {source}"
            ),
            Self::Flavor { replica, replica_flavor, source, source_flavor } => {
                write!(f, "{replica} ({replica_flavor}) cannot replicate from {source} ({source_flavor})")
            }
            Self::Loop { replica, source } => {
                write!(f, "{source} is a descendant of {replica}: replication would go in a circle")
            }
            Self::NotGtidCompatible { replica, source } => {
                write!(f, "Instances {replica}, {source} not GTID compatible or not using GTID")
            }
            Self::Purged { replica, source, missing } => {
                write!(f, "Instance {source} has purged GTID entries not found on {replica}: {missing}")
            }
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LowerVersion(reason) => {
                write!(f, "{}; LowerReplicaVersionAllowed is set", reason.to_string().trim_end())
            }
            Self::SeriesDistance { source_version, replica_version } => write!(
                f,
                "replicating from {source_version} to {replica_version} skips a release series, which is not supported"
            ),
            Self::NewerPatch { source_version, replica_version } => {
                write!(
                    f,
                    "the source has a newer patch level ({source_version}) than the replica ({replica_version})"
                )
            }
        }
    }
}

#[cfg(test)]
mod tests;
