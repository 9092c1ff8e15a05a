//! Scenarios for every row of the rule tables, and properties of the whole.

mod causes;
mod co_primary;
mod documentation;
mod filters;
mod intermediate;
mod others;
mod primary;
mod properties;
mod readings;
mod reporting;
mod semi_sync;
mod sightings;
mod structure;
mod table;

use crate::scenario::check_analysis;

/// Each case: what it shows, the topology, the report.
#[track_caller]
fn check_all(cases: &[(&str, &str, &str)]) {
    for (name, scenario, expected) in cases {
        check_analysis(&format!("# {name}\n{scenario}"), expected);
    }
}
