//! The workspace as cargo sees it.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// The folder that holds the workspace's manifest.
pub(crate) fn root() -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    path.canonicalize().unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The packages of the workspace only, each with its declared dependencies.
pub(crate) fn members() -> Vec<Value> {
    packages_of(&["--no-deps"])
}

/// Every package that building and testing on this machine takes, those of the workspace included.
pub(crate) fn all_packages() -> Vec<Value> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let about = output_of(Command::new(rustc).arg("-vV"));
    let host = about.lines().find_map(|line| line.strip_prefix("host: ")).expect("rustc names its host");
    // Without a platform cargo would fetch what only other systems need.
    packages_of(&["--filter-platform", host])
}

/// A text field of a package or dependency; empty if it has none.
pub(crate) fn field<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

fn packages_of(arguments: &[&str]) -> Vec<Value> {
    let mut command = Command::new(env!("CARGO"));
    command.args(["metadata", "--format-version", "1", "--locked"]).args(arguments).current_dir(root());
    let mut parsed: Value =
        serde_json::from_str(&output_of(&mut command)).expect("cargo metadata prints JSON");
    serde_json::from_value(parsed["packages"].take()).expect("cargo metadata lists packages")
}

fn output_of(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("cargo and rustc print text")
}
