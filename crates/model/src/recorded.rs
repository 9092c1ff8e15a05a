//! What a row of the backend says of a server beside the facts it follows from.
//!
//! The backend holds some facts twice: whether a thread runs beside the state it is in, the release series beside the
//! version, a count beside a list. Reads of a server store both alike. Rows that people or older programs wrote may
//! differ, and rules that the original evaluates on such a column go by the column here too.

use crate::{Instance, ThreadState};

/// Values of such columns; `None` where the column agrees with the fact, as after every read of the server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// `slave_io_running`, against the state of the receiver.
    pub receiver_runs: Option<bool>,
    /// `slave_sql_running`, against the state of the applier.
    pub applier_runs: Option<bool>,
    /// `major_version`, against the version.
    pub major_version: Option<String>,
    /// `binlog_server`, against the version.
    pub binlog_server: Option<bool>,
    /// `num_slave_hosts`, against the list of replicas.
    pub replica_count: Option<usize>,
}

impl Instance {
    /// The receiver is connected, as far as analysis is concerned.
    pub fn receiver_runs(&self) -> bool {
        self.recorded.receiver_runs.unwrap_or(self.replication.io_thread.is_running())
    }

    /// The applier runs, as far as analysis is concerned.
    pub fn applier_runs(&self) -> bool {
        self.recorded.applier_runs.unwrap_or(self.replication.sql_thread.is_running())
    }

    /// The receiver is neither connected nor stopped.
    pub fn is_connecting(&self) -> bool {
        self.replication.io_thread == ThreadState::Other && !self.receiver_runs()
    }

    /// The receiver is connected, and nothing proves that its source has fallen silent: this is proof that the source
    /// lives. A source that owes heartbeats and sent neither events nor heartbeats for more than two periods is silent,
    /// although the receiver will take itself for connected until its own network time-out.
    pub fn is_receiving(&self) -> bool {
        self.receiver_runs() && !self.replication.is_source_silent()
    }

    /// First two parts of the version, as analysis compares them.
    pub fn major_version(&self) -> &str {
        self.recorded.major_version.as_deref().unwrap_or_else(|| self.version.major_version())
    }

    /// Counts as a binlog server in analysis.
    pub fn is_recorded_binlog_server(&self) -> bool {
        self.recorded.binlog_server.unwrap_or_else(|| self.is_binlog_server())
    }

    /// Number of replicas that the server lists.
    pub fn replica_count(&self) -> usize {
        self.recorded.replica_count.unwrap_or(self.replicas.len())
    }

    /// Forgets recorded values that say what the facts say. To be called when all facts are there.
    pub fn settle_recorded(&mut self) {
        let recorded = std::mem::take(&mut self.recorded);
        self.recorded = Recorded {
            receiver_runs: recorded.receiver_runs.filter(|runs| *runs != self.receiver_runs()),
            applier_runs: recorded.applier_runs.filter(|runs| *runs != self.applier_runs()),
            major_version: recorded.major_version.filter(|series| series != self.major_version()),
            binlog_server: recorded.binlog_server.filter(|is_one| *is_one != self.is_binlog_server()),
            replica_count: recorded.replica_count.filter(|count| *count != self.replica_count()),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{InstanceKey, ServerVersion};

    #[test]
    fn only_contradictions_are_kept() {
        let mut instance = Instance::unknown(InstanceKey::new("db", 1));
        instance.version = ServerVersion::new("5.7.44", "");
        instance.replication.io_thread = ThreadState::Running;
        let all = |running, series: &str, count| Recorded {
            receiver_runs: Some(running),
            applier_runs: Some(false),
            major_version: Some(series.to_owned()),
            binlog_server: Some(false),
            replica_count: Some(count),
        };
        instance.recorded = all(true, "5.7", 0);
        instance.settle_recorded();
        assert_eq!(instance.recorded, Recorded::default());
        instance.recorded = all(false, "5.6", 2);
        instance.settle_recorded();
        assert_eq!(
            (instance.receiver_runs(), instance.major_version(), instance.replica_count()),
            (false, "5.6", 2)
        );
        assert_eq!((instance.recorded.applier_runs, instance.recorded.binlog_server), (None, None));
    }
}
