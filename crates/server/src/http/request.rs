//! Arguments from query and body.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, header};
use registry::Args;
use serde_json::Value;

use super::respond::Refusal;

/// Largest accepted body, bytes. Bodies hold a handful of short texts.
pub(super) const BODY_MAX: usize = 64 * 1024;
/// A body must have arrived after this; who sends more slowly would hold a connection for as long as it likes.
const BODY_TIME_MAX: Duration = Duration::from_secs(10);

/// Takes over the parameters of a query or form.
pub(super) fn read_query(query: &str, args: &mut Args) {
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let decoded = (form_decoded(name), form_decoded(value));
        if let (Some(name), Some(value)) = decoded {
            // The original's client leaves a line end behind each value.
            args.set_query(&name, value.trim_end_matches(['\n', '\r']));
        }
    }
}

/// All headers by name, spelled as they used to be: `Accept-Encoding`. What is no text is left out.
pub(super) fn header_lists(headers: &HeaderMap) -> BTreeMap<String, Vec<String>> {
    let mut lists = BTreeMap::<String, Vec<String>>::new();
    for (name, value) in headers {
        // The host of a request is no header to those who list them.
        if name != header::HOST
            && let Ok(value) = value.to_str()
        {
            lists.entry(spelled(name.as_str())).or_default().push(value.to_owned());
        }
    }
    lists
}

fn spelled(name: &str) -> String {
    let words = name.split('-').map(|word| {
        let (first, rest) = word.split_at(usize::from(!word.is_empty()));
        format!("{}{rest}", first.to_ascii_uppercase())
    });
    words.collect::<Vec<_>>().join("-")
}

/// The value of a parameter of a query.
pub(super) fn query_value(query: &str, wanted: &str) -> Option<String> {
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find(|(name, _)| *name == wanted)
        .and_then(|(_, value)| form_decoded(value))
        .map(|value| value.trim().to_owned())
}

/// Takes over the parameters of a body: a JSON object of texts, numbers and booleans, or a form.
pub(super) async fn read_body(headers: &HeaderMap, body: Body, args: &mut Args) -> Result<(), Refusal> {
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: usize| length > BODY_MAX) {
        return Err(Refusal::too_large(BODY_MAX));
    }
    let bytes = match tokio::time::timeout(BODY_TIME_MAX, to_bytes(body, BODY_MAX)).await {
        Ok(read) => read.map_err(|_| Refusal::too_large(BODY_MAX))?,
        Err(_elapsed) => return Err(Refusal::slow_body(BODY_TIME_MAX)),
    };
    let text = std::str::from_utf8(&bytes).map_err(|error| Refusal::bad_body(&error.to_string()))?;
    if text.trim().is_empty() {
        return Ok(());
    }
    let content_type =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if content_type.starts_with("application/x-www-form-urlencoded") {
        read_query(text.trim(), args);
        return Ok(());
    }
    let value: Value = serde_json::from_str(text).map_err(|error| Refusal::bad_body(&error.to_string()))?;
    let Value::Object(members) = value else {
        return Err(Refusal::bad_body("expected a JSON object of parameters"));
    };
    for (name, value) in &members {
        match value {
            Value::String(text) => args.set_query(name, text),
            Value::Bool(_) | Value::Number(_) => args.set_query(name, &value.to_string()),
            Value::Null => {}
            Value::Array(_) | Value::Object(_) => {
                return Err(Refusal::bad_body(&format!("{name} must be a text, number or boolean")));
            }
        }
    }
    Ok(())
}

fn form_decoded(text: &str) -> Option<String> {
    percent_decoded(&text.replace('+', " "))
}

pub(super) use registry::percent_decoded;
