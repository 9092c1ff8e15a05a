# The web pages: their tools, and the files that are built into the program. Source it after common.sh.
# shellcheck shell=bash

# Vite's minimum.
NODE_NEEDED=20.19

# True if Node.js is there and new enough.
has_node() {
  has node && has npm || return 1
  node -e "const [a, b] = process.versions.node.split('.').map(Number); const [x, y] = '$NODE_NEEDED'.split('.').map(Number); process.exit(a > x || (a === x && b >= y) ? 0 : 1)"
}

# Installs what web/package-lock.json names, if that has changed since.
install_web() {
  has_node || die "Node.js $NODE_NEEDED or newer with npm is needed for the web pages; install it and run script/setup again"
  local stamp=web/node_modules/.installed
  [ ! -e "$stamp" ] || [ web/package-lock.json -nt "$stamp" ] || return 0
  say "web: installing what building needs"
  npm --prefix web ci --no-audit --no-fund --loglevel=error >&2
  touch "$stamp"
}

# Builds the web pages into web/dist, if anything they are made of has changed since.
build_web() {
  install_web
  local built=web/dist/index.html
  if [ -e "$built" ] && [ -z "$(find web -path web/node_modules -prune -o -path web/dist -prune -o -path web/test-results -prune -o -type f -newer "$built" -print -quit)" ]; then
    return 0
  fi
  say "web: building"
  npm --prefix web run --silent build -- --logLevel warn >&2
  # Not every build writes anew what has not changed.
  touch "$built"
}

# Format, lints, types and unit tests of the web pages. Changes nothing.
check_web() {
  [ -e web/node_modules/.installed ] || die "the tools of the web pages are missing; script/setup installs them"
  say "check: web pages"
  npm --prefix web run --silent lint
  npm --prefix web run --silent check -- --output human
  npm --prefix web run --silent unit -- --reporter=dot
}

# The web pages in a browser, on real servers; needs the programs of the workspace in folder $1.
test_web() {
  if ! has chromium && [ -z "${CHROMIUM:-}" ]; then
    die "chromium is missing; script/setup installs it"
  fi
  say "test: web pages in a browser"
  ORCHESTRATOR_BINARIES="$1" CHROMIUM="${CHROMIUM:-$(command -v chromium)}" npm --prefix web run --silent browser
}
