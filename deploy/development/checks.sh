#!/bin/sh
# Runs every check, all of them even when one fails, and exits 1 when any did: checks.sh BIN_DIRECTORY
set -u

bin=$1
failed=''

# check NAME COMMAND...: runs it and remembers its name when it fails.
check() {
  name=$1
  shift
  printf '\n== %s\n' "$name"
  "$@" </dev/null || failed="$failed $name"
}

check ruff "$bin/ruff" check
check format "$bin/ruff" format --check
check mypy "$bin/mypy"
check cases "$bin/s3gate" test --policy config/policy.yaml
check pytest "$bin/python" -m pytest --numprocesses auto --quiet
[ -z "$failed" ] && exit 0
printf '\nfailed:%s\n' "$failed" >&2
exit 1
