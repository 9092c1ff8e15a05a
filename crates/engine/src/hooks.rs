//! Running the lists of hooks: in order, audited, asynchronous where the command ends in `&`, never without a limit.

use std::time::Duration;

use ports::{Deadline, HookEnvironment, HookError};

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
            let label = format!("{list_name} hook {} of {}", index + 1, commands.len());
            let (command, is_async) = split_async(text);
            if is_async {
                self.start_async_hook(command.to_owned(), environment.clone(), uid.to_owned(), label);
                continue;
            }
            let result = self.run_one_hook(command, environment, uid, &label).await;
            if let Err(error) = result {
                if fail_fast {
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
        self.write_step(uid, format!("Running {label}: {command}")).await;
        let began = tokio::time::Instant::now();
        let result = self.inner.ports.hooks.run(command, environment, Deadline::after(HOOK_LIMIT)).await;
        let took = began.elapsed();
        match result {
            Ok(output) if output.is_empty() => {
                self.write_step(uid, format!("Completed {label} in {took:?}")).await;
                Ok(())
            }
            Ok(output) => {
                self.write_step(uid, format!("Completed {label} in {took:?}; it printed: {output}")).await;
                Ok(())
            }
            Err(error) => {
                self.write_step(uid, format!("Execution of {label} failed in {took:?}: {error}")).await;
                Err(error)
            }
        }
    }
}

/// Cuts trailing `&` (any number) and blanks; true when there was one.
fn split_async(text: &str) -> (&str, bool) {
    let trimmed = text.trim();
    let command = trimmed.trim_end_matches(['&', ' ', '\t']);
    (command, trimmed.ends_with('&'))
}

#[cfg(test)]
mod tests {
    use super::split_async;

    #[test]
    fn trailing_ampersands_make_a_hook_asynchronous() {
        assert_eq!(split_async("  echo a  "), ("echo a", false));
        assert_eq!(split_async("echo a &"), ("echo a", true));
        assert_eq!(split_async("echo a && true & & "), ("echo a && true", true));
    }
}
