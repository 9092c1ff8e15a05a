//! What an operation answers, in both forms, and how it fails.

use decide::clusters::{LookupError, NoLag};
use engine::OperationError;
use model::InstanceKey;
use ports::StoreError;
use registry::wire::{KeyView, envelope, to_json};

/// The JSON of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// A value as it is.
    Bare(String),
    /// `{"Code":"OK","Message","Details"}`.
    Envelope {
        /// Text for people.
        message: String,
        /// JSON text of the details.
        details: String,
    },
}

/// The text of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Printed {
    /// One line each; nothing when there is none.
    Lines(Vec<String>),
    /// A text and a newline, even when the text is empty.
    Block(String),
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// For HTTP.
    pub body: Body,
    /// For the command line.
    pub printed: Printed,
    /// HTTP status when it is not 200.
    pub status: Option<u16>,
}

impl Reply {
    /// A bare value.
    pub fn bare(json: String, lines: Vec<String>) -> Self {
        Self { body: Body::Bare(json), printed: Printed::Lines(lines), status: None }
    }

    /// An envelope; `details` is JSON text.
    pub fn envelope(message: impl Into<String>, details: impl Into<String>) -> Self {
        let body = Body::Envelope { message: message.into(), details: details.into() };
        Self { body, printed: Printed::Lines(Vec::new()), status: None }
    }

    /// An envelope about one server; the server is also what is printed.
    pub fn about(message: impl Into<String>, key: &InstanceKey) -> Self {
        Self::envelope(message, to_json(&KeyView(key))).printing([key.to_string()])
    }

    /// The same answer, printed as these lines.
    pub fn printing(self, lines: impl IntoIterator<Item = String>) -> Self {
        Self { printed: Printed::Lines(lines.into_iter().collect()), ..self }
    }

    /// The same answer, printed as this text and a newline.
    pub fn printing_block(self, text: impl Into<String>) -> Self {
        Self { printed: Printed::Block(text.into()), ..self }
    }

    /// The JSON text. Messages begin with `prefix`.
    pub fn into_json(self, prefix: &str) -> String {
        match self.body {
            Body::Bare(json) => json,
            Body::Envelope { message, details } => envelope(true, &format!("{prefix}{message}"), &details),
        }
    }
}

/// What kind of failure it is, for those who answer over HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// The arguments cannot be understood.
    Input,
    /// No such server, cluster or record.
    Unknown,
    /// Understood and refused, or tried and failed.
    Refused,
}

/// A failure.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// The kind.
    pub kind: FailureKind,
    /// Text for people; known to scripts where the original's was.
    pub message: String,
    /// JSON text of details, where clients expect some.
    pub details: Option<String>,
    /// Why, where there is more to say than the message; told beside the details.
    pub reasons: Vec<String>,
    /// HTTP status when it is not the usual one for failures.
    pub status: Option<u16>,
}

impl Failure {
    fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), details: None, reasons: Vec::new(), status: None }
    }

    /// The arguments cannot be understood.
    pub fn input(message: impl Into<String>) -> Self {
        Self::new(FailureKind::Input, message)
    }

    /// No such server, cluster or record.
    pub fn unknown(message: impl Into<String>) -> Self {
        Self::new(FailureKind::Unknown, message)
    }

    /// Understood and refused, or tried and failed.
    pub fn refused(message: impl Into<String>) -> Self {
        Self::new(FailureKind::Refused, message)
    }

    /// The same failure with a server as details.
    pub fn about(self, key: &InstanceKey) -> Self {
        Self { details: Some(to_json(&KeyView(key))), ..self }
    }

    /// The same failure with a server as details, and why beside them: scripts know message and details.
    pub fn about_because(self, key: &InstanceKey, reasons: &[String]) -> Self {
        Self { details: Some(to_json(&KeyView(key))), reasons: reasons.to_vec(), ..self }
    }

    /// The JSON text. Messages begin with `prefix`.
    pub fn json(&self, prefix: &str) -> String {
        let message = format!("{prefix}{}", self.message);
        let mut text = envelope(false, &message, self.details.as_deref().unwrap_or("null"));
        if !self.reasons.is_empty() && text.pop() == Some('}') {
            text.push_str(&format!(",\"Reasons\":{}}}", to_json(&self.reasons)));
        }
        text
    }
}

impl From<OperationError> for Failure {
    fn from(error: OperationError) -> Self {
        let kind = match &error {
            OperationError::UnknownInstance(_)
            | OperationError::UnknownCluster(_)
            | OperationError::UnknownAgent(_) => FailureKind::Unknown,
            OperationError::Read(_)
            | OperationError::Agent(_)
            | OperationError::Action(_)
            | OperationError::Store(_)
            | OperationError::Refused(_)
            | OperationError::NotAttempted(_)
            | OperationError::Recovery(_) => FailureKind::Refused,
        };
        Self::new(kind, error.to_string())
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::refused(error.to_string())
    }
}

impl From<LookupError> for Failure {
    fn from(error: LookupError) -> Self {
        Self::unknown(error.to_string())
    }
}

impl From<NoLag> for Failure {
    fn from(error: NoLag) -> Self {
        Self::unknown(error.to_string())
    }
}
