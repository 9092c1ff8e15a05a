//! Which commands of the original exist here, and which do not.

use registry::command;

/// Every command of the original's server program.
const COMMANDS: &str = include_str!("fixtures/original_commands.txt");

/// What cannot be done here, and why.
const MISSING: &[(&str, &str)] = &[("custom-command", "there are no agents")];

#[test]
fn commands_of_the_original_exist_or_are_named_here() {
    let original: Vec<&str> = COMMANDS.lines().filter(|line| !line.is_empty()).collect();
    assert!(original.len() > 150, "{}", original.len());
    // `help` is not an operation: it describes them.
    let absent: Vec<&str> =
        original.into_iter().filter(|name| *name != "help" && command(name).is_none()).collect();
    let known: Vec<&str> = MISSING.iter().map(|(name, _)| *name).collect();
    let mut expected = known.clone();
    expected.sort_unstable();
    let mut found = absent;
    found.sort_unstable();
    assert_eq!(found, expected);
}
