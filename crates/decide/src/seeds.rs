//! Whether data may be copied from one host onto another, and whether a copy still gets on.
//!
//! Copying erases the target. So what is not known for certain is a reason to refuse.

use model::{AgentFacts, LogicalVolume};

/// Looks in a row without growth after which a copy has failed.
const STALLED_MAX: u32 = 10;

/// The target may be erased as far as its MySQL server goes.
///
/// # Errors
/// It runs, or nobody knows.
pub fn check_target(target: &str, facts: &AgentFacts) -> Result<(), String> {
    match facts.mysql_running {
        Some(false) => Ok(()),
        Some(true) => Err(format!("MySQL is running on target host {target}; stop it first")),
        // Differs: the original takes an agent that does not answer for a server that does not run, and erases its data.
        None => Err(format!(
            "the agent on target host {target} does not tell whether MySQL runs; nothing was changed"
        )),
    }
}

/// The snapshot to copy.
///
/// # Errors
/// The source has none.
pub fn choose_volume<'f>(source: &str, facts: &'f AgentFacts) -> Result<&'f LogicalVolume, String> {
    let first = facts.volumes.as_deref().and_then(<[LogicalVolume]>::first);
    first.ok_or_else(|| format!("no logical volume found on source host {source}; create a snapshot there"))
}

/// The mount point of the source is free.
///
/// # Errors
/// It is in use, or nobody knows.
pub fn check_mount(source: &str, facts: &AgentFacts) -> Result<(), String> {
    match facts.mount.as_ref().map(|mount| mount.is_mounted) {
        Some(false) => Ok(()),
        Some(true) => Err(format!("a volume is mounted on source host {source} already; unmount it first")),
        None => Err(format!("the agent on source host {source} does not tell whether a volume is mounted")),
    }
}

/// Bytes of data in the mounted snapshot.
///
/// # Errors
/// Nothing is mounted, or it holds no data.
pub fn mounted_bytes(source: &str, facts: &AgentFacts) -> Result<i64, String> {
    let mount = facts.mount.as_ref().filter(|mount| mount.is_mounted);
    let mount = mount.ok_or_else(|| format!("the volume is not mounted on source host {source}"))?;
    if mount.mysql_disk_usage > 0 {
        return Ok(mount.mysql_disk_usage);
    }
    Err(format!("there is no MySQL data in the volume mounted on source host {source}"))
}

/// The data has room on the target, together with what erasing `erased` bytes there makes free.
///
/// # Errors
/// It has not, or nobody knows.
pub fn check_room(target: &str, facts: &AgentFacts, needed: i64, erased: i64) -> Result<(), String> {
    let free = facts
        .datadir_free
        .ok_or_else(|| format!("the agent on target host {target} does not tell how much space is free"))?;
    let available = free.saturating_add(erased);
    if needed <= available {
        return Ok(());
    }
    Err(format!(
        "not enough free space on target host {target}: {needed} bytes needed, {available} available"
    ))
}

/// How a copy gets on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CopyProgress {
    copied: i64,
    stalled: u32,
}

impl CopyProgress {
    /// Notes the bytes seen on the target; `None` when they could not be read, which is no growth.
    ///
    /// # Errors
    /// It has not grown for too many looks in a row.
    pub fn note(&mut self, copied: Option<i64>) -> Result<(), String> {
        // Differs: the original counts all looks without growth since the beginning, so long copies fail by bad luck.
        match copied.filter(|copied| *copied != self.copied) {
            Some(copied) => *self = Self { copied, stalled: 0 },
            None => self.stalled += 1,
        }
        if self.stalled > STALLED_MAX {
            return Err(format!("{STALLED_MAX} iterations have passed without progress. Bailing out."));
        }
        Ok(())
    }

    /// What people read: `Copied 5/10 bytes (50%)`.
    pub fn text(&self, total: i64) -> String {
        let percent = i128::from(self.copied) * 100 / i128::from(total.max(1));
        format!("Copied {}/{total} bytes ({percent}%)", self.copied)
    }
}

#[cfg(test)]
mod tests {
    use model::SnapshotMount;

    use super::*;

    fn mount(is_mounted: bool, bytes: i64) -> AgentFacts {
        let mount = SnapshotMount { is_mounted, mysql_disk_usage: bytes, ..SnapshotMount::default() };
        AgentFacts { mount: Some(mount), ..AgentFacts::default() }
    }

    #[test]
    fn what_is_not_known_is_no_permission() {
        let unknown = AgentFacts::default();
        assert!(check_target("t", &unknown).is_err());
        assert!(choose_volume("s", &unknown).is_err());
        assert!(check_mount("s", &unknown).is_err());
        assert!(mounted_bytes("s", &unknown).is_err());
        assert!(check_room("t", &unknown, 1, 1).is_err());
    }

    #[test]
    fn a_running_server_and_a_mounted_volume_are_in_the_way() {
        let running = |is_running| AgentFacts { mysql_running: Some(is_running), ..AgentFacts::default() };
        assert!(check_target("t", &running(false)).is_ok() && check_target("t", &running(true)).is_err());
        assert!(check_mount("s", &mount(false, 0)).is_ok() && check_mount("s", &mount(true, 0)).is_err());
        assert_eq!(mounted_bytes("s", &mount(true, 7)), Ok(7));
        assert!(
            mounted_bytes("s", &mount(false, 7)).is_err() && mounted_bytes("s", &mount(true, 0)).is_err()
        );
    }

    #[test]
    fn room_counts_what_erasing_makes_free() {
        let facts = AgentFacts { datadir_free: Some(10), ..AgentFacts::default() };
        assert!(check_room("t", &facts, 10, 0).is_ok());
        assert!(check_room("t", &facts, 11, 0).is_err());
        assert!(check_room("t", &facts, 11, 1).is_ok());
    }

    #[test]
    fn only_looks_in_a_row_without_growth_end_a_copy() {
        let mut progress = CopyProgress::default();
        for round in 1..5 {
            assert!(progress.note(Some(round)).is_ok());
            for _ in 0..STALLED_MAX {
                assert!(progress.note(Some(round)).is_ok());
            }
        }
        assert!(progress.note(None).is_err());
        assert_eq!(progress.text(8), "Copied 4/8 bytes (50%)");
        assert_eq!(CopyProgress::default().text(0), "Copied 0/0 bytes (0%)");
    }
}
