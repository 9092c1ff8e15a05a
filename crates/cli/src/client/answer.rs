//! What an answer means: data, details, or a failure.

use serde_json::Value;

use super::Failed;
use super::api::{Api, Response};
use super::print::one_line;

/// An answer that is no failure.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Answer {
    /// A bare value, or the details of an envelope.
    pub(super) value: Value,
    /// The message of an envelope.
    pub(super) message: String,
}

/// Reads an answer. Its status counts only where the body is no JSON.
pub(super) fn read(api: &Api, path: &str, response: &Response) -> Result<Answer, Failed> {
    let Ok(body) = serde_json::from_str::<Value>(&response.body) else {
        return Err(match response.status.as_u16() {
            401 => api.unreachable("401 Unauthorized"),
            status => Failed::new(format!("{path} was answered with status {status}")),
        });
    };
    let Some(code) = body.get("Code").and_then(Value::as_str) else {
        return Ok(Answer { value: body, message: String::new() });
    };
    let message = body["Message"].as_str().unwrap_or_default().to_owned();
    let details = body.get("Details").cloned().unwrap_or(Value::Null);
    if !code.contains("ERROR") {
        return Ok(Answer { value: details, message });
    }
    let squeezed = message.replace('\'', "").split_whitespace().collect::<Vec<_>>().join(" ");
    let stdout = if details.is_null() { String::new() } else { format!("{}\n", one_line(&details)) };
    Err(Failed { stdout, stderr: format!("{squeezed}\n") })
}
