//! Hooks as operators write them, run by a real shell.

use std::path::Path;
use std::time::{Duration, Instant};

use ports::{Deadline, HookEnvironment, HookError, HookRunner};
use publish::ShellHooks;

fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

async fn run_within(
    limit: Duration,
    command: &str,
    environment: &HookEnvironment,
) -> Result<String, HookError> {
    ShellHooks::new("bash").run(command, environment, Deadline::after(limit)).await
}

async fn run(command: &str) -> Result<String, HookError> {
    run_within(Duration::from_secs(30), command, &HookEnvironment::default()).await
}

/// Waits until `path` has a line, and returns it.
async fn line_in(path: &Path) -> String {
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        if text.ends_with('\n') {
            return text.trim().to_owned();
        }
        assert!(Instant::now() < end, "{} still holds {text:?}", path.display());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Waits until no such process is alive. A zombie counts as dead: who its parent is depends on the machine.
async fn wait_for_end_of(process: &str) {
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        let state = stat.rsplit(") ").next().and_then(|rest| rest.chars().next());
        if matches!(state, None | Some('Z' | 'X')) {
            return;
        }
        assert!(Instant::now() < end, "process {process} is still alive: {stat}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_hook_that_succeeds_returns_what_it_printed() {
    assert_eq!(run("echo out; echo err >&2; echo again").await.unwrap(), "out\nerr\nagain");
    assert_eq!(run("").await.unwrap(), "");
}

#[tokio::test]
async fn a_hook_that_fails_says_how_and_what_it_printed() {
    let error = run("echo not today; exit 3").await.unwrap_err();
    assert_eq!(error.to_string(), "hook `echo not today; exit 3` ended with exit status 3: not today");
}

#[tokio::test]
async fn a_hook_ended_by_a_signal_has_failed() {
    let error = run("kill -TERM $$").await.unwrap_err();
    assert!(matches!(&error, HookError::Failed { status, .. } if status.contains("15")), "{error}");
}

#[tokio::test]
async fn a_shell_that_does_not_exist_cannot_start() {
    let hooks = ShellHooks::new("/nowhere/shell");
    let result =
        hooks.run("true", &HookEnvironment::default(), Deadline::after(Duration::from_secs(5))).await;
    assert!(matches!(result, Err(HookError::Start { .. })), "{result:?}");
}

#[tokio::test]
async fn placeholders_are_replaced_and_values_not_expanded_again() {
    let environment = HookEnvironment {
        placeholders: pairs(&[("{failedHost}", "db{failedPort}"), ("{failedPort}", "3306")]),
        ..HookEnvironment::default()
    };
    let printed =
        run_within(Duration::from_secs(30), "echo '{failedHost}:{failedPort} {successorHost}'", &environment);
    assert_eq!(printed.await.unwrap(), "db{failedPort}:3306 {successorHost}");
}

#[tokio::test]
async fn hostile_values_are_safe_in_variables() {
    let hostile = "'; exit 7; \" $(exit 8) `exit 9` \\ {failedHost}\nsecond line";
    let environment = HookEnvironment {
        variables: pairs(&[("ORC_FAILURE_DESCRIPTION", hostile), ("ORC_ZERO", "a\0b")]),
        placeholders: pairs(&[("{failedHost}", "db1")]),
        arguments: vec!["first one".to_owned(), hostile.to_owned()],
    };
    let command =
        "printf '%s|%s|%s|%s|%s' \"$ORC_FAILURE_DESCRIPTION\" \"$ORC_ZERO\" {failedHost} \"$1\" \"$2\"";
    let printed = run_within(Duration::from_secs(30), command, &environment).await.unwrap();
    assert_eq!(printed, format!("{hostile}|ab|db1|first one|{hostile}"));
}

#[tokio::test]
async fn a_hook_has_our_environment_its_variables_and_no_input() {
    let environment =
        HookEnvironment { variables: pairs(&[("ORC_FAILED_PORT", "3306")]), ..HookEnvironment::default() };
    let printed = run_within(Duration::from_secs(30), "echo $PATH; echo $ORC_FAILED_PORT; cat", &environment);
    assert_eq!(printed.await.unwrap(), format!("{}\n3306", std::env::var("PATH").unwrap()));
}

#[tokio::test]
async fn the_file_is_private_and_removed_afterwards() {
    let printed = run("echo $0; stat -c %a $0").await.unwrap();
    let (file, mode) = printed.split_once('\n').unwrap();
    assert!(
        Path::new(file).file_name().unwrap().to_str().unwrap().starts_with("orchestrator-process-cmd-"),
        "{file}"
    );
    assert_eq!(mode, "600");
    assert!(!Path::new(file).exists());
}

#[tokio::test]
async fn at_the_deadline_the_hook_and_its_children_are_killed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("child");
    let command = format!("echo begun; sleep 600 & echo $! > {}; wait", path.display());
    let began = Instant::now();
    let error = run_within(Duration::from_secs(2), &command, &HookEnvironment::default()).await.unwrap_err();
    assert!(matches!(&error, HookError::TimedOut { output, .. } if output == "begun"), "{error}");
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    wait_for_end_of(&line_in(&path).await).await;
}

#[tokio::test]
async fn a_call_that_is_dropped_takes_the_hook_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("child");
    let command = format!("echo $0; sleep 600 & echo $! > {}; wait", path.display());
    let environment = HookEnvironment::default();
    let child = tokio::select! {
        result = run_within(Duration::from_secs(600), &command, &environment) => panic!("ended by itself: {result:?}"),
        child = line_in(&path) => child,
    };
    wait_for_end_of(&child).await;
}

#[tokio::test]
async fn no_hook_is_started_without_time_to_run() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ran");
    let command = format!("touch {}", path.display());
    let result = run_within(Duration::ZERO, &command, &HookEnvironment::default()).await;
    assert!(matches!(result, Err(HookError::Start { .. })), "{result:?}");
    assert!(!path.exists());
}

#[tokio::test]
async fn a_process_left_in_the_background_is_neither_waited_for_nor_killed() {
    let began = Instant::now();
    let child = run("sleep 25 & echo $!").await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    assert!(Path::new("/proc").join(&child).exists(), "process {child} was killed");
    run(&format!("kill {child}")).await.unwrap();
}

#[tokio::test]
async fn much_output_neither_blocks_nor_fills_the_memory() {
    let printed = run("echo first; head -c 50000000 /dev/zero | tr '\\0' x; echo; echo last").await.unwrap();
    assert!(printed.len() < 10_000, "{}", printed.len());
    assert!(printed.starts_with("first\nxxx") && printed.ends_with("xxx\nlast"), "{printed}");
    assert!(printed.contains("bytes left out"), "{printed}");
}
