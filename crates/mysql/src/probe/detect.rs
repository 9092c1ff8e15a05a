//! Answers to the operator's own queries. A query that failed or answered in the wrong shape leaves `None` and a note.

use model::{Detected, InstanceKey, PromotionRule};

use super::asks::{Answers, Ask, UserQuery};
use crate::tables::Table;

/// Everything the queries told.
pub(super) fn read(answers: &mut Answers, own_port: u16) -> Detected {
    let mut detected = Detected {
        cluster_alias: text(answers, UserQuery::ClusterAlias),
        cluster_domain: text(answers, UserQuery::ClusterDomain),
        data_center: text(answers, UserQuery::DataCenter),
        region: text(answers, UserQuery::Region),
        physical_environment: text(answers, UserQuery::PhysicalEnvironment),
        instance_alias: text(answers, UserQuery::InstanceAlias),
        ..Detected::default()
    };
    if let Some(rule) = text(answers, UserQuery::PromotionRule) {
        match PromotionRule::parse(&rule) {
            Ok(rule) => detected.promotion_rule = Some(rule),
            Err(problem) => answers.notes.push(format!("DetectPromotionRuleQuery: {problem}")),
        }
    }
    if let Some(priority) = text(answers, UserQuery::SemiSyncEnforced) {
        match priority.trim().parse() {
            Ok(priority) => detected.semi_sync_priority = Some(priority),
            Err(_) => {
                answers.notes.push(format!("DetectSemiSyncEnforcedQuery: `{priority}` is no unsigned number"))
            }
        }
    }
    if let Some(table) = answers.get(Ask::User(UserQuery::PseudoGtid)) {
        detected.pseudo_gtid = Some(table.first().and_then(|row| row.at(0)).is_some_and(|text| text == "1"));
    }
    detected.lag_seconds = lag(answers);
    if let Some(nodes) = answers.get(Ask::NdbNodes) {
        let hosts = nodes.records().map(|row| row.owned(&["mysql_host"])).filter(|host| !host.is_empty());
        detected.ndb_nodes = hosts.map(|host| InstanceKey::new(host, own_port)).collect();
    }
    detected
}

fn text(answers: &mut Answers, query: UserQuery) -> Option<String> {
    let ask = Ask::User(query);
    let outcome = answers.get(ask).map(Table::scalar)?;
    let problem = match outcome {
        Ok(Some(text)) => return Some(text.into_owned()),
        Ok(None) => "the query answered NULL".to_owned(),
        Err(problem) => problem,
    };
    answers.notes.push(format!("{}: {problem}", ask.name()));
    None
}

/// Whole seconds, rounded down; negative counts as none.
fn lag(answers: &mut Answers) -> Option<Option<i64>> {
    let ask = Ask::User(UserQuery::ReplicationLag);
    let problem = match answers.get(ask)?.scalar() {
        Ok(None) => return Some(None),
        Ok(Some(text)) => match text.trim().parse::<f64>() {
            #[expect(clippy::cast_possible_truncation, reason = "rounded down; casts of floats saturate")]
            Ok(seconds) if seconds.is_finite() => return Some(Some((seconds.floor() as i64).max(0))),
            Ok(_) | Err(_) => format!("`{text}` is no number of seconds"),
        },
        Err(problem) => problem,
    };
    answers.notes.push(format!("{}: {problem}", ask.name()));
    None
}
