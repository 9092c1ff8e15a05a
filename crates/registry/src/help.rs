//! Help texts, made from the rows.

use std::fmt::Write;

use crate::operation::{Effect, Operation, Section, command, operations};

const SYNOPSIS: &str = "orchestrator -c <command> [-i <instance.fqdn>[,<instance.fqdn>]* ] [-d <destination.fqdn>] [--verbose|--debug]";

/// The list of commands by section.
pub fn command_list() -> String {
    let mut out = String::from("Available commands (-c):\n");
    let mut section: Option<Section> = None;
    for operation in operations().iter().filter(|operation| operation.is_command) {
        if section != Some(operation.section) {
            section = Some(operation.section);
            line(&mut out, format_args!("{}:", operation.section.title()));
        }
        line(&mut out, format_args!("\t{:<40}{}", operation.name, operation.summary));
    }
    line(&mut out, format_args!("\nRun 'orchestrator help <command>' for more on one command.\n"));
    line(&mut out, format_args!("{SYNOPSIS}"));
    out
}

/// The help on one command, by name or synonym; `None` for an unknown one.
pub fn topic(name: &str) -> Option<String> {
    let operation = command(name)?;
    let mut out = String::new();
    line(&mut out, format_args!("{}:\n{}\n", operation.name, operation.help));
    line(&mut out, format_args!("Usage: {}", usage(operation)));
    if !operation.synonyms.is_empty() {
        line(&mut out, format_args!("Also: {}", operation.synonyms.join(", ")));
    }
    if !operation.routes.is_empty() {
        let method = if operation.effect == Effect::Read { "GET" } else { "GET or POST" };
        for route in operation.routes {
            line(&mut out, format_args!("{method} /api/{route}"));
        }
    }
    Some(out)
}

/// The command with all its flags; those it can do without in brackets.
pub fn usage(operation: &Operation) -> String {
    let mut out = format!("orchestrator -c {}", operation.name);
    for param in operation.needs {
        push(&mut out, format_args!(" {}", spelled(param.flag(), param.placeholder())));
    }
    for param in operation.takes {
        push(&mut out, format_args!(" [{}]", spelled(param.flag(), param.placeholder())));
    }
    out
}

fn spelled(flag: &str, placeholder: &str) -> String {
    if placeholder.is_empty() { flag.to_owned() } else { format!("{flag} {placeholder}") }
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    push(out, format_args!("{text}\n"));
}

fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = out.write_fmt(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_has_headings_and_aligned_commands() {
        let list = command_list();
        assert!(list.starts_with("Available commands (-c):\n"));
        assert!(list.contains("\nRecovery:\n"));
        assert!(list.contains("\n\ttopology                                "), "{list}");
        assert!(!list.contains("lb-check"), "routes that are no commands are not listed");
    }

    #[test]
    fn every_command_has_a_topic_also_by_its_old_name() {
        let text = topic("stop-slave").unwrap();
        assert!(text.starts_with("stop-replica:\n"));
        assert!(text.contains("Usage: orchestrator -c stop-replica [-i host:port]"), "{text}");
        assert_eq!(topic("nosuch"), None);
        for operation in operations().iter().filter(|operation| operation.is_command) {
            assert!(topic(operation.name).is_some());
        }
    }
}
