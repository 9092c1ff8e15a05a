//! Filters that tests use.

use model::AnalysisCode;

use crate::analysis::{AnalysisFilters, NoFilters};

/// Filters of a test: ignores hosts starting with `x`, recovers primaries of clusters called `p…` or `shop`.
pub(super) struct TestFilters;

impl AnalysisFilters for TestFilters {
    fn ignores_host(&self, hostname: &str) -> bool {
        hostname.starts_with('x')
    }
    fn recovers_primary(&self, name: &str, alias: &str) -> bool {
        name.starts_with('p') || alias == "shop"
    }
    fn recovers_intermediate(&self, name: &str, _alias: &str) -> bool {
        name.starts_with('i')
    }
    fn is_explained_by_operation(&self, name: &str, code: AnalysisCode) -> bool {
        name == "p9:3306" && code == AnalysisCode::NoWriteableMasterStructureWarning
    }
}

#[test]
fn without_settings_nobody_is_ignored_and_nothing_is_recovered() {
    assert!(!NoFilters.ignores_host("p1"));
    assert!(
        !NoFilters.recovers_primary("p1:3306", "shop") && !NoFilters.recovers_intermediate("p1:3306", "shop")
    );
}
