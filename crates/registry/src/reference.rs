//! The reference page of commands and routes, made from the rows.

use std::fmt::Write;

use crate::help::usage;
use crate::operation::{Effect, Operation, Section, operations};

const INTRODUCTION: &str = "\
<!-- Made from the registry of operations by script/fix. Do not edit. -->

# Commands

`orchestrator -c COMMAND` (or just `orchestrator COMMAND`) carries out an operation on the backend that the configuration
names, whether or not a service runs. `orchestrator-client -c COMMAND` has the same commands and asks a service by HTTP.

* `-i host[:port]` names the instance. Several, separated by commas or blanks, are done one after the other. A part of
  the host name is enough if only one known instance matches. Without `-i` the host of the command is meant.
* `--alias` names a cluster by alias or name; where a command takes a cluster, `-i` may name one of its instances.
* Standard output holds results only, and nothing when there are none; messages go to standard error. The exit code is 0,
  1 after a failure, and 2 for flags that cannot be understood.
* `--json` prints what the HTTP API answers. One dash or two, `-flag value` or `-flag=value`: all the same.

`orchestrator help COMMAND` prints the text on one command, `orchestrator completion bash` (or `zsh`, `fish`) a completion
for the shell, and `orchestrator man` a manual page.

An operation that *reads* changes nothing. One that *changes* changes what orchestrator knows or does, and one that
*disrupts* changes database servers; over HTTP both need the right to write, and accept `POST` as well as `GET`.
";

/// The page in Markdown.
pub fn command_page() -> String {
    let mut out = String::from(INTRODUCTION);
    let mut section: Option<Section> = None;
    for operation in operations().iter().filter(|operation| operation.is_command) {
        if section != Some(operation.section) {
            section = Some(operation.section);
            push(&mut out, format_args!("\n## {}\n", operation.section.title()));
        }
        command(&mut out, operation);
    }
    out.push_str(
        "\n## Routes without command\n\nBelow `/api/`.\n\n| Route | Effect | Meaning |\n|---|---|---|\n",
    );
    for operation in operations().iter().filter(|operation| !operation.is_command) {
        for route in operation.routes {
            let text = if operation.routes.len() > 1 { operation.summary } else { operation.help };
            push(&mut out, format_args!("| `{route}` | {} | {} |\n", word(operation.effect), cell(text)));
        }
    }
    out
}

fn command(out: &mut String, operation: &Operation) {
    push(out, format_args!("\n### {}\n\n{}\n\n", operation.name, operation.help));
    push(out, format_args!("    {}\n\n", usage(operation)));
    push(out, format_args!("Effect: {}.", word(operation.effect)));
    if !operation.synonyms.is_empty() {
        push(out, format_args!(" Also: {}.", quoted(operation.synonyms)));
    }
    if !operation.routes.is_empty() {
        push(out, format_args!(" HTTP: {}.", quoted(operation.routes)));
    }
    out.push('\n');
}

fn quoted(texts: &[&str]) -> String {
    texts.iter().map(|text| format!("`{text}`")).collect::<Vec<_>>().join(", ")
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn word(effect: Effect) -> &'static str {
    match effect {
        Effect::Read => "reads",
        Effect::Change => "changes",
        Effect::Disrupt => "disrupts",
    }
}

fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = out.write_fmt(text);
}
