//! Results of the operator's own queries.

use model::{Detected, PromotionRule};

use super::asks::{Answers, Ask, UserQuery};
use super::replicas;
use crate::tables::Table;

/// What the operator's queries answered; wrong shapes are noted and count as no answer.
pub(crate) fn read(answers: &mut Answers, port: u16) -> Detected {
    let mut notes = Vec::new();
    let mut text = |query: UserQuery| -> Option<Option<String>> {
        match answers.get(Ask::User(query))?.scalar() {
            Ok(value) => Some(value.map(std::borrow::Cow::into_owned)),
            Err(reason) => {
                notes.push(format!("{}: {reason}", query.name()));
                None
            }
        }
    };
    let mut detected = Detected {
        cluster_alias: text(UserQuery::ClusterAlias).flatten(),
        cluster_domain: text(UserQuery::ClusterDomain).flatten(),
        data_center: text(UserQuery::DataCenter).flatten(),
        region: text(UserQuery::Region).flatten(),
        physical_environment: text(UserQuery::PhysicalEnvironment).flatten(),
        instance_alias: text(UserQuery::InstanceAlias).flatten(),
        ..Detected::default()
    };
    let rule = text(UserQuery::PromotionRule).flatten();
    let lag = text(UserQuery::ReplicationLag);
    let priority = text(UserQuery::SemiSyncEnforced).flatten();
    let mut parsed = |query: UserQuery, outcome: Result<(), String>| {
        if let Err(reason) = outcome {
            notes.push(format!("{}: {reason}", query.name()));
        }
    };
    if let Some(rule) = rule {
        parsed(
            UserQuery::PromotionRule,
            PromotionRule::parse(&rule).map(|rule| detected.promotion_rule = Some(rule)),
        );
    }
    if let Some(lag) = lag {
        parsed(
            UserQuery::ReplicationLag,
            lag_seconds(lag.as_deref()).map(|lag| detected.lag_seconds = Some(lag)),
        );
    }
    if let Some(priority) = priority {
        let number = priority.trim().parse().map_err(|_| format!("not a number: {priority}"));
        parsed(UserQuery::SemiSyncEnforced, number.map(|number| detected.semi_sync_priority = Some(number)));
    }
    detected.pseudo_gtid = answers.get(Ask::User(UserQuery::PseudoGtid)).map(is_first_value_one);
    if let Some(nodes) = answers.get(Ask::NdbNodes) {
        detected.ndb_nodes = replicas::ndb_nodes(nodes, port).collect();
    }
    answers.notes.append(&mut notes);
    detected
}

/// Whole seconds, rounded down and never negative; NULL stays unknown.
fn lag_seconds(text: Option<&str>) -> Result<Option<i64>, String> {
    let Some(text) = text else { return Ok(None) };
    let seconds: f64 = text.trim().parse().map_err(|_| format!("not a number: {text}"))?;
    if !seconds.is_finite() {
        return Err(format!("not a number: {text}"));
    }
    #[expect(clippy::cast_possible_truncation, reason = "float to integer conversion saturates")]
    Ok(Some((seconds.floor() as i64).max(0)))
}

/// The first column of the first row is the text `1`; further columns do not matter here.
fn is_first_value_one(answer: &Table) -> bool {
    answer.first().and_then(|row| row.at(0)).is_some_and(|value| value == "1")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables::fixtures::table;

    fn answers(of: &[(UserQuery, Option<&str>)]) -> Answers {
        let mut answers = Answers::default();
        for (query, value) in of {
            answers.add(&[Ask::User(*query)], vec![table(&["x"], &[&[*value]])]);
        }
        answers
    }

    #[test]
    fn lag_is_rounded_down_and_null_is_not_zero() {
        let lag = |value| read(&mut answers(&[(UserQuery::ReplicationLag, value)]), 1).lag_seconds;
        assert_eq!(lag(Some("3.9")), Some(Some(3)));
        assert_eq!(lag(Some("-2")), Some(Some(0)));
        assert_eq!(lag(None), Some(None));
        assert_eq!(lag(Some("x")), None);
    }

    #[test]
    fn bad_answers_are_noted() {
        let mut given = answers(&[
            (UserQuery::PromotionRule, Some("must")),
            (UserQuery::SemiSyncEnforced, Some("3")),
            (UserQuery::PseudoGtid, Some("1")),
        ]);
        given.add(&[Ask::User(UserQuery::Region)], vec![table(&["a", "b"], &[&[None, None]])]);
        let detected = read(&mut given, 1);
        assert_eq!(detected.promotion_rule, None);
        assert_eq!(detected.semi_sync_priority, Some(3));
        assert_eq!(detected.pseudo_gtid, Some(true));
        assert_eq!(
            given.notes,
            [
                "DetectRegionQuery: the query answered 2 columns instead of one",
                "DetectPromotionRuleQuery: CandidatePromotionRule: must not supported yet"
            ]
        );
    }
}
