//! A text that must not leak: passwords, tokens.
//!
//! Invariant: there is no way to print, log or compare-by-debug the content except through [`Secret::expose`], whose
//! name is easy to search for in a review. Deliberately absent: `Display`, `Deref`, `AsRef<str>` and any serialisation.

use std::fmt;

/// A secret text. `Debug` prints a mask that tells only whether the secret is empty.
///
/// ```
/// let password = model::Secret::new("hunter2");
/// assert_eq!(format!("{password:?}"), "Secret(***)");
/// assert_eq!(password.expose(), "hunter2");
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes the text into custody. An empty text is allowed and means "no secret given".
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The content, for the one place that hands it to its recipient. Never log or format the result.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether no secret was given.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "Secret(empty)" } else { "Secret(***)" })
    }
}

#[cfg(test)]
mod tests {
    use super::Secret;

    #[test]
    fn debug_output_tells_only_whether_a_secret_was_given() {
        assert_eq!(format!("{:?}", Secret::new("tiger")), "Secret(***)");
        assert_eq!(format!("{:#?}", Some(Secret::default())), "Some(\n    Secret(empty),\n)");
    }
}
