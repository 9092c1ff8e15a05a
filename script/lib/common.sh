# Shared helpers of the scripts in this directory. Source it; all it changes is PATH.
# shellcheck shell=bash

# Where the lab keeps downloaded servers, template data directories and running servers.
# shellcheck disable=SC2034  # for those who source this
LAB_HOME="${ORCHESTRATOR_LAB_HOME:-$HOME/.cache/orchestrator-lab}"

# Rust's usual place is not on every shell's PATH, nor is a tool just installed there.
PATH="$PATH:${CARGO_HOME:-$HOME/.cargo}/bin"

say() { printf '%s\n' "$*" >&2; }

die() {
  say "error: $*"
  exit 1
}

# Prints the comment at the head of script $1, which is its help.
usage() { sed -n '2,/^[^#]/{s/^# \{0,1\}//p;}' "$1"; }

# Runs a command as root: directly, or through sudo when we are somebody else.
as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif command -v sudo >/dev/null 2>&1; then
    sudo "$@"
  else
    die "'$1' needs root; run this as root or install sudo"
  fi
}

# True if a program is reachable; /usr/sbin is not on every user's PATH.
has() { PATH="$PATH:/usr/sbin:/sbin" command -v "$1" >/dev/null 2>&1; }

# Prints the folder into which cargo builds.
target_dir() {
  cargo metadata --no-deps --format-version 1 | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p'
}

# Runs tests; arguments as for `cargo nextest run`. Without nextest (see script/setup) plain `cargo test` runs them all,
# two at a time, because each live test starts several servers.
run_tests() {
  # Tests rewrite generated pages when this is set; only script/fix means that.
  unset UPDATE
  if has cargo-nextest; then
    cargo nextest run --workspace "$@"
  else
    say "cargo-nextest is missing, using cargo test"
    cargo test --workspace --no-fail-fast --lib --bins --tests -- --test-threads=2
  fi
}

# Everything that can be said without running the program: shell syntax, format, lints. Changes nothing.
check_text() {
  local file
  local -a scripts=()
  for file in script/* script/lib/*.sh .ci/run; do
    [ ! -f "$file" ] || scripts+=("$file")
  done
  say "check: ${#scripts[@]} shell scripts"
  for file in "${scripts[@]}"; do bash -n "$file"; done
  if has shellcheck; then shellcheck --external-sources --severity=warning "${scripts[@]}"; fi
  say "check: format"
  cargo fmt --all --check
  if has cargo-deny; then
    say "check: licences and dependencies"
    cargo deny --offline check licenses bans sources
  fi
  say "check: lints"
  cargo clippy --workspace --all-targets --locked -- -D warnings
}
