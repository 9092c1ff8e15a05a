# Puts Debian sid's MySQL server into a private prefix, without touching the system's packages.
# Needs common.sh. The prefix brings its own C library, so the programs in it are started through its own loader.
# shellcheck shell=bash

# True if the machine has an own MySQL server of version 8 or newer (MariaDB also installs a `mysqld`).
mysql_is_installed() {
  has mysqld || return 1
  local text
  text="$(PATH="$PATH:/usr/sbin" mysqld --version 2>/dev/null)" || return 1
  case "$text" in
    *MariaDB*) return 1 ;;
    *"Ver "[89].* | *"Ver "[1-9][0-9].*) return 0 ;;
    *) return 1 ;;
  esac
}

# Prints the newest complete prefix, if any.
mysql_prefix() {
  local marker
  marker="$(find "$LAB_HOME" -mindepth 2 -maxdepth 2 -path '*/mysql-*/.complete' 2>/dev/null | sort -V | tail -n 1)"
  [ -n "$marker" ] && dirname "$marker"
}

# Prints the mirror that this machine already uses for Debian itself.
debian_mirror() {
  apt-get indextargets --format '$(SITE)' 'Created-By: Packages' | sed 's|/*$||' | grep -m 1 '/debian$'
}

# Prints the options that make apt work in the private root $1, whose only source is suite sid of mirror $2.
write_private_apt() {
  local root="$1" mirror="$2" keyring=/usr/share/keyrings/debian-archive-keyring.gpg
  [ -r "$keyring" ] || as_root apt-get install -y --no-install-recommends debian-archive-keyring >/dev/null
  mkdir -p "$root/lists/partial" "$root/cache/archives/partial"
  : >"$root/status"
  printf 'deb [signed-by=%s] %s sid main\n' "$keyring" "$mirror" >"$root/sources.list"
  cat >"$root/apt.conf" <<CONF
Dir::Etc::sourcelist "$root/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::State::lists "$root/lists";
Dir::State::status "$root/status";
Dir::Cache "$root/cache";
Acquire::Languages "none";
APT::Sandbox::User "";
APT::Get::Assume-Yes "true";
CONF
}

# Downloads the server and everything it needs, and unpacks it into $LAB_HOME/mysql-VERSION.
install_mysql_prefix() {
  local work mirror version prefix unpacked package
  local -a uris
  mkdir -p "$LAB_HOME"
  mirror="$(debian_mirror)" || true
  [ -n "$mirror" ] || die "apt knows no Debian mirror (apt-get update first); the lab needs one for MySQL"
  work="$(mktemp -d "$LAB_HOME/setup.XXXXXX")"
  # shellcheck disable=SC2064  # the value of now is meant
  trap "rm -rf '$work'" EXIT
  write_private_apt "$work/apt" "$mirror"
  export APT_CONFIG="$work/apt/apt.conf"

  say "setup: reading the package list of Debian sid"
  apt-get -qq update
  version="$(apt-cache show --no-all-versions mysql-server-core | sed -n 's/^Version: //p' | sed 's/^[0-9]*://; s/[-+~].*//')"
  [ -n "$version" ] || die "Debian sid has no mysql-server-core for this architecture"
  prefix="$LAB_HOME/mysql-$version"

  say "setup: downloading MySQL $version"
  mapfile -t uris < <(apt-get install --no-install-recommends --print-uris -qq mysql-server-core mysql-client-core)
  [ "${#uris[@]}" -gt 0 ] || die "apt could not resolve mysql-server-core"
  apt-get -qq install --no-install-recommends --download-only mysql-server-core mysql-client-core >/dev/null

  say "setup: unpacking ${#uris[@]} packages into $prefix"
  unpacked="$work/prefix"
  # sid's packages expect the merged /usr: without these links the loader would land beside /usr.
  mkdir -p "$unpacked/usr/bin" "$unpacked/usr/sbin" "$unpacked/usr/lib" "$unpacked/usr/lib64"
  for package in bin sbin lib lib64; do ln -s "usr/$package" "$unpacked/$package"; done
  for package in "$work"/apt/cache/archives/*.deb; do
    dpkg-deb --fsys-tarfile "$package" | tar -x --keep-directory-symlink --no-same-owner -C "$unpacked"
  done
  unset APT_CONFIG
  rm -rf "$prefix"
  mv "$unpacked" "$prefix"
  : >"$prefix/.complete"
  rm -rf "$work"
  trap - EXIT
}

# The last proof: the server in the prefix says its version.
check_mysql_prefix() {
  local prefix="$1" loader library
  loader="$(find "$prefix"/usr/lib "$prefix"/usr/lib64 -name 'ld-linux*.so.*' 2>/dev/null | head -n 1)"
  library="$(dirname "$(find "$prefix/usr/lib" -name libc.so.6 | head -n 1)")"
  [ -n "$loader" ] || die "$prefix has no loader; remove it and run script/setup again"
  "$loader" --library-path "$library" "$prefix/usr/sbin/mysqld" --version >&2 ||
    die "the MySQL server in $prefix does not run; remove it and run script/setup again"
}
