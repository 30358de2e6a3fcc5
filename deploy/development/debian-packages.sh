#!/bin/sh
# Installs the packages of debian.txt whose program is missing, when that is possible: as root on Debian.
#
# Elsewhere it does nothing: the tests that need them are then named at the end of the run.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
missing=$(grep -v '^#' "$here/debian.txt" | while read -r package program; do
  command -v "$program" >/dev/null 2>&1 || printf '%s ' "$package"
done)
[ -n "$missing" ] || exit 0
[ "$(id -u)" = 0 ] && [ -e /etc/debian_version ] && command -v apt-get >/dev/null || exit 0
printf 'installing Debian packages: %s\n' "$missing"
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086  # a list of package names
{ apt-get update -qq && apt-get install -qq --yes --no-install-recommends $missing; } >/dev/null ||
  printf 'apt-get could not install %s\n' "$missing" >&2
