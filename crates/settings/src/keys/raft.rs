//! Keys of a cluster of orchestrator nodes.

use std::path::PathBuf;

use crate::key::group;
use crate::resolve::{flag, integer, list, path, text};

group! {
    /// A cluster of orchestrator nodes, each with a backend of its own.
    "Cluster of nodes" Raft {
        /// Be a member of a cluster of nodes. Commands then go through the API.
        22 RaftEnabled => enabled: bool = flag(false), restart;
        /// Address `host[:port]` on which this node listens for the others.
        23 RaftBind => bind: String = text("127.0.0.1:10008"), restart, expanded,
            no_effect("there is no cluster of nodes with backends of their own; use a shared backend");
        /// Address `host[:port]` told to the others; empty is `RaftBind`.
        24 RaftAdvertise => advertise: String = text(""), restart, expanded,
            no_effect("there is no cluster of nodes with backends of their own; use a shared backend");
        /// Directory for log and snapshots of this node; created if missing; required with `RaftEnabled`.
        25 RaftDataDir => data_directory: Option<PathBuf> = path(), restart, expanded,
            no_effect("there is no cluster of nodes with backends of their own; use a shared backend");
        /// Port of addresses without one; 0 adds none.
        26 DefaultRaftPort => default_port: i64 = integer(10_008).at_least(0).at_most(65_535), restart,
            no_effect("there is no cluster of nodes with backends of their own; use a shared backend");
        /// All nodes, this one included; an odd number. Empty is a cluster of one.
        27 RaftNodes => nodes: Vec<String> = list(&[]), restart, expanded,
            no_effect("there is no cluster of nodes with backends of their own; use a shared backend");
    }
}
