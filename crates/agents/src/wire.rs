//! How agents spell what they tell. What a field lacks, or holds as `null`, is empty.

use model::{LogicalVolume, SnapshotMount};
use serde::{Deserialize, Deserializer};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct WireVolume {
    #[serde(default, deserialize_with = "or_default")]
    name: String,
    #[serde(default, deserialize_with = "or_default")]
    group_name: String,
    #[serde(default, deserialize_with = "or_default")]
    path: String,
    #[serde(default, deserialize_with = "or_default")]
    is_snapshot: bool,
    #[serde(default, deserialize_with = "or_default")]
    snapshot_percent: f64,
}

impl From<WireVolume> for LogicalVolume {
    fn from(wire: WireVolume) -> Self {
        Self {
            name: wire.name,
            group: wire.group_name,
            path: wire.path,
            is_snapshot: wire.is_snapshot,
            snapshot_percent: wire.snapshot_percent,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct WireMount {
    #[serde(default, deserialize_with = "or_default")]
    path: String,
    #[serde(default, deserialize_with = "or_default")]
    device: String,
    #[serde(rename = "LVPath", default, deserialize_with = "or_default")]
    volume_path: String,
    #[serde(default, deserialize_with = "or_default")]
    file_system: String,
    #[serde(default, deserialize_with = "or_default")]
    is_mounted: bool,
    #[serde(default, deserialize_with = "or_default")]
    disk_usage: i64,
    #[serde(rename = "MySQLDataPath", default, deserialize_with = "or_default")]
    mysql_data_path: String,
    #[serde(rename = "MySQLDiskUsage", default, deserialize_with = "or_default")]
    mysql_disk_usage: i64,
}

impl From<WireMount> for SnapshotMount {
    fn from(wire: WireMount) -> Self {
        Self {
            path: wire.path,
            device: wire.device,
            volume_path: wire.volume_path,
            file_system: wire.file_system,
            is_mounted: wire.is_mounted,
            disk_usage: wire.disk_usage,
            mysql_data_path: wire.mysql_data_path,
            mysql_disk_usage: wire.mysql_disk_usage,
        }
    }
}

/// What an agent answers when it refuses.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct WireRefusal {
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) message: String,
}

fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(from: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}
