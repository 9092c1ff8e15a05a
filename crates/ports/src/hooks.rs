//! Running the operator's commands.

use async_trait::async_trait;

use crate::Deadline;
use crate::placeholders::substitute;

/// What a hook sees: variables for its environment and placeholders for its text, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HookEnvironment {
    /// `ORC_*` variables.
    pub variables: Vec<(String, String)>,
    /// Arguments of the script, which sees them as `$1` and so on.
    pub arguments: Vec<String>,
    /// `{placeholder}` to value; one pass, no re-expansion.
    pub placeholders: Vec<(String, String)>,
}

impl HookEnvironment {
    /// The text of a hook with its placeholders replaced: what is run, and what records show.
    pub fn expanded(&self, command: &str) -> String {
        substitute(command, &self.placeholders)
    }
}

/// A hook that did not end well.
#[derive(Debug, thiserror::Error)]
pub enum HookError {
    /// Could not be started.
    #[error("could not start hook `{command}`: {source}; check ProcessesShellCommand and the file system")]
    Start {
        /// The command, after substitution.
        command: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Ended with another status than 0.
    #[error("hook `{command}` ended with {status}: {output}")]
    Failed {
        /// The command, after substitution.
        command: String,
        /// Exit status or signal.
        status: String,
        /// What it printed, shortened.
        output: String,
    },
    /// Still running at its deadline; it was killed.
    #[error("hook `{command}` was still running after its time limit and was ended: {output}")]
    TimedOut {
        /// The command, after substitution.
        command: String,
        /// What it had printed by then, shortened.
        output: String,
    },
}

/// Runs one hook command.
#[async_trait]
pub trait HookRunner: Send + Sync {
    /// Runs `command` (placeholders not yet replaced) and waits for its end, at most until the deadline.
    /// Returns what it printed, shortened.
    ///
    /// # Errors
    /// See [`HookError`].
    async fn run(
        &self,
        command: &str,
        environment: &HookEnvironment,
        deadline: Deadline,
    ) -> Result<String, HookError>;
}
