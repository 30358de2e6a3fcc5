#!/bin/sh
# Makes .venv/evaluator once and prints its directory: the IAM evaluator that tests ask (evaluator/NOTICE.md).
#
# npm installs what evaluator/package-lock.json pins by hash, and runs no script of a package. A stamp holds what it
# was made from; while that is unchanged nothing is done.
# shellcheck disable=SC2016  # the quotes around a name are for the reader
set -eu

here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
environment="$top/.venv/evaluator"

# need PROGRAM: ends the script with a sentence when it is missing.
need() {
  command -v "$1" >/dev/null 2>&1 && return
  printf 's3gate needs Node.js 18 or newer and npm to test policy exports, and found no `%s` on PATH: install them (Debian: apt-get install nodejs npm).\n' "$1" >&2
  exit 3
}

need node
need npm
version=$(node --version)
major=${version#v}
if ! [ "${major%%.*}" -ge 18 ] 2>/dev/null; then
  printf 's3gate needs Node.js 18 or newer to test policy exports, and `node` is %s: install a newer one (Debian: apt-get install nodejs npm).\n' "$version" >&2
  exit 3
fi

stamp="$version $(git hash-object "$here/evaluator/package.json" "$here/evaluator/package-lock.json" "$0" | tr '\n' ' ')"
if [ "$(cat "$environment/.made-from" 2>/dev/null)" != "$stamp" ]; then
  printf 'making .venv/evaluator from its lock file, once (some seconds) ...\n' >&2
  rm -rf "$environment"
  mkdir -p "$environment"
  cp "$here/evaluator/package.json" "$here/evaluator/package-lock.json" "$environment"
  (cd "$environment" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2)
  printf '%s\n' "$stamp" >"$environment/.made-from"
fi
printf '%s\n' "$environment"
