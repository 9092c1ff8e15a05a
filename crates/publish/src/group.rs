//! A process group that ends with its owner.

use rustix::process::{Pid, Signal, kill_process_group};

/// The process group led by a hook's shell. Dropping it kills every process in it, unless it was released.
///
/// Must be released as soon as the leader's status has been collected: from then on its number may be reused.
pub(crate) struct Group(Option<Pid>);

impl Group {
    /// `leader` is the process number of a child that was started as leader of a group of its own.
    pub(crate) fn led_by(leader: Option<u32>) -> Self {
        Self(leader.and_then(|number| Pid::from_raw(i32::try_from(number).ok()?)))
    }

    /// From now on the group lives without us.
    pub(crate) fn release(&mut self) {
        self.0 = None;
    }

    /// Kills every process of the group. Once; later calls do nothing.
    pub(crate) fn kill(&mut self) {
        if let Some(leader) = self.0.take() {
            // The only error possible here is that the group has already ended.
            let _ = kill_process_group(leader, Signal::KILL);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}
