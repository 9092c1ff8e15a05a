//! Keeps `docs/analysis-codes.md` equal to the tables. Run with `UPDATE=1` to rewrite it.

use std::fmt::Write;
use std::path::Path;

use crate::analysis::{Caution, Condition, GROUP_MEMBER_RULES, RULES, Rule, STRUCTURE_RULES};

const HEADER: &str = "# Analysis codes

What orchestrator finds out about servers, and what it does about it. This page is written by a test from the rule
tables in `crates/decide/src/analysis/rules.rs`.

For every server orchestrator looks at the server itself and at its direct replicas, and asks the rows below from top to
bottom. The first row whose conditions all hold gives the code; if none does, the code is `NoProblem`. A server in
maintenance is not analysed. A server that nobody tried to read for several polls gets no code that depends on whether it
is reachable.

- *Readable*: the last check of a replica succeeded and is recent. *Reachable*: the same for the server itself, and no
  later check hangs.
- *Receives*: the replica's receiver (IO thread) runs. *Replicates*: the applier (SQL thread) runs too. An unreachable
  server is never called dead while a replica receives from it, or did when it was last looked at and nobody tried since.
- *Lags*: by more than `ReasonableReplicationLagSeconds`.
- *At once*: what is done for this code before anything else, to know sooner.
- *Grace*: for a few seconds after receivers were restarted by us, the code is recorded but not acted upon.
- *Quiet*: not reported as a problem while all replicas are downtimed.
";

fn conditions(when: &[Condition]) -> String {
    when.iter().map(|condition| condition.text()).collect::<Vec<_>>().join("; ")
}

fn notes(rule: &Rule) -> String {
    let caution = match rule.caution {
        Caution::None => None,
        Caution::MustBeReachable => Some("only while it is reachable"),
        Caution::MustSeeConnectFailure => Some("can be told to wait until a replica fails to connect"),
    };
    let notes = [
        caution,
        rule.waits_for_grace.then_some("grace"),
        rule.quiet_when_replicas_downtimed.then_some("quiet"),
    ];
    notes.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

fn rule_table(page: &mut String, rules: &[Rule]) {
    page.push_str("| # | Code | Meaning | When | Actionable | What is done | At once | Notes |\n");
    page.push_str("|---|---|---|---|---|---|---|---|\n");
    for (number, rule) in rules.iter().enumerate() {
        let actionable = if rule.response.is_actionable() { "yes" } else { "no" };
        let emergency: Vec<&str> = rule.emergency.iter().map(|emergency| emergency.text()).collect();
        let _ = writeln!(
            page,
            "| {} | `{}` | {} | {} | {actionable} | {} | {} | {} |",
            number + 1,
            rule.code,
            rule.meaning,
            conditions(rule.when),
            rule.response.text(),
            emergency.join("; "),
            notes(rule),
        );
    }
}

fn page() -> String {
    let mut page = HEADER.to_owned();
    page.push_str("\n## Servers\n\n");
    rule_table(&mut page, RULES);
    page.push_str("\n## Members of a replication group\n\n");
    page.push_str("None of the rows above is asked. Only asynchronous replicas of the member count.\n\n");
    rule_table(&mut page, GROUP_MEMBER_RULES);
    page.push_str("\n## Structure\n\n");
    page.push_str(
        "Asked for every server, whatever its code; every row that holds is reported. Nothing is done.\n\n",
    );
    page.push_str("| # | Code | Meaning | When |\n|---|---|---|---|\n");
    for (number, rule) in STRUCTURE_RULES.iter().enumerate() {
        let when = conditions(rule.when);
        let _ = writeln!(page, "| {} | `{}` | {} | {when} |", number + 1, rule.code, rule.meaning);
    }
    page
}

#[test]
fn the_page_of_codes_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/analysis-codes.md");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, page()).unwrap();
    }
    let stored = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        stored == page(),
        "docs/analysis-codes.md is out of date; run the tests of `decide` with UPDATE=1"
    );
}
