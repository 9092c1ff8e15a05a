//! JSON of Consul's transactions, as its documentation of `/v1/txn` describes it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

/// One operation of a transaction.
#[derive(Serialize)]
pub(crate) struct Operation {
    #[serde(rename = "KV")]
    kv: KeyOperation,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct KeyOperation {
    verb: &'static str,
    key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
}

impl Operation {
    /// Reads a key. The whole transaction fails when it does not exist.
    pub(crate) fn get(key: &str) -> Self {
        Self { kv: KeyOperation { verb: "get", key: key.to_owned(), value: None } }
    }

    /// Writes a key.
    pub(crate) fn set(key: &str, value: &str) -> Self {
        Self { kv: KeyOperation { verb: "set", key: key.to_owned(), value: Some(STANDARD.encode(value)) } }
    }
}

/// The answer to a transaction, carried out or not.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Answer {
    results: Option<Vec<OperationResult>>,
    errors: Option<Vec<OperationError>>,
}

#[derive(Deserialize)]
struct OperationResult {
    #[serde(rename = "KV")]
    kv: Option<KeyResult>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct KeyResult {
    key: String,
    /// `null` for an empty one.
    #[serde(default)]
    value: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct OperationError {
    #[serde(default)]
    what: String,
}

impl Answer {
    /// Keys and values that were read. One that is no text counts as not read.
    pub(crate) fn values(self) -> Vec<(String, String)> {
        let results = self.results.unwrap_or_default().into_iter();
        results
            .filter_map(|result| {
                let KeyResult { key, value } = result.kv?;
                let bytes = STANDARD.decode(value.unwrap_or_default()).ok()?;
                Some((key, String::from_utf8(bytes).ok()?))
            })
            .collect()
    }

    /// Why it was not carried out: each reason once.
    pub(crate) fn reasons(self) -> String {
        let mut reasons: Vec<String> =
            self.errors.unwrap_or_default().into_iter().map(|error| error.what).collect();
        reasons.dedup();
        reasons.join("; ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_written_as_documented() {
        let operations = [Operation::get("a/b"), Operation::set("a/b", "db1:3306")];
        assert_eq!(
            serde_json::to_string(&operations).expect("it is plain data"),
            r#"[{"KV":{"Verb":"get","Key":"a/b"}},{"KV":{"Verb":"set","Key":"a/b","Value":"ZGIxOjMzMDY="}}]"#
        );
    }

    #[test]
    fn answers_are_read_as_documented() {
        let read = r#"{"Results":[{"KV":{"LockIndex":0,"Key":"a","Flags":0,"Value":"ZGIx","CreateIndex":1}},
            {"KV":{"Key":"b","Value":null}}],"Errors":null}"#;
        let answer: Answer = serde_json::from_str(read).expect("it is as documented");
        assert_eq!(answer.values(), [("a".to_owned(), "db1".to_owned()), ("b".to_owned(), String::new())]);
        let refused = r#"{"Results":null,"Errors":[{"OpIndex":0,"What":"Permission denied"},
            {"OpIndex":1,"What":"Permission denied"}]}"#;
        let answer: Answer = serde_json::from_str(refused).expect("it is as documented");
        assert_eq!(answer.reasons(), "Permission denied");
    }
}
