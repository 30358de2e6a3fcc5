#!/bin/sh
# Makes the environment NAME once and prints its bin directory: environment.sh s3gate|emulator|iam|lint|checkov
#
# It lies in .venv/NAME-VERSION and comes from locks/NAME-VERSION.txt, whose hashes pip insists on. A stamp
# holds what it was made from; while that is unchanged nothing is done.
set -eu

name=$1
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
found=$("$here/find-python.sh")
version=${found%% *}
python=${found#* }
lock="$here/locks/$name-$version.txt"
environment="$top/.venv/$name-$version"
project=''
[ "$name" != s3gate ] || project="$top/pyproject.toml"
stamp="$top $(git hash-object "$lock" "$0" ${project:+"$project"} | tr '\n' ' ')"

if [ "$(cat "$environment/.made-from" 2>/dev/null)" != "$stamp" ]; then
  printf 'making .venv/%s-%s from its lock file, once (about half a minute) ...\n' "$name" "$version" >&2
  rm -rf "$environment"
  unset PYTHONHOME PYTHONPATH
  export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1
  "$python" -m venv "$environment"
  "$environment/bin/python" -m pip install -qq --require-hashes --only-binary :all: --requirement "$lock" >&2
  if [ "$name" = s3gate ]; then
    "$environment/bin/python" -m pip install -qq --no-index --no-deps --no-build-isolation --editable "$top" >&2
  fi
  printf '%s\n' "$stamp" >"$environment/.made-from"
fi
printf '%s\n' "$environment/bin"
