//! Shell completions and the manual page, made from the registry and the table of flags.

use std::fmt::Write;

use registry::{Operation, Section, operations, usage};

use crate::flags;
use crate::output::{Exit, print};

const MODES: [&str; 5] = ["http", "cli", "help", "completion", "man"];

/// Prints the completion for a shell.
pub(crate) fn print_completion(shell: Option<&str>) -> Result<(), Exit> {
    let text = match shell {
        Some("bash") => bash(),
        Some("zsh") => format!("autoload -U +X bashcompinit && bashcompinit\n{}", bash()),
        Some("fish") => fish(),
        Some(other) => {
            return Err(Exit::fatal(format!("no completion for {other:?}; there are bash, zsh and fish")));
        }
        None => return Err(Exit::fatal("name a shell: orchestrator completion bash|zsh|fish")),
    };
    print(&text);
    Ok(())
}

/// Prints the manual page.
pub(crate) fn print_manual() -> Result<(), Exit> {
    print(&manual());
    Ok(())
}

fn commands() -> impl Iterator<Item = &'static Operation> {
    operations().iter().filter(|operation| operation.is_command)
}

fn command_names() -> String {
    commands().map(|operation| operation.name).collect::<Vec<_>>().join(" ")
}

fn bash() -> String {
    let flags: Vec<String> = flags::all().map(|flag| format!("--{}", flag.name)).collect();
    let files = "--config|-config";
    format!(
        "\
# Completion of orchestrator for bash: source it, or put it into /usr/share/bash-completion/completions/orchestrator
_orchestrator() {{
  local word=\"${{COMP_WORDS[COMP_CWORD]}}\" before=\"${{COMP_WORDS[COMP_CWORD-1]}}\"
  local commands=\"{commands}\"
  COMPREPLY=()
  case \"$before\" in
    -c | --c | help) mapfile -t COMPREPLY < <(compgen -W \"$commands\" -- \"$word\"); return ;;
    {files}) mapfile -t COMPREPLY < <(compgen -f -- \"$word\"); return ;;
    --promotion-rule | -promotion-rule)
      mapfile -t COMPREPLY < <(compgen -W \"prefer neutral prefer_not must_not\" -- \"$word\"); return ;;
    completion) mapfile -t COMPREPLY < <(compgen -W \"bash zsh fish\" -- \"$word\"); return ;;
  esac
  case \"$word\" in
    -*) mapfile -t COMPREPLY < <(compgen -W \"{flags}\" -- \"$word\") ;;
    *) [ \"$COMP_CWORD\" -eq 1 ] && mapfile -t COMPREPLY < <(compgen -W \"{modes} $commands\" -- \"$word\") ;;
  esac
  return 0
}}
complete -F _orchestrator orchestrator
",
        commands = command_names(),
        flags = flags.join(" "),
        modes = MODES.join(" "),
    )
}

fn fish() -> String {
    let mut out = String::from(
        "# Completion of orchestrator for fish: put it into ~/.config/fish/completions/orchestrator.fish\n",
    );
    for operation in commands() {
        let about = single_quoted(operation.summary);
        push(
            &mut out,
            format_args!("complete -c orchestrator -f -o c -x -a {} -d {about}\n", operation.name),
        );
        push(
            &mut out,
            format_args!(
                "complete -c orchestrator -f -n __fish_use_subcommand -a {} -d {about}\n",
                operation.name
            ),
        );
    }
    for mode in MODES {
        push(&mut out, format_args!("complete -c orchestrator -f -n __fish_use_subcommand -a {mode}\n"));
    }
    for flag in flags::all().filter(|flag| flag.name != "c") {
        let value = if flag.takes_value { " -r" } else { "" };
        let about = single_quoted(flag.about);
        push(&mut out, format_args!("complete -c orchestrator -l {}{value} -d {about}\n", flag.name));
    }
    out
}

fn single_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

fn manual() -> String {
    let mut out = String::from(
        ".TH ORCHESTRATOR 8\n.SH NAME\norchestrator \\- replication topologies of MySQL and MariaDB: discovery, \
         refactoring, failover\n.SH SYNOPSIS\n.B orchestrator http\n[flags]\n.br\n.B orchestrator -c\n.I command\n\
         [flags]\n.br\n.B orchestrator help\n.I command\n.SH DESCRIPTION\nAs a service (http) it discovers \
         servers, watches them, replaces dead primaries and serves an HTTP API. With a command it works on the same \
         backend, with or without a service.\n.SH OPTIONS\nOne dash or two; -flag value or -flag=value.\n",
    );
    for flag in flags::all() {
        let value = if flag.takes_value { " \\fIvalue\\fR" } else { "" };
        push(&mut out, format_args!(".TP\n\\fB\\-{}\\fR{value}\n{}\n", roff(flag.name), line(flag.about)));
    }
    out.push_str(".SH COMMANDS\n");
    let mut section: Option<Section> = None;
    for operation in commands() {
        if section != Some(operation.section) {
            section = Some(operation.section);
            push(&mut out, format_args!(".SS {}\n", roff(operation.section.title())));
        }
        push(&mut out, format_args!(".TP\n\\fB{}\\fR\n{}\n", roff(operation.name), line(operation.help)));
        push(&mut out, format_args!(".br\n{}\n", line(&usage(operation))));
    }
    out.push_str(
        ".SH EXIT STATUS\n0 for success, 1 after a failure, 2 for flags that cannot be understood.\n.SH FILES\n\
         /etc/orchestrator.conf.json, conf/orchestrator.conf.json, orchestrator.conf.json, \
         /etc/orchestrator.conf.d/*.json\n",
    );
    out
}

/// Text of a manual page: a dash that can be copied, no control line.
fn roff(text: &str) -> String {
    text.replace('\\', "\\e").replace('-', "\\-")
}

fn line(text: &str) -> String {
    let text = roff(text);
    if text.starts_with(['.', '\'']) { format!("\\&{text}") } else { text }
}

fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = out.write_fmt(text);
}
