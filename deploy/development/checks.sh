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
# Tests with real processes can miss a deadline while two suites share two cores. What failed is run once
# more, alone and in the open: it counts as passed only if it passes then, and both results are printed.
tests() {
  "$bin/python" -m pytest --numprocesses auto --quiet && return 0
  printf '\n== once more, alone: what failed\n'
  "$bin/python" -m pytest --quiet --last-failed --last-failed-no-failures none
}
check pytest tests
[ -z "$failed" ] && exit 0
printf '\nfailed:%s\n' "$failed" >&2
exit 1
