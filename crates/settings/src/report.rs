//! What loading has to say: errors that stop it and warnings that do not, each with place, key, value and cure.
//!
//! All errors of a load are collected and reported together. Values of secrets never enter a message.

use std::fmt;
use std::path::{Path, PathBuf};

/// A place in a text; both numbers count from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The file.
    pub file: PathBuf,
    /// The place in the file; `None` where the file as a whole is meant.
    pub position: Option<Position>,
}

impl Origin {
    pub(crate) fn file(file: &Path) -> Self {
        Self { file: file.to_owned(), position: None }
    }

    pub(crate) fn at(file: &Path, position: Position) -> Self {
        Self { file: file.to_owned(), position: Some(position) }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        match self.position {
            Some(at) => write!(f, ":{}:{}", at.line, at.column),
            None => Ok(()),
        }
    }
}

/// One reason why a configuration is refused. `Display` prints all parts in one line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ConfigError {
    /// Where the offending value stands; `None` if it is a default that no file sets.
    pub origin: Option<Origin>,
    /// The key, spelled as in the reference page; `None` for errors of a whole file.
    pub key: Option<String>,
    /// The offending value as JSON, shortened; `None` for secrets and for errors of a whole file.
    pub value: Option<String>,
    /// What is wrong.
    pub what: String,
    /// What to do about it.
    pub cure: String,
    /// The file cannot be decoded: it is no JSON, or a value has the wrong type. Scripts know such errors by how they begin.
    pub is_undecodable: bool,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut origin = self.origin.as_ref();
        if let Some(Origin { file, position }) = origin.filter(|_| self.is_undecodable) {
            write!(f, "Cannot read config file: {} ", file.display())?;
            if let Some(at) = position {
                write!(f, "line {}, column {}: ", at.line, at.column)?;
            }
            origin = None;
        }
        write_place(f, origin, self.key.as_deref(), self.value.as_deref())?;
        f.write_str(&self.what)?;
        if !self.cure.is_empty() {
            write!(f, "; {}", self.cure)?;
        }
        Ok(())
    }
}

/// All reasons why a configuration is refused, in the order found; never empty. `Display` prints one per line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ConfigErrors(Vec<ConfigError>);

impl ConfigErrors {
    /// The errors; at least one.
    pub fn iter(&self) -> impl Iterator<Item = &ConfigError> {
        self.0.iter()
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [only] = self.0.as_slice() {
            return write!(f, "{only}");
        }
        write!(f, "{} errors in the configuration:", self.0.len())?;
        self.0.iter().try_for_each(|error| write!(f, "\n  {error}"))
    }
}

/// Something an operator should know, that does not stop the load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// Where it stands; `None` if no file sets the key.
    pub origin: Option<Origin>,
    /// The key, spelled as in the reference page, or as written if it is unknown.
    pub key: Option<String>,
    /// The message.
    pub text: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_place(f, self.origin.as_ref(), self.key.as_deref(), None)?;
        f.write_str(&self.text)
    }
}

fn write_place(
    f: &mut fmt::Formatter<'_>,
    origin: Option<&Origin>,
    key: Option<&str>,
    value: Option<&str>,
) -> fmt::Result {
    if let Some(origin) = origin {
        write!(f, "{origin}: ")?;
    }
    match (key, value) {
        (Some(key), Some(value)) => write!(f, "{key} = {value}: "),
        (Some(key), None) => write!(f, "{key}: "),
        (None, _) => Ok(()),
    }
}

/// What is wrong with one value, before it is known where the value stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Complaint {
    pub(crate) what: String,
    pub(crate) cure: String,
}

impl Complaint {
    pub(crate) fn new(what: impl Into<String>, cure: impl Into<String>) -> Self {
        Self { what: what.into(), cure: cure.into() }
    }
}

/// The collector handed through a load.
#[derive(Debug, Default)]
pub(crate) struct Report {
    errors: Vec<ConfigError>,
    warnings: Vec<Warning>,
}

impl Report {
    pub(crate) fn error(&mut self, error: ConfigError) {
        self.errors.push(error);
    }

    pub(crate) fn file_error(&mut self, origin: Origin, what: impl Into<String>, cure: impl Into<String>) {
        self.errors.push(ConfigError {
            origin: Some(origin),
            key: None,
            value: None,
            what: what.into(),
            cure: cure.into(),
            is_undecodable: false,
        });
    }

    /// As [`Self::file_error`], for a file that is not what it should be.
    pub(crate) fn undecodable(&mut self, origin: Origin, what: impl Into<String>, cure: impl Into<String>) {
        self.file_error(origin, what, cure);
        if let Some(error) = self.errors.last_mut() {
            error.is_undecodable = true;
        }
    }

    pub(crate) fn warn(&mut self, origin: Option<Origin>, key: Option<&str>, text: impl Into<String>) {
        self.warnings.push(Warning { origin, key: key.map(str::to_owned), text: text.into() });
    }

    /// The warnings, or all errors if there is one.
    pub(crate) fn finish(self) -> Result<Vec<Warning>, ConfigErrors> {
        if self.errors.is_empty() { Ok(self.warnings) } else { Err(ConfigErrors(self.errors)) }
    }
}
