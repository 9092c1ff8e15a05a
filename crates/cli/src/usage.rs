//! Help, and what is said about words that are no commands.

use registry::{command_list, nearest_commands, topic};

use crate::output::{Exit, print};

const CHEAT_SHEET: &str = "\
usage: orchestrator [http | -c COMMAND] [flags]

Run as a service, with the HTTP API:
    orchestrator http
List commands:
    orchestrator -c help
Help on one command:
    orchestrator help COMMAND
Completion for bash, zsh or fish, and a manual page:
    orchestrator completion bash
    orchestrator man
Run a command on the same backend:
    orchestrator -c topology -i host:port
";

/// Prints what to do with the program.
pub(crate) fn print_cheat_sheet() {
    print(CHEAT_SHEET);
}

/// Prints all commands.
pub(crate) fn print_commands() -> Result<(), Exit> {
    print(&command_list());
    Ok(())
}

/// Prints the help on one command.
pub(crate) fn print_topic(name: &str) -> Result<(), Exit> {
    match topic(name) {
        Some(text) => {
            print(&text);
            Ok(())
        }
        None => Err(Exit::fatal(format!("no help on {name:?}{}", suggestion(name)))),
    }
}

/// The end of a command that does not exist.
pub(crate) fn unknown_command(name: &str) -> Exit {
    let near = suggestion(name);
    let near = near.trim_start_matches("; ");
    let near = near.strip_prefix("did").map_or_else(String::new, |rest| format!(" Did{rest}"));
    Exit { appendix: command_list(), ..Exit::fatal(format!("Unknown command: \"{name}\".{near}")) }
}

/// The end of a first word that is neither mode nor command.
pub(crate) fn unknown_word(word: &str) -> Exit {
    let message = format!("{word:?} is neither a mode (http, cli, help) nor a command{}", suggestion(word));
    Exit { appendix: format!("\n{CHEAT_SHEET}"), ..Exit::fatal(message) }
}

fn suggestion(name: &str) -> String {
    match nearest_commands(name).as_slice() {
        [] => String::new(),
        near => format!("; did you mean {}?", near.join(", ")),
    }
}
