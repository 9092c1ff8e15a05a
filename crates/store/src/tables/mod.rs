//! Every table but `database_instance`: one file per table or family, its statements beside its rows.

pub(crate) mod agents;
pub(crate) mod analysis;
pub(crate) mod annotations;
pub(crate) mod attributes;
pub(crate) mod audit;
pub(crate) mod blocked;
pub(crate) mod clusters;
pub(crate) mod detections;
pub(crate) mod equivalences;
pub(crate) mod journal;
pub(crate) mod maintenance;
pub(crate) mod names;
pub(crate) mod nodes;
pub(crate) mod others;
pub(crate) mod periods;
pub(crate) mod pools;
pub(crate) mod recoveries;
pub(crate) mod seeds;
pub(crate) mod snapshots;
pub(crate) mod stale_coordinates;
pub(crate) mod steps;
pub(crate) mod tokens;

/// Rows on a page of a listing.
pub(crate) const PAGE: u32 = 20;
