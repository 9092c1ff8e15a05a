//! The command line: flags, dispatch, output and exit codes; and the daemon's start and end.
//!
//! [`run`] is the whole program `orchestrator`, [`run_client`] the program `orchestrator-client`. Operations are those of the registry, carried out by the same code
//! that serves HTTP; here are only the flags of the original, the text they print, and the wiring of all parts.

mod assemble;
mod client;
mod commands;
mod daemon;
mod flags;
mod generated;
mod logging;
mod node;
mod open_files;
mod output;
mod published;
mod syslog;
mod system;
mod usage;

use std::process::ExitCode;

use flags::{FlagError, Flags};
use node::VERSION;
use output::{Exit, print, print_error};

/// Commit it was built from; empty when the build does not know.
const COMMIT: &str = match option_env!("ORCHESTRATOR_COMMIT") {
    Some(commit) => commit,
    None => "",
};

/// Runs the program with these words (without its own name) and returns its exit code.
pub fn run(words: Vec<String>) -> ExitCode {
    let flags = match flags::parse(words) {
        Ok(flags) => flags,
        Err(FlagError::HelpWanted) => {
            print_error(&flags::listing());
            return ExitCode::SUCCESS;
        }
        Err(FlagError::Wrong(message)) => {
            print_error(&format!("{message}\n{}", flags::listing()));
            return ExitCode::from(2);
        }
    };
    match choose(flags) {
        Ok(()) => ExitCode::SUCCESS,
        Err(exit) => exit.report(),
    }
}

/// Runs the client with these words (without its own name) and returns its exit code.
pub fn run_client(words: Vec<String>) -> ExitCode {
    client::run(words)
}

/// The order of checks is part of the contract: `--version` and `help TOPIC` work without configuration.
fn choose(flags: Flags) -> Result<(), Exit> {
    flags.check()?;
    if flags.version {
        print(&format!("{VERSION}\n{COMMIT}\n"));
        return Ok(());
    }
    let first = flags.words.first().map(String::as_str);
    match first {
        Some("help") => match flags.words.get(1).map(String::as_str).or(flags.command()) {
            Some(topic) => usage::print_topic(topic),
            None => usage::print_commands(),
        },
        Some("completion") => generated::print_completion(flags.words.get(1).map(String::as_str)),
        Some("man") => generated::print_manual(),
        Some("http") => commands::with_runtime(flags, daemon::serve),
        Some("cli") | None => match flags.command() {
            Some("help") => usage::print_commands(),
            Some("continuous") => commands::with_runtime(flags, daemon::run_continuously),
            Some(command) => {
                let command = command.to_owned();
                commands::with_runtime(flags, move |flags| commands::run(command, flags))
            }
            None if first.is_some() => Err(usage::unknown_command("")),
            None => {
                usage::print_cheat_sheet();
                Ok(())
            }
        },
        Some("continuous") => commands::with_runtime(flags, daemon::run_continuously),
        Some(word) if registry::command(word).is_some() && flags.command().is_none() => {
            let command = word.to_owned();
            commands::with_runtime(flags, move |flags| commands::run(command, flags))
        }
        Some(word) => Err(usage::unknown_word(word)),
    }
}
