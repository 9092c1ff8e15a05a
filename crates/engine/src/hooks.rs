//! Running the lists of hooks: in order, audited, asynchronous where the command ends in `&`, never without a limit.

use std::time::Duration;

use ports::{Deadline, HookEnvironment, HookError};
use tracing::info;

use crate::Engine;

/// Longest a hook may run before it is ended. The original had no limit; a hook that hangs must not hold a task.
const HOOK_LIMIT: Duration = Duration::from_secs(600);

impl Engine {
    /// Runs hooks one after the other. The first synchronous hook that fails ends the list when `fail_fast`, else the
    /// others still run; its error is returned either way. Asynchronous hooks are started and not waited for.
    pub(crate) async fn run_hooks(
        &self,
        list_name: &str,
        commands: &[String],
        environment: &HookEnvironment,
        uid: &str,
        fail_fast: bool,
    ) -> Result<(), HookError> {
        if commands.is_empty() {
            self.write_step(uid, format!("No {list_name} hooks to run")).await;
            return Ok(());
        }
        if self.identity().noop {
            self.write_step(uid, format!("noop: {} {list_name} hooks are not run", commands.len())).await;
            return Ok(());
        }
        self.write_step(uid, format!("Running {} {list_name} hooks", commands.len())).await;
        let mut first_error = None;
        for (index, text) in commands.iter().enumerate() {
            let (command, is_async) = split_async(text);
            let label = label(list_name, index + 1, commands.len(), is_async);
            if is_async {
                self.start_async_hook(command.to_owned(), environment.clone(), uid.to_owned(), label);
                continue;
            }
            let result = self.run_one_hook(command, environment, uid, &label).await;
            if let Err(error) = result {
                if fail_fast {
                    self.write_step(uid, format!("Not running further {list_name} hooks")).await;
                    return Err(error);
                }
                first_error.get_or_insert(error);
            }
        }
        self.write_step(uid, format!("done running {list_name} hooks")).await;
        first_error.map_or(Ok(()), Err)
    }

    fn start_async_hook(&self, command: String, environment: HookEnvironment, uid: String, label: String) {
        let engine = self.clone();
        self.inner.supervisor.start("asynchronous hook", async move {
            // Its failure is audited by the step that run_one_hook writes.
            let _ = engine.run_one_hook(&command, &environment, &uid, &label).await;
        });
    }

    async fn run_one_hook(
        &self,
        command: &str,
        environment: &HookEnvironment,
        uid: &str,
        label: &str,
    ) -> Result<(), HookError> {
        self.write_step(uid, format!("Running {label}: {}", environment.expanded(command))).await;
        let began = tokio::time::Instant::now();
        let result = self.inner.ports.hooks.run(command, environment, Deadline::after(HOOK_LIMIT)).await;
        let took = began.elapsed();
        match result {
            Ok(output) => {
                if !output.is_empty() {
                    info!(hook = label, output, "a hook printed");
                }
                self.write_step(uid, format!("Completed {label} in {took:?}")).await;
                Ok(())
            }
            Err(error) => {
                self.write_step(uid, failed(label, took, &error)).await;
                Err(error)
            }
        }
    }
}

/// How steps call a hook.
fn label(list_name: &str, number: usize, count: usize, is_async: bool) -> String {
    let marked = if is_async { " (async)" } else { "" };
    format!("{list_name} hook {number} of {count}{marked}")
}

/// The step of a hook that did not end well. The command is in the step before.
fn failed(label: &str, took: Duration, error: &HookError) -> String {
    let reason = match error {
        HookError::Failed { status, output, .. } => format!("({status}) {output}"),
        HookError::Start { .. } | HookError::TimedOut { .. } => error.to_string(),
    };
    format!("Execution of {label} failed in {took:?} with error: {reason}")
}

/// Cuts trailing `&` (any number) and blanks; true when there was one.
fn split_async(text: &str) -> (&str, bool) {
    let trimmed = text.trim();
    let command = trimmed.trim_end_matches(['&', ' ', '\t']);
    (command, trimmed.ends_with('&'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_read_as_in_the_original() {
        assert_eq!(label("PreFailoverProcesses", 2, 3, true), "PreFailoverProcesses hook 2 of 3 (async)");
        let label = label("PreFailoverProcesses", 1, 1, false);
        let error = HookError::Failed {
            command: "false".into(),
            status: "exit status 1".into(),
            output: "no disk".into(),
        };
        assert_eq!(
            failed(&label, Duration::from_millis(1500), &error),
            "Execution of PreFailoverProcesses hook 1 of 1 failed in 1.5s with error: (exit status 1) no disk"
        );
    }

    #[test]
    fn trailing_ampersands_make_a_hook_asynchronous() {
        assert_eq!(split_async("  echo a  "), ("echo a", false));
        assert_eq!(split_async("echo a &"), ("echo a", true));
        assert_eq!(split_async("echo a && true & & "), ("echo a && true", true));
    }
}
