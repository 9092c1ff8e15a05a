//! Which commands of the original exist here, and which do not.

use registry::{RouteTable, command, operations, topic, usage};

/// Every command of the original's server program.
const COMMANDS: &str = include_str!("fixtures/original_commands.txt");

/// What cannot be done here, and why.
const MISSING: &[(&str, &str)] = &[];

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

#[test]
fn every_operation_has_help_and_is_reached_by_all_its_names() {
    let routes = RouteTable::new();
    for operation in operations() {
        assert!(!operation.section.title().is_empty() && !operation.help.is_empty(), "{}", operation.name);
        for name in std::iter::once(&operation.name).chain(operation.synonyms) {
            if operation.is_command {
                assert_eq!(command(name).map(|found| found.id), Some(operation.id), "{name}");
                let text = topic(name).unwrap_or_default();
                assert!(text.contains(operation.help) && text.contains(&usage(operation)), "{name}");
            }
            for route in operation.routes {
                // A route that begins with the name exists under every other name, too.
                let path = match route.strip_prefix(operation.name) {
                    Some(rest) if rest.is_empty() || rest.starts_with('/') => format!("{name}{rest}"),
                    Some(_) | None => (*route).to_owned(),
                };
                let path: Vec<&str> =
                    path.split('/').map(|part| if part.starts_with(':') { "1" } else { part }).collect();
                let found = routes.find(&path.join("/"));
                assert_eq!(found.map(|found| found.operation.id), Some(operation.id), "{path:?}");
            }
        }
        for param in operation.needs.iter().chain(operation.takes) {
            assert!(param.flag().starts_with('-'), "{}", operation.name);
        }
    }
}
