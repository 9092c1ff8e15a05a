//! Help, versions and mistakes.

use std::process::Command;

use registry::operations;

use crate::program::{PROGRAM, Prepared, ended};

fn run(words: &[&str]) -> crate::program::Ended {
    ended(Command::new(PROGRAM).args(words).current_dir("/").output().unwrap())
}

#[test]
fn versions_and_help_need_no_configuration() {
    let shown = run(&["--version"]);
    assert_eq!((shown.code, shown.stdout.lines().next()), (Some(0), Some(env!("CARGO_PKG_VERSION"))));
    assert_eq!(shown.stdout.lines().count(), 2);
    let shown = run(&[]);
    assert_eq!(shown.code, Some(0));
    assert!(shown.stdout.starts_with("usage: orchestrator [http | -c COMMAND]"));
    for words in [&["-c", "help"][..], &["help"]] {
        let shown = run(words);
        assert_eq!(shown.code, Some(0));
        assert!(shown.stdout.starts_with("Available commands (-c):\n"), "{}", shown.stdout);
    }
    for words in [&["help", "stop-slave"][..], &["help", "-c", "stop-slave"]] {
        assert!(run(words).stdout.starts_with("stop-replica:\n"), "{words:?}");
    }
    let shown = run(&["--help"]);
    assert_eq!((shown.code, shown.stdout.as_str()), (Some(0), ""));
    assert!(shown.stderr.starts_with("Usage of orchestrator:\n"));
}

#[test]
fn mistakes_have_their_exit_code_and_a_suggestion() {
    let program = Prepared::new();
    for (line, code, text) in [
        ("-nosuch", 2, "flag provided but not defined: -nosuch\nUsage of orchestrator:\n"),
        ("-c", 2, "flag needs an argument: -c\n"),
        ("---c", 2, "bad flag syntax: ---c\n"),
        ("-c topolgy", 1, " FATAL Unknown command: \"topolgy\". Did you mean topology"),
        (
            "-c nosuchcommandatall",
            1,
            " FATAL Unknown command: \"nosuchcommandatall\".\nAvailable commands (-c):\n",
        ),
        ("cli", 1, " FATAL Unknown command: \"\".\n"),
        (
            "topolgy",
            1,
            "\"topolgy\" is neither a mode (http, cli, help) nor a command; did you mean topology",
        ),
        ("help nosuchtopic", 1, "no help on \"nosuchtopic\""),
        ("-c topology -d a -s b", 1, " FATAL -s and -d are synonyms, yet both were specified."),
        (
            "-c topology -promotion-rule must",
            1,
            "-promotion-rule only supports prefer|neutral|prefer_not|must_not\n",
        ),
    ] {
        let ended = program.run(line);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(code), ""), "{line}: {}", ended.stderr);
        assert!(ended.stderr.contains(text), "{line}: {}", ended.stderr);
    }
    let ended = program.run("-c topolgy");
    let first = ended.stderr.lines().next().unwrap();
    assert!(first.ends_with(" FATAL Unknown command: \"topolgy\". Did you mean topology?"), "{first}");
}

#[test]
fn contradicting_configurations_are_refused_with_a_cure() {
    let program = Prepared::new();
    program.configure(r#""RaftEnabled":true,"RaftDataDir":"/tmp""#);
    program.fails("-c topology --alias shop", "Orchestrator configured to run raft (\"RaftEnabled\": true).");
    program.prints("-c clusters --ignore-raft-setup", "db:3306\nother:3306\n");
    program.configure(r#""BackendDB":"mysql""#);
    let ended = program.run("-c clusters");
    assert_eq!(ended.code, Some(1));
    program.configure(r#""InstancePollSeconds":"five""#);
    let ended = program.run("-c clusters");
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""));
    assert!(ended.stderr.contains("InstancePollSeconds"), "{}", ended.stderr);
    let ended = run(&["-config", "/nosuch.json", "-c", "clusters"]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("/nosuch.json"), "{}", ended.stderr);
}

#[test]
fn unused_flags_of_old_scripts_are_accepted_with_a_warning() {
    let program = Prepared::new();
    let ended = program.run_words(&["-c", "clusters", "--strict", "-verbose"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), "db:3306\nother:3306\n"));
    assert!(ended.stderr.contains("WARNING -strict has no effect"), "{}", ended.stderr);
}

/// Completes the last of the words with the bash completion, in a bash of its own.
fn completed(words: &[&str]) -> Vec<String> {
    let script = format!(
        "source <({PROGRAM} completion bash); COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); _orchestrator; \
         printf '%s\\n' \"${{COMPREPLY[@]}}\""
    );
    let output =
        Command::new("bash").args(["-c", &script, "bash", "orchestrator"]).args(words).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

#[test]
fn shells_complete_commands_and_flags() {
    assert_eq!(completed(&["-c", "topology-t"]), ["topology-tabulated", "topology-tags"]);
    assert_eq!(completed(&["which-cluster-ma"]), ["which-cluster-master"]);
    assert_eq!(completed(&["-c", "clusters", "--skip-unr"]), ["--skip-unresolve", "--skip-unresolve-check"]);
    assert_eq!(
        completed(&["-c", "register-candidate", "--promotion-rule", "prefer"]),
        ["prefer", "prefer_not"]
    );
    assert_eq!(completed(&["completion", ""]), ["bash", "zsh", "fish"]);
    let commands = completed(&["-c", ""]);
    for operation in operations().iter().filter(|operation| operation.is_command) {
        assert!(commands.contains(&operation.name.to_owned()), "{}", operation.name);
    }
    for shell in ["zsh", "fish"] {
        let ended = run(&["completion", shell]);
        assert_eq!(ended.code, Some(0));
        assert!(ended.stdout.contains("which-cluster-master"), "{}", ended.stdout);
    }
    for words in [&["completion"][..], &["completion", "csh"]] {
        let ended = run(words);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""));
        assert!(ended.stderr.contains("bash"), "{}", ended.stderr);
    }
}

#[test]
fn the_manual_page_has_every_command_and_flag() {
    let ended = run(&["man"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    for operation in operations().iter().filter(|operation| operation.is_command) {
        let heading = format!("\\fB{}\\fR\n", operation.name.replace('-', "\\-"));
        assert!(ended.stdout.contains(&heading), "{heading}");
    }
    assert!(ended.stdout.contains("\\fB\\-grab\\-election\\fR\n"));
    let macros = ["TH", "SH", "SS", "TP", "B", "I", "br"];
    for line in ended.stdout.lines().filter_map(|line| line.strip_prefix('.')) {
        let name = line.split(' ').next().unwrap();
        assert!(macros.contains(&name), "a text became a control line: .{line}");
    }
}

/// Commands whose output is pinned by a test of this program; whoever adds a command adds a test.
#[test]
fn every_command_is_tested() {
    let tests = [
        include_str!("questions.rs"),
        include_str!("changes.rs"),
        include_str!("bookkeeping.rs"),
        include_str!("relocation.rs"),
        include_str!("service.rs"),
        include_str!("agents.rs"),
    ]
    .concat();
    for operation in operations().iter().filter(|operation| operation.is_command) {
        let is_tested = std::iter::once(&operation.name).chain(operation.synonyms).any(|name| {
            let forms = [format!("-c {name}"), format!("\"{name}\""), format!("\"{name} ")];
            forms.iter().any(|form| tests.contains(form))
        });
        assert!(is_tested, "no test runs {}", operation.name);
    }
}
