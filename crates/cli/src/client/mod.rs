//! The client of the HTTP API: the commands, flags and output of the original's shell script, without its needs.
//!
//! Flags and environment name one node or several; of several the one that leads is asked. Each command is a row of
//! [`table`]: what it cannot do without, the route, and how the answer is printed.

mod answer;
mod api;
mod options;
mod print;
mod rows;
mod special;
mod table;

use std::process::ExitCode;

use crate::output::{print, print_error};
use api::Api;
use options::{Choice, Options};

/// The end of a run that failed: what goes to standard output and standard error before exit code 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failed {
    stdout: String,
    stderr: String,
}

impl Failed {
    /// A failure of the client itself.
    fn new(message: impl std::fmt::Display) -> Self {
        let stderr = format!("orchestrator-client[{}]: {message}\n", std::process::id());
        Self { stdout: String::new(), stderr }
    }
}

/// Runs the client with these words (without its own name) and returns its exit code.
pub(crate) fn run(words: Vec<String>) -> ExitCode {
    let outcome = options::parse(words, &options::environment()).and_then(|choice| match choice {
        Choice::Help => {
            print(&table::help());
            Ok(())
        }
        Choice::Run(options) => run_command(&options),
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => {
            print(&failed.stdout);
            print_error(&failed.stderr);
            ExitCode::FAILURE
        }
    }
}

fn run_command(options: &Options) -> Result<(), Failed> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failed::new(format!("cannot start: {error}")))?;
    runtime.block_on(async {
        if options.command.is_empty() {
            return Err(Failed::new(
                "No command given. Use orchestrator-client -c <command> [...] or orchestrator-client --command <command> [...] to do something useful",
            ));
        }
        let row = table::find(&options.command)
            .ok_or_else(|| Failed::new(format!("Unsupported command {}", options.command)))?;
        for instance in table::instances(row, options) {
            let once = Options { instance, ..options.clone() };
            table::check(row, &once)?;
            let api = Api::connect(&once).await?;
            print(&special::run(row, &once, &api).await?);
        }
        Ok(())
    })
}
