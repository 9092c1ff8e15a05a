# Puts key-value stores into private prefixes below LAB_HOME, beside the database servers. Needs common.sh, servers.sh.
# Both come alone, without the packages they name: the programs need little of them, and the machine has that.
# shellcheck shell=bash

# Moves the unpacked folder $1 to $LAB_HOME/$2. The rest is a command that proves that it runs here.
keep_store() {
  local folder="$1" prefix="$LAB_HOME/$2"
  shift 2
  "$@" >/dev/null 2>&1 || die "what was unpacked for $(basename "$prefix") does not run here"
  rm -rf "$prefix"
  mv "$folder" "$prefix"
  : >"$prefix/.complete"
}

# Makes the prefix of Consul from suite $2, using the work folder $1.
install_consul() {
  local work="$1" root="$1/apt-$2" version folder
  prepare_private_apt "$root" "$2"
  version="$(package_version "$root" consul 2>/dev/null)" || true
  [ -n "$version" ] || die "Debian $2 has no consul for this architecture"
  folder="$work/consul-$version"
  say "setup: unpacking consul $version from Debian $2"
  unpack_packages "$root" "$folder" "" consul
  keep_store "$folder" "consul-$version" "$folder/usr/bin/consul" version
}

# Makes the prefix of ZooKeeper from suite $2, using the work folder $1. A machine without Java gets one from suite $3,
# which is older, so that it needs no newer C library than the machine's.
install_zookeeper() {
  local work="$1" root="$1/apt-$2" folder version java
  prepare_private_apt "$root" "$2"
  version="$(package_version "$root" libzookeeper-java 2>/dev/null)" || true
  [ -n "$version" ] || die "Debian $2 has no libzookeeper-java"
  folder="$work/zookeeper-$version"
  say "setup: unpacking zookeeper $version from Debian $2"
  unpack_packages "$root" "$folder" "" "libzookeeper-java libslf4j-java libcommons-cli-java libcommons-io-java \
    libdropwizard-metrics-java libnetty-java libsnappy-java"
  java="$(command -v java)" || {
    prepare_private_apt "$work/apt-$3" "$3"
    unpack_packages "$work/apt-$3" "$work/java" "" openjdk-11-jre-headless
    mv "$work/java/usr/lib/jvm" "$folder/usr/lib/"
    java="$(find "$folder/usr/lib/jvm" -path '*/bin/java' | head -n 1)"
  }
  keep_store "$folder" "zookeeper-$version" \
    "$java" -cp "$folder/usr/share/java/*" org.apache.zookeeper.version.VersionInfoMain
}
