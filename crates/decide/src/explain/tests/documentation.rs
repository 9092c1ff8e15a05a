//! Keeps `docs/explain.md` equal to the tables. Run with `UPDATE=1` to rewrite it.

use std::fmt::Write;
use std::path::Path;

use model::Cause;

use crate::explain::ReasonId;

const HEADER: &str = "# Why was nothing done?

`orchestrator -c explain -i host:port`, `GET /api/explain/:host/:port` and `GET /api/explain-cluster/:clusterHint` say what
was seen of a server, by whom and when; which rule matched; which rules lack a single condition; and every reason for which
no recovery begins, with what would change it. Without a reason they say what would be done. This page is written by a test
from `crates/decide/src/explain/reason.rs`.

A command that is run directly reads the backend. It does not know what only the running service knows: its grace
periods, its locks, and how a check or a trial write failed.

## Reasons

";

const CAUSES: &str = "
## Causes

A verdict counts replicas. The cause is what the errors of checks, receivers and trial writes name beside it; it is part of
the description of a finding, and never makes or unmakes a verdict.

";

fn page() -> String {
    let mut page = HEADER.to_owned();
    page.push_str("| Reason | It means | What would change it |\n|---|---|---|\n");
    for id in ReasonId::ALL {
        let _ = writeln!(page, "| `{}` | {} | {} |", id.as_str(), id.meaning(), id.change());
    }
    page.push_str(CAUSES);
    page.push_str("| Cause | It means |\n|---|---|\n");
    for cause in Cause::ALL {
        let _ = writeln!(page, "| `{}` | {} |", cause.as_str(), cause.text());
    }
    page
}

#[test]
fn the_page_of_reasons_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/explain.md");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, page()).unwrap();
    }
    let stored = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(stored == page(), "docs/explain.md is out of date; run the tests of `decide` with UPDATE=1");
}
