//! How long decisions take: analysis, the choice of a new primary, the algebra of GTID sets.

// `criterion_group!` makes a public function without a comment.
#![allow(missing_docs)]

mod analysis;
mod fleets;
mod gtid;
mod promotion;

use criterion::{criterion_group, criterion_main};

criterion_group!(
    benches,
    analysis::whole_fleet,
    analysis::one_change,
    analysis::one_server,
    promotion::in_a_fleet,
    promotion::in_a_wide_cluster,
    gtid::sets,
    gtid::errant,
);
criterion_main!(benches);
