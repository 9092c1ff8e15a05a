# Shared helpers of the scripts in this directory. Source it; it changes nothing by itself.
# shellcheck shell=bash

# Where the lab keeps downloaded servers, template data directories and running servers.
LAB_HOME="${ORCHESTRATOR_LAB_HOME:-$HOME/.cache/orchestrator-lab}"

say() { printf '%s\n' "$*" >&2; }

die() {
  say "error: $*"
  exit 1
}

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
