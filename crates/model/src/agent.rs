//! Agents on database hosts: how they are reached, what they tell, what they are told; and seeds, by which one host gets
//! a copy of another's data.

use std::fmt::{self, Write};

use crate::{Secret, Timestamp};

/// An agent as it registered itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agent {
    /// Host it runs on.
    pub hostname: String,
    /// Port it listens on.
    pub port: u16,
    /// What it wants to be shown with every request.
    pub token: Secret,
    /// When it last registered.
    pub submitted: Option<Timestamp>,
    /// When it was last polled, whether or not it answered.
    pub checked: Option<Timestamp>,
    /// Port of the MySQL server beside it, once it told.
    pub mysql_port: Option<u16>,
    /// Snapshots it had when it was last polled.
    pub snapshots: u32,
}

/// What an agent tells about its host. What could not be read is `None`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AgentFacts {
    /// Hosts with snapshots in its data centre.
    pub local_snapshots: Option<Vec<String>>,
    /// Hosts with snapshots anywhere.
    pub all_snapshots: Option<Vec<String>>,
    /// Logical volumes that hold snapshots of MySQL data.
    pub volumes: Option<Vec<LogicalVolume>>,
    /// Where a snapshot is, or would be, mounted.
    pub mount: Option<SnapshotMount>,
    /// The MySQL server runs.
    pub mysql_running: Option<bool>,
    /// Port of the MySQL server.
    pub mysql_port: Option<u16>,
    /// Bytes of MySQL data.
    pub mysql_disk_usage: Option<i64>,
    /// Bytes free where MySQL data is.
    pub datadir_free: Option<i64>,
    /// Last lines of the MySQL error log.
    pub error_log_tail: Option<Vec<String>>,
}

/// A logical volume.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LogicalVolume {
    /// Name.
    pub name: String,
    /// Its volume group.
    pub group: String,
    /// Path of its device.
    pub path: String,
    /// It is a snapshot of another one.
    pub is_snapshot: bool,
    /// How full the snapshot is, percent.
    pub snapshot_percent: f64,
}

/// The mount point of snapshots on a host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SnapshotMount {
    /// Path.
    pub path: String,
    /// Mounted device.
    pub device: String,
    /// Path of the mounted logical volume.
    pub volume_path: String,
    /// Kind of file system.
    pub file_system: String,
    /// Something is mounted.
    pub is_mounted: bool,
    /// Used bytes of the file system.
    pub disk_usage: i64,
    /// Path of the MySQL data in it.
    pub mysql_data_path: String,
    /// Bytes of the MySQL data in it.
    pub mysql_disk_usage: i64,
}

/// What an agent can be asked or told. Displayed as the command in its URL, with values escaped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AgentCommand {
    /// Hosts with snapshots in its data centre.
    ListLocalSnapshots,
    /// Hosts with snapshots anywhere.
    ListSnapshots,
    /// Snapshots on the host.
    ListVolumes,
    /// The mount point.
    ShowMount,
    /// Does the MySQL server run?
    ShowMysqlStatus,
    /// Its port.
    ShowMysqlPort,
    /// Size of its data.
    ShowMysqlDiskUsage,
    /// Room where its data is.
    ShowDatadirFree,
    /// End of its error log.
    ShowErrorLogTail,
    /// Unmount the snapshot.
    Unmount,
    /// Mount a volume.
    Mount {
        /// Path of the volume.
        volume: String,
    },
    /// Take a snapshot.
    CreateSnapshot,
    /// Remove a volume.
    RemoveVolume {
        /// Path of the volume.
        volume: String,
    },
    /// Stop MySQL.
    StopMysql,
    /// Start MySQL.
    StartMysql,
    /// A command from the agent's own configuration.
    Custom {
        /// Its name there.
        name: String,
    },
    /// Delete all MySQL data.
    EraseData,
    /// Begin to receive the data of a seed.
    Receive {
        /// The seed.
        seed: i64,
    },
    /// Begin to send the data of a seed.
    Send {
        /// Who receives.
        target: String,
        /// The seed.
        seed: i64,
    },
    /// Has the transfer ended?
    IsCompleted {
        /// The seed.
        seed: i64,
    },
    /// Did the transfer end well?
    HasSucceeded {
        /// The seed.
        seed: i64,
    },
    /// Break the transfer off.
    AbortSeed {
        /// The seed.
        seed: i64,
    },
    /// Make what was received usable.
    PostCopy {
        /// Where the data came from.
        source: String,
    },
}

impl fmt::Display for AgentCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ListLocalSnapshots => f.write_str("available-snapshots-local"),
            Self::ListSnapshots => f.write_str("available-snapshots"),
            Self::ListVolumes => f.write_str("lvs-snapshots"),
            Self::ShowMount => f.write_str("mount"),
            Self::ShowMysqlStatus => f.write_str("mysql-status"),
            Self::ShowMysqlPort => f.write_str("mysql-port"),
            Self::ShowMysqlDiskUsage => f.write_str("mysql-du"),
            Self::ShowDatadirFree => f.write_str("mysql-datadir-available-space"),
            Self::ShowErrorLogTail => f.write_str("mysql-error-log-tail"),
            Self::Unmount => f.write_str("umount"),
            Self::Mount { volume } => write!(f, "mountlv?lv={}", UrlEscaped(volume)),
            Self::CreateSnapshot => f.write_str("create-snapshot"),
            Self::RemoveVolume { volume } => write!(f, "removelv?lv={}", UrlEscaped(volume)),
            Self::StopMysql => f.write_str("mysql-stop"),
            Self::StartMysql => f.write_str("mysql-start"),
            Self::Custom { name } => write!(f, "custom-commands/{}", UrlEscaped(name)),
            Self::EraseData => f.write_str("delete-mysql-datadir"),
            Self::Receive { seed } => write!(f, "receive-mysql-seed-data/{seed}"),
            Self::Send { target, seed } => write!(f, "send-mysql-seed-data/{}/{seed}", UrlEscaped(target)),
            Self::IsCompleted { seed } => write!(f, "seed-command-completed/{seed}"),
            Self::HasSucceeded { seed } => write!(f, "seed-command-succeeded/{seed}"),
            Self::AbortSeed { seed } => write!(f, "abort-seed/{seed}"),
            Self::PostCopy { source } => write!(f, "post-copy/?sourceHost={}", UrlEscaped(source)),
        }
    }
}

/// A value in a URL: everything but unreserved characters as `%XX`, so that it can be nothing but this one value.
#[derive(Clone, Copy, Debug)]
pub struct UrlEscaped<'a>(pub &'a str);

impl fmt::Display for UrlEscaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.0.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                f.write_char(char::from(byte))?;
            } else {
                write!(f, "%{byte:02X}")?;
            }
        }
        Ok(())
    }
}

/// A copy of the data of one host onto another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seed {
    /// Number.
    pub id: i64,
    /// Host that gets the data.
    pub target: String,
    /// Host that has the data.
    pub source: String,
    /// Begin.
    pub start: Option<Timestamp>,
    /// End; `None` while it runs.
    pub end: Option<Timestamp>,
    /// It has ended, in whatever way.
    pub is_complete: bool,
    /// It ended well.
    pub is_successful: bool,
}

/// A step of a seed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeedState {
    /// Number of the step.
    pub id: i64,
    /// The seed.
    pub seed: i64,
    /// When the step began.
    pub at: Option<Timestamp>,
    /// What was done.
    pub action: String,
    /// Why it failed; empty unless it did.
    pub error: String,
}

/// A value that a host was given by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostAttribute {
    /// The host, `*` for general ones.
    pub hostname: String,
    /// Name.
    pub name: String,
    /// Value.
    pub value: String,
    /// When it was given.
    pub submitted: Option<Timestamp>,
    /// When it lapses; nothing of ours sets that.
    pub expires: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::AgentCommand;

    #[test]
    fn values_cannot_leave_their_place_in_the_url() {
        for (command, text) in [
            (
                AgentCommand::Mount { volume: "/dev/vg/a b&token=x".into() },
                "mountlv?lv=%2Fdev%2Fvg%2Fa%20b%26token%3Dx",
            ),
            (AgentCommand::Custom { name: "../umount?".into() }, "custom-commands/..%2Fumount%3F"),
            (AgentCommand::Send { target: "db1.lan".into(), seed: 7 }, "send-mysql-seed-data/db1.lan/7"),
            (AgentCommand::PostCopy { source: "é#".into() }, "post-copy/?sourceHost=%C3%A9%23"),
        ] {
            assert_eq!(command.to_string(), text);
        }
    }
}
