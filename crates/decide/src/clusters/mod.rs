//! Questions about clusters: which there are, who leads them, whom a text means, what is not well.
//!
//! Everything is read from the fleet as it stands; nothing here judges failures (see [`crate::analysis`]).

mod info;
mod lag;
mod lookup;
mod problems;
mod select;

#[cfg(test)]
mod tests;

pub use info::{NameToAlias, cluster_info, cluster_names, clusters_info, effective_alias};
pub use lag::{NoLag, heuristic_lag_seconds, lag_control_replicas, largest_lag_seconds};
pub use lookup::{LookupError, cluster_by_alias, find_instance, find_instance_fuzzy, resolve_cluster_hint};
pub use problems::{Problem, ProblemPolicy, problem_instances, problems_of};
pub use select::{
    all_clusters_primaries, candidates, cluster_primaries, cluster_primary, downtimed, find,
    lost_in_recovery, migration_replicas, search, unseen, writable_primaries,
};
