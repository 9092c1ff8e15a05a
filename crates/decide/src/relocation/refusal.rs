//! Why a replica is not moved. The texts are those users of the original know.

use std::fmt;

use model::InstanceKey;

use crate::replication_rules::Reason;

/// A reason against a relocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// A server is not known.
    Unknown(InstanceKey),
    /// A secondary of a replication group follows its group.
    GroupSecondary {
        /// The operation as messages name it.
        operation: &'static str,
        /// The server.
        key: InstanceKey,
    },
    /// A group's primary does not follow a member of its own group.
    GroupPrimary,
    /// It replicates from nobody.
    NotReplica(InstanceKey),
    /// The other server is below the one to move.
    Descendant {
        /// The operation as messages name it.
        operation: &'static str,
        /// The server that was to become the source.
        source: InstanceKey,
        /// The server that was to be moved.
        replica: InstanceKey,
    },
    /// A replication rule forbids it.
    CannotReplicate {
        /// The server to move.
        replica: InstanceKey,
        /// The wanted source.
        source: InstanceKey,
        /// Every reason.
        reasons: Vec<Reason>,
    },
    /// Its last read failed.
    CheckInvalid(InstanceKey),
    /// Its last read is old.
    NotRecentlyChecked(InstanceKey),
    /// A replication thread does not run.
    NotReplicating(InstanceKey),
    /// Its lag is not known.
    UnknownLag(InstanceKey),
    /// It lags more than maintenance allows.
    LagsTooMuch(InstanceKey),
    /// The source of a replica replicates from nobody, so there is nothing above it.
    SourceNotReplica(InstanceKey),
    /// Two servers do not have the same source.
    NotSiblings(InstanceKey, InstanceKey),
    /// It is the source of its source already.
    AlreadyCoPrimary {
        /// The server.
        key: InstanceKey,
        /// Its source.
        source: InstanceKey,
    },
    /// It accepts writes, and its source would replicate from it.
    Writable(InstanceKey),
    /// Its source has another living and writable co-primary.
    OtherCoPrimary {
        /// The source.
        source: InstanceKey,
        /// The other one.
        other: InstanceKey,
    },
    /// Its source is no primary.
    NoPrimary {
        /// The source.
        source: InstanceKey,
        /// What that replicates from.
        above: InstanceKey,
    },
    /// Its source is a co-primary.
    SourceIsCoPrimary(InstanceKey),
    /// It does not find its place by GTID below the other.
    Gtid(Reason),
    /// There is no way that is safe in one go.
    TooComplex {
        /// The server to move.
        replica: InstanceKey,
        /// The wanted source.
        source: InstanceKey,
    },
    /// There is no way for several replicas, with the reason of each.
    AllTooComplex {
        /// Number of replicas.
        count: usize,
        /// Their source.
        instance: InstanceKey,
        /// The wanted source.
        source: InstanceKey,
        /// Each reason.
        errors: Vec<String>,
    },
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(key) => write!(f, "Error reading {key}"),
            Self::GroupSecondary { operation, key } => write!(
                f,
                "{operation}: {key} is a secondary replication group member, hence, it cannot be relocated"
            ),
            Self::GroupPrimary => f.write_str(
                "relocate: Setting a group primary to replicate from another member of its group is disallowed",
            ),
            Self::NotReplica(key) => write!(f, "instance is not a replica: {key}"),
            Self::Descendant { operation, source, replica } => {
                write!(f, "{operation}: {source} is a descendant of {replica}")
            }
            Self::CannotReplicate { replica, source, reasons } => {
                let texts: Vec<String> = reasons.iter().map(|reason| reason.to_string().trim_end().to_owned()).collect();
                write!(f, "{replica} cannot replicate from {source}. Reason: {}", texts.join("; "))
            }
            Self::CheckInvalid(key) => write!(f, "{key}: last check invalid"),
            Self::NotRecentlyChecked(key) => write!(f, "{key}: not recently checked"),
            Self::NotReplicating(key) => write!(f, "{key}: instance is not replicating"),
            Self::UnknownLag(key) => write!(f, "{key}: cannot determine replication lag"),
            Self::LagsTooMuch(key) => write!(f, "{key}: lags too much"),
            Self::SourceNotReplica(key) => write!(f, "master is not a replica itself: {key}"),
            Self::NotSiblings(one, other) => write!(f, "instances are not siblings: {one}, {other}"),
            Self::AlreadyCoPrimary { key, source } => {
                write!(f, "instance {key} is already co master of {source}")
            }
            Self::Writable(key) => write!(
                f,
                "instance {key} is not read-only; first make it read-only before making it co-master"
            ),
            Self::OtherCoPrimary { source, other } => write!(
                f,
                "master {source} is already co-master with {other}, and {other} is alive, and not read-only; \
                 cowardly refusing to demote it. Please set it as read-only beforehand"
            ),
            Self::NoPrimary { source, above } => {
                write!(f, "{source} is not a real master; it replicates from: {above}")
            }
            Self::SourceIsCoPrimary(key) => write!(f, "{key} is co-master. Cannot take it."),
            Self::Gtid(reason) => write!(f, "{reason}"),
            Self::TooComplex { replica, source } => {
                write!(f, "Relocating {replica} below {source} turns to be too complex; please do it manually")
            }
            Self::AllTooComplex { count, instance, source, errors } => {
                write!(
                    f,
                    "Relocating {count} replicas of {instance} below {source} turns to be too complex; \
                     please do it manually. "
                )?;
                if errors.is_empty() { Ok(()) } else { write!(f, "Additional Errors: Error(s): ; {}", errors.join("; ")) }
            }
        }
    }
}

impl std::error::Error for Refusal {}
