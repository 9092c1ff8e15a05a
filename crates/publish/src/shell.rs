//! Hooks through a shell.

use std::io::{self, Write};
use std::process::{ExitStatus, Stdio};
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use ports::{Deadline, HookEnvironment, HookError, HookRunner};
use tempfile::TempPath;
use tokio::net::unix::pipe::Receiver;
use tokio::process::{Child, Command};
use tokio::time::{timeout, timeout_at};

use crate::capture::Capture;
use crate::group::Group;

/// How long, after a hook's shell has ended, its last output is waited for. Only a process that the hook left in the
/// background, holding its output open, makes us wait that long.
const LAST_OUTPUT: Duration = Duration::from_secs(1);

/// Runs each hook as `SHELL FILE ARGUMENT…`, where the file holds the command's text after substitution.
///
/// * The environment is the process's own plus the hook's variables; there is no input.
/// * The file is readable by the owner only and removed when the hook has ended.
/// * Output and errors are captured together; their first and last 4 KiB are kept.
/// * The hook and all it starts form a process group. At the deadline, or when the call is dropped, the group is killed.
/// * A hook that ends by itself may leave processes in the background. They live on, but should print elsewhere: a second
///   later nobody reads their output any more, and printing into it would end them.
///
/// Differs: the original had no time limit, and waited for background processes that kept the output open.
#[derive(Debug)]
pub struct ShellHooks {
    shell: RwLock<String>,
}

impl ShellHooks {
    /// Hooks run by this shell: a program, looked up in `PATH` unless it is a path. The setting
    /// `ProcessesShellCommand`.
    pub fn new(shell: impl Into<String>) -> Self {
        Self { shell: RwLock::new(shell.into()) }
    }

    /// Runs later hooks by another shell (reload).
    pub fn use_shell(&self, shell: impl Into<String>) {
        *self.shell.write().unwrap_or_else(PoisonError::into_inner) = shell.into();
    }

    fn shell(&self) -> String {
        self.shell.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl HookRunner for ShellHooks {
    async fn run(
        &self,
        command: &str,
        environment: &HookEnvironment,
        deadline: Deadline,
    ) -> Result<String, HookError> {
        let command = environment.expanded(command);
        if deadline.has_passed() {
            // Starting what must be killed at once would leave a hook half done.
            let source = io::Error::new(io::ErrorKind::TimedOut, "no time was left to start it");
            return Err(HookError::Start { command, source });
        }
        let mut running = match Running::start(&self.shell(), &command, environment) {
            Ok(running) => running,
            Err(source) => return Err(HookError::Start { command, source }),
        };
        match running.wait(deadline).await {
            Ok(Some(status)) if status.success() => Ok(running.output.text()),
            Ok(Some(status)) => {
                Err(HookError::Failed { command, status: describe(status), output: running.output.text() })
            }
            Ok(None) => Err(HookError::TimedOut { command, output: running.output.text() }),
            Err(source) => Err(HookError::Start { command, source }),
        }
    }
}

/// A started hook. Dropping it kills it. The order of the fields matters: the group is killed before the child is
/// given up, while its number is still its own, and the file goes last.
struct Running {
    group: Group,
    child: Child,
    output: Capture,
    _script: TempPath,
}

impl Running {
    /// Needs a Tokio runtime with I/O enabled.
    fn start(shell: &str, text: &str, environment: &HookEnvironment) -> io::Result<Self> {
        let script = write_script(text)?;
        let (reader, writer) = io::pipe()?;
        let output = Capture::new(Receiver::from_owned_fd(reader.into())?);
        let mut command = Command::new(shell);
        command
            .arg(script.as_os_str())
            .args(&environment.arguments)
            .envs(environment.variables.iter().map(|(name, value)| (name, value.replace('\0', ""))))
            .stdin(Stdio::null())
            .stdout(writer.try_clone()?)
            .stderr(writer)
            .process_group(0)
            .kill_on_drop(true);
        let child = command.spawn()?;
        // `command` holds our copies of the writing end; it goes out of scope here, so that the reader sees the end.
        Ok(Self { group: Group::led_by(child.id()), child, output, _script: script })
    }

    /// Waits for the shell's end and collects the output; `None` if the deadline came first and the group was killed.
    async fn wait(&mut self, deadline: Deadline) -> io::Result<Option<ExitStatus>> {
        let Self { group, child, output, .. } = self;
        let ended = timeout_at(deadline.instant(), async {
            tokio::select! {
                status = child.wait() => status,
                error = read_forever(output) => Err(error),
            }
        });
        let status = match ended.await {
            Ok(status) => {
                let status = status?;
                group.release();
                Some(status)
            }
            Err(_) => {
                group.kill();
                // Killed processes end at once, unless the kernel holds them; then the runtime collects them later.
                let _ = timeout(LAST_OUTPUT, child.wait()).await;
                None
            }
        };
        // What is read by then is what there is: a failure to read more does not change the hook's result.
        let _ = timeout(LAST_OUTPUT, output.read_to_end()).await;
        Ok(status)
    }
}

/// Reads until it fails; the end of the output is not an event, as the shell may close it and go on.
async fn read_forever(output: &mut Capture) -> io::Error {
    match output.read_to_end().await {
        Ok(()) => std::future::pending().await,
        Err(error) => error,
    }
}

/// A private file with the hook's text, closed already: removed when the path is dropped.
fn write_script(text: &str) -> io::Result<TempPath> {
    let mut file = tempfile::Builder::new().prefix("orchestrator-process-cmd-").tempfile()?;
    file.write_all(text.as_bytes())?;
    Ok(file.into_temp_path())
}

/// `exit status 3`, as the original wrote it, or `signal: 9 (SIGKILL)`.
fn describe(status: ExitStatus) -> String {
    match status.code() {
        Some(code) => format!("exit status {code}"),
        None => status.to_string(),
    }
}
